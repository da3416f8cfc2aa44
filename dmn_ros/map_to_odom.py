"""The transform from map to odometry: with each fix, and in between at a fixed rate."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from tf2_msgs.msg import TFMessage

from dmn_core.belief_monitor import TRUSTED
from dmn_core.fix import Fix
from dmn_core.pose_track.interpolation import NANOSECONDS
from dmn_ros.conversions import to_map_odom_transform
from dmn_ros.managed_node import ManagedNode
from dmn_ros.qualities import TRANSFORMS
from dmn_ros.smoothing import SmoothCorrection


class MapToOdom:
    """Publishes where the odometry frame is; silent unless the pose can be trusted."""

    def __init__(self, node: ManagedNode) -> None:
        """Create the publisher on a localizer."""
        self._node = node
        self._publisher: Any = node.make_publisher(TFMessage, "tf", TRANSFORMS)
        # Fixes come from the worker, repeats from the callbacks' thread.
        self._lock = threading.Lock()
        self._fix: Fix | None = None
        self._fixed_ns = 0
        self._last_ns = -1
        self._correction = SmoothCorrection()

    def send(self, fix: Fix) -> None:
        """Publish a fix where the robot is tracked, or is where somebody said it was."""
        with self._lock:
            if fix.status.state not in TRUSTED:
                self._forget()
                return
            if fix.jump_m is not None:
                # Half-way between two places the robot is nowhere.
                self._correction.forget()
            self._fix, self._fixed_ns = fix, self._now_ns()
            self._publish(fix, ahead_ns=0)

    @property
    def pose_map_odom(self) -> np.ndarray | None:
        """The odometry frame in the map (3,), as it was published; None where nothing is."""
        with self._lock:
            return self._correction.pose_map_odom

    def repeat(self) -> None:
        """Publish the last fix once more, for as long after its image as time went on since then.

        The camera may pause for `camera_timeout`; odometry goes on meanwhile. Where the clock is
        not that of the stamps, as when a bag is played without /clock, time since the fix counts.
        """
        with self._lock:
            if self._fix is None:
                return
            now_ns, longest_ns = self._now_ns(), self._longest_ns()
            if 0 < now_ns - self._fixed_ns <= longest_ns:
                image_ns = self._fix.stamp_ns
                is_same_clock = 0 <= self._fixed_ns - image_ns <= longest_ns
                since_ns = image_ns if is_same_clock else self._fixed_ns
                self._publish(self._fix, ahead_ns=now_ns - since_ns)

    def clear(self) -> None:
        """Say nothing until the next fix, which may be older."""
        with self._lock:
            self._forget()
            self._last_ns = -1

    def _forget(self) -> None:
        self._fix = None
        self._correction.forget()

    def _publish(self, fix: Fix, *, ahead_ns: int) -> None:
        parameters = self._node.parameters
        pose_map_odom = self._correction.toward(
            fix.pose_map_base,
            fix.pose_odom_base,
            now_ns=self._now_ns(),
            time_constant_s=parameters.transform_smoothing,
        )
        if not parameters.tf_broadcast:
            return
        tolerance_ns = round(parameters.transform_tolerance * NANOSECONDS)
        # Listeners take the newest stamp for the newest transform, and warn of equal ones.
        stamp_ns = max(fix.stamp_ns + tolerance_ns + ahead_ns, self._last_ns + 1)
        transform = to_map_odom_transform(
            pose_map_odom,
            map_frame=parameters.global_frame_id,
            odom_frame=parameters.odom_frame_id,
            stamp_ns=stamp_ns,
        )
        self._publisher.publish(TFMessage(transforms=[transform]))
        self._last_ns = stamp_ns

    def _longest_ns(self) -> int:
        return round(self._node.parameters.camera_timeout * NANOSECONDS)

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)
