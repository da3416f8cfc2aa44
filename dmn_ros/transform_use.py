"""What nodes read off transforms: odometry, its camera, where other frames are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from tf2_msgs.msg import TFMessage

from dmn_core.data.ros_transforms import Transforms, planar
from dmn_core.pose_track import compose


def odometry_of(
    message: TFMessage, transforms: Transforms, *, odom: str, base: str
) -> Iterator[tuple[Any, np.ndarray]]:
    """Stamps (messages) and poses (4, 4) of the base in odometry that a message brings."""
    for transform in message.transforms:
        if transform.header.frame_id.lstrip("/") != odom:
            continue
        transforms.add(TFMessage(transforms=[transform]))
        pose_odom_base = transforms.find(odom, base)
        child = transform.child_frame_id.lstrip("/")
        if pose_odom_base is not None and transforms.is_above(child, base):
            yield transform.header.stamp, pose_odom_base


def pose_in_map(
    transforms: Transforms,
    frame: str,
    *,
    map_frame: str,
    odom_frame: str,
    pose_map_odom: np.ndarray | None,
) -> np.ndarray | None:
    """Pose (3,) of a frame in the map, if it is fixed in the map or in odometry."""
    fixed = transforms.find(map_frame, frame)
    if fixed is not None:
        return planar(fixed)
    moving = transforms.find(odom_frame, frame)
    if moving is None or pose_map_odom is None:
        return None
    return compose(pose_map_odom, planar(moving))
