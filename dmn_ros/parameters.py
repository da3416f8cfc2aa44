"""Parameters of mapper and bag player: name, type, default, range and meaning."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from dmn_core.cameras.choice import (
    CAMERA_CHOICES,
    CAMERA_POSE_SOURCES,
    CameraChoice,
    CameraPoseSource,
)
from dmn_core.data.bag import ViewSelection
from dmn_core.data.bag_map import ROBOT_SELECTION, MappingSettings
from dmn_core.errors import ConfigurationError
from dmn_core.live_map import LiveMapSettings
from dmn_core.localization import DEFAULT_MARGIN_M
from dmn_core.map_editing import MapLimits
from dmn_core.robot import PRECISIONS, Precision
from dmn_core.trust import TrustLimits
from dmn_core.views import Area
from dmn_core.weights import find_weights
from dmn_ros.declaration import numbers, parameter

TRUST = TrustLimits()
AUTOSTART_HELP = "whether the process configures and activates itself, without a manager"
AUTOSTART_IN_NAV2 = "autostart_node"
CAMERA_SOURCE_HELP = "where the camera is: parameter, that is pose_base_camera, or tf"
CAMERA_POSE_HELP = "x, y, yaw of the camera on the robot, x along its view"
# Of metres and radians: a robot is smaller. A map is smaller, and float32 tells its metres apart.
LARGEST_MOUNT, LARGEST_PLACE_M = 100.0, 1e6
PRECISION_HELP = "float32, or bfloat16: faster on recent GPUs and CPUs, and coarser"


@dataclass(frozen=True)
class MapperParameters:
    """Parameters of the mapper."""

    autostart: bool = parameter(True, AUTOSTART_HELP, also=AUTOSTART_IN_NAV2)
    context_bag: str = parameter("", "bag with images and poses to build the map from")
    map_file: str = parameter(
        "", "map to load where there is no context_bag, else where the new map is saved"
    )
    image_topic: str = parameter("", "image topic in the bag; empty: the only one there is")
    pose_topic: str = parameter("", "pose topic in the bag; empty: the only one there is, or tf")
    global_frame_id: str = parameter("map", "frame of the map and of the viewpoints")
    base_frame_id: str = parameter("base_link", "robot frame in tf")
    weights: str = parameter("", "weights file; empty: the ones that come with the package")
    device: str = parameter("auto", "where to compute: auto, cuda, cuda:N or cpu")
    precision: str = parameter("float32", PRECISION_HELP, choices=tuple(PRECISIONS))
    max_views: int = parameter(
        ROBOT_SELECTION.max_views, "most context views to keep, spread widely", low=1
    )
    min_distance_m: float = parameter(
        ROBOT_SELECTION.min_distance_m, "views closer than this count as one place", low=0.0
    )
    min_turn_rad: float = parameter(
        ROBOT_SELECTION.min_turn_rad, "... unless they are turned by at least this", low=0.0
    )
    area_m: tuple[float, ...] = parameter(
        (),
        "x_min, x_max, y_min, y_max where the robot may be; empty: box around the viewpoints",
        low=-LARGEST_PLACE_M,
        high=LARGEST_PLACE_M,
    )
    area_margin_m: float = parameter(
        DEFAULT_MARGIN_M, "by how much that box is grown on each side", low=0.0
    )
    camera_pose_source: str = parameter(
        "parameter", CAMERA_SOURCE_HELP, choices=CAMERA_POSE_SOURCES
    )
    pose_base_camera: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0), CAMERA_POSE_HELP, low=-LARGEST_MOUNT, high=LARGEST_MOUNT
    )
    camera: str = parameter(
        "auto",
        "auto: as camera_info says; none: images as they come; panorama: all around",
        choices=CAMERA_CHOICES,
    )
    threads: int = parameter(0, "CPU threads; 0 leaves the choice to torch", low=0, high=1024)

    live_poses: str = parameter(
        "off",
        "views from images while the robot drives, at poses of view_pose (pose) or of a localizer",
        choices=("off", "pose", "pose_with_covariance"),
    )
    image_transport: str = parameter(
        "raw",
        "of these images: raw, or compressed ones below the image topic",
        choices=("raw", "compressed"),
    )
    max_pose_gap_s: float = parameter(
        0.5, "longest time between two of these poses that is bridged", low=0.0, high=10.0
    )
    max_pose_std_m: float = parameter(
        TRUST.max_pose_std_m,
        "pose_with_covariance: poses whose best mode is wider are left out",
        low=0.0,
    )
    max_pose_std_rad: float = parameter(
        TRUST.max_pose_std_rad, "... or wider than this in yaw", low=0.0
    )
    min_confidence: float = parameter(
        TRUST.min_confidence,
        "... or whose status is not TRACKING with this confidence",
        low=0.0,
        high=1.0,
    )
    refresh_s: float = parameter(
        600.0, "a view this much older than an image of the same place gives way to it", low=0.0
    )
    max_view_age_s: float = parameter(
        0.0, "views older than this are removed; 0 keeps them for good", low=0.0
    )
    robot_name: str = parameter("", "who took the views that are added; empty: the namespace")
    share_in: tuple[str, ...] = parameter(
        (), "topics of maps of other robots in the same frame, whose views are taken over"
    )
    publish_period_s: float = parameter(
        1.0, "least time between two maps that are published as views come", low=0.01, high=3600.0
    )

    def __post_init__(self) -> None:
        """Look at the names of frames.

        Raises:
            ConfigurationError: one begins with a slash.
        """
        require_frame_names(self)

    def live_settings(self) -> LiveMapSettings:
        """How the map changes while robots drive."""
        return LiveMapSettings(
            limits=MapLimits(
                max_views=self.max_views,
                min_distance_m=self.min_distance_m,
                min_turn_rad=self.min_turn_rad,
            ),
            refresh_s=self.refresh_s,
            max_age_s=self.max_view_age_s,
            area_m=self.area(),
            area_margin_m=self.area_margin_m,
        )

    def mapping_settings(self) -> MappingSettings:
        """The part that offline replay shares."""
        return MappingSettings(
            image_topic=self.image_topic,
            pose_topic=self.pose_topic,
            map_frame=self.global_frame_id,
            base_frame=self.base_frame_id,
            selection=ViewSelection(
                min_distance_m=self.min_distance_m,
                min_turn_rad=self.min_turn_rad,
                max_views=self.max_views,
            ),
            area_m=self.area(),
            area_margin_m=self.area_margin_m,
            pose_base_camera=self.mount(),
            camera=self.camera_choice(),
            camera_pose_source=cast(CameraPoseSource, self.camera_pose_source),
        )

    def mount(self) -> tuple[float, float, float]:
        """Pose of the camera on the robot."""
        return camera_pose(self.pose_base_camera)

    def camera_choice(self) -> CameraChoice:
        """The same word; the choices of the parameter allow no other."""
        return cast(CameraChoice, self.camera)

    def area(self) -> Area | None:
        """The area, if it was stated."""
        return numbers(self.area_m, 4, name="area_m") if self.area_m else None


@dataclass(frozen=True)
class BagPlayerParameters:
    """Parameters of the bag player."""

    bag: str = parameter("", "ROS 2 bag to play")
    rate: float = parameter(1.0, "speed, 1 being that of the recording", low=0.01, high=1000.0)
    topics: tuple[str, ...] = parameter((), "topics to play; empty: all")
    wait_for_subscribers: tuple[str, ...] = parameter(
        (), "topics that must have a subscriber before playing begins; named twice: two of them"
    )
    wait_s: float = parameter(
        30.0,
        "how long to wait for them, or for a localizer that gets no further",
        low=0.0,
        high=3600.0,
    )
    wait_for_localizer: bool = parameter(
        False, "whether to begin when a localizer has its map, and to end when it is done"
    )
    localizer: str = parameter(
        "", "name of that localizer; empty: the one in the namespace of the player"
    )
    clock: bool = parameter(False, "whether to publish /clock, for nodes with use_sim_time")


def require_frame_names(parameters: Any) -> None:
    """Look at the names of frames among the fields of a dataclass.

    Raises:
        ConfigurationError: one begins with a slash, as in ROS 1; tf2 has no such frames.
    """
    for field in dataclasses.fields(parameters):
        frame = getattr(parameters, field.name)
        if field.name.endswith("frame_id") and frame.startswith("/"):
            raise ConfigurationError(
                f"parameter {field.name!r} wants a frame without a slash before it, got {frame!r}: "
                f"give {frame.lstrip('/')!r}"
            )


def weights_path(weights: str) -> Path:
    """The weights file of a parameter, by default the one installed with the package."""
    return find_weights(weights, _package_models())


def as_precision(precision: str) -> Precision:
    """The same word; the choices of the parameter allow no other."""
    return cast(Precision, precision)


def _package_models() -> tuple[Path, ...]:
    """The models folder of the installed ROS package, if it is installed."""
    from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

    try:
        return (Path(get_package_share_directory("dmn")) / "models",)
    except PackageNotFoundError:
        return ()


def camera_pose(pose: tuple[float, ...]) -> tuple[float, float, float]:
    """The numbers of `pose_base_camera`, if they are three."""
    camera: tuple[float, float, float] = numbers(pose, 3, name="pose_base_camera")
    return camera
