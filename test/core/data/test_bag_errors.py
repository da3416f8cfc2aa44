"""Every way in which a bag can disappoint, caused on purpose, and what the user is then told."""

from __future__ import annotations

import math
import sqlite3

import numpy as np
import pytest

from dmn_core.data.bag import ViewSelection, list_topics, read_query, read_views
from dmn_core.errors import BagError, DecodingError, DmnError


def storage_file(path):
    files = (
        [f for f in path.iterdir() if f.suffix in (".mcap", ".db3")] if path.is_dir() else [path]
    )
    return files[0]


def test_missing_path(tmp_path) -> None:
    with pytest.raises(BagError, match=r"no bag at .*nowhere.*\*\.mcap"):
        read_views(tmp_path / "nowhere")


def test_a_path_that_is_no_bag(tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("no bag")
    with pytest.raises(BagError, match=r"does not end like a bag"):
        read_query(tmp_path / "notes.txt")
    with pytest.raises(BagError, match=r"holds no bag: wanted metadata\.yaml.*'notes\.txt'"):
        list_topics(tmp_path)


@pytest.mark.parametrize("kind", ["mcap", "sqlite3", "ros1"])
def test_missing_topic_names_those_that_are_there(bags, kind) -> None:
    path = bags.write(bags.images(3) + bags.poses(), kind=kind)
    expected = (
        r"wanted topic '/front';(?s:.*)/camera \(sensor_msgs/msg/Image, 3 messages\)"
        r"(?s:.*)/pose \(geometry_msgs/msg/PoseStamped, 42 messages\)"
    )
    with pytest.raises(BagError, match=expected):
        read_views(path, image_topic="/front")
    with pytest.raises(BagError, match=expected):
        read_views(path, pose_topic="/front")
    for option in ("image_topic", "odometry_topic", "truth_topic"):
        with pytest.raises(BagError, match=expected):
            read_query(path, **{"odometry_topic": "/pose", option: "/front"})


def test_a_topic_of_the_wrong_type(bags) -> None:
    path = bags.write(bags.images(3) + bags.poses())
    with pytest.raises(BagError, match=r"wanted an image topic .*'/pose' holds .*PoseStamped"):
        read_views(path, image_topic="/pose")
    with pytest.raises(BagError, match=r"wanted a pose topic .*'/camera' holds .*Image"):
        read_views(path, pose_topic="/camera")


def test_no_images_at_all(bags) -> None:
    with pytest.raises(BagError, match=r"wanted an image topic, found none;(?s:.*)/pose"):
        read_views(bags.write(bags.poses()))


def test_several_image_topics(bags) -> None:
    path = bags.write(bags.images(3) + bags.images(3, topic="/rear") + bags.poses())
    expected = r"wanted one image topic, found several: '/camera', '/rear'; choose.*image_topic"
    with pytest.raises(BagError, match=expected):
        read_views(path)


def test_several_pose_topics(bags) -> None:
    path = bags.write(bags.images(3) + bags.poses() + bags.poses(topic="/slam"))
    with pytest.raises(BagError, match=r"several: '/pose', '/slam'; choose one with pose_topic"):
        read_views(path)


def test_no_poses_in_the_map(bags) -> None:
    path = bags.write(bags.images(3) + bags.poses(frame="hall"))
    with pytest.raises(BagError, match=r"found no poses in frame 'map'(?s:.*)/pose"):
        read_views(path)
    with pytest.raises(BagError, match=r"wanted poses in frame 'map', but '/pose' .*in 'hall'"):
        read_views(path, pose_topic="/pose")


def test_no_overlap_in_time_prints_both_intervals(bags) -> None:
    path = bags.write(bags.images(3, start=100.0) + bags.poses())
    expected = (
        r"do not overlap in time: '/camera' runs from 1700000100\.000 s to 1700000100\.400 s, "
        r"the poses from 1700000000\.000 s to 1700000004\.100 s"
    )
    with pytest.raises(BagError, match=expected):
        read_views(path)


def test_images_that_were_never_stamped(bags) -> None:
    entry = bags.image(0, 1.0)
    entry.content.header.stamp.sec = 0
    with pytest.raises(BagError, match=r"do not overlap.*does not fill header\.stamp"):
        read_views(bags.write([entry, *bags.poses()]))


def test_poses_too_far_apart_in_time(bags) -> None:
    path = bags.write([bags.image(0, 5.0), bags.pose(0.0), bags.pose(10.0)])
    with pytest.raises(BagError, match=r"between two poses at most 1\.0 s apart"):
        read_views(path)
    (view,) = read_views(path, selection=ViewSelection(max_gap_s=10.0))
    np.testing.assert_allclose(view.pose_map_base, bags.drive_pose(5.0), atol=1e-9)


LARGE = (120, 160)


@pytest.mark.parametrize("kind", ["mcap", "sqlite3", "ros1"])
@pytest.mark.parametrize("part", [0.0, 0.001, 0.3, 0.9, 0.9999])
def test_a_truncated_bag_is_called_so(bags, kind, part) -> None:
    path = bags.write(bags.images(size=LARGE) + bags.poses(), kind=kind)
    file = storage_file(path)
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * part)])
    repair = {
        "mcap": rf"mcap recover {file} .*ros2 bag reindex -s mcap {path}",
        "sqlite3": rf"sqlite3 {file} .*ros2 bag reindex -s sqlite3 {path}",
        "ros1": rf"rosbag reindex {file}",
    }[kind]
    for target in {path, file}:
        with pytest.raises(BagError, match=rf"truncated or damaged.*{repair}"):
            read_views(target)


