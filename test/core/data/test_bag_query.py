"""Query drives: images in order of stamps and one at a time, odometry, truth."""

from __future__ import annotations

import numpy as np
import pytest

from dmn_core.data.bag import read_query
from dmn_core.errors import BagError, DecodingError
from dmn_core.pose_track import OdometryBuffer, compose, inverse


def odometry(bags, **options):
    return [bags.odometry(0.1 * index, **options) for index in range(42)]


@pytest.mark.parametrize("kind", ["mcap", "sqlite3", "ros1"])
def test_images_odometry_and_truth(bags, kind) -> None:
    entries = bags.images() + odometry(bags) + bags.poses(topic="/ground_truth")
    recording = read_query(bags.write(entries, kind=kind))
    assert len(recording) == 20
    assert recording.image_topic.name == "/camera"
    for _ in range(2):  # the recording can be played again
        for number, (stamp, image) in enumerate(recording):
            assert stamp == recording.stamps_ns[number] == bags.stamp(0.05 + 0.2 * number)
            np.testing.assert_array_equal(image, bags.picture(number))
    assert (recording.odometry.frame_id, recording.odometry.child_frame_id) == ("odom", "base_link")
    assert recording.truth is not None
    assert recording.truth.frame_id == "map"
    for track in (recording.odometry, recording.truth):
        np.testing.assert_allclose(track.poses[3], bags.drive_pose(0.3), atol=1e-12)


def test_odometry_equals_that_of_the_live_buffer_bit_for_bit(bags) -> None:
    recording = read_query(bags.write(bags.images() + odometry(bags)))
    buffer = OdometryBuffer()
    for stamp, pose in zip(recording.odometry.stamps_ns, recording.odometry.poses, strict=True):
        buffer.append(int(stamp), pose)
    for stamp in recording.stamps_ns:
        assert buffer.at(int(stamp)).tobytes() == recording.odometry.at(int(stamp)).tobytes()


@pytest.mark.parametrize("kind", ["mcap", "sqlite3", "ros1"])
def test_images_recorded_out_of_order_come_in_order_of_stamps(bags, kind) -> None:
    late = {3: 0.7, 4: 0.86, 11: 3.99}
    entries = [
        bags.image(n, 0.05 + 0.2 * n, recorded=late.get(n, 0.05 + 0.2 * n)) for n in range(20)
    ]
    entries.append(bags.image(99, 0.05 + 0.2 * 7, recorded=3.9))  # a stamp that was there already
    recording = read_query(bags.write(entries + odometry(bags), kind=kind))
    got = list(recording)
    assert [stamp for stamp, _ in got] == [bags.stamp(0.05 + 0.2 * n) for n in range(20)]
    for number, (_, image) in enumerate(got):
        np.testing.assert_array_equal(image, bags.picture(number))


def test_images_are_decoded_only_when_asked_for(bags) -> None:
    entries = [
        bags.image(n, 0.05 + 0.2 * n, **({} if n < 2 else {"encoding": "plasma9"}))
        for n in range(9)
    ]
    images = iter(read_query(bags.write(entries + odometry(bags))))
    next(images)
    next(images)
    with pytest.raises(DecodingError, match=r"'/camera' at 1700000000\.450 s: .*'plasma9'.*rgb8"):
        next(images)


def test_without_truth_there_is_none(bags) -> None:
    assert read_query(bags.write(bags.images() + odometry(bags))).truth is None


def test_odometry_in_the_map_is_no_odometry(bags) -> None:
    entries = bags.images() + odometry(bags) + odometry(bags, topic="/slam", frame="map")
    recording = read_query(bags.write(entries), truth_topic="/slam")
    assert recording.odometry.frame_id == "odom"
    assert recording.truth is not None
    assert recording.truth.frame_id == "map"


def test_several_odometry_topics_must_be_told_apart(bags) -> None:
    entries = bags.images() + odometry(bags) + odometry(bags, topic="/filtered")
    path = bags.write(entries)
    with pytest.raises(
        BagError, match=r"several: '/filtered', '/odom'; choose one .*odometry_topic"
    ):
        read_query(path)
    assert len(read_query(path, odometry_topic="/filtered").odometry) == 42


def test_odometry_and_truth_from_tf(bags) -> None:
    correction = np.array([3.0, -1.0, 0.7])
    entries = bags.images()
    for index in range(42):
        seconds = 0.1 * index
        moved = compose(inverse(correction), bags.drive_pose(seconds))
        entries.append(bags.transform(moved, seconds, "odom", "base_link"))
        entries.append(bags.transform(correction, seconds + 0.03, "map", "odom"))
    recording = read_query(bags.write(entries), truth_topic="/tf")
    assert recording.truth is not None
    assert len(recording.odometry) == 42
    for seconds in (0.5, 1.234, 3.9):
        stamp = bags.stamp(seconds)
        truth = recording.truth.at(stamp)
        np.testing.assert_allclose(truth, bags.drive_pose(seconds), atol=1e-9)
        moved = compose(inverse(correction), bags.drive_pose(seconds))
        np.testing.assert_allclose(recording.odometry.at(stamp), moved, atol=1e-9)


def test_no_odometry_names_the_topics(bags) -> None:
    with pytest.raises(BagError, match=r"odometry topic, found none;(?s:.*)/camera \(sensor_msgs"):
        read_query(bags.write(bags.images() + bags.poses()))


@pytest.mark.parametrize(("late", "what"), [("odometry", "odometry"), ("truth", "the truth")])
def test_tracks_that_do_not_meet_the_images_are_refused(bags, late, what) -> None:
    shift = {"odometry": 0.0, "truth": 0.0, late: 100.0}
    entries = bags.images() + [bags.odometry(shift["odometry"] + 0.1 * i) for i in range(42)]
    entries += bags.poses(topic="/ground_truth", start=shift["truth"])
    with pytest.raises(BagError, match=rf"images and {what} do not overlap in time"):
        read_query(bags.write(entries))
