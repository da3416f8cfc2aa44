"""Paths that robots have taken."""

from __future__ import annotations

import math

from geometry_msgs.msg import Pose, PoseStamped
from nav_msgs.msg import Path
from std_msgs.msg import Header

from dmn_core.data.ros_decoding import stamp_ns
from dmn_core.errors import DecodingError


class PathKeeper:
    """Poses in the order of their stamps; time that goes back begins anew."""

    def __init__(self, *, step_m: float, most: int) -> None:
        """Begin with no pose.

        Args:
            step_m: how far a pose is from the one before it, at least.
            most: how many poses are kept.
        """
        self._step_m, self._most = step_m, most
        self._poses: list[PoseStamped] = []

    def add(self, header: Header, pose: Pose) -> bool:
        """Go on to a pose; whether the path has changed.

        Raises:
            DecodingError: the pose is not finite.
        """
        here = pose.position
        if not (math.isfinite(here.x) and math.isfinite(here.y)):
            raise DecodingError(f"a path wants finite poses, got ({here.x!r}, {here.y!r})")
        if self._poses:
            last = self._poses[-1]
            if stamp_ns(header.stamp) < stamp_ns(last.header.stamp):
                self._poses.clear()
            elif math.dist((here.x, here.y), (last.pose.position.x, last.pose.position.y)) < (
                self._step_m
            ):
                return False
        self._poses.append(PoseStamped(header=header, pose=pose))
        del self._poses[: -self._most]
        return True

    def message(self) -> Path:
        """The path until now."""
        return Path(header=self._poses[-1].header, poses=list(self._poses))
