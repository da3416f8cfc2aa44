"""Context views from every kind of bag: the right images, with the right poses."""

from __future__ import annotations

import math
import shutil
import sqlite3

import numpy as np
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from dmn_core.data import message_factory as make
from dmn_core.data.bag import ViewSelection, list_topics, read_views, select_views
from dmn_core.data.bag_output import Entry
from dmn_core.errors import BagError
from dmn_core.pose_track import wrap_angle

EVERY = ViewSelection(min_distance_m=0.0, min_turn_rad=0.0, max_views=None)


def check_drive(views, bags, numbers=range(20), start=0.05) -> None:
    assert [view.stamp_ns for view in views] == [bags.stamp(start + 0.2 * n) for n in numbers]
    for view, number in zip(views, numbers, strict=True):
        np.testing.assert_array_equal(view.image, bags.picture(number))
        error = view.pose_map_base - bags.drive_pose(start + 0.2 * number)
        np.testing.assert_allclose(error[:2], 0.0, atol=1e-9)
        assert abs(float(wrap_angle(error[2]))) < 1e-9


@pytest.mark.parametrize("kind", ["mcap", "sqlite3", "ros1"])
def test_images_are_posed_at_their_own_stamps(bags, kind) -> None:
    path = bags.write(bags.images() + bags.poses(), kind=kind)
    check_drive(read_views(path, selection=EVERY), bags)


@pytest.mark.parametrize(("kind", "suffix"), [("mcap", ".mcap"), ("sqlite3", ".db3")])
def test_a_single_file_and_a_folder_without_metadata_are_read(bags, kind, suffix) -> None:
    path = bags.write(bags.images() + bags.poses(), kind=kind)
    check_drive(read_views(path / f"drive{suffix}", selection=EVERY), bags)
    (path / "metadata.yaml").unlink()
    check_drive(read_views(path, selection=EVERY), bags)


def test_a_folder_of_ros1_bags_is_one_recording(bags) -> None:
    first = bags.write(bags.images() + bags.poses()[:20], kind="ros1", name="one")
    second = bags.write(bags.poses()[20:], kind="ros1", name="two")
    folder = bags.folder / "split"
    folder.mkdir()
    for part in (first, second):
        shutil.move(part, folder)
    check_drive(read_views(folder, selection=EVERY), bags)


def test_a_bag_without_message_definitions_is_read(bags) -> None:
    path = bags.write(bags.images() + bags.poses(), kind="sqlite3")
    with sqlite3.connect(path / "drive.db3") as database:
        database.execute("DELETE FROM message_definitions")
    check_drive(read_views(path, selection=EVERY), bags)


@pytest.mark.parametrize("mode", [CompressionMode.MESSAGE, CompressionMode.FILE])
def test_a_compressed_bag_is_read(bags, mode) -> None:
    writer = Writer(bags.folder / "zstd", version=9, storage_plugin=StoragePlugin.SQLITE3)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connections = {}
        for entry in bags.images() + bags.poses():
            if entry.topic not in connections:
                connections[entry.topic] = writer.add_connection(
                    entry.topic, entry.content.__msgtype__, typestore=make.TYPESTORE
                )
            content = make.serialize(entry.content)
            writer.write(connections[entry.topic], entry.stamp_ns, content)
    check_drive(read_views(bags.folder / "zstd", selection=EVERY), bags)


@pytest.mark.parametrize("kind", ["mcap", "ros1"])
@pytest.mark.parametrize("source", ["covariance_pose", "odometry"])
def test_other_pose_messages(bags, kind, source) -> None:
    poses = [getattr(bags, source)(0.1 * i, topic="/where", frame="map") for i in range(42)]
    path = bags.write(bags.images() + poses, kind=kind)
    check_drive(read_views(path, selection=EVERY), bags)


