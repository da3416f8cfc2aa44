"""A node that a lifecycle manager, or the process itself, configures and activates."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeVar

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter

from dmn_core.errors import ConfigurationError, DmnError
from dmn_ros.declaration import changed, declare
from dmn_ros.late_answers import answer_later
from dmn_ros.qualities import make_subscription, overridable
from dmn_ros.runner import RCLError, run_node, spin
from dmn_ros.worker import Job

ChangeStateCallback = Callable[[Any, Any], Any]
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class ManagedNode(LifecycleNode):  # type: ignore[misc, unused-ignore]
    """Declares its parameters at once and does everything else when it is configured.

    Subclasses fill in `set_up`, and `start`, `stop` and `tear_down` where they need them. What they
    make with the methods below is destroyed when they are cleaned up.
    """

    def __init__(self, name: str, parameters: type[Any]) -> None:
        """Declare the parameters.

        Raises:
            ConfigurationError: a parameter is no good.
        """
        super().__init__(name)
        self.parameters = declare(self, parameters)
        self.add_on_set_parameters_callback(self._on_parameters)
        self.is_active = False
        self._failure: Exception | None = None
        self._is_bringing_up = False
        self._made = ExitStack()
        # Where a transition does not exist, rclpy raises in the middle of the executor.
        self._service_change_state.callback = _refusing(self, self._service_change_state.callback)

    def set_up(self) -> None:
        """Whatever takes time, and all that talks to other nodes.

        Raises:
            DmnError: what the node needs is absent or no good.
        """

    def start(self) -> None:
        """Begin to publish; the publishers are active by now."""

    def stop(self) -> None:
        """Publish no more, and keep all that is known."""

    def tear_down(self) -> None:
        """Forget all that `set_up` made, even where that did not come to its end."""

    def adjust(self, parameters: Any) -> None:
        """Work by other parameters from now on.

        Raises:
            DmnError: they do not go together; those before stay in force.
        """

    def bring_up(self) -> None:
        """Configure and activate without a manager.

        Raises:
            Exception: whatever went wrong.
        """
        self._is_bringing_up = True
        for trigger in (self.trigger_configure, self.trigger_activate):
            if trigger() != SUCCESS:
                raise self._failure or ConfigurationError("the node could not be started")
        self._is_bringing_up = False

    def make_publisher(self, kind: Any, topic: str, quality: Any) -> Any:
        """A publisher that is silent unless the node is active.

        Raises:
            ConfigurationError: users want a quality of service that there is not.
        """
        with overridable(quality) as (own, options):
            publisher = self.create_lifecycle_publisher(kind, topic, own, **options)
        self._made.callback(self.destroy_lifecycle_publisher, publisher)
        return publisher

    def make_subscription(
        self,
        kind: Any,
        topic: str,
        callback: Callable[[Any], None],
        quality: Any,
        *,
        second: str | None = None,
    ) -> None:
        """A subscription that lasts until cleanup; `second` names another one of the topic.

        Raises:
            ConfigurationError: users want a quality of service that there is not.
        """
        made = make_subscription(self, kind, topic, callback, quality, second=second)
        self._made.callback(self.destroy_subscription, made)

    def make_service(
        self,
        kind: Any,
        name: str,
        callback: Callable[[Any, Any], Any],
        *,
        put: Callable[[Job], None] | None = None,
    ) -> None:
        """A service that lasts until cleanup; with `put`, which takes jobs, it answers by a job."""
        made = self.create_service(kind, name, callback)
        if put is not None:
            answer_later(made, put)
        self._made.callback(self.destroy_service, made)

    def make_timer(self, period_s: float, callback: Callable[[], None]) -> None:
        """A timer until cleanup, of real time: simulated time may stand still."""
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        made = self.create_timer(period_s, callback, clock=steady)
        self._made.callback(self.destroy_timer, made)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Set up; where that fails, the node stays unconfigured and says why."""
        if not self._try("configured", self.set_up):
            self._clean_up()
            return FAILURE
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let publishers speak."""
        result = super().on_activate(state)
        self.is_active = True
        if not self._try("activated", self.start):
            self.is_active = False
            super().on_deactivate(state)
            return FAILURE
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Silence the publishers."""
        self.is_active = False
        self.stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget everything but the parameters."""
        self._clean_up()
        return SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """End for good; the process goes on until it is told to stop."""
        self.is_active = False
        self._clean_up()
        return SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """After a transition that failed in an unforeseen way, begin anew."""
        return self.on_shutdown(state)

    def destroy_node(self) -> None:
        """End in good order."""
        self._clean_up()
        super().destroy_node()
        # It holds the node's handle, and others would see the node until both are collected.
        self._state_machine.destroy_when_not_in_use()

    def _on_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        try:
            parameters = changed(self.parameters, changes)
            self.adjust(parameters)
        except DmnError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self.parameters = parameters
        return SetParametersResult(successful=True)

    def _clean_up(self) -> None:
        # What works in the background ends before the publishers that it uses.
        self.tear_down()
        self._made.close()

    def _try(self, what: str, work: Callable[[], None]) -> bool:
        self._failure = None
        try:
            work()
        except Exception as error:
            self._failure = error
            # By itself, the process ends with the reason on its last line.
            if not self._is_bringing_up:
                self.get_logger().error(f"could not be {what}: {_reason(error)}")
        return self._failure is None


def _refusing(node: ManagedNode, change_state: ChangeStateCallback) -> ChangeStateCallback:
    """A service that answers that it failed where a transition does not exist in a state."""

    def answer(request: Any, response: Any) -> Any:
        try:
            return change_state(request, response)
        except RCLError as error:
            wanted = request.transition.label or request.transition.id
            reason = str(error).partition(", at ")[0]
            node.get_logger().error(f"transition {wanted} refused: {reason}")
            response.success = False
            return response

    return answer


NodeT = TypeVar("NodeT", bound=ManagedNode)


def run_managed(name: str, make_node: Callable[[], NodeT], argv: list[str] | None = None) -> int:
    """Run a managed node until it is stopped; the exit code of its process.

    With the parameter `autostart` it configures and activates itself, and ends where it cannot.
    """

    def work(node: NodeT) -> None:
        try:
            if node.parameters.autostart:
                node.bring_up()
        except Exception:
            # A transition fails as well where the process was told to stop meanwhile.
            if node.context.ok():
                raise
        spin(node)

    return run_node(name, make_node, argv, work=work)


def _reason(error: Exception) -> str:
    if isinstance(error, DmnError):
        return str(error)
    return "".join(traceback.format_exception(error))
