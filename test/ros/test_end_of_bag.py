"""Playing ends: by images that odometry never reaches, and by a localizer that is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from geometry_msgs.msg import PoseWithCovarianceStamped

from dmn_core.data.replay import replay
from dmn_core.data.ros_decoding import planar_pose, stamp_ns
from dmn_core.robot import RobotSettings, load_localizer

IMAGE_TOPIC = "/camera/image_raw/compressed"
# Not the default, so that nodes which ignored it would give other poses than the replay.
PRECISION = "bfloat16"


def offline(scene: Any, query: Path) -> Any:
    robot = RobotSettings(particles=128, seed=3)
    localizer = load_localizer(
        scene.weights, device="cpu", settings=robot.filter, precision=PRECISION
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return replay(scene.context, query, localizer=localizer, robot=robot)
    finally:
        torch.set_num_threads(threads)


def test_images_past_the_last_odometry_are_dropped_and_playing_ends(
    scene: Any,
    start: Any,
    probe: Any,
    mapper: Any,
    localizer: Any,
    cut_bag: Any,
    tmp_path: Path,
) -> None:
    query = cut_bag(
        scene.query, tmp_path / "cut", lambda topic, begin_s: topic != "/odom" or begin_s < 1.5
    )
    mapper(precision=PRECISION)
    localizer(precision=PRECISION)
    poses = probe.listen(PoseWithCovarianceStamped, "pose")
    probe.wait_for_state("map_views", "5")
    probe.statuses()
    player = start(
        "bag_player",
        bag=query,
        rate=20.0,
        wait_for_subscribers=[IMAGE_TOPIC, "/odom"],
        wait_for_localizer=True,
    )
    expected = offline(scene, query)
    done, past = len(expected.fixes), len(expected.uncovered_ns)
    assert done > 5
    assert past > 5
    probe.wait(lambda: not player.alive, "the player to end")
    assert player.popen.returncode == 0, player.output
    probe.wait_for_state("images_processed", str(done))
    state = probe.wait_for_state("dropped_no_odometry", str(past))
    assert (state["images_received"], state["images_waiting"]) == (str(scene.images), "0")
    probe.wait(lambda: len(poses) == done, "all poses")
    assert [stamp_ns(m.header.stamp) for m in poses] == [fix.stamp_ns for fix in expected.fixes]
    np.testing.assert_allclose(
        [planar_pose(m.pose.pose)[:2] for m in poses],
        [fix.pose_map_base[:2] for fix in expected.fixes],
        atol=1e-9,
    )


def test_a_localizer_that_is_gone_ends_the_playing(
    scene: Any, start: Any, probe: Any, mapper: Any, localizer: Any
) -> None:
    mapper()
    # So many that it is at work still, however late it is killed.
    process = localizer(min_particles=20_000, max_particles=20_000)
    probe.wait_for_state("map_views", "5")
    player: Any = None

    def has_begun() -> bool:
        nonlocal player
        # A busy machine may take longer to bring them together: then it is played once more.
        if player is None or not player.alive:
            settings = {"wait_for_subscribers": [IMAGE_TOPIC], "wait_for_localizer": True}
            player = start("bag_player", bag=scene.query, rate=4.0, wait_s=4.0, **settings)
        return probe.state().get("images_received", "0") != "0"

    probe.wait(has_begun, "the first images")
    process.kill()
    probe.wait(lambda: not player.alive, "the player to end")
    assert player.popen.returncode == 1
    (line,) = [li for li in player.output.splitlines() if li.startswith("bag_player: error:")]
    assert "got no further" in line
