"""Mazes in the manner of the paper's `Mazes` data set: a grid of cells, corridors and rooms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmn_core.errors import WorldError
from dmn_core.worlds.needed import lacking
from dmn_core.worlds.textures import CORRIDOR_SURFACE, Surface, draw_room_surfaces

_WALL_CHARACTER = "*"
_NO_ROOM_CHARACTER = "."
_SEED_BOUND = 2**31


@dataclass(frozen=True)
class MazeConfig:
    """Shape of a maze: `cells` x `cells` cells on a square of `size_m` metres, walled in."""

    cells: int = 7
    size_m: float = 40.0
    max_rooms: int = 2
    room_min_size: int = 3
    room_max_size: int = 5
    extra_connection_probability: float = 0.1
    remove_dead_ends: bool = False
    agent_radius_cells: float = 0.16

    def __post_init__(self) -> None:
        if self.cells < 3 or self.cells % 2 == 0:
            raise WorldError(f"cells must be an odd number of at least 3, not {self.cells!r}")
        if not self.size_m > 0:
            raise WorldError(f"size_m must be positive, not {self.size_m!r}")
        if not 1 <= self.room_min_size <= self.room_max_size:
            raise WorldError(
                "room sizes must satisfy 1 <= room_min_size <= room_max_size, not "
                f"{self.room_min_size!r} and {self.room_max_size!r}"
            )

    @property
    def cell_m(self) -> float:
        """Side of a cell in metres."""
        return self.size_m / self.cells

    @property
    def agent_radius_m(self) -> float:
        """Distance that the robot's centre keeps from walls, in metres."""
        return self.agent_radius_cells * self.cell_m


@dataclass(frozen=True, eq=False)
class MazeLayout:
    """One maze.

    `walls` is bool (R, R) with R = cells + 2 (the outer wall included), row 0 at the largest y and
    column 0 at the smallest x; `rooms` is int (R, R), 0 in corridors and k in the k-th room;
    `surfaces[k]` is what region k looks like. The map's origin is the centre of the maze.
    """

    config: MazeConfig
    seed: int
    walls: NDArray[np.bool_]
    rooms: NDArray[np.int64]
    surfaces: tuple[Surface, ...]

    @property
    def area_m(self) -> tuple[float, float, float, float]:
        """x_min, x_max, y_min, y_max of the cells inside the outer wall, in metres."""
        half = self.config.size_m / 2
        return -half, half, -half, half

    def cell_centre(self, row: ArrayLike, column: ArrayLike) -> NDArray[np.float64]:
        """Return the centre (..., 2) in metres of the cell at `row`, `column`."""
        middle = (self.walls.shape[0] - 1) / 2
        x = (np.asarray(column) - middle) * self.config.cell_m
        y = (middle - np.asarray(row)) * self.config.cell_m
        return np.stack([x, y], axis=-1)

    def cell_of(self, xy_m: ArrayLike) -> NDArray[np.int64]:
        """Return (row, column), shape (..., 2), of the cell that holds each point, in metres."""
        xy = np.asarray(xy_m, dtype=np.float64) / self.config.cell_m
        middle = (self.walls.shape[0] - 1) / 2
        rows = np.floor(middle - xy[..., 1] + 0.5)
        columns = np.floor(middle + xy[..., 0] + 0.5)
        return np.stack([rows, columns], axis=-1).astype(np.int64)

    def free_cells(self) -> NDArray[np.int64]:
        """Return (row, column) of every free cell, shape (F, 2)."""
        return np.argwhere(~self.walls)

    def free_cell_centres(self) -> NDArray[np.float64]:
        """Return the centres (F, 2) in metres of the free cells."""
        cells = self.free_cells()
        return self.cell_centre(cells[:, 0], cells[:, 1])

    def is_free(self, xy_m: ArrayLike, margin_m: float | None = None) -> NDArray[np.bool_]:
        """Tell which points (..., 2) are `margin_m` or more from walls; default: robot's radius."""
        margin = self.config.agent_radius_m if margin_m is None else margin_m
        return self.wall_distance(xy_m) >= max(margin, 1e-9)

    def wall_distance(self, xy_m: ArrayLike) -> NDArray[np.float64]:
        """Return the distance (...) in metres to the nearest wall, capped at one cell; 0 inside."""
        xy = np.asarray(xy_m, dtype=np.float64)
        home = self.cell_of(xy)
        last = self.walls.shape[0] - 1
        nearest = np.full(xy.shape[:-1], self.config.cell_m)
        for step_row in (-1, 0, 1):
            for step_column in (-1, 0, 1):
                cell = home + np.array([step_row, step_column])
                inside = np.all((cell >= 0) & (cell <= last), axis=-1)
                kept = np.clip(cell, 0, last)
                is_wall = ~inside | self.walls[kept[..., 0], kept[..., 1]]
                centre = self.cell_centre(cell[..., 0], cell[..., 1])
                excess = np.maximum(np.abs(xy - centre) - self.config.cell_m / 2, 0.0)
                distance = np.linalg.norm(excess, axis=-1)
                nearest = np.where(is_wall, np.minimum(nearest, distance), nearest)
        return nearest


def generate_maze(seed: int, config: MazeConfig | None = None) -> MazeLayout:
    """Return the maze that belongs to `seed`; the same seed gives the same maze.

    Raises:
        WorldError: when labmaze is not installed, or the seed is negative.
    """
    config = config or MazeConfig()
    if seed < 0:
        raise WorldError(f"a maze seed must not be negative, got {seed!r}")
    rng = np.random.default_rng(seed)
    random_maze = _import_random_maze()
    side = config.cells + 2
    grid = random_maze(
        height=side,
        width=side,
        max_rooms=int(rng.integers(min(1, config.max_rooms), config.max_rooms + 1)),
        room_min_size=config.room_min_size,
        room_max_size=config.room_max_size,
        extra_connection_probability=config.extra_connection_probability,
        simplify=config.remove_dead_ends,
        spawns_per_room=0,
        objects_per_room=0,
        random_seed=int(rng.integers(_SEED_BOUND)),
    )
    walls = np.asarray(grid.entity_layer) == _WALL_CHARACTER
    rooms = _number_rooms(np.asarray(grid.variations_layer))
    surfaces = (CORRIDOR_SURFACE, *draw_room_surfaces(int(rooms.max()), rng))
    return MazeLayout(config, seed, walls, rooms, surfaces)


def _number_rooms(letters: NDArray[np.str_]) -> NDArray[np.int64]:
    names = [name for name in np.unique(letters) if name != _NO_ROOM_CHARACTER]
    rooms = np.zeros(letters.shape, dtype=np.int64)
    for number, name in enumerate(names, start=1):
        rooms[letters == name] = number
    return rooms


def _import_random_maze():  # type: ignore[no-untyped-def]  # labmaze has no types
    try:
        from labmaze import RandomMaze
    except ImportError as error:
        raise lacking("labmaze", what="mazes") from error
    return RandomMaze
