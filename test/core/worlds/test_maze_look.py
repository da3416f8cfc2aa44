"""Looks of mazes: drawn evenly within their ranges, seen in the images, off by default."""

from __future__ import annotations

import numpy as np
import pytest

from dmn_core.errors import WorldError
from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.maze_look import LookSpread, MazeLook, compressed, tinted
from dmn_core.worlds.maze_recipe import MazeRecipe, VariedMazeRecipe
from dmn_core.worlds.renderer import MazeRenderer

CAMERA = CameraConfig(48, 48, supersampling=1.0)


def seen(look=None, pose=(0.0, 0.0, 0.3), seed=3, camera=CAMERA):
    layout = generate_maze(seed)
    row, column = np.argwhere(~layout.walls & (layout.rooms == 0))[0]
    x, y = layout.cell_centre(row, column)
    with MazeRenderer(layout, camera, look=look) as renderer:
        return renderer.render((x, y, pose[2])).astype(int)


def test_looks_fill_their_ranges_and_follow_the_seed():
    spread = LookSpread()
    looks = [spread.draw(np.random.default_rng(seed)) for seed in range(300)]
    for name, low, high in (
        ("field_of_view_deg", 86, 94),
        ("eye_height", 0.45, 0.55),
        ("texture_scale", 1 / 1.3, 1.3),
        ("jpeg_quality", 40, 95),
    ):
        values = [getattr(look, name) for look in looks]
        width = high - low
        assert low <= min(values) < low + 0.05 * width
        assert high - 0.05 * width < max(values) <= high
    gains = np.array([look.channel_gain for look in looks])
    assert (gains >= 0.85).all() and (gains <= 1.15).all() and gains.std(axis=0).min() > 0.07
    assert spread.draw(np.random.default_rng(7)) == looks[7]


def test_no_spread_is_the_original_look():
    none = LookSpread(0.0, 0.0, 0.0, 0.0, 0).draw(np.random.default_rng(0))
    assert none == MazeLook()
    assert np.array_equal(seen(none), seen())


def test_a_higher_eye_sees_walls_end_lower_in_the_image():
    # Floors of corridors are orange.
    low, high = seen(MazeLook(eye_height=0.4)), seen(MazeLook(eye_height=0.6))
    assert np.abs(low - high).mean() > 1
    floor_low, floor_high = (
        (image[24:, :, 0] > image[24:, :, 2] + 60).sum() for image in (low, high)
    )
    assert floor_high < floor_low, "a floor farther below takes fewer rows"


def test_a_wider_view_shows_more():
    narrow = seen(MazeLook(field_of_view_deg=80.0))
    wide = seen(MazeLook(field_of_view_deg=100.0))
    # The middle of the wide image, enlarged by the ratio of tangents, is the narrow image.
    ratio = np.tan(np.radians(40)) / np.tan(np.radians(50))
    grid = np.clip((np.arange(48) - 23.5) * ratio + 23.5, 0, 47).round().astype(int)
    error = np.abs(narrow - wide[grid][:, grid]).mean()
    assert error < 0.5 * np.abs(narrow - wide).mean()


def test_textures_repeat_as_often_as_the_look_says():
    """More repetitions have more edges along the walls around, at the height of the eye."""

    def edges(scale):
        look, ahead = MazeLook(texture_scale=scale), (0.0, np.pi / 2, np.pi, -np.pi / 2)
        walls = [
            seen(look, pose=(0, 0, yaw), seed=seed, camera=CameraConfig(192, 192))[80:95]
            for seed in (3, 4, 5)
            for yaw in ahead
        ]
        return np.abs(np.diff(np.stack(walls).sum(axis=-1), axis=2)).mean()

    coarse, plain, fine = edges(0.5), edges(1.0), edges(2.0)
    assert 1.1 * coarse < plain and 1.3 * plain < fine


def test_textures_are_tinted_and_frames_compressed():
    grey = np.full((16, 16, 3), 100, dtype=np.uint8)
    assert tinted(grey, MazeLook(channel_gain=(1.1, 1.0, 0.5)))[0, 0].tolist() == [110, 100, 50]
    noise = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    errors = [
        np.abs(compressed(noise, MazeLook(jpeg_quality=q)).astype(int) - noise).mean()
        for q in (0, 95, 40)
    ]
    assert errors[0] == 0 < errors[1] < errors[2]


def test_what_a_camera_sees_is_tinted_and_compressed():
    plain, red = seen(), seen(MazeLook(channel_gain=(1.15, 1.0, 0.85)))
    shares = red[24:].mean(axis=(0, 1)) / plain[24:].mean(axis=(0, 1))
    assert shares == pytest.approx((1.15, 1.0, 0.85), abs=0.03)
    harsh, mild = (np.abs(seen(MazeLook(jpeg_quality=q)) - plain).mean() for q in (10, 95))
    assert 0 < mild < 0.5 * harsh


def test_varied_mazes_have_the_same_poses_and_another_cache():
    plain, varied = MazeRecipe(3, 1, camera=CAMERA), VariedMazeRecipe(3, 1, camera=CAMERA)
    assert plain.key != varied.key and varied.key.startswith("mazes-varied-")
    images, poses = plain.render(5)
    other_images, other_poses = varied.render(5)
    assert np.array_equal(poses, other_poses)
    assert not np.array_equal(images, other_images)


@pytest.mark.parametrize("ranges", [{"field_of_view_deg": 60.0}, {"eye_height": 0.5}])
def test_impossible_spreads_are_refused(ranges):
    with pytest.raises(WorldError, match="spread of looks wants"):
        LookSpread(**ranges)
