"""Headless rendering of mazes: unlit textures under a flat sky, as in DeepMind Lab."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.maze import MazeLayout
from dmn_core.worlds.maze_look import ORIGINAL_EYE_HEIGHT, MazeLook, compressed
from dmn_core.worlds.maze_model import build_maze_model
from dmn_core.worlds.world_renderer import WorldRenderer

__all__ = ["WALL_TOP_RGB", "CameraConfig", "MazeRenderer"]

WALL_TOP_RGB = np.array((70, 70, 80), dtype=np.uint8)


class MazeRenderer(WorldRenderer):
    """Renders what a camera sees in one maze, from half the wall height unless the look differs.

    A look also replaces the field of view of the camera.
    """

    def __init__(
        self,
        layout: MazeLayout,
        camera: CameraConfig | None = None,
        *,
        look: MazeLook | None = None,
    ) -> None:
        self.layout = layout
        self.look = look or MazeLook()
        camera = camera or CameraConfig()
        if look is not None:
            camera = replace(camera, field_of_view_deg=look.field_of_view_deg)
        size_m, wall_m = layout.config.size_m, layout.config.cell_m
        height_m = (self.look.eye_height - ORIGINAL_EYE_HEIGHT) * wall_m
        super().__init__(camera, side_m=size_m, eye_height_m=height_m)

    def _build_model(self, mujoco: ModuleType, buffer_size: tuple[int, int]) -> Any:
        return build_maze_model(mujoco, self.layout, buffer_size=buffer_size, look=self.look)

    def _develop(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return compressed(frame, self.look)

    def render_top_view(self, size_px: int = 560) -> NDArray[np.uint8]:
        """Return the maze from above as RGB (size_px, size_px, 3): +x to the right, +y up."""
        image = super().render_top_view(size_px)
        return np.where(_wall_mask(self.layout, size_px)[..., None], WALL_TOP_RGB, image)


def _wall_mask(layout: MazeLayout, size_px: int) -> NDArray[np.bool_]:
    """Tell which pixels (size_px, size_px) of a top view show a wall."""
    inner = layout.walls[1:-1, 1:-1].astype(np.uint8)
    mask = cv2.resize(inner, (size_px, size_px), interpolation=cv2.INTER_NEAREST)
    return np.asarray(mask, dtype=np.bool_)
