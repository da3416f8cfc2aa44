"""A drive as it comes: images late, twice and missing, odometry with a gap, a kidnap, and loops.

The shipped weights localize it; pose topic and map -> odom -> base are compared with the truth, on
every lap of the loop. Somebody states a pose in each, a little late.
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
    DRIVE_RATE_HZ,
    RecordingConfig,
    camera_mount,
    image_entries,
    odometry_entries,
)
from dmn_core.data.message_factory import TYPESTORE, header, message
from dmn_core.data.message_factory import pose as pose_message
from dmn_core.data.recording import record_context_bag
from dmn_core.data.ros_decoding import pose_with_covariance, stamp_ns
from dmn_core.pose_track import PoseTrack, compose, wrap_angle
from dmn_core.weights import default_weights_path
from dmn_core.worlds.kidnapped_drive import drive_and_be_kidnapped
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import CameraConfig
from dmn_core.worlds.trajectory import DriveConfig, Trajectory

CONFIG = RecordingConfig(
    camera=CameraConfig(32, 32, supersampling=1.0), image_rate_hz=2.0, jpeg_quality=95
)
HALF_S, RATE_HZ = 6.0, DRIVE_RATE_HZ
# Seconds after the first sample: images that come late, none at all, and none of the wheels.
LATE, DARK, STILL = (1.0, 2.2), (2.6, 3.8), (4.2, 4.8)
LATE_NS, TWICE_AT = 400_000_000, 5.0
# When a pose is stated, and of which time; images of the time after must be near the truth. The bag
# pauses for it, midway between two images, as nothing else orders topics on a loaded machine; the
# time is that of the image before, of which it is known that odometry has come.
STATED_AT, STATED_OF, FOUND_AT = 0.27, 0.02, 0.4
SECOND = 1_000_000_000
# Topics of the bag: the localizer hears all but /tf, and the probe that one.
HEARD = [COMPRESSED_TOPIC, "/odom", "/tf"]
# At the end of each lap, images by which it has found out where it was carried, and how well.
FOUND_IMAGES, FOUND_M = 4, 4.0


@dataclass(frozen=True)
class Trip:
    """A drive that is interrupted by a kidnap, as a bag, the pose to state, and what is known."""

    context: Path
    query: Path
    stated: bytes
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
    kidnapped = drive_and_be_kidnapped(
        layout, HALF_S, rng=np.random.default_rng(4), config=DriveConfig(rate_hz=RATE_HZ)
    )
    drive, measured = kidnapped.trajectory, kidnapped.poses_odom_base
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
        stated_pose(drive),
        PoseTrack(stamps, drive.poses_map_base),
        PoseTrack(stamps[moves], measured[moves]),
        images=len(images),
    )


def stated_pose(drive: Trajectory) -> bytes:
    """Where somebody says that the robot was, as of a recorded click in RViz."""
    covariance = np.zeros(36)
    covariance[[0, 7]], covariance[35] = 0.25, 0.0685
    (sample,) = np.flatnonzero(np.isclose(drive.times_s, STATED_OF))
    pose = message(
        "geometry_msgs/msg/PoseWithCovariance",
        pose=pose_message(drive.poses_map_base[sample]),
        covariance=covariance,
    )
    kind = "geometry_msgs/msg/PoseWithCovarianceStamped"
    content = message(
        kind,
        header=header(CONFIG.stamp_ns(STATED_OF), "map"),
        pose=pose,
    )
    return bytes(TYPESTORE.serialize_cdr(content, kind))


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


def test_a_drive_as_it_comes(
    trip: Trip, start: Any, probe: Any, cut_bag: Any, tmp_path: Path
) -> None:
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
        # Two images a second for six seconds: it shall not take many to give the robot up.
        lost_confidence=0.45,
        set_initial_pose=True,
        **{"initial_pose.x": x, "initial_pose.y": y, "initial_pose.yaw": yaw},
        **weights,
    )
    probe.wait_for_state("map_views", "12")
    poses = probe.listen(PoseWithCovarianceStamped, "pose")
    transforms = probe.listen(TFMessage, "/tf")
    reports = probe.statuses()
    starts = probe.publisher(PoseWithCovarianceStamped, "/initialpose")

    def play(bag: Path, *, images: int) -> dict[str, str]:
        player = start("bag_player", bag=bag, rate=2.0, wait_for_subscribers=HEARD, wait_s=120.0)
        state: dict[str, str] = probe.wait_for_state("images_processed", str(images))
        probe.wait(lambda: not player.alive, "the player to end")
        return state

    begin = cut_bag(trip.query, tmp_path / "begin", lambda _, time_s: time_s < STATED_AT)
    rest = cut_bag(trip.query, tmp_path / "rest", lambda _, time_s: time_s >= STATED_AT)
    for loop in range(1, 4):
        play(begin, images=(loop - 1) * trip.images + 1)
        starts.publish(trip.stated)
        probe.wait(lambda n=loop: localizer.output.count("starting at") == n, "the stated pose")
        state = play(rest, images=loop * trip.images)
        assert state["dropped_out_of_order"] == str(loop)
        assert state["images_dropped"] == str(loop)
    probe.wait(lambda: len(poses) == 3 * trip.images, "all poses")
    # Between images and after them the status is told as well, by the node's own time.
    latest = CONFIG.stamp_ns(3 * HALF_S)

    def reports_of_images() -> list[Any]:
        return [r for r in reports if stamp_ns(r.header.stamp) < latest]

    probe.wait(lambda: len(reports_of_images()) == len(poses), "the status of each pose")
    of_images = reports_of_images()

    laps = [poses[i * trip.images : (i + 1) * trip.images] for i in range(3)]
    assert_begins(laps, trip)
    for number, lap in enumerate(laps):
        assert_tracks(lap, trip)
        reports_of_lap = of_images[number * trip.images :][: trip.images]
        assert_kidnap_is_felt(reports_of_lap, trip)
    # map -> odom is told with every pose, but for those of a robot that is lost.
    told = [p for p, r in zip(poses, of_images, strict=True) if r.state != LocalizerStatus.LOST]
    probe.wait(lambda: len(between(transforms, "map")) == len(told), "all transforms")
    assert_transforms_agree(transforms, told, trip)
    # Each loop starts as the first one did, and draws the same numbers.
    assert localizer.output.count("time jumped back") == 2
    for number, (one, *others) in enumerate(zip(*laps, strict=True)):
        for other in others:
            assert other.header == one.header, number
            found, first = (pose_with_covariance(lap.pose) for lap in (other, one))
            assert other.pose == one.pose, (number, found, first)


def errors_m(messages: list[Any], trip: Trip) -> tuple[np.ndarray, np.ndarray]:
    """Times [s] and distances [m] from the truth."""
    off = [
        pose_with_covariance(m.pose)[0] - trip.truth.at(stamp_ns(m.header.stamp)) for m in messages
    ]
    times = [trip.seconds(stamp_ns(m.header.stamp)) for m in messages]
    return np.array(times), np.array([np.hypot(*d[:2]) for d in off])


def assert_begins(laps: list[Any], trip: Trip) -> None:
    """At the place of the parameters, each time."""
    first = [errors_m(lap[:1], trip)[1][0] for lap in laps]
    assert max(first) < 1.0, first


def assert_tracks(messages: list[Any], trip: Trip) -> None:
    """The robot is tracked until somebody carries it away, and again once it was found there."""
    times, off = errors_m(messages, trip)
    assert off[within(times, (FOUND_AT, HALF_S))].max() < 2.0, off
    assert off[times > HALF_S][0] > 5.0, off
    assert off[-FOUND_IMAGES:].max() < FOUND_M, off


def between(messages: list[Any], frame: str) -> list[Any]:
    """The transforms whose parent is a frame."""
    return [t for m in messages for t in m.transforms if t.header.frame_id == frame]


def assert_transforms_agree(messages: list[Any], poses: list[Any], trip: Trip) -> None:
    """map -> odom of each lap, with odom -> base of tf at the image, is the pose and the truth."""
    moved = {stamp_ns(t.header.stamp): planar(t) for t in between(messages, "odom")}
    odometry = PoseTrack(np.array(sorted(moved)), np.array([moved[s] for s in sorted(moved)]))
    near = 0
    for transform, told in zip(between(messages, "map"), poses, strict=True):
        stamp = stamp_ns(told.header.stamp)
        assert stamp_ns(transform.header.stamp) == stamp + SECOND
        pose_map_base = compose(planar(transform), odometry.at(stamp))
        difference = pose_map_base - pose_with_covariance(told.pose)[0]
        np.testing.assert_allclose(difference[:2], 0.0, atol=1e-6)
        assert abs(wrap_angle(difference[2])) < 1e-6
        if within(trip.seconds(stamp), (FOUND_AT, HALF_S)):
            off = pose_map_base - trip.truth.at(stamp)
            assert np.hypot(*off[:2]) < 2.0
            assert abs(wrap_angle(off[2])) < 0.5
            near += 1
    # All images before the kidnap but the first, and those in the dark, on each of three laps.
    assert near == 3 * 9


def planar(transform: Any) -> np.ndarray:
    shift, turn = transform.transform.translation, transform.transform.rotation
    return np.array([shift.x, shift.y, 2 * np.arctan2(turn.z, turn.w)])


def assert_kidnap_is_felt(reports: list[Any], trip: Trip) -> None:
    """Somebody who is carried away sees what does not fit, is lost, and then is not."""
    times = np.array([trip.seconds(stamp_ns(r.header.stamp)) for r in reports])
    states = np.array([r.state for r in reports])
    confidence = str([round(r.confidence, 2) for r in reports])
    carried = int(np.argmax(times >= HALF_S))
    assert set(states[:carried]) == {LocalizerStatus.TRACKING}, confidence
    assert LocalizerStatus.LOST in states[carried:-FOUND_IMAGES], confidence
    assert set(states[-FOUND_IMAGES:]) == {LocalizerStatus.TRACKING}, confidence
    assert max(r.surprise for r in reports[carried:]) > 0.5
