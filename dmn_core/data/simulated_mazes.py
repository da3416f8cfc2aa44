"""Simulated mazes as data: rendered once, kept in a cache on disk, loaded as environments."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.sources import DataConfig, ImageSize, Split
from dmn_core.errors import WorldError
from dmn_core.worlds.maze import MazeConfig
from dmn_core.worlds.renderer import CameraConfig
from dmn_core.worlds.shards import ShardConfig, read_shard, render_shard

TRAINING_SEED = 0
VALIDATION_SEED = 1_000_000
TEST_SEED = 2_000_000


@dataclass(frozen=True)
class SimulatedMazesConfig:
    """A set of `count` mazes, those of seeds first_seed, first_seed + 1, ..."""

    count: int = 1000
    views_per_maze: int = 100
    image_size: int = 32
    first_seed: int = TRAINING_SEED
    mazes_per_shard: int = 50
    maze: MazeConfig = field(default_factory=MazeConfig)

    def __post_init__(self) -> None:
        if self.count < 1 or self.first_seed < 0:
            raise WorldError(
                "a set of mazes wants count >= 1 and first_seed >= 0, not "
                f"{self.count!r} and {self.first_seed!r}"
            )

    @property
    def shards(self) -> ShardConfig:
        """What decides the content of the shards; `count` and `first_seed` do not."""
        camera = CameraConfig(width=self.image_size, height=self.image_size)
        return ShardConfig(self.views_per_maze, self.mazes_per_shard, self.maze, camera)

    @property
    def shard_indices(self) -> range:
        """Shards that hold the wanted seeds."""
        last_seed = self.first_seed + self.count - 1
        return range(self.first_seed // self.mazes_per_shard, last_seed // self.mazes_per_shard + 1)


DEFAULTS = {
    "train": (TRAINING_SEED, 1000, 100),
    "validation": (VALIDATION_SEED, 200, 40),
    "test": (TEST_SEED, 500, 40),
}
"""First seed, number of mazes and views of each, a split."""


def load(config: DataConfig, split: Split, image_size: ImageSize) -> EnvironmentSet:
    """The mazes of a split; see `sources.load_environments`."""
    seed, count, views = DEFAULTS[split]
    height, width = image_size
    if height != width:
        raise WorldError(f"mazes are seen in square images, asked for was {height} x {width}")
    return load_or_render_mazes(
        SimulatedMazesConfig(
            count=config.environments or count,
            views_per_maze=config.views or views,
            image_size=height,
            first_seed=seed,
        ),
        workers=config.render_workers,
    )


def default_cache_dir() -> Path:
    """Return the folder of rendered mazes: $DMN_CACHE, or ~/.cache/dmn."""
    chosen = os.environ.get("DMN_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "dmn"


def load_or_render_mazes(
    config: SimulatedMazesConfig,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    workers: int = 1,
    show_progress: bool = True,
) -> EnvironmentSet:
    """Return the mazes of `config`, rendering the shards that the cache lacks.

    Images are uint8 (count, views, H, W, 3), poses float32 (count, views, 3) in the map frame.
    Rendering can be broken off and goes on where it stopped; damaged shards are rendered anew.

    Raises:
        WorldError: when shards must be rendered and MuJoCo, labmaze or OpenGL is missing.
    """
    folder = default_cache_dir() if cache_dir is None else Path(cache_dir).expanduser()
    images = np.empty((config.count, *config.shards.images_shape[1:]), dtype=np.uint8)
    poses = np.empty((config.count, config.views_per_maze, 3), dtype=np.float32)
    missing = [i for i in config.shard_indices if not _copy_shard(folder, config, i, images, poses)]
    rendered = _render_shards(folder, config.shards, missing, workers=workers)
    for index in _progress(rendered, len(missing), config, shown=show_progress):
        if not _copy_shard(folder, config, index, images, poses):
            raise WorldError(f"cannot read back shard {index} in {folder}; is the disk full?")
    half = config.maze.size_m / 2
    area_m = (-half, half, -half, half)
    return EnvironmentSet.regular(images, poses, area_m, name="simulated mazes")


def _copy_shard(
    folder: Path,
    config: SimulatedMazesConfig,
    index: int,
    images: np.ndarray,
    poses: np.ndarray,
) -> bool:
    """Copy the wanted mazes of shard `index` into place; False when it must be rendered."""
    shard = read_shard(folder, config.shards, index)
    if shard is None:
        return False
    start = index * config.mazes_per_shard - config.first_seed
    low, high = max(start, 0), min(start + config.mazes_per_shard, config.count)
    images[low:high] = shard.images[low - start : high - start]
    poses[low:high] = shard.poses_map_camera[low - start : high - start]
    return True


def _render_shards(
    folder: Path, config: ShardConfig, indices: list[int], *, workers: int
) -> Iterator[int]:
    """Render shards and yield the index of each when it is on disk."""
    if workers <= 1 or len(indices) <= 1:
        for index in indices:
            yield render_shard(folder, config, index)
        return
    # OpenGL contexts do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(indices)), mp_context=context) as pool:
        jobs = [pool.submit(render_shard, folder, config, index) for index in indices]
        for job in as_completed(jobs):
            yield job.result()


def _progress(
    rendered: Iterable[int], count: int, config: SimulatedMazesConfig, *, shown: bool
) -> Iterable[int]:
    description = f"rendering mazes, {config.mazes_per_shard} a shard"
    return tqdm(
        rendered, desc=description, total=count, unit="shard", disable=not shown or not count
    )
