"""Parameters of what a localizer takes in and gives out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from dmn_core.cameras.choice import CAMERA_CHOICES, CameraChoice
from dmn_core.robot import PRECISIONS
from dmn_ros.declaration import parameter
from dmn_ros.parameters import (
    AUTOSTART_HELP,
    AUTOSTART_IN_NAV2,
    CAMERA_POSE_HELP,
    LARGEST_MOUNT,
    PRECISION_HELP,
)

OnTimeJump = Literal["reset", "global", "keep"]
AFTER_A_JUMP: dict[OnTimeJump, str] = {
    "reset": "starting as at first",
    "global": "starting anew, everywhere in the map",
    "keep": "going on from where the robot was",
}


@dataclass(frozen=True)
class InterfaceParameters:
    """Weights and device, frames, camera, odometry and clouds."""

    autostart: bool = parameter(True, AUTOSTART_HELP, also=AUTOSTART_IN_NAV2)
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
    transform_smoothing: float = parameter(
        0.0,
        "seconds in which that transform takes over 63 % of a correction; 0: all at once, and so "
        "do jumps to another place",
        low=0.0,
        high=60.0,
        live=True,
    )
    covariance_source: str = parameter(
        "error",
        "covariance of pose: error, with the doubt whether it is the right place, or mode, without",
        choices=("error", "mode"),
        live=True,
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
        (0.0, 0.0, 0.0), CAMERA_POSE_HELP, low=-LARGEST_MOUNT, high=LARGEST_MOUNT
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
    on_time_jump: str = parameter(
        "reset",
        "when time jumps back: reset starts as at first, at initial_pose or everywhere; global "
        "starts everywhere; keep goes on from where the robot was",
        choices=tuple(AFTER_A_JUMP),
        live=True,
    )
    max_poses: int = parameter(200, "most poses in particle_cloud", low=1, high=100000, live=True)
    particle_cloud_type: str = parameter(
        "pose_array",
        "of particle_cloud: PoseArray, ParticleCloud of nav2_msgs, or that where it is installed",
        choices=("pose_array", "nav2", "auto"),
    )
    first_map_only: bool = parameter(
        False, "whether maps after the first good one are not looked at", live=True
    )

    @property
    def odometry_topic(self) -> str:
        """The topic that odometry comes from."""
        return "tf" if self.odometry_source == "tf" else "odom"

    @property
    def after_a_jump(self) -> OnTimeJump:
        """The same word; the choices of the parameter allow no other."""
        return cast(OnTimeJump, self.on_time_jump)

    def camera_choice(self) -> CameraChoice:
        """The same word; the choices of the parameter allow no other."""
        return cast(CameraChoice, self.camera)
