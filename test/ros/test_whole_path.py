"""A bag is played over DDS to mapper and localizer; their poses are those of the offline replay."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from dmn.msg import ViewMap, WeightedParticles
from geometry_msgs.msg import PoseArray, PoseWithCovarianceStamped
from sensor_msgs.msg import PointCloud2
from tf2_msgs.msg import TFMessage

from dmn_core.belief_monitor import TRUSTED
from dmn_core.data.replay import replay
from dmn_core.data.ros_decoding import pose_with_covariance, stamp_ns
from dmn_core.pose_track import compose, wrap_angle
from dmn_core.robot import RobotSettings, load_localizer
from dmn_ros.localizer_parameters import LocalizerParameters
from dmn_ros.qualities import LATCHED

PARTICLES, SEED = 128, 3
# Somebody states a pose, so that there is something to tell until images speak against it.
STATED = {"set_initial_pose": True, "initial_pose.x": 2.0, "initial_pose.y": -1.0}
IMAGE_TOPIC = "/camera/image_raw/compressed"


def offline(scene: Any) -> Any:
    parameters = LocalizerParameters(
        max_particles=PARTICLES,
        random_seed=SEED,
        set_initial_pose=True,
        initial_pose_x=2.0,
        initial_pose_y=-1.0,
    )
    settings = parameters.robot_settings()
    assert settings == RobotSettings(particles=PARTICLES, seed=SEED)
    localizer = load_localizer(scene.weights, device="cpu", settings=settings.filter)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return replay(
            scene.context,
            scene.query,
            localizer=localizer,
            robot=settings,
            start=parameters.initial_pose(),
        )
    finally:
        torch.set_num_threads(threads)


def test_nodes_and_replay_give_the_same_poses(
    scene: Any, start: Any, probe: Any, mapper: Any, localizer: Any
) -> None:
    mapper()
    maps = probe.listen(ViewMap, "map", LATCHED)
    probe.wait(lambda: maps, "the map")
    # Only now, so that the map it gets is the latched one.
    localizer(**STATED)
    probe.wait_for_state("map_views", "5")
    poses = probe.listen(PoseWithCovarianceStamped, "pose")
    clouds = probe.listen(PoseArray, "particle_cloud")
    points = probe.listen(PointCloud2, "particle_points")
    particles = probe.listen(WeightedParticles, "particles")
    transforms = probe.listen(TFMessage, "/tf")
    topics = ["pose", "particle_cloud", "particle_points", "particles", "/tf"]
    probe.wait(lambda: all(probe.node.count_publishers(t) for t in topics), "publishers")
    probe.statuses()

    player = start(
        "bag_player", bag=scene.query, rate=4.0, wait_for_subscribers=[IMAGE_TOPIC, "/odom"]
    )
    expected = offline(scene)
    state = probe.wait_for_state("images_processed", str(scene.images))
    assert state["images_dropped"] == "0"
    told = (poses, clouds, points, particles)
    probe.wait(lambda: {len(heard) for heard in told} == {scene.images}, "all poses and clouds")
    probe.wait(lambda: not player.alive, "the player to end")
    assert player.popen.returncode == 0

    assert len(expected.fixes) == scene.images
    assert expected.uncovered_ns == []
    for message, fix in zip(poses, expected.fixes, strict=True):
        pose, covariance = pose_with_covariance(message.pose)
        assert stamp_ns(message.header.stamp) == fix.stamp_ns
        assert message.header.frame_id == "map"
        np.testing.assert_allclose(pose[:2], fix.pose_map_base[:2], atol=1e-9)
        assert abs(wrap_angle(pose[2] - fix.pose_map_base[2])) < 1e-9
        np.testing.assert_allclose(covariance, fix.covariance, atol=1e-12)
    for message, fix in zip(particles, expected.fixes, strict=True):
        np.testing.assert_array_equal(message.weight, fix.weights.astype(np.float32))
        np.testing.assert_array_equal(message.x, fix.particles_map_base[:, 0].astype(np.float32))
    trusted = sum(fix.status.state in TRUSTED for fix in expected.fixes)
    assert trusted > 0
    # Those of the bag wait on the same topic.
    probe.wait(lambda: len(from_map(transforms)) == trusted, f"{trusted} transforms")
    assert_transforms_agree(transforms, expected.fixes)


def from_map(messages: list[Any]) -> list[Any]:
    return [t for m in messages for t in m.transforms if t.header.frame_id == "map"]


def assert_transforms_agree(messages: list[Any], fixes: list[Any]) -> None:
    """map -> odom, composed with odometry at the image, is the pose; stamped one second later.

    It is withheld while the robot is lost, or not found yet.
    """
    fixes = [fix for fix in fixes if fix.status.state in TRUSTED]
    ours = from_map(messages)
    assert len(ours) == len(fixes)
    for transform, fix in zip(ours, fixes, strict=True):
        assert transform.child_frame_id == "odom"
        assert stamp_ns(transform.header.stamp) == fix.stamp_ns + 1_000_000_000
        shift, turn = transform.transform.translation, transform.transform.rotation
        pose_map_odom = (shift.x, shift.y, 2 * np.arctan2(turn.z, turn.w))
        pose = compose(pose_map_odom, fix.pose_odom_base)
        np.testing.assert_allclose(pose[:2], fix.pose_map_base[:2], atol=1e-9)
        assert abs(wrap_angle(pose[2] - fix.pose_map_base[2])) < 1e-9


def test_the_newest_image_goes_first_where_not_all_can_be_processed(
    scene: Any, start: Any, probe: Any, mapper: Any, localizer: Any
) -> None:
    """Two thousand particles on one thread are too slow for ten images a second."""
    mapper()
    localizer(image_queue="newest", max_particles=2048)
    poses = probe.listen(PoseWithCovarianceStamped, "pose")
    probe.wait_for_state("map_views", "5")
    probe.wait(lambda: probe.node.count_publishers("pose"), "the localizer's poses")
    probe.statuses()
    start("bag_player", bag=scene.query, rate=2.0, wait_for_subscribers=[IMAGE_TOPIC, "/odom"])

    def count(what: str) -> int:
        return int(probe.state().get(what, "0"))

    def all_are_accounted_for() -> bool:
        """By one report, as the bag may go on while others come."""
        processed = count("images_processed")
        done = processed + count("images_dropped") == count("images_received") > 5
        return done and count("dropped_superseded") > 0 and len(poses) == processed

    probe.wait(all_are_accounted_for, "all images to be superseded, or processed and told")
    assert 0 < count("images_processed") < scene.images
    stamps = [stamp_ns(message.header.stamp) for message in poses]
    assert stamps == sorted(stamps)
