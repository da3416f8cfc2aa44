"""The MuJoCo model of a maze: one textured mesh for every wall and floor texture."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmn_core.worlds.maze import MazeLayout
from dmn_core.worlds.maze_look import MazeLook, tinted
from dmn_core.worlds.model_parts import (
    WHOLE_TEXTURE,
    add_quads,
    add_textured_material,
    new_spec,
)
from dmn_core.worlds.textures import load_texture

_TEXTURE_PX = 256
_SIDES = ((0, 1), (-1, 0), (0, -1), (1, 0))
"""Steps (row, column) from a free cell to its neighbours: east, north, west, south."""


def build_maze_model(
    mujoco: ModuleType,
    layout: MazeLayout,
    *,
    buffer_size: tuple[int, int],
    look: MazeLook | None = None,
) -> Any:
    """Return the compiled `mujoco.MjModel` of `layout`, for an off-screen buffer (width, height).

    The world frame is the map frame with z = 0 at half the wall height; walls are one cell high.
    """
    look = look or MazeLook()
    spec = new_spec(mujoco, buffer_size=buffer_size)
    for region, surface in enumerate(layout.surfaces):
        parts = (("floor", surface.floor, _floor_quads), ("wall", surface.wall, _wall_quads))
        for part, colour, make_quads in parts:
            quads = make_quads(layout, region)
            if len(quads):
                name = f"{part}_{region}"
                texture = tinted(load_texture(surface.style, part, colour, _TEXTURE_PX), look)
                # Emission alone lights the scene, so that textures keep their colours everywhere.
                add_textured_material(mujoco, spec, name, texture, emission=1.0)
                corners = WHOLE_TEXTURE * look.texture_scale
                add_quads(mujoco, spec, name, quads, texture_corners=corners)
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
