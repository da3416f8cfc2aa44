"""Confidence and covariance that are fitted to drives, and the record of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dmn_core.belief_monitor import State
from dmn_core.calibration import (
    UNCALIBRATED,
    Calibration,
    calibration_path,
    load_calibration,
    save_calibration,
)
from dmn_core.cli.calibrate import calibration_of
from dmn_core.confidence import ConfidenceModel, fit_confidence
from dmn_core.errors import CheckpointError
from dmn_core.evaluation.drive_moment import Moment
from dmn_core.robot import RobotSettings, conditions_of, doubts_of
from dmn_core.spread import SpreadModel, fit_spread

MADE = Calibration(ConfidenceModel(0.1, 0.2, 0.3, 0.4), SpreadModel(2.0, 100.0, 1.0), "abc")


def figures(rng, count):
    return {
        "mass_near": rng.uniform(0.01, 0.99, count),
        "recent_gain": rng.normal(0, 2, count),
        "gain_drop": rng.exponential(0.5, count),
    }


def test_a_fit_finds_the_odds_and_is_right_as_often_as_it_says():
    rng = np.random.default_rng(0)
    told = figures(rng, 40_000)
    true = ConfidenceModel(-1.0, 0.7, 1.5, 0.5)
    right = rng.random(40_000) < true(**told)
    fitted = fit_confidence(**told, right=right)
    numbers = (fitted.offset, fitted.gain, fitted.drop, fitted.mass)
    assert numbers == pytest.approx((-1.0, 0.7, 1.5, 0.5), abs=0.15)
    sure = fitted(**told)
    for low in np.arange(0, 1, 0.2):
        chosen = (sure >= low) & (sure < low + 0.2)
        assert right[chosen].mean() == pytest.approx(sure[chosen].mean(), abs=0.04)


def test_a_fit_of_figures_that_tell_everything_is_finite():
    fitted = fit_confidence([0.3, 0.9], [-1.0, 1.0], [1.0, 0.0], [False, True])
    assert fitted(mass_near=0.9, recent_gain=1.0, gain_drop=0.0) > 0.8
    assert fitted(mass_near=0.3, recent_gain=-1.0, gain_drop=1.0) < 0.2


def drawn(rng, count, *, far_m):
    """Estimates of which some are far off: errors, covariances, confidences, which are right."""
    factor = rng.normal(size=(count, 3, 3))
    covariances = factor @ factor.swapaxes(1, 2) * 0.1 + 0.05 * np.eye(3)
    confidences = rng.uniform(0.3, 1.0, count)
    wrong = rng.random(count) > confidences
    errors = np.einsum(
        "mij,mj->mi", np.linalg.cholesky(2.0 * covariances), rng.normal(size=(count, 3))
    )
    errors[wrong] += rng.normal(size=(wrong.sum(), 3)) * (far_m, far_m, 1.0)
    return errors, covariances, confidences, ~wrong


def nees(errors, covariances):
    return np.einsum("mi,mij,mj->m", errors, np.linalg.inv(covariances), errors)


def test_a_fitted_spread_is_true_on_drives_that_it_has_not_seen():
    rng = np.random.default_rng(0)
    model = fit_spread(*drawn(rng, 4000, far_m=15.0))
    errors, covariances, confidences, _ = drawn(rng, 4000, far_m=15.0)
    assert nees(errors, covariances).mean() > 100
    told = model.of_estimate(covariances, confidences)
    values = nees(errors, told)
    assert values.mean() == pytest.approx(3, abs=0.3)
    for low in (0.3, 0.65):
        chosen = (confidences >= low) & (confidences < low + 0.35)
        assert values[chosen].mean() == pytest.approx(3, abs=0.9)
    assert np.sqrt(model.far_xy_m2) == pytest.approx(15, rel=0.2)
    assert (np.linalg.eigvalsh(told) > 0).all()


def test_a_spread_of_estimates_that_are_always_right_is_that_of_the_mode():
    rng = np.random.default_rng(1)
    errors, covariances, *_ = drawn(rng, 2000, far_m=0.0)
    model = fit_spread(errors, covariances, np.ones(2000), np.ones(2000, bool))
    told = model.of_estimate(covariances, np.ones(2000))
    np.testing.assert_allclose(told, model.of_mode(covariances))
    assert SpreadModel().of_estimate(covariances[0], 0.2) == pytest.approx(covariances[0])


def test_modes_of_right_estimates_are_as_wide_as_they_should_be_whatever_the_doubt():
    """Confidences that say too little must not make up for modes that are too narrow."""
    rng = np.random.default_rng(2)
    errors, covariances, confidences, right = drawn(rng, 4000, far_m=15.0)
    model = fit_spread(errors, covariances, confidences - 0.3, right)
    assert model.scale == pytest.approx(2.0, rel=0.1)
    values = nees(errors, model.of_mode(covariances))[right]
    assert values.mean() == pytest.approx(3, abs=0.01)
    assert (values < 7.815).mean() == pytest.approx(0.95, abs=0.01)
    # Nobody was right: nothing is known of it.
    assert fit_spread(errors, covariances, confidences, np.zeros(4000, bool)).scale == 1.0


def test_a_record_serves_its_own_weights_only(tmp_path):
    weights = tmp_path / "mazes.safetensors"
    assert load_calibration(weights, weights_fingerprint="abc") == UNCALIBRATED
    save_calibration(calibration_path(weights), MADE)
    assert load_calibration(weights, weights_fingerprint="abc") == MADE
    assert load_calibration(weights, weights_fingerprint="xyz") == UNCALIBRATED
    far = replace(MADE, success_distance_m=3.0)
    save_calibration(calibration_path(weights), far)
    assert load_calibration(weights, weights_fingerprint="abc") == far
    told = replace(MADE, conditions=conditions_of(RobotSettings()))
    save_calibration(calibration_path(weights), told)
    assert load_calibration(weights, weights_fingerprint="abc") == told


@pytest.mark.parametrize("text", ["{", "{}", '{"confidence": {"no": 1}, "spread": {}}', "[]"])
def test_a_record_that_cannot_be_read_says_what_to_do(text, tmp_path):
    weights = tmp_path / "mazes.safetensors"
    calibration_path(weights).write_text(text)
    with pytest.raises(CheckpointError, match="dmn calibrate"):
        load_calibration(weights, weights_fingerprint="abc")


def test_a_robot_unlike_the_one_of_the_record_is_told_in_which_settings():
    robot = RobotSettings()
    made = replace(MADE, conditions=conditions_of(robot))
    assert list(doubts_of(made, robot)) == []
    # What a parameter file of nav2_amcl has.
    wide = replace(
        robot,
        gate=replace(robot.gate, update_min_d=0.25, update_min_a=0.2),
        filter=replace(robot.filter, noise=replace(robot.filter.noise, alpha1=0.2)),
    )
    (doubt,) = doubts_of(made, wide)
    assert (
        "update_min_d 0.25 (fitted with 1.0), update_min_a 0.2 (fitted with 0.6), alpha1" in doubt
    )
    assert "alpha2" not in doubt and "dmn calibrate" in doubt
    near = replace(robot, monitor=replace(robot.monitor, success_distance_m=2.0))
    (doubt,) = doubts_of(made, near)
    assert "success_distance_m 8.94427, not for 2" in doubt
    # A record that does not say, and none at all.
    assert list(doubts_of(MADE, wide)) == list(doubts_of(UNCALIBRATED, wide)) == []


def test_a_fit_records_the_settings_of_the_robot_that_drove():
    robot = RobotSettings(gate=replace(RobotSettings().gate, update_min_d=0.7))
    rows = tuple(tuple(row) for row in np.eye(3).tolist())
    drive = [
        Moment(t, (float(t % 3), 0.1, 0.1), rows, rows, State.TRACKING, 0.5, 0.5, 0.1 * t, 0.0)
        for t in range(12)
    ]
    made = calibration_of([drive], weights_fingerprint="abc", robot=robot)
    assert made.conditions == conditions_of(robot)
    assert made.conditions["update_min_d"] == 0.7 and made.conditions["likelihood_power"] == 0.3
    assert list(doubts_of(made, robot)) == []
    assert list(doubts_of(made, RobotSettings()))


def test_a_record_answers_for_the_distance_that_it_was_fitted_for():
    made = replace(MADE, success_distance_m=2.0)
    assert made.fits(2.0) and made.at(2.0) is made
    assert not made.fits(8.0) and made.at(8.0) == UNCALIBRATED
    assert UNCALIBRATED.fits(2.0)
