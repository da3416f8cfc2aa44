"""Failures that nobody foresaw are counted as what they are: an image, or another job."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import pytest
import rclpy
from rcl_interfaces.srv import GetParameters

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


@pytest.mark.parametrize("executable", ["localizer", "visualizer", "bag_player"])
def test_whoever_asks_twice_to_stop_gets_a_good_end(
    probe: Any, start: Any, scene: Any, executable: str
) -> None:
    """A terminal sends a signal to nodes and to ros2 launch, which hands it on once more."""
    settings = {"localizer": {"weights": scene.weights, "device": "cpu"}}
    settings["bag_player"] = {"bag": scene.query, "wait_for_subscribers": ["/odom"]}
    process = start(executable, **settings.get(executable, {}))
    # It offers a service as soon as it can be told to stop.
    client = probe.node.create_client(GetParameters, f"{executable}/get_parameters")
    probe.wait(client.service_is_ready, "the node")
    for _ in range(10):
        process.popen.send_signal(signal.SIGINT)
        time.sleep(0.05)
    assert process.popen.wait(30) == 0
    assert "Traceback" not in process.output


def test_whoever_is_stopped_while_it_starts_ends_well(probe: Any, mapper: Any) -> None:
    process = mapper()
    # The map is built after that.
    probe.wait(lambda: "on cpu" in process.output, "the weights")
    assert process.stop() == 0, process.output
    assert "Traceback" not in process.output
