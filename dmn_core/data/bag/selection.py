"""Which of many posed images to keep as context views."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import BagError
from dmn_core.pose_track import DEFAULT_MAX_GAP_S, wrap_angle
from dmn_core.pose_track.planar import FloatArray, IntArray


@dataclass(frozen=True)
class ViewSelection:
    """How context views are chosen.

    Attributes:
        min_distance_m: A view this far from every kept one is new.
        min_turn_rad: A view turned this much against every kept one nearby is new.
        max_views: At most this many are kept, spread as widely as can be; None keeps all.
        turn_weight_m_per_rad: How many metres count as much as one radian when spreading.
        max_gap_s: Poses further apart in time than this are not interpolated.
        revisits: A view is new against the last kept one alone, so that coming back counts.
    """

    min_distance_m: float = 0.5
    min_turn_rad: float = math.radians(20)
    max_views: int | None = 16
    turn_weight_m_per_rad: float = 4.0
    max_gap_s: float = DEFAULT_MAX_GAP_S
    revisits: bool = False

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            BagError: A value is out of range.
        """
        for name in ("min_distance_m", "min_turn_rad", "turn_weight_m_per_rad", "max_gap_s"):
            if not getattr(self, name) >= 0:
                raise BagError(f"{name} must not be negative, got {getattr(self, name)!r}")
        if self.max_views is not None and self.max_views < 1:
            raise BagError(f"max_views must be at least 1 or None, got {self.max_views!r}")


def select_views(poses: FloatArray, selection: ViewSelection) -> IntArray:
    """Indices into poses (T, 3) of the views to keep.

    In order of time; where `max_views` leaves some out, in farthest-point order, so that any first
    part of them is spread too.
    """
    new = _new_views(poses, selection)
    if selection.max_views is None or len(new) <= selection.max_views:
        return new
    return new[_farthest_points(poses[new], selection)]


def _new_views(poses: FloatArray, selection: ViewSelection) -> IntArray:
    """Indices of poses that are far from, or turned against, those kept before."""
    kept: list[int] = []
    for index, pose in enumerate(poses):
        distance, turn = _apart(poses[kept[-1:] if selection.revisits else kept], pose)
        is_known = (distance < selection.min_distance_m) & (turn < selection.min_turn_rad)
        if not is_known.any():
            kept.append(index)
    return np.array(kept, dtype=np.int64)


def _farthest_points(poses: FloatArray, selection: ViewSelection) -> IntArray:
    """Greedy order: first the first pose, then each time the one farthest from all before."""
    chosen = [0]
    nearest = np.full(len(poses), np.inf)
    while len(chosen) < (selection.max_views or len(poses)):
        distance, turn = _apart(poses, poses[chosen[-1]])
        nearest[chosen[-1]] = -1.0
        nearest = np.minimum(nearest, np.hypot(distance, selection.turn_weight_m_per_rad * turn))
        chosen.append(int(np.argmax(nearest)))
    return np.array(chosen, dtype=np.int64)


def _apart(poses: FloatArray, pose: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances [m] and turns [rad, not negative] of poses (M, 3) from one pose (3,)."""
    distance = np.hypot(poses[:, 0] - pose[0], poses[:, 1] - pose[1])
    return distance, np.abs(wrap_angle(poses[:, 2] - pose[2]))
