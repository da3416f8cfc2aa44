"""Areas of a city: squares around panoramas, each an environment of the panoramas inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from dmn_core.data.episode import EnvironmentSet, ViewRole
from dmn_core.data.streetlearn.blocks import blocks_of
from dmn_core.data.streetlearn.geodesy import offsets_m, yaw_of_heading
from dmn_core.data.streetlearn.index import StreetIndex
from dmn_core.data.streetlearn.neighbourhood import pairs_within
from dmn_core.errors import DataError

_MARGIN = 1.02  # a plane for the whole city is off by less than this
_ORDER_SEED = 0  # of the areas, so that the first few are from all over the city


@dataclass(frozen=True)
class AreaConfig:
    """What makes an area.

    Attributes:
        size_m: side of the square, east to west and north to south.
        surroundings_m: side of the square around it that gives the views that are `FAR`.
        min_panoramas: how many must lie in the area.
        by_visit: whether the area's first date gives contexts and later ones queries; if not, any
            panorama may be either.
        min_contexts: how many an area must have; they count where visits are told apart.
        min_queries: likewise.

    Source: paper section V-A for 40 m and 10 panoramas, Tables IV and V for the doubled area.
    """

    size_m: float = 40.0
    surroundings_m: float = 80.0
    min_panoramas: int = 10
    by_visit: bool = False
    min_contexts: int = 4
    min_queries: int = 6

    def __post_init__(self) -> None:
        """Refuse squares that do not lie in each other."""
        if not 0 < self.size_m <= self.surroundings_m:
            raise DataError(
                "an area wants 0 < size_m <= surroundings_m, got "
                f"{self.size_m!r} and {self.surroundings_m!r}"
            )


def areas_of(index: StreetIndex, rows: np.ndarray, config: AreaConfig) -> EnvironmentSet:
    """The areas among some panoramas of a city, in an order that is random and always the same.

    There is one around every panorama, which lies in its middle, where enough others lie in the
    square: the paper counts nearly as many areas as the city has panoramas. Poses are seen from
    the middle, x to the east and y to the north. Areas overlap and share images.

    Args:
        index: of the city.
        rows: (R,) panoramas to use, ascending; no area has any other.
        config: what makes an area.

    Returns:
        Views inside with role `ANY`, or `CONTEXT` and `QUERY` by visit; those around are `FAR`.
        Its blocks are parts of the city, see `blocks`.
    """
    plane = _plane(index, rows)
    middle, other = pairs_within(plane, config.surroundings_m / 2 * _MARGIN)
    xy = _seen_from(index, rows[middle], rows[other])
    inside, near = _in_square(xy, config.size_m), _in_square(xy, config.surroundings_m)
    roles = _roles(index.dates[rows], middle, other, inside, config)
    used = near & (roles != 0)
    chosen = _with_enough(len(rows), middle, inside, roles, config)
    order = np.random.default_rng(_ORDER_SEED).permutation(chosen)
    rank = np.full(len(rows), -1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    views = np.flatnonzero(used & (rank[middle] >= 0))
    views = views[np.argsort(rank[middle[views]], kind="stable")]
    counts = np.bincount(rank[middle[views]], minlength=len(order))
    yaw = yaw_of_heading(index.heading_deg[rows[other[views]]])
    first_image, last_image = (int(rows[0]), int(rows[-1])) if len(rows) else (0, -1)
    half = config.size_m / 2
    return EnvironmentSet(
        torch.from_numpy(index.images[first_image : last_image + 1]),
        np.column_stack((xy[views], yaw)).astype(np.float32),
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        (-half, half, -half, half),
        image_of_view=rows[other[views]] - first_image,
        roles=roles[views],
        blocks=blocks_of(plane[order]),
    )


def _plane(index: StreetIndex, rows: np.ndarray) -> np.ndarray:
    """Places (R, 2) [m] of panoramas around the middle of them all."""
    latitude, longitude = index.latitude_deg[rows], index.longitude_deg[rows]
    if not len(rows):
        return np.empty((0, 2))
    return offsets_m(
        latitude,
        longitude,
        from_latitude_deg=float(np.median(latitude)),
        from_longitude_deg=float(np.median(longitude)),
    )


def _seen_from(index: StreetIndex, middle: np.ndarray, other: np.ndarray) -> np.ndarray:
    return offsets_m(
        index.latitude_deg[other],
        index.longitude_deg[other],
        from_latitude_deg=index.latitude_deg[middle],
        from_longitude_deg=index.longitude_deg[middle],
    )


def _in_square(xy_m: np.ndarray, side_m: float) -> np.ndarray:
    return (np.abs(xy_m) <= side_m / 2).all(axis=-1)


def _roles(
    dates: np.ndarray,
    middle: np.ndarray,
    other: np.ndarray,
    inside: np.ndarray,
    config: AreaConfig,
) -> np.ndarray:
    """Role (P,) of the other panorama in the area of each pair; 0 for none."""
    if not config.by_visit:
        return np.where(inside, ViewRole.ANY, ViewRole.FAR).astype(np.uint8)
    visit = np.unique(dates, return_inverse=True)[1]
    first = visit.copy()  # the middle itself lies inside
    np.minimum.at(first, middle[inside], visit[other[inside]])
    mapped = visit[other] == first[middle]
    roles_inside = np.where(mapped, ViewRole.CONTEXT, ViewRole.QUERY)
    return np.where(inside, roles_inside, np.where(mapped, ViewRole.FAR, 0)).astype(np.uint8)


def _with_enough(
    count: int, middle: np.ndarray, inside: np.ndarray, roles: np.ndarray, config: AreaConfig
) -> np.ndarray:
    """Panoramas around which enough others lie."""

    def enough(counted: np.ndarray, wanted: int) -> np.ndarray:
        return np.bincount(middle, weights=counted, minlength=count) >= wanted

    found = enough(inside, config.min_panoramas)
    if config.by_visit:
        found &= enough(roles == ViewRole.CONTEXT, config.min_contexts)
        found &= enough(roles == ViewRole.QUERY, config.min_queries)
    return np.flatnonzero(found)
