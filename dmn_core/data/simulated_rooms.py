"""Simulated rooms as data; see `rendered_sets` for how they are kept."""

from __future__ import annotations

from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.rendered_sets import SplitSizes, load_split, square_side
from dmn_core.data.sources import DataConfig, ImageSize, Split
from dmn_core.worlds.rooms.cameras import CameraPlacement
from dmn_core.worlds.rooms.recipe import RoomRecipe
from dmn_core.worlds.rooms.renderer import room_camera

SIZES: SplitSizes = {"train": (5000, 20), "validation": (200, 20), "test": (1000, 20)}
# Cameras that look where objects are: of free ones most see nothing but walls that are all alike.
PLACEMENT: CameraPlacement = "inward"


def load(config: DataConfig, split: Split, image_size: ImageSize) -> EnvironmentSet:
    """The rooms of a split; see `sources.load_environments`."""
    camera = room_camera(square_side(image_size))
    return load_split(
        config,
        split,
        sizes=SIZES,
        make_recipe=lambda views: RoomRecipe(views, camera=camera, placement=PLACEMENT),
    )
