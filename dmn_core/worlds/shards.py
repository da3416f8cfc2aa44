"""Files of rendered worlds: a shard holds the worlds of one fixed range of seeds."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError
from dmn_core.views import Area
from dmn_core.whole_file import read_arrays, whole_file

RenderedViews = tuple[NDArray[np.uint8], NDArray[np.float32]]
"""Images (M, H, W, 3) and the poses (M, 3) in the map that they were seen from."""

WORLDS_PER_SHARD = 50


class WorldRecipe(ABC):
    """How worlds of one kind are made and seen; inherited by a frozen dataclass.

    Its fields decide the content of shards, so they are part of the cache key.
    """

    name: ClassVar[str]
    """Of the kind of world; the key starts with it."""
    version: ClassVar[int] = 1
    """Raised when the same fields start to give other images, so that caches renew."""

    @property
    @abstractmethod
    def views(self) -> int:
        """Views of each world."""

    @property
    @abstractmethod
    def worlds_per_shard(self) -> int:
        """Worlds that one file holds."""

    @property
    @abstractmethod
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""

    @property
    @abstractmethod
    def area_m(self) -> Area:
        """x_min, x_max, y_min, y_max of every world, in metres."""

    @abstractmethod
    def render(self, seed: int) -> RenderedViews:
        """Return the views of the world of `seed`; the same seed gives the same views."""

    def content(self) -> Mapping[str, Any]:
        """What decides the content of shards, as JSON takes it."""
        return asdict(self)  # type: ignore[call-overload]  # recipes are dataclasses

    @property
    def key(self) -> str:
        """A short name that differs when the content of shards would differ."""
        text = json.dumps({"version": self.version, **self.content()}, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        height, width = self.image_size
        return f"{self.name}-{width}x{height}-{self.views}views-{digest}"

    @property
    def images_shape(self) -> tuple[int, int, int, int, int]:
        """Shape (worlds, views, H, W, 3) of a shard's images."""
        return self.worlds_per_shard, self.views, *self.image_size, 3

    def _check_counts(self) -> None:
        if self.views < 1 or self.worlds_per_shard < 1:
            raise WorldError(
                f"{self.name} want 1 or more views each and 1 or more in a shard, got "
                f"{self.views!r} and {self.worlds_per_shard!r}"
            )


@dataclass(frozen=True)
class Shard:
    """Worlds of consecutive seeds: uint8 images (S, M, H, W, 3) and float32 poses (S, M, 3)."""

    images: NDArray[np.uint8]
    poses_map_camera: NDArray[np.float32]


def shard_path(folder: Path, recipe: WorldRecipe, index: int) -> Path:
    """Return the file of shard `index`, which holds seeds from index * worlds_per_shard on."""
    return folder / recipe.key / f"seeds-{index * recipe.worlds_per_shard:09d}.npz"


def render_shard(folder: Path, recipe: WorldRecipe, index: int) -> int:
    """Render shard `index` into `folder`, whole or not at all, and return its index."""
    path = shard_path(folder, recipe, index)
    first = index * recipe.worlds_per_shard
    views = [recipe.render(first + k) for k in range(recipe.worlds_per_shard)]
    with whole_file(path) as partial, partial.open("wb") as file:
        np.savez(
            file,
            images=np.stack([images for images, _ in views]),
            poses_map_camera=np.stack([poses for _, poses in views]),
        )
    return index


def read_shard(folder: Path, recipe: WorldRecipe, index: int) -> Shard | None:
    """Return shard `index`, or None when it is missing, damaged or of another shape."""
    arrays = read_arrays(shard_path(folder, recipe, index), ("images", "poses_map_camera"))
    if arrays is None:
        return None
    shard = Shard(**arrays)
    if shard.images.shape != recipe.images_shape or shard.images.dtype != np.uint8:
        return None
    return shard if shard.poses_map_camera.shape == (*recipe.images_shape[:2], 3) else None
