"""State, confidence and figures of a belief; a kidnapped robot is lost, then tracked."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from dmn_core.belief_monitor import BeliefMonitor, MonitorSettings, State, belief_entropy
from dmn_core.confidence import (
    UNCALIBRATED,
    ConfidenceModel,
    confidence_path,
    fit_confidence,
    load_confidence,
    save_confidence,
)
from dmn_core.errors import CheckpointError, ConfigurationError
from dmn_core.particle_filter import (
    Elsewhere,
    FilterSettings,
    OdometryNoise,
    RecoverySettings,
    step,
    uniform_belief,
)

AREA = (-20.0, 20.0, -20.0, 20.0)
PLACES = torch.tensor([[-10.0, -5.0, 0.5], [9.0, 8.0, -2.0]])
FILTER = FilterSettings(
    noise=OdometryNoise(min_std_xy_m=0.1, min_std_yaw_rad=0.05),
    resampling="effective_size",
    estimate="cluster",
    recovery=RecoverySettings(
        recovery_alpha_slow=0.01, recovery_alpha_fast=0.3, reference_particles=256
    ),
)


def statuses(settings, images=50, **limits):
    """Statuses of a robot that stands still, starts everywhere, and is kidnapped at image 15."""
    generator = torch.Generator().manual_seed(0)
    monitor = BeliefMonitor(MonitorSettings(lost_images=2, **limits), UNCALIBRATED)

    def anywhere(count):
        return uniform_belief(AREA, batch=1, particles=count, generator=generator).poses_map_base

    belief, evidence, told = (
        uniform_belief(AREA, batch=1, particles=400, generator=generator),
        None,
        [],
    )
    for number in range(images):
        truth = PLACES[int(number >= 15)][None]

        def seen(poses, truth=truth, number=number):
            off = (poses[..., :2] - truth[:, None, :2]).square().sum(-1)
            turn = 1 - torch.cos(poses[..., 2] - truth[:, None, 2])
            return 5 * math.sin(number) - 6 * (1 - torch.exp(-off / 8 - turn))

        result = step(
            belief,
            torch.zeros(1, 3),
            seen,
            settings=settings,
            generator=generator,
            elsewhere=Elsewhere(anywhere),
            before=evidence,
        )
        belief, evidence = result.belief, result.evidence
        told.append(monitor(result))
    return told


@pytest.fixture(scope="module")
def kidnap():
    return statuses(FILTER)


def test_a_kidnap_is_noticed_and_tracking_comes_back(kidnap):
    states = [status.state for status in kidnap]
    assert set(states[:15]) == {State.GLOBAL, State.TRACKING}
    assert states[14] == states[-1] == State.TRACKING
    assert not {State.DEGRADED, State.LOST}.isdisjoint(states[15:22])


def test_without_recovery_it_is_lost_and_says_so():
    recovery = RecoverySettings(reference_particles=256)
    told = statuses(replace(FILTER, recovery=recovery))
    states = [status.state for status in told]
    assert states[14] == State.TRACKING
    assert State.DEGRADED in states[15:30]
    assert states[30:] == [State.LOST] * 20
    assert "lost" in told[-1].reason
    assert told[-1].top_mode_mass > 0.9  # sure of the wrong place, and no less lost for that


def test_figures_of_a_kidnap(kidnap):
    before, after = kidnap[14], kidnap[15]
    assert before.confidence > 0.9 and before.top_mode_mass > 0.9
    assert after.surprise > 1
    assert (
        kidnap[14].entropy
        < 0.5
        < belief_entropy(
            uniform_belief(AREA, batch=1, particles=400, generator=torch.Generator())
            .poses_map_base[0]
            .double()
            .numpy(),
            np.full(400, 1 / 400),
        )
    )
    for status in kidnap:
        assert 0 <= status.confidence <= 1 and 0 <= status.entropy <= 1
        assert 0 < status.ess_ratio <= 1 + 1e-6
        assert status.num_particles == 400
        assert status.reason
        assert status.modes[0].mass == max(mode.mass for mode in status.modes)
    assert any(status.injected_share > 0 for status in kidnap[15:20])


def test_entropy_is_0_in_one_cell_and_1_in_cells_of_their_own():
    spread = np.column_stack((2.5 * np.arange(10), np.zeros(10), np.zeros(10)))
    even = np.full(10, 0.1)
    assert belief_entropy(spread, even) == pytest.approx(1)
    assert belief_entropy(np.zeros((10, 3)) + 0.1, even) == 0
    assert belief_entropy(spread, np.eye(10)[0]) == 0


def test_a_fit_finds_the_odds_and_is_right_as_often_as_it_says():
    rng = np.random.default_rng(0)
    mass, gain = rng.uniform(0.01, 0.99, 20_000), rng.normal(0, 2, 20_000)
    true = ConfidenceModel(-1.0, 0.7, 0.5)
    right = rng.random(20_000) < true(mass_near=mass, recent_gain=gain)
    fitted = fit_confidence(mass, gain, right, weights_fingerprint="abc")
    assert (fitted.offset, fitted.gain, fitted.mass) == pytest.approx((-1.0, 0.7, 0.5), abs=0.1)
    sure = fitted(mass_near=mass, recent_gain=gain)
    for low in np.arange(0, 1, 0.2):
        chosen = (sure >= low) & (sure < low + 0.2)
        assert right[chosen].mean() == pytest.approx(sure[chosen].mean(), abs=0.04)


def test_a_fit_of_figures_that_tell_everything_is_finite():
    fitted = fit_confidence([0.3, 0.9], [-1.0, 1.0], [False, True], weights_fingerprint="")
    assert fitted(mass_near=0.9, recent_gain=1.0) > 0.8
    assert fitted(mass_near=0.3, recent_gain=-1.0) < 0.2


def test_a_record_serves_its_own_weights_only(tmp_path):
    weights = tmp_path / "mazes.safetensors"
    assert load_confidence(weights, weights_fingerprint="abc") == UNCALIBRATED
    model = ConfidenceModel(0.1, 0.2, 0.3, "abc")
    save_confidence(confidence_path(weights), model)
    assert load_confidence(weights, weights_fingerprint="abc") == model
    assert load_confidence(weights, weights_fingerprint="xyz") == UNCALIBRATED
    far = replace(model, success_distance_m=3.0)
    save_confidence(confidence_path(weights), far)
    assert load_confidence(weights, weights_fingerprint="abc") == far
    confidence_path(weights).write_text("{")
    with pytest.raises(CheckpointError, match="dmn calibrate"):
        load_confidence(weights, weights_fingerprint="abc")


def test_a_record_answers_for_the_distance_that_it_was_fitted_for():
    model = ConfidenceModel(0.1, 0.2, 0.3, "abc", success_distance_m=2.0)
    assert model.fits(2.0) and model.at(2.0) is model
    assert not model.fits(8.0) and model.at(8.0) == UNCALIBRATED
    assert UNCALIBRATED.fits(2.0)
    sure = {d: statuses(FILTER, images=1, success_distance_m=d)[0] for d in (2.0, 12.0)}
    assert sure[2.0].mass_near < sure[12.0].mass_near
    assert sure[2.0].confidence < sure[12.0].confidence
    assert [s.success_distance_m for s in sure.values()] == [2.0, 12.0]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"success_distance_m": 0.0}, "success_distance_m"),
        ({"lost_confidence": 0.9}, "lost_confidence"),
        ({"lost_images": 0}, "lost_images"),
    ],
)
def test_impossible_limits_are_refused(values, word):
    with pytest.raises(ConfigurationError, match=word):
        MonitorSettings(**values)
