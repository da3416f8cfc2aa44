"""Which panoramas train, validate and test: parts of the city that share none."""

from __future__ import annotations

import numpy as np

from dmn_core.data.sources import Split

SPLIT_LONGITUDE_DEG = -73.9857
"""West of it trains, east of it tests. Source: paper section V-A."""

VALIDATION_SHARE = 0.1
"""The northernmost tenth of the western panoramas validates (the paper does not say which do)."""


def rows_of_split(latitude_deg: np.ndarray, longitude_deg: np.ndarray, split: Split) -> np.ndarray:
    """Numbers (R,) of the panoramas at latitudes and longitudes (V,) that belong to a split."""
    west = longitude_deg < SPLIT_LONGITUDE_DEG
    if split == "test" or not west.any():
        return np.flatnonzero(~west if split == "test" else west)
    north = latitude_deg >= np.quantile(latitude_deg[west], 1 - VALIDATION_SHARE)
    return np.flatnonzero(west & (north if split == "validation" else ~north))
