"""A robot that a test drives, a map of noise for its localizer, and a manager of nodes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from dmn.msg import ViewMap
from geometry_msgs.msg import PoseWithCovarianceStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from nav_msgs.msg import Odometry
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage

from dmn_core.data.ros_decoding import stamp_ns
from dmn_core.robot import load_localizer
from dmn_core.views import Views
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.map_message import to_map_message
from dmn_ros.qualities import MANY_LATCHED


@pytest.fixture
def simple_map() -> Callable[..., ViewMap]:
    """Make a map of noise, of one to three views around the origin."""

    def make(weights: Path, *, views: int = 3, shift_m: float = 0.0) -> ViewMap:
        localizer = load_localizer(weights, device="cpu")
        images = np.random.default_rng(0).integers(0, 255, (views, 32, 32, 3), dtype=np.uint8)
        poses = np.array([[15.0, 9.0, 0.0], [-15.0, 9.0, 1.0], [0.0, -15.0, 2.0]])[:views]
        poses[:, 0] += shift_m
        return to_map_message(localizer.build_map(Views(images, poses)), stamp_ns=1, frame_id="map")

    return make


@pytest.fixture
def running(ros_context: Any) -> Callable[..., Any]:
    """Let a node of this process serve its callbacks in a thread, by a name and parameters."""

    @contextmanager
    def run(make_node: Callable[[], Any], name: str, **parameters: Any) -> Iterator[Any]:
        words = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
        rclpy.init(args=["--ros-args", "-r", f"__node:={name}", *words])
        node, executor = make_node(), SingleThreadedExecutor()
        executor.add_node(node)
        thread = threading.Thread(target=executor.spin)
        thread.start()
        try:
            yield node
        finally:
            executor.shutdown()
            thread.join()
            node.destroy_node()
            rclpy.try_shutdown()

    return run


class Manager:
    """What a lifecycle manager asks of a node."""

    def __init__(self, probe: Any, name: str) -> None:
        self.probe, self.name = probe, name

    @property
    def state(self) -> str:
        answer = self.probe.call(GetState, f"{self.name}/get_state", GetState.Request())
        return str(answer.current_state.label)

    def change(self, *transitions: int) -> bool:
        """Whether all succeeded."""
        for transition in transitions:
            request = ChangeState.Request(transition=Transition(id=transition))
            if not self.probe.call(ChangeState, f"{self.name}/change_state", request).success:
                return False
        return True


@pytest.fixture
def manager_of(probe: Any) -> Callable[[str], Manager]:
    """Lead a node by its name."""
    return lambda name: Manager(probe, name)


class DrivingRobot:
    """A robot that drives along x, and hears what its localizer says."""

    def __init__(self, probe: Any, namespace: str = "") -> None:
        self.probe, self._namespace = probe, namespace
        # Latched, as a localizer may not know of this listener yet at the first pose.
        self.poses: list[Any] = probe.listen(
            PoseWithCovarianceStamped, f"{namespace}pose", MANY_LATCHED
        )
        self.heard: list[Any] = probe.listen(TFMessage, f"{namespace}tf")
        self._images = probe.publisher(Image, f"{namespace}image")
        self._odometry = probe.publisher(Odometry, f"{namespace}odom")
        self.statuses: list[Any] = probe.statuses(namespace)

    def move(self, stamp: int, x: float) -> None:
        message = Odometry(header=header(stamp, "odom"), child_frame_id="base_link")
        message.pose.pose = to_pose(np.array([x, 0.0, 0.0]))
        self._odometry.publish(message)

    def feel(self, stamp: int, x: float) -> None:
        """Odometry for an image."""
        # Two, as one alone with a stamp far from the others would not count.
        for before_ns in (20_000_000, 0):
            self.move(stamp - before_ns, x)

    def see(self, stamp: int, x: float) -> None:
        self.feel(stamp, x)
        self.picture(stamp)

    def picture(self, stamp: int) -> None:
        """An image without odometry."""
        size = {"height": 32, "width": 32, "step": 96, "encoding": "rgb8"}
        self._images.publish(Image(header=header(stamp, "camera"), data=bytes(32 * 32 * 3), **size))

    def look(self, stamp: int, x: float) -> np.ndarray:
        """The pose (2,) that the localizer says after an image.

        Best-effort messages may be lost on a busy machine: they are sent again after a long while.
        """
        seen = len(self.poses)

        def is_told() -> bool:
            return len(self.poses) > seen and stamp_ns(self.poses[-1].header.stamp) == stamp

        for attempt in range(3):
            self.feel(stamp, x)
            # An image that waits has lost its odometry alone, and a second one would be dropped.
            if not attempt or self.probe.state().get("images_waiting", "0") == "0":
                self.picture(stamp)
            with suppress(AssertionError):
                self.probe.wait(is_told, "a pose", seconds=20)
                break
        assert is_told(), f"no pose at {stamp}: {self.probe.state()}"
        at = self.poses[-1].pose.pose.position
        return np.array([at.x, at.y])

    def set(self, **values: Any) -> None:
        """Change parameters of its localizer."""
        parameters = [Parameter(name, value=v).to_parameter_msg() for name, v in values.items()]
        request = SetParametersAtomically.Request(parameters=parameters)
        service = f"{self._namespace}localizer/set_parameters_atomically"
        answer = self.probe.call(SetParametersAtomically, service, request)
        assert answer.result.successful, answer.result.reason

    @property
    def told_ns(self) -> list[int]:
        """Stamps of map -> odom."""
        return [
            stamp_ns(t.header.stamp)
            for m in self.heard
            for t in m.transforms
            if t.header.frame_id == "map"
        ]


@pytest.fixture
def drive(probe: Any) -> Callable[..., DrivingRobot]:
    """Drive a robot, in a namespace where one is given; its localizer must run."""
    return lambda namespace="": DrivingRobot(probe, namespace)
