"""Parts of MuJoCo models that several kinds of world are built of."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmn_core.worlds.textures import SKY_RGB

WHOLE_TEXTURE = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
"""Texture coordinates (4, 2) of a quad's corners that show the texture once, upright."""


def new_spec(mujoco: ModuleType, *, buffer_size: tuple[int, int]) -> Any:
    """Return an empty `mujoco.MjSpec` under a flat sky, drawn in `buffer_size` (width, height)."""
    spec = mujoco.MjSpec()
    spec.visual.global_.offwidth, spec.visual.global_.offheight = buffer_size
    spec.visual.quality.offsamples = 0
    spec.visual.quality.shadowsize = 0
    spec.visual.headlight.active = 0
    spec.stat.extent = 1.0
    spec.stat.center = (0.0, 0.0, 0.0)
    colour = np.array(SKY_RGB) / 255
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
        rgb1=colour,
        rgb2=colour,
        width=4,
        height=24,
    )
    return spec


def add_textured_material(
    mujoco: ModuleType, spec: Any, name: str, texture: NDArray[np.uint8], *, emission: float = 0.0
) -> None:
    """Add a matt material that shows `texture` (H, W, 3), RGB; `emission` 1 needs no light."""
    height, width, _ = texture.shape
    image = spec.add_texture(
        name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=width, height=height, nchannel=3
    )
    image.data = texture.tobytes()
    material = spec.add_material(
        name=name, emission=emission, specular=0.0, shininess=0.0, reflectance=0.0
    )
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name


def add_quads(
    mujoco: ModuleType,
    spec: Any,
    name: str,
    quads: NDArray[np.float64],
    *,
    texture_corners: NDArray[np.float64] = WHOLE_TEXTURE,
) -> None:
    """Add one mesh of all `quads` (Q, 4, 3), in the material of the same name.

    `texture_corners` are texture coordinates, (4, 2) for every quad alike or (Q, 4, 2).
    """
    split = [[0, 1, 2], [0, 2, 3]]
    places = np.broadcast_to(texture_corners, (len(quads), 4, 2))
    add_triangles(
        mujoco,
        spec,
        name,
        quads[:, split].reshape(-1, 3, 3),
        texture_corners=places[:, split].reshape(-1, 3, 2),
    )


def add_triangles(
    mujoco: ModuleType,
    spec: Any,
    name: str,
    triangles: NDArray[np.float64],
    *,
    texture_corners: NDArray[np.float64],
) -> None:
    """Add one mesh of `triangles` (F, 3, 3), in the material of the same name.

    Corners go anticlockwise as seen from outside; `texture_corners` (F, 3, 2) are theirs.
    """
    spec.add_mesh(
        name=name,
        uservert=triangles.reshape(-1),
        userface=np.arange(3 * len(triangles)),
        usertexcoord=texture_corners.reshape(-1),
        inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
    )
    spec.worldbody.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=name,
        material=name,
        contype=0,
        conaffinity=0,
    )
