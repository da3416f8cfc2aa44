"""A robot of default settings that nobody tells where it is, and that is carried away once.

The shipped weights find it, notice that it was carried away, and find it again, on a drive that
was chosen for that: how often they do is in docs/results.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dmn.msg import LocalizerStatus
from geometry_msgs.msg import PoseWithCovarianceStamped
from tf2_msgs.msg import TFMessage

from dmn_core.data.bag import read_query
from dmn_core.data.bag_output import write_bag
from dmn_core.data.drive_messages import COMPRESSED_TOPIC, DRIVE_RATE_HZ, RecordingConfig
from dmn_core.data.recording import query_entries, record_context_bag
from dmn_core.data.ros_decoding import pose_with_covariance, stamp_ns
from dmn_core.pose_track import PoseTrack
from dmn_core.weights import default_weights_path
from dmn_core.worlds.kidnapped_drive import drive_and_be_kidnapped
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import CameraConfig
from dmn_core.worlds.trajectory import DriveConfig

CONFIG = RecordingConfig(
    camera=CameraConfig(32, 32, supersampling=1.0), image_rate_hz=2.0, jpeg_quality=95
)
MAZE, SEED, VIEWS, HALF_S = 8, 5, 16, 24.0
FOUND_IMAGES = 4
LOST = LocalizerStatus.LOST
UNTOLD = {LocalizerStatus.GLOBAL, LOST}


@pytest.mark.slow
def test_a_kidnapped_robot_of_default_settings(probe: Any, start: Any, tmp_path: Path) -> None:
    layout = generate_maze(MAZE)
    rng, config = np.random.default_rng(SEED), DriveConfig(rate_hz=DRIVE_RATE_HZ)
    drive = drive_and_be_kidnapped(layout, HALF_S, rng=rng, config=config)
    context = record_context_bag(tmp_path / "context", layout, views=VIEWS, config=CONFIG)
    entries = query_entries(layout, drive.trajectory, drive.poses_odom_base, CONFIG)
    query = write_bag(tmp_path / "query", entries, storage=CONFIG.storage)
    count = len(read_query(query))
    weights = {"weights": default_weights_path(), "device": "cpu", "threads": 1}
    start("mapper", context_bag=context, **weights)
    start(
        "localizer",
        remap={"image": "/camera/image_raw"},
        image_transport="compressed",
        # No image is lost where the machine is slow; and fewer particles, for the time of it.
        image_queue="all",
        max_particles=512,
        **weights,
    )
    probe.wait_for_state("map_views", str(VIEWS))
    poses = probe.listen(PoseWithCovarianceStamped, "pose")
    transforms = probe.listen(TFMessage, "/tf")
    reports = probe.statuses()
    start("bag_player", bag=query, rate=4.0, wait_for_subscribers=[COMPRESSED_TOPIC, "/odom"])
    state = probe.wait_for_state("images_processed", str(count), seconds=240)
    assert state["images_dropped"] == "0"
    probe.wait(lambda: len(poses) == count, "all poses")

    truth = PoseTrack(
        np.array([CONFIG.stamp_ns(time) for time in drive.trajectory.times_s]),
        drive.trajectory.poses_map_base,
    )
    stamps = [stamp_ns(pose.header.stamp) for pose in poses]
    off = np.array(
        [pose_with_covariance(p.pose)[0] - truth.at(s) for p, s in zip(poses, stamps, strict=True)]
    )
    off_m = np.hypot(off[:, 0], off[:, 1])

    def reports_by_stamp() -> dict[int, LocalizerStatus]:
        return {stamp_ns(report.header.stamp): report for report in reports}

    probe.wait(lambda: reports_by_stamp().keys() >= set(stamps), "the status of each pose")
    by_stamp = reports_by_stamp()
    states = [by_stamp[stamp].state for stamp in stamps]
    carried = int(np.searchsorted(stamps, CONFIG.stamp_ns(drive.kidnap_s)))
    success_m = by_stamp[stamps[0]].success_distance_m
    told = str([(s, round(float(m), 1)) for s, m in zip(states, off_m, strict=True)])

    # Found from nothing, then lost, and found again.
    assert states[0] == LocalizerStatus.GLOBAL, told
    for end in (carried, count):
        found = slice(end - FOUND_IMAGES, end)
        assert set(states[found]) == {LocalizerStatus.TRACKING}, told
        assert off_m[found].max() < success_m, told
    assert off_m[carried] > success_m, told
    assert LOST in states[carried:], told
    assert LOST not in states[:carried], told
    # Where it does not know, it tells no transform.
    believed = {s for s, state in zip(stamps, states, strict=True) if state not in UNTOLD}
    ahead_ns = round(1e9)
    probe.wait(lambda: len(told_by(transforms)) >= len(believed), "all transforms")
    assert {stamp - ahead_ns for stamp in told_by(transforms)} == believed


def told_by(messages: list[Any]) -> set[int]:
    """Stamps of map -> odom."""
    every = [t for m in messages for t in m.transforms if t.header.frame_id == "map"]
    return {stamp_ns(t.header.stamp) for t in every}
