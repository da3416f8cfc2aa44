"""What the sensors of the simulated robot say, as ROS messages."""

from __future__ import annotations

import array
from typing import Any

import cv2
import numpy as np
from geometry_msgs.msg import PoseStamped, Quaternion, TransformStamped, Vector3
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from tf2_msgs.msg import TFMessage

from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.live_robot import Velocity
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header, to_time
from dmn_ros.qualities import LATCHED, MANY_LATCHED, RELIABLE, TRANSFORMS, make_publisher
from dmn_ros.simulator.parameters import SimulatorParameters

JPEG_QUALITY = 90
# Forward along z, right along x, as REP-103 has it for cameras.
OPTICAL_ROTATION = Quaternion(x=-0.5, y=0.5, z=-0.5, w=0.5)


class SimulatorOutputs:
    """The publishers of a simulated robot."""

    def __init__(self, node: Node, parameters: SimulatorParameters) -> None:
        """Create the publishers; images are offered reliably, which every subscriber can take.

        Raises:
            ConfigurationError: users want a quality of service that there is not.
        """
        self._parameters = parameters
        self._image = make_publisher(node, Image, "camera/image_raw", RELIABLE)
        self._compressed = make_publisher(
            node, CompressedImage, "camera/image_raw/compressed", RELIABLE
        )
        self._info = make_publisher(node, CameraInfo, "camera/camera_info", RELIABLE)
        self._odometry = make_publisher(node, Odometry, "odom", RELIABLE)
        self._transforms = make_publisher(node, TFMessage, "tf", TRANSFORMS)
        self._mounts = make_publisher(node, TFMessage, "tf_static", MANY_LATCHED)
        self._truth = make_publisher(node, PoseStamped, "ground_truth", RELIABLE)
        # Whoever starts later, or while time stands still, learns the time as well.
        self._clock: Any = None
        if parameters.publish_clock:
            self._clock = make_publisher(node, Clock, "/clock", LATCHED)

    def tell_time(self, stamp_ns: int) -> None:
        """Publish the simulated time, where it is wanted."""
        if self._clock is not None:
            self._clock.publish(Clock(clock=to_time(stamp_ns)))

    def mount_camera(self, eye_height_m: float, stamp_ns: int) -> None:
        """Say where the camera is on the robot."""
        names = self._parameters
        mount = TransformStamped(header=header(stamp_ns, names.base_frame_id))
        mount.child_frame_id = names.camera_frame_id
        mount.transform.translation = Vector3(z=eye_height_m)
        mount.transform.rotation = OPTICAL_ROTATION
        self._mounts.publish(TFMessage(transforms=[mount]))

    def move(
        self,
        pose_odom_base: NDArray[np.float64],
        pose_map_base: NDArray[np.float64],
        velocity: Velocity,
        stamp_ns: int,
    ) -> None:
        """Publish odometry, its transform and the truth."""
        names, pose = self._parameters, to_pose(pose_odom_base)
        message = Odometry(header=header(stamp_ns, names.odom_frame_id))
        message.child_frame_id, message.pose.pose = names.base_frame_id, pose
        message.twist.twist.linear.x = velocity.forward_mps
        message.twist.twist.angular.z = velocity.turn_rps
        self._odometry.publish(message)
        moved = TransformStamped(header=message.header, child_frame_id=names.base_frame_id)
        moved.transform.translation = Vector3(x=pose.position.x, y=pose.position.y)
        moved.transform.rotation = pose.orientation
        self._transforms.publish(TFMessage(transforms=[moved]))
        truth = PoseStamped(header=header(stamp_ns, names.global_frame_id))
        truth.pose = to_pose(pose_map_base)
        self._truth.publish(truth)

    @property
    def images_are_wanted(self) -> bool:
        """Whether somebody looks."""
        return bool(
            self._image.get_subscription_count() or self._compressed.get_subscription_count()
        )

    def show(self, rgb: NDArray[np.uint8], camera: CameraConfig, stamp_ns: int) -> None:
        """Publish an image (H, W, 3) and what the camera is like."""
        frame = header(stamp_ns, self._parameters.camera_frame_id)
        self._info.publish(_camera_info(camera, frame))
        if self._image.get_subscription_count():
            height, width = rgb.shape[:2]
            message = Image(header=frame, height=height, width=width, encoding="rgb8")
            message.step, message.data = 3 * width, array.array("B", rgb.tobytes())
            self._image.publish(message)
        if self._compressed.get_subscription_count():
            quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
            _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), quality)
            packed = CompressedImage(header=frame, format="rgb8; jpeg compressed bgr8")
            packed.data = array.array("B", data.tobytes())
            self._compressed.publish(packed)


def _camera_info(camera: CameraConfig, frame: Any) -> CameraInfo:
    """A pinhole without distortion."""
    focal, width, height = camera.focal_px, camera.width, camera.height
    k = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    return CameraInfo(
        header=frame,
        width=width,
        height=height,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=k.reshape(-1),
        r=np.eye(3).reshape(-1),
        p=np.column_stack([k, np.zeros(3)]).reshape(-1),
    )
