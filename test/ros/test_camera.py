"""A camera that is not the network's: nodes and replay make the same of its images."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from geometry_msgs.msg import PoseWithCovarianceStamped

from dmn_core.checkpoint import save_checkpoint
from dmn_core.data.recording import RecordingConfig, record_context_bag, record_query_bag
from dmn_core.data.replay import QuerySettings, replay
from dmn_core.data.ros_decoding import pose_with_covariance, stamp_ns
from dmn_core.observation import ObservationModel
from dmn_core.robot import load_localizer
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import CameraConfig
from dmn_ros.localizer_parameters import LocalizerParameters

PARTICLES, SEED, IMAGES = 128, 3, 10


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Bags of a wide camera, in place of those of the other tests."""
    folder = tmp_path_factory.mktemp("wide")
    layout = generate_maze(7)
    camera = CameraConfig(64, 48, field_of_view_deg=110.0, supersampling=1.0)
    config = RecordingConfig(camera=camera)
    context = record_context_bag(folder / "context", layout, views=5, config=config)
    query = record_query_bag(folder / "query", layout, duration_s=2.0, config=config)
    torch.manual_seed(0)
    weights = folder / "weights.safetensors"
    save_checkpoint(weights, ObservationModel())
    return SimpleNamespace(context=context, query=query, weights=weights, images=IMAGES)


def offline(scene: Any, camera: Any) -> np.ndarray:
    settings = LocalizerParameters(max_particles=PARTICLES, random_seed=SEED).robot_settings()
    localizer = load_localizer(scene.weights, device="cpu", settings=settings.filter)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        result = replay(
            scene.context,
            scene.query,
            localizer=localizer,
            robot=settings,
            reading=QuerySettings(camera=camera),
        )
    finally:
        torch.set_num_threads(threads)
    return np.array([fix.pose_map_base for fix in result.fixes])


def test_nodes_follow_camera_info_as_the_replay_does(
    scene: Any, start: Any, probe: Any, mapper: Any, localizer: Any
) -> None:
    mapper()
    localizer()
    probe.wait_for_state("map_views", "5")
    poses = probe.listen(PoseWithCovarianceStamped, "pose")
    topics = ["/camera/image_raw/compressed", "/camera/camera_info", "/odom"]
    start("bag_player", bag=scene.query, rate=2.0, wait_for_subscribers=topics)
    expected = offline(scene, "auto")
    probe.wait_for_state("images_processed", str(scene.images), seconds=60)
    probe.wait(lambda: len(poses) == scene.images, "all poses")
    stamps = [stamp_ns(message.header.stamp) for message in poses]
    assert stamps == sorted(stamps)
    got = np.array([pose_with_covariance(message.pose)[0] for message in poses])
    np.testing.assert_allclose(got[:, :2], expected[:, :2], atol=1e-9)
    assert np.abs(got - offline(scene, "none"))[:, :2].max() > 1e-3
