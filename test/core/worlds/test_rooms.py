"""Rooms: drawn from seeds, seen as they are laid out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("mujoco")
pytest.importorskip("labmaze")

from dmn_core.errors import WorldError
from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.rooms.cameras import CameraPlacement, sample_cameras
from dmn_core.worlds.rooms.layout import (
    RoomConfig,
    RoomLayout,
    RoomLight,
    RoomObject,
    generate_room,
)
from dmn_core.worlds.rooms.looks import FLOORS, WALLS, surface_texture
from dmn_core.worlds.rooms.renderer import RoomRenderer
from dmn_core.worlds.rooms.shadows import shadow_outline
from dmn_core.worlds.rooms.shapes import PROPORTIONS, SHAPES, ShapeName, mesh_triangles

SHARP = CameraConfig(96, 96, field_of_view_deg=50.0, supersampling=1.0)
LAMP = RoomLight((0.0, 0.0, 25.0), strength=0.6, ambient=0.4)
MAGENTA = (1.0, 0.0, 1.0)
ROOMS = [generate_room(seed) for seed in range(60)]


def thing(x_m: float, y_m: float, shape: ShapeName = "sphere", size_m: float = 2.0) -> RoomObject:
    return RoomObject(shape, MAGENTA, x_m, y_m, size_m, 0.3)


def room(*objects: RoomObject, light: RoomLight = LAMP) -> RoomLayout:
    return RoomLayout(RoomConfig(), 0, "green", "yellow", objects, light)


def magenta(image: np.ndarray) -> np.ndarray:
    """Pixels (H, W) of the object: nothing else here is red and blue, but not green."""
    red, green, blue = np.moveaxis(image.astype(int), -1, 0)
    return (red > 2 * green + 20) & (blue > 2 * green + 20)


def test_a_seed_is_a_room() -> None:
    assert generate_room(5) == ROOMS[5]
    assert len({(r.wall, r.floor, r.objects) for r in ROOMS}) == len(ROOMS)
    assert {r.wall for r in ROOMS} == set(WALLS)
    assert {r.floor for r in ROOMS} == set(FLOORS)
    assert {len(r.objects) for r in ROOMS} == {1, 2, 3}
    assert {o.shape for r in ROOMS for o in r.objects} == set(SHAPES)


def test_objects_stand_apart_inside_and_below_the_lamp() -> None:
    for layout in ROOMS:
        config = layout.config
        for index, one in enumerate(layout.objects):
            assert max(abs(one.x_m), abs(one.y_m)) + one.reach_m < config.side_m / 2
            assert 2 * one.half_height_m < layout.light.position_m[2]
            for other in layout.objects[:index]:
                distance = np.hypot(one.x_m - other.x_m, one.y_m - other.y_m)
                assert distance > one.reach_m + other.reach_m


def test_objects_keep_straight_where_wanted() -> None:
    straight = generate_room(5, RoomConfig(turn_objects=False))
    assert {thing.yaw_rad for thing in straight.objects} == {0.0}
    assert all(thing.yaw_rad != 0.0 for thing in ROOMS[5].objects)


@pytest.mark.parametrize("placement", ["free", "inward", "ring"])
def test_cameras_stay_in_the_area_and_out_of_objects(placement: CameraPlacement) -> None:
    for layout in ROOMS[:20]:
        poses = sample_cameras(layout, 50, rng=np.random.default_rng(0), placement=placement)
        assert poses.shape == (50, 3)
        assert np.abs(poses[:, :2]).max() <= 20.0 + 1e-9
        for one in layout.objects:
            distance = np.hypot(poses[:, 0] - one.x_m, poses[:, 1] - one.y_m)
            assert distance.min() > one.reach_m + 1.0


def test_a_ring_looks_at_the_middle_and_free_cameras_everywhere() -> None:
    ring = sample_cameras(ROOMS[0], 50, rng=np.random.default_rng(1), placement="ring")
    assert np.hypot(ring[:, 0], ring[:, 1]) == pytest.approx(20.0)
    ahead = ring[:, :2] + 20.0 * np.column_stack([np.cos(ring[:, 2]), np.sin(ring[:, 2])])
    assert ahead == pytest.approx(0.0, abs=1e-9)
    free = sample_cameras(ROOMS[0], 4000, rng=np.random.default_rng(1))
    inward = sample_cameras(ROOMS[0], 4000, rng=np.random.default_rng(1), placement="inward")
    for poses in (free, inward):
        counts, *_ = np.histogram2d(poses[:, 0], poses[:, 1], bins=2)
        assert counts.min() > 800
    to_middle = np.arctan2(-inward[:, 1], -inward[:, 0])
    far = np.hypot(inward[:, 0], inward[:, 1]) > 20.0
    assert np.cos(inward[far, 2] - to_middle[far]).min() > 0.2
    assert np.histogram(free[:, 2], bins=4, range=(-np.pi, np.pi))[0].min() > 900


@pytest.mark.parametrize(("bearing_deg", "distance_m"), [(0.0, 15.0), (15.0, 16.0), (-18.0, 20.0)])
def test_an_object_appears_at_its_bearing_and_size(bearing_deg: float, distance_m: float) -> None:
    pose = np.array([-8.0, 3.0, 0.7])
    direction = pose[2] + np.radians(bearing_deg)
    x, y = pose[:2] + distance_m * np.array([np.cos(direction), np.sin(direction)])
    with RoomRenderer(room(thing(x, y)), SHARP) as renderer:
        seen = magenta(renderer.render(pose))
    rows, columns = np.nonzero(seen)
    focal = SHARP.focal_px
    assert columns.mean() + 0.5 == pytest.approx(
        48 - focal * np.tan(np.radians(bearing_deg)), abs=1.0
    )
    depth = distance_m * np.cos(np.radians(bearing_deg))
    eye_m = RoomConfig().eye_height_units * RoomConfig().unit_m
    assert rows.mean() + 0.5 == pytest.approx(48 + focal * (eye_m - 2.0) / depth, abs=1.5)
    assert np.ptp(rows) + 1 == pytest.approx(focal * 4.0 / depth, rel=0.12)


def test_turning_left_moves_content_to_the_right() -> None:
    columns = []
    with RoomRenderer(room(thing(6.0, 0.0)), SHARP) as renderer:
        for yaw in (-0.1, 0.0, 0.1):
            columns.append(np.nonzero(magenta(renderer.render((-6.0, 0.0, yaw))))[1].mean())
    assert np.diff(columns) == pytest.approx(SHARP.focal_px * np.tan(0.1), abs=1.5)


def test_walls_stand_around_and_the_sky_is_above() -> None:
    config = RoomConfig()
    with RoomRenderer(room(thing(0.0, 0.0, size_m=0.1)), SHARP) as renderer:
        for yaw in np.radians((0, 90, 180, 270)):
            forward = np.array([np.cos(yaw), np.sin(yaw)])
            image = renderer.render((*(2.0 * forward), yaw)).astype(int)
            depth = config.side_m / 2 - 2.0
            is_sky = (image[:, 48] == (149, 224, 254)).all(axis=-1)
            above = (config.wall_height_units - config.eye_height_units) * config.unit_m
            top_row = 48 - SHARP.focal_px * above / depth
            assert is_sky.sum() == pytest.approx(top_row, abs=1.0)
            red, green, _ = image[50, 20:76].mean(axis=0)
            assert green > red, "the wall is green"
            red, green, blue = image[-1, 20:76].mean(axis=0)
            assert min(red, green) > 1.3 * blue, "the floor is yellow"


def test_the_top_view_shows_objects_where_they_stand() -> None:
    layout = room(thing(10.0, -5.0))
    with RoomRenderer(layout) as renderer:
        before = renderer.render((0.0, 0.0, 1.0))
        rows, columns = np.nonzero(magenta(renderer.render_top_view(200)))
        assert np.array_equal(renderer.render((0.0, 0.0, 1.0)), before)
    scale = 200 / layout.config.side_m
    assert columns.mean() + 0.5 == pytest.approx(100 + 10.0 * scale, abs=1.0)
    assert rows.mean() + 0.5 == pytest.approx(100 + 5.0 * scale, abs=1.0)


def test_the_lamp_shades_objects_and_casts_their_shadows_away() -> None:
    left = RoomLight((0.0, 18.0, 25.0), strength=0.6, ambient=0.4)
    one = thing(0.0, 0.0, size_m=3.0)
    with RoomRenderer(room(one, light=left), SHARP) as renderer:
        image = renderer.render((-14.0, 0.0, 0.0)).astype(int)
    rows, columns = np.nonzero(magenta(image))
    red = image[rows, columns, 0]
    assert red[columns < 44].mean() > 1.3 * red[columns > 51].mean()
    outline = shadow_outline(one, left)
    assert outline[:, 1].min() < -4.0 and outline[:, 1].max() < 2.0
    assert outline[:, 0].mean() == pytest.approx(0.0, abs=0.2)


@pytest.mark.parametrize("shape", ["box", "cylinder", "sphere"])
def test_under_the_lamp_a_shadow_is_the_footprint_made_larger(shape: ShapeName) -> None:
    one = thing(0.0, 0.0, shape)
    larger = {
        "sphere": 25.0 * np.tan(np.arcsin(2.0 / 23.0)),
        "box": one.reach_m * 25.0 / (25.0 - 2 * one.half_height_m),
        "cylinder": one.reach_m * 25.0 / (25.0 - 2 * one.half_height_m),
    }[shape]
    outline = shadow_outline(one, LAMP)
    assert np.hypot(outline[:, 0], outline[:, 1]).max() == pytest.approx(larger, rel=0.02)


@pytest.mark.parametrize("shape", ["cone", "icosahedron", "triangle"])
def test_meshes_are_closed_convex_and_of_their_proportions(shape: ShapeName) -> None:
    triangles = mesh_triangles(shape)
    corners, proportions = triangles.reshape(-1, 3), PROPORTIONS[shape]
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    assert normals.sum(axis=0) == pytest.approx(0.0, abs=1e-9), "a closed surface"
    heights = np.einsum("fi,fpi->fp", normals, corners[None] - triangles[:, :1])
    assert heights.max() < 1e-9, "all corners lie behind each face"
    assert np.hypot(corners[:, 0], corners[:, 1]).max() <= proportions.reach + 1e-9
    assert corners[:, 2].max() <= proportions.half_height + 1e-9
    if shape == "icosahedron":
        assert len(triangles) == 20


def test_every_shape_and_texture_is_drawn() -> None:
    pictures = set()
    looks = list(zip(SHAPES, sorted(WALLS) * 2, sorted(FLOORS) * 3, strict=False))
    for shape, wall, floor in looks:
        layout = replace(room(thing(0.0, 0.0, shape)), wall=wall, floor=floor)
        with RoomRenderer(layout) as renderer:
            image = renderer.render((-10.0, 0.0, 0.0))
        assert 20 < magenta(image).sum() < 300
        pictures.add(image.tobytes())
    assert len(pictures) == len(SHAPES)


def test_the_white_floor_has_no_colour() -> None:
    white = surface_texture("floor", "white").astype(int)
    assert np.ptp(white, axis=-1).max() == 0
    assert white.mean() > 200 > surface_texture("floor", "blue").mean()


@pytest.mark.parametrize(
    "wrong",
    [
        {"area_units": 8.0},
        {"object_area_units": 7.0},
        {"object_size_units": (0.5, 0.4)},
        {"max_objects": 0},
    ],
)
def test_rooms_that_cannot_be_are_refused(wrong: dict) -> None:
    with pytest.raises(WorldError, match="a room wants"):
        RoomConfig(**wrong)


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(WorldError, match="not be negative"):
        generate_room(-1)
    with pytest.raises(WorldError, match="no place for object"):
        generate_room(0, RoomConfig(max_objects=60))
    with pytest.raises(WorldError, match="clear of objects"):
        sample_cameras(room(thing(0.0, 0.0, size_m=40.0)), 2, rng=np.random.default_rng(0))
    with pytest.raises(WorldError, match="floor wants one of"):
        surface_texture("floor", "green")
