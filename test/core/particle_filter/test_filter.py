"""The whole filter against a Kalman filter, under moves of the world, and its gradients."""

from __future__ import annotations

import math

import pytest
import torch

from dmn_core.geometry import compose, wrap_angle
from dmn_core.particle_filter import (
    Belief,
    FilterSettings,
    OdometryNoise,
    gaussian_belief,
    step,
    uniform_belief,
)
from dmn_core.particle_filter.estimate import weighted_mean
from dmn_core.particle_filter.initial_belief import TRACKING_STD, tracking_belief

START_STD, MOTION_STD, SENSOR_STD = 1.0, 0.3, 0.5
STEPS = 8


def kalman(measurements):
    """x alone: p grows by the motion, shrinks by the measurement."""
    mean, variance, history = 0.0, START_STD**2, []
    for z in measurements:
        mean, variance = mean + 1.0, variance + MOTION_STD**2
        gain = variance / (variance + SENSOR_STD**2)
        mean, variance = mean + gain * (z - mean), (1 - gain) * variance
        history.append((mean, variance))
    return history


def test_a_linear_gaussian_world_gives_the_kalman_filter():
    generator = torch.Generator().manual_seed(0)
    truth = torch.arange(1, STEPS + 1) + 0.5 * torch.randn(STEPS, generator=generator)
    settings = FilterSettings(
        noise=OdometryNoise(min_std_xy_m=MOTION_STD), resampling="effective_size"
    )
    covariance = torch.diag(torch.tensor([START_STD, START_STD, 0.0], dtype=torch.float64) ** 2)
    belief = gaussian_belief(
        torch.zeros(1, 3, dtype=torch.float64), covariance, particles=40_000, generator=generator
    )
    odometry = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    for z, (mean, variance) in zip(truth.tolist(), kalman(truth.tolist()), strict=True):
        result = step(
            belief,
            odometry,
            lambda poses, z=z: -0.5 * ((poses[..., 0] - z) / SENSOR_STD) ** 2,
            settings=settings,
            generator=generator,
        )
        belief = result.belief
        assert abs(result.pose_map_base[0, 0].item() - mean) < 0.02
        assert abs(result.covariance[0, 0, 0].item() / variance - 1) < 0.05


def likelihood_of_beacon(beacon, facing):
    """High where the beacon is seen 3 m ahead; depends on relative poses only."""

    def log_likelihood(poses):
        offset = beacon - poses[..., :2]
        distance = offset.norm(dim=-1)
        bearing = wrap_angle(torch.atan2(offset[..., 1], offset[..., 0]) - poses[..., 2])
        turn = wrap_angle(facing - poses[..., 2])
        return -((distance - 3) ** 2) - bearing**2 - 0.3 * turn**2

    return log_likelihood


def test_moving_the_whole_world_moves_the_estimate_with_it():
    move = torch.tensor([30.0, -12.0, 2.5], dtype=torch.float64)
    poses = torch.randn(1, 500, 3, dtype=torch.float64)
    odometry = torch.tensor([[0.4, 0.1, 0.2]], dtype=torch.float64)
    beacon = torch.tensor([2.0, 1.0], dtype=torch.float64)
    settings = FilterSettings(
        noise=OdometryNoise("differential"), resampling="always", soft_alpha=0.5
    )
    results = []
    for frame in (torch.zeros(3, dtype=torch.float64), move):
        place = compose(frame, torch.cat((beacon, beacon.new_zeros(1))))
        belief = Belief.equally_weighted(compose(frame, poses))
        generator = torch.Generator().manual_seed(1)
        model = likelihood_of_beacon(place[:2], frame[2])
        for _ in range(3):
            result = step(belief, odometry, model, settings=settings, generator=generator)
            belief = result.belief
        results.append(result)
    here, there = results
    assert torch.allclose(compose(move, here.pose_map_base), there.pose_map_base, atol=1e-9)
    rotation = torch.eye(3, dtype=torch.float64)
    c, s = math.cos(2.5), math.sin(2.5)
    rotation[:2, :2] = torch.tensor([[c, -s], [s, c]])
    turned = rotation @ here.covariance @ rotation.T
    assert torch.allclose(turned, there.covariance, atol=1e-9)


