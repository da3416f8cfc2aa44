"""The MuJoCo model of a maze: one textured mesh for every wall and floor texture."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmn_core.worlds.maze import MazeLayout
from dmn_core.worlds.textures import SKY_RGB, load_texture

_TEXTURE_PX = 256
_SIDES = ((0, 1), (-1, 0), (0, -1), (1, 0))
"""Steps (row, column) from a free cell to its neighbours: east, north, west, south."""


def build_maze_model(
    mujoco: ModuleType, layout: MazeLayout, *, buffer_size: tuple[int, int]
) -> Any:
    """Return the compiled `mujoco.MjModel` of `layout`, for an off-screen buffer (width, height).

    The world frame is the map frame with z = 0 at half the wall height; walls are one cell high.
    """
    spec = mujoco.MjSpec()
    spec.visual.global_.offwidth, spec.visual.global_.offheight = buffer_size
    spec.visual.quality.offsamples = 0
    spec.visual.quality.shadowsize = 0
    spec.visual.headlight.active = 0
    spec.stat.extent = 1.0
    spec.stat.center = (0.0, 0.0, 0.0)
    _add_sky(mujoco, spec)
    for region, surface in enumerate(layout.surfaces):
        parts = (("floor", surface.floor, _floor_quads), ("wall", surface.wall, _wall_quads))
        for part, colour, make_quads in parts:
            quads = make_quads(layout, region)
            if len(quads):
                texture = load_texture(surface.style, part, colour, _TEXTURE_PX)
                _add_surface(mujoco, spec, f"{part}_{region}", quads, texture)
    return spec.compile()


def _floor_quads(layout: MazeLayout, region: int) -> NDArray[np.float64]:
    """Corners (Q, 4, 3) of the floor of a region's free cells, anticlockwise from above."""
    half = layout.config.cell_m / 2
    cells = np.argwhere(~layout.walls & (layout.rooms == region))
    centres = layout.cell_centre(cells[:, 0], cells[:, 1])
    offsets = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
    corners = np.full((len(cells), 4, 3), -half)
    corners[..., :2] = centres[:, None] + offsets
    return corners


def _wall_quads(layout: MazeLayout, region: int) -> NDArray[np.float64]:
    """Corners (Q, 4, 3) of the wall faces that bound free cells of `region`, seen from the cell."""
    half = layout.config.cell_m / 2
    quads = []
    for row, column in np.argwhere(~layout.walls & (layout.rooms == region)):
        centre = layout.cell_centre(row, column)
        for step_row, step_column in _SIDES:
            if not layout.walls[row + step_row, column + step_column]:
                continue
            outward = np.array([step_column, -step_row], dtype=np.float64)
            right = np.array([outward[1], -outward[0]])
            left_xy, right_xy = (centre + half * (outward + sign * right) for sign in (-1, 1))
            quads.append(
                [
                    [*left_xy, -half],
                    [*right_xy, -half],
                    [*right_xy, half],
                    [*left_xy, half],
                ]
            )
    return np.array(quads, dtype=np.float64).reshape(-1, 4, 3)


def _add_sky(mujoco: ModuleType, spec: Any) -> None:
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


def _add_surface(
    mujoco: ModuleType,
    spec: Any,
    name: str,
    quads: NDArray[np.float64],
    texture: NDArray[np.uint8],
) -> None:
    """Add one mesh of all `quads`, each showing `texture` (RGB) once, upright and glowing."""
    size = texture.shape[0]
    image = spec.add_texture(
        name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=size, height=size, nchannel=3
    )
    image.data = texture.tobytes()
    # Emission alone lights the scene, so that textures keep their own colours everywhere.
    material = spec.add_material(
        name=name, emission=1.0, specular=0.0, shininess=0.0, reflectance=0.0
    )
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name
    count = len(quads)
    corners = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    triangles = np.array([[0, 1, 2], [0, 2, 3]]) + 4 * np.arange(count)[:, None, None]
    spec.add_mesh(
        name=name,
        uservert=quads.reshape(-1),
        userface=triangles.reshape(-1),
        usertexcoord=np.tile(corners, (count, 1)).reshape(-1),
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
