"""Published scenes as environments: splits, metres, images, the cache, and what is refused."""

from __future__ import annotations

import os
import shutil
import warnings
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from dmn_core.data.gqn import scenes
from dmn_core.data.gqn.published import PUBLISHED
from dmn_core.data.gqn.shards import find_shards
from dmn_core.data.sources import DataConfig, load_environments
from dmn_core.errors import DataError

SIZE = (8, 8)
RING = "gqn-rooms-ring-camera"


def load(shards, split="train", data="gqn-mazes", image_size=SIZE, root=None, **options):
    config = DataConfig(data=data, root=str(root or shards.root), **options)
    return load_environments(config, split, image_size=image_size)


def numbers(environments) -> list[int]:
    """Which scenes these are, as their pictures say."""
    rows = environments.first_view[:-1]
    reds = environments.images[torch.from_numpy(rows)].float().mean(dim=(1, 2))[:, 0]
    return [round(float(red) / 20) for red in reds]


def test_mazes_come_in_metres_with_their_images(shards) -> None:
    shards.mazes("train", 3, 2)
    mazes = load(shards, environments=4)
    assert len(mazes) == 4 and mazes.images.shape == (48, 8, 8, 3)
    assert mazes.area_m == (-20.0, 20.0, -20.0, 20.0) and mazes.name == "gqn-mazes"
    assert numbers(mazes) == [0, 1, 2, 3]
    walk = shards.walk(12)
    poses = mazes.poses_map_camera[mazes.views_of(3)]
    # 7 cells of 0.1 around (-0.05, -0.05) are 40 m around the origin.
    np.testing.assert_allclose(poses[:, :2], (walk[:, :2] + 0.05) / 0.7 * 40, atol=1e-4)
    np.testing.assert_allclose(poses[:, 2], walk[:, 3], atol=1e-6)
    green = mazes.images[torch.from_numpy(mazes.views_of(2))][..., 1].float().mean(dim=(1, 2))
    np.testing.assert_allclose(green, np.arange(12), atol=3)


def test_walls_of_mazes_and_of_rooms_are_the_edge_of_the_area() -> None:
    mazes, rooms = PUBLISHED["gqn-mazes"], PUBLISHED[RING]
    np.testing.assert_allclose(
        mazes.to_metres(np.array([-0.4, -0.05, 0.3])), [-20, 0, 20], atol=1e-9
    )
    np.testing.assert_allclose(rooms.to_metres(np.array([-1.0, 0.0, 1.0])), [-20, 0, 20], atol=1e-9)


def test_splits_share_no_scene(shards) -> None:
    shards.mazes("train", 12, 1)
    shards.mazes("test", 2, 3, start=5)
    with pytest.warns(UserWarning, match="wanted 960 environments of 'gqn-mazes' for train.*11"):
        train = load(shards)
    with pytest.warns(UserWarning, match="for validation.*hold 1"):
        validation = load(shards, "validation")
    shown = {
        "train": numbers(train),
        "validation": numbers(validation),
        "test": numbers(load(shards, "test", environments=6)),
    }
    files = {
        split: find_shards(shards.root, PUBLISHED["gqn-mazes"], split)
        for split in ("train", "validation", "test")
    }
    names = {
        split: [path.parent.name + path.name[:4] for path in paths]
        for split, paths in files.items()
    }
    assert names["train"] == [f"train{i:04d}" for i in (*range(1, 10), 11, 12)]
    assert names["validation"] == ["train0010"]
    assert names["test"] == ["test001-", "test002-"]
    assert shown == {
        "train": [*range(9), 10, 11],
        "validation": [9],
        "test": [*range(5, 11)],
    }


def test_few_trials_decode_few_scenes(shards, monkeypatch) -> None:
    shards.mazes("test", 2, 5)
    decoded, parse = [], scenes.parse_scene
    monkeypatch.setattr(scenes, "parse_scene", lambda record: decoded.append(1) or parse(record))
    config = DataConfig(data="gqn-mazes", root=str(shards.root))
    found = load_environments(config, "test", image_size=SIZE, at_most=3)
    assert numbers(found) == [0, 1, 2] and len(decoded) == 3
    # What is said goes before, and more than the paper uses is not looked for.
    told = load_environments(replace(config, environments=4), "test", image_size=SIZE, at_most=3)
    assert len(told) == 4 and len(decoded) == 7
    with pytest.warns(UserWarning, match="wanted 5000 environments"):
        assert len(load_environments(config, "test", image_size=SIZE, at_most=9000)) == 10


