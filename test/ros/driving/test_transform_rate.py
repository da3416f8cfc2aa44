"""`map` -> `odom` comes at its own rate, however long the network takes for an image."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from dmn.msg import LocalizerStatus, ViewMap
from geometry_msgs.msg import PoseWithCovarianceStamped
from tf2_msgs.msg import TFMessage

from dmn_core.data.ros_decoding import stamp_ns
from dmn_ros.qualities import EVERYTHING, LATCHED

SECOND = 1_000_000_000
RATE_HZ = 50.0
# Enough for an image to take many periods of the transform on any computer.
PARTICLES = 4_000
IMAGES = 3
SETTINGS = {
    "device": "cpu",
    "threads": 1,
    "max_particles": PARTICLES,
    "min_particles": 0,
    "resampling": "never",
    "recovery_alpha_fast": 0.0,
    # Each image is weighed, and whatever these weights say is believed.
    "update_min_d": 0.0,
    **{f"{name}_confidence": 0.0 for name in ("tracking", "degraded", "lost")},
    "set_initial_pose": True,
    "transform_rate": RATE_HZ,
}


class Arrivals:
    """Stamps of transforms and poses [ns], and how long images took [s].

    The stamp of a transform goes on with the clock of the localizer, so that it tells when it was
    made, however late it comes to a busy listener.
    """

    def __init__(self, probe: Any) -> None:
        self.transforms: list[int] = []
        self.poses: list[int] = []
        self._took_s: dict[int, float] = {}
        probe.node.create_subscription(TFMessage, "tf", self._on_transforms, EVERYTHING)
        probe.node.create_subscription(LocalizerStatus, "status", self._on_status, EVERYTHING)
        probe.node.create_subscription(PoseWithCovarianceStamped, "pose", self._on_pose, EVERYTHING)

    def _on_transforms(self, message: TFMessage) -> None:
        told = [t.header for t in message.transforms if t.header.frame_id == "map"]
        self.transforms += [stamp_ns(header.stamp) for header in told]

    def _on_status(self, message: LocalizerStatus) -> None:
        self._took_s[stamp_ns(message.header.stamp)] = message.inference_ms / 1000

    def _on_pose(self, message: PoseWithCovarianceStamped) -> None:
        self.poses.append(stamp_ns(message.header.stamp))

    @property
    def latencies_s(self) -> list[float]:
        """Of the images that have a pose."""
        return [self._took_s[stamp] for stamp in self.poses if stamp in self._took_s]


def test_images_that_take_long_leave_no_gaps_in_the_transform(
    probe: Any, start: Any, scene: Any, simple_map: Any, drive: Any
) -> None:
    start("localizer", weights=scene.weights, **SETTINGS)
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    probe.wait_for_state("map_views", "3")
    robot, arrivals = drive(), Arrivals(probe)
    begin_s, ticks = time.monotonic(), 0

    def drive_on() -> bool:
        """Odometry and images at the rates of a robot; the worker always has one that waits."""
        nonlocal ticks
        while (now_s := time.monotonic() - begin_s) > 0.05 * ticks:
            stamp = time.time_ns()
            robot.move(stamp, 0.1 * now_s)
            if ticks % 4 == 1:
                robot.picture(stamp - SECOND // 100)
            ticks += 1
        return len(arrivals.poses) > IMAGES

    probe.wait(drive_on, "images to be done", seconds=120)
    latency_s = float(np.median(arrivals.latencies_s))
    made_s = (np.array(arrivals.transforms) - arrivals.transforms[0]) / SECOND
    assert latency_s > 6 / RATE_HZ
    # From the first pose to the last, with the worker busy all the time.
    assert made_s[-1] > 0.7 * latency_s * IMAGES
    assert np.diff(made_s).max() < latency_s / 2
    assert len(made_s) > 0.5 * RATE_HZ * made_s[-1]
