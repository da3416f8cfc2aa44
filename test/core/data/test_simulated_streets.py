"""Simulated streets: contexts of one visit, queries of the next, through StreetLearn's format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mujoco")
pytest.importorskip("plyvel")

from dmn_core.data import simulated_streets
from dmn_core.data.episode import EnvironmentSet, ViewRole
from dmn_core.data.rendered_sets import FIRST_SEEDS
from dmn_core.data.simulated_streets import (
    AREAS,
    load_or_render_streets,
    render_database,
    street_recipe,
)
from dmn_core.data.sources import DataConfig, load_environments
from dmn_core.data.street_records import city_origin
from dmn_core.data.streetlearn import load_database
from dmn_core.data.streetlearn.database import read_panoramas
from dmn_core.data.streetlearn.splits import SPLIT_LONGITUDE_DEG
from dmn_core.errors import DataError
from dmn_core.worlds.shards import read_shard
from dmn_core.worlds.streets.city import build_city
from dmn_core.worlds.streets.layout import CityConfig
from dmn_core.worlds.streets.panorama import PanoramaConfig
from dmn_core.worlds.streets.recipe import StreetRecipe
from dmn_core.worlds.streets.survey import survey_poses
from dmn_core.worlds.streets.visit import draw_visits

RECIPE = StreetRecipe(14, CityConfig(crossings=1), PanoramaConfig(16, 32))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def areas(cache: Path) -> EnvironmentSet:
    return load_or_render_streets(RECIPE, "test", 2, cache_dir=cache, show_progress=False)


def surveyed(cache: Path, city: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and poses of a city as they were rendered."""
    shard = read_shard(cache, RECIPE, FIRST_SEEDS["test"] + city)
    assert shard is not None
    return shard.images[0], shard.poses_map_camera[0].astype(np.float64)


