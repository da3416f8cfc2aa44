"""Drives of the simulated robot through a maze, recorded as ROS 2 bags."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmn_core.data import message_factory as make
from dmn_core.data.bag_output import Entry, Storage, write_bag
from dmn_core.errors import BagError
from dmn_core.worlds.maze import MazeLayout
from dmn_core.worlds.renderer import CameraConfig, MazeRenderer
from dmn_core.worlds.trajectory import (
    DriveConfig,
    Trajectory,
    drive_between_random_cells,
    drive_everywhere,
)
from dmn_core.worlds.wheel_odometry import OdometryNoise, wheel_odometry

MAP_FRAME, ODOM_FRAME, BASE_FRAME = "map", "odom", "base_link"
CAMERA_FRAME = "camera_optical_frame"
IMAGE_TOPIC = "/camera/image_raw"
COMPRESSED_TOPIC = f"{IMAGE_TOPIC}/compressed"
_DRIVE_RATE_HZ = 100.0
_YAW_METRES_PER_RAD = 4.0
"""How many metres apart count as much as a radian when context views are spread."""


@dataclass(frozen=True)
class RecordingConfig:
    """What is recorded, and how.

    Rates must divide 100 Hz. Images are stamped between odometry samples, as on a robot.
    """

    storage: Storage = "mcap"
    compressed: bool = True
    jpeg_quality: int = 90
    camera: CameraConfig = field(default_factory=lambda: CameraConfig(96, 96, supersampling=1.0))
    image_rate_hz: float = 5.0
    odometry_rate_hz: float = 20.0
    odometry_noise: OdometryNoise = field(default_factory=OdometryNoise)
    start_s: int = 1_700_000_000

    def __post_init__(self) -> None:
        for name in ("image_rate_hz", "odometry_rate_hz"):
            rate = getattr(self, name)
            if not 0 < rate <= _DRIVE_RATE_HZ or _DRIVE_RATE_HZ % rate:
                raise BagError(f"{name} must divide {_DRIVE_RATE_HZ:g} Hz, not {rate!r}")
        if not 1 <= self.jpeg_quality <= 100:
            raise BagError(f"jpeg_quality must be from 1 to 100, not {self.jpeg_quality!r}")

    def stamp_ns(self, time_s: float) -> int:
        """Return the stamp of a time since the start of the drive."""
        return self.start_s * 1_000_000_000 + round(time_s * 1e9)


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
    drive = DriveConfig(rate_hz=_DRIVE_RATE_HZ)
    trajectory = drive_between_random_cells(layout, duration_s, rng=rng, config=drive)
    odometry = wheel_odometry(trajectory, rng=rng, noise=config.odometry_noise)
    moves = _every(config.odometry_rate_hz, trajectory)
    images = _every(config.image_rate_hz, trajectory, offset=2)
    entries = [_camera_mount(layout, config)]
    entries += _image_entries(layout, trajectory, images, config)
    entries += _odometry_entries(trajectory, odometry, moves, config)
    for index in moves:
        stamp = config.stamp_ns(trajectory.times_s[index])
        truth = make.pose_stamped(trajectory.poses_map_base[index], stamp, MAP_FRAME)
        entries.append(Entry(stamp, "/ground_truth", truth))
    return write_bag(path, entries, storage=config.storage)


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
    drive = DriveConfig(rate_hz=_DRIVE_RATE_HZ, look_around=0.5)
    trajectory = drive_everywhere(layout, rng=rng, config=drive)
    odometry = wheel_odometry(trajectory, rng=rng, noise=config.odometry_noise)
    candidates = _every(2.0, trajectory, offset=2)
    images = candidates[spread_poses(trajectory.poses_map_base[candidates], views, rng=rng)]
    poses = np.union1d(_every(config.image_rate_hz, trajectory), images)
    entries = [_camera_mount(layout, config)]
    entries += _image_entries(layout, trajectory, np.sort(images), config)
    for index in poses:
        entries += _mapping_pose_entries(trajectory, odometry, int(index), config)
    return write_bag(path, entries, storage=config.storage)


def spread_poses(
    poses: NDArray[np.float64], count: int, *, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the indices of `count` of the poses (M, 3), each as far as can be from those before."""
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
    return np.arange(offset, len(trajectory), round(_DRIVE_RATE_HZ / rate_hz))


