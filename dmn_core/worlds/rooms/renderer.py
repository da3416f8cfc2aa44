"""Headless rendering of rooms: lit objects between textured walls, with soft shading."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.rooms.layout import RoomLayout
from dmn_core.worlds.rooms.model import build_room_model
from dmn_core.worlds.world_renderer import WorldRenderer


def room_camera(image_size: int = 32) -> CameraConfig:
    """Return the camera of the rooms: 50 degrees, drawn at twice the size of its images."""
    return CameraConfig(image_size, image_size, field_of_view_deg=50.0, supersampling=2.0)


class RoomRenderer(WorldRenderer):
    """Renders what a camera sees in one room from eye height."""

    def __init__(self, layout: RoomLayout, camera: CameraConfig | None = None) -> None:
        self.layout = layout
        super().__init__(
            camera or room_camera(),
            side_m=layout.config.side_m,
            eye_height_m=layout.config.eye_height_units * layout.config.unit_m,
        )

    def _build_model(self, mujoco: ModuleType, buffer_size: tuple[int, int]) -> Any:
        return build_room_model(mujoco, self.layout, buffer_size=buffer_size)
