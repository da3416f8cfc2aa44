"""Objectives on poses, the paper's and that of regression, beside a literal reading of each."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from dmn_core.data.batching import draw_episodes
from dmn_core.data.episode import Episodes
from dmn_core.observation import NetworkConfig, build_network
from dmn_core.training.encoding import encode_episodes
from dmn_core.training.objective_config import ObjectiveConfig
from dmn_core.training.objectives import episode_loss

# Of the paper's tracking start, in m, m and rad, and the size of its environments in m.
STD = torch.tensor([6.0, 6.0, 30 * math.pi / 180])
SCALE_M = 20.0
# Close to half a turn, where headings jump, and elsewhere.
HEADINGS = torch.tensor([[3.1, -3.0, 0.4], [-3.13, 2.9, -1.6]])


@pytest.fixture
def episodes(small):
    """Two episodes of three queries."""
    rng = np.random.default_rng(0)
    drawn = draw_episodes(small.environments(), batch=2, contexts=3, queries=3, rng=rng)
    poses = torch.cat((drawn.query_poses[..., :2], HEADINGS[..., None]), dim=-1)
    return replace(drawn, query_poses=poses)


def opinionated(head, factor):
    """A fresh network, whose answers differ by a lot from pose to pose."""
    torch.manual_seed(0)
    network = build_network(NetworkConfig(image_height=8, image_width=8, head=head))
    network.fc1.output.weight.data *= factor
    return network.requires_grad_(True)


def seeded():
    return torch.Generator().manual_seed(5)


def queries(network, episodes):
    """Map, encoded query and true pose of each query, everything computed for it alone."""
    for row, truths in enumerate(episodes.query_poses):
        for t, truth in enumerate(truths):
            single = Episodes(
                episodes.context_images[row : row + 1],
                episodes.context_poses[row : row + 1],
                episodes.query_images[row : row + 1, t : t + 1],
                truth[None, None],
                episodes.area_m,
            )
            encoded = encode_episodes(network, single)
            yield encoded.maps, encoded.query, truth


def error(pose, truth):
    """(x - x*)^2 + (y - y*)^2 + 0.5 (yaw - yaw*)^2 in environments, the shorter way round."""
    dx, dy = (pose[0] - truth[0]) / SCALE_M, (pose[1] - truth[1]) / SCALE_M
    turn = pose[2] - truth[2]
    while turn > math.pi:
        turn = turn - 2 * math.pi
    while turn < -math.pi:
        turn = turn + 2 * math.pi
    return dx**2 + dy**2 + 0.5 * turn**2


def assert_alike(network, loss, literal):
    """Values and gradients are the same."""
    torch.testing.assert_close(loss, literal, rtol=1e-4, atol=1e-6)
    parameters = dict(network.named_parameters())
    del parameters["fc1.output.bias"]  # which a softmax over particles cannot see
    ours, theirs = (
        torch.autograd.grad(x, list(parameters.values()), retain_graph=True, allow_unused=True)
        for x in (loss, literal)
    )
    for name, mine, reference in zip(parameters, ours, theirs, strict=True):
        if reference is None or mine is None:
            assert mine is reference, name
        else:
            assert (mine - reference).norm() <= 1e-3 * reference.norm(), name


def tracked(network, episodes, *, particles):
    """The tracking loss, and the poses (6, K, 3) that it asked the network about."""
    log_likelihood, asked = network.log_likelihood, []
    network.log_likelihood = lambda *given: asked.append(given[2]) or log_likelihood(*given)
    config = ObjectiveConfig(name="tracking", particles=particles)
    loss = episode_loss(network, episodes, config=config, generator=seeded())["loss"]
    network.log_likelihood = log_likelihood
    return loss, asked[0]


def literal_tracking(network, episodes, poses):
    """The paper's loss (section IV-D), query by query, and the largest weight of a particle."""
    errors, largest = [], 0.0
    for particles, (maps, query, truth) in zip(poses, queries(network, episodes), strict=True):
        logs = [network.log_likelihood(maps, query, pose[None, None])[0, 0] for pose in particles]
        likelihoods = [(log - max(logs).detach()).exp() for log in logs]
        weights = [likelihood / sum(likelihoods) for likelihood in likelihoods]
        weighed = list(zip(weights, particles, strict=True))
        x = sum(w * pose[0] for w, pose in weighed)
        y = sum(w * pose[1] for w, pose in weighed)
        sin = sum(w * pose[2].sin() for w, pose in weighed)
        cos = sum(w * pose[2].cos() for w, pose in weighed)
        errors.append(error((x, y, torch.atan2(sin, cos)), truth))
        largest = max(largest, *(w.item() for w in weights))
    return sum(errors) / len(errors), largest