def _camera_mount(layout: MazeLayout, config: RecordingConfig) -> Entry:
    stamp = config.stamp_ns(0.0)
    eye = (0.0, 0.0, layout.config.cell_m / 2)
    mount = make.transform(eye, make.OPTICAL_ROTATION, stamp, BASE_FRAME, CAMERA_FRAME)
    return Entry(stamp, "/tf_static", make.tf_message(mount))


def _image_entries(
    layout: MazeLayout,
    trajectory: Trajectory,
    indices: NDArray[np.int64],
    config: RecordingConfig,
) -> Iterator[Entry]:
    camera = config.camera
    with MazeRenderer(layout, camera) as renderer:
        for index in indices:
            stamp = config.stamp_ns(trajectory.times_s[index])
            rgb = renderer.render(trajectory.poses_map_base[index])
            yield _image_entry(rgb, stamp, config)
            info = make.camera_info(
                camera.width, camera.height, camera.focal_px, stamp, CAMERA_FRAME
            )
            yield Entry(stamp, "/camera/camera_info", info)


def _image_entry(rgb: NDArray[np.uint8], stamp_ns: int, config: RecordingConfig) -> Entry:
    if not config.compressed:
        return Entry(stamp_ns, IMAGE_TOPIC, make.image(rgb, stamp_ns, CAMERA_FRAME))
    content = make.compressed_image(rgb, stamp_ns, CAMERA_FRAME, jpeg_quality=config.jpeg_quality)
    return Entry(stamp_ns, COMPRESSED_TOPIC, content)


def _odometry_entries(
    trajectory: Trajectory,
    odometry: NDArray[np.float64],
    indices: NDArray[np.int64],
    config: RecordingConfig,
) -> Iterator[Entry]:
    twists = _twists(odometry, trajectory.times_s)
    for index in indices:
        stamp = config.stamp_ns(trajectory.times_s[index])
        pose = odometry[index]
        content = make.odometry(pose, twists[index], stamp, ODOM_FRAME, BASE_FRAME)
        yield Entry(stamp, "/odom", content)
        yield Entry(stamp, "/tf", _planar_tf(pose, stamp, ODOM_FRAME, BASE_FRAME))


def _mapping_pose_entries(
    trajectory: Trajectory,
    odometry: NDArray[np.float64],
    index: int,
    config: RecordingConfig,
) -> Iterator[Entry]:
    stamp = config.stamp_ns(trajectory.times_s[index])
    pose_map_base, pose_odom_base = trajectory.poses_map_base[index], odometry[index]
    yield Entry(stamp, "/pose", make.pose_stamped(pose_map_base, stamp, MAP_FRAME))
    correction = make.planar_transform(
        _map_to_odom(pose_map_base, pose_odom_base), stamp, MAP_FRAME, ODOM_FRAME
    )
    moved = make.planar_transform(pose_odom_base, stamp, ODOM_FRAME, BASE_FRAME)
    yield Entry(stamp, "/tf", make.tf_message(correction, moved))


def _planar_tf(pose: NDArray[np.float64], stamp_ns: int, parent: str, child: str) -> Any:
    return make.tf_message(make.planar_transform(pose, stamp_ns, parent, child))


def _map_to_odom(
    pose_map_base: NDArray[np.float64], pose_odom_base: NDArray[np.float64]
) -> NDArray[np.float64]:
    yaw = pose_map_base[2] - pose_odom_base[2]
    cos, sin = np.cos(yaw), np.sin(yaw)
    x, y = pose_odom_base[:2]
    moved = np.array([cos * x - sin * y, sin * x + cos * y])
    return np.append(pose_map_base[:2] - moved, yaw)


def _twists(odometry: NDArray[np.float64], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Forward speed [m/s] and turn rate [rad/s] at every sample, (T, 2)."""
    rates = np.gradient(odometry, times_s, axis=0)
    yaw = odometry[:, 2]
    return np.column_stack([rates[:, 0] * np.cos(yaw) + rates[:, 1] * np.sin(yaw), rates[:, 2]])
