"""Every place that a belief holds possible, heaviest first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dmn_core.particle_filter.clusters import CLUSTER_CELL, Cell, cluster_labels
from dmn_core.particle_filter.estimate import group_covariance, weighted_mean
from dmn_core.particle_filter.particles import Belief

# Lighter groups of particles are strays, such as those that are drawn anew at every image.
LEAST_MASS = 0.02


@dataclass(frozen=True)
class Mode:
    """One place where the robot may be.

    Attributes:
        pose_map_base: (3,) mean, circular in yaw [m, m, rad].
        covariance: (3, 3) around it [m^2, m rad, rad^2], positive semi-definite.
        mass: share of the belief in (0, 1].
    """

    pose_map_base: NDArray[np.float64]
    covariance: NDArray[np.float64]
    mass: float


def modes_of(
    poses_map_base: Tensor,
    weights: Tensor,
    *,
    least_mass: float = LEAST_MASS,
    cell: Cell = CLUSTER_CELL,
) -> tuple[Mode, ...]:
    """Modes of one belief, particles (K, 3) with weights (K,), by falling mass.

    The heaviest is always among them, even where nothing is known and every group is light.

    Args:
        poses_map_base: particles [m, m, rad].
        weights: summing to one.
        least_mass: share of the belief below which a group of particles is no mode.
        cell: size of a histogram cell in x [m], y [m] and yaw [rad]; groups of neighbouring cells
            are modes.
    """
    poses, share = poses_map_base.detach().double().cpu(), weights.detach().double().cpu()
    label = cluster_labels(poses.numpy(), share.numpy(), cell=cell)
    mass = np.bincount(label, weights=share.numpy())
    order = np.argsort(-mass, kind="stable").tolist()
    kept = order[:1] + [number for number in order[1:] if mass[number] >= least_mass]
    return tuple(_mode(poses, share, torch.from_numpy(label == number), cell) for number in kept)


def _mode(poses: Tensor, weights: Tensor, members: Tensor, cell: Cell) -> Mode:
    mass = weights[members].sum()
    belief = Belief(poses[members].unsqueeze(0), (weights[members] / mass).log().unsqueeze(0))
    mean = weighted_mean(belief)
    spread = group_covariance(belief.poses_map_base, belief.weights, mean, cell=cell)
    return Mode(mean[0].numpy(), spread[0].numpy(), float(mass))
