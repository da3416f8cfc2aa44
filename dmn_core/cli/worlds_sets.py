"""What the commands of all kinds of rendered world share: options, rendering, a contact sheet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dmn_core.data.rendered_sets import RenderedSet, load_or_render
from dmn_core.views import Area
from dmn_core.worlds.pictures import contact_sheet, draw_views, save_picture
from dmn_core.worlds.shards import WORLDS_PER_SHARD, WorldRecipe

TOP_VIEW_PX = 700
_SHOWN_WORLDS, _SHOWN_VIEWS = 8, 12


@dataclass(frozen=True)
class RenderedSetCommand(ABC):
    """Render a set of worlds into the cache; with `show`, only draw the first ones."""

    count: int = 1000
    """How many worlds."""
    views: int = 100
    """Views of each."""
    seed: int = 0
    """Seed of the first world (training 0, validation 1000000, test 2000000)."""
    image_size: int = 32
    """Width and height of the images, in pixels."""
    workers: int = 1
    """Processes that render."""
    cache: Path | None = None
    """Folder of rendered worlds; by default $DMN_CACHE or ~/.cache/dmn."""
    show: bool = False
    """Write a contact sheet and a top view instead of rendering the set."""
    out: Path = Path("results/worlds")
    """Folder of the pictures."""

    @abstractmethod
    def recipe(self, *, worlds_per_shard: int = WORLDS_PER_SHARD) -> WorldRecipe:
        """How the worlds are made and seen."""

    @abstractmethod
    def top_view(self) -> tuple[NDArray[np.uint8], Area]:
        """The first world from above, RGB (S, S, 3), and the area that it shows, in metres."""

    def run(self) -> None:
        """Carry out the command."""
        if self.show:
            for path in self.draw():
                print(path)
            return
        wanted = RenderedSet(self.recipe(), self.count, self.seed)
        worlds = load_or_render(wanted, cache_dir=self.cache, workers=self.workers)
        name = wanted.recipe.name
        print(f"{len(worlds)} {name} with {self.views} views each, seeds from {self.seed}")

    def draw(self) -> list[Path]:
        """Write a sheet of up to 8 worlds and a top view of the first; return the paths."""
        views = min(self.views, _SHOWN_VIEWS)
        recipe = replace(self, views=views).recipe(worlds_per_shard=1)
        shown = RenderedSet(recipe, min(self.count, _SHOWN_WORLDS), self.seed)
        worlds = load_or_render(shown, cache_dir=self.cache, show_progress=False)
        sheet = contact_sheet(worlds.images.numpy(), columns=views)
        top, area_m = self.top_view()
        top = draw_views(top, worlds.poses_map_camera[worlds.views_of(0)], area_m)
        return [
            save_picture(self.out / f"{recipe.name}_sheet.png", sheet),
            save_picture(self.out / f"{recipe.name}_top_view.png", top),
        ]
