"""What every source of data yields: environments full of views, and episodes drawn from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntFlag
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from dmn_core.errors import DataError
from dmn_core.geometry import relative
from dmn_core.views import Area

# The area of the paper's data: 40 m x 40 m around the origin (section V-A).
PAPER_AREA_M: Area = (-20.0, 20.0, -20.0, 20.0)


class ViewRole(IntFlag):
    """What a view may be used for in an episode."""

    CONTEXT = 1  # in the map
    QUERY = 2  # to localize
    ANY = CONTEXT | QUERY
    FAR = 4  # a context from around the area, for Tables IV and V


@dataclass(frozen=True)
class EnvironmentSet:
    """Many places, each with its views; places may share images and differ in number of views.

    Attributes:
        images: (I, H, W, 3) uint8, RGB, on the device where batches are to be assembled.
        poses_map_camera: (V, 3) float32 [m, m, rad]; views of one environment side by side.
        first_view: (E + 1,) int64; environment e has views first_view[e] to first_view[e + 1].
        area_m: x_min, x_max, y_min, y_max in which the queries of every environment lie.
        image_of_view: (V,) int64; None where view v shows image v.
        roles: (V,) uint8 of `ViewRole`; None where every view may be anything.
        name: of the data, for records.
        blocks: (E,) int64; environments of one block share images or surroundings, so that what is
            found in one says something of the others. None where each stands alone.
    """

    images: Tensor
    poses_map_camera: np.ndarray
    first_view: np.ndarray
    area_m: Area
    image_of_view: np.ndarray | None = None
    roles: np.ndarray | None = None
    name: str = ""
    blocks: np.ndarray | None = None

    @classmethod
    def regular(
        cls, images: np.ndarray, poses_map_camera: np.ndarray, area_m: Area, *, name: str = ""
    ) -> EnvironmentSet:
        """Environments with as many views each: images (E, M, H, W, 3), poses (E, M, 3).

        Raises:
            DataError: the arrays do not belong together.
        """
        if images.ndim != 5 or poses_map_camera.shape != (*images.shape[:2], 3):
            raise DataError(
                "environments want images (E, M, H, W, 3) and poses (E, M, 3), got "
                f"{images.shape!r} and {poses_map_camera.shape!r}"
            )
        count, views = images.shape[:2]
        return cls(
            torch.from_numpy(images.reshape(-1, *images.shape[2:])),
            poses_map_camera.reshape(-1, 3),
            np.arange(count + 1, dtype=np.int64) * views,
            area_m,
            name=name,
        )

    def __post_init__(self) -> None:
        """Refuse parts that do not belong together."""
        images, poses, first = self.images, self.poses_map_camera, self.first_view
        if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != torch.uint8:
            raise DataError(
                f"environments want images (I, H, W, 3) of uint8, got {tuple(images.shape)!r} of "
                f"{images.dtype}"
            )
        if poses.ndim != 2 or poses.shape[1] != 3 or not np.isfinite(poses).all():
            raise DataError(f"environments want finite poses (V, 3), got {poses.shape!r}")
        if first[0] != 0 or first[-1] != len(poses) or (np.diff(first) < 0).any():
            raise DataError(
                f"first_view wants to rise from 0 to {len(poses)}, got {first[0]} to {first[-1]}"
            )
        shown = self.image_of_view
        last = (len(poses) if shown is None else int(shown.max(initial=-1)) + 1) - 1
        if last >= len(images) or (shown is not None and len(shown) != len(poses)):
            raise DataError(f"{len(poses)} views show images up to {last}, there are {len(images)}")
        if self.roles is not None and len(self.roles) != len(poses):
            raise DataError(f"{len(poses)} views want as many roles, got {len(self.roles)}")
        if self.blocks is not None and len(self.blocks) != len(self):
            raise DataError(f"{len(self)} environments want as many blocks, got {len(self.blocks)}")

    def __len__(self) -> int:
        """Number of environments."""
        return len(self.first_view) - 1

    def views_of(self, environment: int, role: ViewRole = ViewRole.ANY) -> np.ndarray:
        """Numbers (M,) of an environment's views that may be used as one of `role`."""
        views = np.arange(self.first_view[environment], self.first_view[environment + 1])
        return views if self.roles is None else views[(self.roles[views] & role) != 0]

    def with_views(self, *, contexts: int, queries: int, far_contexts: int = 0) -> np.ndarray:
        """Numbers (E',) of the environments with enough views for an episode."""
        counts = self._counts
        return np.flatnonzero(
            (counts[ViewRole.CONTEXT] >= contexts)
            & (counts[ViewRole.QUERY] >= queries)
            & (counts[ViewRole.ANY] >= contexts + queries)
            & (counts[ViewRole.FAR] >= far_contexts)
        )

    @cached_property
    def _counts(self) -> dict[ViewRole, np.ndarray]:
        """How many views (E,) of each role environments have; without roles none is far."""
        before = {}
        for role in (ViewRole.CONTEXT, ViewRole.QUERY, ViewRole.ANY, ViewRole.FAR):
            if self.roles is None:
                has = np.full(len(self.poses_map_camera), role != ViewRole.FAR)
            else:
                has = (self.roles & role) != 0
            before[role] = np.concatenate(([0], np.cumsum(has)))
        first, last = self.first_view[:-1], self.first_view[1:]
        return {role: count[last] - count[first] for role, count in before.items()}

    def images_of(self, views: np.ndarray) -> Tensor:
        """Images (..., H, W, 3) of views (...), assembled on the device of the images."""
        shown = views if self.image_of_view is None else self.image_of_view[views]
        rows = torch.from_numpy(np.ascontiguousarray(shown)).to(self.images.device)
        return self.images[rows]

    def first(self, count: int) -> EnvironmentSet:
        """The first `count` environments; images are shared."""
        count = min(count, len(self))
        stop = int(self.first_view[count])
        return replace(
            self,
            poses_map_camera=self.poses_map_camera[:stop],
            first_view=self.first_view[: count + 1],
            image_of_view=None if self.image_of_view is None else self.image_of_view[:stop],
            roles=None if self.roles is None else self.roles[:stop],
            blocks=None if self.blocks is None else self.blocks[:count],
        )

    def to(self, device: torch.device | str) -> EnvironmentSet:
        """The same environments with their images on another device."""
        return replace(self, images=self.images.to(device))


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

    def first(self, queries: int) -> Episodes:
        """The same with at most the first `queries` of every episode; 0 for all."""
        if queries == 0:
            return self
        return replace(
            self,
            query_images=self.query_images[:, :queries],
            query_poses=self.query_poses[:, :queries],
        )

    def odometry(self, t: int) -> Tensor:
        """Motion (B, 3) that led to query t: its pose seen from the one before; none at t = 0."""
        return relative(self.query_poses[:, max(t - 1, 0)], self.query_poses[:, t])
