"""Stamps of odometry that go astray, and of poses that are older than the present."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from dmn.msg import ViewMap
from geometry_msgs.msg import PoseWithCovarianceStamped

from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.qualities import LATCHED, RELIABLE
from dmn_ros.refusals import WARN_PERIOD_S

SECOND = 1_000_000_000
START = 1_000 * SECOND
TENTH = SECOND // 10
PLACE, YAW = np.array([3.0, -2.0]), 0.5
SETTINGS = {
    "device": "cpu",
    "threads": 1,
    "max_particles": 128,
    "resampling": "never",
    "recovery_alpha_fast": 0.0,
    "image_queue": "all",
    "update_min_d": 0.0,
}


def stated(stamp_ns: int) -> PoseWithCovarianceStamped:
    """The robot was at the place then."""
    message = PoseWithCovarianceStamped(header=header(stamp_ns, "map"))
    message.pose.pose = to_pose(np.array([*PLACE, YAW]))
    covariance = np.zeros(36)
    covariance[[0, 7]], covariance[35] = 0.01, 0.0004
    message.pose.covariance = covariance
    return message


def ahead(travel_m: float) -> np.ndarray:
    """Where the robot is when it has driven so far from the place."""
    return PLACE + travel_m * np.array([math.cos(YAW), math.sin(YAW)])


@pytest.fixture
def start_at(probe: Any) -> Any:
    starts = probe.node.create_publisher(PoseWithCovarianceStamped, "initialpose", RELIABLE)

    def tell(stamp_ns: int, said: Any) -> None:
        """Say where the robot was, and wait until the localizer says that it begins there."""
        probe.wait(lambda: starts.get_subscription_count(), "the localizer")
        before = said()
        starts.publish(stated(stamp_ns))
        probe.wait(lambda: said() > before, "the start")

    return tell


def test_one_stray_stamp_of_odometry_costs_nothing(
    probe: Any, start: Any, scene: Any, simple_map: Any, drive: Any
) -> None:
    at = {"initial_pose.x": PLACE[0], "initial_pose.y": PLACE[1], "initial_pose.yaw": YAW}
    narrow = {"initial_pose.covariance_x": 0.01, "initial_pose.covariance_y": 0.01}
    narrow["initial_pose.covariance_yaw"] = 0.0004
    process = start(
        "localizer", weights=scene.weights, set_initial_pose=True, **SETTINGS, **at, **narrow
    )
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    probe.wait_for_state("map_views", "3")
    robot = drive()
    assert np.hypot(*(robot.look(START, 0.0) - PLACE)) < 0.5
    # Not set, of yesterday, of tomorrow, and of another clock; each with a pose that is absurd.
    strays = (
        0,
        START - 900 * SECOND,
        START + 24 * 3600 * SECOND,
        1_700_000_000 * SECOND,
    )
    for number, stray in enumerate(strays, start=1):
        now, travel_m = START + number * TENTH, 0.2 * number
        robot.move(stray, 50.0)
        found = robot.look(now, travel_m)
        assert np.hypot(*(found - ahead(travel_m))) < 0.5
        state = probe.wait_for_state("refused_odom", str(number))
        if number == 1:
            assert process.output.count("odom refused: a stamp is 1000.000 s before") == 1
            assert "a stamp is 1000.000 s before" in state["last_problem"]
    # Several more in a row lead nowhere, and are not said one by one.
    said, begin_s = process.output.count("odom refused"), time.monotonic()
    for stray in (START + 900 * SECOND, START + 800 * SECOND, START + 700 * SECOND):
        robot.move(stray, 50.0)
    assert np.hypot(*(robot.look(START + 5 * TENTH, 1.0) - ahead(1.0))) < 0.5
    state = probe.wait_for_state("images_processed", "6")
    assert state["refused_odom"] == "7"
    often = 1 + (time.monotonic() - begin_s) // WARN_PERIOD_S
    assert process.output.count("odom refused") <= said + often
    assert state["images_dropped"] == "0"
    assert "starting anew" not in process.output


def test_a_pose_stated_late_is_carried_on_by_odometry(
    probe: Any, start: Any, scene: Any, simple_map: Any, drive: Any, start_at: Any
) -> None:
    process = start("localizer", weights=scene.weights, **SETTINGS)
    robot = drive()
    now, travel_m = START, 0.0

    def go(tenths: int) -> None:
        nonlocal now, travel_m
        for _ in range(tenths):
            now, travel_m = now + TENTH, travel_m + 0.2
            robot.move(now, travel_m)

    def begun(when: str) -> Any:
        return lambda: process.output.count(f"starting at (3.00 m, -2.00 m, 0.50 rad) {when}")

    # Before there is a map: that is where the robot was 0.8 s before. Odometry has arrived when
    # an image could not become, or has become, a pose.
    go(10)
    robot.see(now, travel_m)
    probe.wait_for_state("dropped_no_map", "1")
    start_at(now - 8 * TENTH, begun("once there is a map"))
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    probe.wait_for_state("map_views", "3")
    found = robot.look(now + TENTH, travel_m + 0.2)
    assert np.hypot(*(found - ahead(1.8))) < 0.4
    # While it drives: a pose of half a second ago, and one of a second ago between two messages.
    for late_ns, since_m in ((SECOND // 2, 1.0), (SECOND - TENTH // 2, 1.9)):
        go(10)
        robot.look(now, travel_m)
        start_at(now - late_ns, begun("now"))
        found = robot.look(now + TENTH, travel_m + 0.2)
        assert np.hypot(*(found - ahead(since_m + 0.2))) < 0.4
    # Of no time, or of another clock, as of RViz under simulated time: as of the next image.
    for stamp in (0, 1_700_000_000 * SECOND):
        go(10)
        robot.look(now, travel_m)
        start_at(stamp, begun("now"))
        found = robot.look(now + TENTH, travel_m + 0.2)
        assert np.hypot(*(found - PLACE)) < 0.4
