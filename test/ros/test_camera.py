"""A camera that is not the network's: nodes and replay make the same of its images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from geometry_msgs.msg import PoseWithCovarianceStamped
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer

from dmn_core.cameras import (
    CameraChoice,
    Distortion,
    ImageAdapter,
    NetworkCamera,
    PinholeCamera,
)
from dmn_core.checkpoint import save_checkpoint
from dmn_core.data.bag_map import MappingSettings
from dmn_core.data.message_factory import TYPESTORE, compressed_image
from dmn_core.data.recording import RecordingConfig, record_context_bag, record_query_bag
from dmn_core.data.replay import QuerySettings, replay
from dmn_core.data.ros_decoding import (
    compressed_image_to_rgb,
    pose_with_covariance,
    stamp_ns,
)
from dmn_core.observation import NetworkConfig, ObservationModel
from dmn_core.robot import load_localizer
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import CameraConfig
from dmn_ros.localizer_parameters import LocalizerParameters

PARTICLES, SEED, IMAGES = 128, 3, 10
WIDE_DEG = 110.0
FISHEYE = (-0.05, 0.01, -0.002, 0.0005)


def rewritten(source: Path, target: Path, change: Callable[[Any], Any]) -> Path:
    """A new bag with other messages in place of those of another one; None leaves one out."""
    with (
        AnyReader([source]) as reader,
        Writer(target, version=9, storage_plugin=StoragePlugin.MCAP) as writer,
    ):
        made: dict[int, Any] = {}
        for connection, stamp, data in reader.messages():
            message = change(reader.deserialize(data, connection.msgtype))
            if message is None:
                continue
            kind = connection.msgtype
            if connection.id not in made:
                added = writer.add_connection(connection.topic, kind, typestore=TYPESTORE)
                made[connection.id] = added
            writer.write(made[connection.id], stamp, TYPESTORE.serialize_cdr(message, kind))
    return target


def distorted(message: Any) -> Any:
    """A camera_info that says that the lens bends straight lines; images stay what they are."""
    if type(message).__name__.endswith("CameraInfo"):
        bent = np.array([-0.25, 0.05, 0.001, -0.002, 0.0])
        return dataclasses.replace(message, distortion_model="plumb_bob", d=bent)
    return message


def fisheye(message: Any) -> Any:
    """A camera_info of a lens that sees wide."""
    if type(message).__name__.endswith("CameraInfo"):
        return dataclasses.replace(message, distortion_model="equidistant", d=np.array(FISHEYE))
    return message


def fitted(message: Any) -> Any:
    """What the network's camera takes, in place of images of the fisheye, without a loss."""
    if type(message).__name__.endswith("CompressedImage"):
        focal = 32 / np.tan(np.radians(WIDE_DEG) / 2)
        lens = Distortion("equidistant", FISHEYE)
        camera = PinholeCamera(64, 48, focal, focal, 32.0, 24.0, lens)
        rgb = ImageAdapter(camera, NetworkCamera(32, 32))(compressed_image_to_rgb(message))
        _, png = cv2.imencode(".png", np.ascontiguousarray(rgb[..., ::-1]))
        return dataclasses.replace(message, format="png", data=png.reshape(-1))
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


def panoramic_alone(message: Any) -> Any:
    """The same without camera_info, as drivers of such cameras publish none."""
    return None if type(message).__name__.endswith("CameraInfo") else panoramic(message)


def turned(message: Any) -> Any:
    """Such a picture of a robot that looks the other way."""
    message = panoramic_alone(message)
    if type(message).__name__.endswith("CompressedImage"):
        rgb = np.roll(compressed_image_to_rgb(message), 56, axis=1)
        stamp = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        return compressed_image(rgb, stamp, message.header.frame_id, jpeg_quality=95)
    return message


@dataclasses.dataclass(frozen=True)
class Case:
    """A camera, a network, and what looks otherwise: other images, or taken as they come."""

    change: Callable[[Any], Any]
    camera: CameraChoice = "auto"
    network: NetworkConfig = dataclasses.field(default_factory=NetworkConfig)
    otherwise: Callable[[Any], Any] | None = None


