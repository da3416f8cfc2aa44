"""The number of particles follows the formula of KLD-sampling and stays within its limits."""

from __future__ import annotations

import pytest
import torch

from dmn_core.errors import ConfigurationError
from dmn_core.particle_filter import AdaptiveSize, Belief, FilterSettings, gaussian_belief, step
from dmn_core.particle_filter.adaptive_size import BIN_NAMES, kld_size, wanted_size


@pytest.mark.parametrize(
    ("bins", "pf_err", "pf_z", "chi_square"),
    [  # quantiles of the chi-square distribution with bins - 1 degrees of freedom, from tables
        (2, 0.05, 1.6449, 3.841),
        (11, 0.05, 1.6449, 18.307),
        (101, 0.05, 2.3263, 135.807),
        (101, 0.01, 1.2816, 118.498),
    ],
)
def test_sizes_are_chi_square_quantiles_over_twice_the_error(bins, pf_err, pf_z, chi_square):
    size = kld_size(bins, pf_err=pf_err, pf_z=pf_z)
    assert size == pytest.approx(chi_square / (2 * pf_err), rel=0.03)


@pytest.mark.parametrize("number", range(3))
def test_bins_are_as_fine_as_stated(number):
    """Poses on a line, 0.1 apart: as many bins as are asked for on it, and one across it."""
    poses = torch.zeros(1, 20, 3)
    poses[0, :, number] = 0.05 + 0.1 * torch.arange(20)
    everywhere = dict.fromkeys(BIN_NAMES, 6.0)
    # A turn is divided evenly: by 25, 6 and 1.
    for resolution, bins in ((0.25, 8), (1.0, 2), (6.0, 1)):
        fine = {**everywhere, BIN_NAMES[number]: resolution}
        size = wanted_size(poses, settings=AdaptiveSize(1, 900, **fine), started_with=900)
        assert size == max(kld_size(bins, pf_err=0.05, pf_z=0.99), 1)


def test_one_bin_needs_the_fewest():
    assert kld_size(1, pf_err=0.05, pf_z=0.99) == 0
    settings = AdaptiveSize(min_particles=50)
    assert wanted_size(torch.zeros(1, 9, 3), settings=settings, started_with=900) == 50


def after_one_image(std, size, particles=2000, started_with=None):
    generator = torch.Generator().manual_seed(0)
    covariance = torch.diag(torch.tensor([std, std, std / 10]).square())
    belief = gaussian_belief(
        torch.zeros(1, 3), covariance, particles=particles, generator=generator
    )
    return step(
        belief,
        torch.zeros(1, 3),
        lambda poses: -0.5 * (poses[..., 0] / (2 * std)) ** 2,
        settings=FilterSettings(resampling="always", size=size),
        generator=generator,
        started_with=started_with,
    ).belief


def test_a_sure_belief_shrinks_and_an_unsure_one_does_not():
    size = AdaptiveSize(min_particles=100)
    sure, unsure = after_one_image(0.1, size), after_one_image(10.0, size)
    assert 100 <= sure.log_weights.shape[1] < 400
    assert unsure.log_weights.shape[1] == 2000
    assert sure.weights.sum().item() == pytest.approx(1)


def test_it_grows_again_to_what_it_started_with_or_to_the_stated_most():
    size = AdaptiveSize(min_particles=50)
    assert after_one_image(10.0, size, particles=300, started_with=900).log_weights.numel() == 900
    size = AdaptiveSize(min_particles=50, max_particles=500)
    assert after_one_image(10.0, size, particles=300, started_with=900).log_weights.numel() == 500


def test_fewer_at_the_start_than_the_fewest_stay_as_many():
    size = AdaptiveSize(min_particles=500)
    assert after_one_image(0.1, size, particles=64).log_weights.numel() == 64


def test_it_is_off_by_default():
    assert after_one_image(0.1, FilterSettings().size).log_weights.numel() == 2000


@pytest.mark.parametrize(
    "values",
    [{"min_particles": -1}, {"pf_err": 0.0}, {"pf_z": 0.0}, *({name: 0.0} for name in BIN_NAMES)],
)
def test_impossible_sizes_are_refused(values):
    with pytest.raises(ConfigurationError, match=next(iter(values))):
        AdaptiveSize(**values)
    with pytest.raises(ConfigurationError, match="max_particles"):
        AdaptiveSize(min_particles=10, max_particles=9)


def test_the_mean_is_kept_when_the_number_changes():
    belief = after_one_image(0.1, AdaptiveSize(min_particles=100))
    assert isinstance(belief, Belief)
    assert belief.poses_map_base[0, :, :2].mean(0).abs().max() < 0.02
