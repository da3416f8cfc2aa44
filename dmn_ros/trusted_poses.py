"""The poses of a localizer that are sure enough to make a map with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from dmn.msg import LocalizerStatus
from geometry_msgs.msg import PoseWithCovarianceStamped

from dmn_core.belief_monitor import State
from dmn_core.data.ros_decoding import pose_with_covariance, stamp_ns
from dmn_core.errors import DecodingError
from dmn_core.trust import Distrust, TrustLimits
from dmn_ros.stamp_pairs import StampPairs


class TrustedPoses:
    """Brings poses and the status of the same image together, and judges each of them."""

    def __init__(
        self, limits: TrustLimits, on_judged: Callable[[int, np.ndarray | Distrust], None]
    ) -> None:
        """Begin with none; `on_judged` takes the stamp [ns] and the pose (3,), or what is wrong."""
        self._limits, self._on_judged = limits, on_judged
        self._pairs = StampPairs[np.ndarray, np.ndarray | Distrust](self._judge)

    def add_pose(self, message: PoseWithCovarianceStamped) -> None:
        """Take in an estimate.

        Raises:
            DecodingError: it holds no pose.
        """
        pose, _ = pose_with_covariance(message.pose)
        self._pairs.add_first(stamp_ns(message.header.stamp), pose)

    def add_status(self, message: LocalizerStatus) -> None:
        """Take in what the localizer says of itself at an image.

        Raises:
            DecodingError: its state is none, or its best mode no pose.
        """
        self._pairs.add_second(stamp_ns(message.header.stamp), self._judge_mode(message))

    def _judge_mode(self, message: LocalizerStatus) -> np.ndarray | Distrust:
        """Where the best mode is (3,), or why it is not trusted."""
        if message.state not in set(State):
            raise DecodingError(
                f"state wants one of {[s.value for s in State]}, got {message.state}"
            )
        if not message.modes:
            return Distrust("state", f"the localizer is {State(message.state).name} without a mode")
        mode_pose, covariance = pose_with_covariance(message.modes[0])
        distrust = self._limits.distrust(State(message.state), message.confidence, covariance)
        return mode_pose if distrust is None else distrust

    def _judge(self, stamp: int, pose: np.ndarray, mode: np.ndarray | Distrust) -> None:
        if isinstance(mode, Distrust):
            self._on_judged(stamp, mode)
        else:
            self._on_judged(stamp, self._limits.distrust_between(pose, mode) or pose)
