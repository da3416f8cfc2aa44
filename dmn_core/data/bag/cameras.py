"""The camera of a bag's images: how it sees, by camera_info, and where it is, by tf_static."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dmn_core.cameras import (
    CameraChoice,
    NetworkCamera,
    UncalibratedError,
    fitter_for,
    info_topic,
    is_rectified,
)
from dmn_core.data.bag.reader import Bag, TopicSummary
from dmn_core.data.bag.topics import TF_TYPES
from dmn_core.data.ros_transforms import Transforms, camera_on_robot
from dmn_core.errors import BagError, CameraError, DecodingError

INFO_TYPE = "sensor_msgs/msg/CameraInfo"

Fit = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def unchanged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image as it is."""
    return image


def image_fit(
    bag: Bag, image_topic: TopicSummary, choice: CameraChoice, target: NetworkCamera | None
) -> Fit:
    """What brings images of a topic to the network's camera; they stay as they are without one.

    The first camera_info of the bag counts for all images. Where there is none, or none of a
    calibrated camera, a warning says so.

    Raises:
        CameraError: the camera_info is of no use; the message names its topic.
    """
    if target is None or choice == "none":
        return unchanged
    name = info_topic(image_topic.name)
    infos = [topic.name for topic in bag.of_types((INFO_TYPE,)) if topic.name == name]
    if choice == "auto" and not infos:
        if not target.is_panorama:
            _warn(bag, f"there is no camera_info at {name!r}", target)
        return unchanged
    info = next((message for _, message in bag.messages(infos)), None) if infos else None
    try:
        fit = fitter_for(choice, target, info, rectified=is_rectified(image_topic.name))
    except UncalibratedError as error:
        _warn(bag, f"{name!r}: {error}", target)
        return unchanged
    except CameraError as error:
        raise CameraError(f"{bag.path}: {name!r}: {error}") from None
    return fit or unchanged


def camera_place(
    bag: Bag, image_topic: TopicSummary, *, base_frame: str
) -> tuple[float, float, float]:
    """Planar pose of the camera of an image topic on the robot [m, m, rad], by tf_static.

    The frame of the first image counts for all.

    Raises:
        BagError: tf_static is not there, does not connect the frames, or the camera looks up or
            down; the message names the frames.
    """
    transforms = Transforms()
    names = [t.name for t in bag.of_types(TF_TYPES) if t.name.endswith("tf_static")]
    for _, message in bag.messages(names):
        transforms.add(message)
    first = next(message for _, message in bag.messages([image_topic.name]))
    frame = str(first.header.frame_id).lstrip("/")
    try:
        return camera_on_robot(transforms, base=base_frame.lstrip("/"), frame=frame)
    except DecodingError as error:
        raise BagError(
            f"{bag.path}: where the camera of {image_topic.name!r} is: {error}; or state "
            f"pose_base_camera with camera_pose_source: parameter; {bag.describe_topics()}"
        ) from None


def _warn(bag: Bag, reason: str, target: NetworkCamera) -> None:
    warnings.warn(
        f"{bag.path}: {reason}; images are taken to show {target.horizontal_deg:g} x "
        f"{target.vertical_deg:g} degrees, as the network's",
        stacklevel=3,
    )
