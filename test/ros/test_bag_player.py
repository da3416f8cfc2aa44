"""The player publishes what was recorded, byte for byte, and its errors name what is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Odometry
from rosgraph_msgs.msg import Clock
from tf2_msgs.msg import TFMessage

from dmn_core.data.bag import read_query
from dmn_core.data.ros_decoding import planar_pose, stamp_ns
from dmn_ros.qualities import MANY_LATCHED


def test_a_bag_is_played_whole_and_in_order(scene: Any, start: Any, probe: Any) -> None:
    odometry = probe.listen(Odometry, "/odom")
    truth = probe.listen(PoseStamped, "/ground_truth")
    clock = probe.listen(Clock, "/clock")
    mounts = probe.listen(TFMessage, "/tf_static", MANY_LATCHED)
    player = start(
        "bag_player",
        bag=scene.query,
        rate=20.0,
        clock=True,
        wait_for_subscribers=["/odom", "/ground_truth", "/tf_static"],
    )
    recording = read_query(scene.query)
    expected = recording.odometry
    probe.wait(lambda: len(odometry) == len(expected), "all odometry")
    probe.wait(lambda: len(truth) == len(recording.truth), "the whole truth")
    probe.wait(lambda: mounts and clock, "latched transforms and the clock")
    assert [stamp_ns(m.header.stamp) for m in odometry] == expected.stamps_ns.tolist()
    poses = np.array([planar_pose(m.pose.pose) for m in odometry])
    np.testing.assert_array_equal(poses, expected.poses)
    probe.wait(lambda: not player.alive, "the player to end")
    assert player.popen.returncode == 0


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"bag": "/no/such/bag"}, ["/no/such/bag"]),
        ({"topics": ["/nothing"]}, ["/nothing", "/odom"]),
        ({"wait_for_subscribers": ["/odom"], "wait_s": 0.2}, ["/odom", "subscribers"]),
        ({"wait_for_localizer": True, "wait_s": 0.2}, ["localizer"]),
    ],
)
def test_errors_are_one_line_and_a_code(
    scene: Any, start: Any, parameters: dict[str, Any], words: list[str]
) -> None:
    player = start("bag_player", **{"bag": scene.query, **parameters})
    assert player.popen.wait(180) == 1
    errors = [line for line in player.output.splitlines() if line.startswith("bag_player: error:")]
    assert len(errors) == 1
    assert [word for word in words if word not in errors[0]] == []
