"""Simulated mazes as data; see `rendered_sets` for how they are kept."""

from __future__ import annotations

from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.rendered_sets import SplitSizes, load_split, square_side
from dmn_core.data.sources import DataConfig, ImageSize, Split
from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.maze_recipe import MazeRecipe, VariedMazeRecipe

SIZES: SplitSizes = {"train": (1000, 100), "validation": (200, 40), "test": (1000, 40)}


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
