"""Where a robot may be before it has seen anything."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dmn_core.geometry import wrap_angle
from dmn_core.particle_filter.particles import Belief
from dmn_core.views import Area

# Tracking in the paper (section V): 6 m in x and y, 30 degrees in yaw.
TRACKING_STD = (6.0, 6.0, math.radians(30.0))


def uniform_belief(
    area_m: Area, *, batch: int, particles: int, generator: torch.Generator
) -> Belief:
    """Particles spread evenly over an area (x_min, x_max, y_min, y_max) and all directions."""
    low = torch.tensor([area_m[0], area_m[2], -math.pi], device=generator.device)
    high = torch.tensor([area_m[1], area_m[3], math.pi], device=generator.device)
    unit = torch.rand(batch, particles, 3, generator=generator, device=generator.device)
    return Belief.equally_weighted(low + unit * (high - low))


def gaussian_belief(
    mean: Tensor, covariance: Tensor, *, particles: int, generator: torch.Generator
) -> Belief:
    """Particles normally distributed around mean (B, 3), covariance (3, 3) or (B, 3, 3).

    A covariance that is only positive semi-definite is welcome.
    """
    root = symmetric_root(covariance.to(mean))
    unit = torch.randn(len(mean), particles, 3, generator=generator, device=generator.device)
    poses = mean.unsqueeze(1) + unit.to(mean) @ root.transpose(-1, -2)
    return Belief.equally_weighted(torch.cat((poses[..., :2], wrap_angle(poses[..., 2:])), dim=-1))


def symmetric_root(covariance: Tensor) -> Tensor:
    """R with R R^T = covariance, for positive semi-definite matrices (..., 3, 3)."""
    values, vectors = torch.linalg.eigh(covariance.double())
    return (vectors * values.clamp_min(0).sqrt().unsqueeze(-2)).to(covariance)


def tracking_belief(
    true_pose: Tensor,
    *,
    particles: int,
    generator: torch.Generator,
    std: tuple[float, float, float] = TRACKING_STD,
) -> Belief:
    """The paper's tracking start: a Gaussian whose mean is itself off by a draw from it.

    Args:
        true_pose: (B, 3) pose at the first query image.
        std: of x [m], y [m] and yaw [rad].
    """
    mean = offset_pose(true_pose, generator=generator, std=std)
    covariance = torch.diag(torch.tensor(std, device=mean.device, dtype=mean.dtype).square())
    return gaussian_belief(mean, covariance, particles=particles, generator=generator)


def offset_pose(
    true_pose: Tensor,
    *,
    generator: torch.Generator,
    std: tuple[float, float, float] = TRACKING_STD,
) -> Tensor:
    """Mean (B, 3) of the paper's tracking start: the truth, off by a normal draw; yaw unwrapped."""
    scale = torch.tensor(std, device=true_pose.device, dtype=true_pose.dtype)
    offset = torch.randn(true_pose.shape, generator=generator, device=generator.device)
    return true_pose + offset.to(true_pose) * scale
