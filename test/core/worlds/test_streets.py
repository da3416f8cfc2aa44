"""Streets: panoramas show what lies around, visits change what they should and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("mujoco")

from dmn_core.errors import WorldError
from dmn_core.worlds.streets.backdrop import draw_sky
from dmn_core.worlds.streets.city import Building, City, build_city
from dmn_core.worlds.streets.layout import CityConfig, Rectangle, plan_city
from dmn_core.worlds.streets.panorama import FACES, CubeUnwrapper, PanoramaConfig, ray_directions
from dmn_core.worlds.streets.renderer import StreetRenderer
from dmn_core.worlds.streets.survey import survey_poses
from dmn_core.worlds.streets.traffic import moving_cars, parked_cars
from dmn_core.worlds.streets.visit import Visit, draw_visits

SMALL = CityConfig(crossings=1)
CAMERA = PanoramaConfig(52, 104)
SEED = 5


def sample_colour(directions: np.ndarray) -> np.ndarray:
    """A world that has another colour in every direction (..., 3)."""
    return np.round(127.5 * (1 + directions)).astype(np.uint8)


def render(city: City, pose: tuple[float, float, float], *, visit: int = 0) -> np.ndarray:
    with StreetRenderer(city, draw_visits(SEED)[visit], CAMERA) as renderer:
        return renderer.render(pose, traffic_seed=None)


def test_columns_go_clockwise_from_behind_and_rows_from_zenith_to_nadir() -> None:
    rays = ray_directions(90, 360)
    assert np.linalg.norm(rays, axis=-1) == pytest.approx(1.0)
    ahead = rays[44:46, 179:181].mean(axis=(0, 1))
    assert ahead == pytest.approx([1, 0, 0], abs=1e-3)
    assert rays[45, 270, 1] < -0.99, "a quarter of the width to the right is the right"
    assert rays[0, 0, 2] > 0.99 and rays[-1, 0, 2] < -0.99
    bearing, elevation = np.radians(30), np.radians(20)
    row, column = int((0.5 - elevation / np.pi) * 90), int((0.5 + bearing / (2 * np.pi)) * 360)
    expected = (np.cos(elevation) * np.cos(bearing), -np.cos(elevation) * np.sin(bearing))
    assert rays[row, column, :2] == pytest.approx(expected, abs=0.03)


def test_the_faces_of_a_known_world_unfold_into_its_panorama() -> None:
    config = PanoramaConfig(104, 208)
    steps = (np.arange(config.face_px) + 0.5) / config.face_px * 2 - 1
    right, down = np.meshgrid(steps, steps)
    faces = []
    for ahead, up in np.array(FACES, dtype=float):
        rays = ahead + config.face_half_tangent * (
            right[..., None] * np.cross(ahead, up) - down[..., None] * up
        )
        faces.append(sample_colour(rays / np.linalg.norm(rays, axis=-1, keepdims=True)))
    panorama = CubeUnwrapper(config).unwrap(np.concatenate(faces, axis=1))
    expected = sample_colour(ray_directions(104, 208)).astype(int)
    assert panorama.shape == (104, 208, 3)
    assert np.abs(panorama - expected).max() <= 2


def test_a_tower_stands_at_its_bearing_and_elevation() -> None:
    empty = replace(build_city(SEED, SMALL), buildings=(), trees=(), lamps=())
    height_m, bearing, distance_m, yaw = 24.0, np.radians(50), 15.0, np.radians(200)
    x, y = distance_m * np.cos(yaw - bearing), distance_m * np.sin(yaw - bearing)
    tower = Building(Rectangle(x - 1.5, y - 1.5, x + 1.5, y + 1.5), height_m, 0, 0.0)
    changed = render(empty, (0.0, 0.0, yaw)) != render(
        replace(empty, buildings=(tower,)), (0.0, 0.0, yaw)
    )
    sky = changed[: CAMERA.height // 2].any(axis=-1)
    columns, rows = np.flatnonzero(sky.any(axis=0)), np.flatnonzero(sky.any(axis=1))
    middle = CAMERA.width * (0.5 + bearing / (2 * np.pi))
    assert columns.mean() + 0.5 == pytest.approx(middle, abs=0.6)
    half_width = np.degrees(np.arctan2(1.8, distance_m)) / 360 * CAMERA.width
    assert len(columns) / 2 == pytest.approx(half_width, abs=1.6)
    top = np.arctan2(height_m + 0.1 - CAMERA.camera_height_m, distance_m - 1.5)
    assert rows.min() == pytest.approx(CAMERA.height * (0.5 - top / np.pi), abs=1.5)


def test_turning_rolls_the_panorama_and_the_seam_is_none() -> None:
    city = build_city(SEED, SMALL)
    image = render(city, (0.0, 0.0, 0.4)).astype(int)
    turned = render(city, (0.0, 0.0, 0.4 + np.pi / 2)).astype(int)
    rolled = np.roll(image, CAMERA.width // 4, axis=1)
    assert np.abs(turned - rolled).mean() < 2.0
    assert np.abs(turned - image).mean() > 5 * np.abs(turned - rolled).mean()
    steps = np.abs(np.diff(rolled, axis=1)).mean(axis=(0, 2))
    seam = np.abs(turned[:, 0] - turned[:, -1]).mean()
    assert seam == pytest.approx(steps[CAMERA.width // 4 - 1], abs=6.0)


@pytest.mark.parametrize("crossings", [1, 3])
def test_the_sky_of_the_visit_is_seen_above_every_city(crossings: int) -> None:
    city, visit = build_city(SEED, CityConfig(crossings=crossings)), draw_visits(SEED)[0]
    up = render(city, (0.0, 0.0, 0.0))[:4].reshape(-1, 3).mean(axis=0)
    assert up == pytest.approx(draw_sky(visit)[:8].reshape(-1, 3).mean(axis=0), abs=12)


def test_a_seed_is_a_city_and_moving_cars_come_from_theirs() -> None:
    city = build_city(SEED, SMALL)
    assert city == build_city(SEED, SMALL)
    assert city != build_city(SEED + 1, SMALL)
    visit = draw_visits(SEED)[0]
    with StreetRenderer(city, visit, CAMERA) as renderer:
        first, other, again = (renderer.render((0, 0, 0), traffic_seed=k) for k in (1, 2, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    with StreetRenderer(city, visit, CAMERA) as renderer:
        assert np.array_equal(first, renderer.render((0, 0, 0), traffic_seed=1))


def edges(image: np.ndarray) -> np.ndarray:
    """How steeply the upper half of a panorama changes from column to column."""
    grey = image[: image.shape[0] // 2].astype(float).mean(axis=-1)
    return np.abs(np.diff(grey, axis=1)).ravel()


def test_a_later_visit_looks_different_but_the_facades_stay() -> None:
    city = replace(build_city(SEED, SMALL), trees=())
    first, second = (render(city, (0.0, 0.0, 0.3), visit=k) for k in (0, 1))
    elsewhere = render(replace(build_city(SEED + 1, SMALL), trees=()), (0.0, 0.0, 0.3))
    assert np.abs(first.astype(int) - second).mean() > 8
    same = np.corrcoef(edges(first), edges(second))[0, 1]
    other = np.corrcoef(edges(first), edges(elsewhere))[0, 1]
    assert same > 0.5 and same > other + 0.25


def test_visits_follow_each_other_in_other_seasons_and_lights() -> None:
    for seed in range(20):
        first, second = draw_visits(seed)
        assert first.date < second.date
        assert first.season.name != second.season.name
        assert first.light.name != second.light.name
        assert first.month in first.season.months


def otherwise_alike(second: Visit, first: Visit) -> Visit:
    """The second visit in the season and light of the first, with as many cars."""
    return replace(first, number=second.number, seed=second.seed)


def test_other_cars_are_parked_and_drive_at_a_later_visit() -> None:
    city, (first, second) = build_city(SEED, SMALL), draw_visits(SEED)
    second = otherwise_alike(second, first)
    cars, later = (parked_cars(city, visit).corners for visit in (first, second))
    places, later_places = ({tuple(p) for p in c.mean(axis=1).round(2)} for c in (cars, later))
    assert len(places & later_places) < 0.1 * len(places) and len(later_places) > 100
    # With no place taken, only those that drive are left to differ.
    emptied = (replace(visit, occupied=0.0) for visit in (first, second))
    driving = []
    for visit in emptied:
        with StreetRenderer(city, visit, CAMERA) as renderer:
            none, some = (renderer.render((0, 0, 0), traffic_seed=k) for k in (None, 1))
        driving.append((none != some).any(axis=-1))
    assert all(seen.any() for seen in driving)
    assert not np.array_equal(*driving)


def test_panoramas_are_taken_on_the_road_and_near_each_other_at_both_visits() -> None:
    for seed in range(5):
        city = build_city(seed)
        first, second = (survey_poses(city.plan, visit, 60) for visit in draw_visits(seed))
        for poses in (first, second):
            inside = [b.footprint.grown(2.0).holds(poses[:, :2]) for b in city.buildings]
            assert not np.any(inside)
            assert np.ptp(poses[:, 2]) > 5, "headings are arbitrary"
        apart = np.linalg.norm(first[:, :2] - second[:, :2], axis=1)
        assert 0.5 < np.median(apart) < 4.0 and apart.max() < 10.0


def test_moving_cars_keep_clear_of_the_camera_and_of_houses() -> None:
    city = build_city(1)
    at = survey_poses(city.plan, draw_visits(1)[0], 8)[:, :2]
    rng = np.random.default_rng(0)
    for xy in at:
        cars = moving_cars(city, xy, rng=rng)
        assert np.all(np.linalg.norm(cars[:, :2] - xy, axis=1) > 5)
        assert not any(b.footprint.holds(cars[:, :2]).any() for b in city.buildings)
    assert len(cars) > 2


def test_plans_have_streets_between_blocks_and_some_are_closed() -> None:
    plans = [plan_city(seed) for seed in range(12)]
    for plan in plans:
        middles = np.array([s.point(a + 1.0) for s, a, _ in plan.street_pieces()])
        assert not any(block.holds(middles).any() for block in (*plan.blocks, *plan.parks))
    pieces = [len(plan.street_pieces()) for plan in plans]
    assert min(pieces) == 6 and max(pieces) > 6
    assert any(plan.parks for plan in plans)


def test_impossible_cities_and_cameras_are_refused() -> None:
    with pytest.raises(WorldError, match="must not be negative"):
        plan_city(-1)
    with pytest.raises(WorldError, match="1 or more crossings"):
        CityConfig(crossings=0)
    with pytest.raises(WorldError, match="0 < low <= high"):
        CityConfig(block_m=(50.0, 40.0))
    with pytest.raises(WorldError, match="width of 16"):
        PanoramaConfig(8, 8)
    plan = plan_city(0, CityConfig(crossings=1, stub_m=0.1, street_m=(4.0, 4.0)))
    with pytest.raises(WorldError, match="no open street"):
        survey_poses(plan, draw_visits(0)[0], 4)
