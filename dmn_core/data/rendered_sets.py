"""Sets of rendered worlds: rendered once, kept in a cache on disk, loaded as environments."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from dmn_core.data.cache import default_cache_dir
from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.sources import DataConfig, ImageSize, Split
from dmn_core.errors import WorldError
from dmn_core.worlds.shards import Shard, WorldRecipe, read_shard, render_shard

TRAINING_SEED = 0
VALIDATION_SEED = 1_000_000
TEST_SEED = 2_000_000
FIRST_SEEDS: dict[Split, int] = {
    "train": TRAINING_SEED,
    "validation": VALIDATION_SEED,
    "test": TEST_SEED,
}
"""Of every kind of world, so that no world is in two splits."""

SplitSizes = Mapping[Split, tuple[int, int]]
"""Worlds and views of each, a split, where nothing else is asked for."""


@dataclass(frozen=True)
class RenderedSet:
    """A set of `count` worlds of one recipe, those of seeds first_seed, first_seed + 1, ..."""

    recipe: WorldRecipe
    count: int
    first_seed: int = TRAINING_SEED

    def __post_init__(self) -> None:
        """Refuse a set without worlds."""
        if self.count < 1 or self.first_seed < 0:
            raise WorldError(
                f"a set of {self.recipe.name} wants count >= 1 and first_seed >= 0, not "
                f"{self.count!r} and {self.first_seed!r}"
            )

    @property
    def shard_indices(self) -> range:
        """Shards that hold the wanted seeds."""
        size, last_seed = self.recipe.worlds_per_shard, self.first_seed + self.count - 1
        return range(self.first_seed // size, last_seed // size + 1)


def load_split(
    config: DataConfig,
    split: Split,
    *,
    sizes: SplitSizes,
    make_recipe: Callable[[int], WorldRecipe],
) -> EnvironmentSet:
    """Return the worlds of a split; `make_recipe` is given the number of views."""
    count, views = sizes[split]
    recipe = make_recipe(config.views or views)
    wanted = RenderedSet(recipe, config.environments or count, FIRST_SEEDS[split])
    return load_or_render(wanted, workers=config.render_workers)


def square_side(image_size: ImageSize) -> int:
    """Return the side in pixels of square images.

    Raises:
        WorldError: they are not square.
    """
    height, width = image_size
    if height != width:
        raise WorldError(f"these worlds want square images, got {height} x {width} pixels")
    return height


def load_or_render(
    wanted: RenderedSet,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    workers: int = 1,
    show_progress: bool = True,
) -> EnvironmentSet:
    """Return the worlds of a set, rendering the shards that the cache lacks.

    Rendering can be broken off and goes on where it stopped; damaged shards are rendered anew.

    Args:
        wanted: which worlds.
        cache_dir: folder of the shards; `default_cache_dir()` if None.
        workers: processes that render.
        show_progress: on the terminal, while rendering.

    Raises:
        WorldError: shards must be rendered, and the simulator or OpenGL is missing.
    """
    recipe = wanted.recipe
    images = np.empty((wanted.count, *recipe.images_shape[1:]), dtype=np.uint8)
    poses = np.empty((wanted.count, recipe.views, 3), dtype=np.float32)
    for index, shard in each_shard(
        wanted, cache_dir=cache_dir, workers=workers, show_progress=show_progress
    ):
        size = recipe.worlds_per_shard
        start = index * size - wanted.first_seed
        low, high = max(start, 0), min(start + size, wanted.count)
        images[low:high] = shard.images[low - start : high - start]
        poses[low:high] = shard.poses_map_camera[low - start : high - start]
    return EnvironmentSet.regular(images, poses, recipe.area_m, name=f"simulated {recipe.name}")


def each_shard(
    wanted: RenderedSet,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    workers: int = 1,
    show_progress: bool = True,
) -> Iterator[tuple[int, Shard]]:
    """Yield the number and content of every shard of a set, one at a time, in any order.

    Arguments and errors are those of `load_or_render`.
    """
    folder = default_cache_dir() if cache_dir is None else Path(cache_dir).expanduser()
    recipe, missing = wanted.recipe, []
    for index in wanted.shard_indices:
        shard = read_shard(folder, recipe, index)
        if shard is None:
            missing.append(index)
        else:
            yield index, shard
    rendered = _render_shards(folder, recipe, missing, workers=workers)
    for index in _progress(rendered, len(missing), recipe, shown=show_progress):
        shard = read_shard(folder, recipe, index)
        if shard is None:
            raise WorldError(f"cannot read back shard {index} in {folder}; is the disk full?")
        yield index, shard


def _render_shards(
    folder: Path, recipe: WorldRecipe, indices: list[int], *, workers: int
) -> Iterator[int]:
    """Render shards and yield the index of each when it is on disk."""
    if workers <= 1 or len(indices) <= 1:
        for index in indices:
            yield render_shard(folder, recipe, index)
        return
    # OpenGL contexts do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(indices)), mp_context=context) as pool:
        jobs = [pool.submit(render_shard, folder, recipe, index) for index in indices]
        for job in as_completed(jobs):
            yield job.result()


def _progress(
    rendered: Iterable[int], count: int, recipe: WorldRecipe, *, shown: bool
) -> Iterable[int]:
    description = f"rendering {recipe.name}, {recipe.worlds_per_shard} a shard"
    return tqdm(
        rendered, desc=description, total=count, unit="shard", disable=not shown or not count
    )
