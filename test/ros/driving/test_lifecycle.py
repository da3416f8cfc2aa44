"""A manager leads the nodes through their states over DDS, and inactive nodes are silent."""

from __future__ import annotations

import gc
import itertools
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dmn.msg import LocalizerStatus, ViewMap
from dmn.srv import LoadMap
from geometry_msgs.msg import PoseWithCovarianceStamped
from lifecycle_msgs.msg import Transition
from nav_msgs.msg import Odometry
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from std_srvs.srv import Empty, Trigger
from tf2_msgs.msg import TFMessage

from dmn_core.data.ros_decoding import stamp_ns
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.localizer_node import LocalizerNode
from dmn_ros.map_message import from_map_message, same_map
from dmn_ros.mapper_node import MapperNode
from dmn_ros.qualities import LATCHED

CONFIGURE = Transition.TRANSITION_CONFIGURE
ACTIVATE = Transition.TRANSITION_ACTIVATE
DEACTIVATE = Transition.TRANSITION_DEACTIVATE
CLEANUP = Transition.TRANSITION_CLEANUP
# Whatever these weights say.
BELIEVED = {f"{name}_confidence": 0.0 for name in ("tracking", "degraded", "lost")}
# Each message counts.
RELIABLY = {
    f"qos_overrides./{topic}.subscription.reliability": "reliable" for topic in ("image", "odom")
}


def refuse_what_does_not_exist(manager: Any) -> None:
    """As a manager does that asks twice, or does not know that the node started by itself."""
    for transition in (CONFIGURE, ACTIVATE, CLEANUP, 200):
        assert not manager.change(transition)
        assert manager.state == "active"


