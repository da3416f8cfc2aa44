"""Bags of results: what the localizer node would have published, written without ROS."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from rosbags.rosbag2 import StoragePlugin, Writer

from dmn_core.data import message_factory as make
from dmn_core.data.belief_layout import (
    POINT_FIELDS,
    POINT_FLOAT32,
    even_by_weight,
    full_covariance,
    point_rows,
)
from dmn_core.errors import BagError


class ResultBagWriter:
    """Writes estimates and beliefs to a new mcap bag; use it in a `with` statement.

    Topics are those of the localizer node: /pose, /particle_cloud (at most `max_cloud_poses`, drawn
    evenly by weight), /particle_points (the whole belief, intensity = weight over the largest), and
    where they are known /ground_truth and /tf (map to odometry frame).
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        map_frame: str = "map",
        odom_frame: str = "odom",
        max_cloud_poses: int = 200,
    ) -> None:
        """Open a new bag folder.

        Raises:
            BagError: There is something at the path already, or it cannot be written.
        """
        self.path = Path(path)
        if self.path.exists():
            raise BagError(
                f"a new bag wants a path that is not there yet, but {str(self.path)!r} exists"
            )
        self._frames = (map_frame, odom_frame)
        self._max_cloud_poses = max_cloud_poses
        self._writer = Writer(self.path, version=9, storage_plugin=StoragePlugin.MCAP)
        self._connections: dict[str, Any] = {}
        try:
            self._writer.open()
        except OSError as error:
            raise BagError(f"cannot write a bag at {str(self.path)!r}: {error}") from None

    def write(
        self,
        stamp_ns: int,
        *,
        pose: ArrayLike,
        covariance: ArrayLike,
        particles: ArrayLike,
        weights: ArrayLike,
        truth: ArrayLike | None = None,
        pose_map_odom: ArrayLike | None = None,
    ) -> None:
        """Write the belief after one image.

        Args:
            stamp_ns: Stamp of the image.
            pose: (3,) estimate of the robot in the map.
            covariance: (3, 3) of the estimate, in x, y, yaw.
            particles: (K, 3) poses of the robot in the map.
            weights: (K,) not negative.
            truth: (3,) true pose of the robot in the map, where it is known.
            pose_map_odom: (3,) pose of the odometry frame in the map, where it is known.

        Raises:
            BagError: Shapes disagree, or numbers are not finite.
        """
        cloud, weight = np.asarray(particles, np.float64), np.asarray(weights, np.float64)
        spread, place = np.asarray(covariance, np.float64), np.asarray(pose, np.float64)
        _check(place, spread, cloud, weight)
        map_frame, odom_frame = self._frames
        header = make.header(stamp_ns, map_frame)
        self._add("/pose", stamp_ns, _pose_with_covariance(header, place, spread))
        drawn = cloud[even_by_weight(weight, most=self._max_cloud_poses)]
        poses = [make.pose(one) for one in drawn]
        poses_message = make.message("geometry_msgs/msg/PoseArray", header=header, poses=poses)
        self._add("/particle_cloud", stamp_ns, poses_message)
        self._add("/particle_points", stamp_ns, _points(header, cloud, weight))
        if truth is not None:
            self._add("/ground_truth", stamp_ns, make.pose_stamped(truth, stamp_ns, map_frame))
        if pose_map_odom is not None:
            moved = make.planar_transform(pose_map_odom, stamp_ns, map_frame, odom_frame)
            self._add("/tf", stamp_ns, make.tf_message(moved))

    def _add(self, topic: str, stamp_ns: int, content: Any) -> None:
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(
                topic, content.__msgtype__, typestore=make.TYPESTORE
            )
        self._writer.write(self._connections[topic], stamp_ns, make.serialize(content))

    def close(self) -> None:
        """Finish the bag; without this it has no index and no metadata."""
        self._writer.close()

    def __enter__(self) -> ResultBagWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What was written before an error is worth keeping, too.
        self.close()


def _check(pose: Any, covariance: Any, particles: Any, weights: Any) -> None:
    shapes = (pose.shape, covariance.shape, particles.shape, weights.shape)
    count = len(weights) if weights.ndim == 1 else 0
    if count == 0 or shapes != ((3,), (3, 3), (count, 3), (count,)):
        raise BagError(
            "a result wants pose (3,), covariance (3, 3), particles (K, 3) and weights (K,), got "
            f"shapes {', '.join(map(str, shapes))}"
        )
    if not all(np.all(np.isfinite(array)) for array in (pose, covariance, particles, weights)):
        raise BagError("a result wants finite numbers; the belief holds some that are not")
    if weights.min() < 0 or weights.max() <= 0:
        raise BagError(
            f"a result wants weights that are not negative and not all zero, got from "
            f"{weights.min()!r} to {weights.max()!r}"
        )


def _pose_with_covariance(header: Any, pose: Any, covariance: Any) -> Any:
    inner = make.message(
        "geometry_msgs/msg/PoseWithCovariance",
        pose=make.pose(pose),
        covariance=full_covariance(covariance),
    )
    return make.message("geometry_msgs/msg/PoseWithCovarianceStamped", header=header, pose=inner)


def _points(header: Any, particles: Any, weights: Any) -> Any:
    count = len(weights)
    points = point_rows(particles, weights)
    fields = [
        make.message(
            "sensor_msgs/msg/PointField",
            name=name,
            offset=4 * index,
            datatype=POINT_FLOAT32,
            count=1,
        )
        for index, name in enumerate(POINT_FIELDS)
    ]
    step = points.itemsize * len(POINT_FIELDS)
    return make.message(
        "sensor_msgs/msg/PointCloud2",
        header=header,
        height=1,
        width=count,
        fields=fields,
        is_bigendian=False,
        point_step=step,
        row_step=step * count,
        data=np.frombuffer(points.tobytes(), np.uint8),
        is_dense=True,
    )
