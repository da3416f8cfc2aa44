"""All modes of synthetic mixtures, also around the turn of yaw and among stray particles."""

from __future__ import annotations

import math

import numpy as np
import torch

from dmn_core.particle_filter import Belief, modes_of
from dmn_core.particle_filter.estimate import best_cluster_estimate

PLACES = torch.tensor([[10.0, 0.0, math.pi], [-10.0, 5.0, 0.5], [-10.0, 5.0, -1.8]]).double()
SHARES = (0.5, 0.3, 0.2)
ROOT = torch.tensor([[0.4, 0.0, 0.0], [0.2, 0.3, 0.0], [-0.05, 0.05, 0.1]]).double()


def mixture(count=3000, stray=0, seed=0):
    g = torch.Generator().manual_seed(seed)
    parts, weights = [], []
    for place, share in zip(PLACES, SHARES, strict=True):
        drawn = place + torch.randn(count, 3, generator=g, dtype=torch.float64) @ ROOT.T
        parts.append(drawn)
        weights.append(torch.full((count,), share / count, dtype=torch.float64))
    if stray:
        parts.append(torch.rand(stray, 3, generator=g, dtype=torch.float64) * 40 - 20)
        weights.append(torch.full((stray,), 0.1 / stray, dtype=torch.float64))
    poses, share = torch.cat(parts), torch.cat(weights)
    poses[:, 2] = torch.remainder(poses[:, 2] + math.pi, 2 * math.pi) - math.pi
    return poses, share / share.sum()


def test_mass_mean_and_covariance_of_every_mode():
    found = modes_of(*mixture())
    assert len(found) == 3
    for mode, place, share in zip(found, PLACES, SHARES, strict=True):
        assert abs(mode.mass - share) < 0.01
        off = mode.pose_map_base - place.numpy()
        off[2] = math.remainder(off[2], 2 * math.pi)
        assert np.abs(off).max() < 0.03
        assert np.allclose(mode.covariance, (ROOT @ ROOT.T).numpy(), atol=0.012)


def test_modes_come_by_mass_and_light_ones_are_left_out():
    found = modes_of(*mixture(), least_mass=0.25)
    assert [round(mode.mass, 1) for mode in found] == [0.5, 0.3]
    (heaviest,) = modes_of(*mixture(), least_mass=0.9)
    assert round(heaviest.mass, 1) == 0.5


def test_a_sure_belief_has_one_mode_although_some_of_it_is_drawn_anew():
    """As of a tracked robot whose filter injects a hundredth everywhere, at every image."""
    g = torch.Generator().manual_seed(5)
    sure = PLACES[0] + torch.randn(990, 3, generator=g, dtype=torch.float64) * 0.2
    anew = torch.rand(10, 3, generator=g, dtype=torch.float64) * 40 - 20
    (mode,) = modes_of(torch.cat((sure, anew)), torch.full((1000,), 1e-3))
    assert mode.mass > 0.95
    nowhere = torch.rand(200, 3, generator=g, dtype=torch.float64) * 400 - 200
    assert len(modes_of(nowhere, torch.full((200,), 5e-3))) == 1


def test_stray_particles_neither_join_modes_nor_widen_them():
    found = modes_of(*mixture(stray=1500))
    for mode, share in zip(found, SHARES, strict=False):
        assert abs(mode.mass - share / 1.1) < 0.02
        assert np.linalg.eigvalsh(mode.covariance).max() < 0.4
    assert len(found) == 3
    assert modes_of(*mixture(stray=1500), least_mass=1e-4)[3].mass < 0.01


def test_the_best_mode_is_the_estimate_of_the_cluster():
    poses, weights = mixture(count=500, stray=100)
    best = modes_of(poses, weights)[0]
    mean, spread, mass = best_cluster_estimate(Belief(poses[None], weights.log()[None]))
    assert np.allclose(best.pose_map_base, mean[0], atol=1e-9)
    assert np.allclose(best.covariance, spread[0], atol=1e-9)
    assert abs(best.mass - mass.item()) < 1e-9


def test_covariances_are_semi_definite_whatever_the_particles():
    g = torch.Generator().manual_seed(3)
    for scale in (0.0, 1e-3, 1.0, 30.0):
        poses = torch.randn(40, 3, generator=g) * scale
        weights = torch.softmax(8 * torch.randn(40, generator=g), 0)
        found = modes_of(poses, weights)
        assert 0 < sum(mode.mass for mode in found) <= 1 + 1e-6
        for mode in found:
            assert np.allclose(mode.covariance, mode.covariance.T)
            assert np.linalg.eigvalsh(mode.covariance).min() > -1e-12


def test_a_lone_particle_is_no_exact_place():
    (mode,) = modes_of(torch.tensor([[1.0, 2.0, 3.0]]), torch.ones(1))
    assert np.allclose(mode.covariance, np.diag([1.0, 1.0, 0.25]))
