"""While it runs, the localizer is told where to start; a map that comes again changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from dmn.msg import ViewMap as ViewMapMessage
from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Image
from std_srvs.srv import Empty

from dmn_core.data.ros_decoding import stamp_ns
from dmn_core.robot import load_localizer
from dmn_core.views import Views
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.map_message import to_map_message
from dmn_ros.qualities import LATCHED

SECOND = 1_000_000_000
START = 1_000 * SECOND
PLACE = (3.0, -2.0)
Spread = Callable[[], tuple[float, float]]


def map_message(weights: Any, *, views: int, shift_m: float = 0.0) -> ViewMapMessage:
    localizer = load_localizer(weights, device="cpu")
    images = np.random.default_rng(0).integers(0, 255, (views, 32, 32, 3), dtype=np.uint8)
    poses = np.array([[9.0, 9.0, 0.0], [-9.0, 9.0, 1.0], [0.0, -9.0, 2.0], [9.0, 0.0, 3.0]])
    poses[:, 0] += shift_m
    view_map = localizer.build_map(Views(images, poses[:views]))
    return to_map_message(view_map, stamp_ns=1, frame_id="map")


def initial_pose() -> PoseWithCovarianceStamped:
    message = PoseWithCovarianceStamped(header=header(0, "map"))
    message.pose.pose = to_pose(np.array([*PLACE, 0.5]))
    covariance = np.zeros(36)
    covariance[[0, 7, 35]] = 0.01
    message.pose.covariance = covariance
    return message


@pytest.fixture
def look(start: Any, scene: Any, probe: Any) -> Spread:
    """Take one more image, standing still: distance from PLACE, and deviation of the estimate."""
    start(
        "localizer",
        weights=scene.weights,
        device="cpu",
        threads=1,
        max_particles=256,
        resampling="never",
        image_queue="all",
    )
    # Latched, as the localizer may not know of this listener yet at the first pose.
    poses = probe.listen(PoseWithCovarianceStamped, "pose", LATCHED)
    images = probe.publisher(Image, "image")
    odometry = probe.publisher(Odometry, "odom")

    def see() -> tuple[float, float]:
        seen = len(poses)
        stamp = START + seen * SECOND // 10
        message = Odometry(header=header(stamp, "odom"), child_frame_id="base_link")
        message.pose.pose = to_pose(np.zeros(3))
        odometry.publish(message)
        images.publish(
            Image(
                header=header(stamp, "camera"),
                height=32,
                width=32,
                encoding="rgb8",
                step=96,
                data=bytes(32 * 32 * 3),
            )
        )
        probe.wait(lambda: len(poses) > seen, "a pose")
        pose = poses[-1].pose
        place, covariance = pose.pose.position, pose.covariance
        off = np.hypot(place.x - PLACE[0], place.y - PLACE[1])
        return float(off), float(np.sqrt(covariance[0] + covariance[7]))

    return see


def test_starts_while_running_and_maps_that_come_again(
    probe: Any, scene: Any, look: Spread
) -> None:
    maps = probe.publisher(ViewMapMessage, "map", LATCHED)
    starts = probe.publisher(PoseWithCovarianceStamped, "initialpose")
    received: list[Any] = probe.listen(ViewMapMessage, "map", LATCHED)
    first = map_message(scene.weights, views=3)
    maps.publish(first)
    probe.wait_for_state("map_views", "3")
    _, wide = look()
    assert wide > 1.0

    def tell(topic: Any, message: Any) -> None:
        """Publish, and wait until the localizer must have done with it: it works in order."""
        topic.publish(message)
        assert topic.wait_for_all_acked()
        acked_ns = probe.node.get_clock().now().nanoseconds
        reports = probe.heard["/diagnostics"]
        # Of the time since: one may come before the message is taken in, and one just then.
        probe.wait(lambda: stamp_ns(reports[-3].header.stamp) > acked_ns, "three reports")

    # A start while it runs.
    tell(starts, initial_pose())
    off, narrow = look()
    assert off < 0.5
    assert narrow < 0.5

    # The same map once more, as when a mapper is started again: the pose is kept.
    first.header.stamp.sec += 1
    tell(maps, first)
    probe.wait(lambda: len(received) == 2, "the same map")
    off, narrow = look()
    assert off < 0.5
    assert narrow < 0.5

    # The same place with a view more: the pose keeps its meaning.
    tell(maps, map_message(scene.weights, views=4))
    probe.wait_for_state("map_views", "4")
    off, narrow = look()
    assert off < 0.5
    assert narrow < 0.5

    # The service: everywhere in the map.
    probe.call(Empty, "reinitialize_global_localization", Empty.Request())
    assert look()[1] > 1.0

    # Another map: the pose in the map before means nothing in it.
    tell(starts, initial_pose())
    assert look()[1] < 0.5
    tell(maps, map_message(scene.weights, views=2, shift_m=1.0))
    probe.wait_for_state("map_views", "2")
    assert look()[1] > 1.0
