"""Every parameter of the nodes: name, type, default, range and meaning. `config/` repeats them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from dmn_core.data.bag import ViewSelection
from dmn_core.data.bag_map import ROBOT_SELECTION, MappingSettings
from dmn_core.localization import DEFAULT_MARGIN_M
from dmn_core.particle_filter import FilterSettings, OdometryNoise
from dmn_core.robot import PRECISIONS, ROBOT_FILTER, Precision, RobotSettings
from dmn_core.views import Area
from dmn_core.weights import find_weights
from dmn_ros.declaration import numbers, parameter

DEFAULT_NOISE = ROBOT_FILTER.noise
AUTOSTART_HELP = "whether the process configures and activates itself, without a manager"
PRECISION_HELP = "float32, or bfloat16: faster on recent GPUs and CPUs, and coarser"


@dataclass(frozen=True)
class MapperParameters:
    """Parameters of the mapper."""

    autostart: bool = parameter(True, AUTOSTART_HELP)
    context_bag: str = parameter("", "bag with images and poses to build the map from")
    map_file: str = parameter(
        "", "map to load where there is no context_bag, else where the new map is saved"
    )
    image_topic: str = parameter("", "image topic in the bag; empty: the only one there is")
    pose_topic: str = parameter("", "pose topic in the bag; empty: the only one there is, or tf")
    global_frame_id: str = parameter("map", "frame of the map and of the viewpoints")
    base_frame_id: str = parameter("base_link", "robot frame in the bag's tf")
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
        (), "x_min, x_max, y_min, y_max where the robot may be; empty: box around the viewpoints"
    )
    area_margin_m: float = parameter(
        DEFAULT_MARGIN_M, "by how much that box is grown on each side", low=0.0
    )
    pose_base_camera: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0), "x, y, yaw of the camera on the robot, x along its view"
    )
    threads: int = parameter(0, "CPU threads; 0 leaves the choice to torch", low=0, high=1024)

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
            pose_base_camera=self.camera(),
        )

    def camera(self) -> tuple[float, float, float]:
        """Pose of the camera on the robot."""
        return _camera(self.pose_base_camera)

    def area(self) -> Area | None:
        """The area, if it was stated."""
        return numbers(self.area_m, 4, name="area_m") if self.area_m else None


@dataclass(frozen=True)
class LocalizerParameters:
    """Parameters of the localizer."""

    autostart: bool = parameter(True, AUTOSTART_HELP)
    weights: str = parameter("", "weights file; empty: the ones that come with the package")
    device: str = parameter("auto", "where to compute: auto, cuda, cuda:N or cpu")
    precision: str = parameter("float32", PRECISION_HELP, choices=tuple(PRECISIONS))
    threads: int = parameter(0, "CPU threads; 0 leaves the choice to torch", low=0, high=1024)
    global_frame_id: str = parameter("map", "frame of the map")
    odom_frame_id: str = parameter("odom", "frame of the odometry")
    base_frame_id: str = parameter("base_link", "frame of the robot")
    tf_broadcast: bool = parameter(
        True, "whether to publish global_frame_id to odom_frame_id on /tf"
    )
    transform_tolerance: float = parameter(
        1.0, "seconds by which that transform is stamped after the image", low=0.0, high=60.0
    )
    pose_base_camera: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0), "x, y, yaw of the camera on the robot, x along its view"
    )
    image_transport: str = parameter(
        "raw", "raw images, or compressed ones below the image topic", choices=("raw", "compressed")
    )
    image_queue: str = parameter(
        "newest", "newest drops images that wait, all processes each", choices=("newest", "all")
    )
    odometry_wait_s: float = parameter(
        1.0,
        "newest: how far odometry may run on before an image beyond it is dropped [s]",
        low=0.0,
        high=10.0,
    )
    max_odometry_gap_s: float = parameter(
        1.0, "longest time between two odometry poses that is bridged", low=0.001, high=10.0
    )
    max_poses: int = parameter(200, "most poses in particle_cloud", low=1, high=100000)
    max_particles: int = parameter(2048, "number of particles", low=1, high=1000000)
    random_seed: int = parameter(0, "of all random draws", low=0)
    resampling: str = parameter(
        ROBOT_FILTER.resampling, "when to resample", choices=("never", "always", "effective_size")
    )
    effective_fraction: float = parameter(
        ROBOT_FILTER.effective_fraction,
        "effective_size resamples below this share of the particles",
        low=1e-6,
        high=1.0,
    )
    soft_alpha: float = parameter(
        ROBOT_FILTER.soft_alpha, "1 resamples by weight, less mixes in chance", low=1e-6, high=1.0
    )
    estimate: str = parameter(
        ROBOT_FILTER.estimate,
        "mean of all particles or of the heaviest cluster",
        choices=("mean", "cluster"),
    )
    likelihood_power: float = parameter(
        ROBOT_FILTER.likelihood_power,
        "exponent on each image's likelihood; below 1 where images come so close together that "
        "they are not independent",
        low=1e-6,
        high=1.0,
    )
    motion_model: str = parameter(
        DEFAULT_NOISE.model, "noise of odometry", choices=("exact", "differential", "omni")
    )
    alpha1: float = parameter(DEFAULT_NOISE.alpha1, "rotation variance from rotation", low=0.0)
    alpha2: float = parameter(DEFAULT_NOISE.alpha2, "rotation variance from travel", low=0.0)
    alpha3: float = parameter(DEFAULT_NOISE.alpha3, "travel variance from travel", low=0.0)
    alpha4: float = parameter(DEFAULT_NOISE.alpha4, "travel variance from rotation", low=0.0)
    alpha5: float = parameter(
        DEFAULT_NOISE.alpha5, "sideways variance from travel, omni only", low=0.0
    )
    min_std_xy_m: float = parameter(
        DEFAULT_NOISE.min_std_xy_m, "noise added at every image [m]", low=0.0
    )
    min_std_yaw_rad: float = parameter(
        DEFAULT_NOISE.min_std_yaw_rad, "noise added at every image [rad]", low=0.0
    )

    def robot_settings(self) -> RobotSettings:
        """The part that offline replay shares."""
        return RobotSettings(
            particles=self.max_particles,
            seed=self.random_seed,
            filter=self._filter_settings(),
            pose_base_camera=_camera(self.pose_base_camera),
            max_odometry_gap_s=self.max_odometry_gap_s,
        )

    def _filter_settings(self) -> FilterSettings:
        return replace(
            ROBOT_FILTER,
            noise=OdometryNoise(
                model=self.motion_model,  # type: ignore[arg-type]
                alpha1=self.alpha1,
                alpha2=self.alpha2,
                alpha3=self.alpha3,
                alpha4=self.alpha4,
                alpha5=self.alpha5,
                min_std_xy_m=self.min_std_xy_m,
                min_std_yaw_rad=self.min_std_yaw_rad,
            ),
            resampling=self.resampling,  # type: ignore[arg-type]
            effective_fraction=self.effective_fraction,
            soft_alpha=self.soft_alpha,
            estimate=self.estimate,  # type: ignore[arg-type]
            likelihood_power=self.likelihood_power,
        )


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
    clock: bool = parameter(False, "whether to publish /clock, for nodes with use_sim_time")


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


def _camera(pose: tuple[float, ...]) -> tuple[float, float, float]:
    camera: tuple[float, float, float] = numbers(pose, 3, name="pose_base_camera")
    return camera
