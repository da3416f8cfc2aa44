"""Resampling keeps what it should keep."""

from __future__ import annotations

import pytest
import torch

from dmn_core.errors import ConfigurationError
from dmn_core.particle_filter import Belief, FilterSettings, resampling
from dmn_core.particle_filter.estimate import weighted_mean
from dmn_core.particle_filter.filter import resample
from dmn_core.particle_filter.resampling_policy import should_resample


def random_belief(batch=3, particles=50, seed=0, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    poses = torch.randn(batch, particles, 3, generator=g, dtype=dtype)
    logits = 2 * torch.randn(batch, particles, generator=g, dtype=dtype)
    return Belief(poses, torch.log_softmax(logits, dim=-1))


METHODS = {
    "systematic": lambda b, g: resampling.systematic(b, generator=g),
    "soft": lambda b, g: resampling.soft(b, alpha=0.5, generator=g),
    "fewer": lambda b, g: resampling.soft(b, alpha=0.7, generator=g, count=20),
    "more": lambda b, g: resampling.systematic(b, generator=g, count=400),
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_the_weighted_mean_is_kept_on_average(method):
    belief = random_belief(batch=1, particles=200)
    wanted = (belief.weights.unsqueeze(-1) * belief.poses_map_base).sum(1)[0]
    g = torch.Generator().manual_seed(1)
    means = []
    for _ in range(400):
        fresh = method(belief, g)
        assert torch.allclose(fresh.weights.sum(-1), torch.ones(1, dtype=torch.float64))
        means.append((fresh.weights.unsqueeze(-1) * fresh.poses_map_base).sum(1)[0])
    means = torch.stack(means)
    noise = means.std(0) / len(means) ** 0.5
    # Five standard errors, and the bias of self-normalised weights, which falls with 1/K.
    assert ((means.mean(0) - wanted).abs() < 5 * noise + 0.02).all()


def test_gathering_poses_without_weights_would_be_seen():
    """The fault that such code is known for: new poses beside old weights."""
    belief = random_belief(batch=1, particles=200)
    wanted = (belief.weights.unsqueeze(-1) * belief.poses_map_base).sum(1)[0]
    g = torch.Generator().manual_seed(1)
    broken = []
    for _ in range(400):
        fresh = resampling.soft(belief, alpha=0.5, generator=g)
        broken.append((belief.weights.unsqueeze(-1) * fresh.poses_map_base).sum(1)[0])
    assert ((torch.stack(broken).mean(0) - wanted).abs() > 0.05).any()


def test_soft_with_alpha_one_is_ordinary_resampling():
    belief = random_belief()
    soft = resampling.soft(belief, alpha=1.0, generator=torch.Generator().manual_seed(3))
    hard = resampling.systematic(belief, generator=torch.Generator().manual_seed(3))
    assert torch.equal(soft.poses_map_base, hard.poses_map_base)
    assert torch.allclose(soft.log_weights, hard.log_weights, atol=1e-12)


def test_systematic_copies_each_particle_as_often_as_its_weight_says():
    belief = random_belief(batch=4, particles=64)
    indices = resampling.systematic_indices(
        belief.weights, count=1000, generator=torch.Generator().manual_seed(0)
    )
    counts = torch.stack([torch.bincount(row, minlength=64) for row in indices])
    assert ((counts - 1000 * belief.weights).abs() < 1 + 1e-9).all()


def test_gradients_pass_through_soft_weights_and_not_through_ordinary_ones():
    logits = torch.randn(1, 30, dtype=torch.float64, requires_grad=True)
    poses = torch.randn(1, 30, 3, dtype=torch.float64)
    belief = Belief(poses, torch.log_softmax(logits, dim=-1))
    soft = resampling.soft(belief, alpha=0.5, generator=torch.Generator().manual_seed(0))
    weighted_mean(soft).sum().backward()
    assert logits.grad.abs().sum() > 1e-3
    hard = resampling.systematic(belief, generator=torch.Generator().manual_seed(0))
    assert not hard.log_weights.requires_grad


def test_soft_resampling_gradcheck():
    poses = torch.randn(1, 12, 3, dtype=torch.float64)
    logits = torch.randn(1, 12, dtype=torch.float64, requires_grad=True)
    drawn = resampling.systematic_indices(
        0.5 * torch.softmax(logits, -1) + 0.5 / 12,
        count=12,
        generator=torch.Generator().manual_seed(5),
    )

    def mean(logits):
        belief = Belief(poses, torch.log_softmax(logits, dim=-1))
        fresh = resampling.soft(belief, alpha=0.5, generator=torch.Generator().manual_seed(5))
        return (fresh.weights.unsqueeze(-1) * fresh.poses_map_base).sum(1)

    assert drawn.shape == (1, 12)
    assert torch.autograd.gradcheck(mean, (logits,), eps=1e-7)


@pytest.mark.parametrize("alpha", [0.0, -0.1, 1.5])
def test_alpha_outside_its_range_is_refused(alpha):
    with pytest.raises(ConfigurationError, match="alpha"):
        resampling.soft(random_belief(), alpha=alpha, generator=torch.Generator())


def test_only_rows_with_a_low_effective_size_are_resampled():
    poses = torch.randn(2, 10, 3)
    even = torch.full((10,), 0.1).log()
    peaked = torch.log_softmax(torch.tensor([20.0] + [0.0] * 9), dim=-1)
    belief = Belief(poses, torch.stack((even, peaked)))
    assert torch.allclose(belief.effective_size, torch.tensor([10.0, 1.0]), atol=1e-3)
    settings = FilterSettings(resampling="effective_size", effective_fraction=0.5)
    fresh = resample(belief, settings=settings, generator=torch.Generator().manual_seed(0))
    assert torch.equal(fresh.poses_map_base[0], poses[0])
    assert torch.equal(fresh.poses_map_base[1], poses[1, :1].expand(10, 3))
    assert torch.allclose(fresh.effective_size, torch.tensor([10.0, 10.0]), atol=1e-3)
    due = {p: should_resample(belief, policy=p, fraction=0.5).tolist() for p in ("never", "always")}
    assert due == {"never": [False, False], "always": [True, True]}