def test_a_manager_leads_the_mapper(
    probe: Any, manager_of: Any, mapper: Any, tmp_path: Path
) -> None:
    process = mapper(autostart=False, map_file=tmp_path / "map.safetensors")
    manager = manager_of("mapper")
    maps = probe.listen(ViewMap, "map", LATCHED)
    assert manager.state == "unconfigured"
    # One of the test before may be in the graph for a moment.
    probe.wait(lambda: not probe.node.count_publishers("map"), "no publisher")

    assert manager.change(CONFIGURE)
    assert manager.state == "inactive"
    assert (tmp_path / "map.safetensors").exists()
    rebuilt = probe.call(Trigger, "mapper/rebuild", Trigger.Request())
    assert rebuilt.success, rebuilt.message
    probe.wait(lambda: probe.node.count_publishers("map"), "the publisher")
    assert maps == []

    assert manager.change(ACTIVATE)
    probe.wait(lambda: maps, "the map")
    assert manager.state == "active"
    refuse_what_does_not_exist(manager)
    assert "transition 1 refused" in process.output
    assert "transition 3 refused" in process.output
    assert manager.change(DEACTIVATE)
    loaded = probe.call(
        LoadMap, "mapper/load", LoadMap.Request(path=str(tmp_path / "map.safetensors"))
    )
    assert loaded.success, loaded.message
    assert len(maps) == 1

    # All over again.
    assert manager.change(CLEANUP)
    assert manager.state == "unconfigured"
    probe.wait(lambda: not probe.node.count_publishers("map"), "the publisher to go")
    assert manager.change(CONFIGURE, ACTIVATE)
    probe.wait(lambda: len(maps) == 2, "the map of the second life")
    assert same_map(*(from_map_message(message) for message in maps))
    assert manager.change(Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert manager.state == "finalized"
    assert process.stop() == 0


@pytest.mark.parametrize("node", [MapperNode, LocalizerNode])
def test_nodes_are_shut_down_from_every_state(
    manager_of: Any, running: Any, scene: Any, node: type[Any]
) -> None:
    settings = {"weights": scene.weights, "device": "cpu", "live_poses": "pose"}
    shutdowns = {
        (): Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,
        (CONFIGURE,): Transition.TRANSITION_INACTIVE_SHUTDOWN,
        (CONFIGURE, ACTIVATE): Transition.TRANSITION_ACTIVE_SHUTDOWN,
    }
    for number, (way, shutdown) in enumerate(shutdowns.items()):
        name = f"{node.__name__.lower()}_{number}"
        with running(node, name, **settings) as led:
            manager = manager_of(name)
            assert manager.change(*way, shutdown)
            assert manager.state == "finalized"
            assert not led.is_active
            # It is over: nothing brings it back.
            assert not manager.change(CONFIGURE)
            assert manager.state == "finalized"


def test_nobody_sees_a_node_that_has_ended(probe: Any, running: Any, scene: Any) -> None:
    name, settings = "ended_mapper", {"weights": scene.weights, "live_poses": "pose"}
    with running(MapperNode, name, device="cpu", **settings) as node:
        node.bring_up()
        probe.wait(lambda: name in probe.node.get_node_names(), name)
    probe.wait(lambda: name not in probe.node.get_node_names(), "its end")
    # It is referred to until here, so that nothing of it was garbage.
    assert isinstance(node, MapperNode)


def free(probe: Any, network: weakref.ref[Any]) -> None:
    """Wait until a network is gone: what the executor did last may hold it for a moment."""
    probe.wait(lambda: gc.collect() is not None and network() is None, "the weights to go")


def test_a_mapper_that_is_cleaned_up_frees_its_weights(
    probe: Any, manager_of: Any, running: Any, scene: Any
) -> None:
    name = "mapper_of_weights"
    settings = {"weights": scene.weights, "device": "cpu", "live_poses": "pose"}
    with running(MapperNode, name, context_bag=scene.context, **settings) as node:
        manager = manager_of(name)
        assert manager.change(CONFIGURE, ACTIVATE)
        network = weakref.ref(node._localizer.network)
        assert network() is not None
        assert manager.change(DEACTIVATE, CLEANUP)
        free(probe, network)
        assert manager.change(CONFIGURE)


def test_a_localizer_that_is_cleaned_up_frees_its_weights_and_keeps_its_pose(
    probe: Any, manager_of: Any, running: Any, scene: Any, simple_map: Any
) -> None:
    name = "localizer_of_weights"
    settings = {"weights": scene.weights, "device": "cpu", "max_particles": 128}
    settings |= {**BELIEVED, **RELIABLY}
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    with running(LocalizerNode, name, **settings) as node:
        manager = manager_of(name)
        assert manager.change(CONFIGURE, ACTIVATE)
        probe.wait_for_state("map_views", "3")
        Robot(probe).off()
        parts = (node._tracking._localizer.network, node._tracking.view_map)
        network, view_map = (weakref.ref(part) for part in parts)
        del parts
        assert manager.change(DEACTIVATE, CLEANUP)
        free(probe, network)
        free(probe, view_map)
        assert node._last_pose.known is not None
        assert len(node._last_pose.known.view_ids) == 3
        assert manager.change(CONFIGURE)


@pytest.mark.parametrize("name", ["mapper", "localizer"])
def test_what_cannot_be_configured_says_why_and_waits(
    manager_of: Any, start: Any, name: str, tmp_path: Path
) -> None:
    process = start(name, autostart=False, weights=tmp_path / "no.safetensors", device="cpu")
    manager = manager_of(name)
    assert not manager.change(CONFIGURE)
    assert manager.state == "unconfigured"
    assert "could not be configured" in process.output
    assert "no.safetensors" in process.output
    assert "Traceback" not in process.output
    assert process.alive


SECOND = 1_000_000_000
START = 1_000 * SECOND
PLACE = (3.0, -2.0)


class Robot:
    """A robot that turns on the spot, and what a localizer makes of that."""

    def __init__(self, probe: Any) -> None:
        self.probe = probe
        self.poses = probe.listen(PoseWithCovarianceStamped, "pose")
        self.transforms = probe.listen(TFMessage, "tf")
        self.statuses = probe.listen(LocalizerStatus, "status")
        self.images = probe.publisher(Image, "image")
        self.odometry = probe.publisher(Odometry, "odom")
        self.seen = 0

    def look(self) -> int:
        """The stamp of one more image."""
        self.seen += 1
        stamp = START + self.seen * SECOND // 10
        odometry = Odometry(header=header(stamp, "odom"), child_frame_id="base_link")
        odometry.pose.pose = to_pose(np.array([0.0, 0.0, 0.3 * self.seen]))
        self.odometry.publish(odometry)
        picture = Image(header=header(stamp, "camera"), height=32, width=32, step=96)
        picture.encoding, picture.data = "rgb8", bytes(32 * 32 * 3)
        self.images.publish(picture)
        return stamp

    def miss(self, manager: Any) -> int:
        """The stamp of an image that an inactive localizer has taken: it answers after that."""
        stamp = self.look()
        assert self.images.wait_for_all_acked()
        assert manager.state == "inactive"
        return stamp

    def off(self) -> float:
        """After one more look: distance from the place where it was told to be."""
        # One comes each second: who hears it is known, and so are the listeners made before.
        self.probe.wait(lambda: self.statuses, "a status")
        stamp = self.look()
        self.probe.wait(lambda: stamp_ns(self.poses[-1].header.stamp) == stamp, "a pose")
        at = self.poses[-1].pose.pose.position
        return float(np.hypot(at.x - PLACE[0], at.y - PLACE[1]))


def test_a_manager_leads_the_localizer(
    probe: Any, manager_of: Any, start: Any, scene: Any, simple_map: Any
) -> None:
    process = start(
        "localizer",
        autostart=False,
        weights=scene.weights,
        device="cpu",
        threads=1,
        max_particles=128,
        recovery_alpha_fast=0.0,
        set_initial_pose=True,
        **{"initial_pose.x": PLACE[0], "initial_pose.y": PLACE[1]},
        **{"initial_pose.covariance_x": 0.01, "initial_pose.covariance_y": 0.01},
        **RELIABLY,
    )
    manager = manager_of("localizer")
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    assert manager.change(CONFIGURE)

    def wait_for_map(number: int) -> None:
        used = "localizing in a map of 3 views"
        probe.wait(lambda: process.output.count(used) == number, f"use {number} of the map")

    robot = Robot(probe)
    robot.miss(manager)
    wait_for_map(1)
    assert not (robot.poses or robot.statuses or robot.transforms or probe.state())

    assert manager.change(ACTIVATE)
    refuse_what_does_not_exist(manager)
    assert robot.off() < 1.0
    # Without another image, the transform goes on, and is never stamped twice alike.
    probe.wait(lambda: len(robot.transforms) > 5, "more transforms than images")
    stamps = [stamp_ns(message.transforms[0].header.stamp) for message in robot.transforms]
    assert stamps[0] == START + robot.seen * SECOND // 10 + SECOND
    assert all(later > earlier for earlier, later in itertools.pairwise(stamps))
    probe.wait(lambda: robot.statuses[-1].num_particles == 128, "the status of the image")
    assert robot.statuses[-1].modes

    # Runtime changes: one that is taken, and two that are not.
    wanted = {"max_poses": 7, "resampling": "sometimes", "threads": 2}
    request = SetParameters.Request(
        parameters=[Parameter(k, value=v).to_parameter_msg() for k, v in wanted.items()]
    )
    results = probe.call(SetParameters, "localizer/set_parameters", request).results
    assert [result.successful for result in results] == [True, False, False]
    assert "never, always, effective_size" in results[1].reason

    # Silent meanwhile; afterwards it knows where it was.
    assert manager.change(DEACTIVATE)
    silenced_ns = time.time_ns()
    missed_ns = robot.miss(manager)
    # What was told before may still come.
    told = [stamp_ns(message.header.stamp) for message in (*robot.poses, *robot.statuses)]
    assert not any(stamp == missed_ns or stamp >= silenced_ns for stamp in told)
    assert manager.change(ACTIVATE)
    assert robot.off() < 1.0
    probe.call(Empty, "request_nomotion_update", Empty.Request())

    # All over again, from the parameters.
    assert manager.change(DEACTIVATE, CLEANUP)
    assert manager.state == "unconfigured"
    assert manager.change(CONFIGURE, ACTIVATE)
    wait_for_map(2)
    robot.images = probe.publisher(Image, "image")
    robot.odometry = probe.publisher(Odometry, "odom")
    assert robot.off() < 1.0
    assert process.stop() == 0
