"""Which particles lie together: connected cells of a histogram over the belief."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

Cell = tuple[float, float, float]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Cell of the clustering histogram in x [m], y [m] and yaw [rad].
CLUSTER_CELL: Cell = (1.0, 1.0, 0.5)
# Cells below this share of the heaviest one do not join groups, so that stray particles cannot
# chain two places into one.
LIGHT_CELL = 0.05
# How many cells from a group light cells still belong to it: its tails.
REACH = 2


def cell_indices(poses: FloatArray, cell: Cell) -> IntArray:
    """Histogram cells (K, 3) of poses (K, 3); cells in yaw divide the turn evenly."""
    turns = turns_of(cell)
    size = np.array([cell[0], cell[1], 2 * math.pi / turns])
    indices: IntArray = np.floor(np.nan_to_num(poses) / size).astype(np.int64)
    indices[:, 2] %= turns
    return indices


def turns_of(cell: Cell) -> int:
    """Number of cells in a whole turn."""
    return max(1, round(2 * math.pi / cell[2]))


def cluster_labels(poses: FloatArray, weights: FloatArray, *, cell: Cell) -> IntArray:
    """Group number (K,) of particles (K, 3) with weights (K,); K log K in time.

    Occupied cells that touch belong together, yaw cells wrapping around. Light cells belong to the
    group within their reach, else they form groups of their own.
    """
    cells, member = np.unique(cell_indices(poses, cell), axis=0, return_inverse=True)
    member = member.reshape(-1)
    mass = np.bincount(member, weights=weights)
    touching = _touching(cells, turns_of(cell))
    label = _grown(_groups(touching, mass >= LIGHT_CELL * mass.max()), touching)
    return label[member]


def _groups(touching: csr_matrix, kept: NDArray[np.bool_]) -> IntArray:
    """Connected components of the kept cells; -1 elsewhere."""
    label = np.full(len(kept), -1, dtype=np.int64)
    places = np.flatnonzero(kept)
    if len(places):
        label[places] = connected_components(touching[places][:, places], directed=False)[1]
    return label


def _grown(label: IntArray, touching: csr_matrix) -> IntArray:
    """Light cells joined to the groups that they touch, the others grouped among themselves."""
    for _ in range(REACH):
        row, column = touching.nonzero()
        joins = (label[row] < 0) & (label[column] >= 0)
        label = label.copy()
        label[row[joins]] = label[column[joins]]
    rest = _groups(touching, label < 0)
    return np.where(label < 0, rest + label.max() + 1, label)


def _touching(cells: IntArray, turns: int) -> csr_matrix:
    """Adjacency of cells (M, 3), sorted by row, each with its 26 neighbours."""
    low = cells.min(axis=0) - 1
    span = cells.max(axis=0) - low + 2
    span[2], low[2] = turns, 0
    keys = _keys(cells - low, span)
    rows, columns = [], []
    for offset in product((-1, 0, 1), repeat=3):
        neighbour = cells + np.array(offset)
        neighbour[:, 2] %= turns
        wanted = _keys(neighbour - low, span)
        place = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
        found = keys[place] == wanted
        rows.append(np.flatnonzero(found))
        columns.append(place[found])
    row, column = np.concatenate(rows), np.concatenate(columns)
    return csr_matrix((np.ones(len(row), dtype=bool), (row, column)), shape=(len(cells),) * 2)


def _keys(cells: IntArray, span: IntArray) -> IntArray:
    return np.asarray((cells[:, 0] * span[1] + cells[:, 1]) * span[2] + cells[:, 2])