def test_the_tracking_loss_is_the_papers(episodes):
    network = opinionated("likelihood", 200.0)
    loss, poses = tracked(network, episodes, particles=7)
    assert poses.shape == (6, 7, 3)
    literal, largest = literal_tracking(network, episodes, poses)
    assert largest > 0.5  # likelihoods matter
    assert_alike(network, loss, literal)


def test_tracking_asks_about_particles_around_a_mean_that_is_itself_off(episodes):
    network, many = opinionated("likelihood", 1.0), 4000
    with torch.no_grad():
        _, poses = tracked(network, episodes, particles=many)
    truth = episodes.query_poses.flatten(0, 1)
    mean = truth + STD * torch.randn(6, 3, generator=seeded())
    off = poses - mean[:, None]
    off = torch.cat(
        (off[..., :2], torch.remainder(off[..., 2:] + math.pi, 2 * math.pi) - math.pi), -1
    )
    assert ((off.mean(1) / STD).abs() < 5 / many**0.5).all()
    assert torch.allclose(off.std(1), STD.expand(6, 3), rtol=0.06)
    together = torch.corrcoef((off / STD).flatten(0, 1).T)
    assert (together - torch.eye(3)).abs().max() < 0.04  # drawn apart


def literal_regression(network, episodes):
    """The error of the pose that is found from the mean of a tracking start, query by query."""
    offsets = torch.randn(6, 3, generator=seeded())
    errors, moved_m = [], []
    for i, (maps, query, truth) in enumerate(queries(network, episodes)):
        x, y, yaw = truth + STD * offsets[i]
        start = torch.stack((x, y, yaw))
        ahead, left, turn = network.fc1(network.comparison(maps, query, start[None, None]))[0, 0]
        found = (
            x + SCALE_M * (yaw.cos() * ahead - yaw.sin() * left),
            y + SCALE_M * (yaw.sin() * ahead + yaw.cos() * left),
            yaw + turn,
        )
        errors.append(error(found, truth))
        moved_m.append(SCALE_M * math.hypot(ahead.item(), left.item()))
    return sum(errors) / len(errors), moved_m


def test_the_regression_loss_is_that_of_a_pose_found_from_an_offset_mean(episodes):
    network = opinionated("pose", 200.0)
    config = ObjectiveConfig(name="regression")
    loss = episode_loss(network, episodes, config=config, generator=seeded())["loss"]
    literal, moved_m = literal_regression(network, episodes)
    assert min(moved_m) > 0.3  # what the network says matters
    assert_alike(network, loss, literal)


def test_a_regression_that_stays_where_it_starts_is_off_by_the_offset_of_the_mean(episodes):
    network = opinionated("pose", 0.0)
    config = ObjectiveConfig(name="regression")
    loss = episode_loss(network, episodes, config=config, generator=seeded())["loss"]
    off = STD * torch.randn(6, 3, generator=seeded())
    x, y, yaw = off.unbind(-1)
    expected = ((x / SCALE_M) ** 2 + (y / SCALE_M) ** 2 + 0.5 * yaw**2).mean()
    assert yaw.abs().max() < math.pi  # no wrap is needed to say how far off it is
    torch.testing.assert_close(loss.detach(), expected, rtol=1e-4, atol=1e-6)
