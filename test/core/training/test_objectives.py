"""Objectives: each is what it says, beside a slow literal reading of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from dmn_core.data.batching import draw_episodes
from dmn_core.data.episode import EnvironmentSet, Episodes
from dmn_core.errors import ConfigurationError
from dmn_core.geometry import relative
from dmn_core.observation import NetworkConfig, build_network
from dmn_core.training.attention_loss import attention_loss
from dmn_core.training.encoding import encode_episodes, encode_keys
from dmn_core.training.losses import soft_target
from dmn_core.training.objective_config import ObjectiveConfig
from dmn_core.training.objectives import LOSSES, episode_loss
from dmn_core.training.training_particles import training_particles

AREA = (-20.0, 20.0, -20.0, 20.0)
SMALL = NetworkConfig(image_height=8, image_width=8)


def drawn(batch=2, contexts=2, queries=3):
    rng = np.random.default_rng(0)
    poses = rng.uniform((-20, -20, -math.pi), (20, 20, math.pi), (4, 8, 3)).astype(np.float32)
    images = rng.integers(0, 255, (4, 8, 8, 8, 3)).astype(np.uint8)
    places = EnvironmentSet.regular(images, poses, AREA)
    return draw_episodes(places, batch=batch, contexts=contexts, queries=queries, rng=rng)


def network(**changes):
    torch.manual_seed(0)
    values = {"image_height": 8, "image_width": 8, **changes}
    return build_network(NetworkConfig(**values)).requires_grad_(True)


def seeded():
    return torch.Generator().manual_seed(3)


def one_of(episodes, row, t):
    """A single query of a single episode."""
    return Episodes(
        episodes.context_images[row : row + 1],
        episodes.context_poses[row : row + 1],
        episodes.query_images[row : row + 1, t : t + 1],
        episodes.query_poses[row : row + 1, t : t + 1],
        AREA,
    )


def alone(net, episodes, row, t, poses):
    """Log-likelihoods (K,) at poses (K, 3) of one query with its own copy of the map."""
    encoded = encode_episodes(net, one_of(episodes, row, t))
    return net.log_likelihood(encoded.maps, encoded.query, poses[None])[0]


def cross_entropy(log_likelihood, target):
    return -(target * torch.log_softmax(log_likelihood, -1)).sum()


def test_the_likelihood_loss_of_queries_that_share_a_map_is_that_of_queries_alone():
    net, episodes = network(), drawn()
    config = ObjectiveConfig(particles=5)
    loss = episode_loss(net, episodes, config=config, generator=seeded())["loss"]
    truth = episodes.query_poses.flatten(0, 1)
    poses = training_particles(truth, AREA, config=config, generator=seeded())
    target = soft_target(poses, truth)
    single = [
        cross_entropy(alone(net, episodes, i // 3, i % 3, poses[i]), target[i]) for i in range(6)
    ]
    assert torch.allclose(loss, torch.stack(single).mean(), atol=1e-5)


def literal_sequence(episodes, start, log_likelihood):
    """Loss (B, T) of a filter whose hypotheses (B, K, 3) drive as the robot does.

    `log_likelihood` is given row, t and poses (K, 3).
    """
    losses = []
    for row, truth in enumerate(episodes.query_poses):
        belief = torch.zeros(start.shape[1])
        for t in range(len(truth)):
            # Where a hypothesis is after driving as the robot did, seen from where it began.
            driven = relative(truth[0], truth[t])
            cos, sin = start[row, :, 2].cos(), start[row, :, 2].sin()
            at = torch.stack(
                (
                    start[row, :, 0] + cos * driven[0] - sin * driven[1],
                    start[row, :, 1] + sin * driven[0] + cos * driven[1],
                    start[row, :, 2] + driven[2],
                ),
                dim=-1,
            )
            belief = belief + log_likelihood(row, t, at)
            target = soft_target(at[None], truth[t][None])[0]
            losses.append(cross_entropy(belief, target))
    return torch.stack(losses).view(len(start), -1)


def test_the_sequence_loss_is_that_of_a_filter_with_fixed_hypotheses():
    net, episodes = network(), drawn()
    config = ObjectiveConfig(name="sequence", particles=6)
    loss = episode_loss(net, episodes, config=config, generator=seeded())["loss"]
    start = training_particles(episodes.query_poses[:, 0], AREA, config=config, generator=seeded())
    literal = literal_sequence(episodes, start, lambda *at: alone(net, episodes, *at)).mean()
    assert torch.allclose(loss, literal, atol=1e-4)
    for part, parameter in net.named_parameters():
        ours, theirs = (
            torch.autograd.grad(x, parameter, retain_graph=True) for x in (loss, literal)
        )
        assert torch.allclose(ours[0], theirs[0], rtol=1e-2, atol=1e-4), part
    gradient = torch.autograd.grad(loss, net.view_encoder.cnn1.layers[0].weight)[0]
    assert gradient.abs().max() > 0


def test_a_sequence_teaches_through_every_image():
    """By each image about all that follow, and as much as a literal reading says."""
    net, episodes = network(), drawn()
    config = ObjectiveConfig(name="sequence", particles=6)
    encoded = encode_episodes(net, episodes)
    response = encoded.query.response.detach().requires_grad_()
    query = replace(encoded.query, response=response)
    loss = LOSSES["sequence"](net, replace(encoded, query=query), config, seeded())["loss"]
    ours = torch.autograd.grad(loss, response)[0]

    def of_one(row, t, at):
        single = encode_episodes(net, one_of(episodes, row, t))
        own = slice(3 * row + t, 3 * row + t + 1)
        alone = replace(query, response=query.response[own], key=query.key[own])
        return net.log_likelihood(single.maps, alone, at[None])[0]

    start = training_particles(episodes.query_poses[:, 0], AREA, config=config, generator=seeded())
    literal = literal_sequence(episodes, start, of_one)
    assert torch.allclose(
        ours, torch.autograd.grad(literal.mean(), response, retain_graph=True)[0], atol=1e-6
    )
    for t in range(3):
        taught = torch.autograd.grad(literal[0, t], response, retain_graph=True)[0][:3]
        reached = taught.flatten(1).abs().amax(dim=1) > 0
        assert reached.tolist() == [number <= t for number in range(3)]


def test_the_attention_loss_asks_every_query_about_the_particles_of_all():
    net, episodes = network(), drawn()
    config = ObjectiveConfig(attention_weight=1.0, attention_particles=5)
    encoded = encode_episodes(net, episodes)
    loss = attention_loss(net, encoded, config, seeded())
    own = training_particles(
        encoded.truth,
        AREA,
        config=ObjectiveConfig(particles=5, near_particles=4),
        generator=seeded(),
    )
    losses = []
    for row in range(2):
        poses = own[3 * row : 3 * row + 3].flatten(0, 1)
        for t in range(3):
            single = encode_episodes(net, one_of(episodes, row, t))
            scores = net.attention_scores(single.maps, single.query, poses[None])[0]
            target = soft_target(poses[None], episodes.query_poses[row, t][None])[0]
            losses.append(cross_entropy(scores.logsumexp(-1), target))
    assert torch.allclose(loss, torch.stack(losses).mean(), atol=1e-5)


def test_only_some_queries_may_be_compared_by_the_whole_network():
    net, episodes = network(), drawn()
    config = ObjectiveConfig(particles=5, attention_weight=1.0, compared_queries=2)
    losses = episode_loss(net, episodes, config=config, generator=seeded())
    fewer = replace(
        episodes,
        query_images=episodes.query_images[:, :2],
        query_poses=episodes.query_poses[:, :2],
    )
    whole = replace(config, compared_queries=0)
    alike = episode_loss(net, fewer, config=whole, generator=seeded())
    assert torch.allclose(losses["likelihood"], alike["likelihood"], atol=1e-6)
    assert not torch.allclose(losses["attention"], alike["attention"], atol=1e-3)


@pytest.mark.parametrize("compared", [0, 1, 2, 3])
def test_queries_that_only_attend_are_looked_at_no_further(compared):
    """The same attention and gradients as of whole queries, without CNN5 on those others."""
    net, episodes = network(), drawn()
    config = ObjectiveConfig(attention_weight=1.0, attention_particles=5)
    seen = []
    net.cnn5.register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
    first = encode_episodes(net, episodes.first(compared))
    ours = attention_loss(net, encode_keys(net, episodes, first), config, seeded())
    assert seen == [2 * (compared or 3)]
    literal = attention_loss(net, encode_episodes(net, episodes), config, seeded())
    assert torch.allclose(ours, literal, atol=1e-6)
    parameters = [*net.query_stem.parameters(), *net.cnn3.parameters()]
    for one, other in zip(
        *(torch.autograd.grad(x, parameters) for x in (ours, literal)), strict=True
    ):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("other", [{"map": "latent_image"}, {"attention": "mean"}], ids=str)
def test_a_network_without_attention_refuses_the_attention_loss(other):
    config = ObjectiveConfig(attention_weight=1.0)
    with pytest.raises(ConfigurationError, match="set attention_weight to 0"):
        episode_loss(network(**other), drawn(), config=config, generator=seeded())


def test_classification_asks_for_the_nearest_context():
    net, episodes = network(), drawn(contexts=4)
    config = ObjectiveConfig(name="classification")
    loss = episode_loss(net, episodes, config=config, generator=seeded())["loss"]
    losses = []
    for row in range(2):
        for t in range(3):
            scores = alone(net, episodes, row, t, episodes.context_poses[row])
            off = episodes.context_poses[row, :, :2] - episodes.query_poses[row, t, :2]
            losses.append(-torch.log_softmax(scores, -1)[off.norm(dim=-1).argmin()])
    assert torch.allclose(loss, torch.stack(losses).mean(), atol=1e-5)


def test_regression_is_perfect_when_the_pose_is_found():
    net, episodes = network(head="pose"), drawn()
    config = ObjectiveConfig(name="regression")
    assert episode_loss(net, episodes, config=config, generator=seeded())["loss"] > 0.01
    truth = episodes.query_poses.flatten(0, 1)
    net.regress = lambda prepared, query, pose: truth
    assert episode_loss(net, episodes, config=config, generator=seeded())["loss"] == 0


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "regression"])
def test_every_objective_moves_every_part_of_the_network(name):
    net = network()
    loss = episode_loss(
        net, drawn(), config=ObjectiveConfig(name=name, particles=6), generator=seeded()
    )["loss"]
    loss.backward()
    for part, parameter in net.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), part
        if not part.startswith("fc1.output.bias"):  # which a softmax over particles cannot see
            assert parameter.grad.abs().max() > 0, part


def test_training_particles_are_near_around_and_anywhere():
    truth = drawn(batch=4, queries=1).query_poses[:, 0].repeat(50, 1)
    settings = ObjectiveConfig(particles=21, near_particles=1, uniform_fraction=0.3)
    poses = training_particles(truth, AREA, config=settings, generator=seeded())
    assert poses.shape == (200, 21, 3)
    off = (poses - truth[:, None])[..., :2].norm(dim=-1)
    assert off[:, 0].mean() < 3 < off[:, 1:15].mean() < off[:, 15:].mean()


def test_beliefs_grow_from_narrow_to_global_over_the_first_half():
    config = ObjectiveConfig(uniform_fraction=0.6, uniform_fraction_start=0.0)
    shares = [config.at(progress).uniform_fraction for progress in (0.0, 0.25, 0.5, 1.0)]
    assert shares == pytest.approx([0.0, 0.3, 0.6, 0.6])
    assert ObjectiveConfig(uniform_fraction=0.6).at(0.1).uniform_fraction == 0.6


def test_fewer_queries_than_would_be_compared_are_all_compared():
    config = ObjectiveConfig(particles=4, attention_weight=1.0, compared_queries=5)
    fewer = replace(config, compared_queries=0)
    losses = [
        episode_loss(network(), drawn(queries=2), config=c, generator=seeded())
        for c in (config, fewer)
    ]
    assert losses[0]["loss"] == losses[1]["loss"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"near_particles": 16},
        {"particles": 0},
        {"attention_particles": 4},
        {"uniform_fraction": 1.5},
        {"attention_weight": -1.0},
    ],
)
def test_objectives_that_cannot_be_are_refused(wrong):
    with pytest.raises(ConfigurationError, match="want"):
        ObjectiveConfig(**wrong)
