"""Every parameter of the localizer: name, type, default, range and meaning."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dmn_core.belief_monitor import MonitorSettings
from dmn_core.localization import Near
from dmn_core.motion_gate import MotionGate
from dmn_core.robot import ROBOT_GATE, RobotSettings
from dmn_ros.conversions import near
from dmn_ros.declaration import parameter
from dmn_ros.filter_parameters import FilterParameters
from dmn_ros.interface_parameters import InterfaceParameters
from dmn_ros.parameters import camera_pose

MONITOR = MonitorSettings()


@dataclass(frozen=True)
class LocalizerParameters(FilterParameters, InterfaceParameters):
    """Parameters of the localizer."""

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

    def robot_settings(self) -> RobotSettings:
        """The part that offline replay shares."""
        return RobotSettings(
            particles=self.max_particles,
            seed=self.random_seed,
            filter=self.filter_settings(),
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
