"""The poses of a localizer that are sure enough to make a map with."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from dmn.msg import LocalizerStatus
from geometry_msgs.msg import PoseWithCovarianceStamped

from dmn_core.data.ros_decoding import pose_with_covariance, stamp_ns

MOST_WAITING = 100


def is_confident(covariance: np.ndarray, *, max_std_m: float, max_std_rad: float) -> bool:
    """Whether a pose with this covariance (3, 3) is known well enough to map with."""
    if not np.isfinite(covariance).all():
        return False
    widest = math.sqrt(max(0.0, float(np.linalg.eigvalsh(covariance[:2, :2])[-1])))
    return widest <= max_std_m and math.sqrt(max(0.0, float(covariance[2, 2]))) <= max_std_rad


class TrustedPoses:
    """Brings poses and the status of the same image together, and hands on those to be trusted.

    A narrow covariance is not enough: a robot that was carried away may be sure of a wrong place.
    That of the best mode counts, which says how well the place is known if it is the right one;
    how probable that is the confidence says, which the pose's own covariance holds besides.
    """

    def __init__(
        self,
        *,
        min_confidence: float,
        max_std_m: float,
        max_std_rad: float,
        on_pose: Callable[[Any, np.ndarray], None],
    ) -> None:
        """Begin with none.

        Args:
            min_confidence: least confidence of a status.
            max_std_m: greatest standard deviation of the best mode in the plane.
            max_std_rad: and in yaw.
            on_pose: takes the header and the pose (3,) of each one that is trusted.
        """
        self._min_confidence = min_confidence
        self._max_std = {"max_std_m": max_std_m, "max_std_rad": max_std_rad}
        self._on_pose = on_pose
        self._poses: dict[int, tuple[Any, np.ndarray]] = {}
        self._is_tracking: dict[int, bool] = {}

    def add_pose(self, message: PoseWithCovarianceStamped) -> None:
        """Take in an estimate.

        Raises:
            DecodingError: it holds no pose.
        """
        pose, _ = pose_with_covariance(message.pose)
        self._poses[stamp_ns(message.header.stamp)] = (message.header, pose)
        self._match(stamp_ns(message.header.stamp))

    def add_status(self, message: LocalizerStatus) -> None:
        """Take in what the localizer says of itself at an image.

        Raises:
            DecodingError: its best mode is no pose.
        """
        tracks = message.state == LocalizerStatus.TRACKING
        sure = bool(tracks and message.confidence >= self._min_confidence and message.modes)
        if sure:
            _, covariance = pose_with_covariance(message.modes[0])
            sure = is_confident(covariance, **self._max_std)
        self._is_tracking[stamp_ns(message.header.stamp)] = sure
        self._match(stamp_ns(message.header.stamp))

    def _match(self, stamp: int) -> None:
        for waiting in (self._poses, self._is_tracking):
            while len(waiting) > MOST_WAITING:
                del waiting[next(iter(waiting))]
        if stamp in self._poses and stamp in self._is_tracking:
            header, pose = self._poses.pop(stamp)
            if self._is_tracking.pop(stamp):
                self._on_pose(header, pose)
