"""Drives of the simulated robot through a maze, recorded as ROS 2 bags."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dmn_core.data import message_factory as make
from dmn_core.data.bag_output import Entry, write_bag
from dmn_core.data.drive_messages import (
    DRIVE_RATE_HZ,
    MAP_FRAME,
    RecordingConfig,
    camera_mount,
    image_entries,
    mapping_pose_entries,
    odometry_entries,
)
from dmn_core.errors import BagError
from dmn_core.worlds.maze import MazeLayout
from dmn_core.worlds.trajectory import (
    DriveConfig,
    Trajectory,
    drive_between_random_cells,
    drive_everywhere,
)
from dmn_core.worlds.wheel_odometry import wheel_odometry

_YAW_METRES_PER_RAD = 4.0
"""How many metres apart count as much as a radian when context views are spread."""


def record_query_bag(
    path: str | os.PathLike[str],
    layout: MazeLayout,
    *,
    duration_s: float = 60.0,
    seed: int = 0,
    config: RecordingConfig | None = None,
) -> Path:
    """Record a drive: images, camera info, /odom, /tf, /tf_static and the truth on /ground_truth.

    Raises:
        BagError: when the path exists. WorldError: when the maze cannot be rendered.
    """
    config = config or RecordingConfig()
    rng = np.random.default_rng([seed, 2])
    drive = DriveConfig(rate_hz=DRIVE_RATE_HZ)
    trajectory = drive_between_random_cells(layout, duration_s, rng=rng, config=drive)
    odometry = wheel_odometry(trajectory, rng=rng, noise=config.odometry_noise)
    entries = query_entries(layout, trajectory, odometry, config)
    return write_bag(path, entries, storage=config.storage)


def query_entries(
    layout: MazeLayout,
    trajectory: Trajectory,
    odometry: NDArray[np.float64],
    config: RecordingConfig,
) -> list[Entry]:
    """Everything that `record_query_bag` records of a drive at 100 Hz with odometry (T, 3)."""
    moves = _every(config.odometry_rate_hz, trajectory)
    images = _every(config.image_rate_hz, trajectory, offset=2)
    entries = [camera_mount(layout, config)]
    entries += image_entries(layout, trajectory, images, config)
    entries += odometry_entries(trajectory, odometry, moves, config)
    for index in moves:
        stamp = config.stamp_ns(trajectory.times_s[index])
        truth = make.pose_stamped(trajectory.poses_map_base[index], stamp, MAP_FRAME)
        entries.append(Entry(stamp, "/ground_truth", truth))
    return entries


def record_context_bag(
    path: str | os.PathLike[str],
    layout: MazeLayout,
    *,
    views: int = 16,
    seed: int = 0,
    config: RecordingConfig | None = None,
) -> Path:
    """Record a mapping drive: `views` images spread over the maze, with poses on /pose and /tf.

    Raises:
        BagError: when the path exists or `views` is not positive. WorldError: when the maze cannot
            be rendered.
    """
    config = config or RecordingConfig()
    if views < 1:
        raise BagError(f"a context bag wants at least one view, not {views!r}")
    rng = np.random.default_rng([seed, 3])
    drive = DriveConfig(rate_hz=DRIVE_RATE_HZ, look_around=0.5)
    trajectory = drive_everywhere(layout, rng=rng, config=drive)
    odometry = wheel_odometry(trajectory, rng=rng, noise=config.odometry_noise)
    candidates = _every(2.0, trajectory, offset=2)
    images = candidates[spread_poses(trajectory.poses_map_base[candidates], views, rng=rng)]
    poses = np.union1d(_every(config.image_rate_hz, trajectory), images)
    entries = [camera_mount(layout, config)]
    entries += image_entries(layout, trajectory, np.sort(images), config)
    for index in poses:
        entries += mapping_pose_entries(trajectory, odometry, int(index), config)
    return write_bag(path, entries, storage=config.storage)


def spread_poses(
    poses: NDArray[np.float64], count: int, *, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return indices of `count` of the poses (M, 3), each as far as can be from those before."""
    features = np.column_stack([poses[:, :2], np.zeros((len(poses), 2))])
    # Chords on a circle of this radius are distances in yaw that know of its period.
    features[:, 2] = _YAW_METRES_PER_RAD * np.cos(poses[:, 2])
    features[:, 3] = _YAW_METRES_PER_RAD * np.sin(poses[:, 2])
    chosen = [int(rng.integers(len(poses)))]
    distance = np.linalg.norm(features - features[chosen[0]], axis=1)
    while len(chosen) < min(count, len(poses)):
        chosen.append(int(np.argmax(distance)))
        newest = np.linalg.norm(features - features[chosen[-1]], axis=1)
        distance = np.minimum(distance, newest)
    return np.array(chosen)


def _every(rate_hz: float, trajectory: Trajectory, *, offset: int = 0) -> NDArray[np.int64]:
    """Indices of the samples that come at `rate_hz`, the first one `offset` samples late."""
    return np.arange(offset, len(trajectory), round(DRIVE_RATE_HZ / rate_hz))
