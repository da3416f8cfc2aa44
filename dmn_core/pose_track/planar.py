"""Arithmetic of planar poses in numpy: (..., 3) float64, `pose_a_b` is the pose of b in a."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def wrap_angle(angle_rad: ArrayLike) -> FloatArray:
    """Angles brought to [-pi, pi)."""
    wrapped = np.mod(np.asarray(angle_rad, dtype=np.float64) + math.pi, 2 * math.pi) - math.pi
    # The remainder of a tiny negative number rounds to the whole turn.
    return np.where(wrapped >= math.pi, -math.pi, wrapped)


def compose(pose_a_b: ArrayLike, pose_b_c: ArrayLike) -> FloatArray:
    """Pose of c in a, shapes (..., 3) broadcast."""
    first, second = np.asarray(pose_a_b, np.float64), np.asarray(pose_b_c, np.float64)
    cos, sin = np.cos(first[..., 2]), np.sin(first[..., 2])
    x = first[..., 0] + cos * second[..., 0] - sin * second[..., 1]
    y = first[..., 1] + sin * second[..., 0] + cos * second[..., 1]
    return np.stack((x, y, wrap_angle(first[..., 2] + second[..., 2])), axis=-1)


def inverse(pose_a_b: ArrayLike) -> FloatArray:
    """Pose of a in b, shape (..., 3)."""
    pose = np.asarray(pose_a_b, np.float64)
    return relative_pose(pose, np.zeros(3))


def relative_pose(pose_w_a: ArrayLike, pose_w_b: ArrayLike) -> FloatArray:
    """Pose of b in a, from both poses in one frame w; shapes (..., 3) broadcast."""
    first, second = np.asarray(pose_w_a, np.float64), np.asarray(pose_w_b, np.float64)
    dx, dy = second[..., 0] - first[..., 0], second[..., 1] - first[..., 1]
    cos, sin = np.cos(first[..., 2]), np.sin(first[..., 2])
    yaw = wrap_angle(second[..., 2] - first[..., 2])
    return np.stack((cos * dx + sin * dy, cos * dy - sin * dx, yaw), axis=-1)


def interpolate_pose(fraction: float, pose_a: ArrayLike, pose_b: ArrayLike) -> FloatArray:
    """Pose (3,) a fraction in [0, 1] of the way from a to b, yaw by the shorter turn."""
    start, end = np.asarray(pose_a, np.float64), np.asarray(pose_b, np.float64)
    xy = start[:2] + fraction * (end[:2] - start[:2])
    yaw = wrap_angle(start[2] + fraction * wrap_angle(end[2] - start[2]))
    return np.array((xy[0], xy[1], yaw))
