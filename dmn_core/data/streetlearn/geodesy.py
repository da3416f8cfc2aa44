"""Metres and yaw of places on the globe: a plane that touches it, x to the east, y to the north."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmn_core.pose_track.planar import FloatArray, wrap_angle

EARTH_RADIUS_M = 6_371_000.0


def offsets_m(
    latitude_deg: ArrayLike,
    longitude_deg: ArrayLike,
    *,
    from_latitude_deg: ArrayLike,
    from_longitude_deg: ArrayLike,
) -> FloatArray:
    """East and north (..., 2) [m] of places (...) seen from others (...), which lie near."""
    north = np.radians(np.subtract(latitude_deg, from_latitude_deg))
    east = np.radians(np.subtract(longitude_deg, from_longitude_deg))
    east = east * np.cos(np.radians(from_latitude_deg))
    return EARTH_RADIUS_M * np.stack((east, north), axis=-1)


def degrees_at(
    xy_m: ArrayLike, *, from_latitude_deg: float, from_longitude_deg: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitudes and longitudes (...) of places (..., 2) [m] east and north of another."""
    angles = np.asarray(xy_m, np.float64) / EARTH_RADIUS_M
    longitude = np.degrees(angles[..., 0] / np.cos(np.radians(from_latitude_deg)))
    return from_latitude_deg + np.degrees(angles[..., 1]), from_longitude_deg + longitude


def yaw_of_heading(heading_deg: ArrayLike) -> FloatArray:
    """Yaw [rad], counter-clockwise from east, of a heading, clockwise from north."""
    return wrap_angle(np.radians(90.0 - np.asarray(heading_deg, np.float64)))


def heading_of_yaw(yaw_rad: ArrayLike) -> FloatArray:
    """Heading [deg] in [0, 360), clockwise from north, of a yaw, counter-clockwise from east."""
    return np.mod(90.0 - np.degrees(np.asarray(yaw_rad, np.float64)), 360.0)
