"""Putting particles elsewhere without drawing the whole belief anew."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from dmn_core.particle_filter.particles import Belief
from dmn_core.particle_filter.recovery import with_candidates
from dmn_core.particle_filter.resampling import systematic, systematic_indices

# Lower logarithms of weights are as good as none, and sums of them must not be.
LEAST_LOG_WEIGHT = -1e3


def places_of(share: float, count: int) -> int:
    """How many of `count` particles hold a share of the belief that is put elsewhere."""
    return max(1, round(share * count))


def inject(
    belief: Belief, candidates: Belief, share: Tensor, *, generator: torch.Generator
) -> Belief:
    """Give a share (B,) of the belief to candidates, in the places of its lightest particles.

    Of twice as many of the lightest particles half are drawn by weight and keep the mass of all,
    so that no place loses weight but for the share. All others stay where they are. Rows whose
    share is 0 are kept; one needs at most half of the particles twice.
    """
    poses, log_weights = belief.poses_map_base.clone(), belief.log_weights.clone()
    for row, part in enumerate(share.tolist()):
        if part <= 0:
            continue
        places = places_of(part, log_weights.shape[-1])
        light = log_weights[row].argsort(stable=True)[: 2 * places]
        mass = torch.logsumexp(log_weights[row, light], dim=0)
        log_light = log_weights[row, light].clamp_min(LEAST_LOG_WEIGHT)
        stay = _draw(torch.softmax(log_light, dim=0), places, generator)
        come = _draw(candidates.weights[row], places, generator)
        log_weights[row] += math.log1p(-part)
        first, second = light[:places], light[places:]
        poses[row, first] = belief.poses_map_base[row, light[stay]]
        log_weights[row, first] = mass + math.log1p(-part) - math.log(places)
        poses[row, second] = candidates.poses_map_base[row, come]
        log_weights[row, second] = math.log(part) - math.log(places)
    return replace(belief, poses_map_base=poses, log_weights=log_weights)


def scattered(
    belief: Belief, anywhere: Belief, share: float, *, generator: torch.Generator
) -> Belief:
    """As many particles as `anywhere` has: a share drawn from it, the rest from the belief."""
    shares = torch.full_like(anywhere.log_weights[:, 0], share)
    mixture = with_candidates(belief, anywhere, shares)
    return systematic(mixture, generator=generator, count=anywhere.log_weights.shape[-1])


def _draw(weights: Tensor, count: int, generator: torch.Generator) -> Tensor:
    return systematic_indices(weights.unsqueeze(0), count=count, generator=generator)[0]
