"""The view-embedding map as a ROS message, and back."""

from __future__ import annotations

import array

import numpy as np
import torch
from dmn.msg import ViewMap as ViewMapMessage

from dmn_core.checkpoint import CONVENTION_VERSION
from dmn_core.errors import MapError
from dmn_core.views import Area, ViewMap
from dmn_ros.frames import header


def to_map_message(view_map: ViewMap, *, stamp_ns: int, frame_id: str) -> ViewMapMessage:
    """A map of one place as a message.

    Raises:
        MapError: the map has no area, which a localizer needs to start globally.
    """
    if view_map.area_m is None:
        raise MapError("a published map wants an area, this one has none: give area_m")
    embeddings = view_map.embeddings[0].detach().cpu().float()
    return ViewMapMessage(
        header=header(stamp_ns, frame_id),
        convention_version=CONVENTION_VERSION,
        weights_fingerprint=view_map.weights_fingerprint,
        n_views=view_map.n_views,
        embedding_shape=np.array(embeddings.shape[1:], dtype=np.uint32),
        embeddings=_floats(embeddings),
        viewpoints=_floats(view_map.poses_map_camera[0].detach().cpu().float()),
        area_m=np.array(view_map.area_m, dtype=np.float64),
    )


def from_map_message(message: ViewMapMessage) -> ViewMap:
    """The map in a message.

    Raises:
        MapError: other conventions, sizes that disagree, or numbers that are not finite.
    """
    if message.convention_version != CONVENTION_VERSION:
        raise MapError(
            f"the map follows convention version {message.convention_version!r}, this node "
            f"{CONVENTION_VERSION!r}: run mapper and localizer of one version"
        )
    shape = (message.n_views, *(int(size) for size in message.embedding_shape))
    embeddings = _tensor(message.embeddings, shape, what="embeddings")
    viewpoints = _tensor(message.viewpoints, (message.n_views, 3), what="viewpoints")
    x_min, x_max, y_min, y_max = (float(edge) for edge in message.area_m)
    area: Area = (x_min, x_max, y_min, y_max)
    if not np.isfinite(area).all():
        raise MapError(f"the map's area wants finite numbers, got {area!r}")
    return ViewMap(
        embeddings.unsqueeze(0), viewpoints.unsqueeze(0), area, message.weights_fingerprint
    )


def same_map(first: ViewMap, second: ViewMap) -> bool:
    """Whether two maps hold the same numbers."""
    return (
        first.weights_fingerprint == second.weights_fingerprint
        and first.area_m == second.area_m
        and torch.equal(first.embeddings, second.embeddings)
        and torch.equal(first.poses_map_camera, second.poses_map_camera)
    )


def _tensor(values: array.array[float], shape: tuple[int, ...], *, what: str) -> torch.Tensor:
    flat = np.array(values, dtype=np.float32)
    if flat.size != np.prod(shape) or flat.size == 0:
        raise MapError(f"the map's {what} want {shape!r} numbers, got {flat.size}")
    if not np.isfinite(flat).all():
        raise MapError(f"the map's {what} hold numbers that are not finite")
    return torch.from_numpy(flat.reshape(shape))


def _floats(values: torch.Tensor) -> array.array[float]:
    packed = array.array("f")
    packed.frombytes(values.contiguous().numpy().tobytes())
    return packed
