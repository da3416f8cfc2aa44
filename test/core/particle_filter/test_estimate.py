"""Estimates: circular means, covariances that are covariances, the heaviest cluster."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dmn_core.belief_monitor import LocalizerStatus
from dmn_core.fix import Fix
from dmn_core.geometry import compose, wrap_angle
from dmn_core.particle_filter import Belief, FilterSettings, OdometryNoise
from dmn_core.particle_filter.estimate import (
    best_cluster,
    best_cluster_estimate,
    covariance,
    likeliest_place,
    weighted_mean,
)
from dmn_core.particle_filter.filter import estimate
from dmn_core.particle_filter.modes import Mode, modes_of
from dmn_core.spread import SpreadModel


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


def literal_likeliest_place(poses, weights, within_m):
    """The definition, particle by particle."""

    def around(place):
        return [k for k, pose in enumerate(poses) if math.dist(place[:2], pose[:2]) < within_m]

    near = max((around(place) for place in poses), key=lambda found: sum(weights[found]))
    share = weights[near] / sum(weights[near])
    x, y = share @ poses[near, 0], share @ poses[near, 1]
    yaw = math.atan2(share @ np.sin(poses[near, 2]), share @ np.cos(poses[near, 2]))
    return np.array([x, y, yaw])


def test_the_likeliest_place_is_the_one_of_the_definition():
    rng = np.random.default_rng(0)
    poses = rng.uniform(-20, 20, (3, 300, 3))
    weights = rng.dirichlet(np.full(300, 0.1), 3)
    belief = Belief(torch.from_numpy(poses), torch.from_numpy(weights).log())
    for within_m in (0.1, 4.0, 9.0):
        expected = [
            literal_likeliest_place(*one, within_m) for one in zip(poses, weights, strict=True)
        ]
        found = likeliest_place(belief, within_m=within_m)
        np.testing.assert_allclose(found[:, :2], np.array(expected)[:, :2], atol=1e-9)
        turned = wrap_angle(found[:, 2] - torch.from_numpy(np.array(expected)[:, 2]))
        assert turned.abs().max() < 1e-9


def test_the_likeliest_place_is_in_one_of_two_where_the_mean_is_in_none():
    g = torch.Generator().manual_seed(0)
    middles = torch.tensor([[-15.0, 0.0, 0.0], [15.0, 3.0, 1.0]]).double()
    # More than are compared at a time.
    poses = middles.repeat_interleave(1300, 0) + torch.randn(2600, 3, generator=g) * 0.3
    weights = torch.tensor([0.45, 0.55]).repeat_interleave(1300) / 1300
    belief = belief_of(poses, weights)
    assert (likeliest_place(belief, within_m=8.9)[0] - middles[1]).abs().max() < 0.1
    assert (weighted_mean(belief)[0, :2] - middles[:, :2]).norm(dim=-1).min() > 10
    # Where all of it is near, it is the mean.
    one = belief_of(poses[:1300], None)
    assert torch.allclose(likeliest_place(one, within_m=9.0), weighted_mean(one))


def test_the_likeliest_place_is_as_exact_far_from_the_origin():
    g = torch.Generator().manual_seed(2)
    poses, weights = torch.rand(1, 500, 3, generator=g) * 40, torch.rand(1, 500, generator=g)
    # What float32 can hold there: eighths of a metre.
    poses[..., :2] = (poses[..., :2] * 8).round() / 8
    there = poses + torch.tensor([1e5, -1e5, 0.0])
    near, far = (likeliest_place(Belief(p, weights.log()), within_m=0.3) for p in (poses, there))
    assert (far - near - torch.tensor([1e5, -1e5, 0.0])).abs().max() < 0.05


def test_the_likeliest_place_moves_with_the_world():
    g = torch.Generator().manual_seed(1)
    poses = (torch.rand(2, 200, 3, generator=g) * 30).double()
    belief = Belief(poses, torch.log_softmax(3 * torch.randn(2, 200, generator=g).double(), -1))
    world = torch.tensor([7.0, -3.0, 2.0]).double()
    moved = Belief(compose(world.expand_as(poses), poses), belief.log_weights)
    found, there = (likeliest_place(b, within_m=5.0) for b in (belief, moved))
    off = compose(world.expand_as(found), found) - there
    assert off[:, :2].abs().max() < 1e-9 and wrap_angle(off[:, 2]).abs().max() < 1e-9


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


def beliefs_on_lines_and_off(g, count):
    """Beliefs (count, 200) in float32: every other one on a line, some far from the origin."""
    for number in range(count):
        across = float(number % 2)
        size = 10.0 ** torch.randint(-2, 3, (1,), generator=g)
        along = torch.randn(200, 1, generator=g) * torch.randn(1, 3, generator=g)
        poses = along + across * torch.randn(200, 3, generator=g)
        poses = size * poses * torch.tensor([1.0, 1.0, 0.01]) + 100.0 * (number % 3)
        log_weights = torch.log_softmax(2 * torch.randn(1, 200, generator=g), -1)
        yield Belief(poses[None], log_weights)


@pytest.mark.parametrize("how", ["mean", "cluster"])
def test_covariances_are_symmetric_to_the_bit_and_semi_definite_to_rounding(how):
    g = torch.Generator().manual_seed(0)
    for belief in beliefs_on_lines_and_off(g, 60):
        pose, spread = estimate(belief, settings=FilterSettings(estimate=how))
        assert pose.dtype == torch.float32
        given = [spread[0].numpy()]
        given += [mode.covariance for mode in modes_of(belief.poses_map_base[0], belief.weights[0])]
        for each in given:
            told = SpreadModel(1.7, 40.0, 0.9)
            for found in (each, told.of_mode(each), told.of_estimate(each, 0.3)):
                assert found.dtype == np.float64
                np.testing.assert_array_equal(found, found.T)
                least, *_, most = np.linalg.eigvalsh(found)
                assert least >= -1e-14 * most


def test_a_spread_is_symmetric_whatever_it_is_given():
    rounded = np.eye(3, dtype=np.float32)
    rounded[0, 1], rounded[1, 0] = 0.1, np.nextafter(np.float32(0.1), np.float32(1))
    many = np.stack([rounded, rounded.T])
    for found in (SpreadModel().of_mode(many), SpreadModel().of_estimate(many, np.ones(2))):
        np.testing.assert_array_equal(found, found.swapaxes(1, 2))
        np.testing.assert_allclose(found, many, rtol=1e-7)


def test_the_mean_is_that_of_the_particles_own_precision():
    g = torch.Generator().manual_seed(0)
    for belief in beliefs_on_lines_and_off(g, 6):
        poses, weights = belief.poses_map_base, belief.weights
        xy = (weights.unsqueeze(-1) * poses[..., :2]).sum(-2)
        assert torch.equal(weighted_mean(belief)[:, :2], xy)


def test_a_covariance_that_odometry_carried_on_is_symmetric_to_the_bit():
    g = np.random.default_rng(0)
    for _ in range(50):
        factor = g.normal(size=(3, 3))
        pose, spread = g.normal(size=3), factor @ factor.T
        made = Fix(
            stamp_ns=0,
            pose_map_base=pose,
            covariance=spread,
            pose_odom_base=np.zeros(3),
            particles_map_base=pose[None],
            weights=np.ones(1),
            latency_s=0.0,
            status=LocalizerStatus(modes=(Mode(pose, spread, 1.0),)),
        )
        to = g.normal(size=3)
        carried = made.carried(1, to, noise=OdometryNoise(), latency_s=0.0)
        for found in (carried.covariance, *(mode.covariance for mode in carried.status.modes)):
            np.testing.assert_array_equal(found, found.T)
