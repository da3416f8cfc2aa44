"""ROS 2 messages made without ROS, ready to be written to a bag."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from rosbags.typesys import Stores, get_typestore

from dmn_core.pose_track.interpolation import NANOSECONDS

TYPESTORE = get_typestore(Stores.ROS2_JAZZY)
OPTICAL_ROTATION = (-0.5, 0.5, -0.5, 0.5)
"""Quaternion x, y, z, w of a forward-looking optical frame (z forward, x right) in the base."""


def message(type_name: str, **fields: Any) -> Any:
    """Return a message of `type_name`, such as "sensor_msgs/msg/Image"."""
    return TYPESTORE.types[type_name](**fields)


def serialize(content: Any) -> bytes:
    """Return the CDR bytes of a message."""
    return bytes(TYPESTORE.serialize_cdr(content, content.__msgtype__))


def header(stamp_ns: int, frame_id: str) -> Any:
    """Return a std_msgs/Header."""
    stamp = message(
        "builtin_interfaces/msg/Time", sec=stamp_ns // NANOSECONDS, nanosec=stamp_ns % NANOSECONDS
    )
    return message("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)


def image(rgb: NDArray[np.uint8], stamp_ns: int, frame_id: str) -> Any:
    """Return a sensor_msgs/Image with encoding rgb8 of an image (H, W, 3)."""
    height, width, _ = rgb.shape
    return message(
        "sensor_msgs/msg/Image",
        header=header(stamp_ns, frame_id),
        height=height,
        width=width,
        encoding="rgb8",
        is_bigendian=0,
        step=3 * width,
        data=np.ascontiguousarray(rgb).reshape(-1),
    )


def compressed_image(
    rgb: NDArray[np.uint8], stamp_ns: int, frame_id: str, *, jpeg_quality: int
) -> Any:
    """Return a sensor_msgs/CompressedImage, a JPEG of an image (H, W, 3)."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality]
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), quality)
    return message(
        "sensor_msgs/msg/CompressedImage",
        header=header(stamp_ns, frame_id),
        format="rgb8; jpeg compressed bgr8",
        data=data.reshape(-1),
    )


def camera_info(width: int, height: int, focal_px: float, stamp_ns: int, frame_id: str) -> Any:
    """Return the sensor_msgs/CameraInfo of a pinhole camera without distortion."""
    k = np.array([[focal_px, 0, width / 2], [0, focal_px, height / 2], [0, 0, 1]], dtype=float)
    region = message(
        "sensor_msgs/msg/RegionOfInterest",
        x_offset=0,
        y_offset=0,
        height=0,
        width=0,
        do_rectify=False,
    )
    return message(
        "sensor_msgs/msg/CameraInfo",
        header=header(stamp_ns, frame_id),
        height=height,
        width=width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=k.reshape(-1),
        r=np.eye(3).reshape(-1),
        p=np.column_stack([k, np.zeros(3)]).reshape(-1),
        binning_x=0,
        binning_y=0,
        roi=region,
    )


def pose(pose_planar: ArrayLike) -> Any:
    """Return the geometry_msgs/Pose of a planar pose (3,) [m, m, rad]."""
    x, y, yaw = (float(value) for value in np.asarray(pose_planar))
    return message(
        "geometry_msgs/msg/Pose",
        position=message("geometry_msgs/msg/Point", x=x, y=y, z=0.0),
        orientation=_quaternion(0.0, 0.0, np.sin(yaw / 2), np.cos(yaw / 2)),
    )


def pose_stamped(pose_planar: ArrayLike, stamp_ns: int, frame_id: str) -> Any:
    """Return a geometry_msgs/PoseStamped of a planar pose (3,)."""
    return message(
        "geometry_msgs/msg/PoseStamped", header=header(stamp_ns, frame_id), pose=pose(pose_planar)
    )


def odometry(
    pose_odom_base: ArrayLike,
    twist: ArrayLike,
    stamp_ns: int,
    frame_id: str,
    child_frame_id: str,
) -> Any:
    """Return a nav_msgs/Odometry; `twist` is (forward [m/s], turn rate [rad/s])."""
    forward, turn_rate = (float(value) for value in np.asarray(twist))
    velocity = message(
        "geometry_msgs/msg/Twist",
        linear=_vector(forward, 0.0, 0.0),
        angular=_vector(0.0, 0.0, turn_rate),
    )
    unknown = np.zeros(36)
    return message(
        "nav_msgs/msg/Odometry",
        header=header(stamp_ns, frame_id),
        child_frame_id=child_frame_id,
        pose=message(
            "geometry_msgs/msg/PoseWithCovariance", pose=pose(pose_odom_base), covariance=unknown
        ),
        twist=message("geometry_msgs/msg/TwistWithCovariance", twist=velocity, covariance=unknown),
    )


def planar_transform(
    pose_parent_child: ArrayLike, stamp_ns: int, parent_frame: str, child_frame: str
) -> Any:
    """Return a geometry_msgs/TransformStamped of a planar pose (3,)."""
    x, y, yaw = (float(value) for value in np.asarray(pose_parent_child))
    rotation = (0.0, 0.0, float(np.sin(yaw / 2)), float(np.cos(yaw / 2)))
    return transform((x, y, 0.0), rotation, stamp_ns, parent_frame, child_frame)


def transform(
    translation: tuple[float, float, float],
    rotation: tuple[float, float, float, float],
    stamp_ns: int,
    parent_frame: str,
    child_frame: str,
) -> Any:
    """Return a geometry_msgs/TransformStamped; `rotation` is a quaternion x, y, z, w."""
    return message(
        "geometry_msgs/msg/TransformStamped",
        header=header(stamp_ns, parent_frame),
        child_frame_id=child_frame,
        transform=message(
            "geometry_msgs/msg/Transform",
            translation=_vector(*translation),
            rotation=_quaternion(*rotation),
        ),
    )


def tf_message(*transforms: Any) -> Any:
    """Return a tf2_msgs/TFMessage."""
    return message("tf2_msgs/msg/TFMessage", transforms=list(transforms))


def _vector(x: float, y: float, z: float) -> Any:
    return message("geometry_msgs/msg/Vector3", x=x, y=y, z=z)


def _quaternion(x: float, y: float, z: float, w: float) -> Any:
    return message("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w)
