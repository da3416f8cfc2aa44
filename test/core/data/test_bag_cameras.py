"""Images of bags are brought to the network's camera where a camera_info tells theirs."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import Any

import numpy as np
import pytest

from dmn_core.cameras import ImageAdapter, NetworkCamera, PanoramaCamera, camera_from_info
from dmn_core.data import message_factory as make
from dmn_core.data.bag import ViewSelection, read_camera_views, read_query, read_views
from dmn_core.data.bag_output import Entry
from dmn_core.data.view_topics import ViewTopics
from dmn_core.errors import BagError, CameraError

EVERY = ViewSelection(min_distance_m=0.0, min_turn_rad=0.0, max_views=None)
TARGET = NetworkCamera(16, 16)
SIZE = (48, 64)
# 64 pixels across 60 degrees.
NARROW = make.camera_info(64, 48, 55.4, 0, "camera")


def entries(bags: Any, *infos: Entry) -> list[Entry]:
    images = [bags.image(n, 0.1 * n, topic="/camera/image_raw", size=SIZE) for n in range(1, 11)]
    odometry = [bags.odometry(0.1 * n) for n in range(20)]
    return [*images, *bags.poses(), *odometry, *infos]


def info(bags: Any, content: Any = NARROW, *, topic: str = "/camera/camera_info") -> Entry:
    return Entry(bags.stamp(0.1), topic, content)


def pictures(bags: Any) -> list[np.ndarray]:
    return [bags.picture(n, height=SIZE[0], width=SIZE[1]) for n in range(1, 11)]


def check(path: Any, expected: list[np.ndarray], **options: Any) -> None:
    """Context and query read alike."""
    views = read_views(path, selection=EVERY, target=TARGET, **options)
    drive = read_query(path, target=TARGET, **options)
    for got in ([view.image for view in views], [image for _, image in drive]):
        assert len(got) == len(expected)
        for image, wanted in zip(got, expected, strict=True):
            np.testing.assert_array_equal(image, wanted)


@pytest.mark.parametrize("kind", ["mcap", "ros1"])
def test_images_become_those_of_the_network(bags: Any, kind: str) -> None:
    adapter = ImageAdapter(camera_from_info(NARROW), TARGET)
    path = bags.write(entries(bags, info(bags)), kind=kind)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(path, [adapter(picture) for picture in pictures(bags)])


def test_without_a_target_or_by_choice_images_stay_as_they_are(bags: Any) -> None:
    path = bags.write(entries(bags, info(bags)))
    check(path, pictures(bags), camera="none")
    assert {view.image.shape for view in read_views(path)} == {(*SIZE, 3)}


def test_images_can_be_said_to_be_panoramas(bags: Any) -> None:
    adapter = ImageAdapter(PanoramaCamera(64, 48, 360.0, 180.0), TARGET)
    path = bags.write(entries(bags))
    check(path, [adapter(picture) for picture in pictures(bags)], camera="panorama")


def test_a_bag_that_says_nothing_of_its_camera_warns(bags: Any) -> None:
    path = bags.write(entries(bags, info(bags, topic="/rear/camera_info")))
    with pytest.warns(UserWarning, match="no camera_info at '/camera/camera_info'.*90 x 90"):
        check(path, pictures(bags))


def test_a_camera_that_was_never_calibrated_warns(bags: Any) -> None:
    zero = dataclasses.replace(NARROW, k=np.zeros(9))
    path = bags.write(entries(bags, info(bags, zero)))
    with pytest.warns(UserWarning, match="'/camera/camera_info'.*calibrate the camera.*90 x 90"):
        check(path, pictures(bags))


def test_a_calibration_that_cannot_be_is_refused(bags: Any) -> None:
    strange = dataclasses.replace(NARROW, distortion_model="mirror", d=np.ones(3))
    path = bags.write(entries(bags, info(bags, strange)))
    with pytest.raises(CameraError, match="'/camera/camera_info'.*distortion_model"):
        read_query(path, target=TARGET)
    cropped = dataclasses.replace(NARROW, width=100)
    path = bags.write(entries(bags, info(bags, cropped)), name="cropped")
    with pytest.raises(CameraError, match="100 x 48.*64 x 48"):
        read_views(path, target=TARGET)


# x right, y down, z ahead, in a frame whose x is ahead.
OPTICAL = (-0.5, 0.5, -0.5, 0.5)


def mast(bags: Any, *, optical: str = "camera_optical") -> list[Entry]:
    """A camera ahead of the robot and to its left, looking left; and a base that moves."""
    turned = make.transform((0.1, 0.0, 0.4), OPTICAL, bags.stamp(0.0), "mast", optical)
    return [
        bags.transform((0.5, 0.2, math.pi / 2), 0.0, "base_link", "/mast", topic="/tf_static"),
        Entry(bags.stamp(0.0), "/tf_static", make.tf_message(turned)),
        *(bags.transform((t, 0.0, 0.0), t, "odom", "base_link") for t in (0.0, 1.0, 2.0)),
    ]


def seen_by(bags: Any, frame: str) -> list[Entry]:
    """A drive whose images are of a frame."""
    return [
        bags.image(n, 0.1 * n, header=make.header(bags.stamp(0.1 * n), frame)) for n in range(1, 11)
    ] + bags.poses()


@pytest.mark.parametrize("kind", ["mcap", "sqlite3", "ros1"])
def test_the_place_of_the_camera_comes_from_tf_static_where_asked_for(bags: Any, kind: str) -> None:
    path = bags.write([*seen_by(bags, "/camera_optical"), *mast(bags)], kind=kind)
    of = {
        name: read_camera_views(path, topics, selection=EVERY)[1]
        for name, topics in {
            "tf": ViewTopics(camera_pose_source="tf", pose_base_camera=(9.0, 9.0, 1.0)),
            "stated": ViewTopics(pose_base_camera=(0.5, 0.3, math.pi / 2)),
            "usual": ViewTopics(),
        }.items()
    }
    assert of["tf"].shape == (10, 3)
    np.testing.assert_allclose(of["tf"], of["stated"], atol=1e-9)
    assert np.abs(of["tf"] - of["usual"]).max() > 1.0


def test_a_bag_that_does_not_say_where_its_camera_is_says_so(bags: Any) -> None:
    topics = ViewTopics(camera_pose_source="tf")
    for name, static, words in (
        ("none", [], "connects 'base_link' not to 'camera_optical'"),
        ("other", mast(bags, optical="other_optical"), "not to 'camera_optical'"),
        ("down", [*mast(bags), *down(bags)], "along the floor"),
    ):
        path = bags.write([*seen_by(bags, "camera_optical"), *static], name=name)
        with pytest.raises(BagError, match=words) as caught:
            read_camera_views(path, topics, selection=EVERY)
        assert str(path) in str(caught.value)
        assert "pose_base_camera" in str(caught.value)


def down(bags: Any) -> list[Entry]:
    """The camera's z axis is that of the mast, which points up."""
    up = make.transform((0.0, 0.0, 0.4), (0.0, 0.0, 0.0, 1.0), 0, "mast", "camera_optical")
    return [Entry(bags.stamp(0.1), "/tf_static", make.tf_message(up))]
