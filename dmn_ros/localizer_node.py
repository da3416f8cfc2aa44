"""The localizer: images, odometry and a map in; the robot's pose out.

Callbacks only take messages in. Whatever takes time happens in order on one worker thread, so that
the belief needs no lock and odometry is never late.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import torch
from dmn.msg import ViewMap as ViewMapMessage
from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import Odometry
from rclpy.clock import Clock, ClockType
from sensor_msgs.msg import CompressedImage, Image
from std_srvs.srv import Empty
from tf2_msgs.msg import TFMessage

from dmn_core.belief_monitor import LocalizerStatus
from dmn_core.data.ros_decoding import planar_pose, stamp_ns
from dmn_core.errors import ConfigurationError, DecodingError, DmnError
from dmn_core.localization import Near
from dmn_ros import qualities
from dmn_ros.conversions import to_initial_belief
from dmn_ros.frames import require_frame
from dmn_ros.images import image_source
from dmn_ros.localizer_parameters import LocalizerParameters
from dmn_ros.localizer_setup import listen_to_sensor, make_tracking
from dmn_ros.managed_node import ManagedNode, run_managed
from dmn_ros.map_message import from_map_message
from dmn_ros.message_types import message_class
from dmn_ros.odometry import BUFFER_S, LONG_BUFFER_S, OdometryGate, PosedImage
from dmn_ros.outputs import LocalizerOutputs
from dmn_ros.pose_keeper import PoseKeeper
from dmn_ros.reporting import Reporting, condition
from dmn_ros.tracking import EstimateError, NotReadyError
from dmn_ros.transform_use import camera_on_robot, odometry_of, pose_in_map
from dmn_ros.transforms import Transforms, planar
from dmn_ros.worker import Worker

REPORT_PERIOD_S = 1.0
DROP_REASONS: dict[type[Exception], str] = {
    DecodingError: "undecodable",
    NotReadyError: "no_map",
    EstimateError: "not_finite",
}


class LocalizerNode(ManagedNode):
    """Localizes a robot in the map that it receives."""

    parameters: LocalizerParameters

    def __init__(self) -> None:
        """Declare the parameters.

        Raises:
            ConfigurationError: a parameter is no good.
        """
        super().__init__("localizer", LocalizerParameters)
        self._worker: Worker | None = None
        self._status = LocalizerStatus()
        self._camera: tuple[float, float, float] | None = None

    def set_up(self) -> None:
        """Load the weights and wait for a map, odometry and images.

        Raises:
            DmnError: a parameter or the weights are no good.
        """
        self._tracking = make_tracking(self)
        self._camera = None
        self._reporting = Reporting(self)
        self._keeps_all = self.parameters.image_queue == "all"
        self._gate = OdometryGate(
            # A bag played fast brings images long before odometry that is queued.
            wait_s=math.inf if self._keeps_all else self.parameters.odometry_wait_s,
            max_gap_s=self.parameters.max_odometry_gap_s,
            most_waiting=qualities.EVERYTHING.depth if self._keeps_all else qualities.SENSOR.depth,
            on_dropped=self._reporting.drop,
            buffer_s=LONG_BUFFER_S if self._keeps_all else BUFFER_S,
        )
        self._outputs = LocalizerOutputs(self)
        self._worker = Worker(
            newest_only=not self._keeps_all,
            on_skipped=lambda: self._reporting.counts.dropped("superseded"),
            on_error=self._reporting.unforeseen,
        )
        if threads := self.parameters.threads:
            torch.set_num_threads(threads)
            # OpenMP keeps the number for each thread.
            self._work.put(lambda: torch.set_num_threads(threads))
        self._keeper = PoseKeeper(self)
        if (start := self.parameters.initial_pose()) is not None:
            self._tracking.start_near(start)
        self._listen()

    def stop(self) -> None:
        """Forget the images that wait; belief and odometry are kept."""
        for _ in range(self._work.drop_images() + self._gate.drop_images()):
            self._reporting.counts.dropped("inactive")

    def tear_down(self) -> None:
        """End the worker, after the job at hand."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
            self._keeper.write()
        self._status = LocalizerStatus()

    def adjust(self, parameters: LocalizerParameters) -> None:
        """Work by other parameters from the next image on.

        Raises:
            DmnError: they do not go together.
        """
        robot = parameters.robot_settings()
        if self._worker is not None:
            self._worker.put(lambda: self._tracking.adjust(robot))

    @property
    def _work(self) -> Worker:
        if self._worker is None:
            raise ConfigurationError("the localizer is not configured")
        return self._worker

    def _listen(self) -> None:
        self.make_subscription(ViewMapMessage, "map", self._on_map, qualities.LATCHED)
        self.make_subscription(
            PoseWithCovarianceStamped, "initialpose", self._on_initial_pose, qualities.RELIABLE
        )
        all_of_them = qualities.EVERYTHING if self._keeps_all else None
        self._transforms = Transforms()
        self.make_subscription(TFMessage, "tf_static", self._transforms.add, qualities.MANY_LATCHED)
        if self.parameters.odometry_source == "tf":
            quality = all_of_them or qualities.TRANSFORMS
            self.make_subscription(TFMessage, "tf", self._on_transforms, quality)
        else:
            quality = all_of_them or qualities.FAST_SENSOR
            listen_to_sensor(self, Odometry, "odom", self._on_odometry, quality)
        quality = all_of_them or qualities.SENSOR
        image_kind, name = image_source(self, self.parameters.image_transport)
        listen_to_sensor(self, image_kind, name, self._on_image, quality)
        self.make_service(Empty, "reinitialize_global_localization", self._on_reinitialize)
        self.make_service(Empty, "request_nomotion_update", self._on_update_request)
        # Where Nav2 is installed.
        if (kind := message_class("nav2_msgs/srv/SetInitialPose")) is not None:
            self.make_service(kind, "set_initial_pose", self._on_set_initial_pose)
        # Reports go on where simulated time stands still.
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self.make_timer(REPORT_PERIOD_S, self._on_tick, clock=clock)
        # A bag that is played fast has stamps that no clock follows.
        if self.parameters.transform_rate and not self._keeps_all:
            rate = self.parameters.transform_rate
            self.make_timer(1 / rate, self._outputs.map_to_odom.repeat, clock=clock)
        if self.parameters.save_pose_rate:
            self.make_timer(1 / self.parameters.save_pose_rate, self._keeper.write, clock=clock)

    def _on_map(self, message: ViewMapMessage) -> None:
        with self._reporting.refusing("map"):
            require_frame(message.header.frame_id, self.parameters.global_frame_id, what="the map")
            view_map = from_map_message(message)

            def use() -> None:
                with self._reporting.refusing("map"):
                    if (start := self._keeper.start_in(view_map)) is not None:
                        self._tracking.start_near(start)
                    if self._tracking.use_map(view_map):
                        self.get_logger().info(f"localizing in a map of {view_map.n_views} views")
                    self._report()

            self._work.put(use)

    def _on_initial_pose(self, message: PoseWithCovarianceStamped) -> None:
        with self._reporting.refusing("initialpose"):
            start = to_initial_belief(
                message,
                map_frame=self.parameters.global_frame_id,
                particles=self.parameters.max_particles,
                pose_map_frame=self._pose_map(message.header.frame_id.lstrip("/")),
            )
            self._work.put(lambda: self._start_near(start))

    def _pose_map(self, frame: str) -> np.ndarray | None:
        """Pose (3,) of a frame in the map, if it is fixed in the map or in odometry."""
        return pose_in_map(
            self._transforms,
            frame,
            map_frame=self.parameters.global_frame_id,
            odom_frame=self.parameters.odom_frame_id,
            pose_map_odom=self._outputs.map_to_odom.pose_map_odom,
        )

    def _start_near(self, start: Near) -> None:
        self._keeper.forget()
        self._outputs.map_to_odom.clear()
        x, y, yaw = start.pose_map_base
        when = "now" if self._tracking.start_near(start) else "once there is a map"
        self.get_logger().info(f"starting at ({x:.2f} m, {y:.2f} m, {yaw:.2f} rad) {when}")

    def _on_reinitialize(self, _: Empty.Request, response: Empty.Response) -> Empty.Response:
        self.get_logger().info("starting anew, everywhere in the map")
        self._work.put(self._start_everywhere)
        return response

    def _start_everywhere(self) -> None:
        self._keeper.forget()
        self._outputs.map_to_odom.clear()
        self._tracking.start_everywhere()

    def _on_update_request(self, _: Empty.Request, response: Empty.Response) -> Empty.Response:
        self._work.put(self._tracking.force_update)
        return response

    def _on_set_initial_pose(self, request: Any, response: Any) -> Any:
        self._on_initial_pose(request.pose)
        return response

    def _on_odometry(self, message: Odometry) -> None:
        with self._reporting.refusing("odom", is_rare=False):
            require_frame(message.header.frame_id, self.parameters.odom_frame_id, what="odometry")
            self._take_odometry(stamp_ns(message.header.stamp), planar_pose(message.pose.pose))

    def _on_transforms(self, message: TFMessage) -> None:
        odom, base = self.parameters.odom_frame_id, self.parameters.base_frame_id
        for stamp, pose_odom_base in odometry_of(message, self._transforms, odom=odom, base=base):
            with self._reporting.refusing("tf", is_rare=False):
                self._take_odometry(stamp_ns(stamp), planar(pose_odom_base))

    def _take_odometry(self, stamp: int, pose_odom_base: np.ndarray) -> None:
        if not self._gate.add_odometry(stamp, pose_odom_base):
            self.get_logger().warning("time jumped back: starting anew, everywhere in the map")
            for _ in range(self._work.drop_images()):
                self._reporting.drop("time_jump", "time jumped back while an image waited")
            self._work.put(self._start_everywhere)
        self._release()

    def _on_image(self, message: Image | CompressedImage) -> None:
        if not self.is_active:
            return
        self._reporting.counts.received()
        if self.parameters.camera_pose_source == "tf" and not self._find_camera(message):
            return
        self._gate.add_image(stamp_ns(message.header.stamp), message)
        self._release()

    def _find_camera(self, message: Image | CompressedImage) -> bool:
        """Whether it is known where the camera of an image is on the robot."""
        frame, base = message.header.frame_id.lstrip("/"), self.parameters.base_frame_id
        try:
            camera = camera_on_robot(self._transforms, base=base, frame=frame)
        except DecodingError as error:
            self._reporting.drop("no_camera_pose", str(error))
            return False
        if camera != self._camera:
            self._camera = camera
            self._work.put(lambda: self._tracking.use_camera(camera))
        return True

    def _release(self) -> None:
        for image in self._gate.ready():
            self._work.put_image(partial(self._localize, image))

    def _localize(self, image: PosedImage) -> None:
        try:
            fix = self._tracking.localize(image)
        except DmnError as error:
            self._reporting.drop(DROP_REASONS.get(type(error), "failed"), str(error))
            return
        if not self.is_active:
            self._reporting.counts.dropped("inactive")
            return
        counts = self._reporting.counts
        self._outputs.publish(fix, counts.snapshot())
        self._status = fix.status
        self._keeper.keep(fix, self._tracking.view_map)
        counts.processed(fix.latency_s)

    def _on_tick(self) -> None:
        self._gate.tick()
        self._report()

    def _report(self) -> None:
        self._reporting.report(
            *condition(
                self._status,
                self._tracking.view_map,
                most_particles=self.parameters.max_particles,
                images_waiting=self._gate.waiting + self._work.images_waiting,
            )
        )


def main(argv: list[str] | None = None) -> int:
    """Run the localizer until it is stopped."""
    return run_managed("localizer", LocalizerNode, argv)
