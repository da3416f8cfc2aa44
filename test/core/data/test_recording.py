"""Recorded drives: bags that explain themselves and agree with the drive they came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("mujoco")
pytest.importorskip("labmaze")
from rosbags.highlevel import AnyReader
from rosbags.interfaces import QosDurability

from dmn_core.data.bag_output import Storage
from dmn_core.data.drive_messages import RecordingConfig
from dmn_core.data.recording import record_context_bag, record_query_bag, spread_poses
from dmn_core.errors import BagError
from dmn_core.pose_track import compose, relative_pose
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import CameraConfig, MazeRenderer
from dmn_core.worlds.wheel_odometry import NO_NOISE

LAYOUT = generate_maze(2_000_000)
CAMERA = CameraConfig(48, 48, supersampling=1.0)
STORAGES: tuple[Storage, ...] = ("mcap", "sqlite3")


def read(path: Path) -> tuple[dict[str, list[tuple[int, Any]]], dict[str, Any]]:
    messages: dict[str, list[tuple[int, Any]]] = {}
    with AnyReader([path]) as reader:
        connections = {connection.topic: connection for connection in reader.connections}
        for connection, stamp, data in reader.messages():
            content = reader.deserialize(data, connection.msgtype)
            messages.setdefault(connection.topic, []).append((stamp, content))
    return messages, connections


def planar(pose: Any) -> np.ndarray:
    yaw = 2 * np.arctan2(pose.orientation.z, pose.orientation.w)
    return np.array([pose.position.x, pose.position.y, yaw])


def planar_tf(transform: Any) -> np.ndarray:
    rotation, shift = transform.transform.rotation, transform.transform.translation
    return np.array([shift.x, shift.y, 2 * np.arctan2(rotation.z, rotation.w)])


def same_pose(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(np.abs(relative_pose(first, second)).max() < 1e-6)


@pytest.mark.parametrize("storage", STORAGES)
def test_query_bag_carries_everything_a_robot_says(tmp_path: Path, storage: Storage) -> None:
    config = RecordingConfig(storage=storage, compressed=storage == "mcap", camera=CAMERA)
    path = record_query_bag(tmp_path / "query", LAYOUT, duration_s=4.0, config=config)
    messages, connections = read(path)
    image_topic = "/camera/image_raw" + ("/compressed" if storage == "mcap" else "")
    counts = {topic: len(content) for topic, content in messages.items()}
    assert counts == {
        "/tf_static": 1,
        "/odom": 81,
        "/tf": 81,
        "/ground_truth": 81,
        image_topic: 20,
        "/camera/camera_info": 20,
    }
    for connection in connections.values():
        assert connection.msgdef.data.strip()
        assert connection.digest.startswith("RIHS01_")
    assert connections["/tf_static"].ext.offered_qos_profiles[0].durability is (
        QosDurability.TRANSIENT_LOCAL
    )
    assert connections["/odom"].ext.offered_qos_profiles[0].durability is QosDurability.VOLATILE
    for stamp, content in messages["/odom"] + messages[image_topic]:
        assert content.header.stamp.sec * 10**9 + content.header.stamp.nanosec == stamp
        assert 1_700_000_000 <= content.header.stamp.sec <= 1_700_000_004
    assert (path / "metadata.yaml").read_text().count("topic_metadata") == 6


def test_images_show_the_maze_at_the_true_pose_by_either_encoding(tmp_path: Path) -> None:
    raw = RecordingConfig(compressed=False, camera=CAMERA, odometry_rate_hz=50.0)
    packed = RecordingConfig(camera=CAMERA, jpeg_quality=95)
    raw_bag, _ = read(record_query_bag(tmp_path / "a", LAYOUT, duration_s=6.0, config=raw))
    packed_bag, _ = read(record_query_bag(tmp_path / "b", LAYOUT, duration_s=6.0, config=packed))
    truth = {stamp: planar(content.pose) for stamp, content in raw_bag["/ground_truth"]}
    images = raw_bag["/camera/image_raw"]
    assert len(images) == len(packed_bag["/camera/image_raw/compressed"]) == 30
    with MazeRenderer(LAYOUT, CAMERA) as renderer:
        for (stamp, content), (packed_stamp, jpeg) in zip(
            images, packed_bag["/camera/image_raw/compressed"], strict=True
        ):
            assert (content.encoding, content.step, packed_stamp) == ("rgb8", 144, stamp)
            seen = content.data.reshape(48, 48, 3).astype(int)
            assert np.abs(seen - renderer.render(truth[stamp])).max() <= 2
            decoded = cv2.imdecode(jpeg.data, cv2.IMREAD_COLOR)[..., ::-1]
            assert np.abs(decoded - seen).mean() < 12
    info = raw_bag["/camera/camera_info"][0][1]
    assert info.k.reshape(3, 3)[0, 0] == pytest.approx(24.0)


def test_odometry_tf_and_truth_agree_without_noise(tmp_path: Path) -> None:
    config = RecordingConfig(camera=CAMERA, odometry_noise=NO_NOISE)
    bag, _ = read(record_query_bag(tmp_path / "query", LAYOUT, duration_s=20.0, config=config))
    start = planar(bag["/ground_truth"][0][1].pose)
    rows = zip(bag["/odom"], bag["/tf"], bag["/ground_truth"], strict=True)
    for (_, odom), (_, moved), (_, truth) in rows:
        pose = planar(odom.pose.pose)
        assert same_pose(compose(start, pose), planar(truth.pose))
        assert same_pose(pose, planar_tf(moved.transforms[0]))
        assert moved.transforms[0].header.frame_id == "odom"
        assert moved.transforms[0].child_frame_id == odom.child_frame_id == "base_link"
    speeds = [odom.twist.twist.linear.x for _, odom in bag["/odom"]]
    assert 1.0 < max(speeds) <= 2.01


def test_context_bag_has_posed_views_spread_over_the_maze(tmp_path: Path) -> None:
    config = RecordingConfig(camera=CAMERA)
    bag, _ = read(record_context_bag(tmp_path / "context", LAYOUT, views=16, config=config))
    poses = {stamp: planar(content.pose) for stamp, content in bag["/pose"]}
    transforms = dict(bag["/tf"])
    views = [stamp for stamp, _ in bag["/camera/image_raw/compressed"]]
    assert len(views) == 16
    for stamp in views:
        map_odom, odom_base = transforms[stamp].transforms
        assert (map_odom.header.frame_id, map_odom.child_frame_id) == ("map", "odom")
        chained = compose(planar_tf(map_odom), planar_tf(odom_base))
        assert same_pose(chained, poses[stamp])
    spread = np.array([poses[stamp] for stamp in views])
    assert np.ptp(spread[:, :2], axis=0).min() > 25.0
    free = LAYOUT.free_cell_centres()
    gaps = np.linalg.norm(free[:, None] - spread[None, :, :2], axis=-1).min(axis=1)
    assert np.mean(gaps) < 6.0


def test_spread_poses_are_far_apart_in_place_and_heading() -> None:
    poses = np.zeros((100, 3))
    poses[:, 2] = np.linspace(-np.pi, np.pi, 100)
    chosen = poses[spread_poses(poses, 4, rng=np.random.default_rng(0)), 2]
    gaps = np.abs(np.angle(np.exp(1j * (chosen[:, None] - chosen))))
    assert gaps[~np.eye(4, dtype=bool)].min() > 1.4


def test_same_seed_gives_same_bag_and_existing_paths_are_kept(tmp_path: Path) -> None:
    config = RecordingConfig(camera=CAMERA)
    for name in ("one", "two"):
        record_query_bag(tmp_path / name / "bag", LAYOUT, duration_s=2.0, seed=5, config=config)
    first, second = (tmp_path / name / "bag" / "bag.mcap" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    with pytest.raises(BagError, match="not there yet"):
        record_query_bag(tmp_path / "one" / "bag", LAYOUT, duration_s=2.0, config=config)


def test_bad_requests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="must divide 100 Hz"):
        RecordingConfig(image_rate_hz=7.0)
    with pytest.raises(BagError, match="storage must be one of"):
        record_query_bag(
            tmp_path / "x",
            LAYOUT,
            duration_s=1.0,
            config=RecordingConfig(storage="tape", camera=CAMERA),  # type: ignore[arg-type]
        )
    with pytest.raises(BagError, match="at least one view"):
        record_context_bag(tmp_path / "y", LAYOUT, views=0)
