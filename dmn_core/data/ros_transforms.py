"""The newest transforms of tf, in space: where cameras are on the robot, and frames on each other.

Messages are those of ROS or of a bag. It needs no tf2_ros, which is not everywhere, and never
waits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transforms3d.affines import compose as affine
from transforms3d.quaternions import quat2mat

from dmn_core.errors import DecodingError

FloatArray = NDArray[np.float64]
# Longer chains are circles.
MOST_LINKS = 100
# Networks know level cameras: one that is tilted or rolled more than this sees something else.
MOST_TILT = math.radians(30.0)
# REP-103: frames of cameras whose z axis looks forward.
OPTICAL = "_optical"


class Transforms:
    """Every frame's newest place in its parent; for use by one thread."""

    def __init__(self) -> None:
        """Know nothing."""
        self._parents: dict[str, tuple[str, FloatArray]] = {}

    def add(self, message: Any) -> None:
        """Take in a TFMessage; transforms that are no numbers are left out."""
        for stamped in message.transforms:
            matrix = to_matrix(stamped.transform)
            if matrix is not None:
                child, parent = stamped.child_frame_id, stamped.header.frame_id
                self._parents[child.lstrip("/")] = (parent.lstrip("/"), matrix)

    def find(self, frame: str, other: str) -> FloatArray | None:
        """Pose (4, 4) of the other frame in the frame; None where nothing connects them."""
        up, down = self._to_root(frame), self._to_root(other)
        for ancestor, pose_ancestor_frame in up.items():
            if ancestor in down:
                return np.linalg.inv(pose_ancestor_frame) @ down[ancestor]
        return None

    def is_above(self, frame: str, other: str) -> bool:
        """Whether the other frame moves with the frame."""
        return frame in self._to_root(other)

    def _to_root(self, frame: str) -> dict[str, FloatArray]:
        """The frame's pose in each frame above it, itself first."""
        found: dict[str, FloatArray] = {}
        pose = np.eye(4)
        while frame not in found and len(found) < MOST_LINKS:
            found[frame] = pose
            if frame in self._parents:
                frame, link = self._parents[frame]
                pose = link @ pose
        return found


def to_matrix(transform: Any) -> FloatArray | None:
    """A geometry_msgs/Transform (4, 4); None where its numbers are none."""
    shift, turn = transform.translation, transform.rotation
    quaternion = np.array([turn.w, turn.x, turn.y, turn.z])
    numbers = np.array([shift.x, shift.y, shift.z, *quaternion])
    if not np.isfinite(numbers).all() or np.linalg.norm(quaternion) < 0.5:
        return None
    matrix: FloatArray = affine(numbers[:3], quat2mat(quaternion), np.ones(3))
    return matrix


def planar(matrix: FloatArray) -> FloatArray:
    """Pose (3,) on the plane: x, y, and the direction of the x axis."""
    return np.array([matrix[0, 3], matrix[1, 3], math.atan2(matrix[1, 0], matrix[0, 0])])


def planar_camera(pose_base_camera: FloatArray, frame_id: str) -> tuple[float, float, float]:
    """Where a camera is on the robot and looks on the plane, from its frame's pose (4, 4).

    Raises:
        DecodingError: it looks too steeply up or down, or is rolled, as one that hangs.
    """
    is_optical = frame_id.endswith((OPTICAL, OPTICAL + "_frame"))
    axis = pose_base_camera[:3, 2 if is_optical else 0]
    up = -pose_base_camera[:3, 1] if is_optical else pose_base_camera[:3, 2]
    if up[2] < math.cos(MOST_TILT):
        tilt = math.degrees(math.acos(min(max(float(up[2]), -1.0), 1.0)))
        raise DecodingError(
            f"the camera frame {frame_id!r} wants to look along the floor, upright to "
            f"{math.degrees(MOST_TILT):.0f} degrees, got the direction {axis.round(3).tolist()!r}, "
            f"{tilt:.0f} degrees from upright; its name ends in _optical or _optical_frame where "
            "its z axis looks forward, and pictures of a camera that hangs have to be turned first"
        )
    x, y = pose_base_camera[:2, 3]
    return float(x), float(y), math.atan2(axis[1], axis[0])


def camera_on_robot(transforms: Transforms, *, base: str, frame: str) -> tuple[float, float, float]:
    """Planar pose of a camera with optical frame `frame` on the robot [m, m, rad].

    Raises:
        DecodingError: the frames are not connected, or the camera is tilted.
    """
    pose_base_camera = transforms.find(base, frame)
    if pose_base_camera is None:
        raise DecodingError(f"tf_static connects {base!r} not to {frame!r}")
    return planar_camera(pose_base_camera, frame)
