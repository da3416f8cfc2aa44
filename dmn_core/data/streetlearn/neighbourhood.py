"""Which points of a plane lie near each other, for tens of thousands of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def pairs_within(xy_m: np.ndarray, half_side_m: float) -> tuple[Rows, Rows]:
    """All pairs (P,), (P,) of points (V, 2) with those in the square of +- half_side_m around them.

    Pairs come in order; every point is in a pair with itself. Points are sorted into cells as wide
    as half a square, so that a square touches three by three.
    """
    if not len(xy_m):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    cells = np.floor((xy_m - xy_m.min(axis=0)) / half_side_m).astype(np.int64) + 1
    column = cells[:, 1].max() + 2
    keys = cells[:, 0] * column + cells[:, 1]
    order = np.argsort(keys, kind="stable")
    found = [_expand(order, *_ranges(keys[order], keys + step * column)) for step in (-1, 0, 1)]
    first = np.concatenate([pair[0] for pair in found])
    second = np.concatenate([pair[1] for pair in found])
    near = (np.abs(xy_m[second] - xy_m[first]) <= half_side_m).all(axis=1)
    first, second = first[near], second[near]
    by_first = np.lexsort((second, first))
    return first[by_first], second[by_first]


def _ranges(sorted_keys: Rows, middles: Rows) -> tuple[Rows, Rows]:
    """Where the keys from middle - 1 to middle + 1 start and stop."""
    start = np.searchsorted(sorted_keys, middles - 1, side="left")
    return start, np.searchsorted(sorted_keys, middles + 1, side="right")


def _expand(order: Rows, start: Rows, stop: Rows) -> tuple[Rows, Rows]:
    """Pairs of every point i with order[start[i]:stop[i]]."""
    counts = stop - start
    first = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    return first, order[start[first] + within]
