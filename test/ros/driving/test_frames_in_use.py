"""Frames at work: where tf_static has the camera, and starts in other frames than the map's."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch
from dmn.msg import ViewMap
from geometry_msgs.msg import PoseWithCovarianceStamped, TransformStamped
from tf2_msgs.msg import TFMessage

from dmn_core.data.ros_decoding import pose_with_covariance, stamp_ns
from dmn_core.localization import Everywhere
from dmn_core.pose_track import compose
from dmn_core.robot import load_localizer, session_of
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.localizer_parameters import LocalizerParameters
from dmn_ros.map_message import from_map_message
from dmn_ros.qualities import LATCHED, MANY_LATCHED

SECOND = 1_000_000_000
START = 1_000 * SECOND
# What the driving robot sees.
BLACK = np.zeros((32, 32, 3), np.uint8)
SETTINGS: dict[str, Any] = {
    "max_particles": 128,
    "recovery_alpha_fast": 0.0,
    "update_min_d": 0.0,
    # Untrained weights say little, so that it is to count in full.
    "likelihood_power": 1.0,
}
NODE = {"device": "cpu", "threads": 1, "image_queue": "all", **SETTINGS}


def fixed(parent: str, child: str, pose: tuple[float, float, float]) -> TransformStamped:
    """Where a frame stands for good, in the plane."""
    made = TransformStamped(header=header(0, parent), child_frame_id=child)
    made.transform.translation.x, made.transform.translation.y = pose[:2]
    made.transform.rotation = to_pose(np.array(pose)).orientation
    return made


@pytest.fixture
def tell(probe: Any) -> Any:
    """Publish static transforms, and wait until the localizer has taken them in."""
    publishers: list[Any] = []

    def publish(*transforms: TransformStamped) -> None:
        if not publishers:
            publishers.append(probe.publisher(TFMessage, "tf_static", MANY_LATCHED))
        publishers[0].publish(TFMessage(transforms=list(transforms)))
        assert publishers[0].wait_for_all_acked()
        # What has arrived is taken in before two more reports are made; some may be on their way.
        acked_ns, reports = time.time_ns(), probe.heard["/diagnostics"]
        probe.wait(lambda: stamp_ns(reports[-2].header.stamp) >= acked_ns, "two reports")

    return publish


MOUNTS = [(2.0, 1.0, 1.5)] * 3 + [(-1.0, 2.0, -2.0)] * 3


def poses_of(weights: Any, view_map: ViewMap, mounts: list[tuple[float, float, float]]) -> Any:
    """What a session says (N, 2) whose camera is there on the robot at each image."""
    robot = LocalizerParameters(**SETTINGS).robot_settings()
    localizer = load_localizer(weights, device="cpu", settings=robot.filter)
    session = session_of(localizer, robot)
    session.use_map(from_map_message(view_map), Everywhere(robot.particles))
    found, threads = [], torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for number, mount in enumerate(mounts):
            session.pose_base_camera = mount
            odometry = np.array([0.5 * number, 0.0, 0.0])
            fix = session.update(START + number * SECOND, BLACK, odometry)
            found.append(fix.pose_map_base[:2])
    finally:
        torch.set_num_threads(threads)
    return np.array(found)


def test_the_camera_is_where_tf_static_has_it_and_moves_with_it(
    probe: Any, start: Any, scene: Any, simple_map: Any, drive: Any, tell: Any
) -> None:
    view_map = simple_map(scene.weights)
    start("localizer", weights=scene.weights, camera_pose_source="tf", **NODE)
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(view_map)
    probe.wait_for_state("map_views", "3")
    robot, poses, before = drive(), [], None
    for number, mount in enumerate(MOUNTS):
        if mount != before:
            tell(fixed("base_link", "camera", mount))
            before = mount
        poses.append(robot.look(START + number * SECOND, 0.5 * number))
    np.testing.assert_allclose(poses, poses_of(scene.weights, view_map, MOUNTS), atol=1e-6)
    # Seen from the middle of the robot, or from where the camera was at first, it is elsewhere.
    middle = poses_of(scene.weights, view_map, [(0.0, 0.0, 0.0)] * len(MOUNTS))
    assert np.abs(middle - poses)[:3].max() > 1e-3
    unmoved = poses_of(scene.weights, view_map, MOUNTS[:3] * 2)
    np.testing.assert_allclose(unmoved[:3], poses[:3], atol=1e-6)
    assert np.abs(unmoved - poses)[3:].max() > 1e-3


def initial_pose(frame: str, pose: tuple[float, float, float]) -> PoseWithCovarianceStamped:
    message = PoseWithCovarianceStamped(header=header(0, frame))
    message.pose.pose = to_pose(np.array(pose))
    message.pose.covariance[[0, 7, 35]] = 0.0025, 0.0025, 0.0004
    return message


def test_a_start_in_odometry_or_in_a_fixed_frame_is_brought_to_the_map(
    probe: Any, start: Any, scene: Any, simple_map: Any, drive: Any, tell: Any
) -> None:
    process = start("localizer", weights=scene.weights, resampling="never", **NODE)
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    probe.wait_for_state("map_views", "3")
    tell(fixed("map", "hall", (9.0, -4.0, 0.0)), fixed("hall", "dock", (1.0, 1.0, np.pi / 2)))
    robot, starts = drive(), probe.publisher(PoseWithCovarianceStamped, "initialpose")
    images = 0

    def started(frame: str, pose: tuple[float, float, float], *, x: float) -> np.ndarray:
        """The pose in the map at an image after a start, with odometry at x."""
        nonlocal images
        count = process.output.count("starting at")
        starts.publish(initial_pose(frame, pose))
        probe.wait(lambda: process.output.count("starting at") > count, f"a start in {frame}")
        robot.look(START + images * SECOND, x)
        images += 1
        return pose_with_covariance(robot.poses[-1].pose)[0]

    def check(found: np.ndarray, expected: np.ndarray) -> None:
        assert np.hypot(*(found - expected)[:2]) < 0.4
        assert abs(np.angle(np.exp(1j * (found - expected)[2]))) < 0.2

    first = started("map", (5.0, 3.0, 0.8), x=2.0)
    check(first, np.array([5.0, 3.0, 0.8]))
    # Where odometry begins: two metres behind the robot.
    pose_map_odom = compose(first, np.array([-2.0, 0.0, 0.0]))
    stated = (1.0, -4.0, -0.5)
    check(started("odom", stated, x=2.5), compose(pose_map_odom, np.array(stated)))
    # Seen from the dock, which looks along y at (10, -3).
    check(started("dock", (2.0, 1.0, 0.3), x=3.0), np.array([9.0, -1.0, np.pi / 2 + 0.3]))
    refused = int(probe.state().get("refused_initialpose", 0))
    starts.publish(initial_pose("elsewhere", (0.0, 0.0, 0.0)))
    probe.wait_for_state("refused_initialpose", str(refused + 1))
