"""Parts of a city: areas in one of them share panoramas, light and season, those of others hardly.

Places that lie together, with less than 100 m of nothing between them, are one part; where they
reach further than 300 m, as in Manhattan, they are cut into squares of that side. So each simulated
city is one part. Areas on both sides of a cut still share some panoramas.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dmn_core.data.streetlearn.neighbourhood import pairs_within

BLOCK_M = 300.0
_GAP_M = 100.0


def blocks_of(xy_m: np.ndarray) -> np.ndarray:
    """Numbers (P,) int64 from 0 of the parts in which places (P, 2) [m] of a plane lie."""
    if not len(xy_m):
        return np.empty(0, np.int64)
    cells, cell_of_place = np.unique(
        np.floor(xy_m / _GAP_M).astype(np.int64), axis=0, return_inverse=True
    )
    first, second = pairs_within(cells.astype(np.float64), 1.0)
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(cells), len(cells)))
    together = connected_components(links, directed=False)[1][cell_of_place.reshape(-1)]
    corner = np.full((int(together.max()) + 1, 2), np.inf)
    np.minimum.at(corner, together, xy_m)
    squares = np.floor((xy_m - corner[together]) / BLOCK_M).astype(np.int64)
    parts = np.column_stack([together, squares])
    return np.unique(parts, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
