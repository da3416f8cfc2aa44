"""A robot that a test drives, and a map of noise for its localizer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dmn.msg import ViewMap
from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage

from dmn_core.data.ros_decoding import stamp_ns
from dmn_core.robot import load_localizer
from dmn_core.views import Views
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.map_message import to_map_message


@pytest.fixture
def simple_map() -> Callable[..., ViewMap]:
    """Make a map of noise, of one to three views around the origin."""

    def make(weights: Path, *, views: int = 3) -> ViewMap:
        localizer = load_localizer(weights, device="cpu")
        images = np.random.default_rng(0).integers(0, 255, (views, 32, 32, 3), dtype=np.uint8)
        poses = np.array([[15.0, 9.0, 0.0], [-15.0, 9.0, 1.0], [0.0, -15.0, 2.0]])[:views]
        return to_map_message(localizer.build_map(Views(images, poses)), stamp_ns=1, frame_id="map")

    return make


class DrivingRobot:
    """A robot that drives along x, and hears what its localizer says."""

    def __init__(self, probe: Any, namespace: str = "") -> None:
        self.probe = probe
        self.poses: list[Any] = probe.listen(PoseWithCovarianceStamped, f"{namespace}pose")
        self.heard: list[Any] = probe.listen(TFMessage, f"{namespace}tf")
        self._images = probe.publisher(Image, f"{namespace}image")
        self._odometry = probe.publisher(Odometry, f"{namespace}odom")

    def see(self, stamp: int, x: float) -> None:
        message = Odometry(header=header(stamp, "odom"), child_frame_id="base_link")
        message.pose.pose = to_pose(np.array([x, 0.0, 0.0]))
        self._odometry.publish(message)
        size = {"height": 32, "width": 32, "step": 96, "encoding": "rgb8"}
        self._images.publish(Image(header=header(stamp, "camera"), data=bytes(32 * 32 * 3), **size))

    def look(self, stamp: int, x: float) -> np.ndarray:
        """The pose (2,) that the localizer says after an image."""
        seen = len(self.poses)
        self.see(stamp, x)
        self.probe.wait(lambda: len(self.poses) > seen, "a pose")
        assert stamp_ns(self.poses[-1].header.stamp) == stamp
        at = self.poses[-1].pose.pose.position
        return np.array([at.x, at.y])

    @property
    def told_ns(self) -> list[int]:
        """Stamps of map -> odom."""
        return [
            stamp_ns(t.header.stamp)
            for m in self.heard
            for t in m.transforms
            if t.header.frame_id == "map"
        ]


@pytest.fixture
def drive(probe: Any) -> Callable[..., DrivingRobot]:
    """Drive a robot, in a namespace where one is given; its localizer must run."""
    return lambda namespace="": DrivingRobot(probe, namespace)
