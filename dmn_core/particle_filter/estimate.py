"""From a belief to one pose and how sure of it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dmn_core.geometry import circular_mean, wrap_angle
from dmn_core.particle_filter.clusters import CLUSTER_CELL, Cell, cluster_labels
from dmn_core.particle_filter.particles import Belief

# The distances of so many particles from all K others are in memory at a time.
_ROWS_AT_ONCE = 1024
# By products of matrices, distances in float32 are off by metres where coordinates are thousands.
_EXACT = "donot_use_mm_for_euclid_dist"


def weighted_mean(belief: Belief) -> Tensor:
    """Weighted mean pose (B, 3), circular in yaw (paper section III)."""
    return _mean(belief.poses_map_base, belief.weights)


def likeliest_place(belief: Belief, *, within_m: float) -> Tensor:
    """Pose (B, 3) of the place that most weight lies near.

    The mean of several places may lie in none of them. This is the mean of the particles within a
    distance in the plane from one of them, from the one from which they weigh most. Where any error
    below that distance is a success, it is about the guess that succeeds most: the best particle
    would be, but for there being few, which the mean evens out. The yaw is the mean of theirs, as
    in `weighted_mean`.
    """
    rows = zip(belief.poses_map_base, belief.weights, strict=True)
    near = torch.stack([_near_the_likeliest(p[:, :2], w, within_m) for p, w in rows])
    weights = belief.weights * near
    return _mean(belief.poses_map_base, weights / weights.sum(-1, keepdim=True))


def covariance(belief: Belief, mean: Tensor) -> Tensor:
    """Covariance (B, 3, 3) of the particles around mean (B, 3).

    Deviations in yaw are the shortest turns to the mean; the yaw variance is that of these turns,
    at most pi^2. In float64 whatever the particles are: symmetric to the bit, and positive
    semi-definite to the rounding of float64, being a weighted sum of squares.
    """
    return _covariance(belief.poses_map_base, belief.weights, mean)


def heaviest_particle(belief: Belief) -> Tensor:
    """Pose (B, 3) of the particle that weighs most."""
    best = belief.log_weights.argmax(dim=-1)
    rows = torch.arange(len(best), device=best.device)
    return belief.poses_map_base[rows, best]


def best_cluster(belief: Belief, *, cell: Cell = CLUSTER_CELL) -> Tensor:
    """Which particles (B, K) belong to the heaviest group of neighbouring histogram cells.

    Args:
        belief: the particles.
        cell: size of a histogram cell in x [m], y [m] and yaw [rad].
    """
    rows = zip(belief.poses_map_base.detach(), belief.weights.detach(), strict=True)
    return torch.stack([_heaviest(poses, weights, cell) for poses, weights in rows])


def best_cluster_estimate(
    belief: Belief, *, cell: Cell = CLUSTER_CELL
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (B, 3), covariance (B, 3, 3) and share of weight (B,) of the heaviest cluster."""
    weights = belief.weights * best_cluster(belief, cell=cell)
    mass = weights.sum(-1)
    weights = weights / mass.unsqueeze(-1)
    mean = _mean(belief.poses_map_base, weights)
    return mean, group_covariance(belief.poses_map_base, weights, mean, cell=cell), mass


def group_covariance(
    poses: Tensor, weights: Tensor, mean: Tensor, *, cell: Cell = CLUSTER_CELL
) -> Tensor:
    """Covariance (B, 3, 3), float64, of groups (B, K, 3) that may be of few particles.

    A cell's worth of spread, divided by the effective number of particles, is added: a single
    particle is not a place that is known exactly.
    """
    few = weights.double().square().sum(-1)[:, None, None]
    spread = torch.tensor(cell, dtype=torch.float64, device=poses.device).square()
    return _covariance(poses, weights, mean) + few * torch.diag(spread)


def _mean(poses: Tensor, weights: Tensor) -> Tensor:
    xy = (weights.unsqueeze(-1) * poses[..., :2]).sum(-2)
    yaw = circular_mean(poses[..., 2], weights)
    return torch.cat((xy, yaw.unsqueeze(-1)), dim=-1)


def _covariance(poses: Tensor, weights: Tensor, mean: Tensor) -> Tensor:
    # In float32 the least eigenvalue of particles on one line may be some -1e-7 of the largest.
    off = poses.double() - mean.double().unsqueeze(1)
    off = torch.cat((off[..., :2], wrap_angle(off[..., 2:])), dim=-1)
    product = torch.einsum("bk,bki,bkj->bij", weights.double(), off, off)
    # Sums in another order differ in their last bits.
    return (product + product.transpose(1, 2)) / 2


def _near_the_likeliest(places: Tensor, weights: Tensor, within_m: float) -> Tensor:
    """Which particles (K,) are near the one that most weight is near; in blocks of rows."""
    near_weight = torch.cat(
        [
            (torch.cdist(block, places, compute_mode=_EXACT) < within_m).to(weights) @ weights
            for block in places.split(_ROWS_AT_ONCE)
        ]
    )
    best = near_weight.argmax()
    return (places - places[best]).norm(dim=-1) < within_m


def _heaviest(poses: Tensor, weights: Tensor, cell: Cell) -> Tensor:
    mass = weights.double().cpu().numpy()
    label = cluster_labels(poses.double().cpu().numpy(), mass, cell=cell)
    best = np.bincount(label, weights=mass).argmax()
    return torch.from_numpy(label == best).to(poses.device)
