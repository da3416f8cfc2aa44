"""Messages to poses, covariances and stamps, against expectations built by numpy alone."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from dmn_core.data.ros_decoding import (
    covariance_to_planar,
    planar_pose,
    pose_with_covariance,
    stamp_ns,
)
from dmn_core.errors import DecodingError


def ros_pose(x: float, y: float, wxyz: tuple[float, ...]) -> SimpleNamespace:
    w, qx, qy, qz = wxyz
    return SimpleNamespace(
        position=SimpleNamespace(x=x, y=y, z=0.5),
        orientation=SimpleNamespace(w=w, x=qx, y=qy, z=qz),
    )


@pytest.mark.parametrize("yaw", [0.0, 1.0, -2.5, 3.1, -3.1])
@pytest.mark.parametrize("scale", [1.0, 0.97, 1.04])
@pytest.mark.parametrize("sign", [1, -1])
def test_yaw_of_a_turn_about_z(yaw: float, scale: float, sign: int) -> None:
    quaternion = (sign * scale * math.cos(yaw / 2), 0.0, 0.0, sign * scale * math.sin(yaw / 2))
    np.testing.assert_allclose(planar_pose(ros_pose(1.0, -2.0, quaternion)), [1.0, -2.0, yaw])


def test_yaw_of_a_tilted_robot_is_where_its_x_axis_points() -> None:
    quaternion = np.random.default_rng(4).normal(size=4)
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    forward = (1 - 2 * (y * y + z * z), 2 * (x * y + w * z))
    assert planar_pose(ros_pose(0, 0, (w, x, y, z)))[2] == pytest.approx(math.atan2(*forward[::-1]))


@pytest.mark.parametrize(
    ("pose", "words"),
    [
        (ros_pose(math.nan, 0.0, (1.0, 0.0, 0.0, 0.0)), "finite"),
        (ros_pose(0.0, math.inf, (1.0, 0.0, 0.0, 0.0)), "finite"),
        (ros_pose(0.0, 0.0, (math.nan, 0.0, 0.0, 0.0)), "finite"),
        (ros_pose(0.0, 0.0, (0.0, 0.0, 0.0, 0.0)), "never filled in"),
        (ros_pose(0.0, 0.0, (1.06, 0.0, 0.0, 0.0)), "unit quaternion.*1.06"),
    ],
)
def test_malformed_poses_are_refused(pose: SimpleNamespace, words: str) -> None:
    with pytest.raises(DecodingError, match=words):
        planar_pose(pose)


def test_planar_covariance_takes_x_y_yaw() -> None:
    pose, covariance = pose_with_covariance(
        SimpleNamespace(pose=ros_pose(1.0, 2.0, (1.0, 0, 0, 0)), covariance=np.arange(36.0))
    )
    np.testing.assert_array_equal(pose, [1.0, 2.0, 0.0])
    np.testing.assert_array_equal(covariance, [[0, 1, 5], [6, 7, 11], [30, 31, 35]])
    with pytest.raises(DecodingError, match="36 numbers, got 9"):
        covariance_to_planar(np.zeros(9))
    with pytest.raises(DecodingError, match="finite"):
        covariance_to_planar([math.nan] * 36)


def test_stamp_is_exact() -> None:
    assert stamp_ns(SimpleNamespace(sec=1_790_000_000, nanosec=999_999_999)) == 1790000000999999999
