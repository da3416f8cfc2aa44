"""How far planar poses are apart, and which of many are spread most widely."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dmn_core.pose_track.planar import FloatArray, IntArray, wrap_angle

# How many metres count as much as one radian when views are spread.
TURN_WEIGHT_M_PER_RAD = 4.0


def apart(poses: FloatArray, pose: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances [m] and turns [rad, not negative] of poses (M, 3) from one pose (3,)."""
    distance = np.hypot(poses[:, 0] - pose[0], poses[:, 1] - pose[1])
    return distance, np.abs(wrap_angle(poses[:, 2] - pose[2]))


def is_near(
    poses: FloatArray, pose: FloatArray, *, distance_m: float, turn_rad: float
) -> NDArray[np.bool_]:
    """Which of the poses (M, 3) are closer to one pose (3,) than both a distance and a turn."""
    distance, turn = apart(poses, pose)
    return np.asarray((distance < distance_m) & (turn < turn_rad))


def separation(poses: FloatArray, pose: FloatArray, *, turn_weight_m_per_rad: float) -> FloatArray:
    """One number [m] for how far poses (M, 3) are from one pose (3,), turns weighed in."""
    distance, turn = apart(poses, pose)
    return np.asarray(np.hypot(distance, turn_weight_m_per_rad * turn))


def farthest_points(
    poses: FloatArray, count: int, *, turn_weight_m_per_rad: float = TURN_WEIGHT_M_PER_RAD
) -> IntArray:
    """Indices of `count` of the poses (M, 3): the first, then each time the farthest from all.

    No pose is then farther from a chosen one than twice what the best choice could do. Of equally
    far ones the earlier is taken.

    Source: T. Gonzalez, Clustering to minimize the maximum intercluster distance, 1985.
    """
    chosen = [0]
    nearest = np.full(len(poses), np.inf)
    while len(chosen) < min(count, len(poses)):
        newest = separation(poses, poses[chosen[-1]], turn_weight_m_per_rad=turn_weight_m_per_rad)
        nearest[chosen[-1]] = -1.0
        nearest = np.minimum(nearest, newest)
        chosen.append(int(np.argmax(nearest)))
    return np.array(chosen, dtype=np.int64)
