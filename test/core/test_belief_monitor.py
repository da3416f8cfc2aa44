"""State, confidence and figures of a belief; a kidnapped robot is lost, then tracked."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from dmn_core.belief_monitor import BeliefMonitor, MonitorSettings, State, belief_entropy
from dmn_core.calibration import UNCALIBRATED, Calibration
from dmn_core.confidence import ConfidenceModel
from dmn_core.errors import ConfigurationError
from dmn_core.particle_filter import (
    Elsewhere,
    Evidence,
    FilterSettings,
    OdometryNoise,
    RecoverySettings,
    Step,
    gaussian_belief,
    step,
    uniform_belief,
)
from dmn_core.spread import SpreadModel

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


def statuses(settings, images=50, calibration=UNCALIBRATED, **limits):
    """Statuses of a robot that stands still, starts everywhere, and is kidnapped at image 15."""
    generator = torch.Generator().manual_seed(0)
    monitor = BeliefMonitor(MonitorSettings(lost_images=2, **limits), calibration)

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


def test_another_success_distance_is_judged_by_what_is_not_fitted():
    sure = {d: statuses(FILTER, images=3, success_distance_m=d)[-1] for d in (2.0, 12.0)}
    assert sure[2.0].mass_near < sure[12.0].mass_near
    assert sure[2.0].confidence < sure[12.0].confidence
    assert [s.success_distance_m for s in sure.values()] == [2.0, 12.0]


def test_gain_drops_where_images_fit_worse_than_before(kidnap):
    drops = [status.gain_drop for status in kidnap]
    assert min(drops) == 0 and max(drops[15:20]) > 2 * max(drops[10:15])


def test_modes_are_as_wide_as_the_calibration_says():
    wide = Calibration(spread=SpreadModel(scale=4.0, far_xy_m2=100.0, far_yaw_rad2=1.0))
    plain, told = (statuses(FILTER, images=5, calibration=c)[-1] for c in (UNCALIBRATED, wide))
    for before, after in zip(plain.modes, told.modes, strict=True):
        np.testing.assert_allclose(after.covariance, 4 * before.covariance)


def told(monitor, gains, *, is_compared=True):
    """Statuses of a belief that is sure of one place, whose images have these gains."""
    belief = gaussian_belief(
        torch.zeros(1, 3), 0.01 * torch.eye(3), particles=100, generator=torch.Generator()
    )
    nothing = torch.zeros(1)
    return [
        monitor(
            Step(
                belief,
                belief,
                torch.zeros(1, 3),
                0.01 * torch.eye(3)[None],
                Evidence(nothing, torch.tensor([gain]), nothing, nothing, is_compared=is_compared),
                nothing,
            )
        )
        for gain in gains
    ]


def test_a_start_at_a_known_place_is_no_fall_of_the_gain():
    """Its first images fit well at once, and vary by chance."""
    rng = np.random.default_rng(0)
    gains = (2.0 + 0.5 * rng.standard_normal(30)).tolist()
    steady = told(BeliefMonitor(MonitorSettings(), UNCALIBRATED, stated=True), gains)
    assert max(status.gain_drop for status in steady) < 0.5
    assert {status.state for status in steady} == {State.TRACKING}
    fallen = told(BeliefMonitor(MonitorSettings(), UNCALIBRATED), [*gains, -1.0, -1.0, -1.0])
    assert fallen[-1].gain_drop > 1 and fallen[-1].state != State.TRACKING


# What a fit may say where the gain tells little on short drives.
FLAT = Calibration(ConfidenceModel(offset=1.5, gain=0.0, drop=4.7, mass=0.6))


@pytest.mark.parametrize("gain", [0.0, -1.0])
def test_who_was_carried_away_and_is_never_found_is_never_believed_again(gain):
    monitor = BeliefMonitor(MonitorSettings(), FLAT)
    assert told(monitor, [2.0] * 20)[-1].state == State.TRACKING
    after = told(monitor, [gain] * 200)
    assert [status.state for status in after[10:]] == [State.LOST] * 190
    assert after[-1].gain_drop < 0.1 and after[-1].confidence < 0.1
    # Where it is found, it says so.
    assert told(monitor, [2.0] * 10)[-1].state == State.TRACKING


def test_who_never_was_anywhere_is_not_tracked():
    statuses = told(BeliefMonitor(MonitorSettings(), FLAT), [-0.5] * 100)
    assert {status.state for status in statuses} == {State.GLOBAL}


def test_a_gain_that_is_not_known_says_nothing_against_a_belief():
    known, unknown = (
        told(BeliefMonitor(MonitorSettings(), FLAT), [0.0] * 5, is_compared=compared)[-1]
        for compared in (True, False)
    )
    assert known.confidence == 0 and known.state == State.GLOBAL
    assert unknown.confidence > 0.6 and unknown.state == State.TRACKING


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
