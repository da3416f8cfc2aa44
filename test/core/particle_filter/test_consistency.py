"""The covariance is true: errors are as large as it says, in a world where that can be computed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from dmn_core.geometry import wrap_angle
from dmn_core.particle_filter import (
    Elsewhere,
    FilterSettings,
    OdometryNoise,
    gaussian_belief,
    move,
    step,
    uniform_belief,
)
from dmn_core.particle_filter.particles import Belief
from dmn_core.robot import ROBOT_FILTER

RUNS, STEPS, PARTICLES = 150, 5, 8000
START = torch.tensor([[0.4, 0.1, 0.02], [0.1, 0.3, 0.03], [0.02, 0.03, 0.05]], dtype=torch.float64)
AREA = (-20.0, 20.0, -20.0, 20.0)
SENSOR_STD = torch.tensor([0.5, 0.6, 0.2], dtype=torch.float64)
ODOMETRY = torch.tensor([0.5, 0.0, 0.1], dtype=torch.float64).expand(RUNS, 3)
# The mean of RUNS chi-square numbers with three degrees of freedom; all STEPS of them lie between
# these with 95 % (Bonferroni), each with 99 %.
HALF = 2.576 * math.sqrt(2 * 3 / RUNS)
PLAIN = FilterSettings(
    noise=OdometryNoise(min_std_xy_m=0.2, min_std_yaw_rad=0.05), resampling="effective_size"
)
# An image is what it says here, so that it counts for one.
ROBOT = replace(
    ROBOT_FILTER,
    likelihood_power=1.0,
    size=replace(ROBOT_FILTER.size, max_particles=PARTICLES),
)


def normalised_errors(settings: FilterSettings) -> list[float]:
    """Mean NEES at each step: poses are measured; the yaws lie about the turn from pi to -pi."""
    g = torch.Generator().manual_seed(1)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    def anywhere(count):
        drawn = uniform_belief(AREA, batch=RUNS, particles=count, generator=g)
        return drawn.poses_map_base.double()

    mean = torch.tensor([[3.0, -2.0, math.pi]], dtype=torch.float64).repeat(RUNS, 1)
    truth = mean + normal(RUNS, 3) @ torch.linalg.cholesky(START).T
    belief = gaussian_belief(mean, START, particles=PARTICLES, generator=g)
    evidence, told = None, []
    for _ in range(STEPS):
        # The world moves as the filter thinks that it does.
        world = Belief.equally_weighted(truth.unsqueeze(1))
        truth = move(world, ODOMETRY, noise=settings.noise, generator=g).poses_map_base[:, 0]
        seen = truth + normal(RUNS, 3) * SENSOR_STD

        def log_likelihood(poses, seen=seen):
            off = poses - seen.unsqueeze(1)
            off = torch.cat((off[..., :2], wrap_angle(off[..., 2:])), dim=-1)
            return -0.5 * (off / SENSOR_STD).square().sum(-1)

        result = step(
            belief,
            ODOMETRY,
            log_likelihood,
            settings=settings,
            generator=g,
            elsewhere=Elsewhere(anywhere),
            before=evidence,
            started_with=PARTICLES,
        )
        belief, evidence = result.belief, result.evidence
        off = result.pose_map_base - truth
        off[:, 2] = wrap_angle(off[:, 2])
        whitened = torch.linalg.solve(result.covariance, off.unsqueeze(-1)).squeeze(-1)
        told.append((off * whitened).sum(-1).mean().item())
    return told


@pytest.mark.parametrize("settings", [PLAIN, ROBOT], ids=["plain", "robot"])
def test_normalised_errors_are_chi_square_at_every_step(settings):
    told = normalised_errors(settings)
    assert all(abs(nees - 3) < HALF for nees in told), told
