"""The covariance is true: errors are as large as it says, in a world where that can be computed."""

from __future__ import annotations

import math

import torch

from dmn_core.geometry import wrap_angle
from dmn_core.particle_filter import FilterSettings, OdometryNoise, gaussian_belief, step

RUNS, STEPS, PARTICLES = 150, 5, 3000
START = torch.tensor([[0.4, 0.1, 0.02], [0.1, 0.3, 0.03], [0.02, 0.03, 0.05]], dtype=torch.float64)
MOTION_STD, YAW_STD = 0.2, 0.05
SENSOR_STD = torch.tensor([0.5, 0.6, 0.2], dtype=torch.float64)
# 95 % of the mean of RUNS chi-square numbers with three degrees of freedom lie between these.
HALF = 1.96 * math.sqrt(2 * 3 / RUNS)


def test_normalised_errors_are_chi_square_at_every_step():
    """Poses are measured directly; the yaws lie about the turn from pi to -pi."""
    g = torch.Generator().manual_seed(1)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    mean = torch.tensor([[3.0, -2.0, math.pi]], dtype=torch.float64).repeat(RUNS, 1)
    truth = mean + normal(RUNS, 3) @ torch.linalg.cholesky(START).T
    belief = gaussian_belief(mean, START, particles=PARTICLES, generator=g)
    settings = FilterSettings(
        noise=OdometryNoise(min_std_xy_m=MOTION_STD, min_std_yaw_rad=YAW_STD),
        resampling="effective_size",
    )
    moved = torch.tensor([MOTION_STD, MOTION_STD, YAW_STD], dtype=torch.float64)
    for number in range(STEPS):
        truth = truth + normal(RUNS, 3) * moved
        seen = truth + normal(RUNS, 3) * SENSOR_STD

        def log_likelihood(poses, seen=seen):
            off = poses - seen.unsqueeze(1)
            off = torch.cat((off[..., :2], wrap_angle(off[..., 2:])), dim=-1)
            return -0.5 * (off / SENSOR_STD).square().sum(-1)

        result = step(belief, torch.zeros(RUNS, 3), log_likelihood, settings=settings, generator=g)
        belief = result.belief
        off = result.pose_map_base - truth
        off[:, 2] = wrap_angle(off[:, 2])
        whitened = torch.linalg.solve(result.covariance, off.unsqueeze(-1)).squeeze(-1)
        nees = (off * whitened).sum(-1).mean().item()
        assert abs(nees - 3) < 1.5 * HALF, (number, nees)