def test_gradients_of_a_sequence_through_soft_resampling():
    generator = torch.Generator().manual_seed(0)
    poses = torch.randn(1, 6, 3, dtype=torch.float64, generator=generator)
    odometry = torch.tensor([[0.4, 0.1, 0.2]], dtype=torch.float64)
    settings = FilterSettings(resampling="always", soft_alpha=0.5)

    def final_estimate(beacon):
        belief = Belief.equally_weighted(poses)
        draws = torch.Generator().manual_seed(2)
        for _ in range(2):
            result = step(
                belief,
                odometry,
                likelihood_of_beacon(beacon, torch.zeros((), dtype=torch.float64)),
                settings=settings,
                generator=draws,
            )
            belief = result.belief
        return result.pose_map_base

    beacon = torch.tensor([2.0, 1.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(final_estimate, (beacon,), eps=1e-7)


def test_likelihood_power_flattens():
    poses = torch.tensor([[[0.0, 0, 0], [1.0, 0, 0]]], dtype=torch.float64)
    likelihood = torch.tensor([[0.0, 4.0]], dtype=torch.float64)
    ratios = []
    for power in (1.0, 0.25):
        result = step(
            Belief.equally_weighted(poses),
            torch.zeros(1, 3, dtype=torch.float64),
            lambda _: likelihood,
            settings=FilterSettings(likelihood_power=power),
            generator=torch.Generator(),
        )
        log_weights = result.weighed.log_weights[0]
        ratios.append((log_weights[1] - log_weights[0]).item())
    assert ratios == pytest.approx([4.0, 1.0])


def test_uniform_belief_fills_the_area_evenly():
    area = (-3.0, 5.0, 10.0, 12.0)
    belief = uniform_belief(
        area, batch=2, particles=20_000, generator=torch.Generator().manual_seed(0)
    )
    x, y, yaw = belief.poses_map_base.unbind(-1)
    assert (x >= -3).all() and (x <= 5).all() and (y >= 10).all() and (y <= 12).all()
    for values, low, high in ((x, -3, 5), (y, 10, 12), (yaw, -math.pi, math.pi)):
        unit = (values - low) / (high - low)
        assert abs(unit.mean().item() - 0.5) < 0.01
        assert abs(unit.var().item() - 1 / 12) < 0.003


def test_gaussian_belief_has_its_mean_and_covariance_even_if_singular():
    root = torch.tensor([[1.0, 0, 0], [0.5, 0.2, 0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    covariance = root @ root.T
    mean = torch.tensor([[4.0, -2.0, 1.0]], dtype=torch.float64)
    belief = gaussian_belief(
        mean, covariance, particles=60_000, generator=torch.Generator().manual_seed(0)
    )
    poses = belief.poses_map_base[0]
    assert torch.allclose(poses.mean(0), mean[0], atol=0.02)
    assert torch.allclose(torch.cov(poses.T), covariance, atol=0.02)


def test_tracking_belief_is_twice_as_wide_about_the_truth_as_about_itself():
    truth = torch.tensor([[3.0, 4.0, 0.1]]).expand(4000, 3)
    belief = tracking_belief(truth, particles=20, generator=torch.Generator().manual_seed(0))
    means = weighted_mean(belief)
    off = belief.poses_map_base[..., 0] - truth[:, None, 0]
    assert abs(off.var().item() / (2 * TRACKING_STD[0] ** 2) - 1) < 0.08
    assert abs(means[:, 0].var().item() / (TRACKING_STD[0] ** 2 * 1.05) - 1) < 0.1
