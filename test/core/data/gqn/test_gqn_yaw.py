"""The meaning of yaw is measured, not believed."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from dmn_core.data.gqn.published import PUBLISHED
from dmn_core.data.gqn.yaw import decide, known_directions, measure
from dmn_core.data.sources import DataConfig, load_environments
from dmn_core.errors import DataError
from dmn_core.pose_track import wrap_angle

MAZES = PUBLISHED["gqn-mazes"]
RING = PUBLISHED["gqn-rooms-ring-camera"]
FREE_NAME = "gqn-rooms-free-camera-no-object-rotations"
FREE = PUBLISHED[FREE_NAME]


@pytest.mark.parametrize("sense", [1, -1])
@pytest.mark.parametrize("quarters", [0, 1, 2, -1])
def test_a_walk_shows_what_yaw_means(shards, sense, quarters) -> None:
    cameras = shards.walk(100, sense=sense, quarters=quarters)
    found = measure(known_directions(cameras, MAZES))
    assert found.agreement == 1.0
    ahead = shards.walk(100)[:, 3]
    assert np.abs(wrap_angle(found.to_map(cameras[:, 3]) - ahead)).max() < 1e-6


def test_turning_on_the_spot_and_noise_do_not_confuse(shards) -> None:
    rng = np.random.default_rng(0)
    walk = shards.walk(200)
    spin = np.repeat(walk[:1], 50, axis=0)
    spin[:, 3] = np.linspace(-math.pi, math.pi, 50)
    walk[:, 3] += rng.normal(0, 0.4, 200)
    found = measure(known_directions(np.concatenate([spin, walk]), MAZES))
    assert (found.sense, found.quarter_turns) == (1, 0)
    assert found.samples < 205 and found.agreement > 0.8


@pytest.mark.parametrize("outwards", [False, True])
def test_the_ring_faces_its_centre_whatever_its_yaw_says(shards, outwards) -> None:
    cameras = shards.ring(100, outwards=outwards)
    pairs = known_directions(cameras, RING)
    if outwards:
        with pytest.warns(
            UserWarning, match="from 180 degrees .*100% of 100.*other than documented"
        ):
            convention = decide(pairs, RING)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            convention = decide(pairs, RING)
    yaw = convention.to_map(cameras[:, 3])
    inwards = -cameras[:, :2]
    facing = np.cos(yaw) * inwards[:, 0] + np.sin(yaw) * inwards[:, 1]
    assert facing.min() > 0.999 and (-math.pi <= yaw).all() and (yaw < math.pi).all()


def test_cameras_that_face_anywhere_are_told_of(shards) -> None:
    rng = np.random.default_rng(1)
    cameras = shards.ring(200)
    cameras[:, 3] = rng.uniform(-math.pi, math.pi, 200)
    with pytest.raises(
        DataError, match=r"rooms_ring_camera.*to the centre, but at best .*% of 200"
    ):
        decide(known_directions(cameras, RING), RING)
    walk = shards.walk(200)
    walk[:, 3] = cameras[:, 3]
    with pytest.warns(UserWarning, match="along their walk, but at best"):
        convention = decide(known_directions(walk, MAZES), MAZES)
    assert np.array_equal(convention.to_map(cameras[:, 3]), wrap_angle(cameras[:, 3]))
    assert len(known_directions(cameras, FREE)) == 0
    with pytest.warns(UserWarning, match="look anywhere.*put a shard of rooms_ring_camera beside"):
        assert decide(np.empty((0, 2)), FREE).is_documented


@pytest.mark.parametrize("seed", range(20))
def test_one_scene_of_rooms_is_read_as_all_of_them_are(shards, seed) -> None:
    scene = shards.ring(10, outwards=True, seed=seed)
    with pytest.warns(UserWarning, match="from 180 degrees .*100% of 10 agree"):
        convention = decide(known_directions(scene, RING), RING)
    assert (convention.sense, convention.quarter_turns) == (1, 2)


def test_too_little_to_measure_yaw_by_is_told(shards) -> None:
    few = known_directions(shards.ring(9, outwards=True), RING)
    unclear = known_directions(shards.ring(29), RING)
    unclear[::4, 0] += math.pi
    # Clockwise and straight along y: counter-clockwise from 180 degrees would fit as well.
    straight = np.tile([-math.pi / 2, math.pi / 2], (20, 1))
    for pairs, published in ((few, RING), (unclear, RING), (straight, MAZES)):
        with pytest.warns(
            UserWarning, match=f"wanted 10 views.*got {len(pairs)}.*ask for more --environments"
        ):
            convention = decide(pairs, published)
        assert convention.is_documented
    with pytest.warns(UserWarning, match="got 0"):
        decide(np.empty((0, 2)), MAZES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # What fits the documented one among others says nothing against it.
        assert decide(np.zeros((20, 2)), MAZES).is_documented


@pytest.mark.parametrize("inside", [False, True], ids=["of the download", "of the data set"])
def test_free_cameras_are_read_as_a_ring_beside_them_says(shards, inside) -> None:
    cameras = shards.ring(10, outwards=True)
    shards.write(f"{FREE.folder}/test/001-of-240.tfrecord", [shards.scene(cameras, size=64)])
    root = shards.root / FREE.folder if inside else shards.root
    config = DataConfig(FREE_NAME, root=str(root), environments=1)
    with pytest.warns(UserWarning, match="look anywhere.*put a shard of rooms_ring_camera beside"):
        alone = load_environments(config, "test", image_size=(8, 8))
    # This download counts yaw from the back of its cameras.
    ring = [shards.scene(shards.ring(10, outwards=True, seed=seed), size=64) for seed in (1, 2, 3)]
    shards.write("rooms_ring_camera/train/0001-of-2160.tfrecord", ring)
    with pytest.warns(UserWarning, match="from 180 degrees .*100% of 30 agree"):
        beside = load_environments(config, "test", image_size=(8, 8))
    yaw, turned = alone.poses_map_camera[:, 2], beside.poses_map_camera[:, 2]
    np.testing.assert_allclose(np.cos(turned - yaw), -1, atol=1e-6)
    np.testing.assert_array_equal(alone.poses_map_camera[:, :2], beside.poses_map_camera[:, :2])
