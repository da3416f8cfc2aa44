"""Pictures of every common encoding, and large ones, become the views that they should."""

from __future__ import annotations

from typing import Any

import numpy as np
from dmn.msg import ViewMap
from geometry_msgs.msg import PoseStamped
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import Image

from dmn_core.robot import load_localizer
from dmn_core.views import Views
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.map_message import from_map_message
from dmn_ros.qualities import LATCHED

SECOND = 1_000_000_000
START = 1_000 * SECOND


def encoded(rgb: np.ndarray, encoding: str) -> np.ndarray:
    if encoding == "bgr8":
        return rgb[..., ::-1]
    if encoding == "rgba8":
        return np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 9, np.uint8)], axis=2)
    return rgb[..., :1] if encoding == "mono8" else rgb


def image(stamp: int, pixels: np.ndarray, encoding: str) -> Image:
    height, width, channels = pixels.shape
    size = {"height": height, "width": width, "step": width * channels, "encoding": encoding}
    return Image(header=header(stamp, "camera"), data=pixels.tobytes(), **size)


def test_encodings_and_sizes(probe: Any, mapper: Any, scene: Any) -> None:
    reliable = {"qos_overrides./image.subscription.reliability": "reliable"}
    mapper(context_bag=None, live_poses="pose", publish_period_s=0.1, **reliable)
    maps = probe.listen(ViewMap, "map", LATCHED)
    poses = probe.publisher(PoseStamped, "view_pose")
    images = probe.publisher(Image, "image")
    # Of the two that share a profile, only the one that was asked for is another now.
    for topic, expected in (("/image", "RELIABLE"), ("/camera_info", "BEST_EFFORT")):
        (heard,) = probe.node.get_subscriptions_info_by_topic(topic)
        assert heard.qos_profile.reliability == ReliabilityPolicy[expected]
    random = np.random.default_rng(0)
    cases = [(32, 32, encoding) for encoding in ("rgb8", "bgr8", "rgba8", "mono8")]
    # More than half a MiB.
    cases.append((480, 640, "rgb8"))
    pictures, viewpoints = [], []
    for number, (height, width, encoding) in enumerate(cases):
        rgb = random.integers(0, 255, (height, width, 3), dtype=np.uint8)
        stamp, place = START + number * SECOND, np.array([10.0 * number, 0.0, 0.0])
        images.publish(image(stamp, encoded(rgb, encoding), encoding))
        poses.publish(PoseStamped(header=header(stamp, "map"), pose=to_pose(place)))
        pictures.append(np.repeat(rgb[..., :1], 3, axis=2) if encoding == "mono8" else rgb)
        viewpoints.append(place)
        probe.wait(lambda n=number + 1: maps and maps[-1].n_views == n, f"a view of {encoding}")
    got = from_map_message(maps[-1])
    order = np.argsort(got.poses_map_camera[0, :, 0].numpy())
    localizer = load_localizer(scene.weights, device="cpu")
    for place, picture, viewpoint in zip(order, pictures, viewpoints, strict=True):
        (expected,) = localizer.build_map(Views(picture[None], viewpoint[None])).embeddings[0]
        np.testing.assert_allclose(got.embeddings[0, place], expected, atol=2e-3, rtol=2e-3)
        others = [n for n in range(len(cases)) if n != place]
        assert min(float((got.embeddings[0, n] - expected).abs().max()) for n in others) > 0.01
