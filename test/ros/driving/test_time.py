"""Time that jumps, stands still and begins anew, and robots that must not mix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dmn.msg import ViewMap
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image

from dmn_core.data.ros_decoding import stamp_ns
from dmn_ros.frames import header, to_time
from dmn_ros.qualities import LATCHED

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
START = 1_000 * SECOND
PLACE = (3.0, -2.0)
SETTINGS = {
    "device": "cpu",
    "threads": 1,
    "max_particles": 128,
    "resampling": "never",
    "recovery_alpha_fast": 0.0,
    "set_initial_pose": True,
    "initial_pose.covariance_x": 0.01,
    "initial_pose.covariance_y": 0.01,
    "initial_pose.covariance_yaw": 0.0004,
}

# Whatever these weights say, it is believed, also after a start from nothing.
BELIEVED = {f"{name}_confidence": 0.0 for name in ("tracking", "degraded", "lost")}


def initial_pose(x: float, y: float) -> dict[str, float]:
    return {"initial_pose.x": x, "initial_pose.y": y}


@pytest.mark.parametrize("how", ["reset", "global", "keep"])
def test_time_that_jumps_ahead_changes_nothing_and_back_does_as_told(
    probe: Any, start: Any, scene: Any, simple_map: Any, drive: Any, how: str
) -> None:
    place = initial_pose(*PLACE)
    settings = {**SETTINGS, "weights": scene.weights, "image_queue": "all", "on_time_jump": how}
    process = start("localizer", **settings, **place)
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    probe.wait_for_state("map_views", "3")
    robot = drive()
    first = robot.look(START, 0.0)
    assert np.hypot(*(first - PLACE)) < 1.0
    # An hour later and two metres on: as when somebody seeks in a bag, or a laptop sleeps.
    second = robot.look(START + HOUR, 2.0)
    assert abs(np.hypot(*(second - first)) - 2.0) < 0.7
    third = robot.look(START + HOUR + SECOND // 10, 2.0)
    assert np.hypot(*(third - second)) < 0.5
    assert "time jumped back" not in process.output
    # Three times round, as a bag in a loop.
    rounds = []
    for number in range(3):
        stamp = START + SECOND // 10
        rounds.append([robot.look(stamp + n * 6 * SECOND // 10, 0.5 * n) for n in range(3)])
        assert process.output.count("time jumped back") == number + 1
    if how == "keep":
        # It stands where it stood, and goes on from there: a metre in each round.
        travelled = [np.hypot(*(each[0] - third)) for each in rounds]
        assert travelled == pytest.approx([0.0, 1.0, 2.0], abs=0.9)
    else:
        np.testing.assert_array_equal(rounds[0], rounds[1])
        np.testing.assert_array_equal(rounds[0], rounds[2])
        assert np.array_equal(rounds[0][0], first) == (how == "reset")
    assert probe.wait_for_state("images_processed", "12")["images_dropped"] == "0"


def test_a_loop_whose_first_image_overtakes_odometry_gives_the_same_poses(
    probe: Any, start: Any, scene: Any, simple_map: Any, drive: Any
) -> None:
    settings = {**SETTINGS, "weights": scene.weights, "image_queue": "all"}
    process = start("localizer", **settings, **initial_pose(*PLACE))
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    probe.wait_for_state("map_views", "3")
    robot = drive()
    images = probe.publisher(Image, "image")
    stamps = [START + SECOND // 100, START + 2 * SECOND]
    for lap in range(3):
        size = {"height": 32, "width": 32, "step": 96, "encoding": "rgb8"}
        first = Image(header=header(stamps[0], "camera"), data=bytes(32 * 32 * 3), **size)
        images.publish(first)
        probe.wait_for_state("images_received", str(2 * lap + 1))
        for number in range(30):
            robot.move(START + number * SECOND // 10, 0.05 * number)
        # Only the first image overtakes odometry, also where the machine is busy.
        probe.wait_for_state("images_processed", str(2 * lap + 1))
        robot.see(stamps[1], 1.0)
        probe.wait_for_state("images_processed", str(2 * lap + 2))
    assert process.output.count("time jumped back") == 2
    probe.wait(lambda: len(robot.poses) == 6, "all poses")
    assert [stamp_ns(pose.header.stamp) for pose in robot.poses] == stamps * 3
    laps = [[pose.pose for pose in robot.poses[i : i + 2]] for i in (0, 2, 4)]
    assert laps[1:] == [laps[0]] * 2
    assert probe.state()["images_dropped"] == "0"


def test_the_transform_follows_simulated_time(
    probe: Any, start: Any, scene: Any, simple_map: Any, drive: Any
) -> None:
    start(
        "localizer",
        weights=scene.weights,
        use_sim_time=True,
        camera_timeout=5.0,
        **BELIEVED,
        **SETTINGS,
        **initial_pose(*PLACE),
    )
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    clock = probe.publisher(Clock, "/clock", LATCHED)
    probe.wait_for_state("map_views", "3")
    robot = drive()

    def tell_time(now_ns: int) -> None:
        """Tell the time until the localizer has reported at it twice, a second apart."""
        before = len(probe.heard["/diagnostics"])

        def again() -> bool:
            clock.publish(Clock(clock=to_time(now_ns)))
            reports = probe.heard["/diagnostics"][before:]
            return sum(stamp_ns(report.header.stamp) == now_ns for report in reports) >= 2

        probe.wait(again, f"reports at {now_ns}")

    tell_time(START)
    robot.look(START, 0.0)
    probe.wait(lambda: robot.told_ns, "map to odom")
    assert robot.told_ns[0] == START + SECOND
    # While time stands still, so does the transform.
    told = robot.told_ns
    tell_time(START)
    assert robot.told_ns == told
    # As time goes on, so does the transform, for as long as it is believed.
    tell_time(START + 2 * SECOND)
    probe.wait(lambda: robot.told_ns[-1] >= START + 3 * SECOND, "map to odom to go on")
    tell_time(START + 60 * SECOND)
    told = robot.told_ns
    tell_time(START + 61 * SECOND)
    assert robot.told_ns == told
    # A bag that begins anew: nothing until the next pose, and then by the old time.
    tell_time(START - 10 * SECOND)
    assert robot.told_ns == told
    assert probe.state()["state"] == "LOST"
    assert "no pose since time jumped back" in probe.state()["reason"]
    robot.look(START - 10 * SECOND, 0.0)
    probe.wait(lambda: len(robot.told_ns) > len(told), "map to odom")
    assert robot.told_ns[len(told)] == START - 9 * SECOND


def test_simulated_time_may_be_switched_on_and_off(
    probe: Any, start: Any, scene: Any, simple_map: Any, drive: Any
) -> None:
    settings = {**SETTINGS, **BELIEVED}
    start("localizer", weights=scene.weights, **settings, **initial_pose(*PLACE))
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    probe.wait_for_state("map_views", "3")
    robot, clock = drive(), probe.node.create_publisher(Clock, "/clock", LATCHED)
    before = robot.look(START, 0.0)
    for number, simulated in enumerate((True, False), start=1):
        value = Parameter("use_sim_time", value=simulated).to_parameter_msg()
        request = SetParameters.Request(parameters=[value])
        (answer,) = probe.call(SetParameters, "localizer/set_parameters", request).results
        assert answer.successful, answer.reason
        stamp = START + number * 60 * SECOND
        clock.publish(Clock(clock=to_time(stamp)))
        after = robot.look(stamp, 0.5 * number)
        assert np.hypot(*(after - before)) == pytest.approx(0.5, abs=0.3)
        # From the next image on, the transform follows the other clock.
        probe.wait(lambda s=stamp: s + SECOND in robot.told_ns, "map to odom")
        before = after
        seen = len(robot.told_ns)
        if not simulated:
            probe.wait(lambda n=seen: len(robot.told_ns) > n + 5, "repeats by the wall's clock")
    assert probe.wait_for_state("images_processed", "3")["images_dropped"] == "0"


def test_two_robots_in_one_world_do_not_mix(
    probe: Any, start: Any, scene: Any, simple_map: Any, drive: Any
) -> None:
    places = {"robot1": (3.0, -2.0), "robot2": (-6.0, 4.0)}
    maps = []
    for number, (name, place) in enumerate(places.items()):
        start(
            "localizer",
            remap={"__ns": f"/{name}"},
            weights=scene.weights,
            **SETTINGS,
            **initial_pose(*place),
        )
        maps.append(probe.node.create_publisher(ViewMap, f"{name}/map", LATCHED))
        maps[-1].publish(simple_map(scene.weights, views=2 + number))
    robots = {name: drive(f"{name}/") for name in places}

    def names_of_reports() -> set[str]:
        return {
            report.status[0].name
            for report in probe.heard["/diagnostics"]
            if any(v.key == "map_views" and v.value != "0" for v in report.status[0].values)
        }

    probe.wait(lambda: len(names_of_reports()) == 2, "both to have their maps")
    for name, place in places.items():
        other = next(robot for key, robot in robots.items() if key != name)
        heard = len(other.poses), len(other.told_ns)
        assert np.hypot(*(robots[name].look(START, 0.0) - place)) < 1.0
        # Nothing is heard of the other: it has seen no image, or repeats what it said.
        assert len(other.poses) == heard[0]
    for name in places:
        node = "localizer", f"/{name}"
        probe.wait(lambda n=node: n in probe.node.get_node_names_and_namespaces(), name)
        ours = probe.node.get_publisher_names_and_types_by_node(*node)
        shared = {topic for topic, _ in ours if not topic.startswith(f"/{name}/")}
        assert shared <= {"/diagnostics", "/rosout", "/parameter_events"}