def test_compressed_images(bags) -> None:
    smooth = np.tile(np.linspace(40, 200, 32, dtype=np.uint8)[:, None, None], (1, 32, 3))
    smooth[..., 0] //= 2
    stamp = bags.stamp(0.5)
    content = make.compressed_image(smooth, stamp, "camera", jpeg_quality=95)
    path = bags.write([Entry(stamp, "/camera/compressed", content), *bags.poses()])
    (view,) = read_views(path)
    assert np.abs(view.image.astype(int) - smooth.astype(int)).max() < 8


def test_topics_and_frames_can_be_named(bags) -> None:
    entries = bags.images() + bags.images(topic="/other", start=0.1)
    entries += bags.poses() + bags.poses(topic="/somewhere", frame="hall")
    path = bags.write(entries)
    views = read_views(path, image_topic="other", pose_topic="/pose", selection=EVERY)
    check_drive(views, bags, start=0.1)
    views = read_views(path, image_topic="/camera", map_frame="hall", selection=EVERY)
    check_drive(views, bags)


def test_poses_in_other_frames_and_goals_do_not_confuse(bags) -> None:
    entries = bags.images() + bags.poses() + bags.poses(topic="/odom_pose", frame="odom")
    entries += [*bags.poses(topic="/goal_pose"), bags.covariance_pose(0.3, topic="/initialpose")]
    check_drive(read_views(bags.write(entries), selection=EVERY), bags)


def test_images_outside_the_poses_are_left_out(bags) -> None:
    path = bags.write(bags.images(40) + bags.poses())
    check_drive(read_views(path, selection=EVERY), bags, range(21))


def test_only_the_chosen_images_are_decoded(bags) -> None:
    selection = ViewSelection(min_distance_m=1.0, min_turn_rad=10.0, max_views=None)
    entries = [
        bags.image(n, 0.05 + 0.2 * n, **({} if n % 5 == 0 else {"encoding": "unreadable"}))
        for n in range(20)
    ]
    views = read_views(bags.write(entries + bags.poses()), selection=selection)
    check_drive(views, bags, range(0, 20, 5))


def test_list_topics(bags) -> None:
    path = bags.write(bags.images() + bags.poses())
    got = [(topic.name, topic.type_name, topic.count) for topic in list_topics(path)]
    assert got == [
        ("/camera", "sensor_msgs/msg/Image", 20),
        ("/pose", "geometry_msgs/msg/PoseStamped", 42),
    ]


def test_views_are_new_by_distance_or_by_turn() -> None:
    poses = np.array(
        [[0, 0, 3.1], [0.3, 0, 3.1], [0.3, 0, -3.1], [0.3, 0, -2.8], [1.0, 0, 3.1], [0, 0, 3.1]]
    )
    selection = ViewSelection(min_distance_m=0.5, min_turn_rad=0.3, max_views=None)
    assert select_views(poses, selection).tolist() == [0, 3, 4]


def test_few_views_are_spread() -> None:
    rng = np.random.default_rng(3)
    cluster = rng.normal(0, 0.05, (200, 3))
    far = np.array([[10, 0, 0], [0, 10, 0], [0, 0, math.pi / 2], [10, 10, 0]])
    poses = np.concatenate([cluster, far])
    selection = ViewSelection(min_distance_m=0.0, min_turn_rad=0.0, max_views=5)
    assert set(select_views(poses, selection).tolist()) == {0, 200, 201, 202, 203}
    # Any first part is what a smaller number would have chosen.
    fewer = ViewSelection(min_distance_m=0.0, min_turn_rad=0.0, max_views=3)
    assert select_views(poses, selection)[:3].tolist() == select_views(poses, fewer).tolist()


def test_equal_poses_are_not_chosen_twice_by_spreading() -> None:
    selection = ViewSelection(min_distance_m=0.0, min_turn_rad=0.0, max_views=4)
    assert sorted(select_views(np.zeros((5, 3)), selection)) == [0, 1, 2, 3]


@pytest.mark.parametrize("bad", [{"min_distance_m": -1.0}, {"max_views": 0}, {"max_gap_s": -1.0}])
def test_selection_out_of_range_is_refused(bad) -> None:
    with pytest.raises(BagError, match=f"{next(iter(bad))} must"):
        ViewSelection(**bad)
