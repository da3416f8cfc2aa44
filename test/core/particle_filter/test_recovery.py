"""A kidnapped robot in a toy world with an oracle likelihood: noticed, and found again."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from dmn_core.errors import ConfigurationError
from dmn_core.particle_filter import (
    Belief,
    Elsewhere,
    Evidence,
    FilterSettings,
    OdometryNoise,
    RecoverySettings,
    gaussian_belief,
    step,
    uniform_belief,
)
from dmn_core.particle_filter.filter import resample
from dmn_core.particle_filter.injection import inject, scattered
from dmn_core.particle_filter.recovery import with_candidates

AREA = (-20.0, 20.0, -20.0, 20.0)
HOME, AWAY = torch.tensor([[-10.0, -5.0, 0.5]]), torch.tensor([[9.0, 8.0, -2.0]])
RECOVERY = RecoverySettings(
    recovery_alpha_slow=0.01, recovery_alpha_fast=0.3, reference_particles=256
)


def settings(recovery):
    noise = OdometryNoise(min_std_xy_m=0.1, min_std_yaw_rad=0.05)
    return FilterSettings(
        noise=noise, resampling="effective_size", estimate="cluster", recovery=recovery
    )


def oracle(truth, factor):
    """What a network might say at the truth: known up to a factor that changes with the image."""

    def log_likelihood(poses):
        off = (poses[..., :2] - truth[:, None, :2]).square().sum(-1)
        turn = 1 - torch.cos(poses[..., 2] - truth[:, None, 2])
        return factor - 4 * (1 - torch.exp(-off / 8 - turn))

    return log_likelihood


def drive(recovery, *, kidnapped_at=10, images=40, scored=False, seed=0):
    """Errors [m] and evidence of a robot that stands at home, then suddenly elsewhere."""
    generator = torch.Generator().manual_seed(seed)

    def anywhere(count):
        belief = uniform_belief(AREA, batch=1, particles=count, generator=generator)
        return belief.poses_map_base

    belief = gaussian_belief(
        HOME, torch.diag(torch.tensor([0.3, 0.3, 0.1]) ** 2), particles=200, generator=generator
    )
    evidence, errors, history = None, [], []
    for number in range(images):
        truth = HOME if number < kidnapped_at else AWAY
        seen = oracle(truth, factor=5 * math.sin(number))
        result = step(
            belief,
            torch.zeros(1, 3),
            seen,
            settings=settings(recovery),
            generator=generator,
            elsewhere=Elsewhere(anywhere, seen if scored else None),
            before=evidence,
        )
        belief, evidence = result.belief, result.evidence
        errors.append((result.pose_map_base - truth)[0, :2].norm().item())
        history.append(result)
    return errors, history


@pytest.mark.parametrize("scored", [False, True])
def test_a_kidnapped_robot_is_found_again(scored):
    errors, history = drive(RECOVERY, scored=scored)
    assert max(errors[:10]) < 0.5
    assert not any(step.injected.any() for step in history[:10])
    assert all(error > 10 for error in errors[10:11])
    assert history[10].injected.item() > 0 or history[11].injected.item() > 0
    assert max(errors[-10:]) < 1.5
    assert not history[-1].injected.any()


def test_scores_find_it_sooner():
    found = {}
    for scored in (False, True):
        late = []
        for seed in range(2):
            errors, _ = drive(RECOVERY, scored=scored, seed=seed)
            late.append(next((n for n, e in enumerate(errors[10:]) if e < 2), 30))
        found[scored] = sum(late)
    assert found[True] < found[False]


def test_without_recovery_it_stays_lost():
    errors, history = drive(RecoverySettings(reference_particles=256))
    assert min(errors[10:]) > 10
    assert not any(step.injected.any() for step in history)
    # ... though the evidence says so.
    assert history[9].evidence.gain.item() > 1 and history[-1].evidence.gain.item() < 0


def test_the_gain_does_not_depend_on_the_unknown_factor_of_an_image():
    gains = []
    for factor in (0.0, 30.0):
        result = step(
            Belief.equally_weighted(HOME[:, None].repeat(1, 5, 1)),
            torch.zeros(1, 3),
            oracle(HOME, factor),
            settings=settings(RECOVERY),
            generator=torch.Generator(),
            elsewhere=Elsewhere(lambda count: AWAY[:, None].repeat(1, count, 1)),
        )
        gains.append(result.evidence.gain.item())
    assert gains[0] == pytest.approx(gains[1], abs=1e-4)
    assert gains[0] == pytest.approx(4.0, abs=0.1)


def share(slow, fast, images=10, recovery=RECOVERY):
    zero = torch.zeros(1)
    evidence = Evidence(zero, zero, torch.tensor([slow]), torch.tensor([fast]), images)
    return evidence.share_to_inject(recovery).item()


def test_the_share_follows_the_running_means():
    assert share(3.0, 1.85) == pytest.approx(1 - math.exp(-0.15))
    assert share(1.0, 1.5) == 0
    assert share(-3.0, 0.2) == pytest.approx(1 - math.exp(-0.1))  # little better than nothing
    assert share(5.0, -5.0) == 0.25
    assert share(3.0, 2.1) == 0  # chance
    assert share(5.0, -5.0, images=3) == 0  # too soon to tell


def test_a_least_share_is_always_injected():
    always = replace(RECOVERY, min_injected_share=0.02, max_injected_share=0.1)
    assert share(3.0, 3.0, recovery=always) == pytest.approx(0.02)
    assert share(3.0, 1.97, recovery=always) == pytest.approx(1 - math.exp(-0.03), abs=1e-6)
    assert share(5.0, -5.0, recovery=always) == pytest.approx(0.1)


@pytest.mark.parametrize("power", [1.0, 0.25])
def test_the_gain_is_that_of_the_likelihood_whatever_its_power(power):
    result = step(
        Belief.equally_weighted(HOME[:, None].repeat(1, 5, 1)),
        torch.zeros(1, 3),
        oracle(HOME, 0.0),
        settings=replace(settings(RECOVERY), likelihood_power=power),
        generator=torch.Generator(),
        elsewhere=Elsewhere(lambda count: AWAY[:, None].repeat(1, count, 1)),
    )
    assert result.evidence.gain.item() == pytest.approx(4.0, abs=0.1)


def test_candidates_have_their_share_of_the_weight():
    generator = torch.Generator().manual_seed(0)
    poses = torch.randn(2, 7, 3, generator=generator)
    belief = Belief(poses, torch.log_softmax(torch.randn(2, 7, generator=generator), -1))
    candidates = Belief.equally_weighted(torch.randn(2, 4, 3, generator=generator))
    mixed = with_candidates(belief, candidates, torch.tensor([0.0, 0.2]))
    assert torch.allclose(mixed.weights[:, 7:].sum(-1), torch.tensor([0.0, 0.2]), atol=1e-6)
    assert torch.allclose(mixed.weights[0, :7], belief.weights[0])
    assert torch.allclose(mixed.weights[1, :7], 0.8 * belief.weights[1], atol=1e-6)


def test_injection_moves_the_lightest_and_is_true_on_the_mean():
    generator = torch.Generator().manual_seed(0)
    poses = torch.arange(100.0).reshape(1, 100, 1).expand(2, 100, 3)
    belief = Belief(poses, torch.log_softmax(torch.randn(2, 100, generator=generator), -1))
    candidates = Belief.equally_weighted(torch.full((2, 7, 3), -1.0))
    shares, seen = torch.tensor([0.0, 0.05]), torch.zeros(100)
    for _ in range(4000):
        after = inject(belief, candidates, shares, generator=generator)
        place = after.poses_map_base[1, :, 0].round().long()
        old = place >= 0
        seen += torch.zeros(100).index_add(0, place[old], after.weights[1, old]) / 4000
    assert torch.equal(after.poses_map_base[0], poses[0])
    assert torch.equal(after.log_weights[0], belief.log_weights[0])
    assert torch.allclose(after.weights.sum(-1), torch.ones(2), atol=1e-5)
    new = after.poses_map_base[1, :, 0] == -1
    assert new.sum() == 5 and after.weights[1, new].sum().item() == pytest.approx(0.05)
    # Every place keeps its weight but for the share; all but the ten lightest stay themselves.
    assert torch.allclose(seen, 0.95 * belief.weights[1], atol=4e-4)
    heavy = belief.weights[1].argsort()[10:]
    assert torch.equal(after.poses_map_base[1, heavy], poses[1, heavy])


def test_scattering_gives_a_share_to_places_anywhere_and_keeps_the_weights_of_the_rest():
    poses = torch.zeros(1, 50, 3)
    poses[0, :10, 0] = 1.0
    belief = Belief.equally_weighted(poses).reweighted(torch.where(poses[..., 0] == 1, 3.0, 0.0))
    anywhere = Belief.equally_weighted(torch.full((1, 400, 3), 9.0))
    random = torch.Generator().manual_seed(0)
    after = scattered(belief, anywhere, 0.25, generator=random)
    places = after.poses_map_base[0, :, 0]
    assert len(places) == 400
    assert float((places == 9).sum()) == pytest.approx(100, abs=1)
    heavy = float(belief.weights[0, :10].sum())
    assert float((places == 1).sum()) == pytest.approx(300 * heavy, abs=1)


@pytest.mark.parametrize(
    ("policy", "fraction", "stays"),
    [("never", 0.5, True), ("effective_size", 0.01, True), ("effective_size", 1.0, False)],
)
def test_a_share_to_inject_resamples_only_what_is_due(policy, fraction, stays):
    generator = torch.Generator().manual_seed(0)
    belief = gaussian_belief(HOME, torch.eye(3), particles=200, generator=generator)
    belief = belief.reweighted(torch.randn(1, 200, generator=generator))
    after = resample(
        belief,
        settings=FilterSettings(resampling=policy, effective_fraction=fraction),
        generator=generator,
        share=torch.tensor([0.02]),
        elsewhere=Elsewhere(lambda count: AWAY[:, None].repeat(1, count, 1)),
    )
    same = (after.poses_map_base == belief.poses_map_base).all(-1).sum().item()
    assert (same >= 200 - 2 * 4) == stays
    moved = (after.poses_map_base == AWAY[:, None]).all(-1)
    assert after.weights[moved].sum().item() == pytest.approx(0.02, abs=0.006)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"recovery_alpha_slow": -0.1}, "recovery_alpha_slow"),
        ({"max_injected_share": 1.5}, "max_injected_share"),
        ({"min_injected_share": 0.3}, "min_injected_share"),
        ({"lost_share": -0.1}, "lost_share"),
        ({"recovery_alpha_fast": 0.1}, "reference_particles"),
        ({"reference_particles": -1}, "reference_particles"),
    ],
)
def test_impossible_recoveries_are_refused(values, word):
    with pytest.raises(ConfigurationError, match=word):
        RecoverySettings(**values)
