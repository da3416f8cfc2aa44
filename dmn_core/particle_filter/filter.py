"""One step of the particle filter, in the order of the textbook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from dmn_core.particle_filter import resampling
from dmn_core.particle_filter.adaptive_size import wanted_size
from dmn_core.particle_filter.estimate import best_cluster_estimate, covariance, weighted_mean
from dmn_core.particle_filter.injection import inject, places_of
from dmn_core.particle_filter.motion import move
from dmn_core.particle_filter.particles import Belief
from dmn_core.particle_filter.recovery import (
    Elsewhere,
    Evidence,
    weigh_evidence,
    with_candidates,
)
from dmn_core.particle_filter.resampling_policy import should_resample
from dmn_core.particle_filter.settings import FilterSettings

LogLikelihood = Callable[[Tensor], Tensor]
# Places elsewhere that are scored at an image: of 2048, one in four costs a fifth less time.
MOST_CANDIDATES = 512


@dataclass(frozen=True)
class Step:
    """What one image told.

    Attributes:
        belief: after resampling, to be given to the next step.
        weighed: before resampling; what the estimate and pictures of the belief are made of.
        pose_map_base: (B, 3) estimate [m, m, rad].
        covariance: (B, 3, 3) of the estimate [m^2, m rad, rad^2], in float64.
        evidence: how well the belief explained the image, to be given to the next step.
        injected: (B,) share of `belief` that is drawn anew over the area.
    """

    belief: Belief
    weighed: Belief
    pose_map_base: Tensor
    covariance: Tensor
    evidence: Evidence
    injected: Tensor


def step(
    belief: Belief,
    odometry: Tensor,
    log_likelihood: LogLikelihood,
    *,
    settings: FilterSettings,
    generator: torch.Generator,
    elsewhere: Elsewhere | None = None,
    before: Evidence | None = None,
    started_with: int | None = None,
    may_resample: bool = True,
) -> Step:
    """Move by odometry (B, 3), weigh by an image, estimate, resample.

    Args:
        belief: from the step before.
        odometry: (B, 3) [m, m, rad].
        log_likelihood: takes poses (B, K, 3) and gives (B, K), up to a constant per row.
        settings: how the filter works.
        generator: of all random draws.
        elsewhere: other places to compare with and to recover to; without it there is no recovery.
        before: evidence of the step before.
        started_with: number of particles at the start, where it changes; that of `belief` if None.
        may_resample: whether the belief may be drawn anew after this image.

    Source: paper section III.
    """
    prior = move(belief, odometry, noise=settings.noise, generator=generator)
    likelihood = log_likelihood(prior.poses_map_base)
    others = None
    if elsewhere is not None and settings.recovery.reference_particles:
        others = log_likelihood(elsewhere.draw(settings.recovery.reference_particles))
    evidence = weigh_evidence(prior, likelihood, others, settings=settings.recovery, before=before)
    factor = settings.likelihood_power * likelihood
    weighed = prior.reweighted(factor.to(prior.log_weights.dtype))
    pose, spread = estimate(weighed, settings=settings)
    share = torch.zeros_like(evidence.fast)
    if not may_resample:
        return Step(weighed, weighed, pose, spread, evidence, share)
    if elsewhere is not None:
        share = evidence.share_to_inject(settings.recovery)
    started_with = started_with or belief.log_weights.shape[-1]
    after = resample(
        weighed,
        settings=settings,
        generator=generator,
        share=share,
        elsewhere=elsewhere,
        started_with=started_with,
    )
    return Step(after, weighed, pose, spread, evidence, share)


def estimate(belief: Belief, *, settings: FilterSettings) -> tuple[Tensor, Tensor]:
    """Pose (B, 3) and covariance (B, 3, 3) of a belief."""
    if settings.estimate == "cluster":
        pose, spread, _ = best_cluster_estimate(belief)
        return pose, spread
    pose = weighted_mean(belief)
    return pose, covariance(belief, pose)


def resample(
    belief: Belief,
    *,
    settings: FilterSettings,
    generator: torch.Generator,
    share: Tensor | None = None,
    elsewhere: Elsewhere | None = None,
    started_with: int | None = None,
) -> Belief:
    """Resample the rows that are due and keep the others.

    Where a share (B,) is to be injected, rows that are due are drawn from the mixture of the belief
    with places elsewhere, and in others the lightest particles give way. Where the number of
    particles changes, all rows are drawn.
    """
    count = belief.log_weights.shape[-1]
    due = should_resample(belief, policy=settings.resampling, fraction=settings.effective_fraction)
    source = belief
    if share is not None and elsewhere is not None and bool((share > 0).any()):
        # More than half of the particles cannot give way to others.
        crowded = [2 * places_of(part, count) > count for part in share.tolist()]
        due = due | torch.tensor(crowded, device=due.device) & (share > 0)
        candidates = elsewhere.candidates(min(count, MOST_CANDIDATES))
        source = with_candidates(belief, candidates, share)
        belief = inject(belief, candidates, share * ~due, generator=generator)
    if not bool(due.any()):
        return belief
    wanted = count
    if settings.size.enabled:
        most = settings.size.limited(2**31, started_with=started_with or count)
        drawn = resampling.systematic(source, generator=generator, count=most)
        wanted = wanted_size(
            drawn.poses_map_base, settings=settings.size, started_with=started_with or count
        )
    fresh = (
        resampling.systematic(source, generator=generator, count=wanted)
        if settings.soft_alpha == 1
        else resampling.soft(source, alpha=settings.soft_alpha, generator=generator, count=wanted)
    )
    if wanted != count:
        return fresh
    return replace(
        belief,
        poses_map_base=torch.where(due[:, None, None], fresh.poses_map_base, belief.poses_map_base),
        log_weights=torch.where(due[:, None], fresh.log_weights, belief.log_weights),
    )
