"""Views (an image and where it was taken) and the view-embedding map made of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from dmn_core.errors import MapError

Area = tuple[float, float, float, float]


@dataclass(frozen=True, order=True)
class ViewRecord:
    """What is known of a view beside its image and viewpoint.

    Attributes:
        stamp_ns: when the image was taken; 0 where nobody said.
        source: which robot, or which recording, it comes from.
        picture_png: what the view looks like, small, for people; empty where nobody kept it. It
            does not go into messages between robots.
    """

    stamp_ns: int = 0
    source: str = ""
    picture_png: bytes = field(default=b"", compare=False, repr=False)


@dataclass(frozen=True)
class Views:
    """Pictures with known places.

    Attributes:
        images: (N, H, W, 3) uint8, RGB.
        poses_map_camera: (N, 3) planar viewpoints [m, m, rad].
        records: (N) when each was taken and by whom; empty where nobody said.
    """

    images: np.ndarray
    poses_map_camera: np.ndarray
    records: tuple[ViewRecord, ...] = ()

    def __post_init__(self) -> None:
        """Refuse records that are not images with as many poses."""
        images, poses = self.images, self.poses_map_camera
        if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
            raise MapError(
                f"views want images (N, H, W, 3) of uint8, got {images.shape!r} of {images.dtype}"
            )
        if poses.shape != (len(images), 3) or not np.isfinite(poses).all():
            raise MapError(
                f"views want {len(images)} finite poses (x, y, yaw), got shape {poses.shape!r}"
            )
        if len(images) == 0:
            raise MapError("views want at least one image, got none")
        _require_records(self.records, len(images))


@dataclass(frozen=True)
class ViewMap:
    """View-embedding map of a batch of places (paper section IV-A).

    Attributes:
        embeddings: (B, N, D, h, w) features of each context image.
        poses_map_camera: (B, N, 3) their viewpoints [m, m, rad].
        area_m: x_min, x_max, y_min, y_max in which a robot may be; None where nobody said.
        weights_fingerprint: which weights made the embeddings; empty while training.
        records: (N) when each view was taken and by whom, for a map of one place; may be empty.
    """

    embeddings: Tensor
    poses_map_camera: Tensor
    area_m: Area | None = None
    weights_fingerprint: str = ""
    records: tuple[ViewRecord, ...] = ()

    def __post_init__(self) -> None:
        """Refuse maps whose parts do not belong together."""
        if self.embeddings.ndim != 5:
            raise MapError(
                f"a map wants embeddings (B, N, D, h, w), got shape {tuple(self.embeddings.shape)}"
            )
        wanted = (*self.embeddings.shape[:2], 3)
        if tuple(self.poses_map_camera.shape) != wanted:
            raise MapError(
                f"a map with embeddings {tuple(self.embeddings.shape)} wants viewpoints {wanted}, "
                f"got {tuple(self.poses_map_camera.shape)}"
            )
        if self.area_m is not None and not (
            self.area_m[0] < self.area_m[1] and self.area_m[2] < self.area_m[3]
        ):
            raise MapError(f"area_m wants x_min < x_max and y_min < y_max, got {self.area_m!r}")
        _require_records(self.records, self.n_views)

    @property
    def n_views(self) -> int:
        """How many context views each map holds."""
        return self.embeddings.shape[1]

    def to(self, device: torch.device | str) -> ViewMap:
        """The same map on another device."""
        return replace(
            self,
            embeddings=self.embeddings.to(device),
            poses_map_camera=self.poses_map_camera.to(device),
        )


def _require_records(records: tuple[ViewRecord, ...], views: int) -> None:
    if records and len(records) != views:
        raise MapError(f"{views} views want as many records or none, got {len(records)}")


def in_half_precision(embeddings: Tensor) -> Tensor:
    """The same numbers, each rounded to the nearest that float16 holds.

    Maps hold such numbers only, so that a map is the same in memory, on disk and in a message.
    """
    return embeddings.to(torch.float16).to(torch.float32)


def area_around(poses_map_camera: np.ndarray, *, margin_m: float) -> Area:
    """Bounding box of viewpoints (N, 3), grown by a margin [m] on every side."""
    low = poses_map_camera[:, :2].min(axis=0) - margin_m
    high = poses_map_camera[:, :2].max(axis=0) + margin_m
    return (float(low[0]), float(high[0]), float(low[1]), float(high[1]))


def resize_rgb(image: np.ndarray, *, height: int, width: int) -> np.ndarray:
    """RGB uint8 (H, W, 3) brought to the network's size; averages pixels when it shrinks."""
    if image.shape[:2] == (height, width):
        return image
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method))


def to_network_input(images: Tensor) -> Tensor:
    """Images (..., H, W, 3) of uint8 -> (..., 3, H, W) float32 in [-1, 1]."""
    return images.movedim(-1, -3).float().div_(127.5).sub_(1.0)
