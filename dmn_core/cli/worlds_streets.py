"""Command `dmn worlds streets`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dmn_core.data.rendered_sets import FIRST_SEEDS
from dmn_core.data.simulated_streets import VIEWS, render_database, street_recipe
from dmn_core.data.sources import PANORAMA, Split
from dmn_core.worlds.pictures import draw_views, save_picture
from dmn_core.worlds.streets.city import build_city
from dmn_core.worlds.streets.panorama import PanoramaConfig
from dmn_core.worlds.streets.renderer import StreetRenderer
from dmn_core.worlds.streets.survey import survey_poses
from dmn_core.worlds.streets.visit import draw_visits

_SHOWN_CITIES, _SHOWN_PLACES = 6, 3
_TOP_VIEW_PX = 700


@dataclass(frozen=True)
class StreetsCommand:
    """Render cities into a StreetLearn database in the cache; with `show`, only draw some."""

    count: int = 48
    """How many cities."""
    split: Split = "train"
    """Which of them: no city is in two splits."""
    views: int = VIEWS
    """Panoramas of both visits in an area where two streets cross, about."""
    height: int = PANORAMA[0]
    """Height of the panoramas, in pixels; they are twice as wide."""
    workers: int = 1
    """Processes that render."""
    cache: Path | None = None
    """Folder of rendered worlds; by default $DMN_CACHE or ~/.cache/dmn."""
    show: bool = False
    """Write a sheet of places at both visits, side by side, and a top view of the first city."""
    out: Path = Path("results/worlds")
    """Folder of the pictures."""

    def run(self) -> None:
        """Carry out the command."""
        if self.show:
            for path in self.draw():
                print(path)
            return
        recipe = street_recipe(self.views, (self.height, 2 * self.height))
        path = render_database(
            recipe, self.split, self.count, cache_dir=self.cache, workers=self.workers
        )
        print(f"{self.count} cities with {recipe.views} panoramas each in {path}")

    def draw(self) -> list[Path]:
        """Write the pictures and return their paths."""
        first = FIRST_SEEDS[self.split]
        rows, tops = [], []
        for seed in range(first, first + min(self.count, _SHOWN_CITIES)):
            city, visits, shown = build_city(seed), draw_visits(seed), []
            poses = survey_poses(city.plan, visits[0], _SHOWN_PLACES)
            for visit in visits:
                camera = PanoramaConfig(self.height, 2 * self.height)
                with StreetRenderer(city, visit, camera) as renderer:
                    shown.append([renderer.render(pose) for pose in poses])
                    if seed == first:
                        tops.append(self._top_view(renderer))
            # Each place at the first visit, then at the second.
            rows.append(np.concatenate([x for both in zip(*shown, strict=True) for x in both], 1))
        return [
            save_picture(self.out / "streets_sheet.png", np.concatenate(rows)),
            save_picture(self.out / "streets_top_view.png", np.concatenate(tops, axis=1)),
        ]

    def _top_view(self, renderer: StreetRenderer) -> NDArray[np.uint8]:
        """A city from above, with the places and headings of a visit's panoramas."""
        plan = renderer.city.plan
        half = max(plan.bounds.size) / 2
        recipe = street_recipe(self.views, (self.height, 2 * self.height))
        poses = survey_poses(plan, renderer.visit, recipe.panoramas_per_visit)
        return draw_views(renderer.render_top_view(_TOP_VIEW_PX), poses, (-half, half, -half, half))
