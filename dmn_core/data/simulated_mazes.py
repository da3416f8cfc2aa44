"""Simulated mazes as data; see `rendered_sets` for how they are kept."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.rendered_sets import (
    TEST_SEED,
    TRAINING_SEED,
    VALIDATION_SEED,
    RenderedSet,
    SplitSizes,
    load_or_render,
    load_split,
    square_side,
)
from dmn_core.data.sources import DataConfig, ImageSize, Split
from dmn_core.worlds.maze import MazeConfig
from dmn_core.worlds.maze_look import LookSpread
from dmn_core.worlds.maze_recipe import MazeRecipe, VariedMazeRecipe
from dmn_core.worlds.renderer import CameraConfig

__all__ = [
    "TEST_SEED",
    "TRAINING_SEED",
    "VALIDATION_SEED",
    "SimulatedMazesConfig",
    "load",
    "load_or_render_mazes",
]

SIZES: SplitSizes = {"train": (1000, 100), "validation": (200, 40), "test": (500, 40)}


@dataclass(frozen=True)
class SimulatedMazesConfig:
    """A set of `count` mazes, those of seeds first_seed, first_seed + 1, ..."""

    count: int = 1000
    views_per_maze: int = 100
    image_size: int = 32
    first_seed: int = TRAINING_SEED
    mazes_per_shard: int = 50
    maze: MazeConfig = field(default_factory=MazeConfig)
    spread: LookSpread | None = None
    """From what every maze draws its look; None for the original look."""

    def __post_init__(self) -> None:
        """Refuse a set that cannot be rendered."""
        _ = self.rendered_set

    @property
    def recipe(self) -> MazeRecipe:
        """What decides the content of the shards; `count` and `first_seed` do not."""
        camera = CameraConfig(width=self.image_size, height=self.image_size)
        parts = (self.views_per_maze, self.mazes_per_shard, self.maze, camera)
        return VariedMazeRecipe(*parts, self.spread) if self.spread else MazeRecipe(*parts)

    @property
    def rendered_set(self) -> RenderedSet:
        """The wanted mazes."""
        return RenderedSet(self.recipe, self.count, self.first_seed)


def load(config: DataConfig, split: Split, image_size: ImageSize) -> EnvironmentSet:
    """The mazes of a split; see `sources.load_environments`."""
    side = square_side(image_size)
    kind = VariedMazeRecipe if config.data == "mazes-varied" else MazeRecipe
    return load_split(
        config,
        split,
        sizes=SIZES,
        make_recipe=lambda views: kind(views, camera=CameraConfig(side, side)),
    )


def load_or_render_mazes(
    config: SimulatedMazesConfig,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    workers: int = 1,
    show_progress: bool = True,
) -> EnvironmentSet:
    """Return the mazes of `config`; see `rendered_sets.load_or_render`."""
    return load_or_render(
        config.rendered_set, cache_dir=cache_dir, workers=workers, show_progress=show_progress
    )
