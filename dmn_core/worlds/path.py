"""Smooth paths of a differential-drive robot: straights, quarter circles and turns on the spot."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dmn_core.errors import WorldError
from dmn_core.worlds.maze import MazeLayout

Cell = tuple[int, int]
_STEPS: tuple[Cell, ...] = ((0, 1), (-1, 0), (0, -1), (1, 0))


@dataclass(frozen=True)
class Piece:
    """A stretch of path with constant curvature, `length_m` long, that turns by `turn_rad`.

    A piece with `length_m` = 0 is a turn on the spot.
    """

    length_m: float
    turn_rad: float


def shortest_route(
    layout: MazeLayout, start: Cell, goal: Cell, *, rng: np.random.Generator
) -> list[Cell]:
    """Return the cells (row, column) of a shortest route, both ends included.

    Raises:
        WorldError: when walls separate the two cells.
    """
    came_from: dict[Cell, Cell] = {start: start}
    steps = [_STEPS[i] for i in rng.permutation(len(_STEPS))]
    waiting = deque([start])
    while waiting and goal not in came_from:
        cell = waiting.popleft()
        for row, column in steps:
            near = (cell[0] + row, cell[1] + column)
            if near not in came_from and not layout.walls[near]:
                came_from[near] = cell
                waiting.append(near)
    if goal not in came_from:
        raise WorldError(f"no way from cell {start!r} to {goal!r} in maze {layout.seed}")
    route = [goal]
    while route[-1] != start:
        route.append(came_from[route[-1]])
    return route[::-1]


def tour(layout: MazeLayout, start: Cell, *, rng: np.random.Generator) -> list[list[Cell]]:
    """Return routes that follow each other from `start` and together enter every reachable cell."""
    left = {(int(row), int(column)) for row, column in layout.free_cells()} - {start}
    routes: list[list[Cell]] = []
    here = start
    while left:
        reachable = [
            route
            for goal in sorted(left)
            if (route := _route_or_none(layout, here, goal, rng=rng)) is not None
        ]
        if not reachable:
            break
        nearest = min(len(route) for route in reachable)
        near = [route for route in reachable if len(route) == nearest]
        routes.append(near[int(rng.integers(len(near)))])
        left -= set(routes[-1])
        here = routes[-1][-1]
    return routes


def route_pieces(route: list[Cell], heading: int, *, cell_m: float) -> tuple[list[Piece], int]:
    """Return the pieces that drive `route` from centre to centre, and the heading at its end.

    `heading` counts quarter turns counter-clockwise from +x. Corners are quarter circles around the
    inner corner of a cell, so that the robot keeps half a cell from the walls.
    """
    if len(route) < 2:
        return [], heading
    headings = [_STEPS.index((b[0] - a[0], b[1] - a[1])) for a, b in pairwise(route)]
    pieces = turn_on_the_spot((headings[0] - heading) * np.pi / 2)
    pieces.append(Piece(cell_m / 2, 0.0))
    for before, after in pairwise(headings):
        quarters = (after - before + 1) % 4 - 1
        if quarters == 2:
            half = Piece(cell_m / 2, 0.0)
            pieces += [half, *turn_on_the_spot(np.pi), half]
        elif quarters == 0:
            pieces.append(Piece(cell_m, 0.0))
        else:
            pieces.append(Piece(cell_m * np.pi / 4, quarters * np.pi / 2))
    pieces.append(Piece(cell_m / 2, 0.0))
    return pieces, headings[-1]


def turn_on_the_spot(angle_rad: float) -> list[Piece]:
    """Return the pieces of a turn by `angle_rad`, the short way round; none for no turn."""
    short = (angle_rad + np.pi) % (2 * np.pi) - np.pi
    return [Piece(0.0, float(short))] if abs(short) > 1e-9 else []


def _route_or_none(
    layout: MazeLayout, start: Cell, goal: Cell, *, rng: np.random.Generator
) -> list[Cell] | None:
    try:
        return shortest_route(layout, start, goal, rng=rng)
    except WorldError:
        return None
