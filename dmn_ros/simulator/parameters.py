"""Every parameter of the simulated robot: name, type, default, range and meaning."""

from __future__ import annotations

from dataclasses import dataclass

from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.motion_profile import SpeedLimits
from dmn_core.worlds.wheel_odometry import OdometryNoise
from dmn_ros.declaration import parameter

NOISE, LIMITS = OdometryNoise(), SpeedLimits()


@dataclass(frozen=True)
class SimulatorParameters:
    """Parameters of the simulated robot."""

    seed: int = parameter(0, "of the maze, the start, the way and the noise", low=0)
    rate: float = parameter(1.0, "speed of simulated time", low=0.01, high=100.0)
    publish_clock: bool = parameter(
        True, "whether /clock tells the simulated time, for nodes with use_sim_time"
    )
    autopilot: bool = parameter(
        True, "whether the robot drives by itself until the first cmd_vel", live=True
    )
    cmd_vel_timeout: float = parameter(
        0.5, "simulated seconds without cmd_vel after which it stops", low=0.0, live=True
    )
    max_speed: float = parameter(LIMITS.speed_mps, "greatest speed [m/s]", low=0.01)
    max_turn_rate: float = parameter(LIMITS.turn_rate_rps, "greatest turn rate [rad/s]", low=0.01)
    image_rate: float = parameter(5.0, "images a simulated second", low=0.1, high=50.0)
    odometry_rate: float = parameter(20.0, "odometry a simulated second", low=0.1, high=50.0)
    image_width: int = parameter(96, "of the camera [pixels]", low=8, high=4096)
    image_height: int = parameter(96, "of the camera [pixels]", low=8, high=4096)
    field_of_view_deg: float = parameter(90.0, "of the camera, across", low=1.0, high=179.0)
    global_frame_id: str = parameter("map", "frame of ground_truth")
    odom_frame_id: str = parameter("odom", "frame of the odometry")
    base_frame_id: str = parameter("base_link", "frame of the robot")
    camera_frame_id: str = parameter("camera_optical_frame", "frame of the images")
    alpha1: float = parameter(NOISE.alpha1, "turning noise from turning [rad^2/rad]", low=0.0)
    alpha2: float = parameter(NOISE.alpha2, "turning noise from driving [rad^2/m]", low=0.0)
    alpha3: float = parameter(NOISE.alpha3, "driving noise from driving [m^2/m]", low=0.0)
    alpha4: float = parameter(NOISE.alpha4, "driving noise from turning [m^2/rad]", low=0.0)
    distance_scale: float = parameter(NOISE.distance_scale, "error of distances", low=0.0)
    turn_scale: float = parameter(NOISE.turn_scale, "error of turns", low=0.0)

    def camera(self) -> CameraConfig:
        """The camera that looks."""
        return CameraConfig(
            self.image_width, self.image_height, self.field_of_view_deg, supersampling=1.0
        )

    def limits(self) -> SpeedLimits:
        """How fast the robot can be."""
        return SpeedLimits(self.max_speed, self.max_turn_rate)

    def noise(self) -> OdometryNoise:
        """How odometry errs."""
        return OdometryNoise(
            alpha1=self.alpha1,
            alpha2=self.alpha2,
            alpha3=self.alpha3,
            alpha4=self.alpha4,
            distance_scale=self.distance_scale,
            turn_scale=self.turn_scale,
        )
