"""Command `dmn worlds rooms`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dmn_core.cli.worlds_sets import TOP_VIEW_PX, RenderedSetCommand
from dmn_core.data.simulated_rooms import PLACEMENT
from dmn_core.views import Area
from dmn_core.worlds.rooms.cameras import CameraPlacement
from dmn_core.worlds.rooms.layout import generate_room
from dmn_core.worlds.rooms.recipe import RoomRecipe
from dmn_core.worlds.rooms.renderer import RoomRenderer, room_camera
from dmn_core.worlds.shards import WORLDS_PER_SHARD


@dataclass(frozen=True)
class RoomsCommand(RenderedSetCommand):
    """Render a set of rooms into the cache; with `show`, only draw the first ones."""

    count: int = 5000
    """How many rooms."""
    views: int = 20
    """Views of each."""
    placement: CameraPlacement = PLACEMENT
    """Cameras anywhere and looking anywhere, or looking where objects are, or so on a ring."""

    def recipe(self, *, worlds_per_shard: int = WORLDS_PER_SHARD) -> RoomRecipe:
        """How the rooms are made and seen."""
        return RoomRecipe(
            self.views,
            worlds_per_shard,
            camera=room_camera(self.image_size),
            placement=self.placement,
        )

    def top_view(self) -> tuple[NDArray[np.uint8], Area]:
        """The first room from above, RGB (S, S, 3), and the area that it shows, in metres."""
        layout = generate_room(self.seed)
        half = layout.config.side_m / 2
        with RoomRenderer(layout) as renderer:
            return renderer.render_top_view(TOP_VIEW_PX), (-half, half, -half, half)
