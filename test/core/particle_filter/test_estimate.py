"""Estimates: circular means, covariances that are covariances, the heaviest cluster."""

from __future__ import annotations

import math

import torch

from dmn_core.particle_filter import Belief
from dmn_core.particle_filter.estimate import (
    best_cluster,
    best_cluster_estimate,
    covariance,
    weighted_mean,
)


def belief_of(poses, weights=None):
    poses = torch.as_tensor(poses, dtype=torch.float64).unsqueeze(0)
    if weights is None:
        return Belief.equally_weighted(poses)
    return Belief(poses, torch.as_tensor(weights, dtype=torch.float64).log().unsqueeze(0))


def test_the_mean_of_headings_around_pi_is_pi():
    belief = belief_of([[0, 0, math.pi - 0.1], [2, 0, -math.pi + 0.1]])
    mean = weighted_mean(belief)[0]
    assert torch.allclose(mean[:2], torch.tensor([1.0, 0.0], dtype=torch.float64))
    assert abs(abs(mean[2].item()) - math.pi) < 1e-9
    assert abs(covariance(belief, mean[None])[0, 2, 2].item() - 0.01) < 1e-9


def test_covariance_equals_the_weighted_formula_and_is_semi_definite():
    g = torch.Generator().manual_seed(0)
    poses = torch.randn(2, 100, 3, generator=g, dtype=torch.float64) * torch.tensor([3, 1, 2.0])
    belief = Belief(poses, torch.log_softmax(torch.randn(2, 100, generator=g).double(), -1))
    spread = covariance(belief, weighted_mean(belief))
    assert torch.allclose(spread, spread.transpose(1, 2))
    assert (torch.linalg.eigvalsh(spread) > -1e-12).all()
    x = poses[0, :, 0] - weighted_mean(belief)[0, 0]
    assert torch.allclose(spread[0, 0, 0], (belief.weights[0] * x * x).sum())


def test_the_best_cluster_is_the_heavier_of_two_groups():
    g = torch.Generator().manual_seed(0)
    few = torch.randn(100, 3, generator=g) * 0.3 + torch.tensor([10.0, 0.0, 0.0])
    many = torch.randn(150, 3, generator=g) * 0.3 + torch.tensor([-10.0, 5.0, math.pi])
    poses = torch.cat((few, many)).double()
    weights = torch.cat((torch.full((100,), 0.7 / 100), torch.full((150,), 0.3 / 150)))
    mean, spread, mass = best_cluster_estimate(belief_of(poses, weights))
    assert (mean[0] - torch.tensor([10.0, 0.0, 0.0])).abs().max() < 0.1
    assert abs(mass.item() - 0.7) < 0.03
    assert spread[0].diagonal().max() < 0.15  # the mode's own spread, not that of the two modes
    mean, _, mass = best_cluster_estimate(belief_of(poses))
    assert (mean[0, :2] - torch.tensor([-10.0, 5.0])).abs().max() < 0.1
    assert abs(mass.item() - 0.6) < 0.05


def test_clusters_reach_around_the_turn_of_yaw():
    yaw = torch.linspace(math.pi - 0.6, math.pi + 0.6, 40)
    poses = torch.stack(
        (torch.zeros(40), torch.zeros(40), (yaw + math.pi) % (2 * math.pi) - math.pi), -1
    )
    assert best_cluster(belief_of(poses)).all()


def test_one_long_chain_of_cells_is_one_cluster():
    poses = torch.stack((torch.linspace(-40, 40, 200), torch.zeros(200), torch.zeros(200)), -1)
    belief = belief_of(torch.cat((poses, torch.tensor([[0.0, 30.0, 0.0]]))))
    assert best_cluster(belief)[0].tolist() == [True] * 200 + [False]
