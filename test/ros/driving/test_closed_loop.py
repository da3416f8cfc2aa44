"""A robot that localizes in a map which grows by its own poses: real mapper, real localizer."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from dmn.msg import ViewMap

from dmn_core.data.ros_decoding import pose_with_covariance
from dmn_ros.qualities import LATCHED

SECOND = 1_000_000_000
START = 1_000 * SECOND
PLACE = (30.0, -30.0)
# Weights that nobody trained: whatever they say is believed, and narrow enough.
BELIEVED = {f"{name}_confidence": 0.0 for name in ("tracking", "degraded", "lost")}
TRUSTED = {"min_confidence": 0.0, "max_pose_std_m": 3.0, "max_pose_std_rad": 1.0}


def test_a_map_grows_by_the_poses_of_its_own_localizer(
    probe: Any, mapper: Any, start: Any, scene: Any, drive: Any
) -> None:
    mapper(live_poses="pose_with_covariance", publish_period_s=0.1, robot_name="r1", **TRUSTED)
    start(
        "localizer",
        weights=scene.weights,
        device="cpu",
        threads=1,
        max_particles=128,
        resampling="never",
        recovery_alpha_fast=0.0,
        set_initial_pose=True,
        **{"initial_pose.x": PLACE[0], "initial_pose.y": PLACE[1]},
        **BELIEVED,
    )
    maps = probe.listen(ViewMap, "map", LATCHED)
    probe.wait_for_state("map_views", "5")
    robot = drive()
    for number, x in enumerate((0.0, 5.0)):
        # A mapper on a busy machine may lose an image: the place is seen again after a long while.
        for attempt in range(3):
            stamp = START + (10 * number + attempt) * SECOND
            robot.look(stamp, x)
            with suppress(AssertionError):
                probe.wait(lambda n=6 + number: maps[-1].n_views == n, "views", seconds=20)
                break
        new = list(maps[-1].stamps_ns).index(stamp)
        assert maps[-1].sources[new] == "r1"
        pose, _ = pose_with_covariance(robot.poses[-1].pose)
        np.testing.assert_allclose(maps[-1].viewpoints[3 * new : 3 * new + 3], pose, atol=1e-4)
        # It localizes in the new map, and its belief goes on.
        probe.wait_for_state("map_views", str(6 + number))
        assert np.hypot(*(pose[:2] - PLACE - (x, 0.0))) < 4.0
    assert probe.state()["images_dropped"] == "0"