def test_contexts_are_of_the_first_visit_and_queries_of_the_second(
    cache: Path, areas: EnvironmentSet
) -> None:
    images = np.concatenate([surveyed(cache, city)[0] for city in (0, 1)]).astype(float)
    visits = np.tile(np.repeat([0, 1], RECIPE.panoramas_per_visit), 2)
    assert len(areas) > 8 and areas.roles is not None
    assert set(areas.blocks) == {0, 1}, "one a city"
    for area in (0, len(areas) // 2, len(areas) - 1):
        for role, visit in ((ViewRole.CONTEXT, 0), (ViewRole.QUERY, 1)):
            views = areas.views_of(area, role)
            assert len(views) >= 4
            for image in areas.images_of(views).numpy():
                # JPEG changes pixels a little.
                likest = np.abs(images - image).mean(axis=(1, 2, 3)).argmin()
                assert visits[likest] == visit


def test_poses_come_back_in_metres_after_the_trip_around_the_globe(
    cache: Path, areas: EnvironmentSet
) -> None:
    images = np.concatenate([surveyed(cache, city)[0] for city in (0, 1)]).astype(float)
    poses = np.concatenate([surveyed(cache, city)[1] for city in (0, 1)])
    for area in (0, len(areas) - 1):
        views = areas.views_of(area)
        seen = areas.images_of(views).numpy()
        rows = [int(np.abs(images - image).mean(axis=(1, 2, 3)).argmin()) for image in seen]
        known, found = poses[rows], areas.poses_map_camera[views]
        middle = (known - found)[0, :2]
        assert known[:, :2] - found[:, :2] == pytest.approx(
            np.tile(middle, (len(rows), 1)), abs=0.02
        )
        assert np.cos(known[:, 2] - found[:, 2]) == pytest.approx(1.0, abs=1e-6)
        assert np.abs(found[:, :2]).max() <= 20.0


def test_the_database_is_one_that_streetlearn_reads(cache: Path, areas: EnvironmentSet) -> None:
    path = render_database(RECIPE, "test", 2, cache_dir=cache)
    panoramas = {panorama.id: panorama for panorama in read_panoramas(path)}
    assert len(panoramas) == 2 * RECIPE.views
    for panorama in panoramas.values():
        assert len(panorama.id) == 22
        assert panorama.place.longitude_deg > SPLIT_LONGITUDE_DEG
        (other,) = (panoramas[name] for name in panorama.temporal_neighbours)
        assert other.place.date != panorama.place.date
        near = (panoramas[name] for name in panorama.neighbours)
        assert {p.place.date for p in near} <= {panorama.place.date}
    read = load_database(
        path, DataConfig(), "test", RECIPE.image_size, areas=AREAS, cache_dir=cache
    )
    assert np.array_equal(read.poses_map_camera, areas.poses_map_camera)


def test_rendering_goes_on_where_it_stopped(cache: Path, areas: EnvironmentSet) -> None:
    folder = cache / RECIPE.key
    kept, lost = sorted(folder.glob("seeds-*.npz"))
    before, written = kept.stat().st_mtime_ns, lost.stat().st_mtime_ns
    lost.unlink()
    one = render_database(RECIPE, "test", 1, cache_dir=cache)
    assert not lost.exists(), "one city needs the first shard only"
    render_database(RECIPE, "test", 2, cache_dir=cache).rename(folder / "old")
    two = render_database(RECIPE, "test", 2, cache_dir=cache, show_progress=False)
    assert kept.stat().st_mtime_ns == before and lost.stat().st_mtime_ns > written
    names = {path: {p.id: p.image_bytes for p in read_panoramas(path)} for path in (one, two)}
    assert names[one].items() < names[two].items()
    assert names[two] == {p.id: p.image_bytes for p in read_panoramas(folder / "old")}


def test_cities_of_different_splits_lie_apart() -> None:
    places = {
        split: np.array([city_origin(split, number) for number in range(100)])
        for split in ("train", "validation", "test")
    }
    assert (places["test"][:, 1] > SPLIT_LONGITUDE_DEG + 0.002).all()
    for split in ("train", "validation"):
        assert (places[split][:, 1] < SPLIT_LONGITUDE_DEG - 0.002).all()
    assert places["validation"][:, 0].min() > places["train"][:, 0].max() + 0.1


def test_areas_are_loaded_by_the_name_of_the_source(
    cache: Path, areas: EnvironmentSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def small_recipe(views: int, image_size: tuple[int, int]) -> StreetRecipe:
        asked.append((views, image_size))
        return RECIPE

    monkeypatch.setenv("DMN_CACHE", str(cache))
    monkeypatch.setattr(simulated_streets, "street_recipe", small_recipe)
    some = load_environments(DataConfig(data="streets", environments=11, views=12), "test")
    assert asked == [(12, (104, 208))]
    assert len(some) == 11, "which take two cities, as nine areas count as one"
    assert np.array_equal(some.poses_map_camera, areas.first(11).poses_map_camera)
    assert tuple(some.area_m) == (-20.0, 20.0, -20.0, 20.0)
    monkeypatch.setattr(simulated_streets, "_AREAS_PER_CITY", 100)  # more than a city has
    with pytest.raises(DataError, match="wanted 99 environments of 'streets'.*--views"):
        load_environments(DataConfig(data="streets", environments=99, views=12), "test")


def test_an_area_with_a_crossing_has_about_the_views_that_were_asked_for() -> None:
    recipe = street_recipe(25, (104, 208))
    assert recipe.image_size == (104, 208)
    found = []
    for seed in range(8):
        city = build_city(seed, recipe.city)
        for visit in draw_visits(seed):
            xy = survey_poses(city.plan, visit, recipe.panoramas_per_visit)[:, :2]
            middle = [street.at_m for street in city.plan.streets[::3]]
            found.append((np.abs(xy - middle[::-1]).max(axis=1) < 20).sum())
    assert 2 * np.mean(found) == pytest.approx(25, abs=4)


def test_too_few_panoramas_are_refused(tmp_path: Path) -> None:
    sparse = StreetRecipe(2, RECIPE.city, RECIPE.camera)
    with pytest.raises(DataError, match="ask for more views"):
        load_or_render_streets(sparse, "train", 1, cache_dir=tmp_path, show_progress=False)


def test_areas_are_the_same_whatever_the_size_of_images(cache: Path, areas: EnvironmentSet) -> None:
    larger = load_or_render_streets(
        replace(RECIPE, camera=PanoramaConfig(24, 48)), "test", 2, cache_dir=cache
    )
    assert larger.images.shape[1:] != areas.images.shape[1:]
    for name in ("poses_map_camera", "first_view", "roles", "image_of_view"):
        assert np.array_equal(getattr(larger, name), getattr(areas, name)), name
