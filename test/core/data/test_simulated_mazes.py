"""The cache of rendered mazes: reused, resumed, renewed where it is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("mujoco")
pytest.importorskip("labmaze")

from dmn_core.data.cache import default_cache_dir
from dmn_core.data.rendered_sets import RenderedSet, load_or_render
from dmn_core.data.sources import DataConfig, load_environments
from dmn_core.errors import WorldError
from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.maze_recipe import MazeRecipe


def config(count: int, *, first_seed: int = 0, image_size: int = 16) -> RenderedSet:
    recipe = MazeRecipe(4, 2, camera=CameraConfig(image_size, image_size))
    return RenderedSet(recipe, count, first_seed)


def files(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in sorted(folder.rglob("*.npz"))}


def test_mazes_come_as_environments_in_the_map_frame(tmp_path: Path) -> None:
    mazes = load_or_render(config(3), cache_dir=tmp_path)
    assert mazes.images.shape == (12, 16, 16, 3) and len(mazes) == 3
    assert mazes.images.dtype == torch.uint8
    assert mazes.poses_map_camera.dtype == np.float32
    assert tuple(mazes.area_m) == (-20.0, 20.0, -20.0, 20.0)
    assert mazes.images.float().std() > 20
    for seed in range(3):
        poses = mazes.poses_map_camera[mazes.views_of(seed)]
        assert generate_maze(seed).is_free(poses[:, :2], 0.9).all()


def test_other_counts_and_seeds_share_shards(tmp_path: Path) -> None:
    three = load_or_render(config(3), cache_dir=tmp_path)
    written = files(tmp_path)
    assert len(written) == 2
    two = load_or_render(config(2), cache_dir=tmp_path)
    shifted = load_or_render(config(2, first_seed=1), cache_dir=tmp_path)
    assert files(tmp_path) == written
    assert torch.equal(two.images, three.images[:8])
    assert np.array_equal(shifted.poses_map_camera, three.poses_map_camera[4:])
    load_or_render(config(5), cache_dir=tmp_path)
    grown = files(tmp_path)
    assert len(grown) == 3
    assert written.items() <= grown.items()


@pytest.mark.parametrize("damage", ["cut", "empty", "noise", "flipped"])
def test_a_damaged_shard_is_rendered_anew(tmp_path: Path, damage: str) -> None:
    first = load_or_render(config(4), cache_dir=tmp_path)
    good, bad = sorted(tmp_path.rglob("*.npz"))
    kept, content = good.stat().st_mtime_ns, bytearray(bad.read_bytes())
    content[len(content) // 2] ^= 0xFF
    broken = {
        "cut": bad.read_bytes()[:-200],
        "empty": b"",
        "noise": b"not an archive",
        "flipped": bytes(content),
    }
    bad.write_bytes(broken[damage])
    again = load_or_render(config(4), cache_dir=tmp_path)
    assert torch.equal(first.images, again.images)
    assert good.stat().st_mtime_ns == kept


def test_several_workers_render_the_same_images(tmp_path: Path) -> None:
    alone = load_or_render(config(4), cache_dir=tmp_path / "one")
    together = load_or_render(config(4), cache_dir=tmp_path / "two", workers=2)
    assert torch.equal(alone.images, together.images)
    assert not list(tmp_path.rglob("*.partial"))


def test_the_cache_folder_follows_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DMN_CACHE", str(tmp_path))
    assert default_cache_dir() == tmp_path
    monkeypatch.delenv("DMN_CACHE")
    assert default_cache_dir() == Path.home() / ".cache" / "dmn"


def test_empty_sets_are_refused() -> None:
    with pytest.raises(WorldError, match="count >= 1"):
        config(0)


def test_varied_mazes_are_another_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMN_CACHE", str(tmp_path))
    plain, varied = (
        load_environments(
            DataConfig(data=name, environments=1, views=2, render_workers=1),
            "validation",
            image_size=(16, 16),
        )
        for name in ("mazes", "mazes-varied")
    )
    assert np.array_equal(plain.poses_map_camera, varied.poses_map_camera)
    assert not torch.equal(plain.images, varied.images)
    assert varied.name == "simulated mazes-varied"
