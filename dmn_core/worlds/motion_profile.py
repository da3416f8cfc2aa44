"""From pieces of path to poses in time, with bounded speed and acceleration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError
from dmn_core.worlds.path import Piece


@dataclass(frozen=True)
class SpeedLimits:
    """Greatest speeds and accelerations of the robot, along its path and in turning."""

    speed_mps: float = 2.0
    turn_rate_rps: float = 1.0
    acceleration_mps2: float = 1.5
    turn_acceleration_rps2: float = 2.0

    def __post_init__(self) -> None:
        if not min(vars(self).values()) > 0:
            raise WorldError(f"speed limits must be positive, got {self!r}")


@dataclass(frozen=True, eq=False)
class Run:
    """Pieces driven from standstill to standstill: a turn on the spot, or any number of moves."""

    pieces: tuple[Piece, ...]
    start_pose: NDArray[np.float64]
    limits: SpeedLimits

    @cached_property
    def duration_s(self) -> float:
        """Time from standstill to standstill."""
        speed, acceleration = self._peak
        return float(self._ends[-1]) / speed + speed / acceleration

    @cached_property
    def end_pose(self) -> NDArray[np.float64]:
        """Pose (3,) where the run ends."""
        return self._knots[-1]

    def pose_at(self, time_s: float) -> NDArray[np.float64]:
        """Return the pose (3,) `time_s` after the run began."""
        travelled = self._travelled(time_s)
        index = min(int(np.searchsorted(self._ends, travelled)), len(self.pieces) - 1)
        piece = self.pieces[index]
        left = float(self._ends[index]) - travelled
        fraction = 1.0 - left / _extent(piece)
        return _advance(self._knots[index], piece, fraction)

    @cached_property
    def _ends(self) -> NDArray[np.float64]:
        return np.cumsum([_extent(piece) for piece in self.pieces])

    @cached_property
    def _knots(self) -> list[NDArray[np.float64]]:
        knots = [self.start_pose]
        for piece in self.pieces:
            knots.append(_advance(knots[-1], piece, 1.0))
        return knots

    @cached_property
    def _peak(self) -> tuple[float, float]:
        """Greatest speed of this run and its acceleration, in metres (in radians on the spot)."""
        limits = self.limits
        if self.pieces[0].length_m == 0:
            speed, acceleration = limits.turn_rate_rps, limits.turn_acceleration_rps2
        else:
            bent = [p.length_m / abs(p.turn_rad) for p in self.pieces if p.turn_rad]
            speed = min([limits.speed_mps, *(limits.turn_rate_rps * radius for radius in bent)])
            acceleration = limits.acceleration_mps2
        return min(speed, float(np.sqrt(self._ends[-1] * acceleration))), acceleration

    def _travelled(self, time_s: float) -> float:
        speed, acceleration = self._peak
        total, ramp = float(self._ends[-1]), speed / acceleration
        time = float(np.clip(time_s, 0.0, self.duration_s))
        if time < ramp:
            return acceleration * time**2 / 2
        if time > self.duration_s - ramp:
            return total - acceleration * (self.duration_s - time) ** 2 / 2
        return speed * (time - ramp / 2)


def runs(
    pieces: Iterable[Piece], start_pose: NDArray[np.float64], limits: SpeedLimits
) -> Iterator[Run]:
    """Group `pieces` into runs, each beginning where the one before it ended."""
    pose = start_pose
    waiting: list[Piece] = []
    for piece in pieces:
        standing = piece.length_m == 0
        if waiting and (standing or waiting[0].length_m == 0):
            run = Run(tuple(waiting), pose, limits)
            yield run
            pose, waiting = run.end_pose, []
        waiting.append(piece)
    if waiting:
        yield Run(tuple(waiting), pose, limits)


def _extent(piece: Piece) -> float:
    return piece.length_m or abs(piece.turn_rad)


def _advance(pose: NDArray[np.float64], piece: Piece, fraction: float) -> NDArray[np.float64]:
    """Return the pose after `fraction` of `piece`, an arc of constant curvature."""
    turn = piece.turn_rad * fraction
    chord = piece.length_m * fraction * float(np.sinc(turn / 2 / np.pi))
    along = pose[2] + turn / 2
    return pose + np.array([chord * np.cos(along), chord * np.sin(along), turn])
