"""Fixes and beliefs to ROS messages, and ROS poses to initial beliefs."""

from __future__ import annotations

import array
import math

import numpy as np
from dmn.msg import WeightedParticles
from geometry_msgs.msg import (
    Point,
    Pose,
    PoseArray,
    PoseWithCovarianceStamped,
    Quaternion,
    TransformStamped,
)
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField

from dmn_core.data.belief_layout import (
    POINT_FIELDS,
    POINT_FLOAT32,
    even_by_weight,
    full_covariance,
    point_rows,
)
from dmn_core.data.ros_decoding import pose_with_covariance
from dmn_core.errors import DecodingError
from dmn_core.localization import Near
from dmn_core.pose_track import compose
from dmn_core.session import Fix
from dmn_ros.frames import header, require_frame

FloatArray = NDArray[np.float64]
# A start narrower than this would put all particles onto one pose.
MIN_START_STD = (0.05, 0.05, 0.02)
MAX_START_VARIANCE = 1e6
# Of the largest element: by how much a covariance may be off one.
MOST_REPAIRED = 0.02


def to_pose(pose: FloatArray) -> Pose:
    """Planar pose (3,) to a message."""
    x, y, yaw = (float(value) for value in pose)
    turn = Quaternion(z=math.sin(yaw / 2), w=math.cos(yaw / 2))
    return Pose(position=Point(x=x, y=y), orientation=turn)


def to_pose_with_covariance(
    fix: Fix, *, frame_id: str, of_mode: bool = False
) -> PoseWithCovarianceStamped:
    """The estimate with all nine planar terms of its covariance.

    Args:
        fix: the estimate.
        frame_id: of the map.
        of_mode: whether the covariance is that of the best mode, without the doubt that it is it.
    """
    best = fix.status.modes[0] if of_mode and fix.status.modes else fix
    message = PoseWithCovarianceStamped(header=header(fix.stamp_ns, frame_id))
    message.pose.pose = to_pose(fix.pose_map_base)
    message.pose.covariance = full_covariance(best.covariance)
    return message


def to_map_odom_transform(
    pose_map_odom: FloatArray, *, map_frame: str, odom_frame: str, stamp_ns: int
) -> TransformStamped:
    """Where the odometry frame (3,) is in the map."""
    message = TransformStamped(header=header(stamp_ns, map_frame), child_frame_id=odom_frame)
    pose = to_pose(pose_map_odom)
    message.transform.translation.x = pose.position.x
    message.transform.translation.y = pose.position.y
    message.transform.rotation = pose.orientation
    return message


def to_weighted_particles(fix: Fix, *, frame_id: str) -> WeightedParticles:
    """The whole belief as our own message."""
    x, y, yaw = (_floats(column) for column in fix.particles_map_base.T)
    return WeightedParticles(
        header=header(fix.stamp_ns, frame_id), x=x, y=y, yaw=yaw, weight=_floats(fix.weights)
    )


def to_point_cloud(fix: Fix, *, frame_id: str) -> PointCloud2:
    """The whole belief as points; intensity is the weight over the largest weight, for colour."""
    particles = len(fix.weights)
    points = point_rows(fix.particles_map_base, fix.weights)
    fields = [
        PointField(name=name, offset=4 * index, datatype=POINT_FLOAT32, count=1)
        for index, name in enumerate(POINT_FIELDS)
    ]
    size = points.itemsize * points.shape[1]
    return PointCloud2(
        header=header(fix.stamp_ns, frame_id),
        height=1,
        width=particles,
        fields=fields,
        point_step=size,
        row_step=size * particles,
        data=array.array("B", points.tobytes()),
        is_dense=True,
    )


def to_pose_array(fix: Fix, *, frame_id: str, max_poses: int) -> PoseArray:
    """At most `max_poses` poses, drawn evenly by weight, because each costs time to build."""
    chosen = fix.particles_map_base[even_by_weight(fix.weights, most=max_poses)]
    return PoseArray(
        header=header(fix.stamp_ns, frame_id), poses=[to_pose(pose) for pose in chosen]
    )


def to_initial_belief(
    message: PoseWithCovarianceStamped,
    *,
    map_frame: str,
    particles: int,
    pose_map_frame: FloatArray | None = None,
) -> Near:
    """Where to start from a pose that a user or another node states.

    Its stamp is not looked at: RViz stamps in wall time even where time is simulated. A covariance
    that is too narrow is widened.

    Args:
        message: of a pose.
        map_frame: name of the map's frame.
        particles: of the start.
        pose_map_frame: (3,) where the frame of the pose is in the map, if that is known.

    Raises:
        DecodingError: wrong frame, numbers that are not finite, a covariance that is none.
    """
    pose, covariance = pose_with_covariance(message.pose)
    _require_bounded(covariance)
    if pose_map_frame is None:
        require_frame(message.header.frame_id, map_frame, what="initialpose")
    else:
        pose = compose(pose_map_frame, pose)
        cos, sin = math.cos(pose_map_frame[2]), math.sin(pose_map_frame[2])
        turned = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        covariance = turned @ covariance @ turned.T
    return near(pose, _repaired(covariance), particles=particles)


def _require_bounded(covariance: FloatArray) -> None:
    """No element of a covariance exceeds its greatest variance.

    Raises:
        DecodingError: one is so large that arithmetic would overflow.
    """
    if np.abs(covariance).max() > MAX_START_VARIANCE:
        raise DecodingError(
            f"initialpose wants a covariance with no element above {MAX_START_VARIANCE:g}, got "
            f"{covariance.tolist()!r}"
        )


def near(pose: FloatArray, covariance: FloatArray, *, particles: int) -> Near:
    """A start around a pose, with a covariance that is too narrow widened."""
    rows = _widened(covariance).tolist()
    return Near(tuple(pose.tolist()), tuple(tuple(row) for row in rows), particles)


def _repaired(covariance: FloatArray) -> FloatArray:
    """The covariance, made symmetric and without the small negative variances of rounding.

    Raises:
        DecodingError: it is far from one.
    """
    scale = float(np.abs(covariance).max())
    even = (covariance + covariance.T) / 2
    values, axes = np.linalg.eigh(even)
    if np.abs(covariance - even).max() > MOST_REPAIRED * scale:
        raise DecodingError(
            f"initialpose wants a symmetric covariance, got {covariance.tolist()!r}"
        )
    if values[0] < -MOST_REPAIRED * scale or values[-1] > MAX_START_VARIANCE:
        raise DecodingError(
            "initialpose wants a covariance without negative variances and none above "
            f"{MAX_START_VARIANCE:g}, got {covariance.tolist()!r}"
        )
    repaired: FloatArray = (axes * np.maximum(values, 0.0)) @ axes.T if values[0] < 0 else even
    return repaired


def _widened(covariance: FloatArray) -> FloatArray:
    """The covariance with no variance below the least, correlations kept."""
    least = np.square(MIN_START_STD)
    missing = np.maximum(least - np.diag(covariance), 0.0)
    widened: FloatArray = (covariance + covariance.T) / 2 + np.diag(missing)
    return widened


def _floats(values: FloatArray) -> array.array[float]:
    """A float32 array in the form that messages take without looking at each number."""
    packed = array.array("f")
    packed.frombytes(np.ascontiguousarray(values, dtype=np.float32).tobytes())
    return packed