@pytest.mark.parametrize("kind", ["mcap", "sqlite3", "ros1"])
def test_a_bag_damaged_anywhere_gives_nothing_but_named_errors(bags, kind) -> None:
    path = bags.write(bags.images() + bags.poses(), kind=kind)
    file = storage_file(path)
    data = file.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(30):
        damaged = bytearray(data)
        start = int(rng.integers(0, len(data) - 64))
        damaged[start : start + 64] = rng.bytes(64)
        file.write_bytes(damaged)
        try:
            read_views(path)
        except DmnError:
            refused += 1
    assert refused > 0


def test_a_bag_of_an_unknown_storage_is_not_called_damaged(bags) -> None:
    path = bags.write(bags.images(3) + bags.poses())
    metadata = path / "metadata.yaml"
    metadata.write_text(
        metadata.read_text().replace("storage_identifier: mcap", "storage_identifier: x")
    )
    with pytest.raises(BagError, match=r"'x' not supported.*convert") as caught:
        read_views(path)
    assert "damaged" not in str(caught.value)


def test_a_message_cut_short_inside_a_whole_bag(bags) -> None:
    path = bags.write(bags.images(3) + bags.poses(), kind="sqlite3")
    with sqlite3.connect(path / "drive.db3") as database:
        database.execute("UPDATE messages SET data = substr(data, 1, 30)")
    with pytest.raises(BagError, match="truncated or damaged"):
        read_views(path)


def test_unknown_encoding_names_topic_and_known_encodings(bags) -> None:
    path = bags.write(bags.images(3, encoding="plasma9") + bags.poses())
    with pytest.raises(DecodingError, match=r"'/camera' at .*'plasma9'.*known encodings: .*rgb8"):
        read_views(path)


def test_image_with_too_little_data(bags) -> None:
    path = bags.write(bags.images(3, data=np.zeros(10, np.uint8)) + bags.poses())
    with pytest.raises(DecodingError, match=r"'/camera' at .*30 \* 8 = 240 bytes.*got 10"):
        read_views(path)


@pytest.mark.parametrize("source", ["pose", "odometry"])
def test_poses_that_are_no_numbers(bags, source) -> None:
    bad = getattr(bags, source)(2.0, topic="/where", frame="map")
    inner = bad.content.pose if source == "pose" else bad.content.pose.pose
    inner.position.x = math.nan
    good = [getattr(bags, source)(t, topic="/where", frame="map") for t in (0.0, 1.0, 3.0)]
    path = bags.write([*bags.images(3), bad, *good])
    with pytest.raises(DecodingError, match=r"'/where' at 1700000002\.000 s: .*finite"):
        read_views(path)


def test_orientation_that_was_never_filled_in(bags) -> None:
    bad = bags.pose(2.0)
    bad.content.pose.orientation.w = bad.content.pose.orientation.z = 0.0
    path = bags.write([*bags.images(3), bad])
    with pytest.raises(DecodingError, match=r"'/pose' at .*never filled in has length 0"):
        read_views(path)