def test_a_shard_that_is_downloaded_again_is_read_again(shards) -> None:
    shards.mazes("train", 2, 2)
    path = shards.root / "mazes/train/0001-of-1080.tfrecord"
    whole, before = path.read_bytes(), path.stat()
    damaged = bytearray(whole)
    damaged[len(whole) // 4] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.warns(UserWarning, match="wrong checksum"):
        assert numbers(load(shards, environments=1)) == [1]
    path.write_bytes(whole)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert numbers(load(shards, environments=1)) == [0]


@pytest.mark.parametrize("frames", [10, 300])
def test_the_record_says_how_many_frames_a_scene_has(shards, frames) -> None:
    size, data = (84, "gqn-mazes") if frames == 300 else (64, RING)
    folder = PUBLISHED[data].folder
    cameras = shards.walk(300) if frames == 300 else shards.ring(10)
    for shard in (1, 10):
        payload = shards.scene(cameras, size=size)
        shards.write(
            f"{folder}/train/{shard:04d}-of-{PUBLISHED[data].shards[0]}.tfrecord", [payload]
        )
    found = load(shards, data=data, environments=1)
    assert found.images.shape == (frames, 8, 8, 3)


def test_scenes_may_differ_in_frames_and_be_thinned(shards) -> None:
    walks = [shards.scene(shards.walk(frames)) for frames in (12, 5, 40)]
    shards.write("mazes/train/0001-of-1080.tfrecord", walks)
    shards.write("mazes/train/0010-of-1080.tfrecord", walks)
    assert np.diff(load(shards, environments=3).first_view).tolist() == [12, 5, 40]
    thin = load(shards, environments=3, views=6)
    assert np.diff(thin.first_view).tolist() == [6, 5, 6]
    walk = (shards.walk(40)[[0, 8, 16, 23, 31, 39], 0] + 0.05) / 0.7 * 40
    np.testing.assert_allclose(thin.poses_map_camera[thin.views_of(2), 0], walk, atol=1e-4)


def test_images_shrink_by_area(shards) -> None:
    rng = np.random.default_rng(0)
    smooth = cv2.resize(rng.integers(60, 190, (7, 7, 3), dtype=np.uint8), (84, 84))
    jpeg = bytes(cv2.imencode(".jpg", smooth[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])[1])
    payload = shards.example([jpeg] * 2, shards.walk(2).ravel().tolist())
    for shard in (1, 10):
        shards.write(f"mazes/train/{shard:04d}-of-1080.tfrecord", [payload])
    image = load(shards, environments=1, image_size=(12, 12)).images[0].float()
    wanted = smooth.reshape(12, 7, 12, 7, 3).mean(axis=(1, 3))
    assert np.abs(image.numpy() - wanted).max() < 4


def test_the_root_may_be_the_folder_of_the_data_set(shards) -> None:
    shards.mazes("train", 2, 1)
    inside = load(shards, environments=1, root=shards.root / "mazes")
    assert torch.equal(inside.images, load(shards, environments=1).images)
    renamed = shards.root / "mine"
    shutil.move(shards.root / "mazes", renamed)
    assert len(load(shards, environments=1, root=renamed)) == 1


def test_a_truncated_shard_is_told_of_and_the_next_is_read(shards) -> None:
    shards.mazes("train", 3, 2)
    path = shards.root / "mazes/train/0001-of-1080.tfrecord"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.warns(UserWarning, match="0001-of-1080.*cut short.*1 records were read"):
        assert numbers(load(shards, environments=3)) == [0, 2, 3]


def test_a_scene_with_a_broken_frame_is_left_out(shards) -> None:
    good = shards.scene(shards.walk(4), number=3)
    bad = shards.example([b"no picture"] * 4, shards.walk(4).ravel().tolist())
    for shard in (1, 10):
        shards.write(f"mazes/train/{shard:04d}-of-1080.tfrecord", [bad, good])
    with pytest.warns(
        UserWarning, match=r"0001-of-1080.tfrecord, scene 0: a frame of 10 bytes is no"
    ):
        assert numbers(load(shards, environments=1)) == [3]


def test_the_second_start_reads_the_cache_and_a_damaged_one_is_renewed(shards, monkeypatch) -> None:
    shards.mazes("train", 2, 2)
    first = load(shards, environments=2)
    (cached,) = (shards.root.parent / "cache").rglob("*.npz")
    content = cached.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(
            "dmn_core.data.gqn.scenes.read_records", lambda path: pytest.fail("read again")
        )
        again = load(shards, environments=2)
        assert torch.equal(first.images, again.images)
        assert np.array_equal(first.poses_map_camera, again.poses_map_camera)
    for damage in (content[:-100], b"", b"noise"):
        cached.write_bytes(damage)
        assert torch.equal(first.images, load(shards, environments=2).images)
        assert cached.read_bytes() == content
    # Other files, counts and sizes are other content.
    shards.mazes("train", 2, 2, start=5)
    shards.write("mazes/train/0002-of-1080.tfrecord", [])
    assert numbers(load(shards, environments=2)) == [5, 6]
    load(shards, environments=2, image_size=(6, 6))
    load(shards, environments=1)
    assert len(list(cached.parent.parent.rglob("*.npz"))) == 4


def test_a_cache_that_takes_nothing_is_a_warning(shards, monkeypatch) -> None:
    shards.mazes("train", 2, 1)
    blocked = shards.root / "a file"
    blocked.write_text("")
    monkeypatch.setenv("DMN_CACHE", str(blocked))
    with pytest.warns(UserWarning, match="cannot keep.*DMN_CACHE"):
        assert len(load(shards, environments=1)) == 1


def test_what_is_missing_is_named(shards, tmp_path) -> None:
    with pytest.raises(DataError, match="there is none at"):
        load(shards)
    shards.root.mkdir()
    with pytest.raises(
        DataError, match=r"wanted the data set 'mazes'.*holds \[\].*download mazes/train"
    ):
        load(shards)
    shards.write("rooms_ring_camera/train/0001-of-2160.tfrecord", [])
    with pytest.raises(DataError, match=r"'mazes'.*holds \['rooms_ring_camera'\]"):
        load(shards)
    with pytest.raises(DataError, match=r"'mazes'.*which is 'rooms_ring_camera'"):
        load(shards, root=shards.root / "rooms_ring_camera")
    with pytest.raises(DataError, match=r"got \['0001-of-2160.tfrecord'\].*download 0010-of-2160"):
        load(shards, data=RING)
    with pytest.raises(DataError, match=r"named like 001-of-240.tfrecord, got \[\]"):
        load(shards, "test", data=RING)
    shards.write("rooms_ring_camera/train/0002-of-1080.tfrecord", [])
    with pytest.raises(DataError, match=r"shards of \[1080, 2160\] files"):
        load(shards, data=RING)


def test_more_than_there_is_and_nothing_at_all_are_refused(shards) -> None:
    shards.mazes("train", 3, 2)
    with pytest.raises(DataError, match="wanted 5 environments.*there are 4: ask for fewer"):
        load(shards, environments=5)
    shards.write("mazes/test/001-of-120.tfrecord", [])
    with pytest.raises(DataError, match="1 shards in .*test' hold none: download them again"):
        load(shards, "test")


def test_shards_of_another_data_set_are_refused(shards) -> None:
    maze = shards.scene(shards.walk(300), size=84)
    room = shards.scene(shards.ring(10), size=64)
    for shard in (1, 10):
        shards.write(f"rooms_ring_camera/train/{shard:04d}-of-2160.tfrecord", [maze])
        shards.write(f"mazes/train/{shard:04d}-of-1080.tfrecord", [room])
    with pytest.raises(DataError, match="10 frames of 64 pixels, got 300 of 84.*'mazes'"):
        load(shards, data=RING)
    with pytest.raises(
        DataError, match="300 frames of 84 pixels, got 10 of 64.*'rooms_ring_camera'"
    ):
        load(shards)


def test_positions_outside_of_the_data_set_are_refused(shards) -> None:
    far = shards.walk(12)
    far[:, 0] += 0.5
    for shard in (1, 10):
        shards.write(f"mazes/train/{shard:04d}-of-1080.tfrecord", [shards.scene(far)])
    with pytest.raises(DataError, match=r"between -0.4 and 0.3, got .*0.7"):
        load(shards, environments=1)


def test_a_camera_of_another_length_is_an_error_that_names_the_scene(shards) -> None:
    payload = shards.example([shards.jpeg((1, 2, 3))], [0.0] * 7)
    for shard in (1, 10):
        shards.write(f"mazes/train/{shard:04d}-of-1080.tfrecord", [payload])
    with pytest.raises(DataError, match="0001-of-1080.tfrecord, scene 0: .*got 7 for 1 frames"):
        load(shards, environments=1)


def test_whole_shards_load_without_a_warning(shards) -> None:
    shards.mazes("train", 2, 1, frames=60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(shards, environments=1)
