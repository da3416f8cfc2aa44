"""Recordings as environments: held out in time, cut into areas, localized where mapped."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from dmn_core.cameras import ImageAdapter, NetworkCamera, camera_from_info
from dmn_core.data import message_factory as make
from dmn_core.data.bag import ViewSelection, select_views
from dmn_core.data.bag_environments import LEAST_CONTEXTS, LEAST_QUERIES
from dmn_core.data.bag_output import Entry
from dmn_core.data.batching import draw_episodes
from dmn_core.data.episode import ViewRole
from dmn_core.data.sources import DataConfig, load_environments
from dmn_core.data.view_topics import ViewTopics
from dmn_core.errors import BagError, ConfigurationError, DataError

SIZE = (8, 10)  # that of the pictures
QUERY_ONLY, CONTEXT_ONLY = int(ViewRole.QUERY), int(ViewRole.CONTEXT)


def circle(number: int) -> np.ndarray:
    """A circle of radius 3 m around (100, 50), 40 images a round."""
    angle = 2 * math.pi * number / 40
    x, y = 100 + 3 * math.cos(angle), 50 + 3 * math.sin(angle)
    return np.array([x, y, (angle + math.pi / 2 + math.pi) % (2 * math.pi) - math.pi])


def shuttle(number: int) -> np.ndarray:
    """Along a corridor of 100 m and back, 2 m an image."""
    x = 2.0 * (50 - abs(number % 100 - 50))
    return np.array([x, 0.0, 0.0 if number % 100 < 50 else math.pi - 1e-9])


def record(bags, path, count: int, *, name: str = "drive", topic: str = "/pose"):
    """A bag of numbered images, each with its pose at the same moment."""
    entries = []
    for number in range(count):
        seconds = 0.2 * number
        pose = make.pose_stamped(path(number), bags.stamp(seconds), "map")
        entries += [bags.image(number, seconds), Entry(bags.stamp(seconds), topic, pose)]
    return bags.write(entries, name=name)


def load(split, *paths, image_size=SIZE, **options):
    config = DataConfig(data="bags", bag=tuple(map(str, paths)), **options)
    return load_environments(config, split, image_size=image_size)


def numbers(environments, bags, views) -> list[int]:
    """Which images of the recording these views show."""
    known = {bags.picture(number).tobytes(): number for number in range(200)}
    return [known[image.tobytes()] for image in environments.images_of(views).numpy()]


def test_a_recording_is_held_out_in_time(bags) -> None:
    path = record(bags, circle, 100)
    train = load("train", path)
    assert len(train) == 1
    assert numbers(train, bags, train.views_of(0)) == list(range(80))
    assert (train.roles == int(ViewRole.ANY)).all() and len(train.images) == 80
    for split, own in (("validation", range(80, 90)), ("test", range(90, 100))):
        held_out = load(split, path)
        contexts = held_out.views_of(0, ViewRole.CONTEXT)
        queries = held_out.views_of(0, ViewRole.QUERY)
        assert numbers(held_out, bags, contexts) == list(range(80))
        assert numbers(held_out, bags, queries) == list(own)
        assert not np.intersect1d(contexts, queries).size


def test_poses_are_around_the_middle_in_metres_and_give_egomotion(bags) -> None:
    train = load("train", record(bags, circle, 100))
    wanted = np.array([circle(number) for number in range(80)]) - (100, 50, 0)
    np.testing.assert_allclose(train.poses_map_camera, wanted, atol=1e-4)
    episodes = draw_episodes(train, batch=2, contexts=4, queries=5, rng=np.random.default_rng(0))
    for t in range(1, 5):
        before, after = episodes.query_poses[:, t - 1], episodes.query_poses[:, t]
        moved = episodes.odometry(t)
        distance = (after - before)[:, :2].norm(dim=-1)
        torch.testing.assert_close(moved[:, :2].norm(dim=-1), distance, atol=1e-4, rtol=0)


def test_the_area_is_what_was_driven_with_the_margin_of_maps(bags) -> None:
    room = record(bags, circle, 100, name="room")
    for split in ("train", "validation", "test"):
        assert load(split, room).area_m == pytest.approx((-6.0, 6.0, -6.0, 6.0))
    hall = record(bags, lambda n: circle(n) * (2.0, 1.0, 1.0), 100, name="hall")
    assert load("train", room, hall).area_m == pytest.approx((-9.0, 9.0, -6.0, 6.0))
    corridor = load("train", record(bags, shuttle, 200, name="corridor"))
    assert corridor.area_m == pytest.approx((-20.0, 20.0, -3.0, 3.0))


def test_images_are_brought_to_the_field_of_view_that_is_wanted(bags) -> None:
    target = NetworkCamera(16, 12, 50.0, 50.0)
    info = make.camera_info(64, 48, 55.4, 0, "camera")  # 64 pixels across 60 degrees
    entries = [Entry(bags.stamp(0.1), "/camera/camera_info", info)]
    for number in range(60):
        seconds = 0.2 * number
        pose = make.pose_stamped(circle(number), bags.stamp(seconds), "map")
        image = bags.image(number, seconds, topic="/camera/image_raw", size=(48, 64))
        entries += [image, Entry(bags.stamp(seconds), "/pose", pose)]
    config = DataConfig(data="bags", bag=(str(bags.write(entries)),))
    found = load_environments(config, "train", image_size=(12, 16), field_of_view_deg=(50.0, 50.0))
    first = ImageAdapter(camera_from_info(info), target)(bags.picture(0, height=48, width=64))
    np.testing.assert_array_equal(found.images[0].numpy(), first)
    usual = load_environments(config, "train", image_size=(12, 16))
    assert not np.array_equal(usual.images[0].numpy(), first)


def test_episodes_of_later_time_are_localized_among_earlier_views(bags) -> None:
    held_out = load("test", record(bags, circle, 100))
    episodes = draw_episodes(held_out, batch=4, contexts=4, queries=5, rng=np.random.default_rng(0))
    late = np.array([circle(number) for number in range(90, 100)]) - (100, 50, 0)
    gaps = np.abs(episodes.query_poses.numpy()[..., None, :2] - late[:, :2]).max(axis=-1)
    assert gaps.min(axis=-1).max() < 1e-3


def test_the_camera_is_where_it_is_mounted(bags) -> None:
    path = record(bags, circle, 60)
    topics = ViewTopics(pose_base_camera=(0.5, 0.0, math.pi / 2))
    poses = load("train", path, topics=topics).poses_map_camera
    # Half a metre ahead of a robot on a circle of 3 m: a little further out, looking inwards.
    np.testing.assert_allclose(np.hypot(poses[:, 0], poses[:, 1]), math.hypot(3, 0.5), atol=0.02)
    inwards = -(np.cos(poses[:, 2]) * poses[:, 0] + np.sin(poses[:, 2]) * poses[:, 1])
    assert inwards.min() > 2.9


def test_topics_can_be_named(bags) -> None:
    entries = []
    for number in range(60):
        pose = make.pose_stamped(circle(number), bags.stamp(0.2 * number), "hall")
        entries.append(Entry(bags.stamp(0.2 * number), "/where", pose))
        entries.append(bags.image(number, 0.2 * number, topic="/left"))
        entries.append(bags.image(number + 100, 0.2 * number, topic="/right"))
    path = bags.write(entries)
    with pytest.raises(BagError, match="'/left', '/right'; choose one with image_topic"):
        load("train", path)
    topics = ViewTopics(image_topic="/right", map_frame="hall")
    train = load("train", path, topics=topics)
    assert numbers(train, bags, train.views_of(0)) == list(range(100, 148))


def test_a_large_recording_is_cut_into_areas_that_overlap(bags) -> None:
    path = record(bags, shuttle, 200)
    train = load("train", path)
    assert len(train) > 5
    middles = []
    for place in range(len(train)):
        views = train.views_of(place)
        assert len(views) >= LEAST_CONTEXTS
        assert np.abs(train.poses_map_camera[views, :2]).max() <= 20
        shown = np.array(numbers(train, bags, views))
        offset = [shuttle(n)[0] for n in shown] - train.poses_map_camera[views, 0]
        np.testing.assert_allclose(offset, offset[0], atol=1e-3)
        middles.append(offset[0])
        # Whatever lies inside is there.
        inside = [n for n in range(160) if abs(shuttle(n)[0] - middles[-1]) <= 20]
        assert shown.tolist() == inside
    assert all(min(abs(shuttle(n)[0] - middle) for middle in middles) <= 10 for n in range(160))
    assert len(train.images) == 160 and train.images.shape[1:] == (8, 10, 3)


def test_areas_without_a_later_visit_are_left_out(bags) -> None:
    path = record(bags, shuttle, 200)
    places = load("validation", path)
    assert 0 < len(places) < len(load("train", path))
    for place in range(len(places)):
        assert len(places.views_of(place, ViewRole.CONTEXT)) >= LEAST_CONTEXTS
        queries = places.views_of(place, ViewRole.QUERY)
        assert len(queries) >= LEAST_QUERIES
        assert set(numbers(places, bags, queries)) <= set(range(160, 180))
    assert len(load("validation", path, environments=1)) == 1
    with pytest.raises(DataError, match="wanted 99 environments of 'bags'.*more recordings"):
        load("validation", path, environments=99)


def test_several_recordings_are_places_of_their_own(bags) -> None:
    first = record(bags, circle, 60, name="first")
    second = record(bags, lambda n: np.add(circle(n), (7, 0, 0)), 50, name="second")
    both = load("train", first, second)
    assert np.diff(both.first_view).tolist() == [48, 40]
    assert numbers(both, bags, both.views_of(1)) == list(range(40))
    np.testing.assert_allclose(
        both.poses_map_camera[both.views_of(1)[0]], circle(0) - (100, 50, 0), atol=1e-4
    )


def test_areas_of_a_recording_are_one_block(bags) -> None:
    short = record(bags, circle, 12, name="short")
    corridor = record(bags, shuttle, 200, name="corridor")
    room = record(bags, circle, 100, name="room")
    found = load("train", short, corridor, room)
    assert found.blocks.tolist() == [0] + [1] * (len(found) - 2) + [2] and len(found) > 5
    shown = [set(found.image_of_view[found.views_of(place)]) for place in range(len(found))]
    for a, b in itertools.combinations(range(len(found)), 2):
        assert not shown[a] & shown[b] or found.blocks[a] == found.blocks[b]
    # One that is too short, and left out, leaves the others as they are.
    with pytest.warns(UserWarning, match="short' wants"):
        held_out = load("validation", short, corridor, room)
    assert set(held_out.blocks) == {1, 2} and (np.diff(held_out.blocks) >= 0).all()


def test_standing_still_adds_no_views_and_leaves_the_held_out_part_whole(bags) -> None:
    parked = record(bags, lambda n: circle(min(n, 99)), 140)
    test = load("test", parked)
    assert numbers(test, bags, test.views_of(0, ViewRole.QUERY)) == list(range(90, 100))


def test_coming_back_counts_only_where_asked_for() -> None:
    there_and_back = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0], [0.01, 0, 0], [1, 0, 0]], float)
    asked = ViewSelection(min_distance_m=0.5, max_views=None, revisits=True)
    assert select_views(there_and_back, asked).tolist() == [0, 1, 2, 4]
    unasked = ViewSelection(min_distance_m=0.5, max_views=None)
    assert select_views(there_and_back, unasked).tolist() == [0, 1]


def test_views_are_spread_over_the_recording_and_resized(bags) -> None:
    few = load("train", record(bags, circle, 100), views=50, image_size=(4, 5))
    assert few.images.shape == (40, 4, 5, 3)
    wanted = np.array([circle(n) for n in np.linspace(0, 99, 50).round()[:40]]) - (100, 50, 0)
    np.testing.assert_allclose(few.poses_map_camera[:, :2], wanted[:, :2], atol=0.1)


def test_short_recordings_are_refused(bags) -> None:
    short = record(bags, circle, 12, name="short")
    long = record(bags, circle, 60, name="long")
    assert len(load("train", short)) == 1
    with pytest.raises(DataError, match=r"short' wants .* 10 views .* and 5 .*test, got 10 and 1"):
        load("test", short)
    with pytest.warns(UserWarning, match="short' wants.*it is left out"):
        assert len(load("test", short, long)) == 1
    one_way = record(bags, lambda n: np.array([2.0 * n, 0, 0]), 100, name="one_way")
    with pytest.raises(DataError, match="comes back to where it was"):
        load("test", one_way)


def test_a_recording_without_poses_names_its_topics(bags) -> None:
    path = bags.write(bags.images(20) + [bags.odometry(0.1 * i) for i in range(42)])
    with pytest.raises(BagError, match=r"no poses in frame 'map'.*topics in this bag:\n.*/camera"):
        load("train", path)
    with pytest.raises(BagError, match="there is no bag at"):
        load("train", path.parent / "nothing")


def test_recordings_alone_choose_the_source() -> None:
    assert DataConfig(bag=("A.mcap", "B.mcap")).data == "bags"
    with pytest.raises(ConfigurationError, match="'bags' wants --bag"):
        DataConfig(data="bags")
    with pytest.raises(ConfigurationError, match="--bag is for data 'bags', got data 'gqn-mazes'"):
        DataConfig(data="gqn-mazes", root="somewhere", bag=("A.mcap",))
