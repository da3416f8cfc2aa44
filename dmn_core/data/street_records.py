"""Rendered cities as records of a StreetLearn database: somewhere on the globe, at some date."""

from __future__ import annotations

import base64
import hashlib

import cv2
import numpy as np
from numpy.typing import NDArray

from dmn_core.data.rendered_sets import FIRST_SEEDS
from dmn_core.data.sources import Split
from dmn_core.data.streetlearn.geodesy import degrees_at, heading_of_yaw
from dmn_core.data.streetlearn.panorama import Panorama, Place
from dmn_core.data.streetlearn.splits import SPLIT_LONGITUDE_DEG
from dmn_core.errors import DataError
from dmn_core.worlds.shards import Shard
from dmn_core.worlds.streets.recipe import StreetRecipe
from dmn_core.worlds.streets.visit import draw_visits

_PITCH_M = 600.0
"""From the middle of one city to the next."""
_CITIES_IN_A_ROW = 20
_SOUTH_DEG: dict[Split, float] = {"train": 40.70, "validation": 41.70, "test": 40.70}
_NEIGHBOUR_M = 9.0
_JPEG_QUALITY = 92


def city_origin(split: Split, number: int) -> tuple[float, float]:
    """Latitude and longitude [deg] of the middle of the so many-th city of a split."""
    row, column = divmod(number, _CITIES_IN_A_ROW)
    way = 1 if split == "test" else -1
    latitude, longitude = degrees_at(
        np.array([way * (column + 1) * _PITCH_M, row * _PITCH_M]),
        from_latitude_deg=_SOUTH_DEG[split],
        from_longitude_deg=SPLIT_LONGITUDE_DEG,
    )
    return float(latitude), float(longitude)


def city_records(recipe: StreetRecipe, split: Split, seed: int, shard: Shard) -> list[Panorama]:
    """The panoramas of the city of `seed`, those of the first visit first.

    Raises:
        DataError: an image cannot be encoded.
    """
    images, poses = shard.images[0], shard.poses_map_camera[0].astype(np.float64)
    south_deg, west_deg = city_origin(split, seed - FIRST_SEEDS[split])
    latitudes, longitudes = degrees_at(
        poses[:, :2], from_latitude_deg=south_deg, from_longitude_deg=west_deg
    )
    headings = heading_of_yaw(poses[:, 2])
    visits = draw_visits(seed)
    dates = [visit.date for visit in visits for _ in range(recipe.panoramas_per_visit)]
    # Not of the size of images: areas are ordered by these names, and shall not depend on it.
    ids = [_name(f"{len(images)}/{seed}/{number}") for number in range(len(images))]
    return [
        Panorama(
            id=ids[number],
            place=Place(float(latitudes[number]), float(longitudes[number]), dates[number]),
            heading_deg=float(headings[number]),
            image_bytes=_jpeg(images[number]),
            neighbours=tuple(ids[k] for k in _along(poses, dates, number)),
            temporal_neighbours=tuple(
                ids[k]
                for k in range(
                    number % recipe.panoramas_per_visit, len(ids), len(ids) // len(visits)
                )
                if k != number
            ),
            altitude_m=recipe.camera.camera_height_m,
            street_name=f"Simulated city {seed}",
        )
        for number in range(len(images))
    ]


def _along(poses: NDArray[np.float64], dates: list[str], number: int) -> list[int]:
    """Numbers of the other panoramas of the same visit that are next to one."""
    distance = np.linalg.norm(poses[:, :2] - poses[number, :2], axis=1)
    near = np.flatnonzero(distance < _NEIGHBOUR_M)
    return [int(k) for k in near if k != number and dates[k] == dates[number]]


def _name(text: str) -> str:
    """A name of 22 letters, as panoramas have."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())[:22].decode()


def _jpeg(image: NDArray[np.uint8]) -> bytes:
    encoded, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    if not encoded:
        raise DataError(f"cannot encode an image of shape {image.shape!r} as JPEG")
    return data.tobytes()
