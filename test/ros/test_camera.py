"""A camera that is not the network's: nodes and replay make the same of its images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from geometry_msgs.msg import PoseWithCovarianceStamped
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer

from dmn_core.cameras import CameraChoice
from dmn_core.checkpoint import save_checkpoint
from dmn_core.data.bag_map import MappingSettings
from dmn_core.data.message_factory import TYPESTORE, compressed_image
from dmn_core.data.recording import RecordingConfig, record_context_bag, record_query_bag
from dmn_core.data.replay import QuerySettings, replay
from dmn_core.data.ros_decoding import pose_with_covariance, stamp_ns
from dmn_core.observation import ObservationModel
from dmn_core.robot import load_localizer
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import CameraConfig
from dmn_ros.localizer_parameters import LocalizerParameters

PARTICLES, SEED, IMAGES = 128, 3, 10


def rewritten(source: Path, target: Path, change: Callable[[Any], Any]) -> Path:
    """A new bag with other messages in place of those of another one."""
    with (
        AnyReader([source]) as reader,
        Writer(target, version=9, storage_plugin=StoragePlugin.MCAP) as writer,
    ):
        connections = {
            c.id: writer.add_connection(c.topic, c.msgtype, typestore=TYPESTORE)
            for c in reader.connections
        }
        for connection, stamp, data in reader.messages():
            message = change(reader.deserialize(data, connection.msgtype))
            content = TYPESTORE.serialize_cdr(message, connection.msgtype)
            writer.write(connections[connection.id], stamp, content)
    return target


def distorted(message: Any) -> Any:
    """A camera_info that says that the lens bends straight lines; images stay what they are."""
    if type(message).__name__.endswith("CameraInfo"):
        bent = np.array([-0.25, 0.05, 0.001, -0.002, 0.0])
        return dataclasses.replace(message, distortion_model="plumb_bob", d=bent)
    return message


def panoramic(message: Any) -> Any:
    """A picture all around, another one at each stamp, in place of each image."""
    if type(message).__name__.endswith("CompressedImage"):
        seed = message.header.stamp.sec, message.header.stamp.nanosec
        coarse = np.random.default_rng(seed).integers(0, 255, (7, 14, 3), dtype=np.uint8)
        rgb = coarse.repeat(8, axis=0).repeat(8, axis=1)
        stamp = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        return compressed_image(rgb, stamp, message.header.frame_id, jpeg_quality=95)
    return message


CAMERAS: dict[str, tuple[Callable[[Any], Any], CameraChoice]] = {
    "wide": (lambda message: message, "auto"),
    "distorted": (distorted, "auto"),
    "all around": (panoramic, "panorama"),
}


@pytest.fixture(scope="module")
def wide_bags(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("wide")
    layout = generate_maze(7)
    camera = CameraConfig(64, 48, field_of_view_deg=110.0, supersampling=1.0)
    config = RecordingConfig(camera=camera)
    context = record_context_bag(folder / "context", layout, views=5, config=config)
    return context, record_query_bag(folder / "query", layout, duration_s=2.0, config=config)


@pytest.fixture(params=list(CAMERAS))
def scene(request: Any, wide_bags: tuple[Path, Path], tmp_path: Path) -> Any:
    """Bags of another camera, in place of those of the other tests."""
    change, camera = CAMERAS[request.param]
    context, query = (rewritten(bag, tmp_path / bag.name, change) for bag in wide_bags)
    torch.manual_seed(0)
    weights = tmp_path / "weights.safetensors"
    save_checkpoint(weights, ObservationModel())
    return SimpleNamespace(context=context, query=query, weights=weights, camera=camera)


def offline(scene: Any, camera: CameraChoice, bags: Sequence[Path]) -> np.ndarray:
    settings = LocalizerParameters(max_particles=PARTICLES, random_seed=SEED).robot_settings()
    localizer = load_localizer(scene.weights, device="cpu", settings=settings.filter)
    context, query = bags
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        result = replay(
            context,
            query,
            localizer=localizer,
            robot=settings,
            mapping=MappingSettings(camera=camera),
            reading=QuerySettings(camera=camera),
        )
    finally:
        torch.set_num_threads(threads)
    return np.array([fix.pose_map_base for fix in result.fixes])


def test_nodes_see_as_the_replay_does(
    scene: Any, wide_bags: Any, start: Any, probe: Any, mapper: Any, localizer: Any
) -> None:
    mapper(camera=scene.camera)
    localizer(camera=scene.camera)
    probe.wait_for_state("map_views", "5")
    poses = probe.listen(PoseWithCovarianceStamped, "pose")
    topics = ["/camera/image_raw/compressed", "/odom"]
    topics += ["/camera/camera_info"] if scene.camera == "auto" else []
    start("bag_player", bag=scene.query, rate=2.0, wait_for_subscribers=topics)
    bags = scene.context, scene.query
    expected = offline(scene, scene.camera, bags)
    probe.wait_for_state("images_processed", str(IMAGES), seconds=60)
    probe.wait(lambda: len(poses) == IMAGES, "all poses")
    stamps = [stamp_ns(message.header.stamp) for message in poses]
    assert stamps == sorted(stamps)
    got = np.array([pose_with_covariance(message.pose)[0] for message in poses])
    np.testing.assert_allclose(got[:, :2], expected[:, :2], atol=1e-9)
    # Taken as they come, images say something else.
    assert np.abs(got - offline(scene, "none", bags))[:, :2].max() > 1e-3


def test_another_calibration_of_the_same_images_gives_other_poses(
    wide_bags: Any, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    scene = SimpleNamespace(weights=tmp_path / "weights.safetensors")
    save_checkpoint(scene.weights, ObservationModel())
    bent = [rewritten(bag, tmp_path / bag.name, distorted) for bag in wide_bags]
    poses = [offline(scene, "auto", bags) for bags in (wide_bags, bent)]
    assert np.abs(poses[0] - poses[1])[:, :2].max() > 1e-3
