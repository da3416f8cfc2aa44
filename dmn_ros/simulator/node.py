"""The simulator: a robot in a maze that drives, sees and can be kidnapped, without hardware."""

from __future__ import annotations

import math

from dmn.srv import Teleport
from geometry_msgs.msg import Twist
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from dmn_core.errors import DmnError, WorldError
from dmn_core.pose_track.interpolation import NANOSECONDS
from dmn_core.worlds.autopilot import Autopilot
from dmn_core.worlds.live_robot import STANDSTILL, LiveRobot, Velocity
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import MazeRenderer
from dmn_ros.declaration import changed, declare
from dmn_ros.qualities import RELIABLE, make_subscription
from dmn_ros.runner import run_node
from dmn_ros.simulator.outputs import SimulatorOutputs
from dmn_ros.simulator.parameters import SimulatorParameters

STEP_S = 0.02
# Of simulated time at the start: 0 means that no time was heard yet.
FIRST_NS = NANOSECONDS
# A computer that is too slow makes time go slower instead of jump.
MOST_STEPS = 5
# Beyond the paper's limit of success.
KIDNAP_M = 10.0


class SimulatorNode(Node):  # type: ignore[misc, unused-ignore]
    """A robot that is stepped in time and tells what its sensors measure."""

    def __init__(self) -> None:
        """Build the world and start to drive.

        Raises:
            DmnError: a parameter is no good, or the simulator is not installed.
        """
        super().__init__("simulator")
        self.parameters = declare(self, SimulatorParameters)
        self.add_on_set_parameters_callback(self._on_parameters)
        settings = self.parameters
        layout = generate_maze(settings.seed)
        self._robot = LiveRobot(
            layout, seed=settings.seed, limits=settings.limits(), noise=settings.noise()
        )
        self._autopilot: Autopilot | None = Autopilot(self._robot, seed=settings.seed)
        self._renderer = MazeRenderer(layout, settings.camera())
        self._outputs = SimulatorOutputs(self, settings)
        self._command, self._commanded_step = STANDSTILL, 0
        self._steps = 0
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._begin_ns = FIRST_NS if settings.publish_clock else self.get_clock().now().nanoseconds
        self._paid_ns = self._steady.now().nanoseconds
        self._outputs.mount_camera(layout.config.cell_m / 2, self._stamp_ns)
        make_subscription(self, Twist, "cmd_vel", self._on_command, RELIABLE)
        self.create_service(Teleport, "~/teleport", self._on_teleport)
        self.create_service(Trigger, "~/reset", self._on_reset)
        self.create_timer(STEP_S / settings.rate, self._on_tick, clock=self._steady)
        self.get_logger().info(f"a robot drives in maze {settings.seed}")

    def destroy_node(self) -> None:
        """Give the graphics back."""
        self._renderer.close()
        super().destroy_node()

    @property
    def _stamp_ns(self) -> int:
        return self._begin_ns + round(self._steps * STEP_S * NANOSECONDS)

    def _on_tick(self) -> None:
        step_ns = STEP_S * NANOSECONDS / self.parameters.rate
        now_ns = self._steady.now().nanoseconds
        due = int((now_ns - self._paid_ns) / step_ns)
        for _ in range(min(due, MOST_STEPS)):
            self._step()
        self._paid_ns += round(due * step_ns)

    def _step(self) -> None:
        self._robot.advance(self._wanted(), STEP_S)
        self._steps += 1
        stamp_ns, robot = self._stamp_ns, self._robot
        self._outputs.tell_time(stamp_ns)
        if self._is_due(self.parameters.odometry_rate):
            self._outputs.move(robot.pose_odom_base, robot.pose_map_base, robot.velocity, stamp_ns)
        if self._is_due(self.parameters.image_rate) and self._outputs.images_are_wanted:
            rgb = self._renderer.render(robot.pose_map_base)
            self._outputs.show(rgb, self._renderer.camera, stamp_ns)

    def _is_due(self, rate: float) -> bool:
        """Whether something that comes at a rate comes at this step."""
        done, before = self._steps * STEP_S * rate, (self._steps - 1) * STEP_S * rate
        return math.floor(done + 1e-9) > math.floor(before + 1e-9)

    def _wanted(self) -> Velocity:
        if self._autopilot is not None and self.parameters.autopilot:
            return self._autopilot.velocity()
        waited_s = (self._steps - self._commanded_step) * STEP_S
        return self._command if waited_s <= self.parameters.cmd_vel_timeout else STANDSTILL

    def _on_command(self, message: Twist) -> None:
        forward, turn = message.linear.x, message.angular.z
        if not (math.isfinite(forward) and math.isfinite(turn)):
            self.get_logger().warning(
                f"cmd_vel wants finite velocities, got {forward!r} and {turn!r}",
                throttle_duration_sec=5.0,
            )
            return
        self._autopilot = None
        self._command, self._commanded_step = Velocity(forward, turn), self._steps

    def _on_teleport(
        self, request: Teleport.Request, response: Teleport.Response
    ) -> Teleport.Response:
        try:
            if request.anywhere:
                self._robot.teleport_far(KIDNAP_M)
            else:
                self._robot.teleport((request.x, request.y, request.yaw))
        except WorldError as error:
            response.success, response.message = False, str(error)
            return response
        if self._autopilot is not None:
            self._autopilot.forget()
        x, y, yaw = self._robot.pose_map_base
        response.success = True
        response.message = f"the robot is at ({x:.2f} m, {y:.2f} m, {yaw:.2f} rad)"
        return response

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Back to the start, odometry as well, and to the autopilot if it is on; time goes on."""
        self._robot.reset()
        self._autopilot = Autopilot(self._robot, seed=self.parameters.seed)
        response.success, response.message = True, "the robot begins anew"
        return response

    def _on_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        try:
            self.parameters = changed(self.parameters, changes)
        except DmnError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)


def main(argv: list[str] | None = None) -> int:
    """Run the simulator until it is stopped."""
    return run_node("simulator", SimulatorNode, argv)
