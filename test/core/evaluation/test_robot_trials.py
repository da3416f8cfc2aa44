"""Kidnapped drives: what is counted, and a small drive from end to end."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from dmn_core.belief_monitor import MonitorSettings, State
from dmn_core.calibration import Calibration
from dmn_core.confidence import ConfidenceModel
from dmn_core.evaluation.drive_moment import Moment, told_by
from dmn_core.evaluation.kidnap_drives import KidnapPlan, localize_kidnapped
from dmn_core.evaluation.robot_report import draw_trials, findings_of, reliability_of, write_record
from dmn_core.evaluation.robot_trials import (
    mean_nees,
    nees_of_mode,
    nees_of_pose,
    reliability,
    right_of_trusted,
    share_right,
    time_to_find,
    time_to_flag,
    trusted_share,
    within_95_percent,
)
from dmn_core.localization import Localizer
from dmn_core.observation import NetworkConfig, ObservationModel
from dmn_core.robot import ROBOT_FILTER, RobotSettings
from dmn_core.spread import SpreadModel
from dmn_core.trust import TrustLimits

TRACKING, DEGRADED, LOST = State.TRACKING, State.DEGRADED, State.LOST


def moment(time_s, error_m, nees, state, *, mass=0.5, gain=0.0, drop=0.0):
    rows = tuple(tuple(row) for row in (error_m**2 / nees * np.eye(3)).tolist())
    # The best mode is told four times as narrow.
    narrow = tuple(tuple(value / 16 for value in row) for row in rows)
    return Moment(time_s, (error_m, 0.0, 0.0), rows, narrow, state, 0.5, mass, gain, drop)


def trial(errors, states, nees=3.0):
    """One moment a second, the kidnap in the middle."""
    times = np.arange(len(errors)) - len(errors) // 2
    return [
        moment(float(t), float(error), nees, state)
        for t, error, state in zip(times, errors, states, strict=True)
    ]


NOTICED = trial(
    [20, 1, 1, 1, 20, 20, 20, 1, 20, 1, 1, 1],
    [State.GLOBAL, *[TRACKING] * 6, DEGRADED, LOST, LOST, TRACKING, TRACKING],
)[:12]
BLIND = trial([1.0] * 6 + [30.0] * 6, [TRACKING] * 12)
UNSURE = trial([1.0] * 12, [State.GLOBAL] * 12)


def test_times_are_those_of_the_first_sign():
    trials = [NOTICED, BLIND, UNSURE]
    # Of those that were tracked and right just before the kidnap: the second alone.
    assert time_to_flag(trials, states={DEGRADED}, success_m=8.0).trials == 1
    right = trial([1.0] * 6 + [30.0] * 6, [TRACKING] * 8 + [DEGRADED, LOST, LOST, TRACKING])
    flagged = time_to_flag([right, BLIND], states={LOST}, success_m=8.0)
    assert (flagged.seconds, flagged.trials) == ((3.0,), 2)
    assert flagged.share.value == 50


def test_found_means_right_several_times_in_a_row():
    found = time_to_find([NOTICED, BLIND, UNSURE], success_m=8.0, kidnapped=True)
    assert (found.seconds, found.trials) == ((3.0, 0.0), 3)
    assert time_to_find([NOTICED], success_m=8.0, kidnapped=False).seconds == (1.0,)
    assert time_to_find([BLIND], success_m=8.0, kidnapped=True).median_s is None


def test_images_that_only_odometry_tells_of_find_nothing_and_change_no_state():
    carried = [replace(m, weighed=False) for m in NOTICED]
    # The first right image alone was looked at.
    once = [NOTICED[0], NOTICED[1], *carried[2:]]
    assert time_to_find([once], success_m=8.0, kidnapped=False).seconds == ()
    calibration = Calibration(ConfidenceModel(0.0, 1.0, 2.0, 1.0), SpreadModel())
    bad = moment(0.0, 3.0, 3.0, TRACKING, mass=1.0, gain=0.0, drop=2.0)
    good = replace(bad, gain_drop=0.0, recent_gain=5.0)
    drive = [good, bad, *[replace(bad, weighed=False)] * 5]
    told = told_by(calibration, drive, MonitorSettings(lost_images=2))
    assert [m.state for m in told] == [TRACKING, *[DEGRADED] * 6]


def test_right_is_within_the_distance():
    trials = [NOTICED, BLIND]
    assert share_right(trials, states={TRACKING}, success_m=8.0).value == pytest.approx(50, abs=20)
    assert share_right([BLIND], states={TRACKING}, success_m=8.0).value == 50
    assert share_right([BLIND], states={LOST}, success_m=8.0) is None


def test_nees_of_true_covariances():
    rng = np.random.default_rng(0)
    trials = [
        [moment(float(t), 1.0, value, TRACKING) for t, value in enumerate(row)]
        for row in rng.chisquare(3, (60, 30))
    ]
    tracked = nees_of_pose(trials, states={TRACKING})
    mean = mean_nees(tracked)
    assert mean.low < 3 < mean.high and mean.high - mean.low < 0.5
    assert within_95_percent(tracked).value == pytest.approx(95, abs=2)
    lost = nees_of_pose(trials, states={LOST})
    assert mean_nees(lost) is None and within_95_percent(lost) is None


def test_nees_of_modes_is_of_right_images():
    right = [moment(0.0, 1.0, 0.2, TRACKING), moment(1.0, 20.0, 9.0, TRACKING)]
    assert nees_of_mode([right, BLIND[6:]], success_m=8.0) == [[pytest.approx(3.2)], []]


def test_reliability_of_honest_and_of_boastful_confidences():
    rng = np.random.default_rng(0)
    said = rng.random(20_000)
    honest = reliability(said, rng.random(20_000) < said)
    assert honest.expected_error < 0.02 and sum(honest.count) == 20_000
    assert reliability(said, rng.random(20_000) < said / 2).expected_error > 0.2
    assert np.allclose(honest.said, np.arange(0.05, 1, 0.1), atol=0.01)


def test_moments_are_told_anew_by_a_calibration():
    calibration = Calibration(ConfidenceModel(0.0, 1.0, 2.0, 1.0), SpreadModel(2.0, 100.0, 1.0))
    plain = [
        moment(0.0, 3.0, 3.0, State.GLOBAL, mass=1.0, gain=5.0),
        *[moment(t, 3.0, 3.0, TRACKING, mass=1.0, gain=1.0, drop=2.0) for t in (1.0, 2.0, 3.0)],
    ]
    told = told_by(calibration, plain, MonitorSettings(lost_images=2))
    assert [m.state for m in told] == [TRACKING, DEGRADED, LOST, LOST]
    sure, doubtful = told[0], told[1]
    assert sure.confidence == pytest.approx(1 / (1 + np.exp(-5)))
    assert doubtful.confidence == pytest.approx(1 / (1 + np.exp(3)))
    far = 2 * 3.0 + 100 * (1 - doubtful.confidence)
    assert doubtful.nees == pytest.approx(9 / far) and sure.nees == pytest.approx(
        9 / (6 + 100 * (1 - sure.confidence))
    )


def test_a_small_drive_from_end_to_end(tmp_path):
    torch.manual_seed(0)
    network = ObservationModel(NetworkConfig(image_height=16, image_width=16))
    robot = RobotSettings(particles=32)
    plan = KidnapPlan(seconds=3.0, images_per_s=1.0, views=2)

    def drive():
        machine = Localizer(network, settings=ROBOT_FILTER)
        return localize_kidnapped(machine, robot=robot, plan=plan, seed=2_000_000)

    moments = drive()
    assert moments == drive()
    assert [m.since_kidnap_s for m in moments] == sorted(m.since_kidnap_s for m in moments)
    assert (
        sum(m.since_kidnap_s < 0 for m in moments)
        >= 3
        <= sum(m.since_kidnap_s >= 0 for m in moments)
    )
    findings, curve = findings_of([moments], success_m=9.0), reliability_of([moments], success_m=9)
    record = json.loads(
        write_record(tmp_path / "a.json", findings, curve, {"trials": 1}).read_text()
    )
    assert record["trials"] == 1 and sum(record["reliability"]["count"]) == len(moments)
    assert draw_trials(tmp_path / "a.png", [moments], curve, success_m=9.0).stat().st_size > 1000


def test_a_mapper_takes_views_at_poses_that_are_sure_and_narrow():
    sure = replace(moment(0.0, 0.1, 3.0, TRACKING), confidence=0.9)
    wrong = replace(sure, error=(20.0, 0.0, 0.0))
    doubtful = [
        replace(sure, confidence=0.7),
        replace(sure, state=DEGRADED),
        replace(moment(0.0, 9.0, 3.0, TRACKING), confidence=0.9),
    ]
    limits = TrustLimits(min_confidence=0.8, max_pose_std_m=0.3, max_pose_std_rad=0.1)
    trials = [[sure, wrong], doubtful, [sure] * 5]
    assert trusted_share(trials, limits).value == pytest.approx(70)
    assert right_of_trusted(trials, limits, success_m=8.0).value == pytest.approx(600 / 7)
    assert right_of_trusted([doubtful], limits, success_m=8.0) is None
