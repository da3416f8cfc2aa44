"""What one batch teaches: losses of the network on a whole batch of episodes.

Every query of an episode shares the episode's map.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from dmn_core.data.episode import Episodes
from dmn_core.geometry import compose
from dmn_core.particle_filter.estimate import weighted_mean
from dmn_core.particle_filter.initial_belief import offset_pose, tracking_belief
from dmn_core.training.attention_loss import attention_loss
from dmn_core.training.encoding import (
    AnyNetwork,
    EncodedEpisodes,
    encode_episodes,
    encode_keys,
)
from dmn_core.training.losses import likelihood_cross_entropy, pose_error, soft_target
from dmn_core.training.objective_config import TRAIN_ATTENTION, ObjectiveConfig
from dmn_core.training.training_particles import training_particles


def episode_loss(
    network: AnyNetwork,
    episodes: Episodes,
    *,
    config: ObjectiveConfig,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Loss and its parts on a batch of episodes; `loss` is to be minimised."""
    compared = encode_episodes(network, episodes.first(config.compared_queries))
    losses = LOSSES[config.name](network, compared, config, generator)
    if config.attention_weight == 0 or config.name not in TRAIN_ATTENTION:
        return losses
    attended = encode_keys(network, episodes, compared)
    attention = attention_loss(network, attended, config, generator)
    total = losses["loss"] + config.attention_weight * attention
    return {"loss": total, config.name: losses["loss"].detach(), "attention": attention.detach()}


def _tracking_loss(
    network: AnyNetwork,
    encoded: EncodedEpisodes,
    config: ObjectiveConfig,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Pose error of the weighted mean after one image (paper section IV-D)."""
    belief = tracking_belief(encoded.truth, particles=config.particles, generator=generator)
    log_likelihood = network.log_likelihood(encoded.rows, encoded.query, belief.poses_map_base)
    pose = weighted_mean(belief.reweighted(log_likelihood.float()))
    return {"loss": _pose_error(network, pose, encoded.truth)}


def _regression_loss(
    network: AnyNetwork,
    encoded: EncodedEpisodes,
    config: ObjectiveConfig,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Pose error of the pose regressed from the mean of a tracking belief."""
    mean = offset_pose(encoded.truth, generator=generator)
    pose = network.regress(encoded.rows, encoded.query, mean)
    return {"loss": _pose_error(network, pose, encoded.truth)}


def _likelihood_loss(
    network: AnyNetwork,
    encoded: EncodedEpisodes,
    config: ObjectiveConfig,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Cross-entropy of normalised likelihoods with a Gaussian around the truth."""
    area_m = encoded.episodes.area_m
    poses = training_particles(encoded.truth, area_m, config=config, generator=generator)
    log_likelihood = network.log_likelihood(encoded.rows, encoded.query, poses)
    return {"loss": likelihood_cross_entropy(log_likelihood, soft_target(poses, encoded.truth))}


def _sequence_loss(
    network: AnyNetwork,
    encoded: EncodedEpisodes,
    config: ObjectiveConfig,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """The same for the product of likelihoods along each episode, mean over its images.

    Particles are drawn at the first query and moved by odometry, so that each stands for one
    hypothesis from beginning to end; the gradient runs through all images.
    """
    episodes = encoded.episodes
    first = episodes.query_poses[:, 0]
    poses = [training_particles(first, episodes.area_m, config=config, generator=generator)]
    for t in range(1, episodes.query_poses.shape[1]):
        poses.append(compose(poses[-1], episodes.odometry(t).unsqueeze(1)))
    hypotheses = torch.stack(poses, dim=1)
    target = soft_target(hypotheses.flatten(0, 1), encoded.truth)
    log_likelihood = network.log_likelihood(encoded.rows, encoded.query, hypotheses.flatten(0, 1))
    belief = log_likelihood.float().unflatten(0, hypotheses.shape[:2]).cumsum(dim=1)
    return {"loss": likelihood_cross_entropy(belief.flatten(0, 1), target)}


def _classification_loss(
    network: AnyNetwork,
    encoded: EncodedEpisodes,
    config: ObjectiveConfig,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Cross-entropy of which context is nearest, K = N particles at the contexts (Table V)."""
    contexts = encoded.rows.poses_map_camera
    log_likelihood = network.log_likelihood(encoded.rows, encoded.query, contexts)
    distance = (contexts[..., :2] - encoded.truth[:, None, :2]).norm(dim=-1)
    return {"loss": F.cross_entropy(log_likelihood.float(), distance.argmin(dim=-1))}


Loss = Callable[[AnyNetwork, EncodedEpisodes, ObjectiveConfig, torch.Generator], dict[str, Tensor]]
LOSSES: dict[str, Loss] = {
    "tracking": _tracking_loss,
    "likelihood": _likelihood_loss,
    "sequence": _sequence_loss,
    "regression": _regression_loss,
    "classification": _classification_loss,
}


def _pose_error(network: AnyNetwork, pose: Tensor, truth: Tensor) -> Tensor:
    return pose_error(pose, truth, environment_scale_m=network.config.environment_scale_m)
