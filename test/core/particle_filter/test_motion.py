"""Odometry moves the belief as odometry does."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dmn_core.errors import ConfigurationError
from dmn_core.geometry import compose, relative
from dmn_core.particle_filter import Belief, OdometryNoise, motion_covariance, move

MANY = 40_000


def moved(noise, odometry, seed=0):
    belief = Belief.equally_weighted(torch.zeros(1, MANY, 3, dtype=torch.float64))
    generator = torch.Generator().manual_seed(seed)
    step = torch.tensor([odometry], dtype=torch.float64)
    return move(belief, step, noise=noise, generator=generator).poses_map_base[0]


def test_exact_odometry_is_composition():
    poses = torch.randn(2, 5, 3, dtype=torch.float64)
    steps = torch.randn(2, 3, dtype=torch.float64)
    belief = move(
        Belief.equally_weighted(poses), steps, noise=OdometryNoise(), generator=torch.Generator()
    )
    assert torch.allclose(belief.poses_map_base, compose(poses, steps[:, None]))
    assert torch.allclose(
        relative(poses, belief.poses_map_base)[..., :2], steps[:, None, :2].expand(2, 5, 2)
    )


@pytest.mark.parametrize("model", ["differential", "omni"])
def test_no_coefficients_no_noise(model):
    noise = OdometryNoise(model, 0, 0, 0, 0, 0)
    poses = moved(noise, (1.0, 0.5, 0.7))
    wanted = torch.tensor([1.0, 0.5, 0.7], dtype=torch.float64)
    assert torch.allclose(poses, wanted.expand(MANY, 3), atol=1e-9)


@pytest.mark.parametrize(
    ("alphas", "column", "variance"),
    [
        ({"alpha3": 0.04}, 0, 0.04 * 2.0**2),  # along a straight drive of 2 m
        ({"alpha2": 0.001}, 2, 2 * 0.001 * 2.0**2),  # both turns of it
    ],
)
def test_differential_variances_of_a_straight_drive(alphas, column, variance):
    zeros = dict.fromkeys(("alpha1", "alpha2", "alpha3", "alpha4", "alpha5"), 0.0)
    poses = moved(OdometryNoise("differential", **{**zeros, **alphas}), (2.0, 0.0, 0.0))
    assert poses[:, column].var().item() == pytest.approx(variance, rel=0.05)


def test_differential_variance_of_a_turn_on_the_spot():
    noise = OdometryNoise("differential", 0.09, 0, 0, 0, 0)
    poses = moved(noise, (0.0, 0.0, 0.5))
    assert poses[:, 2].std().item() == pytest.approx(0.3 * 0.5, rel=0.05)
    assert poses[:, :2].abs().max() < 1e-9


def test_driving_backwards_is_as_noisy_as_driving_forwards():
    noise = OdometryNoise("differential", 0.2, 0, 0, 0.2, 0)
    forwards, backwards = moved(noise, (2.0, 0, 0)), moved(noise, (-2.0, 0, 0))
    assert forwards.std(0)[0].item() == pytest.approx(0, abs=1e-9)
    assert backwards[:, 0].std().item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("alphas", "column", "deviation"),
    [
        ({"alpha3": 0.04}, 0, 0.2 * 2.0),
        ({"alpha5": 0.04}, 1, 0.2 * 2.0),
        ({"alpha2": 0.04}, 2, 0.2 * 2.0),
    ],
)
def test_omni_variances(alphas, column, deviation):
    zeros = dict.fromkeys(("alpha1", "alpha2", "alpha3", "alpha4", "alpha5"), 0.0)
    poses = moved(OdometryNoise("omni", **{**zeros, **alphas}), (2.0, 0.0, 0.0))
    assert poses[:, column].std().item() == pytest.approx(deviation, rel=0.05)


def test_the_floor_parts_particles_that_lie_on_one_pose():
    poses = moved(OdometryNoise(min_std_xy_m=0.3, min_std_yaw_rad=0.1), (0.0, 0.0, math.pi))
    assert poses[:, 0].std().item() == pytest.approx(0.3, rel=0.05)
    assert (poses[:, 2].abs() <= math.pi + 1e-9).all()


@pytest.mark.parametrize("values", [{"model": "ackermann"}, {"alpha1": -1.0}, {"alpha2": math.nan}])
def test_impossible_noise_is_refused(values):
    with pytest.raises(ConfigurationError, match=next(iter(values))):
        OdometryNoise(**values)


@pytest.mark.parametrize("model", ["differential", "omni"])
@pytest.mark.parametrize(
    "motion", [(1.0, 0.3, 0.4), (-0.8, 0.0, 0.0), (0.0, 0.0, 0.7), (0.0, 0.0, 0.0)]
)
def test_the_covariance_of_a_motion_is_that_of_moved_particles(model, motion):
    noise = OdometryNoise(model, 0.002, 0.001, 0.003, 0.0015, 0.0005)
    told = motion_covariance(np.array(motion), noise)
    seen = torch.cov(moved(noise, motion).T).numpy()
    assert np.allclose(told, seen, rtol=0.05, atol=3e-5)
    assert told.any() == any(motion)


def test_exact_odometry_widens_nothing():
    assert not motion_covariance(np.array([1.0, 0.5, 0.2]), OdometryNoise()).any()
