"""Recordings of a robot as environments, with a held-out part in time.

In the order of time, the first eight tenths of a recording's views train, the ninth validates and
the last tests. Validation and test localize new images in a place that was seen before: contexts
come from the part that trains, queries from their own. A robot that stands still records nothing
new, so views are counted where it moved.

A recording of at most 40 m x 40 m is one environment, around its middle; a larger one is cut into
areas of that size around views, so that every view lies within 10 m of the middle of one. Metres
stay metres. The area in which a robot may be is what was driven, grown by the margin that maps
have, and at most 40 m: in a small room nobody asks whether the robot is far outside of it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch

from dmn_core.cameras import NetworkCamera
from dmn_core.cameras.network_camera import BY_SHAPE, FieldOfView
from dmn_core.data.bag import ViewSelection, read_camera_views
from dmn_core.data.episode import PAPER_AREA_M, EnvironmentSet, ViewRole
from dmn_core.data.sources import DataConfig, ImageSize, Split
from dmn_core.errors import DataError
from dmn_core.localization import DEFAULT_MARGIN_M
from dmn_core.pose_track.planar import FloatArray, IntArray

SIDE_M = PAPER_AREA_M[1] - PAPER_AREA_M[0]
SELECTION = ViewSelection(min_distance_m=0.1, min_turn_rad=0.1, max_views=None, revisits=True)
LEAST_CONTEXTS, LEAST_QUERIES = 10, 5
_SHARES: dict[Split, tuple[float, float]] = {
    "train": (0.0, 0.8),
    "validation": (0.8, 0.9),
    "test": (0.9, 1.0),
}


@dataclass(frozen=True)
class _Drive:
    """A recording: images (V, H, W, 3) and camera poses (V, 3) in the order of time."""

    path: str
    images: np.ndarray
    poses_map_camera: FloatArray

    def part(self, split: Split) -> IntArray:
        """Numbers of the views of a split."""
        first, last = (round(share * len(self.images)) for share in _SHARES[split])
        return np.arange(first, last)


@dataclass(frozen=True)
class _Place:
    """An area of a drive: its centre (2,), and numbers and roles (M,) of the drive's views."""

    centre: FloatArray
    views: IntArray
    roles: np.ndarray


def load(
    config: DataConfig,
    split: Split,
    image_size: ImageSize,
    *,
    field_of_view_deg: FieldOfView = BY_SHAPE,
) -> EnvironmentSet:
    """The areas of all recordings; see `sources.load_environments`.

    Areas of a recording overlap and share its images and light: it is their block. `views` spreads
    so many over each recording, `environments` is how many areas at most.

    Raises:
        BagError: a recording lacks images or poses; the message names its topics.
        DataError: the recordings are too short, or never come back.
    """
    height, width = image_size
    camera = NetworkCamera.of_size(height=height, width=width, field_of_view_deg=field_of_view_deg)
    drives = [_read(path, config, camera) for path in config.bag]
    places = [_places(drive, split) for drive in drives]
    lacking = [
        _lack(drive, split) for drive, found in zip(drives, places, strict=True) if not found
    ]
    if len(lacking) == len(drives):
        raise DataError("\n".join(lacking))
    for message in lacking:
        warnings.warn(f"{message}; it is left out", stacklevel=2)
    first_image = np.cumsum([0, *(len(drive.images) for drive in drives)])
    found = [
        (drive, place, place.views + first)
        for drive, first, own in zip(drives, first_image[:-1], places, strict=True)
        for place in own
    ]
    half_x, half_y = np.max([_half_m(drive) for drive in drives], axis=0).tolist()
    poses = [
        drive.poses_map_camera[place.views] - (*place.centre, 0.0) for drive, place, _ in found
    ]
    shown, image_of_view = np.unique(
        np.concatenate([images for *_, images in found]), return_inverse=True
    )
    return EnvironmentSet(
        torch.from_numpy(np.concatenate([drive.images for drive in drives])[shown]),
        np.concatenate(poses).astype(np.float32),
        np.cumsum([0, *map(len, poses)], dtype=np.int64),
        (-half_x, half_x, -half_y, half_y),
        image_of_view=image_of_view,
        roles=np.concatenate([place.roles for _, place, _ in found]),
        name="bags",
        blocks=np.repeat(np.arange(len(drives), dtype=np.int64), [len(own) for own in places]),
    ).first(config.environments or len(found))


def _read(path: str, config: DataConfig, camera: NetworkCamera) -> _Drive:
    images, poses, _ = read_camera_views(
        path,
        config.topics,
        selection=SELECTION,
        image_size=(camera.height, camera.width),
        target=camera,
    )
    count = min(config.views or len(images), len(images))
    chosen = np.linspace(0, len(images) - 1, count).round().astype(np.int64)
    return _Drive(path, np.stack([images[index] for index in chosen]), poses[chosen])


def _places(drive: _Drive, split: Split) -> list[_Place]:
    """The areas with enough views."""
    positions = drive.poses_map_camera[:, :2]
    places = []
    for centre in _centres(positions):
        inside = np.abs(positions - centre).max(axis=1) <= SIDE_M / 2
        known, own = (part[inside[part]] for part in (drive.part("train"), drive.part(split)))
        if len(known) < LEAST_CONTEXTS or len(own) < LEAST_QUERIES:
            continue
        if split == "train":
            places.append(_Place(centre, known, np.full(len(known), ViewRole.ANY, np.uint8)))
            continue
        roles = np.repeat([ViewRole.CONTEXT, ViewRole.QUERY], [len(known), len(own)])
        places.append(_Place(centre, np.concatenate([known, own]), roles.astype(np.uint8)))
    return places


def _centres(positions: FloatArray) -> list[FloatArray]:
    """The middle of positions (V, 2); where they reach further than an area, many of them."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    if (high - low).max() <= SIDE_M:
        return [(low + high) / 2]
    centres: list[FloatArray] = []
    for position in positions:
        if all(np.abs(position - centre).max() > SIDE_M / 4 for centre in centres):
            centres.append(position)
    return centres


def _half_m(drive: _Drive) -> list[float]:
    """Half of the sides [m] of the area of a drive, x and y; of all its splits alike."""
    positions = drive.poses_map_camera[:, :2]
    driven = positions.max(axis=0) - positions.min(axis=0)
    return [min(float(side) / 2 + DEFAULT_MARGIN_M, SIDE_M / 2) for side in driven]


def _lack(drive: _Drive, split: Split) -> str:
    known, own = len(drive.part("train")), len(drive.part(split))
    return (
        f"{drive.path!r} wants an area of {SIDE_M:.0f} m with {LEAST_CONTEXTS} views from the "
        f"first eight tenths of the recording and {LEAST_QUERIES} from the part for {split}, got "
        f"{known} and {own} views anywhere: record a longer drive that comes back to where it was"
    )
