"""Drives of a simulated differential-drive robot through a maze, sampled in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError
from dmn_core.worlds.maze import MazeLayout
from dmn_core.worlds.motion_profile import SpeedLimits, runs
from dmn_core.worlds.path import Cell, Piece, route_pieces, shortest_route, tour


@dataclass(frozen=True)
class DriveConfig:
    """How the robot drives, and at which rate its pose is sampled.

    At the end of a route it turns once on the spot with probability `look_around`.
    """

    rate_hz: float = 20.0
    limits: SpeedLimits = field(default_factory=SpeedLimits)
    look_around: float = 0.0

    def __post_init__(self) -> None:
        if not self.rate_hz > 0:
            raise WorldError(f"rate_hz must be positive, not {self.rate_hz!r}")
        if not 0 <= self.look_around <= 1:
            raise WorldError(f"look_around is a probability, not {self.look_around!r}")


@dataclass(frozen=True, eq=False)
class Trajectory:
    """True poses (T, 3) [m, m, rad] in the map frame, at times (T,) in seconds from the start.

    Yaw is not wrapped, so that it is continuous.
    """

    times_s: NDArray[np.float64]
    poses_map_base: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.times_s)


def drive_between_random_cells(
    layout: MazeLayout,
    duration_s: float,
    *,
    rng: np.random.Generator,
    config: DriveConfig | None = None,
) -> Trajectory:
    """Drive for `duration_s` along shortest routes between random cells.

    Raises:
        WorldError: when the duration is not positive and finite.
    """
    if not 0 < duration_s < np.inf:
        raise WorldError(f"a drive must last longer than 0 s and end, not {duration_s!r} s")
    start = _random_cell(layout, rng)
    routes = _random_routes(layout, start, rng)
    return _drive(layout, start, routes, rng, config or DriveConfig(), duration_s=duration_s)


def drive_everywhere(
    layout: MazeLayout, *, rng: np.random.Generator, config: DriveConfig | None = None
) -> Trajectory:
    """Drive through every cell that can be reached from a random one, then stop."""
    start = _random_cell(layout, rng)
    routes = iter(tour(layout, start, rng=rng))
    return _drive(layout, start, routes, rng, config or DriveConfig(), duration_s=np.inf)


def _random_cell(layout: MazeLayout, rng: np.random.Generator) -> Cell:
    row, column = rng.choice(layout.free_cells())
    return int(row), int(column)


def _random_routes(
    layout: MazeLayout, start: Cell, rng: np.random.Generator
) -> Iterator[list[Cell]]:
    here = start
    while True:
        route = shortest_route(layout, here, _random_cell(layout, rng), rng=rng)
        here = route[-1]
        yield route


def _drive(
    layout: MazeLayout,
    start: Cell,
    routes: Iterator[list[Cell]],
    rng: np.random.Generator,
    config: DriveConfig,
    *,
    duration_s: float,
) -> Trajectory:
    """Drive `routes` one after the other, sampling until `duration_s` or the end of the drive."""
    heading = int(rng.integers(4))
    start_pose = np.array([*layout.cell_centre(*start), heading * np.pi / 2])
    pieces = _pieces(layout, routes, heading, rng, look_around=config.look_around)
    poses = [start_pose]
    begun_s = 0.0
    for run in runs(pieces, start_pose, config.limits):
        ended_s = begun_s + run.duration_s
        while len(poses) / config.rate_hz <= min(ended_s, duration_s):
            poses.append(run.pose_at(len(poses) / config.rate_hz - begun_s))
        begun_s = ended_s
        if begun_s >= duration_s:
            break
    return Trajectory(np.arange(len(poses)) / config.rate_hz, np.stack(poses))


def _pieces(
    layout: MazeLayout,
    routes: Iterator[list[Cell]],
    heading: int,
    rng: np.random.Generator,
    *,
    look_around: float,
) -> Iterator[Piece]:
    for route in routes:
        pieces, heading = route_pieces(route, heading, cell_m=layout.config.cell_m)
        yield from pieces
        if not pieces or rng.random() < look_around:
            yield Piece(0.0, float(rng.choice([-2, 2])) * np.pi)
