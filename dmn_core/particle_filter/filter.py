"""One step of the particle filter, in the order of the textbook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from dmn_core.errors import ConfigurationError
from dmn_core.particle_filter import resampling
from dmn_core.particle_filter.estimate import best_cluster_estimate, covariance, weighted_mean
from dmn_core.particle_filter.motion import OdometryNoise, move
from dmn_core.particle_filter.particles import Belief
from dmn_core.particle_filter.resampling_policy import ResamplingPolicy, should_resample

LogLikelihood = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class FilterSettings:
    """How the filter works; the defaults are the paper's, which never resamples.

    Attributes:
        noise: trust in odometry.
        resampling: when: `never`, `always`, or when the effective size drops.
        effective_fraction: share of the particles below which `effective_size` resamples.
        soft_alpha: 1 for systematic resampling, below 1 for soft resampling.
        estimate: `mean` of all particles, or mean of the heaviest `cluster`.
        likelihood_power: exponent on the likelihood; below 1 where images come so close together
            that they do not count as independent.
    """

    noise: OdometryNoise = field(default_factory=OdometryNoise)
    resampling: ResamplingPolicy = "never"
    effective_fraction: float = 0.5
    soft_alpha: float = 1.0
    estimate: Literal["mean", "cluster"] = "mean"
    likelihood_power: float = 1.0

    def __post_init__(self) -> None:
        """Refuse values that the filter cannot use."""
        if self.resampling not in ("never", "always", "effective_size"):
            raise ConfigurationError(
                f"resampling wants never, always or effective_size, got {self.resampling!r}"
            )
        if self.estimate not in ("mean", "cluster"):
            raise ConfigurationError(f"estimate wants mean or cluster, got {self.estimate!r}")
        for name in ("effective_fraction", "soft_alpha", "likelihood_power"):
            value = getattr(self, name)
            if not 0 < value <= 1:
                raise ConfigurationError(f"{name} wants a number in (0, 1], got {value!r}")


@dataclass(frozen=True)
class Step:
    """What one image told.

    Attributes:
        belief: after resampling, to be given to the next step.
        weighed: before resampling; what the estimate and pictures of the belief are made of.
        pose_map_base: (B, 3) estimate [m, m, rad].
        covariance: (B, 3, 3) of the estimate [m^2, m rad, rad^2].
    """

    belief: Belief
    weighed: Belief
    pose_map_base: Tensor
    covariance: Tensor


def step(
    belief: Belief,
    odometry: Tensor,
    log_likelihood: LogLikelihood,
    *,
    settings: FilterSettings,
    generator: torch.Generator,
) -> Step:
    """Move by odometry (B, 3), weigh by an image, estimate, resample.

    `log_likelihood` takes poses (B, K, 3) and gives (B, K), up to a constant per row.

    Source: paper section III.
    """
    belief = move(belief, odometry, noise=settings.noise, generator=generator)
    log_factor = settings.likelihood_power * log_likelihood(belief.poses_map_base)
    weighed = belief.reweighted(log_factor.to(belief.log_weights.dtype))
    pose, spread = estimate(weighed, settings=settings)
    return Step(resample(weighed, settings=settings, generator=generator), weighed, pose, spread)


def estimate(belief: Belief, *, settings: FilterSettings) -> tuple[Tensor, Tensor]:
    """Pose (B, 3) and covariance (B, 3, 3) of a belief."""
    if settings.estimate == "cluster":
        pose, spread, _ = best_cluster_estimate(belief)
        return pose, spread
    pose = weighted_mean(belief)
    return pose, covariance(belief, pose)


def resample(belief: Belief, *, settings: FilterSettings, generator: torch.Generator) -> Belief:
    """Resample the rows that are due and keep the others."""
    due = should_resample(belief, policy=settings.resampling, fraction=settings.effective_fraction)
    if not bool(due.any()):
        return belief
    fresh = (
        resampling.systematic(belief, generator=generator)
        if settings.soft_alpha == 1
        else resampling.soft(belief, alpha=settings.soft_alpha, generator=generator)
    )
    return replace(
        belief,
        poses_map_base=torch.where(due[:, None, None], fresh.poses_map_base, belief.poses_map_base),
        log_weights=torch.where(due[:, None], fresh.log_weights, belief.log_weights),
    )
