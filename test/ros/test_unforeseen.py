"""Failures that nobody foresaw are counted as what they are: an image, or another job."""

from __future__ import annotations

import threading
from typing import Any

import rclpy

from dmn_ros.localizer_node import LocalizerNode


def test_only_images_that_fail_count_as_dropped(scene: Any, ros_context: Any) -> None:
    words = ["--ros-args", "-p", f"weights:={scene.weights}", "-p", "device:=cpu"]
    rclpy.init(args=words)
    node = LocalizerNode()
    node.bring_up()
    try:
        done = threading.Event()
        node._reporting.counts.received()
        node._work.put_image(lambda: [][0])
        node._work.put(lambda: {}["no"])
        node._work.put(done.set)
        assert done.wait(10.0)
        counts = node._reporting.counts.snapshot()
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    assert counts.dropped == {"failed": 1}
    assert counts.refused == {"job": 1}
    assert counts.received == counts.processed + sum(counts.dropped.values())
    assert "KeyError" in counts.last_problem
