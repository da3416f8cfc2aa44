"""What every source of data yields: environments full of views, and episodes drawn from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from dmn_core.errors import DataError
from dmn_core.geometry import relative
from dmn_core.views import Area


@dataclass(frozen=True)
class EnvironmentSet:
    """Many places, each with as many views.

    Attributes:
        images: (E, M, H, W, 3) uint8, RGB; may be a memory map.
        poses_map_camera: (E, M, 3) float32 [m, m, rad].
        area_m: x_min, x_max, y_min, y_max of every environment.
    """

    images: np.ndarray
    poses_map_camera: np.ndarray
    area_m: Area

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        images, poses = self.images, self.poses_map_camera
        if images.ndim != 5 or images.shape[-1] != 3 or images.dtype != np.uint8:
            raise DataError(
                f"environments want images (E, M, H, W, 3) of uint8, got {images.shape!r} of "
                f"{images.dtype}"
            )
        if poses.shape != (*images.shape[:2], 3):
            raise DataError(
                f"environments with images {images.shape!r} want poses {(*images.shape[:2], 3)!r}, "
                f"got {poses.shape!r}"
            )

    def __len__(self) -> int:
        """Number of environments."""
        return len(self.images)


@dataclass(frozen=True)
class Episodes:
    """A batch of tasks: a few context views, then a sequence of query views of the same place.

    Attributes:
        context_images: (B, N, H, W, 3) uint8.
        context_poses: (B, N, 3) viewpoints in the map [m, m, rad].
        query_images: (B, T, H, W, 3) uint8.
        query_poses: (B, T, 3) true poses in the map; odometry is their difference.
        area_m: x_min, x_max, y_min, y_max.
    """

    context_images: Tensor
    context_poses: Tensor
    query_images: Tensor
    query_poses: Tensor
    area_m: Area

    def odometry(self, t: int) -> Tensor:
        """Motion (B, 3) that led to query t: its pose seen from the one before; none at t = 0."""
        return relative(self.query_poses[:, max(t - 1, 0)], self.query_poses[:, t])
