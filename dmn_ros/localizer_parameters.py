"""Every parameter of the localizer: name, type, default, range and meaning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from dmn_core.belief_monitor import MonitorSettings
from dmn_core.cameras.choice import CAMERA_CHOICES, CameraChoice
from dmn_core.localization import Near
from dmn_core.motion_gate import MotionGate
from dmn_core.particle_filter import AdaptiveSize, FilterSettings, OdometryNoise
from dmn_core.robot import PRECISIONS, ROBOT_FILTER, ROBOT_GATE, RobotSettings
from dmn_ros.conversions import near
from dmn_ros.declaration import parameter
from dmn_ros.parameters import AUTOSTART_HELP, PRECISION_HELP, camera_pose

NOISE = ROBOT_FILTER.noise
MONITOR = MonitorSettings()


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
        True, "whether to publish where odom_frame_id is in the map", live=True
    )
    transform_tolerance: float = parameter(
        1.0,
        "seconds by which that transform is stamped after the image",
        low=0.0,
        high=60.0,
        live=True,
    )
    transform_rate: float = parameter(
        20.0,
        "newest: how often the transform is published [Hz]; 0: with each image only",
        low=0.0,
        high=1000.0,
    )
    camera_timeout: float = parameter(
        10.0, "seconds without a pose after which that ends", low=0.0, live=True
    )
    camera: str = parameter(
        "auto",
        "auto: as camera_info says; none: images as they come; panorama: all around",
        choices=CAMERA_CHOICES,
    )
    camera_pose_source: str = parameter(
        "parameter",
        "where the camera is: parameter, that is pose_base_camera, or tf",
        choices=("parameter", "tf"),
    )
    odometry_source: str = parameter(
        "topic", "topic, or odom_frame_id to base_frame_id of tf", choices=("topic", "tf")
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
    max_poses: int = parameter(200, "most poses in particle_cloud", low=1, high=100000, live=True)
    min_particles: int = parameter(
        ROBOT_FILTER.size.min_particles,
        "fewest particles; 0 keeps as many as max_particles",
        low=0,
        high=1000000,
    )
    max_particles: int = parameter(
        2048, "most particles, and those of a start", low=1, high=1000000
    )
    pf_err: float = parameter(
        ROBOT_FILTER.size.pf_err,
        "error of the belief that decides on the number of particles",
        low=1e-6,
        high=10.0,
        live=True,
    )
    pf_z: float = parameter(
        ROBOT_FILTER.size.pf_z,
        "standard normal quantile of the probability that this error is kept",
        low=1e-6,
        high=10.0,
        live=True,
    )
    recovery_alpha_slow: float = parameter(
        ROBOT_FILTER.recovery.recovery_alpha_slow,
        "rate of the long mean of how well images fit",
        low=0.0,
        high=1.0,
        live=True,
    )
    recovery_alpha_fast: float = parameter(
        ROBOT_FILTER.recovery.recovery_alpha_fast,
        "rate of the short mean of how well images fit; 0 switches the recovery off",
        low=0.0,
        high=1.0,
        live=True,
    )
    update_min_d: float = parameter(
        ROBOT_GATE.update_min_d,
        "distance to move before another image is weighed [m]",
        low=0.0,
        live=True,
    )
    update_min_a: float = parameter(
        ROBOT_GATE.update_min_a,
        "turn, instead, that is enough [rad]; where one of the two is 0, each image is weighed",
        low=0.0,
        live=True,
    )
    tracking_confidence: float = parameter(
        MONITOR.tracking_confidence,
        "from this confidence on, the robot is tracked",
        low=0.0,
        high=1.0,
    )
    degraded_confidence: float = parameter(
        MONITOR.degraded_confidence,
        "below this, a tracked robot is tracked badly",
        low=0.0,
        high=1.0,
    )
    lost_confidence: float = parameter(
        MONITOR.lost_confidence,
        "below this, for lost_images in a row, the robot is lost",
        low=0.0,
        high=1.0,
    )
    lost_images: int = parameter(
        MONITOR.lost_images, "weighed images that it takes to be lost", low=1
    )
    random_seed: int = parameter(0, "of all random draws", low=0)
    set_initial_pose: bool = parameter(False, "whether to start at initial_pose")
    initial_pose_x: float = parameter(0.0, "where to start [m]", name="initial_pose.x")
    initial_pose_y: float = parameter(0.0, "where to start [m]", name="initial_pose.y")
    initial_pose_yaw: float = parameter(0.0, "where to start [rad]", name="initial_pose.yaw")
    initial_pose_covariance_x: float = parameter(
        0.25, "variance of x at the start [m^2]", low=0.0, name="initial_pose.covariance_x"
    )
    initial_pose_covariance_y: float = parameter(
        0.25, "variance of y at the start [m^2]", low=0.0, name="initial_pose.covariance_y"
    )
    initial_pose_covariance_yaw: float = parameter(
        0.0685, "variance of yaw at the start [rad^2]", low=0.0, name="initial_pose.covariance_yaw"
    )
    saved_pose_filepath: str = parameter("", "file to keep the pose in; empty: it is not kept")
    save_pose_rate: float = parameter(
        0.5, "how often it is written [Hz]; 0: at the end only", low=0.0, high=100.0
    )
    initialize_at_saved_pose: bool = parameter(
        False, "whether to start there, if it was in the same map"
    )
    resampling: str = parameter(
        ROBOT_FILTER.resampling,
        "when to resample",
        choices=("never", "always", "effective_size"),
        live=True,
    )
    effective_fraction: float = parameter(
        ROBOT_FILTER.effective_fraction,
        "effective_size resamples below this share of the particles",
        low=1e-6,
        high=1.0,
        live=True,
    )
    soft_alpha: float = parameter(
        ROBOT_FILTER.soft_alpha,
        "1 resamples by weight, less mixes in chance",
        low=1e-6,
        high=1.0,
        live=True,
    )
    estimate: str = parameter(
        ROBOT_FILTER.estimate,
        "mean of all particles or of the heaviest cluster",
        choices=("mean", "cluster"),
        live=True,
    )
    likelihood_power: float = parameter(
        ROBOT_FILTER.likelihood_power,
        "exponent on each image's likelihood; below 1 where images come so close together that "
        "they are not independent",
        low=1e-6,
        high=1.0,
        live=True,
    )
    motion_model: str = parameter(
        NOISE.model,
        "noise of odometry",
        choices=("exact", "differential", "omni"),
        live=True,
    )
    alpha1: float = parameter(NOISE.alpha1, "rotation variance from rotation", low=0.0, live=True)
    alpha2: float = parameter(NOISE.alpha2, "rotation variance from travel", low=0.0, live=True)
    alpha3: float = parameter(NOISE.alpha3, "travel variance from travel", low=0.0, live=True)
    alpha4: float = parameter(NOISE.alpha4, "travel variance from rotation", low=0.0, live=True)
    alpha5: float = parameter(
        NOISE.alpha5, "sideways variance from travel, omni only", low=0.0, live=True
    )
    min_std_xy_m: float = parameter(
        NOISE.min_std_xy_m, "noise added at every image [m]", low=0.0, live=True
    )
    min_std_yaw_rad: float = parameter(
        NOISE.min_std_yaw_rad, "noise added at every image [rad]", low=0.0, live=True
    )

    def robot_settings(self) -> RobotSettings:
        """The part that offline replay shares."""
        return RobotSettings(
            particles=self.max_particles,
            seed=self.random_seed,
            filter=self._filter_settings(),
            gate=MotionGate(update_min_d=self.update_min_d, update_min_a=self.update_min_a),
            monitor=replace(
                MONITOR,
                tracking_confidence=self.tracking_confidence,
                degraded_confidence=self.degraded_confidence,
                lost_confidence=self.lost_confidence,
                lost_images=self.lost_images,
            ),
            pose_base_camera=camera_pose(self.pose_base_camera),
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
            size=AdaptiveSize(min_particles=self.min_particles, pf_err=self.pf_err, pf_z=self.pf_z),
            recovery=replace(
                ROBOT_FILTER.recovery,
                recovery_alpha_slow=self.recovery_alpha_slow,
                recovery_alpha_fast=self.recovery_alpha_fast,
            ),
            resampling=self.resampling,  # type: ignore[arg-type]
            effective_fraction=self.effective_fraction,
            soft_alpha=self.soft_alpha,
            estimate=self.estimate,  # type: ignore[arg-type]
            likelihood_power=self.likelihood_power,
        )

    def camera_choice(self) -> CameraChoice:
        """The same word; the choices of the parameter allow no other."""
        return cast(CameraChoice, self.camera)

    def initial_pose(self) -> Near | None:
        """Where to start, if it was stated."""
        if not self.set_initial_pose:
            return None
        variances = (
            self.initial_pose_covariance_x,
            self.initial_pose_covariance_y,
            self.initial_pose_covariance_yaw,
        )
        return near(
            np.array([self.initial_pose_x, self.initial_pose_y, self.initial_pose_yaw]),
            np.diag(variances),
            particles=self.max_particles,
        )
