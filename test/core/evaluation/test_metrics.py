"""Figures and their intervals: limits, Wilson, and trials that share a place."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dmn_core.evaluation.metrics import rmse_m, share_percent, squared_error_m2, success_percent


def test_success_is_the_papers_limit_with_wilsons_interval():
    figure = success_percent(np.array([79.9] * 30 + [80.1] * 70))
    assert figure.value == pytest.approx(30)
    assert (figure.low, figure.high) == pytest.approx((21.90, 39.58), abs=0.02)
    everything = success_percent(np.zeros(10))
    assert everything.value == 100 and 65 < everything.low < 75 and everything.high <= 100 + 1e-9


def test_rmse_and_squared_error():
    truth = np.zeros((4, 3))
    estimate = np.array([[3, 4, 9.0], [0, 0, 1], [0, 5, 0], [5, 0, 0]])
    errors = squared_error_m2(estimate, truth)
    assert errors.tolist() == [25, 0, 25, 25]
    figure = rmse_m(errors)
    assert figure.value == pytest.approx(math.sqrt(18.75))
    assert figure.low < figure.value < figure.high
    assert f"{figure:.2f}".startswith("4.33 [")


def test_trials_that_repeat_places_count_as_what_they_are_worth():
    rng = np.random.default_rng(0)
    once = rng.uniform(0, 160, 100)
    alone, places = success_percent(once), np.repeat(np.arange(100), 10)
    # Ten times the same says nothing new, and ten times another does.
    same = success_percent(np.repeat(once, 10), places)
    assert (same.low, same.high) == pytest.approx((alone.low, alone.high), abs=0.2)
    other = success_percent(rng.uniform(0, 160, 1000), places)
    assert other.high - other.low < 0.5 * (alone.high - alone.low)
    tracked = rmse_m(np.repeat(once, 10), places)
    assert tracked.low == pytest.approx(rmse_m(once).low, abs=0.05)
    assert rmse_m(np.repeat(once, 10)).low > tracked.low + 0.1
    # All alike: each place counts once. A single place: its trials.
    assert success_percent(np.zeros(1000), places).low == success_percent(np.zeros(100)).low
    assert success_percent(once, np.zeros(100)) == alone


def test_intervals_of_repeated_places_hold_the_truth(make_places):
    """Of many evaluations in places that are easy or hard, 95 % should have it in the interval."""
    rng, held, held_without = np.random.default_rng(1), 0, 0
    places = np.tile(np.arange(40), 5)
    for _ in range(400):
        errors = np.where(rng.random(200) < rng.choice([0.1, 0.9], 40)[places], 0.0, 100.0)
        with_places, without = success_percent(errors, places), success_percent(errors)
        held += with_places.low <= 50 <= with_places.high
        held_without += without.low <= 50 <= without.high
    assert 0.92 < held / 400 < 0.98 and held_without / 400 < 0.85


@pytest.mark.parametrize("count", [3, 16])
def test_intervals_of_a_few_places_hold_the_truth_of_means(count):
    """A few places say little of how they differ: 1.96 would hold it in 81 % and 93 %."""
    rng, places = np.random.default_rng(count), np.arange(8 * count) % count
    held, evaluations = 0, 6000
    for _ in range(evaluations):
        errors = 100 + rng.normal(0, 20, count)[places] + rng.normal(0, 10, len(places))
        found = rmse_m(errors, places)
        held += found.low <= math.sqrt(100) <= found.high
    assert 0.94 < held / evaluations < 0.96


@pytest.mark.parametrize("count", [3, 16])
def test_intervals_of_a_few_places_hold_the_truth_of_shares(count):
    rng, places = np.random.default_rng(count), np.arange(100 * count) % count
    held, evaluations = 0, 6000
    for _ in range(evaluations):
        succeeds = rng.random(len(places)) < rng.beta(6, 4, count)[places]
        found = share_percent(succeeds, places)
        held += found.low <= 60 <= found.high
    assert 0.948 < held / evaluations < 0.97


def test_a_single_place_and_places_of_their_own_leave_no_place_to_estimate_from():
    errors = np.random.default_rng(0).uniform(0, 160, 30)
    for figure in (rmse_m, success_percent):
        alone = figure(errors)
        assert figure(errors, np.zeros(30)) == alone == figure(errors, np.arange(30))
        # Two places, whatever lies in which, say next to nothing of a third.
        two = figure(errors, np.arange(30) % 2)
        assert two.high - two.low > 2 * (alone.high - alone.low)
