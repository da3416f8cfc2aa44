"""A drive as it comes: images late, twice and missing, odometry with a gap, a kidnap, and loops.

The shipped weights localize it; pose topic and map -> odom are compared with the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dmn.msg import LocalizerStatus
from geometry_msgs.msg import PoseWithCovarianceStamped
from tf2_msgs.msg import TFMessage

from dmn_core.data.bag import read_query
from dmn_core.data.bag_output import Entry, write_bag
from dmn_core.data.drive_messages import (
    COMPRESSED_TOPIC,
    RecordingConfig,
    camera_mount,
    image_entries,
    odometry_entries,
)
from dmn_core.data.recording import record_context_bag
from dmn_core.data.ros_decoding import pose_with_covariance, stamp_ns
from dmn_core.pose_track import PoseTrack, compose, wrap_angle
from dmn_core.weights import default_weights_path
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import CameraConfig
from dmn_core.worlds.trajectory import DriveConfig, Trajectory, drive_between_random_cells
from dmn_core.worlds.wheel_odometry import wheel_odometry

CONFIG = RecordingConfig(
    camera=CameraConfig(32, 32, supersampling=1.0), image_rate_hz=2.0, jpeg_quality=95
)
HALF_S, RATE_HZ = 6.0, 100.0
# Seconds after the first sample: images that come late, none at all, and none of the wheels.
LATE, DARK, STILL = (1.0, 2.2), (2.6, 3.8), (4.2, 4.8)
LATE_NS, TWICE_AT = 400_000_000, 5.0
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Trip:
    """A drive that is interrupted by a kidnap, as a bag, and what is known of it."""

    context: Path
    query: Path
    truth: PoseTrack
    odometry: PoseTrack
    images: int

    def seconds(self, stamp: int) -> float:
        return (stamp - CONFIG.stamp_ns(0.0)) / SECOND


@pytest.fixture(scope="module")
def trip(tmp_path_factory: pytest.TempPathFactory) -> Trip:
    folder = tmp_path_factory.mktemp("trip")
    layout = generate_maze(7)
    context = record_context_bag(folder / "context", layout, views=12, config=CONFIG)
    drive, measured = kidnapped(layout)
    samples = np.arange(0, len(drive), round(RATE_HZ / CONFIG.odometry_rate_hz))
    moves = samples[~within(drive.times_s[samples], STILL)]
    images = np.arange(2, len(drive), round(RATE_HZ / CONFIG.image_rate_hz))
    images = images[~within(drive.times_s[images], DARK)]
    entries = [camera_mount(layout, CONFIG)]
    entries += [as_received(e) for e in image_entries(layout, drive, images, CONFIG)]
    again = next(e for e in entries if e.topic == COMPRESSED_TOPIC and seconds(e) > TWICE_AT)
    entries.append(replace(again, stamp_ns=again.stamp_ns + LATE_NS))
    entries += odometry_entries(drive, measured, moves, CONFIG)
    stamps = np.array([CONFIG.stamp_ns(time) for time in drive.times_s])
    return Trip(
        context,
        write_bag(folder / "query", entries, storage="mcap"),
        PoseTrack(stamps, drive.poses_map_base),
        PoseTrack(stamps[moves], measured[moves]),
        images=len(images),
    )


def kidnapped(layout: Any) -> tuple[Trajectory, np.ndarray]:
    """Two drives, one after the other, whose odometry goes on as if nothing had happened."""
    rng = np.random.default_rng(4)
    parts = [
        drive_between_random_cells(layout, HALF_S, rng=rng, config=DriveConfig(rate_hz=RATE_HZ))
        for _ in range(2)
    ]
    odometry = [wheel_odometry(part, rng=rng, noise=CONFIG.odometry_noise) for part in parts]
    first, second = parts
    assert np.hypot(*(second.poses_map_base[0] - first.poses_map_base[-1])[:2]) > 10
    shift_s = first.times_s[-1] + 1 / RATE_HZ
    drive = replace(
        first,
        times_s=np.concatenate((first.times_s, second.times_s + shift_s)),
        poses_map_base=np.concatenate((first.poses_map_base, second.poses_map_base)),
    )
    return drive, np.concatenate((odometry[0], compose(odometry[0][-1], odometry[1])))


def within(times_s: Any, span: tuple[float, float]) -> Any:
    return (times_s > span[0]) & (times_s < span[1])


def seconds(entry: Entry) -> float:
    return (stamp_ns(entry.content.header.stamp) - CONFIG.stamp_ns(0.0)) / SECOND


def as_received(entry: Entry) -> Entry:
    late = entry.topic == COMPRESSED_TOPIC and within(seconds(entry), LATE)
    return replace(entry, stamp_ns=entry.stamp_ns + LATE_NS) if late else entry


def test_the_bag_is_what_it_should_be(trip: Trip) -> None:
    recording = read_query(trip.query)
    assert len(recording) == trip.images
    gaps_s = np.diff(recording.odometry.stamps_ns) / SECOND
    assert gaps_s.max() == pytest.approx(STILL[1] - STILL[0], abs=0.1)


def test_a_drive_as_it_comes(trip: Trip, start: Any, probe: Any) -> None:
    weights = {"weights": default_weights_path(), "device": "cpu", "threads": 1}
    start("mapper", context_bag=trip.context, **weights)
    x, y, yaw = trip.truth.poses[0]
    localizer = start(
        "localizer",
        remap={"image": "/camera/image_raw"},
        min_particles=192,
        max_particles=192,
        image_transport="compressed",
        image_queue="all",
        update_min_d=0.0,
        set_initial_pose=True,
        **{"initial_pose.x": x, "initial_pose.y": y, "initial_pose.yaw": yaw},
        **weights,
    )
    probe.wait_for_state("map_views", "12")
    poses = probe.listen(PoseWithCovarianceStamped, "pose")
    transforms = probe.listen(TFMessage, "/tf")
    reports = probe.listen(LocalizerStatus, "status")
    topics = ["pose", "/tf", "status"]
    probe.wait(lambda: all(probe.node.count_publishers(t) for t in topics), "publishers")
    for loop in range(1, 4):
        player = start(
            "bag_player", bag=trip.query, rate=8.0, wait_for_subscribers=[COMPRESSED_TOPIC, "/odom"]
        )
        state = probe.wait_for_state("images_processed", str(loop * trip.images), seconds=120)
        assert state["dropped_out_of_order"] == str(loop)
        assert state["images_dropped"] == str(loop)
        probe.wait(lambda p=player: not p.alive, "the player to end")
    probe.wait(lambda: len(poses) == 3 * trip.images, "all poses")
    # Between images and after them the status is told as well, by the node's own time.
    latest = CONFIG.stamp_ns(3 * HALF_S)
    of_images = [r for r in reports if stamp_ns(r.header.stamp) < latest]
    assert len(of_images) == len(poses)

    laps = [poses[i * trip.images : (i + 1) * trip.images] for i in range(3)]
    assert_tracks(laps[0], trip)
    assert_transforms_agree(transforms, poses, of_images, trip)
    assert_kidnap_is_felt(of_images[: trip.images], trip)
    # Each loop starts anew, everywhere, and draws the same numbers.
    assert localizer.output.count("time jumped back") == 2
    for one, other in zip(*laps[1:], strict=True):
        assert one.header == other.header
        assert one.pose == other.pose
    assert laps[0][0].pose != laps[1][0].pose


def errors_m(messages: list[Any], trip: Trip) -> tuple[np.ndarray, np.ndarray]:
    """Times [s] and distances [m] from the truth."""
    off = [
        pose_with_covariance(m.pose)[0] - trip.truth.at(stamp_ns(m.header.stamp)) for m in messages
    ]
    times = [trip.seconds(stamp_ns(m.header.stamp)) for m in messages]
    return np.array(times), np.array([np.hypot(*d[:2]) for d in off])


def assert_tracks(messages: list[Any], trip: Trip) -> None:
    """From where it was said to be, the robot is tracked until somebody carries it away."""
    times, off = errors_m(messages, trip)
    assert off[times < HALF_S].max() < 2.0, off
    assert off[times > HALF_S][0] > 5.0, off


def assert_transforms_agree(
    messages: list[Any], poses: list[Any], reports: list[Any], trip: Trip
) -> None:
    """map -> odom, composed with odometry at the image, is the pose, told where it is trusted."""
    told = [t for m in messages for t in m.transforms if t.header.frame_id == "map"]
    trusted = (LocalizerStatus.TRACKING, LocalizerStatus.DEGRADED)
    of_pose = [p for p, r in zip(poses, reports, strict=True) if r.state in trusted]
    assert len(told) == len(of_pose)
    for transform, message in zip(told, of_pose, strict=True):
        shift, turn = transform.transform.translation, transform.transform.rotation
        pose_map_odom = np.array([shift.x, shift.y, 2 * np.arctan2(turn.z, turn.w)])
        pose_odom_base = trip.odometry.at(stamp_ns(message.header.stamp))
        difference = compose(pose_map_odom, pose_odom_base) - pose_with_covariance(message.pose)[0]
        np.testing.assert_allclose(difference[:2], 0.0, atol=1e-6)
        assert abs(wrap_angle(difference[2])) < 1e-6
        assert stamp_ns(transform.header.stamp) == stamp_ns(message.header.stamp) + SECOND


def assert_kidnap_is_felt(reports: list[Any], trip: Trip) -> None:
    """Somebody who is carried away sees what does not fit, and trusts the pose less."""
    times = np.array([trip.seconds(stamp_ns(r.header.stamp)) for r in reports])
    confidence = np.array([r.confidence for r in reports])
    before, after = confidence[times < HALF_S][-3:], confidence[times > HALF_S]
    assert after.min() < before.min(), confidence
    assert max(r.surprise for r, t in zip(reports, times, strict=True) if t > HALF_S) > 0.5
