"""Which of many posed images to keep as context views."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dmn_core.errors import BagError
from dmn_core.pose_track import DEFAULT_MAX_GAP_S
from dmn_core.pose_track.planar import FloatArray, IntArray
from dmn_core.pose_track.spread import TURN_WEIGHT_M_PER_RAD, farthest_points, is_near


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
    turn_weight_m_per_rad: float = TURN_WEIGHT_M_PER_RAD
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
    weight = selection.turn_weight_m_per_rad
    return new[farthest_points(poses[new], selection.max_views, turn_weight_m_per_rad=weight)]


def _new_views(poses: FloatArray, selection: ViewSelection) -> IntArray:
    """Indices of poses that are far from, or turned against, those kept before."""
    kept: list[int] = []
    for index, pose in enumerate(poses):
        known = is_near(
            poses[kept[-1:] if selection.revisits else kept],
            pose,
            distance_m=selection.min_distance_m,
            turn_rad=selection.min_turn_rad,
        )
        if not known.any():
            kept.append(index)
    return np.array(kept, dtype=np.int64)
