"""From a belief to one pose and how sure of it."""

from __future__ import annotations

import torch
from torch import Tensor

from dmn_core.geometry import circular_mean, wrap_angle
from dmn_core.particle_filter.particles import Belief

# Cell of the clustering histogram: particles in touching occupied cells belong together.
CLUSTER_CELL = (1.0, 1.0, 0.5)


def weighted_mean(belief: Belief) -> Tensor:
    """Weighted mean pose (B, 3), circular in yaw (paper section III)."""
    return _mean(belief.poses_map_camera, belief.weights)


def covariance(belief: Belief, mean: Tensor) -> Tensor:
    """Covariance (B, 3, 3) of the particles around mean (B, 3).

    Deviations in yaw are the shortest turns to the mean; the yaw variance is that of these turns,
    at most pi^2. Always symmetric and positive semi-definite, being a weighted sum of squares.
    """
    return _covariance(belief.poses_map_camera, belief.weights, mean)


def best_cluster(belief: Belief, *, cell: tuple[float, float, float] = CLUSTER_CELL) -> Tensor:
    """Which particles (B, K) belong to the heaviest group of neighbouring histogram cells.

    Args:
        belief: the particles.
        cell: size of a histogram cell in x [m], y [m] and yaw [rad].
    """
    rows = zip(belief.poses_map_camera.detach(), belief.weights.detach(), strict=True)
    return torch.stack([_heaviest_component(poses, weights, cell) for poses, weights in rows])


def best_cluster_estimate(
    belief: Belief, *, cell: tuple[float, float, float] = CLUSTER_CELL
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (B, 3), covariance (B, 3, 3) and share of weight (B,) of the heaviest cluster."""
    weights = belief.weights * best_cluster(belief, cell=cell)
    mass = weights.sum(-1)
    weights = weights / mass.unsqueeze(-1)
    mean = _mean(belief.poses_map_camera, weights)
    return mean, _covariance(belief.poses_map_camera, weights, mean), mass


def _mean(poses: Tensor, weights: Tensor) -> Tensor:
    xy = (weights.unsqueeze(-1) * poses[..., :2]).sum(-2)
    yaw = circular_mean(poses[..., 2], weights)
    return torch.cat((xy, yaw.unsqueeze(-1)), dim=-1)


def _covariance(poses: Tensor, weights: Tensor, mean: Tensor) -> Tensor:
    off = poses - mean.unsqueeze(1)
    off = torch.cat((off[..., :2], wrap_angle(off[..., 2:])), dim=-1)
    return torch.einsum("bk,bki,bkj->bij", weights, off, off)


def _heaviest_component(poses: Tensor, weights: Tensor, cell: tuple[float, float, float]) -> Tensor:
    """Flood fill over occupied histogram cells, yaw cells wrapping around."""
    turns = max(1, round(2 * torch.pi / cell[2]))
    size = poses.new_tensor([cell[0], cell[1], 2 * torch.pi / turns])
    indices = torch.floor(poses / size).long()
    indices[:, 2] %= turns
    cells, member = torch.unique(indices, dim=0, return_inverse=True)
    near = (cells[:, None] - cells[None]).abs()
    near[..., 2] = torch.minimum(near[..., 2], turns - near[..., 2])
    touching = (near <= 1).all(-1)
    mass = torch.zeros(len(cells), dtype=weights.dtype, device=weights.device)
    mass.index_add_(0, member, weights)
    label = _components(touching)
    total = torch.zeros_like(mass).index_add_(0, label, mass)
    return label[member] == total.argmax()


def _components(touching: Tensor) -> Tensor:
    """Label connected components of a symmetric adjacency matrix by their smallest index."""
    label = torch.arange(len(touching), device=touching.device)
    while True:
        candidates = torch.where(touching, label.unsqueeze(0), len(touching))
        spread = candidates.min(dim=1).values
        spread = spread[spread]
        if torch.equal(spread, label):
            return label
        label = spread
