"""Records become messages and come back unharmed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage, Image

from dmn_core.data.ros_decoding import image_to_rgb, planar_pose, pose_with_covariance, stamp_ns
from dmn_core.errors import DecodingError, MapError
from dmn_core.map_editing import view_ids
from dmn_core.particle_filter import Mode
from dmn_core.pose_track import compose
from dmn_core.session import Fix
from dmn_core.views import ViewMap, ViewRecord, in_half_precision
from dmn_ros.conversions import (
    MIN_START_STD,
    to_initial_belief,
    to_map_odom_transform,
    to_point_cloud,
    to_pose,
    to_pose_array,
    to_pose_with_covariance,
    to_weighted_particles,
)
from dmn_ros.frames import header
from dmn_ros.images import image_decoder, with_fallback
from dmn_ros.map_message import from_map_message, same_map, to_map_message
from dmn_ros.markers import to_viewpoint_markers

STAMP = 1_700_000_000_123_456_789


@pytest.fixture
def fix() -> Fix:
    rng = np.random.default_rng(1)
    weights = rng.random(500) ** 4
    root = rng.normal(size=(3, 3))
    return Fix(
        stamp_ns=STAMP,
        pose_map_base=np.array([1.0, -2.0, 3.0]),
        covariance=root @ root.T,
        pose_odom_base=np.array([0.5, 0.25, -1.0]),
        particles_map_base=rng.uniform(-3, 3, (500, 3)),
        weights=weights / weights.sum(),
        latency_s=0.1,
    )


@pytest.fixture
def view_map() -> ViewMap:
    torch.manual_seed(0)
    embeddings = in_half_precision(torch.relu(torch.randn(1, 4, 64, 8, 8)))
    records = tuple(ViewRecord(STAMP + number, "robot") for number in range(4))
    return ViewMap(embeddings, torch.randn(1, 4, 3), (-1.0, 2.0, -3.0, 4.0), "ab", records)


def over_the_wire(message: Any) -> Any:
    return deserialize_message(serialize_message(message), type(message))


def test_a_fix_keeps_its_pose_and_all_planar_covariances(fix: Fix) -> None:
    message = over_the_wire(to_pose_with_covariance(fix, frame_id="map"))
    pose, covariance = pose_with_covariance(message.pose)
    np.testing.assert_allclose(pose, fix.pose_map_base, atol=1e-12)
    np.testing.assert_array_equal(covariance, fix.covariance)
    assert np.count_nonzero(message.pose.covariance) == 9
    assert stamp_ns(message.header.stamp) == STAMP
    assert message.header.frame_id == "map"


def test_the_covariance_of_the_best_mode_is_told_where_it_is_asked_for(fix: Fix) -> None:
    best = Mode(fix.pose_map_base, 0.1 * fix.covariance, 0.9)
    other = Mode(fix.pose_map_base + 5.0, 7.0 * fix.covariance, 0.1)
    fix = replace(fix, status=replace(fix.status, modes=(best, other)))
    for of_mode, expected in ((True, best.covariance), (False, fix.covariance)):
        message = to_pose_with_covariance(fix, frame_id="map", of_mode=of_mode)
        pose, covariance = pose_with_covariance(message.pose)
        np.testing.assert_array_equal(covariance, expected)
        np.testing.assert_allclose(pose, fix.pose_map_base, atol=1e-12)


def test_the_transform_brings_odometry_into_the_map(fix: Fix) -> None:
    message = to_map_odom_transform(
        fix.pose_map_odom, map_frame="map", odom_frame="odom", stamp_ns=STAMP + 500_000_000
    )
    shift, turn = message.transform.translation, message.transform.rotation
    pose = compose((shift.x, shift.y, 2 * np.arctan2(turn.z, turn.w)), fix.pose_odom_base)
    np.testing.assert_allclose(pose, fix.pose_map_base, atol=1e-12)
    assert stamp_ns(message.header.stamp) == STAMP + 500_000_000


def test_clouds_hold_every_particle(fix: Fix) -> None:
    particles = over_the_wire(to_weighted_particles(fix, frame_id="map"))
    expected = fix.particles_map_base.astype(np.float32)
    for index, name in enumerate(("x", "y", "yaw")):
        np.testing.assert_array_equal(getattr(particles, name), expected[:, index])
    np.testing.assert_array_equal(particles.weight, fix.weights.astype(np.float32))

    cloud = over_the_wire(to_point_cloud(fix, frame_id="map"))
    numbers = np.frombuffer(cloud.data, np.float32).reshape(-1, 5)
    assert [field.name for field in cloud.fields] == ["x", "y", "z", "intensity", "yaw"]
    assert cloud.width * cloud.point_step == cloud.row_step == len(cloud.data)
    np.testing.assert_array_equal(numbers[:, [0, 1, 4]], expected)
    assert numbers[:, 3].max() == 1.0


def test_the_pose_array_is_drawn_by_weight(fix: Fix) -> None:
    poses = to_pose_array(fix, frame_id="map", max_poses=100).poses
    assert len(poses) == 100
    drawn = np.array([planar_pose(pose) for pose in poses])
    mean = fix.weights @ fix.particles_map_base[:, :2]
    spread = np.sqrt(fix.weights @ (fix.particles_map_base[:, :2] - mean) ** 2)
    assert (np.abs(drawn[:, :2].mean(axis=0) - mean) < 0.3 * spread).all()
    heaviest = fix.particles_map_base[fix.weights.argmax()]
    assert np.isclose(drawn[:, :2], heaviest[:2]).all(axis=1).any()
    assert len(to_pose_array(fix, frame_id="map", max_poses=9999).poses) == 500


def test_a_map_comes_back_bit_for_bit(view_map: ViewMap) -> None:
    message = over_the_wire(to_map_message(view_map, stamp_ns=STAMP, frame_id="map"))
    assert same_map(from_map_message(message), view_map)
    assert from_map_message(message).records == view_map.records
    assert message.stamps_ns.tolist() == [STAMP, STAMP + 1, STAMP + 2, STAMP + 3]
    assert list(message.view_ids) == list(view_ids(view_map))
    markers = to_viewpoint_markers(view_map, stamp_ns=STAMP, frame_id="map").markers
    assert [m.text for m in markers if m.ns == "numbers"] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("convention_version", "0", "convention"),
        ("n_views", 3, "n_views"),
        ("weights_fingerprint", "cd", "weights_fingerprint"),
        ("viewpoints", [1.0], "viewpoints"),
        ("area_m", np.full(4, np.nan), "area_m"),
        ("data", b"", "cut short"),
        ("data", bytes(100), "wanted bytes of a map"),
    ],
)
def test_malformed_maps_are_refused(view_map: ViewMap, name: str, value: Any, words: str) -> None:
    message = to_map_message(view_map, stamp_ns=STAMP, frame_id="map")
    setattr(message, name, value)
    with pytest.raises(MapError, match=words):
        from_map_message(message)


def initial_pose(covariance: np.ndarray, *, frame: str = "map") -> PoseWithCovarianceStamped:
    message = PoseWithCovarianceStamped(header=header(STAMP, frame))
    message.pose.pose = to_pose(np.array([1.0, 2.0, 0.5]))
    full = np.zeros((6, 6))
    full[np.ix_((0, 1, 5), (0, 1, 5))] = covariance
    message.pose.covariance = full.reshape(-1)
    return message


def test_a_start_keeps_negative_correlations() -> None:
    covariance = np.array([[1.0, -0.5, 0.0], [-0.5, 1.0, 0.1], [0.0, 0.1, 0.2]])
    start = to_initial_belief(initial_pose(covariance), map_frame="map", particles=5)
    np.testing.assert_allclose(start.covariance, covariance)
    np.testing.assert_allclose(start.pose_map_base, [1.0, 2.0, 0.5])
    assert start.particles == 5


def test_a_start_without_width_is_widened() -> None:
    start = to_initial_belief(initial_pose(np.zeros((3, 3))), map_frame="map", particles=5)
    np.testing.assert_allclose(np.diag(start.covariance), np.square(MIN_START_STD))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (initial_pose(np.eye(3), frame="odom"), "frame 'map'"),
        (initial_pose(np.diag([1.0, 1.0, -1.0])), "negative"),
        (initial_pose(np.diag([1e9, 1.0, 1.0])), "above"),
        (initial_pose(np.full((3, 3), 1e308)), "above"),
        (initial_pose(np.diag([np.nan, 1.0, 1.0])), "finite"),
        (initial_pose(np.array([[1.0, 2, 0], [2, 1.0, 0], [0, 0, 1.0]])), "negative"),
        (initial_pose(np.array([[1.0, 0.5, 0], [0, 1.0, 0], [0, 0, 1.0]])), "symmetric"),
        (PoseWithCovarianceStamped(header=header(0, "map")), None),
    ],
)
def test_senseless_starts_are_refused(message: Any, words: str | None) -> None:
    if words is None:
        message.pose.pose.orientation.w = 0.0
    with pytest.raises(DecodingError, match=words or "unit quaternion"):
        to_initial_belief(message, map_frame="map", particles=1)


def test_images_are_decoded_and_bad_ones_refused() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (4, 6, 3), dtype=np.uint8)
    message = Image(height=4, width=6, encoding="bgr8", step=18, data=pixels.tobytes())
    decode = image_decoder(compressed=False)
    np.testing.assert_array_equal(decode(message), pixels[..., ::-1])
    message.encoding = "nonsense"
    with pytest.raises(DecodingError, match="nonsense"):
        decode(message)
    with pytest.raises(DecodingError):
        image_decoder(compressed=True)(CompressedImage(format="jpeg", data=b"no picture"))


def test_what_the_bridge_refuses_is_decoded_all_the_same() -> None:
    def bridge(_: Image, desired_encoding: str) -> np.ndarray:
        raise ValueError(f"[16UC1] is not a color format. but [{desired_encoding}] is.")

    pixels = np.arange(24, dtype=np.uint16).reshape(4, 6) * 2700
    message = Image(height=4, width=6, encoding="16UC1", step=12, data=pixels.tobytes())
    decode = with_fallback(bridge, image_to_rgb)
    np.testing.assert_array_equal(decode(message), image_to_rgb(message))
    message.encoding = "nonsense"
    with pytest.raises(DecodingError, match="nonsense"):
        decode(message)
