"""From simulated to published Mazes: the same mazes are found in shards as they were published."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

pytest.importorskip("mujoco")
pytest.importorskip("labmaze")

from dmn_core.cli.main import main
from dmn_core.data.sources import DataConfig, load_environments
from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.renderer import MazeRenderer
from dmn_core.worlds.trajectory import drive_between_random_cells

SIDE_PX, DISPLAY_ROW = 84, 68
COUNTER_AT = (68, 9)  # column and row where its digits begin, in the rows above
FRAMES, SCENES, FIRST_SEED = 40, 3, 2_000_000


def as_published(rgb, count):
    """A frame with the game's display over it, as JPEG: icons below, a counter at the top right."""
    shown = rgb.copy()
    shown[DISPLAY_ROW:] = 40
    shown[DISPLAY_ROW + 2 : -2, 4:80:8] = (220, 180, 30)
    cv2.putText(shown, f"{count % 100:02d}", COUNTER_AT, cv2.FONT_HERSHEY_PLAIN, 0.7, (255,) * 3)
    return bytes(cv2.imencode(".jpg", shown[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])[1])


def walked(seed):
    """A maze, and poses (S, 3) [m, m, rad] of a walk through it."""
    layout = generate_maze(seed)
    drive = drive_between_random_cells(layout, 60.0, rng=np.random.default_rng(seed))
    chosen = np.linspace(0, len(drive) - 1, FRAMES).round().astype(int)
    return layout, drive.poses_map_base[chosen]


@pytest.fixture
def published(shards):
    """Simulated test mazes as shards of the published Mazes; the poses of each."""
    payloads, poses = [], []
    for seed in range(FIRST_SEED, FIRST_SEED + SCENES):
        layout, walk = walked(seed)
        with MazeRenderer(layout, CameraConfig(SIDE_PX, SIDE_PX)) as renderer:
            rendered = renderer.render_many(walk)
            frames = [as_published(rgb, count) for count, rgb in enumerate(rendered)]
        zero = np.zeros(FRAMES)
        # 40 m are 7 cells of 0.1, around (-0.05, -0.05).
        x, y = (walk[:, :2] * 0.7 / 40 - 0.05).T
        cameras = np.column_stack([x, y, zero, walk[:, 2], zero])
        payloads.append(shards.example(frames, cameras.ravel().tolist()))
        poses.append(walk)
    shards.write("mazes/test/001-of-120.tfrecord", payloads)
    return shards.root, np.stack(poses)


@pytest.mark.filterwarnings("ignore:wanted")
def test_simulated_mazes_are_read_from_published_shards_as_they_are_rendered(published):
    root, poses = published
    config = DataConfig(data="gqn-mazes", root=str(root))
    mazes = load_environments(config, "test", image_size=(32, 32))
    assert len(mazes) == SCENES
    found = mazes.poses_map_camera.reshape(SCENES, FRAMES, 3)
    assert np.allclose(found[..., :2], poses[..., :2], atol=1e-4)
    assert np.allclose(np.exp(1j * found[..., 2]), np.exp(1j * poses[..., 2]), atol=1e-5)
    layout, walk = walked(FIRST_SEED)
    with MazeRenderer(layout, CameraConfig(32, 32)) as renderer:
        rendered = renderer.render_many(walk)[:, :25].astype(float)
    above = mazes.images[:FRAMES, :25].numpy().astype(float)  # the display takes the lowest 6 rows
    off = np.abs(above - rendered).mean()
    others = np.abs(above - np.roll(rendered, FRAMES // 2, axis=0)).mean()
    assert off < 6 < others
    corner = (above - rendered)[:, :4, 26:]
    assert corner.mean() > 10 > np.abs((above - rendered)[:, :4, :22]).mean()
    display = mazes.images[:FRAMES, 27:].numpy().astype(float)
    assert display.std(axis=0).mean() < 3 < above.std(axis=0).mean()


@pytest.mark.filterwarnings("ignore:wanted")
def test_shipped_weights_are_evaluated_in_published_mazes(published, tmp_path, capsys):
    root, _ = published
    main(
        [
            *("evaluate", "--data", "gqn-mazes", "--root", str(root), "--trials", "12"),
            *("--particles-global", "256", "--particles-tracking", "64", "--device", "cpu"),
            *("--json", "--finished", str(tmp_path / "trials.jsonl")),
            *("--weights-dir", str(tmp_path / "none")),
        ]
    )
    printed = json.loads(capsys.readouterr().out)
    assert printed["weights"] == "mazes.safetensors" and printed["places_of_trials"] == SCENES
    # What is seen through the display is still worth much.
    dmn, blind = printed["dmn"], printed["uninformed"]
    assert dmn["tracking_rmse_m"]["value"] < 0.8 * blind["tracking_rmse_m"]["value"]
    assert dmn["sequential_global"]["value"] > 30 + blind["sequential_global"]["value"]
