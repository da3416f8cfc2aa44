"""How cities are made and seen for data: two visits to each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from dmn_core.views import Area
from dmn_core.worlds.shards import RenderedViews, WorldRecipe
from dmn_core.worlds.streets.city import build_city
from dmn_core.worlds.streets.layout import CityConfig
from dmn_core.worlds.streets.panorama import PanoramaConfig
from dmn_core.worlds.streets.renderer import StreetRenderer
from dmn_core.worlds.streets.survey import survey_poses
from dmn_core.worlds.streets.visit import VISITS, draw_visits


@dataclass(frozen=True)
class StreetRecipe(WorldRecipe):
    """Cities of one kind, seen by one camera. Renaming a field renames the caches."""

    name: ClassVar[str] = "streets"

    panoramas_per_visit: int = 160
    city: CityConfig = field(default_factory=CityConfig)
    camera: PanoramaConfig = field(default_factory=PanoramaConfig)

    def __post_init__(self) -> None:
        self._check_counts()

    @property
    def views(self) -> int:
        """Panoramas of each city: those of the first visit, then those of the second."""
        return VISITS * self.panoramas_per_visit

    @property
    def worlds_per_shard(self) -> int:
        """Cities that one file holds."""
        return 1

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the panoramas, in pixels."""
        return self.camera.height, self.camera.width

    @property
    def area_m(self) -> Area:
        """x_min, x_max, y_min, y_max that hold every city, in metres."""
        half = self.city.largest_side_m / 2
        return -half, half, -half, half

    def render(self, seed: int) -> RenderedViews:
        """Return panoramas (M, H, W, 3) and poses (M, 3) in the frame of the city of `seed`."""
        city = build_city(seed, self.city)
        images, poses = [], []
        for visit in draw_visits(seed):
            taken = survey_poses(city.plan, visit, self.panoramas_per_visit)
            with StreetRenderer(city, visit, self.camera) as renderer:
                images += [renderer.render(pose, traffic_seed=k) for k, pose in enumerate(taken)]
            poses.append(taken)
        return np.stack(images), np.concatenate(poses).astype(np.float32)
