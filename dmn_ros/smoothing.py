"""A correction of odometry that is taken over bit by bit, for controllers that dislike steps."""

from __future__ import annotations

import math

import numpy as np

from dmn_core.pose_track import compose, inverse, relative_pose


class SmoothCorrection:
    """Where the odometry frame is said to be in the map, on its way to where it is.

    The robot's own pose approaches its goal, with a time constant: shares of a turn about the
    distant origin of odometry would swing the robot aside.

    Attributes:
        pose_map_odom: (3,) what was said last; None where nothing was.
    """

    def __init__(self) -> None:
        """Begin without a correction."""
        self.pose_map_odom: np.ndarray | None = None
        self._at_ns = 0

    def forget(self) -> None:
        """Take the next correction as it is."""
        self.pose_map_odom = None

    def toward(
        self,
        pose_map_base: np.ndarray,
        pose_odom_base: np.ndarray,
        *,
        now_ns: int,
        time_constant_s: float,
    ) -> np.ndarray:
        """Pose (3,) of the odometry frame in the map at this moment.

        Args:
            pose_map_base: (3,) where the robot is.
            pose_odom_base: (3,) the same by odometry.
            now_ns: on a clock that goes on from call to call.
            time_constant_s: after which 63 % of a step are taken over; 0 takes all at once.
        """
        elapsed_s, self._at_ns = 1e-9 * max(now_ns - self._at_ns, 0), now_ns
        said = pose_map_base
        if self.pose_map_odom is not None and time_constant_s > 0:
            before = compose(self.pose_map_odom, pose_odom_base)
            share = -math.expm1(-elapsed_s / time_constant_s)
            said = compose(before, share * relative_pose(before, pose_map_base))
        self.pose_map_odom = compose(said, inverse(pose_odom_base))
        return self.pose_map_odom
