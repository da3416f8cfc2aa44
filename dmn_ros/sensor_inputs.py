"""What a localizer hears of the robot: images, odometry, and where the camera is."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from nav_msgs.msg import Odometry
from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from tf2_msgs.msg import TFMessage

from dmn_core.data.ros_decoding import planar_pose, stamp_ns
from dmn_core.data.ros_transforms import Transforms, camera_on_robot, planar
from dmn_core.errors import DecodingError
from dmn_core.pose_track.interpolation import NANOSECONDS
from dmn_ros import qualities
from dmn_ros.camera import CameraListener
from dmn_ros.frames import require_frame
from dmn_ros.images import image_source
from dmn_ros.localizer_parameters import LocalizerParameters
from dmn_ros.managed_node import ManagedNode
from dmn_ros.odometry import (
    BUFFER_S,
    JUMP_BACK_NS,
    LONG_BUFFER_S,
    MOST_BYTES,
    MOST_WAITING,
    OdometryGate,
    PosedImage,
)
from dmn_ros.refusals import WARN_PERIOD_S
from dmn_ros.reporting import Reporting
from dmn_ros.silence import SilenceWatch
from dmn_ros.throttle import Throttle
from dmn_ros.transform_use import odometry_of

CameraPose = tuple[float, float, float]
# Of images that wait for the worker: beyond, somebody should know.
MANY_BYTES = 2**30


class SensorInputs:
    """Brings images and odometry together and hands on the images that are ready."""

    def __init__(
        self,
        node: ManagedNode,
        reporting: Reporting,
        *,
        on_image: Callable[[PosedImage], None],
        on_camera: Callable[[CameraPose], None],
        on_time_jump: Callable[[], None],
        on_clock_jump: Callable[[], None],
        calibration: CameraListener,
    ) -> None:
        """Subscribe in the name of a localizer.

        Args:
            node: the localizer.
            reporting: counts what is dropped and refused.
            on_image: takes each image with its odometry pose, in order.
            on_camera: told where the camera is on the robot, whenever that changes.
            on_time_jump: told when odometry has jumped back, before that of the new time counts.
            on_clock_jump: told when the node's clock has; odometry tells whether it follows.
            calibration: what listens to the camera_info.
        """
        parameters = node.parameters
        assert isinstance(parameters, LocalizerParameters)
        self._node, self._reporting = node, reporting
        self._odom, self._base = parameters.odom_frame_id, parameters.base_frame_id
        self._odometry = "odometry"
        if parameters.odometry_source == "tf":
            # tf may be full of other frames.
            self._odometry += f" ({self._odom} to {self._base})"
        self._told_of: set[str] = set()
        self._calibration = calibration
        self._asks_tf = parameters.camera_pose_source == "tf"
        self._on_posed, self._on_camera, self._on_jump = on_image, on_camera, on_time_jump
        self._tell_clock_jump = on_clock_jump
        self._camera: CameraPose | None = None
        self._image_bytes, self._ticked_ns = 0, -1
        self._throttle = Throttle(period_s=WARN_PERIOD_S)
        self.transforms = Transforms()
        self.silence = SilenceWatch()
        keeps_all = parameters.image_queue == "all"
        self._gate = OdometryGate(
            # A bag played fast brings images long before odometry that is queued.
            wait_s=math.inf if keeps_all else parameters.odometry_wait_s,
            max_gap_s=parameters.max_odometry_gap_s,
            most_waiting=qualities.EVERYTHING.depth if keeps_all else MOST_WAITING,
            most_bytes=math.inf if keeps_all else MOST_BYTES,
            on_dropped=lambda reason, why, _: reporting.drop(reason, why),
            on_stray=lambda why: reporting.refuse(parameters.odometry_topic, why),
            leap_s=max(parameters.max_odometry_gap_s, JUMP_BACK_NS / NANOSECONDS),
            buffer_s=LONG_BUFFER_S if keeps_all else BUFFER_S,
        )
        self._listen(parameters, qualities.EVERYTHING if keeps_all else None)
        self._clock_jumps = node.get_clock().create_jump_callback(
            JumpThreshold(
                min_forward=None,
                min_backward=Duration(nanoseconds=-JUMP_BACK_NS),
                on_clock_change=False,
            ),
            post_callback=lambda _: self._on_clock_jump(),
        )

    def _listen(self, parameters: LocalizerParameters, all_of_them: QoSProfile | None) -> None:
        node, source = self._node, parameters.odometry_topic
        self.silence.expect(self._odometry, node.resolve_topic_name(source))
        node.make_subscription(TFMessage, "tf_static", self.transforms.add, qualities.MANY_LATCHED)
        if parameters.odometry_source == "tf":
            quality = all_of_them or qualities.TRANSFORMS
            node.make_subscription(TFMessage, source, self._on_transforms, quality)
        else:
            quality = all_of_them or qualities.FAST_SENSOR
            node.make_subscription(Odometry, source, self._on_odometry, quality)
        quality = all_of_them or qualities.SENSOR
        image_kind, name = image_source(node, parameters.image_transport)
        node.make_subscription(image_kind, name, self._on_image, quality)
        self.silence.expect("image", node.resolve_topic_name(name))
        if self._calibration.is_wanted:
            self.silence.expect("camera_info", self._calibration.topic, once=True)

    @property
    def images_waiting(self) -> int:
        """Number of images that wait for odometry."""
        return self._gate.waiting

    def odometry_at(self, stamp: int) -> np.ndarray | None:
        """Odometry (3,) at a stamp [ns]; None where none is kept."""
        return self._gate.pose_at(stamp)

    def close(self) -> None:
        """Follow the clock no longer."""
        self._clock_jumps.unregister()

    def drop_images(self) -> int:
        """Forget the images that wait and return how many there were."""
        return self._gate.drop_images()

    def tick(self, *, queued: int = 0) -> None:
        """Once a second of real time: give up waiting where nothing has come for long.

        Args:
            queued: images that were handed on and wait for the worker.
        """
        # Who pauses a bag pauses its clock: odometry goes on after it.
        if not self._clock_stands_still():
            self._gate.tick()
        if self._calibration.is_wanted and self._calibration.has_come:
            self.silence.heard("camera_info")
        self.silence.measure()
        waiting = queued * self._image_bytes
        if waiting > MANY_BYTES and self._throttle.is_due("queue"):
            self._node.get_logger().warning(
                f"{queued} images, some {waiting >> 20} MiB, wait to be processed: nothing is "
                "dropped with image_queue all, so play slower or give more memory"
            )

    def _clock_stands_still(self) -> bool:
        """Whether simulated time is what it was when this was asked before."""
        clock, before_ns = self._node.get_clock(), self._ticked_ns
        self._ticked_ns = clock.now().nanoseconds
        return bool(clock.ros_time_is_active and self._ticked_ns == before_ns)

    def _on_clock_jump(self) -> None:
        self._gate.clock_jumped()
        self._tell_clock_jump()

    def _on_odometry(self, message: Odometry) -> None:
        with self._reporting.refusing("odom", is_rare=False):
            require_frame(message.header.frame_id, self._odom, what="odometry")
            self._look_at_child(message.child_frame_id.lstrip("/"))
            self._take_odometry(stamp_ns(message.header.stamp), planar_pose(message.pose.pose))

    def _look_at_child(self, frame: str) -> None:
        """Whether odometry is of the frame whose pose is published; nobody else could tell."""
        if frame in ("", self._base) or frame in self._told_of:
            return
        self._told_of.add(frame)
        self._node.get_logger().warning(
            f"odometry is of the frame {frame!r} and poses are published as those of base_frame_id "
            f"{self._base!r}: where the two are not in one place, set base_frame_id to {frame!r}"
        )

    def _on_transforms(self, message: TFMessage) -> None:
        found = odometry_of(message, self.transforms, odom=self._odom, base=self._base)
        for stamp, pose_odom_base in found:
            with self._reporting.refusing("tf", is_rare=False):
                self._take_odometry(stamp_ns(stamp), planar(pose_odom_base))

    def _take_odometry(self, stamp: int, pose_odom_base: np.ndarray) -> None:
        self.silence.heard(self._odometry)
        if not self._gate.add_odometry(stamp, pose_odom_base):
            self._on_jump()
        self._release()

    def _on_image(self, message: Image | CompressedImage) -> None:
        self.silence.heard("image")
        if not self._node.is_active:
            return
        self._reporting.counts.received()
        if self._asks_tf and not self._find_camera(message):
            return
        self._image_bytes = len(message.data)
        self._gate.add_image(stamp_ns(message.header.stamp), message, size=self._image_bytes)
        self._release()

    def _find_camera(self, message: Image | CompressedImage) -> bool:
        """Whether it is known where the camera of an image is on the robot."""
        frame = message.header.frame_id.lstrip("/")
        try:
            camera = camera_on_robot(self.transforms, base=self._base, frame=frame)
        except DecodingError as error:
            self._reporting.drop("no_camera_pose", str(error))
            return False
        if camera != self._camera:
            self._camera = camera
            self._on_camera(camera)
        return True

    def _release(self) -> None:
        for image in self._gate.ready():
            self._on_posed(image)
