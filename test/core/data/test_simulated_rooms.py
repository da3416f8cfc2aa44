"""Rooms as data: of the paper's size, kept in the cache, the splits apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("mujoco")
pytest.importorskip("labmaze")

from dmn_core.data.rendered_sets import RenderedSet, load_or_render
from dmn_core.data.sources import DataConfig, load_environments
from dmn_core.errors import WorldError
from dmn_core.worlds.rooms.layout import generate_room
from dmn_core.worlds.rooms.recipe import RoomRecipe
from dmn_core.worlds.shards import RenderedViews

FEW = DataConfig(data="rooms", environments=2, views=3, render_workers=1)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DMN_CACHE", str(tmp_path))
    return tmp_path


def test_rooms_are_a_source_whose_splits_differ(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dmn_core.worlds.rooms.recipe.RoomRecipe.worlds_per_shard", 2)
    train = load_environments(FEW, "train")
    assert len(train) == 2
    assert train.images.shape == (6, 32, 32, 3)
    assert train.images.dtype == torch.uint8
    assert train.area_m == (-20.0, 20.0, -20.0, 20.0)
    assert train.poses_map_camera.dtype == np.float32
    for seed in range(2):
        poses = train.poses_map_camera[train.views_of(seed)]
        assert generate_room(seed).is_free(poses[:, :2]).all()
    others = [load_environments(FEW, split) for split in ("validation", "test")]
    assert len({e.images.numpy().tobytes() for e in (train, *others)}) == 3
    assert len(list(cache.rglob("*.npz"))) == 3


def test_kept_rooms_are_not_rendered_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = RoomRecipe(views_per_room=2, rooms_per_shard=2)
    whole = load_or_render(RenderedSet(recipe, 4), show_progress=False)
    kept = {path: path.stat().st_mtime_ns for path in sorted(cache.rglob("*.npz"))}
    next(iter(kept)).write_bytes(b"damaged")
    rendered, render = [], RoomRecipe.render

    def counted(recipe: RoomRecipe, seed: int) -> RenderedViews:
        rendered.append(seed)
        return render(recipe, seed)

    monkeypatch.setattr(RoomRecipe, "render", counted)
    again = load_or_render(RenderedSet(recipe, 4), show_progress=False)
    assert rendered == [0, 1]
    assert torch.equal(again.images, whole.images)
    assert np.array_equal(again.poses_map_camera, whole.poses_map_camera)


def test_what_changes_images_changes_the_key() -> None:
    recipes = [RoomRecipe(), RoomRecipe(views_per_room=3), RoomRecipe(placement="ring")]
    assert len({recipe.key for recipe in recipes}) == 3
    assert recipes[0].key.startswith("rooms-32x32-20views-")


def test_images_that_are_not_square_are_refused(cache: Path) -> None:
    with pytest.raises(WorldError, match="square"):
        load_environments(FEW, "test", image_size=(32, 64))
