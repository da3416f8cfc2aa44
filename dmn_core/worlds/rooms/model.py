"""The MuJoCo model of a room."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmn_core.worlds.model_parts import add_quads, add_textured_material, new_spec
from dmn_core.worlds.rooms.layout import RoomLayout, RoomObject
from dmn_core.worlds.rooms.looks import surface_texture
from dmn_core.worlds.rooms.shadows import shadow_outline
from dmn_core.worlds.rooms.shapes import PROPORTIONS, mesh_triangles

_SHADOW_RGBA = (0.0, 0.0, 0.0, 0.45)
_SHADOW_UNITS = 0.02
"""Height of shadows above the floor, so that both are not drawn at one depth."""
_WALL_TILES = 3
_FLOOR_TILES = 4
_CELLS_PER_TILE = 4
"""OpenGL lights corners only, so that surfaces are cut finer than their textures."""


def build_room_model(
    mujoco: ModuleType, layout: RoomLayout, *, buffer_size: tuple[int, int]
) -> Any:
    """Return the compiled `mujoco.MjModel` of `layout`, for an off-screen buffer (width, height).

    The world frame is the map frame with z = 0 on the floor.
    """
    spec = new_spec(mujoco, buffer_size=buffer_size)
    surfaces = (("floor", layout.floor, _floor(layout)), ("wall", layout.wall, _walls(layout)))
    for part, name, (quads, corners) in surfaces:
        add_textured_material(mujoco, spec, part, surface_texture(part, name))
        add_quads(mujoco, spec, part, quads, texture_corners=corners)
    _add_light(mujoco, spec, layout)
    for index, thing in enumerate(layout.objects):
        _add_object(mujoco, spec, f"object_{index}", thing)
        _add_shadow(mujoco, spec, f"shadow_{index}", layout, thing)
    return spec.compile()


Surface = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Quads (Q, 4, 3) and the texture coordinates (Q, 4, 2) of their corners."""


def _floor(layout: RoomLayout) -> Surface:
    half, side = layout.config.side_m / 2, layout.config.side_m
    return _patch(
        (-half, -half, 0.0), (side, 0.0, 0.0), (0.0, side, 0.0), _FLOOR_TILES, _FLOOR_TILES
    )


def _walls(layout: RoomLayout) -> Surface:
    half = layout.config.side_m / 2
    height = layout.config.wall_height_units * layout.config.unit_m
    patches = []
    for turn in range(4):
        cosine, sine = round(np.cos(turn * np.pi / 2)), round(np.sin(turn * np.pi / 2))
        # The wall that lies ahead of yaw = turn * 90 degrees, from its left end to its right end.
        ahead, right = np.array([cosine, sine, 0.0]), np.array([sine, -cosine, 0.0])
        patches.append(
            _patch(half * (ahead - right), 2 * half * right, (0.0, 0.0, height), _WALL_TILES, 1)
        )
    quads, corners = zip(*patches, strict=True)
    return np.concatenate(quads), np.concatenate(corners)


def _patch(origin: Any, along: Any, up: Any, tiles_along: int, tiles_up: int) -> Surface:
    """Cut a parallelogram into cells; its texture shows `tiles_along` x `tiles_up` times."""
    cells_along, cells_up = tiles_along * _CELLS_PER_TILE, tiles_up * _CELLS_PER_TILE
    columns, rows = np.meshgrid(np.arange(cells_along), np.arange(cells_up))
    steps = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    grid = np.stack([columns, rows], axis=-1).reshape(-1, 1, 2) + steps
    u, v = grid[..., :1] / cells_along, grid[..., 1:] / cells_up
    quads = np.asarray(origin) + u * np.asarray(along) + v * np.asarray(up)
    corners = np.concatenate([u * tiles_along, (1.0 - v) * tiles_up], axis=-1)
    return quads, corners


def _add_light(mujoco: ModuleType, spec: Any, layout: RoomLayout) -> None:
    light = layout.light
    spec.worldbody.add_light(
        name="lamp",
        type=mujoco.mjtLightType.mjLIGHT_SPOT,
        pos=light.position_m,
        dir=(0.0, 0.0, -1.0),
        cutoff=85.0,
        exponent=0.0,
        attenuation=(1.0, 0.0, 0.0),
        ambient=[light.ambient] * 3,
        diffuse=[light.strength] * 3,
        specular=[0.2] * 3,
    )


def _add_object(mujoco: ModuleType, spec: Any, name: str, thing: RoomObject) -> None:
    proportions = PROPORTIONS[thing.shape]
    half_width = proportions.half_width * thing.size_m
    native = {
        "box": (mujoco.mjtGeom.mjGEOM_BOX, (half_width, half_width, thing.half_height_m)),
        "sphere": (mujoco.mjtGeom.mjGEOM_SPHERE, (thing.size_m, 0.0, 0.0)),
        "cylinder": (mujoco.mjtGeom.mjGEOM_CYLINDER, (half_width, thing.half_height_m, 0.0)),
        "capsule": (
            mujoco.mjtGeom.mjGEOM_CAPSULE,
            (half_width, thing.half_height_m - half_width, 0.0),
        ),
    }
    if thing.shape in native:
        kind, size = native[thing.shape]
        form = {"type": kind, "size": size}
    else:
        _add_mesh(mujoco, spec, name, mesh_triangles(thing.shape) * thing.size_m)
        form = {"type": mujoco.mjtGeom.mjGEOM_MESH, "meshname": name}
    spec.worldbody.add_geom(
        name=name,
        pos=(thing.x_m, thing.y_m, thing.half_height_m),
        quat=(np.cos(thing.yaw_rad / 2), 0.0, 0.0, np.sin(thing.yaw_rad / 2)),
        rgba=(*thing.colour, 1.0),
        contype=0,
        conaffinity=0,
        **form,
    )


def _add_shadow(
    mujoco: ModuleType, spec: Any, name: str, layout: RoomLayout, thing: RoomObject
) -> None:
    outline = shadow_outline(thing, layout.light)
    height = np.full((len(outline), 1), _SHADOW_UNITS * layout.config.unit_m)
    corners = np.concatenate([outline, height], axis=1)
    fan = [(corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1)]
    _add_mesh(mujoco, spec, name, np.array(fan))
    spec.worldbody.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=name,
        rgba=_SHADOW_RGBA,
        contype=0,
        conaffinity=0,
    )


def _add_mesh(mujoco: ModuleType, spec: Any, name: str, triangles: NDArray[np.float64]) -> None:
    """Add a mesh of flat triangles (F, 3, 3)."""
    spec.add_mesh(
        name=name,
        uservert=triangles.reshape(-1),
        userface=np.arange(3 * len(triangles)),
        inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
    )
