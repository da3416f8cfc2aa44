"""Telling a pose that jumped from one that odometry led to."""

from __future__ import annotations

import numpy as np

from dmn_core.belief_monitor import TRUSTED, Jump, State
from dmn_core.pose_track import compose, inverse, wrap_angle

# Less than this is what images correct on the way; beyond, it is another place (a cluster's cell).
LEAST_JUMP_M = 1.0
LEAST_JUMP_RAD = 0.5


class JumpWatch:
    """Compares each pose that can be trusted with the one before, carried by odometry."""

    def __init__(self) -> None:
        """Begin without a pose."""
        self.last = Jump.NONE
        self._pose_map_odom: np.ndarray | None = None
        self._cause = Jump.RECOVERY

    def interrupt(self, cause: Jump) -> None:
        """Whatever comes next, this is why."""
        self._cause = cause

    def forget(self) -> None:
        """Odometry begins anew: what comes next cannot be told from what led there."""
        self._pose_map_odom = None

    def __call__(
        self, state: State, pose_map_base: np.ndarray, pose_odom_base: np.ndarray
    ) -> float | None:
        """By how many metres a pose jumped; None where it did not, or cannot be trusted."""
        if state not in TRUSTED:
            return None
        before, cause = self._pose_map_odom, self._cause
        self._pose_map_odom = compose(pose_map_base, inverse(pose_odom_base))
        self._cause = Jump.RECOVERY
        if before is None:
            return None
        off = pose_map_base - compose(before, pose_odom_base)
        distance_m = float(np.hypot(off[0], off[1]))
        if distance_m < LEAST_JUMP_M and abs(wrap_angle(off[2])) < LEAST_JUMP_RAD:
            return None
        self.last = cause
        return distance_m
