"""ROS messages to numpy without ROS: pictures to RGB, poses to planar poses.

Only attributes are read, so that messages of rclpy, of ROS 1 and of bag readers all serve alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dmn_core.data.ros_poses import (
    covariance_to_planar,
    planar_pose,
    pose_with_covariance,
    stamp_ns,
)
from dmn_core.errors import DecodingError

__all__ = [
    "KNOWN_ENCODINGS",
    "compressed_image_to_rgb",
    "covariance_to_planar",
    "image_to_rgb",
    "planar_pose",
    "pose_with_covariance",
    "stamp_ns",
]

RgbImage = NDArray[np.uint8]


@dataclass(frozen=True)
class _Layout:
    """How the pixels of an encoding lie in memory, and the OpenCV conversion to RGB."""

    channels: int
    bytes_per_value: int
    to_rgb: int | None


def _layouts() -> dict[str, _Layout]:
    by_order = {
        "rgb": (3, None),
        "bgr": (3, cv2.COLOR_BGR2RGB),
        "rgba": (4, cv2.COLOR_RGBA2RGB),
        "bgra": (4, cv2.COLOR_BGRA2RGB),
        "mono": (1, cv2.COLOR_GRAY2RGB),
        # ROS names the mosaic by its top left 2x2 pixels; the older names of OpenCV are shifted by
        # one pixel, these newer ones are not.
        "bayer_rggb": (1, cv2.COLOR_BayerRGGB2RGB),
        "bayer_bggr": (1, cv2.COLOR_BayerBGGR2RGB),
        "bayer_gbrg": (1, cv2.COLOR_BayerGBRG2RGB),
        "bayer_grbg": (1, cv2.COLOR_BayerGRBG2RGB),
    }
    layouts = {
        f"{order}{8 * size}": _Layout(channels, size, code)
        for order, (channels, code) in by_order.items()
        for size in (1, 2)
    }
    layouts["8UC1"], layouts["16UC1"] = layouts["mono8"], layouts["mono16"]
    # Unnamed three channels are taken in the order in which OpenCV keeps colours.
    layouts["8UC3"], layouts["8UC4"] = layouts["bgr8"], layouts["bgra8"]
    for name in ("yuv422", "uyvy"):
        layouts[name] = _Layout(2, 1, cv2.COLOR_YUV2RGB_UYVY)
    for name in ("yuv422_yuy2", "yuyv"):
        layouts[name] = _Layout(2, 1, cv2.COLOR_YUV2RGB_YUY2)
    return layouts


_LAYOUTS = _layouts()
# Brightness first, then half as many rows of colour for 2x2 pixels.
_PLANAR_YUV = {"nv12": cv2.COLOR_YUV2RGB_NV12, "nv21": cv2.COLOR_YUV2RGB_NV21}

KNOWN_ENCODINGS = tuple(sorted((*_LAYOUTS, *_PLANAR_YUV)))
"""Every encoding of `sensor_msgs/Image` that becomes a picture."""


def image_to_rgb(msg: Any) -> RgbImage:
    """RGB picture (H, W, 3) uint8, in memory of its own, from a `sensor_msgs/Image`.

    Padded rows and big-endian values are understood; 16-bit values are scaled to 8 bits.

    Raises:
        DecodingError: The encoding is not a picture known here, or sizes and data disagree.
    """
    if msg.encoding in _PLANAR_YUV:
        return _to_rgb(_yuv_planes(msg), _PLANAR_YUV[msg.encoding])
    layout = _LAYOUTS.get(msg.encoding)
    if layout is None:
        hint = (
            "; this holds numbers such as depth, not a picture: choose a colour topic"
            if msg.encoding.startswith(("32", "64", "16S", "8S"))
            else ""
        )
        raise DecodingError(
            f"cannot make a picture of encoding {msg.encoding!r} ({msg.width} x {msg.height})"
            f"{hint}; known encodings: {', '.join(KNOWN_ENCODINGS)}"
        )
    return _to_rgb(_to_eight_bits(_pixels(msg, layout)), layout.to_rgb)


def _pixels(msg: Any, layout: _Layout) -> NDArray[Any]:
    """Pixels (H, W) or (H, W, channels) as they lie in the message, padding left out."""
    height, width, step = int(msg.height), int(msg.width), int(msg.step)
    row_bytes = width * layout.channels * layout.bytes_per_value
    what = f"image of {width} x {height} pixels, encoding {msg.encoding!r}"
    if height <= 0 or width <= 0:
        raise DecodingError(f"{what}: wanted at least one pixel")
    if step < row_bytes:
        raise DecodingError(f"{what}: wanted rows of at least {row_bytes} bytes, got step {step}")
    data = np.frombuffer(msg.data, dtype=np.uint8)
    if len(data) < step * height:
        raise DecodingError(
            f"{what}: wanted step * height = {step} * {height} = {step * height} bytes of data, "
            f"got {len(data)}; the message was cut short"
        )
    rows = data[: step * height].reshape(height, step)[:, :row_bytes]
    if layout.bytes_per_value == 2:
        rows = np.ascontiguousarray(rows).view(">u2" if msg.is_bigendian else "<u2")
    shape = (height, width) if layout.channels == 1 else (height, width, layout.channels)
    return rows.reshape(shape)


def _yuv_planes(msg: Any) -> RgbImage:
    """Rows (3 H / 2, W) of brightness and colour, padding left out.

    Drivers do not agree on what `step` counts here; the rows are as long as the data makes them.
    """
    height, width = int(msg.height), int(msg.width)
    data, rows = np.frombuffer(msg.data, dtype=np.uint8), height * 3 // 2
    if min(height, width) < 2 or height % 2 or width % 2 or len(data) < rows * width:
        raise DecodingError(
            f"image of {width} x {height} pixels, encoding {msg.encoding!r}: wanted even sizes and "
            f"{rows * width} bytes of data, got {len(data)}"
        )
    row_bytes = len(data) // rows
    return np.ascontiguousarray(data[: rows * row_bytes].reshape(rows, row_bytes)[:, :width])


def _to_eight_bits(pixels: NDArray[Any]) -> RgbImage:
    """The same picture with 255 as its brightest value, contiguous."""
    if pixels.dtype.itemsize == 1:
        return np.ascontiguousarray(pixels, dtype=np.uint8)
    return ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def _to_rgb(pixels: RgbImage, conversion: int | None) -> RgbImage:
    if conversion is None:
        return pixels.copy()
    try:
        return np.asarray(cv2.cvtColor(pixels, conversion), dtype=np.uint8)
    except cv2.error as error:
        raise DecodingError(
            f"cannot make a picture of {pixels.shape[1]} x {pixels.shape[0]} pixels (packed colour "
            f"wants an even width): {error.err}"
        ) from None


def compressed_image_to_rgb(msg: Any) -> RgbImage:
    """RGB picture (H, W, 3) uint8 from a `sensor_msgs/CompressedImage` (JPEG, PNG and others).

    Raises:
        DecodingError: The data is no picture, is cut short, or is compressed depth.
    """
    stated = str(msg.format)
    if "compresseddepth" in stated.lower():
        raise DecodingError(
            f"cannot make a picture of compressed depth (format {stated!r}): choose a colour topic"
        )
    data = np.frombuffer(msg.data, dtype=np.uint8)
    decoded, reason = _decompressed(data)
    if decoded is None:
        raise DecodingError(
            f"cannot decode {len(data)} bytes of compressed image, format {stated!r}: wanted a "
            f"whole JPEG or PNG file{reason}"
        )
    if decoded.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise DecodingError(
            f"the compressed image (format {stated!r}) holds {decoded.dtype} numbers, not a picture"
        )
    return _to_rgb(_to_eight_bits(decoded), _decoded_conversion(decoded, stated))


def _decompressed(data: NDArray[np.uint8]) -> tuple[NDArray[Any] | None, str]:
    """What OpenCV makes of a file, or None and what it says beside that, if anything."""
    if not len(data):
        return None, ""
    try:
        return cv2.imdecode(data, cv2.IMREAD_UNCHANGED), ""
    except cv2.error as error:  # of sizes in the header that no picture has
        return None, f": {error.err}"


def _decoded_conversion(decoded: NDArray[Any], stated: str) -> int:
    """The OpenCV conversion to RGB of what OpenCV decoded: grey, mosaic, BGR or BGRA."""
    source = _LAYOUTS.get(stated.split(";")[0].strip())
    if decoded.ndim == 2:
        # A mosaic compressed as it came from the sensor is grey to the file, colour to its format.
        is_mosaic = stated.startswith("bayer_") and source is not None
        code = source.to_rgb if is_mosaic and source is not None else None
        return cv2.COLOR_GRAY2RGB if code is None else code
    return cv2.COLOR_BGRA2RGB if decoded.shape[2] == 4 else cv2.COLOR_BGR2RGB
