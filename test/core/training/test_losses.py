"""Losses and the learning rate mean what they say."""

from __future__ import annotations

import math

import pytest
import torch

from dmn_core.training.losses import likelihood_cross_entropy, pose_error, soft_target
from dmn_core.training.schedule import learning_rate_factor


def test_cross_entropy_is_least_at_its_target():
    truth = torch.tensor([[1.0, 2.0, 3.0]])
    poses = torch.tensor([[[1.0, 2.0, 3.0], [3.0, 2.0, 3.0], [1.0, 2.0, -3.0]]])
    target = soft_target(poses, truth)
    assert torch.allclose(target.sum(-1), torch.ones(1))
    # 2 m away is one standard deviation; so is a turn of 0.2, here 0.283 rad across pi.
    assert torch.allclose(target[0, 1] / target[0, 0], torch.tensor(math.exp(-0.5)), atol=1e-4)
    turn = 2 * math.pi - 6
    assert torch.allclose(
        target[0, 2] / target[0, 0], torch.tensor(math.exp(-0.5 * (turn / 0.2) ** 2)), atol=1e-4
    )
    least = likelihood_cross_entropy(target.log(), target)
    entropy = -(target * target.log()).sum()
    assert torch.allclose(least, entropy)
    assert likelihood_cross_entropy(torch.zeros(1, 3), target) > least


def test_the_pose_error_is_the_papers():
    truth = torch.tensor([[0.0, 0.0, math.pi - 0.1]])
    estimate = torch.tensor([[20.0, 10.0, -math.pi + 0.1]])
    error = pose_error(estimate, truth, environment_scale_m=20.0)
    assert error.item() == pytest.approx(1.0 + 0.25 + 0.5 * 0.2**2, abs=1e-5)


def factor(steps, progress, **changes):
    values = {"warmup_steps": 10, "final_fraction": 0.1, **changes}
    return learning_rate_factor(steps=steps, progress=progress, **values)


def test_the_learning_rate_warms_up_and_decays():
    assert factor(0, 0.0) == pytest.approx(0.1)
    assert factor(9, 0.0) == pytest.approx(1.0)
    assert factor(50, 0.5) == pytest.approx(0.55)
    assert factor(99, 1.0) == pytest.approx(0.1)


def test_a_trapezoid_stays_and_then_falls_and_a_constant_stays():
    shape = {"schedule": "trapezoid", "cooldown": 0.25}
    assert factor(50, 0.74, **shape) == pytest.approx(1.0)
    assert factor(50, 0.875, **shape) == pytest.approx(0.55)
    assert factor(50, 1.0, **shape) == pytest.approx(0.1)
    assert factor(50, 1.0, schedule="trapezoid", cooldown=0.0) == 1.0
    assert factor(50, 1.0, schedule="constant", warmup_steps=0) == 1.0
