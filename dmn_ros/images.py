"""Image messages to RGB pictures: by cv_bridge where it works, else by our own decoding.

The cv_bridge of a ROS installation works; packages of that name elsewhere lack its compiled half.
Nothing else knows which of the two it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from dmn_core.cameras import info_topic
from dmn_core.data import ros_decoding
from dmn_core.errors import DecodingError

Decoder = Callable[[Any], np.ndarray]


def image_decoder(*, compressed: bool) -> Decoder:
    """A function from Image (or CompressedImage) messages to RGB uint8 (H, W, 3).

    It raises DecodingError for what cannot be decoded.
    """
    bridge = _cv_bridge()
    if bridge is None:
        return ros_decoding.compressed_image_to_rgb if compressed else ros_decoding.image_to_rgb
    if compressed:
        return with_fallback(bridge.compressed_imgmsg_to_cv2, ros_decoding.compressed_image_to_rgb)
    return with_fallback(bridge.imgmsg_to_cv2, ros_decoding.image_to_rgb)


def image_source(node: Node, transport: str) -> tuple[type[Any], str]:
    """Type and name of the topic of a node's images, `raw` or `compressed`."""
    if transport == "compressed":
        # As image_transport does it: below the name that `image` was remapped to.
        return CompressedImage, node.resolve_topic_name("image") + "/compressed"
    return Image, "image"


def camera_info_topic(node: Node) -> str:
    """Where the calibration of a node's images is: beside them, or where it was remapped to."""
    topic = node.resolve_topic_name("camera_info")
    if topic != node.resolve_topic_name("camera_info", only_expand=True):
        return str(topic)
    return info_topic(node.resolve_topic_name("image"))


def with_fallback(convert: Callable[..., Any], fallback: Decoder) -> Decoder:
    """A decoder by a method of cv_bridge, and by our own where that refuses an image.

    Not every encoding that we can show is one that cv_bridge turns into colours: 16UC1 is not.
    """

    def decode(msg: Any) -> np.ndarray:
        try:
            rgb = np.ascontiguousarray(convert(msg, desired_encoding="rgb8"), dtype=np.uint8)
        # cv_bridge raises its own error, OpenCV's or numpy's, by what is wrong with the message.
        except Exception:
            return fallback(msg)
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
            raise DecodingError(f"wanted an image of colour pixels, got shape {rgb.shape!r}")
        return rgb

    return decode


def _cv_bridge() -> Any:
    """A CvBridge that was seen to convert a picture, or None."""
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    probe = Image(height=2, width=2, encoding="bgr8", step=6, data=pixels.tobytes())
    try:
        from cv_bridge import CvBridge

        bridge = CvBridge()
        right = np.array_equal(bridge.imgmsg_to_cv2(probe, "rgb8"), pixels[..., ::-1])
    except Exception:  # a broken installation fails in many ways, and none may stop a node
        return None
    return bridge if right else None
