"""Nav2's service to set a pose, by a stand-in: nav2_msgs is not on PyPI. And a queue that grows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dmn.msg import ViewMap
from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.srv import SetMap

from dmn_ros import localizer_node
from dmn_ros.conversions import to_pose
from dmn_ros.frames import header
from dmn_ros.localizer_node import LocalizerNode
from dmn_ros.qualities import LATCHED

PLACE = (3.0, -2.0)


@pytest.fixture
def set_initial_pose(monkeypatch: pytest.MonkeyPatch) -> None:
    """SetMap also carries a PoseWithCovarianceStamped, by another name."""
    kinds = {"nav2_msgs/srv/SetInitialPose": SetMap}
    monkeypatch.setattr(localizer_node, "message_class", kinds.__getitem__)
    monkeypatch.setattr(
        SetMap.Request, "pose", property(lambda request: request.initial_pose), raising=False
    )


def test_the_service_says_where_the_robot_is(
    probe: Any,
    running: Any,
    scene: Any,
    simple_map: Any,
    drive: Any,
    set_initial_pose: None,
    capfd: Any,
) -> None:
    settings = {"weights": scene.weights, "device": "cpu", "max_particles": 128}
    maps = probe.node.create_publisher(ViewMap, "map", LATCHED)
    maps.publish(simple_map(scene.weights))
    with running(LocalizerNode, "amcl_here", resampling="never", **settings) as node:
        node.bring_up()
        probe.wait_for_state("map_views", "3")
        pose = PoseWithCovarianceStamped(header=header(0, "map"))
        pose.pose.pose = to_pose(np.array([*PLACE, 0.5]))
        pose.pose.covariance[[0, 7, 35]] = 0.01
        probe.call(SetMap, "set_initial_pose", SetMap.Request(initial_pose=pose))
        where = drive().look(1000 * 1_000_000_000, 0.0)
        assert np.hypot(*(where - PLACE)) < 1.0
        # One that is no good is refused as the topic's would be.
        pose.header.frame_id = "elsewhere"
        probe.call(SetMap, "set_initial_pose", SetMap.Request(initial_pose=pose))
        probe.wait_for_state("refused_initialpose", "1")

        # Images of 3 KiB were seen: so many fill a GiB.
        capfd.readouterr()
        node._inputs.tick(queued=2**30 // (32 * 32 * 3))
        assert "wait to be processed" not in capfd.readouterr().err
        for _ in range(2):
            node._inputs.tick(queued=2**30 // (32 * 32 * 3) + 1)
        assert capfd.readouterr().err.count("some 1024 MiB, wait to be processed") == 1
