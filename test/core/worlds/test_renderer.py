"""Rendering: what the camera sees is what lies in front of it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("mujoco")
pytest.importorskip("labmaze")

from dmn_core.errors import WorldError
from dmn_core.worlds.maze import MazeConfig, MazeLayout
from dmn_core.worlds.renderer import WALL_TOP_RGB, CameraConfig, MazeRenderer
from dmn_core.worlds.textures import CORRIDOR_SURFACE, SKY_RGB, Surface

RED_ROOM = Surface("style_05", "red", "blue")
PLAN = (
    "*********",
    "*       *",
    "* ***** *",
    "* *   * *",
    "* * * * *",
    "* *   * *",
    "* *** * *",
    "*     AA*",
    "*********",
)


def layout_of(plan: tuple[str, ...]) -> MazeLayout:
    letters = np.array([list(row) for row in plan])
    rooms = (letters == "A").astype(np.int64)
    return MazeLayout(MazeConfig(), 0, letters == "*", rooms, (CORRIDOR_SURFACE, RED_ROOM))


def is_reddish(rgb: np.ndarray) -> bool:
    red, green, blue = rgb.astype(int)
    return bool(red > 2 * green and red > 2 * blue)


def is_greenish(rgb: np.ndarray) -> bool:
    red, green, blue = rgb.astype(int)
    return bool(green > red and green > blue)


def test_flat_sky_above_floor_below_horizon_in_the_middle() -> None:
    layout = layout_of(PLAN)
    x, y = layout.cell_centre(7, 1)
    with MazeRenderer(layout, CameraConfig(84, 84, supersampling=1.0)) as renderer:
        image = renderer.render((x, y, 0.0))
    assert image.shape == (84, 84, 3)
    assert tuple(image[0, 42]) == SKY_RGB
    red, green, blue = image[-1, 30:54].reshape(-1, 3).mean(axis=0)
    assert red > green > 2 * blue, "the corridor's floor is orange"
    sky_rows = np.flatnonzero((image[:, 42] == SKY_RGB).all(axis=-1))
    assert 30 < sky_rows.max() < 42, "the far wall begins a little above the middle"


def test_camera_sees_what_lies_in_the_direction_of_its_yaw() -> None:
    layout = layout_of(PLAN)
    x, y = layout.cell_centre(6, 7)
    with MazeRenderer(layout) as renderer:
        ahead = {yaw: renderer.render((x, y, np.radians(yaw))) for yaw in (0, 90, 180, -90)}
    assert is_greenish(ahead[0][16, 16])
    assert is_greenish(ahead[180][16, 16])
    assert is_reddish(ahead[-90][17:19, 14:18].reshape(-1, 3).mean(axis=0)), "the room is south"
    assert not is_reddish(ahead[90][17:19, 14:18].reshape(-1, 3).mean(axis=0))


def test_turning_left_moves_content_to_the_right() -> None:
    layout = layout_of(PLAN)
    x, y = layout.cell_centre(7, 2)
    step = 0.05
    with MazeRenderer(layout, CameraConfig(84, 84, supersampling=1.0)) as renderer:
        before, after = renderer.render((x, y, 0.0)), renderer.render((x, y, step))
    strips = [image[40:48, 20:64].astype(float) for image in (before, after)]
    errors = {
        shift: np.abs(np.roll(strips[0], shift, axis=1) - strips[1])[:, 8:-8].mean()
        for shift in range(-6, 7)
    }
    best = min(errors, key=errors.__getitem__)
    assert best == pytest.approx(step * 42, abs=1.01)
    assert best > 0


def test_the_mirrored_maze_gives_the_mirrored_outline() -> None:
    mirrored = tuple(row[::-1] for row in PLAN)
    skies = []
    for plan, sign in ((PLAN, 1), (mirrored, -1)):
        layout = layout_of(plan)
        x, y = layout.cell_centre(3, 4)
        yaw = 0.4 if sign > 0 else np.pi - 0.4
        with MazeRenderer(layout, CameraConfig(84, 84, supersampling=1.0)) as renderer:
            image = renderer.render((x + sign * 1.0, y, yaw))
        sky = (np.abs(image.astype(int) - SKY_RGB).max(axis=-1) < 3).astype(int)
        skies.append(sky[:, ::sign])
    assert skies[0].mean() > 0.05
    assert np.mean(skies[0] != skies[1]) < 0.02


def test_top_view_has_x_to_the_right_and_y_up() -> None:
    layout = layout_of(PLAN)
    with MazeRenderer(layout) as renderer:
        before = renderer.render((0.0, layout.cell_centre(3, 4)[1], 0.3))
        top = renderer.render_top_view(140)
        after = renderer.render((0.0, layout.cell_centre(3, 4)[1], 0.3))
    assert top.shape == (140, 140, 3)
    assert tuple(top[70, 70]) == tuple(WALL_TOP_RGB), "a wall block stands in the middle"
    assert top[130, 130, 2] > top[130, 130, 0], "the blue floor of the room is at +x, -y"
    assert top[10, 10, 0] > top[10, 10, 2], "elsewhere the floor is orange"
    assert np.array_equal(before, after)


def test_bad_cameras_are_refused() -> None:
    with pytest.raises(WorldError, match="field_of_view_deg"):
        CameraConfig(field_of_view_deg=180.0)
    with pytest.raises(WorldError, match="supersampling"):
        CameraConfig(supersampling=0.5)


def test_missing_opengl_is_named_with_the_packages_to_install() -> None:
    code = """
import ctypes, os
os.environ.pop("DISPLAY", None)
os.environ.pop("MUJOCO_GL", None)
load = ctypes.CDLL.__init__
def without_egl(self, name, *args, **kwargs):
    if name and "EGL" in str(name):
        raise OSError("libEGL.so.1: cannot open shared object file")
    load(self, name, *args, **kwargs)
ctypes.CDLL.__init__ = without_egl
from dmn_core.errors import WorldError
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import MazeRenderer
try:
    MazeRenderer(generate_maze(0))
except WorldError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
    assert "apt-get install libegl1 libgl1-mesa-dri" in done.stdout, done.stderr
