"""What `sensor_msgs/CameraInfo` says of a camera, and where it lies beside the images.

Only attributes are read, so that messages of rclpy, of ROS 1 and of bag readers all serve alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dmn_core.cameras.distortion import Distortion
from dmn_core.cameras.pinhole import PinholeCamera
from dmn_core.errors import CameraError

INFO_NAME = "camera_info"
_TRANSPORTS = ("compressed",)


class UncalibratedError(CameraError):
    """A camera publishes camera_info and was never calibrated: nothing is known of its view."""


def info_topic(image_topic: str) -> str:
    """The topic of camera_info of an image topic: beside it, as image_transport has it."""
    return "/".join([*_base_name(image_topic)[:-1], INFO_NAME])


def is_rectified(image_topic: str) -> bool:
    """Whether images of this topic are rectified already: `image_rect`, `image_rect_color`."""
    return "rect" in _base_name(image_topic)[-1].split("_")


def camera_from_info(info: Any, *, rectified: bool = False) -> PinholeCamera:
    """The camera of a CameraInfo; of its rectified images, which have P for K and no distortion.

    Binning and region of interest are taken into account.

    Raises:
        UncalibratedError: K is zero, as drivers publish it without a calibration.
        CameraError: numbers are missing or impossible.
    """
    k = _numbers(info, "k").reshape(-1)
    if len(k) != 9 or not k.any():
        raise UncalibratedError(
            "camera_info wants the matrix K of a calibrated camera, got zeros: calibrate the camera"
        )
    width, height = int(info.width), int(info.height)
    if min(width, height) < 1:
        raise CameraError(
            f"camera_info wants the width and height of the images, got {width} x {height}: fill "
            "them in the calibration file, or switch off the use of camera_info with camera: none"
        )
    matrix, distortion = k.reshape(3, 3), None
    if rectified:
        p = _numbers(info, "p").reshape(-1)
        matrix = p.reshape(3, 4)[:, :3] if len(p) == 12 and p.any() else matrix
    else:
        distortion = Distortion(str(info.distortion_model), tuple(_numbers(info, "d")))
    x, y, width, height = _region(info, width, height)
    across, down = (max(int(getattr(info, name, 0)), 1) for name in ("binning_x", "binning_y"))
    return PinholeCamera(
        width=width // across,
        height=height // down,
        fx=float(matrix[0, 0]) / across,
        fy=float(matrix[1, 1]) / down,
        cx=(float(matrix[0, 2]) - x + 0.5) / across - 0.5,
        cy=(float(matrix[1, 2]) - y + 0.5) / down - 0.5,
        distortion=distortion or Distortion(),
    )


def _base_name(image_topic: str) -> list[str]:
    """Parts of an image topic's name without its transport."""
    parts = image_topic.split("/")
    return parts[:-1] if len(parts) > 1 and parts[-1] in _TRANSPORTS else parts


def _numbers(info: Any, name: str) -> np.ndarray:
    """An array of the message; ROS 1 names it in capitals."""
    values = getattr(info, name) if hasattr(info, name) else getattr(info, name.upper())
    return np.asarray(values, dtype=np.float64)


def _region(info: Any, width: int, height: int) -> tuple[int, int, int, int]:
    """Offset and size of the part of the sensor that is read; nothing stated means all of it."""
    roi = getattr(info, "roi", None)
    if roi is None or not (roi.width and roi.height):
        return 0, 0, width, height
    return int(roi.x_offset), int(roi.y_offset), int(roi.width), int(roi.height)
