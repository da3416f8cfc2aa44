"""Files of rendered mazes: a shard holds the mazes of one fixed range of seeds."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError
from dmn_core.worlds.maze import MazeConfig, generate_maze
from dmn_core.worlds.renderer import CameraConfig, MazeRenderer
from dmn_core.worlds.sampling import sample_free_poses

_CONTENT_VERSION = 1
"""Raise it when the same configuration starts to give other images, so that caches renew."""


@dataclass(frozen=True)
class ShardConfig:
    """What decides the content of shards; everything here is part of the cache key."""

    views_per_maze: int = 100
    mazes_per_shard: int = 50
    maze: MazeConfig = field(default_factory=MazeConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)

    def __post_init__(self) -> None:
        if self.views_per_maze < 1 or self.mazes_per_shard < 1:
            raise WorldError(
                "views_per_maze and mazes_per_shard must be positive, not "
                f"{self.views_per_maze!r} and {self.mazes_per_shard!r}"
            )

    @property
    def key(self) -> str:
        """A short name that differs when the content of shards would differ."""
        text = json.dumps({"version": _CONTENT_VERSION, **asdict(self)}, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        camera = self.camera
        return f"mazes-{camera.width}x{camera.height}-{self.views_per_maze}views-{digest}"

    @property
    def images_shape(self) -> tuple[int, int, int, int, int]:
        """Shape (mazes, views, H, W, 3) of a shard's images."""
        camera = self.camera
        return self.mazes_per_shard, self.views_per_maze, camera.height, camera.width, 3


@dataclass(frozen=True)
class Shard:
    """Mazes of consecutive seeds: uint8 images (S, M, H, W, 3) and float32 poses (S, M, 3)."""

    images: NDArray[np.uint8]
    poses_map_camera: NDArray[np.float32]


def shard_path(folder: Path, config: ShardConfig, index: int) -> Path:
    """Return the file of shard `index`, which holds seeds from index * mazes_per_shard on."""
    return folder / config.key / f"seeds-{index * config.mazes_per_shard:09d}.npz"


def render_maze_views(
    seed: int, config: ShardConfig
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return images (M, H, W, 3) and poses (M, 3) of the maze of `seed`, views spread evenly."""
    layout = generate_maze(seed, config.maze)
    rng = np.random.default_rng([seed, 1])
    poses = sample_free_poses(layout, config.views_per_maze, rng=rng)
    with MazeRenderer(layout, config.camera) as renderer:
        return renderer.render_many(poses), poses.astype(np.float32)


def render_shard(folder: Path, config: ShardConfig, index: int) -> int:
    """Render shard `index` into `folder`, whole or not at all, and return its index."""
    path = shard_path(folder, config, index)
    path.parent.mkdir(parents=True, exist_ok=True)
    first = index * config.mazes_per_shard
    views = [render_maze_views(first + k, config) for k in range(config.mazes_per_shard)]
    partial = path.with_suffix(f".{os.getpid()}.partial")
    with partial.open("wb") as file:
        np.savez(
            file,
            images=np.stack([images for images, _ in views]),
            poses_map_camera=np.stack([poses for _, poses in views]),
        )
    partial.replace(path)
    return index


def read_shard(folder: Path, config: ShardConfig, index: int) -> Shard | None:
    """Return shard `index`, or None when it is missing, damaged or of another shape."""
    path = shard_path(folder, config, index)
    try:
        with np.load(path) as arrays:
            shard = Shard(arrays["images"], arrays["poses_map_camera"])
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    if shard.images.shape != config.images_shape or shard.images.dtype != np.uint8:
        return None
    return shard if shard.poses_map_camera.shape == (*config.images_shape[:2], 3) else None
