"""The localizer: images, odometry and a map in; the robot's pose out.

Callbacks only take messages in. Whatever takes time happens in order on one worker thread, so that
the belief needs no lock and odometry is never late.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from dmn.msg import ViewMap as ViewMapMessage
from geometry_msgs.msg import PoseWithCovarianceStamped
from std_srvs.srv import Empty

from dmn_core.data.ros_decoding import stamp_ns
from dmn_core.errors import ConfigurationError, DmnError
from dmn_core.fix import Fix
from dmn_core.localization import Everywhere, Near
from dmn_core.robot import RobotSettings
from dmn_ros import qualities
from dmn_ros.conversions import to_initial_belief
from dmn_ros.frames import require_frame
from dmn_ros.interface_parameters import AFTER_A_JUMP
from dmn_ros.laps import Laps
from dmn_ros.localizer_parameters import LocalizerParameters
from dmn_ros.localizer_setup import make_tracking
from dmn_ros.managed_node import ManagedNode, run_managed
from dmn_ros.map_message import from_map_message
from dmn_ros.message_types import message_class
from dmn_ros.odometry import PosedImage
from dmn_ros.outputs import LocalizerOutputs
from dmn_ros.pose_keeper import LastPose, PoseKeeper
from dmn_ros.reporting import Reporting, concerns_of, details_of
from dmn_ros.sensor_inputs import SensorInputs
from dmn_ros.standing import Standing, StandingKeeper
from dmn_ros.tracking import doubt_of_start
from dmn_ros.transform_use import pose_in_map
from dmn_ros.worker import Worker

REPORT_PERIOD_S = 1.0


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
        self._last_pose = LastPose()
        self._inputs: SensorInputs | None = None
        self._standing = StandingKeeper(self)
        self._laps = Laps()

    def set_up(self) -> None:
        """Load the weights and wait for a map, odometry and images.

        Raises:
            DmnError: a parameter or the weights are no good.
        """
        self._tracking, self._camera = make_tracking(self, on_start=self._on_start)
        self._warn_of_confidence(self.parameters.settings_at_work())
        # Before anything that must be ended: this may fail.
        self._keeper = PoseKeeper(self, self._last_pose)
        self._reporting = Reporting(self)
        self._keeps_all = self.parameters.image_queue == "all"
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
        self._listen()

    def stop(self) -> None:
        """Forget the images that wait; belief and odometry are kept."""
        for _ in range(self._work.drop_images() + self._inputs_made.drop_images()):
            self._reporting.counts.dropped("inactive")

    def tear_down(self) -> None:
        """End the worker, after the job at hand."""
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
            self._keeper.close()
        if self._inputs is not None:
            self._inputs.close()
            self._inputs = None
        self._standing.restart()
        # They hold the weights and the map; setting up may have failed before it made them all.
        for name in ("_tracking", "_camera", "_keeper", "_reporting", "_outputs"):
            self.__dict__.pop(name, None)

    def adjust(self, parameters: LocalizerParameters) -> None:
        """Work by other parameters from the next image on.

        Raises:
            DmnError: they do not go together.
        """
        robot = parameters.settings_at_work()
        if self._worker is not None:
            self._worker.put(lambda: self._tracking.adjust(robot))
            self._warn_of_confidence(robot, told=self._doubt)

    def _warn_of_confidence(self, robot: RobotSettings, *, told: str = "") -> None:
        """Say why the confidence may not hold, unless that was told already."""
        self._doubt = self._tracking.doubt(robot)
        if self._doubt and self._doubt != told:
            self.get_logger().warning(self._doubt)

    @property
    def _work(self) -> Worker:
        if self._worker is None:
            raise ConfigurationError("the localizer is not configured")
        return self._worker

    @property
    def _inputs_made(self) -> SensorInputs:
        assert self._inputs is not None, "nothing calls back before the localizer is configured"
        return self._inputs

    def _listen(self) -> None:
        self.make_subscription(ViewMapMessage, "map", self._on_map, qualities.LATCHED)
        self.make_subscription(
            PoseWithCovarianceStamped, "initialpose", self._on_initial_pose, qualities.RELIABLE
        )
        self._inputs = SensorInputs(
            self,
            self._reporting,
            on_image=lambda image: self._work.put_image(
                partial(self._localize, image, self._laps.now)
            ),
            on_camera=lambda camera: self._work.put(partial(self._tracking.use_camera, camera)),
            on_time_jump=self._on_time_jump,
            on_clock_jump=self._laps.begin,
            calibration=self._camera,
        )
        self.make_service(Empty, "reinitialize_global_localization", self._on_reinitialize)
        self.make_service(Empty, "request_nomotion_update", self._on_update_request)
        # Where Nav2 is installed.
        if (kind := message_class("nav2_msgs/srv/SetInitialPose")) is not None:
            self.make_service(kind, "set_initial_pose", self._on_set_initial_pose)
        self.make_timer(REPORT_PERIOD_S, self._on_tick)
        # A bag that is played fast has stamps that no clock follows.
        if self.parameters.transform_rate and not self._keeps_all:
            rate = self.parameters.transform_rate
            self.make_timer(1 / rate, self._outputs.map_to_odom.repeat)
        if self.parameters.save_pose_rate:
            self.make_timer(1 / self.parameters.save_pose_rate, self._keeper.write)

    def _on_map(self, message: ViewMapMessage) -> None:
        with self._reporting.refusing("map"):
            require_frame(message.header.frame_id, self.parameters.global_frame_id, what="the map")
            view_map = from_map_message(message)

            def use() -> None:
                if self.parameters.first_map_only and self._tracking.view_map is not None:
                    return
                with self._reporting.refusing("map"):
                    if self._tracking.use_map(view_map, self._keeper.start_in(view_map)):
                        self.get_logger().info(f"localizing in a map of {view_map.n_views} views")
                    self._keeper.settle()
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
            # RViz stamps in wall time, even where time is simulated: that is not kept.
            stood_at = self._inputs_made.odometry_at(stamp_ns(message.header.stamp))
            self._work.put(lambda: self._start_near(start, stood_at))

    def _pose_map(self, frame: str) -> np.ndarray | None:
        """Pose (3,) of a frame in the map, if it is fixed in the map or in odometry."""
        return pose_in_map(
            self._inputs_made.transforms,
            frame,
            map_frame=self.parameters.global_frame_id,
            odom_frame=self.parameters.odom_frame_id,
            pose_map_odom=self._outputs.map_to_odom.pose_map_odom,
        )

    def _start_near(self, start: Near, stood_at: np.ndarray | None) -> None:
        self._keeper.forget()
        x, y, yaw = start.pose_map_base
        begun = self._tracking.start_near(start, stood_at=stood_at)
        when = "now" if begun else "once there is a map"
        self.get_logger().info(f"starting at ({x:.2f} m, {y:.2f} m, {yaw:.2f} rad) {when}")

    def _on_start(self, start: Everywhere | Near) -> None:
        """Whatever was published of the belief before counts no more."""
        self._outputs.map_to_odom.clear()
        self._standing.restart()
        if doubt := doubt_of_start(start, self._tracking.view_map):
            self.get_logger().warning(doubt)

    def _on_reinitialize(self, _: Empty.Request, response: Empty.Response) -> Empty.Response:
        self.get_logger().info("starting anew, everywhere in the map")
        self._work.put(self._start_everywhere)
        return response

    def _start_everywhere(self) -> None:
        self._keeper.forget()
        if not self._tracking.start_everywhere():
            self.get_logger().info("there is no map yet: starting everywhere once there is one")

    def _on_time_jump(self) -> None:
        self._laps.begin()
        how = self.parameters.after_a_jump
        self.get_logger().warning(f"time jumped back: {AFTER_A_JUMP[how]}")
        for _ in range(self._work.drop_images()):
            self._reporting.drop("time_jump", "time jumped back while an image waited")

        def start_again() -> None:
            if how == "keep":
                self._outputs.map_to_odom.clear()
            else:
                self._keeper.forget()
            self._tracking.start_again(how)

        self._work.put(start_again)

    def _on_update_request(self, _: Empty.Request, response: Empty.Response) -> Empty.Response:
        self._work.put(self._tracking.force_update)
        return response

    def _on_set_initial_pose(self, request: Any, response: Any) -> Any:
        self._on_initial_pose(request.pose)
        return response

    def _localize(self, image: PosedImage, lap: int) -> None:
        try:
            fix = self._tracking.localize(image)
        except DmnError as error:
            self._reporting.drop_for(error)
            return
        with self._laps.still(lap) as is_now:
            if not is_now:
                self._reporting.drop("time_jump", "time jumped back while an image was at work")
            elif not self.is_active:
                self._reporting.counts.dropped("inactive")
            else:
                self._publish(fix)

    def _publish(self, fix: Fix) -> None:
        counts = self._reporting.counts
        self._outputs.publish(fix, self._standing.take(fix), counts.snapshot())
        if fix.jump_m is not None:
            cause = fix.status.last_jump.name.lower().replace("_", " ")
            self.get_logger().info(f"the pose jumped by {fix.jump_m:.2f} m: {cause}")
        self._keeper.keep(fix, self._tracking.view_map)
        counts.processed(fix.latency_s if fix.weighed else None)

    def _on_tick(self) -> None:
        self._inputs_made.tick(queued=self._work.images_waiting)
        if not self._standing.is_new():
            self._outputs.tell(self._stand(), self._reporting.counts.snapshot())
        self._report()

    def _stand(self) -> Standing:
        counts, has_map = self._reporting.counts.snapshot(), self._tracking.view_map is not None
        return self._standing.now(counts, self._inputs_made.silence, has_map=has_map)

    def _report(self) -> None:
        inputs, view_map = self._inputs_made, self._tracking.view_map
        standing = self._stand()
        details = {
            "map_views": str(view_map.n_views if view_map is not None else 0),
            **details_of(standing, most_particles=self.parameters.max_particles),
            "images_waiting": str(inputs.images_waiting + self._work.images_waiting),
            **{f"{what}_rate_hz": f"{hz:.1f}" for what, hz in inputs.silence.rates_hz().items()},
        }
        self._reporting.report(details, concerns_of(standing, inputs.silence.complaints()))


def main(argv: list[str] | None = None) -> int:
    """Run the localizer until it is stopped."""
    return run_managed("localizer", LocalizerNode, argv)
