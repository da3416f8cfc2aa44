"""How to resample: systematic, and soft (differentiable).

Both gather poses and weights alike, so the weighted mean of any function of the state is kept in
expectation.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dmn_core.errors import ConfigurationError
from dmn_core.particle_filter.particles import Belief


def systematic_indices(weights: Tensor, *, count: int, generator: torch.Generator) -> Tensor:
    """Draw `count` indices from weights (B, K) with one random offset a row -> (B, count).

    Particle k comes floor(count w_k) or that many plus one times (Kitagawa 1996).
    """
    offset = torch.rand(len(weights), 1, generator=generator, device=generator.device)
    ticks = torch.arange(count, device=weights.device)
    positions = (ticks + offset.to(weights.device)).double() / count
    cumulative = weights.detach().double().cumsum(dim=-1)
    cumulative = cumulative / cumulative[:, -1:]
    indices = torch.searchsorted(cumulative.contiguous(), positions.contiguous(), right=True)
    return indices.clamp_max(weights.shape[-1] - 1)


def systematic(belief: Belief, *, generator: torch.Generator, count: int | None = None) -> Belief:
    """Ordinary resampling: equal weights afterwards, no gradient to the old weights."""
    count = count or belief.log_weights.shape[-1]
    indices = systematic_indices(belief.weights, count=count, generator=generator)
    return Belief.equally_weighted(_gather_poses(belief, indices))


def soft(
    belief: Belief, *, alpha: float, generator: torch.Generator, count: int | None = None
) -> Belief:
    """Resample from alpha w + (1 - alpha) / K and correct by importance weights.

    Gradients pass through the corrected weights; alpha = 1 is ordinary resampling in values. The
    self-normalised weights have a bias of order 1/K.

    Raises:
        ConfigurationError: alpha outside (0, 1].

    Source: Karkus, Hsu, Lee 2018 (PF-net), soft-resampling.
    """
    if not 0 < alpha <= 1:
        raise ConfigurationError(f"alpha wants a number in (0, 1], got {alpha!r}")
    size = belief.log_weights.shape[-1]
    weights = belief.weights
    proposal = alpha * weights + (1 - alpha) / size
    indices = systematic_indices(proposal, count=count or size, generator=generator)
    log_ratio = belief.log_weights - proposal.log()
    log_weights = torch.log_softmax(log_ratio.gather(-1, indices), dim=-1)
    return Belief(_gather_poses(belief, indices), log_weights)


def _gather_poses(belief: Belief, indices: Tensor) -> Tensor:
    return belief.poses_map_base.gather(1, indices.unsqueeze(-1).expand(-1, -1, 3))
