"""What the sensors of the simulated robot say on a drive, as ROS 2 messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmn_core.data import message_factory as make
from dmn_core.data.bag_output import Entry, Storage
from dmn_core.errors import BagError
from dmn_core.pose_track import compose, inverse
from dmn_core.pose_track.interpolation import NANOSECONDS
from dmn_core.worlds.maze import MazeLayout
from dmn_core.worlds.renderer import CameraConfig, MazeRenderer
from dmn_core.worlds.trajectory import Trajectory
from dmn_core.worlds.wheel_odometry import OdometryNoise

MAP_FRAME, ODOM_FRAME, BASE_FRAME = "map", "odom", "base_link"
CAMERA_FRAME = "camera_optical_frame"
IMAGE_TOPIC = "/camera/image_raw"
COMPRESSED_TOPIC = f"{IMAGE_TOPIC}/compressed"
DRIVE_RATE_HZ = 100.0


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
            if not 0 < rate <= DRIVE_RATE_HZ or DRIVE_RATE_HZ % rate:
                raise BagError(f"{name} must divide {DRIVE_RATE_HZ:g} Hz, not {rate!r}")
        if not 1 <= self.jpeg_quality <= 100:
            raise BagError(f"jpeg_quality must be from 1 to 100, not {self.jpeg_quality!r}")

    def stamp_ns(self, time_s: float) -> int:
        """Return the stamp of a time since the start of the drive."""
        return self.start_s * NANOSECONDS + round(time_s * NANOSECONDS)


def camera_mount(layout: MazeLayout, config: RecordingConfig) -> Entry:
    """Return the fixed transform from the base to the camera, at half the wall height."""
    stamp = config.stamp_ns(0.0)
    eye = (0.0, 0.0, layout.config.cell_m / 2)
    mount = make.transform(eye, make.OPTICAL_ROTATION, stamp, BASE_FRAME, CAMERA_FRAME)
    return Entry(stamp, "/tf_static", make.tf_message(mount))


def image_entries(
    layout: MazeLayout,
    trajectory: Trajectory,
    indices: NDArray[np.int64],
    config: RecordingConfig,
) -> Iterator[Entry]:
    """Render and yield images and their camera info at the samples `indices`."""
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


def odometry_entries(
    trajectory: Trajectory,
    odometry: NDArray[np.float64],
    indices: NDArray[np.int64],
    config: RecordingConfig,
) -> Iterator[Entry]:
    """Yield /odom and /tf (odom to base) at the samples `indices`; `odometry` is (T, 3)."""
    twists = _twists(odometry, trajectory.times_s)
    for index in indices:
        stamp = config.stamp_ns(trajectory.times_s[index])
        pose = odometry[index]
        content = make.odometry(pose, twists[index], stamp, ODOM_FRAME, BASE_FRAME)
        yield Entry(stamp, "/odom", content)
        yield Entry(stamp, "/tf", _planar_tf(pose, stamp, ODOM_FRAME, BASE_FRAME))


def mapping_pose_entries(
    trajectory: Trajectory,
    odometry: NDArray[np.float64],
    index: int,
    config: RecordingConfig,
) -> Iterator[Entry]:
    """Yield the pose in the map and /tf (map to odom to base) at sample `index`."""
    stamp = config.stamp_ns(trajectory.times_s[index])
    pose_map_base, pose_odom_base = trajectory.poses_map_base[index], odometry[index]
    yield Entry(stamp, "/pose", make.pose_stamped(pose_map_base, stamp, MAP_FRAME))
    correction = make.planar_transform(
        compose(pose_map_base, inverse(pose_odom_base)), stamp, MAP_FRAME, ODOM_FRAME
    )
    moved = make.planar_transform(pose_odom_base, stamp, ODOM_FRAME, BASE_FRAME)
    yield Entry(stamp, "/tf", make.tf_message(correction, moved))


def _planar_tf(pose: NDArray[np.float64], stamp_ns: int, parent: str, child: str) -> Any:
    return make.tf_message(make.planar_transform(pose, stamp_ns, parent, child))


def _twists(odometry: NDArray[np.float64], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Forward speed [m/s] and turn rate [rad/s] at every sample, (T, 2)."""
    rates = np.gradient(odometry, times_s, axis=0)
    yaw = odometry[:, 2]
    return np.column_stack([rates[:, 0] * np.cos(yaw) + rates[:, 1] * np.sin(yaw), rates[:, 2]])
