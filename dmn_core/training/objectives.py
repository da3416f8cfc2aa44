"""What one batch teaches: the paper's one-step tracking, and the likelihood of the true pose.

Both work on a whole batch of episodes; every query of an episode shares the episode's map.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from dmn_core.data.episode import Episodes
from dmn_core.observation import EncodedQuery, ObservationModel, PreparedMap
from dmn_core.particle_filter.estimate import weighted_mean
from dmn_core.particle_filter.initial_belief import gaussian_belief, tracking_belief, uniform_belief
from dmn_core.particle_filter.particles import Belief
from dmn_core.training.losses import likelihood_cross_entropy, pose_error, soft_target
from dmn_core.views import ViewMap, to_network_input

ObjectiveName = Literal["tracking", "likelihood"]


@dataclass(frozen=True)
class ObjectiveConfig:
    """What is trained for.

    Attributes:
        name: `tracking` is the paper's (pose error of the weighted mean after one image);
            `likelihood` asks that likelihoods be high near the truth and low elsewhere.
        particles: K of the network's log-likelihood (paper: 32).
        near_particles: of these, drawn close to the truth (`likelihood` only).
        uniform_fraction: of the rest, drawn over the whole area (`likelihood` only).
        attention_weight: weight of the same cross-entropy on the attention scores alone, which
            cost no convolution per particle (`likelihood` only).
        attention_particles: particles of that term.
    """

    name: ObjectiveName = "likelihood"
    particles: int = 16
    near_particles: int = 1
    uniform_fraction: float = 0.3
    attention_weight: float = 0.0
    attention_particles: int = 64


NEAR_STD = (1.5, 1.5, 0.15)


def episode_loss(
    network: ObservationModel,
    episodes: Episodes,
    *,
    config: ObjectiveConfig,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Loss and its parts on a batch of episodes; `loss` is to be minimised."""
    prepared, query, truth = encode_episodes(network, episodes)
    if config.name == "tracking":
        belief = tracking_belief(truth, particles=config.particles, generator=generator)
        log_likelihood = network.log_likelihood(prepared, query, belief.poses_map_base)
        pose = weighted_mean(belief.reweighted(log_likelihood.float()))
        scale = network.config.environment_scale_m
        return {"loss": pose_error(pose, truth, environment_scale_m=scale)}
    poses = training_particles(truth, episodes, config=config, generator=generator)
    log_likelihood, _ = network.compare(prepared, query, poses)
    loss = likelihood_cross_entropy(log_likelihood, soft_target(poses, truth))
    if config.attention_weight == 0:
        return {"loss": loss}
    attention = _attention_loss(network, prepared, query, truth, episodes, config, generator)
    total = loss + config.attention_weight * attention
    return {"loss": total, "likelihood": loss.detach(), "attention": attention.detach()}


def encode_episodes(
    network: ObservationModel, episodes: Episodes
) -> tuple[PreparedMap, EncodedQuery, Tensor]:
    """Map and queries of B episodes with T queries each as B T rows, and the true poses."""
    queries = episodes.query_poses.shape[1]
    embeddings = network.encode_views(to_network_input(episodes.context_images))
    prepared = network.prepare_map(ViewMap(embeddings, episodes.context_poses))
    rows = PreparedMap(
        prepared.view_responses.repeat_interleave(queries, 0),
        prepared.value_responses.repeat_interleave(queries, 0),
        prepared.poses_map_camera.repeat_interleave(queries, 0),
    )
    query = network.encode_query(to_network_input(episodes.query_images.flatten(0, 1)))
    return rows, query, episodes.query_poses.flatten(0, 1)


def training_particles(
    truth: Tensor, episodes: Episodes, *, config: ObjectiveConfig, generator: torch.Generator
) -> Tensor:
    """Particles (B T, K, 3): some near the truth, some of the tracking belief, some anywhere."""
    rest = config.particles - config.near_particles
    anywhere = round(rest * config.uniform_fraction)
    near_covariance = torch.diag(truth.new_tensor(NEAR_STD).square())
    beliefs: list[Belief] = [
        gaussian_belief(
            truth, near_covariance, particles=config.near_particles, generator=generator
        ),
        tracking_belief(truth, particles=rest - anywhere, generator=generator),
        uniform_belief(episodes.area_m, batch=len(truth), particles=anywhere, generator=generator),
    ]
    return torch.cat([belief.poses_map_base for belief in beliefs], dim=1)


def _attention_loss(
    network: ObservationModel,
    prepared: PreparedMap,
    query: EncodedQuery,
    truth: Tensor,
    episodes: Episodes,
    config: ObjectiveConfig,
    generator: torch.Generator,
) -> Tensor:
    """The likelihood loss on attention scores: some view must match where the robot stands."""
    many = replace(config, particles=config.attention_particles, near_particles=4)
    poses = training_particles(truth, episodes, config=many, generator=generator)
    coordinates = network.attention.coordinates(prepared.poses_map_camera, poses)
    scores = network.attention.scores(prepared.view_responses, coordinates, query.key)
    return likelihood_cross_entropy(torch.logsumexp(scores, dim=-1), soft_target(poses, truth))
