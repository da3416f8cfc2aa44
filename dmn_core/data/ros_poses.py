"""Poses and stamps of ROS messages as planar numpy poses (x [m], y [m], yaw [rad])."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transforms3d.euler import quat2euler

from dmn_core.errors import DecodingError
from dmn_core.pose_track.interpolation import NANOSECONDS

QUATERNION_TOLERANCE = 0.05
"""How far a quaternion's length may be from one; printed and rounded ones are not exact."""

_PLANAR = np.ix_((0, 1, 5), (0, 1, 5))


def stamp_ns(stamp: Any) -> int:
    """Integer nanoseconds of a `builtin_interfaces/Time`."""
    return int(stamp.sec) * NANOSECONDS + int(stamp.nanosec)


def planar_pose(pose: Any) -> NDArray[np.float64]:
    """Planar pose (3,) of a `geometry_msgs/Pose`: where it stands and where its x axis points.

    Raises:
        DecodingError: A number is not finite, or the quaternion is far from unit length.
    """
    return planar_from_parts(pose.position, pose.orientation)


def planar_from_parts(position: Any, orientation: Any) -> NDArray[np.float64]:
    """Planar pose (3,) of a point or vector (x, y, z) and a quaternion (x, y, z, w).

    Raises:
        DecodingError: A number is not finite, or the quaternion is far from unit length.
    """
    x, y, z = float(position.x), float(position.y), float(position.z)
    quaternion = tuple(float(getattr(orientation, name)) for name in "wxyz")
    if not all(map(math.isfinite, (x, y, z, *quaternion))):
        raise DecodingError(
            f"wanted a pose of finite numbers, got position {(x, y, z)!r} and quaternion "
            f"(w, x, y, z) {quaternion!r}"
        )
    length = math.hypot(*quaternion)
    if abs(length - 1) > QUATERNION_TOLERANCE:
        raise DecodingError(
            f"wanted a unit quaternion, got (w, x, y, z) {quaternion!r} of length {length:.3g}; "
            "an orientation that was never filled in has length 0"
        )
    yaw = quat2euler([value / length for value in quaternion], axes="sxyz")[2]
    return np.array((x, y, yaw), dtype=np.float64)


def pose_with_covariance(msg: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Planar pose (3,) and covariance (3, 3) of a `geometry_msgs/PoseWithCovariance`.

    Raises:
        DecodingError: A number of either is not finite.
    """
    return planar_pose(msg.pose), covariance_to_planar(msg.covariance)


def covariance_to_planar(values: Any) -> NDArray[np.float64]:
    """Rows and columns x, y, yaw (3, 3) of the 36 numbers of a ROS covariance.

    Raises:
        DecodingError: There are not 36 numbers, or one that is needed is not finite.
    """
    numbers = np.asarray(values, dtype=np.float64).reshape(-1)
    if len(numbers) != 36:
        raise DecodingError(f"wanted a covariance of 36 numbers, got {len(numbers)}")
    planar = numbers.reshape(6, 6)[_PLANAR]
    if not np.all(np.isfinite(planar)):
        raise DecodingError(f"wanted a covariance of finite numbers, got {planar.tolist()!r}")
    return planar
