"""A localizer that Nav2 takes for amcl: names, states, services, and a camera of best effort."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from dmn.msg import LocalizerStatus, ViewMap
from geometry_msgs.msg import PoseWithCovarianceStamped
from lifecycle_msgs.msg import Transition
from nav_msgs.msg import Odometry
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rclpy.qos import ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_srvs.srv import Empty

from dmn_core.data.ros_decoding import stamp_ns
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.qualities import FAST_SENSOR, LATCHED

CONFIGURE = Transition.TRANSITION_CONFIGURE
ACTIVATE = Transition.TRANSITION_ACTIVATE
DEACTIVATE = Transition.TRANSITION_DEACTIVATE
CLEANUP = Transition.TRANSITION_CLEANUP
SECOND = 1_000_000_000
START = 1_000 * SECOND
PLACE = (3.0, -2.0)
CERTAIN = {f"{name}_confidence": 0.0 for name in ("tracking", "degraded", "lost")}


class Camera:
    """A robot that stands, with sensors as drivers publish them."""

    def __init__(self, probe: Any) -> None:
        self.probe, self.taken = probe, 0
        # As Nav2's commander listens: latched, or it waits for ever.
        self.poses = probe.listen(PoseWithCovarianceStamped, "amcl_pose", LATCHED)
        self.statuses = probe.statuses(quality=FAST_SENSOR)
        self.listen()

    def listen(self) -> None:
        sensors = {"quality": qos_profile_sensor_data}
        self.images = self.probe.publisher(Image, "image", **sensors)
        self.odometry = self.probe.publisher(Odometry, "odom", **sensors)

    def see(self) -> int:
        self.taken += 1
        stamp = START + self.taken * SECOND // 10
        message = Odometry(header=header(stamp, "odom"), child_frame_id="base_link")
        message.pose.pose = to_pose(np.zeros(3))
        self.odometry.publish(message)
        size = {"height": 32, "width": 32, "step": 96, "encoding": "rgb8"}
        self.images.publish(Image(header=header(stamp, "camera"), data=bytes(32 * 32 * 3), **size))
        return stamp

    def look(self, *, asks: bool = False) -> LocalizerStatus:
        """The status of another image, which asks to be weighed or not.

        What best effort loses is taken, and asked, again.
        """
        for _ in range(10):
            if asks:
                self.probe.call(Empty, "request_nomotion_update", Empty.Request())
            stamp = self.see()
            with suppress(AssertionError):
                return self.probe.wait(lambda t=stamp: self.told_of(t), "a status", seconds=10.0)
        raise AssertionError("no image of ten was heard of")

    def told_of(self, stamp: int) -> LocalizerStatus | None:
        """The status of an image whose pose has come; the newest may be one without an image."""
        if stamp_ns(self.poses[-1].header.stamp) != stamp:
            return None
        return next((s for s in self.statuses if stamp_ns(s.header.stamp) == stamp), None)

    def off(self) -> float:
        """Distance of the newest pose from the place."""
        at = self.poses[-1].pose.pose.position
        return float(np.hypot(at.x - PLACE[0], at.y - PLACE[1]))


def set_parameters(probe: Any, **wanted: Any) -> list[bool]:
    parameters = [Parameter(name, value=value).to_parameter_msg() for name, value in wanted.items()]
    request = SetParameters.Request(parameters=parameters)
    results = probe.call(SetParameters, "amcl/set_parameters", request).results
    return [result.successful for result in results]


@pytest.fixture
def amcl(start: Any, scene: Any) -> Any:
    return start(
        "localizer",
        remap={"__node": "amcl", "pose": "amcl_pose"},
        autostart=False,
        weights=scene.weights,
        device="cpu",
        threads=1,
        max_particles=128,
        resampling="always",
        estimate="mean",
        recovery_alpha_fast=0.0,
        min_injected_share=0.0,
        **CERTAIN,
        **{"qos_overrides./status.publisher.reliability": "best_effort"},
    )


def test_nav2_finds_what_it_knows_of_amcl(
    probe: Any, manager_of: Any, amcl: Any, scene: Any, simple_map: Any
) -> None:
    manager = manager_of("amcl")
    assert manager.state == "unconfigured"
    assert manager.change(CONFIGURE)
    # Before there is a map, and while the node is inactive.
    probe.call(Empty, "reinitialize_global_localization", Empty.Request())
    starts = probe.publisher(PoseWithCovarianceStamped, "initialpose")
    stated = PoseWithCovarianceStamped(header=header(0, "map"))
    stated.pose.pose = to_pose(np.array([*PLACE, 0.5]))
    covariance = np.zeros(36)
    covariance[[0, 7, 35]] = 0.01
    stated.pose.covariance = covariance
    starts.publish(stated)
    assert starts.wait_for_all_acked()
    probe.wait(lambda: "once there is a map" in amcl.output, "the start to be kept")
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    assert manager.change(ACTIVATE)
    assert manager.state == "active"
    probe.wait_for_state("map_views", "3")
    assert "starting anew, everywhere in the map" in amcl.output

    probe.wait(lambda: len(probe.node.get_publishers_info_by_topic("/status")) == 1, "/status")
    (status_info,) = probe.node.get_publishers_info_by_topic("/status")
    assert status_info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
    robot = Camera(probe)
    assert robot.look().num_particles == 128
    assert robot.off() < 1.0

    # A robot that stands: images are carried until one is asked to be weighed.
    probe.wait(lambda: not robot.look().weighed, "an image that is not weighed")
    assert robot.look(asks=True).weighed
    assert not robot.look().weighed

    # Fewer particles from the next time on that they are drawn; never fewer than the least.
    assert set_parameters(probe, max_particles=64) == [True]
    assert set_parameters(probe, min_particles=65, first_map_only=True) == [False, True]
    for expected in (128, 64):
        assert robot.look(asks=True).num_particles == expected
    assert robot.off() < 1.0

    # Another map is not looked at.
    maps.publish(simple_map(scene.weights, views=2))
    assert maps.wait_for_all_acked()
    robot.look()
    assert robot.off() < 1.0
    assert "localizing in a map of 2 views" not in amcl.output
    maps.publish(simple_map(scene.weights))

    # Cleaned up, it knows where it was; unless it is to forget that.
    for forgets in (False, True):
        assert set_parameters(probe, always_reset_initial_pose=forgets) == [True]
        assert manager.change(DEACTIVATE, CLEANUP, CONFIGURE, ACTIVATE)
        probe.wait(lambda n=2 + forgets: amcl.output.count("map of 3 views") == n, "the map")
        robot.listen()
        robot.look()
        is_wide = bool(robot.poses[-1].pose.covariance[0] > 1.0)
        assert is_wide == forgets
        assert forgets or robot.off() < 1.0
    assert amcl.stop() == 0
