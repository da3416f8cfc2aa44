"""From a belief to one pose and how sure of it."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import torch
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from dmn_core.geometry import circular_mean, wrap_angle
from dmn_core.particle_filter.particles import Belief

# Cell of the clustering histogram: particles in touching occupied cells belong together.
CLUSTER_CELL = (1.0, 1.0, 0.5)


def weighted_mean(belief: Belief) -> Tensor:
    """Weighted mean pose (B, 3), circular in yaw (paper section III)."""
    return _mean(belief.poses_map_base, belief.weights)


def covariance(belief: Belief, mean: Tensor) -> Tensor:
    """Covariance (B, 3, 3) of the particles around mean (B, 3).

    Deviations in yaw are the shortest turns to the mean; the yaw variance is that of these turns,
    at most pi^2. Always symmetric and positive semi-definite, being a weighted sum of squares.
    """
    return _covariance(belief.poses_map_base, belief.weights, mean)


def best_cluster(belief: Belief, *, cell: tuple[float, float, float] = CLUSTER_CELL) -> Tensor:
    """Which particles (B, K) belong to the heaviest group of neighbouring histogram cells.

    Args:
        belief: the particles.
        cell: size of a histogram cell in x [m], y [m] and yaw [rad].
    """
    rows = zip(belief.poses_map_base.detach(), belief.weights.detach(), strict=True)
    return torch.stack([_heaviest_component(poses, weights, cell) for poses, weights in rows])


def best_cluster_estimate(
    belief: Belief, *, cell: tuple[float, float, float] = CLUSTER_CELL
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (B, 3), covariance (B, 3, 3) and share of weight (B,) of the heaviest cluster."""
    weights = belief.weights * best_cluster(belief, cell=cell)
    mass = weights.sum(-1)
    weights = weights / mass.unsqueeze(-1)
    mean = _mean(belief.poses_map_base, weights)
    return mean, _covariance(belief.poses_map_base, weights, mean), mass


def _mean(poses: Tensor, weights: Tensor) -> Tensor:
    xy = (weights.unsqueeze(-1) * poses[..., :2]).sum(-2)
    yaw = circular_mean(poses[..., 2], weights)
    return torch.cat((xy, yaw.unsqueeze(-1)), dim=-1)


def _covariance(poses: Tensor, weights: Tensor, mean: Tensor) -> Tensor:
    off = poses - mean.unsqueeze(1)
    off = torch.cat((off[..., :2], wrap_angle(off[..., 2:])), dim=-1)
    return torch.einsum("bk,bki,bkj->bij", weights, off, off)


def _heaviest_component(poses: Tensor, weights: Tensor, cell: tuple[float, float, float]) -> Tensor:
    """Connect occupied histogram cells that touch, yaw cells wrapping around; K log K in time."""
    turns = max(1, round(2 * math.pi / cell[2]))
    size = np.array([cell[0], cell[1], 2 * math.pi / turns])
    indices = np.floor(poses.double().cpu().numpy() / size).astype(np.int64)
    indices[:, 2] %= turns
    cells, member = np.unique(indices, axis=0, return_inverse=True)
    member = member.reshape(-1)
    _, label = connected_components(_touching(cells, turns), directed=False)
    mass = np.bincount(label[member], weights=weights.double().cpu().numpy())
    return torch.from_numpy(label[member] == mass.argmax()).to(poses.device)


def _touching(cells: np.ndarray, turns: int) -> csr_matrix:
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


def _keys(cells: np.ndarray, span: np.ndarray) -> np.ndarray:
    return np.asarray((cells[:, 0] * span[1] + cells[:, 1]) * span[2] + cells[:, 2])
