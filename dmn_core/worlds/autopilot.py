"""Driving a live robot from one random place of a maze to the next."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dmn_core.pose_track import wrap_angle
from dmn_core.worlds.live_robot import LiveRobot, Velocity
from dmn_core.worlds.path import Cell, shortest_route

# A way point counts as reached from here on.
REACHED_M = 0.3
# Beyond this the robot turns on the spot.
LARGEST_BEARING_RAD = 0.5
TURN_GAIN = 3.0
LEAST_SPEED_MPS = 0.2


class Autopilot:
    """Drives along shortest routes between cells, from wherever the robot is."""

    def __init__(self, robot: LiveRobot, *, seed: int) -> None:
        """Drive a robot; the same seed gives the same goals."""
        self._robot, self._rng = robot, np.random.default_rng(seed)
        self._way: list[NDArray[np.float64]] = []

    def forget(self) -> None:
        """Plan anew: the robot is not where it was."""
        self._way = []

    def velocity(self) -> Velocity:
        """How to move now."""
        pose, limits = self._robot.pose_map_base, self._robot.limits
        while self._way and np.hypot(*(self._way[0] - pose[:2])) < REACHED_M:
            self._way.pop(0)
        if not self._way:
            self._way = self._plan(pose)
        ahead = self._way[0] - pose[:2]
        bearing = float(wrap_angle(math.atan2(ahead[1], ahead[0]) - pose[2]))
        turn = float(np.clip(TURN_GAIN * bearing, -limits.turn_rate_rps, limits.turn_rate_rps))
        if abs(bearing) > LARGEST_BEARING_RAD:
            return Velocity(0.0, turn)
        # Slow enough to stop at the way point, where the route may bend.
        brake = math.sqrt(limits.acceleration_mps2 * self._straight_m(pose))
        return Velocity(min(limits.speed_mps, max(brake, LEAST_SPEED_MPS)), turn)

    def _straight_m(self, pose: NDArray[np.float64]) -> float:
        """Way to the next bend."""
        points = [pose[:2], *self._way]
        length = float(np.hypot(*(points[1] - points[0])))
        heading = points[1] - points[0]
        for here, there in pairwise(points[1:]):
            step = there - here
            if abs(heading[0] * step[1] - heading[1] * step[0]) > REACHED_M * np.hypot(*step):
                break
            length += float(np.hypot(*step))
        return length

    def _plan(self, pose: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        layout = self._robot.layout
        row, column = (int(number) for number in layout.cell_of(pose[:2]))
        cells = [(int(r), int(c)) for r, c in layout.free_cells() if (r, c) != (row, column)]
        goal: Cell = cells[int(self._rng.integers(len(cells)))]
        route = shortest_route(layout, (row, column), goal, rng=self._rng)
        return [layout.cell_centre(*cell) for cell in route]
