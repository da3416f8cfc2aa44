"""A bag begins anew, or pauses: nothing of a lap is told in the next, or lost in a pause."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from dmn.msg import ViewMap
from rosgraph_msgs.msg import Clock

from dmn_core.data.ros_decoding import stamp_ns
from dmn_ros.frames import to_time
from dmn_ros.localizer_node import LocalizerNode
from dmn_ros.qualities import LATCHED

SECOND = 1_000_000_000
START = 1_000 * SECOND
SETTINGS = {
    "device": "cpu",
    "threads": 1,
    "camera": "none",
    "max_particles": 128,
    "resampling": "never",
    "recovery_alpha_fast": 0.0,
    "update_min_d": 0.0,
    "set_initial_pose": True,
    "use_sim_time": True,
    **{f"{name}_confidence": 0.0 for name in ("tracking", "degraded", "lost")},
}


@pytest.fixture
def tell_time(probe: Any) -> Callable[[int], None]:
    publisher = probe.node.create_publisher(Clock, "/clock", LATCHED)
    return lambda now_ns: publisher.publish(Clock(clock=to_time(now_ns)))


def begin(probe: Any, view_map: ViewMap, tell_time: Callable[[int], None]) -> None:
    """Let a localizer have a map and the time, which it hears only once it listens."""
    probe.node.create_publisher(ViewMap, "map", LATCHED).publish(view_map)
    probe.wait_for_state("map_views", "3")

    def has_heard() -> bool:
        tell_time(START)
        return stamp_ns(probe.heard["/diagnostics"][-1].header.stamp) == START

    probe.wait(has_heard, "a report by simulated time")


@pytest.mark.parametrize("told_by", ["odometry", "clock"])
def test_an_image_at_work_when_time_jumps_back_is_not_told_afterwards(
    probe: Any,
    running: Any,
    scene: Any,
    simple_map: Any,
    drive: Any,
    tell_time: Callable[[int], None],
    told_by: str,
) -> None:
    name = f"localizer_told_by_{told_by}"
    with running(LocalizerNode, name, weights=scene.weights, **SETTINGS) as node:
        node.trigger_configure()
        node.trigger_activate()
        begin(probe, simple_map(scene.weights), tell_time)
        robot = drive()
        robot.look(START, 0.0)
        localize, begun, ready = node._tracking.localize, threading.Event(), threading.Event()

        def localize_slowly(image: Any) -> Any:
            fix = localize(image)
            begun.set()
            assert ready.wait(180.0)
            return fix

        node._tracking.localize = localize_slowly
        early = START - 100 * SECOND
        # Best-effort messages may be lost on a busy machine.
        for number in range(3):
            robot.see(START + SECOND + number * SECOND // 10, 0.5)
            with suppress(AssertionError):
                probe.wait(begun.is_set, "an image at work", seconds=10)
                break
        before = int(probe.wait(probe.state, "a report").get("dropped_time_jump", 0))
        told, clock_ns = len(robot.told_ns), early

        def has_jumped() -> bool:
            nonlocal early
            tell_time(clock_ns)
            if told_by == "clock":
                return bool(node._laps.now == 1)
            early += SECOND // 20
            robot.move(early, 0.0)
            return bool(node._laps.now >= 2)

        probe.wait(has_jumped, "the jump back")
        node._tracking.localize = localize
        ready.set()

        def dropped() -> bool:
            return int(probe.state().get("dropped_time_jump", 0)) > before

        probe.wait(dropped, "the image to be dropped")
        assert [stamp_ns(pose.header.stamp) for pose in robot.poses] == [START]
        assert [stamp for stamp in robot.told_ns[told:] if stamp > START + SECOND] == []
        # The next lap is as any other.
        robot.look(early + SECOND, 0.1)


def test_an_image_waits_for_its_odometry_while_time_stands_still(
    probe: Any,
    start: Any,
    scene: Any,
    simple_map: Any,
    drive: Any,
    tell_time: Callable[[int], None],
) -> None:
    start("localizer", weights=scene.weights, image_queue="all", **SETTINGS)
    begin(probe, simple_map(scene.weights), tell_time)
    robot = drive()
    robot.look(START, 0.0)
    # A bag is paused just after an image: its odometry has not come yet.
    robot.picture(START + SECOND // 5)
    probe.wait_for_state("images_waiting", "1")
    reports = probe.heard["/diagnostics"]
    wanted = len(reports) + 8
    probe.wait(lambda: len(reports) >= wanted, "eight reports")
    assert probe.state()["images_waiting"] == "1"
    robot.move(START + SECOND // 4, 0.1)
    probe.wait(lambda: len(robot.poses) == 2, "the pose of the image")
    # A bag has ended: its clock goes on, and nobody waits for ever.
    robot.picture(START + SECOND // 2)
    now_ns = START + SECOND // 2

    def is_given_up() -> bool:
        nonlocal now_ns
        now_ns += SECOND // 100
        tell_time(now_ns)
        return probe.state().get("dropped_no_odometry") == "1"

    probe.wait(is_given_up, "the image to be dropped")
    assert probe.state()["images_waiting"] == "0"
