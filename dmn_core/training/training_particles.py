"""Poses that the network is asked about while it learns."""

from __future__ import annotations

import torch
from torch import Tensor

from dmn_core.particle_filter.initial_belief import (
    gaussian_belief,
    tracking_belief,
    uniform_belief,
)
from dmn_core.particle_filter.particles import Belief
from dmn_core.training.objective_config import ObjectiveConfig
from dmn_core.views import Area

NEAR_STD = (1.5, 1.5, 0.15)


def training_particles(
    truth: Tensor, area_m: Area, *, config: ObjectiveConfig, generator: torch.Generator
) -> Tensor:
    """Particles (B, K, 3): some near truth (B, 3), some of the tracking belief, some anywhere."""
    rest = config.particles - config.near_particles
    anywhere = round(rest * config.uniform_fraction)
    near_covariance = torch.diag(truth.new_tensor(NEAR_STD).square())
    beliefs: list[Belief] = [
        gaussian_belief(
            truth, near_covariance, particles=config.near_particles, generator=generator
        )
    ]
    if rest > anywhere:
        beliefs.append(tracking_belief(truth, particles=rest - anywhere, generator=generator))
    if anywhere:
        beliefs.append(
            uniform_belief(area_m, batch=len(truth), particles=anywhere, generator=generator)
        )
    return torch.cat([belief.poses_map_base for belief in beliefs], dim=1)
