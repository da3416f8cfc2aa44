"""The likelihood loss on attention scores alone, which need no convolution per particle."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from dmn_core.training.encoding import AnyNetwork, EncodedEpisodes
from dmn_core.training.losses import likelihood_cross_entropy, soft_target
from dmn_core.training.objective_config import ObjectiveConfig
from dmn_core.training.training_particles import training_particles

NEAR_PARTICLES = 4


def attention_loss(
    network: AnyNetwork,
    encoded: EncodedEpisodes,
    config: ObjectiveConfig,
    generator: torch.Generator,
) -> Tensor:
    """Cross-entropy of attention scores: some view must match where the robot stands.

    Particles of all queries of a map serve each of them: what is near one is far from another.

    Raises:
        ConfigurationError: the network attends to no views.
    """
    episodes = encoded.episodes
    batch, queries = episodes.query_poses.shape[:2]
    many = replace(config, particles=config.attention_particles, near_particles=NEAR_PARTICLES)
    own = training_particles(encoded.truth, episodes.area_m, config=many, generator=generator)
    shared = own.unflatten(0, (batch, queries)).flatten(1, 2)
    scores = network.attention_scores(encoded.maps, encoded.query, shared)
    target = soft_target(shared.repeat_interleave(queries, 0), encoded.truth)
    return likelihood_cross_entropy(torch.logsumexp(scores.float(), dim=-1).flatten(0, 1), target)
