"""Failures that nobody foresaw are counted as what they are: an image, or another job."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rclpy
from rcl_interfaces.srv import GetParameters

from dmn_core.errors import MapError
from dmn_ros.localizer_node import LocalizerNode


@contextmanager
def localizer_node(weights: Path) -> Iterator[LocalizerNode]:
    """A localizer in this process that is active; nobody serves its callbacks."""
    rclpy.init(args=["--ros-args", "-p", f"weights:={weights}", "-p", "device:=cpu"])
    node = LocalizerNode()
    node.bring_up()
    try:
        yield node
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def test_only_images_that_fail_count_as_dropped(scene: Any, ros_context: Any) -> None:
    with localizer_node(scene.weights) as node:
        done = threading.Event()
        node._reporting.counts.received()
        node._work.put_image(lambda: [][0])
        node._work.put(lambda: {}["no"])
        node._work.put(done.set)
        assert done.wait(180.0)
        counts = node._reporting.counts.snapshot()
    assert counts.dropped == {"failed": 1}
    assert counts.refused == {"job": 1}
    assert counts.received == counts.processed + sum(counts.dropped.values())
    assert "KeyError" in counts.last_problem


def test_what_fails_again_and_again_is_told_once_in_a_while(
    scene: Any,
    ros_context: Any,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dmn_ros.throttle.time", SimpleNamespace(monotonic=lambda: 0.0))
    with localizer_node(scene.weights) as node:
        done = threading.Event()
        for _ in range(5):
            # Not as images, of which the newest counts.
            node._work.put(lambda: node._reporting.unforeseen(IndexError("no"), is_image=True))
        node._work.put(lambda: {}["first"])
        node._work.put(lambda: {}["second"])
        for _ in range(2):
            with node._reporting.refusing("map"):
                raise MemoryError("full")
        with node._reporting.refusing("map"):
            raise MapError("of another world")
        node._work.put(done.set)
        assert done.wait(180.0)
    told = capfd.readouterr().err
    # One for each kind of failure: images, jobs and maps.
    assert told.count("IndexError: no\n\n") == 1
    assert told.count("Traceback") == 2
    assert told.count("image dropped (failed): IndexError: no") == 1
    # Somebody waits for these.
    for name in ("first", "second"):
        assert f"map or start (failed): KeyError: '{name}'" in told
    assert told.count("map failed: MemoryError: full") == 2
    assert "map refused: of another world" in told


def test_an_image_that_the_end_overtakes_is_no_failure_to_tell_of(
    scene: Any, ros_context: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    with localizer_node(scene.weights) as node:
        done = threading.Event()
        # Ctrl-C ends the context first, while the network computes.
        rclpy.shutdown()
        node._work.put_image(lambda: node._outputs._points.get_subscription_count())
        node._work.put(done.set)
        assert done.wait(180.0)
        assert node._reporting.counts.snapshot().dropped == {"failed": 1}
    told = capfd.readouterr().err
    assert "Traceback" not in told
    assert "image dropped" not in told


@pytest.mark.parametrize("executable", ["localizer", "visualizer", "bag_player"])
def test_whoever_asks_twice_to_stop_gets_a_good_end(
    probe: Any, start: Any, scene: Any, executable: str
) -> None:
    """A terminal sends a signal to nodes and to ros2 launch, which hands it on once more."""
    settings = {"localizer": {"weights": scene.weights, "device": "cpu"}}
    waiting = {"wait_for_subscribers": ["/odom"], "wait_s": 600.0}
    settings["bag_player"] = {"bag": scene.query, **waiting}
    client = probe.node.create_client(GetParameters, f"{executable}/get_parameters")
    probe.wait(lambda: not client.service_is_ready(), "the end of those before")
    process = start(executable, **settings.get(executable, {}))
    # It offers a service as soon as it can be told to stop.
    probe.wait(client.service_is_ready, "the node")
    for _ in range(10):
        process.popen.send_signal(signal.SIGINT)
        time.sleep(0.05)
    assert process.popen.wait(180) == 0
    assert "Traceback" not in process.output


def test_whoever_is_stopped_while_it_starts_ends_well(probe: Any, mapper: Any) -> None:
    process = mapper()
    # The map is built after that.
    probe.wait(lambda: "on cpu" in process.output, "the weights")
    assert process.stop() == 0, process.output
    assert "Traceback" not in process.output
