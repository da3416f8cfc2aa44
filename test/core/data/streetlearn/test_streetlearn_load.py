"""Panoramas as environments: metres, yaw, splits, areas, visits, and what is kept in the cache."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import plyvel
import pytest

from dmn_core.data.batching import draw_episodes
from dmn_core.data.episode import EnvironmentSet, ViewRole
from dmn_core.data.sources import DataConfig, load_environments
from dmn_core.data.streetlearn import load_database
from dmn_core.data.streetlearn.areas import AreaConfig
from dmn_core.data.streetlearn.blocks import blocks_of
from dmn_core.data.streetlearn.database import StreetLearnDatabase
from dmn_core.data.streetlearn.geodesy import (
    degrees_at,
    heading_of_yaw,
    offsets_m,
    yaw_of_heading,
)
from dmn_core.data.streetlearn.index import load_index
from dmn_core.data.streetlearn.neighbourhood import pairs_within
from dmn_core.data.streetlearn.panorama import Panorama, Place
from dmn_core.data.streetlearn.splits import SPLIT_LONGITUDE_DEG
from dmn_core.data.streetlearn.writer import write_panoramas
from dmn_core.errors import DataError

VISITS = ("2018-05", "2019-11")
SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, streets: Any) -> Path:
    root = tmp_path_factory.mktemp("streets")
    streets.write_city(root / "once")
    streets.write_city(root / "twice", dates=VISITS)
    return root


@pytest.fixture(scope="module")
def load(folder: Path, streets: Any) -> Callable[..., EnvironmentSet]:
    def load_split(split: str, *, name: str = "once", **areas: object) -> EnvironmentSet:
        config = DataConfig("streetlearn", root=str(folder))
        return load_database(
            folder / name,
            config,
            split,
            streets.size,
            areas=AreaConfig(**areas),
            cache_dir=folder / "kept",
        )

    return load_split


def haversine_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    (lat_a, lng_a), (lat_b, lng_b) = np.radians(a), np.radians(b)
    h = math.sin((lat_b - lat_a) / 2) ** 2
    h += math.cos(lat_a) * math.cos(lat_b) * math.sin((lng_b - lng_a) / 2) ** 2
    return 2 * 6_371_000 * math.asin(math.sqrt(h))


@pytest.mark.parametrize("there", [(40.7503, -73.9857), (40.75, -73.9852), (40.7497, -73.9861)])
def test_metres_are_those_of_the_great_circle(there: tuple[float, float]) -> None:
    here = (40.75, -73.9857)
    xy = offsets_m(*there, from_latitude_deg=here[0], from_longitude_deg=here[1])
    assert np.hypot(*xy) == pytest.approx(haversine_m(here, there), rel=1e-5)
    back = degrees_at(xy, from_latitude_deg=here[0], from_longitude_deg=here[1])
    np.testing.assert_allclose(back, there, rtol=1e-14)


def test_headings_turn_clockwise_from_north_and_yaw_the_other_way_from_east() -> None:
    headings = np.array([0.0, 90.0, 180.0, 270.0, -90.0, 450.0])
    quarter_turns = yaw_of_heading(headings) / (math.pi / 2)
    np.testing.assert_allclose(quarter_turns, [1, 0, -1, -2, -2, 0], atol=1e-12)
    np.testing.assert_allclose(heading_of_yaw(yaw_of_heading(headings)), headings % 360, atol=1e-9)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_the_centre_column_looks_along_the_yaw(tmp_path: Path, suffix: str, streets: Any) -> None:
    """A red stripe in the east is found in the east, whichever way the camera looked."""
    width, panoramas = 360, []
    for i, heading in enumerate((0.0, 35.0, 90.0, 200.0, -77.0, 359.0) * 2):
        image = np.full((96, width, 3), 200, dtype=np.uint8)
        columns = (np.arange(width) - (width - 1) / 2) * 360 / width
        clockwise_from_east = (heading + columns - 90 + 180) % 360 - 180
        image[:, np.abs(clockwise_from_east) < 6] = (250, 0, 0)
        place = Place(streets.latitude_deg, SPLIT_LONGITUDE_DEG + 1e-6 * (i + 1))
        panoramas.append(Panorama(str(i), place, heading, streets.encoded(image, suffix)))
    write_panoramas(tmp_path / "city", panoramas)
    config = DataConfig("streetlearn", root=str(tmp_path))
    found = load_database(tmp_path / "city", config, "test", (24, 90), cache_dir=tmp_path)
    views = found.views_of(0)
    assert len(views) == 12
    for image, pose in zip(
        found.images_of(views).numpy(), found.poses_map_camera[views], strict=True
    ):
        redness = (image[12, :, 0].astype(float) - image[12, :, 1]).clip(min=100) - 100
        looks = pose[2] - (np.arange(90) - 89 / 2) * 2 * math.pi / 90  # right is clockwise
        seen = np.angle((redness * np.exp(1j * looks)).sum())
        assert abs(seen) < math.radians(1)


def test_pairs_are_those_that_a_comparison_of_all_with_all_finds() -> None:
    xy = np.random.default_rng(3).uniform(-100, 60, (150, 2))
    near = (np.abs(xy[:, None] - xy) <= 20).all(axis=-1)
    np.testing.assert_array_equal(pairs_within(xy, 20.0), np.nonzero(near))


def test_areas_are_squares_around_panoramas_with_enough_others(
    load: Callable[..., EnvironmentSet], streets: Any
) -> None:
    places, found = streets.city_places(), load("test")
    east = places[places[:, 0] >= 0]
    inside = (np.abs(east[:, None] - east) <= 20 + 1e-6).all(axis=-1).sum(axis=1)
    assert len(found) == (inside >= 10).sum() < len(east) + 1
    few = load("test", min_panoramas=25)
    assert 0 < len(few) == (inside >= 25).sum() < len(east)
    for e in range(0, len(found), 7):
        views = found.views_of(e, ViewRole.ANY | ViewRole.FAR)
        poses, numbers = (
            found.poses_map_camera[views],
            streets.number_of(found.images_of(views).numpy()),
        )
        middle = numbers[np.hypot(*poses[:, :2].T) < 0.01]
        assert len(middle) == 1
        expected = places[numbers] - places[middle]
        np.testing.assert_allclose(poses[:, :2], expected, atol=0.01)
        yaw = np.radians(90 - numbers % 360)
        np.testing.assert_allclose(np.exp(1j * poses[:, 2]), np.exp(1j * yaw), atol=1e-6)
        reach = np.abs(poses[:, :2]).max(axis=1)
        np.testing.assert_array_equal(found.roles[views] == ViewRole.ANY, reach <= 20)
        np.testing.assert_array_equal(found.roles[views] == ViewRole.FAR, reach > 20)
        assert reach.max() <= 40 and (reach > 20).any()
    assert found.area_m == (-20, 20, -20, 20)


def test_splits_share_no_panorama_and_lie_where_they_should(
    load: Callable[..., EnvironmentSet], streets: Any
) -> None:
    places, seen = streets.city_places(), {}
    for split in SPLITS:
        found = load(split, min_panoramas=5)
        seen[split] = np.unique(
            streets.number_of(found.images_of(np.arange(len(found.roles))).numpy())
        )
    assert (places[seen["test"], 0] > 0).all() and (places[seen["train"], 0] < 0).all()
    assert (places[seen["validation"], 0] < 0).all()
    assert places[seen["validation"], 1].min() > places[seen["train"], 1].max()
    assert sum(map(len, seen.values())) == len(places)


def test_a_split_brings_its_own_images_only(load: Callable[..., EnvironmentSet]) -> None:
    for split, count in (("train", 270), ("validation", 30), ("test", 300)):
        assert len(load(split, min_panoramas=5).images) == count


def test_first_visit_is_mapped_and_later_ones_ask(
    load: Callable[..., EnvironmentSet], streets: Any
) -> None:
    found = load("test", name="twice", by_visit=True)
    half = len(streets.city_places())
    for e in range(0, len(found), 11):
        context, query, far = (
            streets.number_of(found.images_of(found.views_of(e, role)).numpy())
            for role in (ViewRole.CONTEXT, ViewRole.QUERY, ViewRole.FAR)
        )
        assert (context < half).all() and (far < half).all() and (query >= half).all()
        assert len(context) >= 4 and len(query) >= 6 and len(far) > 0
    with pytest.raises(DataError, match="of two visits"):
        load("test", by_visit=True)


def test_episodes_are_drawn_with_far_contexts(
    load: Callable[..., EnvironmentSet], streets: Any
) -> None:
    drawn = draw_episodes(
        load("train"), batch=5, contexts=4, queries=6, far_contexts=4, rng=np.random.default_rng(0)
    )
    reach = drawn.context_poses[..., :2].abs().amax(dim=-1)
    assert drawn.context_images.shape == (5, 8, *streets.size, 3)
    assert (reach[:, :4] <= 20).all() and (reach[:, 4:] > 20).all()


def test_named_source_finds_the_database_and_bounds_the_number_of_areas(
    folder: Path, monkeypatch: pytest.MonkeyPatch, streets: Any
) -> None:
    monkeypatch.setenv("DMN_CACHE", str(folder / "kept"))
    config = DataConfig("streetlearn", root=str(folder / "once"), environments=3)
    found = load_environments(config, "test")
    assert len(found) == 3 and tuple(found.images.shape[1:]) == (104, 208, 3)
    assert found.name == "StreetLearn"
    # The first few are not neighbours of each other.
    numbers = streets.number_of(found.images_of(found.first_view[:-1]).numpy())
    assert np.ptp(streets.city_places()[numbers], axis=0).max() > 3 * streets.step_m
    many = replace(config, environments=1000)
    with pytest.raises(
        DataError, match=r"wanted 1000 environments of 'streetlearn' for test, there are \d+: ask"
    ):
        load_environments(many, "test", image_size=streets.size)


def test_areas_that_share_panoramas_are_of_one_block(
    load: Callable[..., EnvironmentSet], streets: Any
) -> None:
    found = load("test")
    assert found.blocks.tolist() == [0] * len(found), "the little city is 120 m x 160 m"
    assert load("test").first(3).blocks.shape == (3,)


def test_blocks_are_apart_or_squares_of_300_m() -> None:
    rng = np.random.default_rng(0)
    together = rng.uniform(0, 200, (2000, 2))
    far = np.concatenate([together + np.array([x, 0]) for x in (0, 600, 1e7)])
    assert blocks_of(far).tolist() == [0] * 2000 + [1] * 2000 + [2] * 2000
    large = rng.uniform(0, 599, (5000, 2))
    blocks = blocks_of(large)
    assert len(np.unique(blocks)) == 4
    for block in range(4):
        assert np.ptp(large[blocks == block], axis=0).max() < 300
    assert blocks_of(np.empty((0, 2))).shape == (0,)


def test_tiny_database_is_read_and_has_no_area(tmp_path: Path, streets: Any) -> None:
    write_panoramas(tmp_path / "tiny", streets.tiny())
    index = load_index(tmp_path / "tiny", (24, 32), cache_dir=tmp_path)
    assert len(index) == 10 and (index.images == (16, 32, 64)).all()
    assert set(index.dates) == {"12/12/2012"} and (index.heading_deg == -9.98770).all()
    config = DataConfig("streetlearn", root=str(tmp_path))
    with pytest.raises(DataError, match=r"has none among its 10 of 10 panoramas.*Manhattan"):
        load_database(tmp_path / "tiny", config, "test", (24, 32), cache_dir=tmp_path)


def test_database_is_opened_once_and_again_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streets: Any
) -> None:
    path, opened = tmp_path / "tiny", []
    write_panoramas(path, streets.tiny())
    original = StreetLearnDatabase.open

    def counted(where: Path) -> StreetLearnDatabase:
        opened.append(where)
        return original(where)

    monkeypatch.setattr(StreetLearnDatabase, "open", counted)
    with ThreadPoolExecutor(2) as pool:  # as when two processes train
        both = [pool.submit(load_index, path, streets.size, cache_dir=tmp_path) for _ in range(2)]
        assert [len(one.result()) for one in both] == [10, 10]
    assert len(load_index(path, streets.size, cache_dir=tmp_path)) == 10
    assert len(opened) == 1
    leveldb = plyvel.DB(str(path))
    leveldb.delete(b"7")
    leveldb.close()
    assert "7" not in load_index(path, streets.size, cache_dir=tmp_path).ids
    assert len(opened) == 2
    for kept in tmp_path.glob("streetlearn-*/images.npy"):
        kept.write_bytes(kept.read_bytes()[:-100])
    assert len(load_index(path, streets.size, cache_dir=tmp_path)) == 9
    assert len(opened) == 3
    assert not list(tmp_path.glob("*.partial"))


def test_what_is_no_image_is_left_out_with_a_warning(tmp_path: Path, streets: Any) -> None:
    panoramas = streets.tiny()
    broken = Panorama("0", panoramas[0].place, 0.0, b"no image")
    write_panoramas(tmp_path / "city", [broken, *panoramas[:2]])
    with pytest.warns(UserWarning, match="1 panoramas .* neither JPEG nor PNG .* '0'"):
        assert list(load_index(tmp_path / "city", streets.size, cache_dir=tmp_path).ids) == [
            "1",
            "2",
        ]
    write_panoramas(tmp_path / "empty", [broken])
    with pytest.warns(match="neither JPEG"), pytest.raises(DataError, match="no whole panorama"):
        load_index(tmp_path / "empty", streets.size, cache_dir=tmp_path)


def test_cache_that_takes_nothing_says_what_to_do(tmp_path: Path, streets: Any) -> None:
    write_panoramas(tmp_path / "city", streets.tiny())
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="set DMN_CACHE to a folder with room"):
        load_index(tmp_path / "city", streets.size, cache_dir=tmp_path / "file")


def test_squares_that_do_not_lie_in_each_other_are_refused() -> None:
    with pytest.raises(DataError, match="size_m <= surroundings_m"):
        AreaConfig(size_m=50, surroundings_m=40)