AROUND = NetworkConfig(image_height=16, image_width=32, field_of_view_deg=(360.0, 180.0))
CAMERAS = {
    "wide": Case(lambda message: message),
    "distorted": Case(distorted),
    "fisheye": Case(fisheye),
    "all around": Case(panoramic, "panorama"),
    # A network that knows panoramas, which have no camera_info.
    "all around for all around": Case(panoramic_alone, "panorama", AROUND, turned),
    "nobody says so": Case(panoramic_alone, "auto", AROUND, turned),
}


@pytest.fixture(scope="module")
def wide_bags(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("wide")
    layout = generate_maze(7)
    camera = CameraConfig(64, 48, field_of_view_deg=WIDE_DEG, supersampling=1.0)
    config = RecordingConfig(camera=camera)
    context = record_context_bag(folder / "context", layout, views=5, config=config)
    return context, record_query_bag(folder / "query", layout, duration_s=2.0, config=config)


@pytest.fixture(params=list(CAMERAS))
def scene(request: Any, wide_bags: tuple[Path, Path], tmp_path: Path) -> Any:
    """Bags of another camera, in place of those of the other tests."""
    case = CAMERAS[request.param]
    context, query = (rewritten(bag, tmp_path / bag.name, case.change) for bag in wide_bags)
    torch.manual_seed(0)
    weights = tmp_path / "weights.safetensors"
    save_checkpoint(weights, ObservationModel(case.network))
    return SimpleNamespace(context=context, query=query, weights=weights, case=case)


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
    scene: Any,
    wide_bags: Any,
    start: Any,
    probe: Any,
    mapper: Any,
    localizer: Any,
    tmp_path: Path,
) -> None:
    camera, otherwise = scene.case.camera, scene.case.otherwise
    mapper(camera=camera)
    localizer(camera=camera)
    probe.wait_for_state("map_views", "5")
    poses = probe.listen(PoseWithCovarianceStamped, "pose")
    probe.statuses()
    topics = ["/camera/image_raw/compressed", "/odom"]
    has_info = camera == "auto" and scene.case.network is not AROUND
    topics += ["/camera/camera_info"] if has_info else []
    start("bag_player", bag=scene.query, rate=2.0, wait_for_subscribers=topics)
    bags = scene.context, scene.query
    expected = offline(scene, camera, bags)
    probe.wait_for_state("images_processed", str(IMAGES))
    probe.wait(lambda: len(poses) == IMAGES, "all poses")
    stamps = [stamp_ns(message.header.stamp) for message in poses]
    assert stamps == sorted(stamps)
    got = np.array([pose_with_covariance(message.pose)[0] for message in poses])
    np.testing.assert_allclose(got[:, :2], expected[:, :2], atol=1e-9)
    # Taken as they come, or with other images, it says something else.
    if otherwise is not None:
        bags = scene.context, rewritten(wide_bags[1], tmp_path / "otherwise", otherwise)
    others = offline(scene, "none" if otherwise is None else camera, bags)
    assert np.abs(got - others)[:, :2].max() > 1e-3


def test_a_fisheye_s_images_count_as_those_that_the_network_s_camera_takes(
    wide_bags: Any, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    scene = SimpleNamespace(weights=tmp_path / "weights.safetensors")
    save_checkpoint(scene.weights, ObservationModel())
    bent, straight = (
        [rewritten(bag, tmp_path / f"{change.__name__}_{bag.name}", change) for bag in wide_bags]
        for change in (fisheye, fitted)
    )
    expected = offline(scene, "none", straight)
    np.testing.assert_allclose(offline(scene, "auto", bent), expected, atol=1e-9)


@pytest.mark.parametrize("change", [distorted, fisheye])
def test_another_calibration_of_the_same_images_gives_other_poses(
    wide_bags: Any, tmp_path: Path, change: Callable[[Any], Any]
) -> None:
    torch.manual_seed(0)
    scene = SimpleNamespace(weights=tmp_path / "weights.safetensors")
    save_checkpoint(scene.weights, ObservationModel())
    bent = [rewritten(bag, tmp_path / bag.name, change) for bag in wide_bags]
    poses = [offline(scene, "auto", bags) for bags in (wide_bags, bent)]
    assert np.abs(poses[0] - poses[1])[:, :2].max() > 1e-3
