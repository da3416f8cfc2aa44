"""A correction that is taken over bit by bit, about the robot."""

from __future__ import annotations

import numpy as np
import pytest

from dmn_core.pose_track import compose, inverse, relative_pose
from dmn_ros.smoothing import SmoothCorrection

SECOND = 1_000_000_000
# Odometry began far away, so that a turn about its origin is a long way.
ODOMETRY = np.array([80.0, -30.0, 1.0])
FIRST = np.array([2.0, 3.0, 0.5])


def shown(
    correction: SmoothCorrection, pose: np.ndarray, now_s: float, constant_s: float
) -> np.ndarray:
    """Pose of the base in the map by the transform that is published."""
    pose_map_odom = correction.toward(
        pose, ODOMETRY, now_ns=round(now_s * SECOND), time_constant_s=constant_s
    )
    return compose(pose_map_odom, ODOMETRY)


def test_a_step_is_taken_over_as_a_first_order_lag_does() -> None:
    correction, goal = SmoothCorrection(), np.array([2.5, 2.8, 0.3])
    np.testing.assert_allclose(shown(correction, FIRST, 100.0, 2.0), FIRST, atol=1e-12)
    begin = np.linalg.norm(goal[:2] - FIRST[:2])
    for now_s in np.arange(100.1, 106.05, 0.1):
        pose = shown(correction, goal, now_s, 2.0)
        left = np.linalg.norm(relative_pose(pose, goal)[:2]) / begin
        assert left == pytest.approx(np.exp(-(now_s - 100.0) / 2.0), abs=2e-3)
        # Straight at the goal, however far away odometry began.
        assert np.linalg.norm(pose[:2] - FIRST[:2]) <= begin + 1e-9
    assert pose[2] == pytest.approx(0.3, abs=0.02)


def test_without_a_constant_or_a_correction_before_all_is_taken_at_once() -> None:
    correction, goal = SmoothCorrection(), np.array([9.0, -4.0, -3.0])
    shown(correction, FIRST, 1.0, 0.0)
    np.testing.assert_allclose(shown(correction, goal, 1.1, 0.0), goal, atol=1e-12)
    correction.forget()
    np.testing.assert_allclose(shown(correction, FIRST, 1.2, 60.0), FIRST, atol=1e-12)


def test_odometry_moves_the_robot_at_once_and_time_that_jumps_back_changes_nothing() -> None:
    correction = SmoothCorrection()
    shown(correction, FIRST, 50.0, 5.0)
    motion = np.array([1.0, 0.2, 0.4])
    moved = compose(ODOMETRY, motion)
    pose_map_odom = correction.toward(
        compose(FIRST, motion), moved, now_ns=50 * SECOND, time_constant_s=5.0
    )
    np.testing.assert_allclose(pose_map_odom, compose(FIRST, inverse(ODOMETRY)), atol=1e-9)
    np.testing.assert_allclose(shown(correction, np.zeros(3), 7.0, 5.0), FIRST, atol=1e-9)
