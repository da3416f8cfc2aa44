"""How rooms are made and seen for data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from dmn_core.views import Area
from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.rooms.cameras import CameraPlacement, sample_cameras
from dmn_core.worlds.rooms.layout import RoomConfig, generate_room
from dmn_core.worlds.rooms.renderer import RoomRenderer, room_camera
from dmn_core.worlds.shards import WORLDS_PER_SHARD, RenderedViews, WorldRecipe


@dataclass(frozen=True)
class RoomRecipe(WorldRecipe):
    """Rooms of one kind, seen by one camera. Renaming a field renames the caches."""

    name: ClassVar[str] = "rooms"

    views_per_room: int = 20
    rooms_per_shard: int = WORLDS_PER_SHARD
    room: RoomConfig = field(default_factory=RoomConfig)
    camera: CameraConfig = field(default_factory=room_camera)
    placement: CameraPlacement = "free"

    def __post_init__(self) -> None:
        """Refuse shards of nothing."""
        self._check_counts()

    @property
    def views(self) -> int:
        """Views of each room."""
        return self.views_per_room

    @property
    def worlds_per_shard(self) -> int:
        """Rooms that one file holds."""
        return self.rooms_per_shard

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""
        return self.camera.height, self.camera.width

    @property
    def area_m(self) -> Area:
        """x_min, x_max, y_min, y_max where cameras are, in metres."""
        half = self.room.area_m / 2
        return -half, half, -half, half

    def render(self, seed: int) -> RenderedViews:
        """Return images (M, H, W, 3) and poses (M, 3) of the room of `seed`."""
        layout = generate_room(seed, self.room)
        rng = np.random.default_rng([seed, 1])
        poses = sample_cameras(layout, self.views, rng=rng, placement=self.placement)
        with RoomRenderer(layout, self.camera) as renderer:
            return renderer.render_many(poses), poses.astype(np.float32)
