"""Every parameter of the localizer: name, type, default, range and meaning."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from dmn_core.belief_monitor import MonitorSettings
from dmn_core.errors import ConfigurationError
from dmn_core.localization import Near
from dmn_core.robot import ROBOT_GATE, RobotSettings
from dmn_ros.amcl_names import IGNORED
from dmn_ros.conversions import MAX_START_VARIANCE, near
from dmn_ros.declaration import parameter
from dmn_ros.filter_parameters import FilterParameters
from dmn_ros.interface_parameters import InterfaceParameters
from dmn_ros.parameters import LARGEST_PLACE_M, camera_pose, require_frame_names

MONITOR = MonitorSettings()


def _place(description: str, name: str) -> Any:
    far = LARGEST_PLACE_M
    return parameter(0.0, description, low=-far, high=far, name=f"initial_pose.{name}")


def _variance(default: float, description: str, name: str) -> Any:
    name = f"initial_pose.covariance_{name}"
    return parameter(default, description, low=0.0, high=MAX_START_VARIANCE, name=name)


def _covariance(description: str, name: str) -> Any:
    name, most = f"initial_pose.covariance_{name}", MAX_START_VARIANCE
    return parameter(0.0, description, low=-most, high=most, name=name)


@dataclass(frozen=True)
class LocalizerParameters(FilterParameters, InterfaceParameters):
    """Parameters of the localizer."""

    IGNORED: ClassVar[frozenset[str]] = IGNORED
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
    first_images: int = parameter(
        ROBOT_GATE.first_images,
        "after a start so many are weighed in any case, until the robot is tracked",
        low=0,
        high=1000,
        live=True,
    )
    success_distance_m: float = parameter(
        MONITOR.success_distance_m,
        "the confidence is the probability that the pose is this close to the truth [m]",
        low=0.001,
        live=True,
    )
    tracking_confidence: float = parameter(
        MONITOR.tracking_confidence,
        "from this confidence on, the robot is tracked",
        low=0.0,
        high=1.0,
        live=True,
    )
    degraded_confidence: float = parameter(
        MONITOR.degraded_confidence,
        "below this, a tracked robot is tracked badly",
        low=0.0,
        high=1.0,
        live=True,
    )
    lost_confidence: float = parameter(
        MONITOR.lost_confidence,
        "below this, for lost_images in a row, the robot is lost",
        low=0.0,
        high=1.0,
        live=True,
    )
    lost_images: int = parameter(
        MONITOR.lost_images, "weighed images that it takes to be lost", low=1, live=True
    )
    random_seed: int = parameter(0, "of all random draws; -1: another at each start", low=-1)
    set_initial_pose: bool = parameter(False, "whether to start at initial_pose")
    initial_pose_x: float = _place("where to start [m]", "x")
    initial_pose_y: float = _place("where to start [m]", "y")
    initial_pose_yaw: float = _place("where to start [rad]", "yaw")
    initial_pose_covariance_x: float = _variance(0.25, "variance of x at the start [m^2]", "x")
    initial_pose_covariance_y: float = _variance(0.25, "variance of y at the start [m^2]", "y")
    initial_pose_covariance_yaw: float = _variance(
        0.0685, "variance of yaw at the start [rad^2]", "yaw"
    )
    initial_pose_covariance_xy: float = _covariance("covariance of x and y [m^2]", "xy")
    initial_pose_covariance_xyaw: float = _covariance("covariance of x and yaw [m rad]", "xyaw")
    initial_pose_covariance_yyaw: float = _covariance("covariance of y and yaw [m rad]", "yyaw")
    always_reset_initial_pose: bool = parameter(
        False,
        "whether a localizer that is cleaned up forgets its pose; else it starts there again",
        live=True,
    )
    saved_pose_filepath: str = parameter("", "file to keep the pose in; empty: it is not kept")
    save_pose_rate: float = parameter(
        0.5, "how often it is written [Hz]; 0: at the end only", low=0.0, high=100.0
    )
    initialize_at_saved_pose: bool = parameter(
        False, "whether to start there, if it was in the same map"
    )

    def __post_init__(self) -> None:
        """Look at values that do not go together.

        Raises:
            ConfigurationError: a frame begins with a slash, or the covariance is of another pose.
        """
        require_frame_names(self)
        if self.covariance_source == "mode" and self.estimate == "mean":
            raise ConfigurationError(
                "covariance_source 'mode' wants estimate 'cluster', got 'mean': the mean of all "
                "particles may lie far from the best mode; set covariance_source to 'error'"
            )

    def robot_settings(self) -> RobotSettings:
        """The part that offline replay shares."""
        return RobotSettings(
            particles=self.max_particles,
            seed=self.random_seed if self.random_seed >= 0 else time.time_ns() % 2**31,
            filter=self.filter_settings(),
            gate=replace(
                ROBOT_GATE,
                update_min_d=self.update_min_d,
                update_min_a=self.update_min_a,
                first_images=self.first_images,
            ),
            monitor=replace(
                MONITOR,
                success_distance_m=self.success_distance_m,
                tracking_confidence=self.tracking_confidence,
                degraded_confidence=self.degraded_confidence,
                lost_confidence=self.lost_confidence,
                lost_images=self.lost_images,
            ),
            pose_base_camera=camera_pose(self.pose_base_camera),
            max_odometry_gap_s=self.max_odometry_gap_s,
        )

    def settings_at_work(self) -> RobotSettings:
        """Those of a robot that drives already, and may have begun with another number."""
        robot = self.robot_settings()
        least = self.min_particles or self.max_particles
        size = replace(
            robot.filter.size,
            min_particles=min(least, self.max_particles),
            max_particles=self.max_particles,
        )
        return replace(robot, filter=replace(robot.filter, size=size))

    def initial_pose(self) -> Near | None:
        """Where to start, if it was stated.

        Raises:
            ConfigurationError: there is no such covariance.
        """
        if not self.set_initial_pose:
            return None
        x, y, yaw = self.initial_pose_x, self.initial_pose_y, self.initial_pose_yaw
        covariance = self._initial_covariance()
        return near(np.array([x, y, yaw]), covariance, particles=self.max_particles)

    def _initial_covariance(self) -> np.ndarray:
        covariance = np.diag(
            (
                self.initial_pose_covariance_x,
                self.initial_pose_covariance_y,
                self.initial_pose_covariance_yaw,
            )
        )
        covariance[0, 1] = covariance[1, 0] = self.initial_pose_covariance_xy
        covariance[0, 2] = covariance[2, 0] = self.initial_pose_covariance_xyaw
        covariance[1, 2] = covariance[2, 1] = self.initial_pose_covariance_yyaw
        if np.linalg.eigvalsh(covariance)[0] < -1e-9 * np.abs(covariance).max():
            raise ConfigurationError(
                "initial_pose wants covariances that go with its variances, got "
                f"{covariance.tolist()!r}"
            )
        return covariance
