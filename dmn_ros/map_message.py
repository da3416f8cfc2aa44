"""The view-embedding map as a ROS message, and back."""

from __future__ import annotations

import array

import numpy as np
import torch
from dmn.msg import ViewMap as ViewMapMessage

from dmn_core.checkpoint import CONVENTION_VERSION
from dmn_core.errors import MapError
from dmn_core.map_codec import decode_map, encode_map
from dmn_core.map_editing import records_of, view_ids
from dmn_core.views import ViewMap
from dmn_ros.frames import header


def to_map_message(view_map: ViewMap, *, stamp_ns: int, frame_id: str) -> ViewMapMessage:
    """A map of one place as a message.

    Raises:
        MapError: the map has no area, which a localizer needs to start globally.
    """
    if view_map.area_m is None:
        raise MapError("a published map wants an area, this one has none: give area_m")
    records = records_of(view_map)
    return ViewMapMessage(
        header=header(stamp_ns, frame_id),
        convention_version=CONVENTION_VERSION,
        weights_fingerprint=view_map.weights_fingerprint,
        n_views=view_map.n_views,
        embedding_shape=np.array(view_map.embeddings.shape[2:], dtype=np.uint32),
        viewpoints=array.array("f", _viewpoints(view_map).tobytes()),
        view_ids=list(view_ids(view_map)),
        stamps_ns=array.array("q", [record.stamp_ns for record in records]),
        sources=[record.source for record in records],
        area_m=np.array(view_map.area_m, dtype=np.float64),
        data=array.array("B", encode_map(view_map)),
    )


def from_map_message(message: ViewMapMessage) -> ViewMap:
    """The map in a message.

    Raises:
        MapError: other conventions, damaged bytes, or fields that say something else.
    """
    if message.convention_version != CONVENTION_VERSION:
        raise MapError(
            f"the map follows convention version {message.convention_version!r}, this node "
            f"{CONVENTION_VERSION!r}: run mapper and localizer of one version"
        )
    view_map = decode_map(bytes(message.data))
    if view_map.area_m is None:
        raise MapError("a map in a message wants an area, this one has none: give area_m")
    agree = {
        "weights_fingerprint": message.weights_fingerprint == view_map.weights_fingerprint,
        "n_views": message.n_views == view_map.n_views,
        "area_m": np.array_equal(message.area_m, view_map.area_m),
        "viewpoints": np.array_equal(message.viewpoints, _viewpoints(view_map).reshape(-1)),
    }
    if wrong := [name for name, agrees in agree.items() if not agrees]:
        raise MapError(f"the map's {', '.join(wrong)} are others in its fields than in its data")
    return view_map


def same_map(first: ViewMap, second: ViewMap) -> bool:
    """Whether two maps hold the same numbers."""
    return (
        first.weights_fingerprint == second.weights_fingerprint
        and first.area_m == second.area_m
        and torch.equal(first.embeddings, second.embeddings)
        and torch.equal(first.poses_map_camera, second.poses_map_camera)
    )


def _viewpoints(view_map: ViewMap) -> np.ndarray:
    viewpoints: np.ndarray = view_map.poses_map_camera[0].detach().cpu().float().numpy()
    return viewpoints
