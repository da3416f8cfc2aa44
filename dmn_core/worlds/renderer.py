"""Headless rendering of mazes: unlit textures under a flat sky, as in DeepMind Lab."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dmn_core.worlds.camera import CameraConfig
from dmn_core.worlds.maze import MazeLayout
from dmn_core.worlds.maze_model import build_maze_model
from dmn_core.worlds.world_renderer import WorldRenderer

__all__ = ["WALL_TOP_RGB", "CameraConfig", "MazeRenderer"]

WALL_TOP_RGB = np.array((70, 70, 80), dtype=np.uint8)


class MazeRenderer(WorldRenderer):
    """Renders what a camera sees in one maze from half the wall height."""

    def __init__(self, layout: MazeLayout, camera: CameraConfig | None = None) -> None:
        self.layout = layout
        super().__init__(camera or CameraConfig(), side_m=layout.config.size_m)

    def _build_model(self, mujoco: ModuleType, buffer_size: tuple[int, int]) -> Any:
        return build_maze_model(mujoco, self.layout, buffer_size=buffer_size)

    def render_top_view(self, size_px: int = 560) -> NDArray[np.uint8]:
        """Return the maze from above as RGB (size_px, size_px, 3): +x to the right, +y up."""
        image = super().render_top_view(size_px)
        return np.where(_wall_mask(self.layout, size_px)[..., None], WALL_TOP_RGB, image)


def _wall_mask(layout: MazeLayout, size_px: int) -> NDArray[np.bool_]:
    """Tell which pixels (size_px, size_px) of a top view show a wall."""
    inner = layout.walls[1:-1, 1:-1].astype(np.uint8)
    mask = cv2.resize(inner, (size_px, size_px), interpolation=cv2.INTER_NEAREST)
    return np.asarray(mask, dtype=np.bool_)
