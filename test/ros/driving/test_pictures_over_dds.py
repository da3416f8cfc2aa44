"""Pictures of every common encoding, and large ones, become the views that they should."""

from __future__ import annotations

from functools import partial
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


# Red, green, blue: of one colour all over, so that mosaics and shared colour lose nothing.
PLAIN = {
    "bayer_rggb8": (200, 60, 20),
    "bayer_gbrg8": (20, 60, 200),
    "uyvy": (180, 40, 90),
    "nv12": (30, 160, 60),
}


def encoded(rgb: np.ndarray, encoding: str) -> np.ndarray:
    """Bytes (H, W, bytes of a pixel) of an image, or (3 H / 2, W, 1) of planes."""
    if encoding == "bgr8":
        return rgb[..., ::-1]
    if encoding == "rgba8":
        return np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 9, np.uint8)], axis=2)
    if encoding == "mono16":
        return np.repeat(rgb[..., :1], 2, axis=2)  # 257 steps of 16 bits are one of 8
    if encoding in ("bayer_rggb8", "bayer_gbrg8"):
        mosaic = rgb[..., 1].copy()
        red, blue = ((0, 0), (1, 1)) if encoding == "bayer_rggb8" else ((1, 0), (0, 1))
        for channel, (row, column) in ((0, red), (2, blue)):
            mosaic[row::2, column::2] = rgb[row::2, column::2, channel]
        return mosaic[..., None]
    if encoding in ("uyvy", "nv12"):
        return yuv(rgb, encoding)
    return rgb[..., :1] if encoding == "mono8" else rgb


def yuv(rgb: np.ndarray, encoding: str) -> np.ndarray:
    """ITU-R BT.601 in the range of video, of an image of one colour."""
    red, green, blue = rgb[0, 0].astype(float)
    luma = 16 + (65.738 * red + 129.057 * green + 25.064 * blue) / 256
    u = 128 + (-37.945 * red - 74.494 * green + 112.439 * blue) / 256
    v = 128 + (112.439 * red - 94.154 * green - 18.285 * blue) / 256
    height, width, _ = rgb.shape
    if encoding == "uyvy":
        pair = np.array([[u, luma], [v, luma]]).round()
        return np.tile(pair, (height, width // 2, 1)).astype(np.uint8)
    chroma = np.tile(np.array([u, v]).round(), (height // 2, width // 2))
    planes = np.concatenate([np.full((height, width), round(luma)), chroma])
    return planes.astype(np.uint8)[..., None]


def image(stamp: int, rgb: np.ndarray, encoding: str) -> Image:
    height, width, _ = rgb.shape
    pixels = encoded(rgb, encoding)
    size = {"height": height, "width": width, "step": width * pixels.shape[2]}
    return Image(header=header(stamp, "camera"), data=pixels.tobytes(), encoding=encoding, **size)


def test_encodings_and_sizes(probe: Any, mapper: Any, scene: Any) -> None:
    reliable = {
        f"qos_overrides./{topic}.subscription.reliability": "reliable"
        for topic in ("image", "view_pose")
    }
    mapper(context_bag=None, live_poses="pose", publish_period_s=0.1, **reliable)
    maps = probe.listen(ViewMap, "map", LATCHED)
    poses = probe.publisher(PoseStamped, "view_pose")
    images = probe.publisher(Image, "image")
    # Of the two that share a profile, only the one that was asked for is another now.
    for topic, expected in (("/image", "RELIABLE"), ("/camera_info", "BEST_EFFORT")):
        heard_at = partial(probe.node.get_subscriptions_info_by_topic, topic)
        probe.wait(lambda known=heard_at: len(known()) == 1, topic)
        (heard,) = heard_at()
        assert heard.qos_profile.reliability == ReliabilityPolicy[expected]
    random = np.random.default_rng(0)
    encodings = ("rgb8", "bgr8", "rgba8", "mono8", "mono16", *PLAIN)
    cases = [(32, 32, encoding) for encoding in encodings]
    # More than half a MiB.
    cases.append((480, 640, "rgb8"))
    pictures, viewpoints = [], []
    for number, (height, width, encoding) in enumerate(cases):
        rgb = random.integers(0, 255, (height, width, 3), dtype=np.uint8)
        if encoding in PLAIN:
            rgb[:] = PLAIN[encoding]
        stamp, place = START + number * SECOND, np.array([10.0 * number, 0.0, 0.0])
        images.publish(image(stamp, rgb, encoding))
        poses.publish(PoseStamped(header=header(stamp, "map"), pose=to_pose(place)))
        pictures.append(np.repeat(rgb[..., :1], 3, axis=2) if "mono" in encoding else rgb)
        viewpoints.append(place)
        probe.wait(lambda n=number + 1: maps and maps[-1].n_views == n, f"a view of {encoding}")
    got = from_map_message(maps[-1])
    order = np.argsort(got.poses_map_camera[0, :, 0].numpy())
    localizer = load_localizer(scene.weights, device="cpu")
    for place, (*_, encoding), picture, viewpoint in zip(
        order, cases, pictures, viewpoints, strict=True
    ):
        (expected,) = localizer.build_map(Views(picture[None], viewpoint[None])).embeddings[0]
        # Video has fewer levels.
        atol = 0.03 if encoding in ("uyvy", "nv12") else 2e-3
        np.testing.assert_allclose(
            got.embeddings[0, place], expected, atol=atol, rtol=2e-3, err_msg=encoding
        )
        others = [n for n in range(len(cases)) if n != place]
        assert min(float((got.embeddings[0, n] - expected).abs().max()) for n in others) > 0.1
