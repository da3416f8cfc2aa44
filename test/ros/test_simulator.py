"""The simulated robot over DDS: its sensors agree with each other, and it obeys."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from dmn.msg import LocalizerStatus
from dmn.srv import Teleport
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped, Twist
from nav_msgs.msg import Odometry
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from dmn_core.data.ros_decoding import planar_pose, stamp_ns
from dmn_core.pose_track import relative_pose, wrap_angle
from dmn_core.weights import default_weights_path
from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import MazeRenderer
from dmn_ros.qualities import LATCHED, MANY_LATCHED
from dmn_ros.simulator.context import simulated_context

SEED = 3
EXACT = dict.fromkeys(("alpha1", "alpha2", "alpha3", "alpha4", "distance_scale", "turn_scale"), 0.0)
Robot = Callable[..., Any]


@pytest.fixture
def robot(start: Any) -> Robot:
    def start_robot(**parameters: Any) -> Any:
        settings = {"seed": SEED, "image_width": 32, "image_height": 32, **parameters}
        return start("simulator", **settings)

    return start_robot


def poses(messages: list[Any], pose_of: Callable[[Any], Any]) -> dict[int, np.ndarray]:
    return {stamp_ns(m.header.stamp): planar_pose(pose_of(m)) for m in messages}


def truth_of(messages: list[Any]) -> dict[int, np.ndarray]:
    return poses(messages, lambda m: m.pose)


def stamps(messages: list[Any]) -> set[int]:
    return {stamp_ns(m.header.stamp) for m in messages}


def odometry_of(messages: list[Any]) -> dict[int, np.ndarray]:
    return poses(messages, lambda m: m.pose.pose)


def test_what_the_sensors_say_agrees(probe: Any, robot: Robot) -> None:
    robot(rate=4.0, **EXACT)
    odom, truth = probe.listen(Odometry, "odom"), probe.listen(PoseStamped, "ground_truth")
    moved, mounts = (
        probe.listen(TFMessage, "tf"),
        probe.listen(TFMessage, "tf_static", MANY_LATCHED),
    )
    images = probe.listen(Image, "camera/image_raw")
    infos = probe.listen(CameraInfo, "camera/camera_info")
    clock = probe.listen(Clock, "/clock", LATCHED)
    probe.wait(lambda: len(images) >= 8 and len(odom) >= 40 and mounts and infos, "sensors")
    probe.wait(lambda: len(stamps(odom) & stamps(truth)) >= 30, "the truth about odometry")
    probe.wait(lambda: len(stamps(images) & stamps(truth)) >= 3, "the truth about images")
    measured, true = odometry_of(odom), truth_of(truth)
    both = sorted(measured.keys() & true.keys())
    first, last = both[0], both[-1]
    # Exact odometry and the truth are the same motion.
    off = relative_pose(true[first], true[last]) - relative_pose(measured[first], measured[last])
    assert np.abs([*off[:2], wrap_angle(off[2])]).max() < 1e-6
    transforms = {stamp_ns(m.transforms[0].header.stamp): m.transforms[0] for m in moved}
    for stamp in sorted(transforms.keys() & measured.keys()):
        where = transforms[stamp].transform.translation
        assert [where.x, where.y] == pytest.approx(measured[stamp][:2].tolist())
    # An image shows the maze from the true pose at its stamp.
    with MazeRenderer(generate_maze(SEED), CameraConfig(32, 32, supersampling=1.0)) as renderer:
        for message in [m for m in images if stamp_ns(m.header.stamp) in true][:3]:
            rgb = np.frombuffer(bytes(message.data), np.uint8).reshape(32, 32, 3)
            assert np.array_equal(rgb, renderer.render(true[stamp_ns(message.header.stamp)]))
    assert infos[0].k[0] == pytest.approx(16.0)
    assert infos[0].header.frame_id == mounts[0].transforms[0].child_frame_id
    times = [stamp_ns(m.clock) for m in clock]
    assert times == sorted(times)


def test_it_obeys_and_can_be_kidnapped(probe: Any, robot: Robot) -> None:
    robot(rate=4.0, cmd_vel_timeout=1e6, **EXACT)
    odom, truth = probe.listen(Odometry, "odom"), probe.listen(PoseStamped, "ground_truth")
    steer = probe.publisher(Twist, "cmd_vel")
    bad = Twist()
    bad.linear.x = math.nan
    steer.publish(bad)
    turn = Twist()
    turn.angular.z = 0.5
    steer.publish(turn)

    def turns_on_the_spot() -> bool:
        twist = odom[-1].twist.twist if odom else Twist()
        return abs(twist.angular.z - 0.5) < 1e-9 and abs(twist.linear.x) < 1e-9

    probe.wait(turns_on_the_spot, "the robot to turn on the spot")
    probe.wait(lambda: truth, "the truth before the kidnap")
    before, known = planar_pose(odom[-1].pose.pose), len(truth) - 1
    placed = probe.call(Teleport, "simulator/teleport", Teleport.Request(anywhere=True))
    assert placed.success

    def is_elsewhere() -> bool:
        true = sorted(truth_of(truth[known:]).items())
        return any(np.hypot(*(b[1] - a[1])[:2]) >= 10.0 for a, b in pairwise(true))

    probe.wait(is_elsewhere, "the truth to be elsewhere")
    kidnapped = max(stamps(truth))
    probe.wait(lambda: max(stamps(odom)) > kidnapped, "odometry after the kidnap")
    after = planar_pose(odom[-1].pose.pose)
    # Odometry saw a turn and nothing else.
    assert after[:2] == pytest.approx(before[:2], abs=1e-9)
    refused = probe.call(Teleport, "simulator/teleport", Teleport.Request(x=1e3))
    assert not refused.success
    assert "from walls" in refused.message
    assert probe.call(Trigger, "simulator/reset", Trigger.Request()).success
    probe.wait(lambda: np.hypot(*planar_pose(odom[-1].pose.pose)[:2]) > 0.5, "the autopilot")
    # Without the autopilot the last command goes on to lead it, which turns it on the spot.
    off = SetParameters.Request(parameters=[Parameter("autopilot", value=False).to_parameter_msg()])
    assert probe.call(SetParameters, "simulator/set_parameters", off).results[0].successful
    assert probe.call(Trigger, "simulator/reset", Trigger.Request()).success
    count = len(odom)

    def turns_at_the_start() -> bool:
        """For a while; odometry of before the reset may still come."""
        places = [planar_pose(m.pose.pose)[:2] for m in odom[-20:]]
        return len(odom) > count + 20 and np.abs(places).max() < 1e-9 and turns_on_the_spot()

    probe.wait(turns_at_the_start, "the robot to turn where it began")


def test_the_shipped_weights_feel_a_kidnap(
    probe: Any, robot: Robot, start: Any, tmp_path: Any, monkeypatch: Any
) -> None:
    """To find the robot again takes tens of images, and is measured elsewhere."""
    monkeypatch.setenv("DMN_CACHE", str(tmp_path / "cache"))
    common = {"weights": default_weights_path(), "device": "cpu", "threads": 1}
    start("mapper", context_bag=simulated_context(SEED, 8), use_sim_time=True, **common)
    localizer = start(
        "localizer",
        remap={"image": "camera/image_raw"},
        use_sim_time=True,
        min_particles=192,
        max_particles=192,
        update_min_d=0.0,
        **common,
    )
    fixes = probe.listen(PoseWithCovarianceStamped, "pose", LATCHED)
    states = probe.listen(LocalizerStatus, "status")
    truth = probe.listen(PoseStamped, "ground_truth")
    starts = probe.publisher(PoseWithCovarianceStamped, "initialpose")
    probe.wait_for_state("map_views", "8")
    robot(rate=0.5)

    def off() -> float:
        """How far the newest pose is from the truth at its stamp; nan until that is heard."""
        stamp, true = stamp_ns(fixes[-1].header.stamp), truth_of(truth[-200:])
        here = planar_pose(fixes[-1].pose.pose)
        return float(np.hypot(*(here - true[stamp])[:2])) if stamp in true else math.nan

    def looks(count: int) -> None:
        """So many more images that are weighed."""
        before = len(fixes)
        probe.wait(lambda: len(fixes) >= before + count and not math.isnan(off()), "poses")

    looks(1)
    stated = PoseWithCovarianceStamped(header=truth[-1].header)
    stated.pose.pose = truth[-1].pose
    stated.pose.covariance[[0, 7]], stated.pose.covariance[35] = 0.25, 0.0685
    starts.publish(stated)
    probe.wait(lambda: "starting at" in localizer.output, "the start")
    looks(6)
    assert off() < 2.0
    assert probe.call(Teleport, "simulator/teleport", Teleport.Request(anywhere=True)).success
    # Odometry did not notice, images do.
    probe.wait(lambda: off() > 5.0, "a pose that is wrong")
    told = len(states)
    probe.wait(lambda: LocalizerStatus.LOST in {s.state for s in states[told:]}, "to be lost")
    assert all(fix.header.frame_id == "map" for fix in fixes)
    assert all(np.isfinite(planar_pose(fix.pose.pose)).all() for fix in fixes)
