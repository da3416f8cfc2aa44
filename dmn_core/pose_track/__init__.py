"""Planar poses over time in numpy: recorded tracks and live odometry, one interpolation for both.

Poses are (..., 3) float64 arrays (x [m], y [m], yaw [rad], counter-clockwise); stamps are integer
nanoseconds. The live node and the offline replay use these same functions, so that equal input
gives equal bits.
"""

from __future__ import annotations

from dmn_core.pose_track.interpolation import DEFAULT_MAX_GAP_S
from dmn_core.pose_track.odometry_buffer import OdometryBuffer
from dmn_core.pose_track.planar import (
    compose,
    interpolate_pose,
    inverse,
    relative_pose,
    wrap_angle,
)
from dmn_core.pose_track.track import PoseTrack

__all__ = [
    "DEFAULT_MAX_GAP_S",
    "OdometryBuffer",
    "PoseTrack",
    "compose",
    "interpolate_pose",
    "inverse",
    "relative_pose",
    "wrap_angle",
]
