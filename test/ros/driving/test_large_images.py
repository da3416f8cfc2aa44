"""Best-effort images too large for Fast DDS's default transports, between two processes."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from dmn_core.data.ros_decoding import stamp_ns
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header

SECOND = 1_000_000_000
START = 1_000 * SECOND
WIDTH, HEIGHT, IMAGES, RATE_HZ = 640, 480, 30, 15
# What the documentation tells users to set for the camera's process.
TRANSPORTS = "DEFAULT?sockets_size=4MB"
DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "ros_interface.md"


@pytest.fixture
def camera(probe: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A probe whose participant is made with these transports."""
    monkeypatch.setenv("FASTDDS_BUILTIN_TRANSPORTS", TRANSPORTS)
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=int(os.environ["ROS_DOMAIN_ID"]))
    node = rclpy.create_node("camera", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    yield type(probe)(node, executor)
    executor.shutdown()
    node.destroy_node()
    context.try_shutdown()


def test_large_images_arrive_from_another_process(camera: Any, start: Any, scene: Any) -> None:
    if int(Path("/proc/sys/net/core/wmem_max").read_text()) < 4_000_000:
        pytest.skip("net.core.wmem_max is too small for these transports")
    assert TRANSPORTS in DOCUMENT.read_text()
    start("localizer", weights=scene.weights, device="cpu", threads=1)
    camera.listen(DiagnosticArray, "/diagnostics")
    sensors = {"quality": qos_profile_sensor_data}
    images = camera.publisher(Image, "image", **sensors)
    odometry = camera.publisher(Odometry, "odom", **sensors)
    camera.wait(camera.state, "a report")
    size = {"height": HEIGHT, "width": WIDTH, "step": 3 * WIDTH, "encoding": "rgb8"}
    picture = Image(data=np.zeros(3 * WIDTH * HEIGHT, np.uint8).tobytes(), **size)
    assert len(picture.data) > 512 * 1024
    moved = Odometry(child_frame_id="base_link")
    moved.pose.pose = to_pose(np.zeros(3))
    stamps, reports = itertools.count(START, SECOND // RATE_HZ), camera.heard["/diagnostics"]

    def arrived() -> int:
        """How many are counted of so many images at that rate."""
        before, left = int(camera.state()["images_received"]), IMAGES

        def send() -> None:
            nonlocal left
            if not left:
                return
            left -= 1
            stamp = next(stamps)
            moved.header, picture.header = header(stamp, "odom"), header(stamp, "camera")
            odometry.publish(moved)
            images.publish(picture)

        timer = camera.node.create_timer(1 / RATE_HZ, send)
        camera.wait(lambda: not left, "all to be sent")
        camera.node.destroy_timer(timer)
        sent_ns = time.time_ns()
        camera.wait(lambda: stamp_ns(reports[-2].header.stamp) >= sent_ns, "two reports")
        return int(camera.state()["images_received"]) - before

    # It has no map, so that each image that comes is counted and costs no time. Where the machine
    # pauses, its buffers run over; most of each round would be lost by the default transports.
    assert any(arrived() >= round(0.9 * IMAGES) for _ in range(5))
