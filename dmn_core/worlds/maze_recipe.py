"""How mazes are made and seen for data: views spread evenly over the free space of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from dmn_core.views import Area
from dmn_core.worlds.maze import MazeConfig, generate_maze
from dmn_core.worlds.maze_look import LookSpread, MazeLook
from dmn_core.worlds.renderer import CameraConfig, MazeRenderer
from dmn_core.worlds.sampling import sample_free_poses
from dmn_core.worlds.shards import WORLDS_PER_SHARD, RenderedViews, WorldRecipe


@dataclass(frozen=True)
class MazeRecipe(WorldRecipe):
    """Mazes of one shape, seen by one camera. Renaming a field renames the caches."""

    name: ClassVar[str] = "mazes"

    views_per_maze: int = 100
    mazes_per_shard: int = WORLDS_PER_SHARD
    maze: MazeConfig = field(default_factory=MazeConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)

    def __post_init__(self) -> None:
        self._check_counts()

    @property
    def views(self) -> int:
        """Views of each maze."""
        return self.views_per_maze

    @property
    def worlds_per_shard(self) -> int:
        """Mazes that one file holds."""
        return self.mazes_per_shard

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""
        return self.camera.height, self.camera.width

    def look(self, seed: int) -> MazeLook | None:
        """How the maze of `seed` looks; None for the original look."""
        return None

    @property
    def area_m(self) -> Area:
        """x_min, x_max, y_min, y_max where cameras are, in metres."""
        half = self.maze.size_m / 2
        return -half, half, -half, half

    def render(self, seed: int) -> RenderedViews:
        """Return images (M, H, W, 3) and poses (M, 3) of the maze of `seed`."""
        layout = generate_maze(seed, self.maze)
        rng = np.random.default_rng([seed, 1])
        poses = sample_free_poses(layout, self.views, rng=rng)
        with MazeRenderer(layout, self.camera, look=self.look(seed)) as renderer:
            return renderer.render_many(poses), poses.astype(np.float32)


@dataclass(frozen=True)
class VariedMazeRecipe(MazeRecipe):
    """The same mazes, each in its own look and seen by its own camera."""

    name: ClassVar[str] = "mazes-varied"

    spread: LookSpread = field(default_factory=LookSpread)

    def look(self, seed: int) -> MazeLook:
        """How the maze of `seed` looks."""
        return self.spread.draw(np.random.default_rng([seed, 2]))
