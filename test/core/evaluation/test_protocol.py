"""The protocol: an oracle succeeds, a stranger does not, figures are what hands compute."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from dmn_core.errors import CheckpointError, ConfigurationError
from dmn_core.evaluation.algorithms import EncodedTrials, NetworkAlgorithm, along
from dmn_core.evaluation.baselines import BaselineAlgorithm, closest_context, uninformed
from dmn_core.evaluation.experiment import Experimenter, Places
from dmn_core.evaluation.finished_trials import FinishedTrials
from dmn_core.evaluation.metrics import rmse_m
from dmn_core.evaluation.protocol import EvaluationConfig, evaluate, rows_of
from dmn_core.evaluation.trials import (
    Task,
    TrialPlan,
    draw_trials,
    first_beliefs,
)
from dmn_core.geometry import compose
from dmn_core.observation import NetworkConfig, build_network
from dmn_core.particle_filter import uniform_belief

CONFIG = EvaluationConfig(trials=30, particles_global=1500, particles_tracking=300, steps=4)
PLAN = TrialPlan()
AREA = (-20.0, 20.0, -20.0, 20.0)


def test_an_oracle_succeeds_and_the_uninformed_does_not(oracle, make_places):
    results = evaluate(oracle, make_places(), config=CONFIG)
    assert results["dmn"].one_step_global.value > 90
    assert results["uninformed"].sequential_global.value < 45
    # Some starts lie so far off that no particle is near the truth, whatever the network knows.
    assert results["dmn"].tracking_rmse_m.value < 5 < results["uninformed"].tracking_rmse_m.value
    closest = results["closest_context"]
    assert results["uninformed"].sequential_global.value < closest.sequential_global.value < 100


def test_what_is_known_without_a_map_is_known_in_the_map_of_another_place(oracle, make_places):
    """The oracle reads poses off the images, and never asks the map."""
    config = EvaluationConfig(trials=6, particles_global=200, particles_tracking=50)
    own, another = (
        evaluate(oracle, make_places(), config=replace(config, map_from=place))
        for place in ("own", "another")
    )
    assert another["dmn"] == own["dmn"] and another["uninformed"] == own["uninformed"]
    assert another["closest_context"] != own["closest_context"]


def test_figures_are_those_computed_by_hand_from_each_trial(doubtful, make_places):
    config = EvaluationConfig(trials=10, particles_global=200, particles_tracking=50, steps=3)
    places = make_places()
    means, likeliest = ({"global": [], "tracking": []} for _ in range(2))
    for number in range(10):
        episodes = draw_trials(places, config.plan, [number])
        for start, task in (("global", config.global_task), ("tracking", config.tracking_task)):
            poses = first_beliefs(episodes, task, seed=0, numbers=[number]).poses_map_base[0]
            weights = torch.full((len(poses),), 1 / len(poses))
            of_means, of_likeliest = [], []
            for t, (images, odometry) in enumerate(along(episodes)):
                poses = compose(poses, odometry)
                query = doubtful.encode_query(images.movedim(-1, -3) / 127.5 - 1)
                weights = weights * doubtful.log_likelihood(None, query, poses[None])[0].exp()
                weights = weights / weights.sum()
                truth = episodes.query_poses[0, t, :2]
                mean = (weights[:, None] * poses[:, :2]).sum(0)
                of_means.append(float((mean - truth).square().sum()))
                near = (poses[:, None, :2] - poses[None, :, :2]).square().sum(-1) < 80
                near = near[(near.float() @ weights).argmax()]
                place = (weights[near, None] * poses[near, :2]).sum(0) / weights[near].sum()
                of_likeliest.append(float((place - truth).square().sum()))
            means[start].append(of_means)
            likeliest[start].append(of_likeliest)
    results = evaluate(doubtful, places, config=config)
    for name, errors in (("dmn", means), ("dmn_likeliest_place", likeliest)):
        found = results[name]
        last = [trial[-1] for trial in errors["global"]]
        assert found.sequential_global.value == 100 * np.mean([error < 80 for error in last])
        first = [trial[0] for trial in errors["global"]]
        assert found.one_step_global.value == 100 * np.mean([error < 80 for error in first])
        tracked = math.sqrt(np.mean([trial[-1] for trial in errors["tracking"]]))
        assert found.tracking_rmse_m.value == pytest.approx(tracked, rel=1e-3)
    # The mean of two places is in none of them.
    mean, place = (results[name].one_step_global.value for name in ("dmn", "dmn_likeliest_place"))
    assert place > mean + 20


def test_whoever_regresses_has_no_likeliest_place():
    regressing = build_network(NetworkConfig(image_height=8, image_width=8, head="pose"))
    assert rows_of(regressing) == {"dmn": "mean"}


def test_what_is_told_of_a_belief_costs_no_further_pass(oracle, make_places, monkeypatch):
    passes, weigh = [], oracle.log_likelihood
    monkeypatch.setattr(oracle, "log_likelihood", lambda *given: passes.append(1) or weigh(*given))
    config = EvaluationConfig(trials=4, particles_global=50, particles_tracking=20, steps=3)
    results = evaluate(oracle, make_places(), config=config)
    assert list(results) == ["dmn", "dmn_likeliest_place", "closest_context", "uninformed"]
    # Of the one pass of four trials: three images, from two starts.
    assert len(passes) == 2 * 3


def test_a_network_that_has_learned_nothing_is_uninformed(ignorant, make_places):
    config = EvaluationConfig(trials=8, particles_global=200, particles_tracking=50)
    results = evaluate(ignorant, make_places(), config=config)
    assert results["dmn"] == results["uninformed"]


def test_trials_and_beliefs_do_not_depend_on_how_many_share_a_pass(make_places):
    places = make_places()
    together = draw_trials(places, PLAN, range(7))
    for start in ("global", "tracking"):
        task = Task(start, 5)
        beliefs = first_beliefs(together, task, seed=0, numbers=range(7))
        for number in range(7):
            alone = draw_trials(places, PLAN, [number])
            for name in ("context_poses", "query_poses", "query_images"):
                assert torch.equal(getattr(alone, name)[0], getattr(together, name)[number])
            belief = first_beliefs(alone, task, seed=0, numbers=[number])
            assert torch.equal(belief.poses_map_base[0], beliefs.poses_map_base[number])
    assert len(torch.unique(beliefs.poses_map_base)) == beliefs.poses_map_base.numel()


def test_odometry_along_an_episode_leads_from_truth_to_truth(make_places):
    episodes = draw_trials(make_places(), PLAN, range(3))
    pose = episodes.query_poses[:, 0]
    for t, (_, odometry) in enumerate(along(episodes)):
        pose = compose(pose, odometry)
        assert torch.allclose(pose[:, :2], episodes.query_poses[:, t, :2], atol=1e-4)


def test_baselines_against_their_definitions(make_places):
    episodes = draw_trials(make_places(), PLAN, range(4))
    closest = closest_context(episodes)
    for b in range(4):
        for t in range(5):
            distances = [
                math.dist(c[:2], episodes.query_poses[b, t, :2]) for c in episodes.context_poses[b]
            ]
            assert torch.equal(closest[b, t], episodes.context_poses[b, int(np.argmin(distances))])
    generator = torch.Generator().manual_seed(0)
    belief = uniform_belief(episodes.area_m, batch=4, particles=5000, generator=generator)
    # Whatever the robot does, without images and without a heading the mean stays in the middle.
    assert uninformed(episodes, belief)[..., :2].abs().max() < 1.5


def test_regression_starts_at_the_mean_and_goes_on_from_its_own_estimate(make_places):
    config = NetworkConfig(image_height=8, image_width=8, head="pose")
    network = build_network(config).eval()
    asked = []

    def regress(prepared, query, pose):
        asked.append(pose)
        return pose + torch.tensor([1.0, 0.0, 0.0])

    network.regress = regress
    episodes = draw_trials(make_places(), PLAN, range(2))
    belief = first_beliefs(episodes, Task("tracking", 40), seed=0, numbers=range(2))
    found = EncodedTrials.of(network, episodes).estimates(belief, ["mean"])["mean"]
    mean = belief.poses_map_base[..., :2].mean(dim=1)
    assert torch.allclose(asked[0][:, :2], mean, atol=1e-4)
    for t in range(1, 5):
        assert torch.allclose(asked[t], compose(found[:, t - 1], episodes.odometry(t)))
        assert torch.allclose(found[:, t, 0], asked[t][:, 0] + 1)


def test_the_nearest_context_is_found_by_an_oracle_and_by_chance_otherwise(
    oracle, ignorant, make_places
):
    places = Places(make_places(count=60, far=5, views=8))
    plan, task = TrialPlan(contexts=0, far_contexts=4, steps=1), Task("contexts", 4, "heaviest")
    experimenter = Experimenter(60, 20, FinishedTrials())
    found = experimenter.errors(NetworkAlgorithm(oracle, "oracle"), places, plan, [task])[task]
    assert found.shape == (60, 1)
    right = (found[:, 0] == 0).mean()
    assert right > 0.5  # the oracle minds yaw, the nearest does not
    found = experimenter.errors(NetworkAlgorithm(ignorant, "none"), places, plan, [task])[task]
    assert (found[:, 0] == 0).mean() < min(0.45, right)


def test_places_of_a_block_count_together(oracle, make_places):
    places = make_places(count=30)
    config = EvaluationConfig(trials=30, particles_global=16, particles_tracking=8)
    apart = evaluate(oracle, places, config=config)["uninformed"].tracking_rmse_m
    alike = replace(places, blocks=np.zeros(30, dtype=np.int64))
    # A single block: each trial counts, as in a single place.
    assert evaluate(oracle, alike, config=config)["uninformed"].tracking_rmse_m == apart
    errors = np.array([trial.item() for trial in squared_errors_of_uninformed(places, config)])
    hard = (errors > np.median(errors)).astype(np.int64)
    blocks = evaluate(oracle, replace(places, blocks=hard), config=config)["uninformed"]
    assert blocks.tracking_rmse_m == rmse_m(errors, hard) and blocks.tracking_rmse_m.value == (
        apart.value
    )
    assert blocks.tracking_rmse_m.high > apart.high + 1


def squared_errors_of_uninformed(places, config):
    experimenter = Experimenter(config.trials, 4, FinishedTrials())
    task = config.tracking_task
    found = experimenter.errors(
        BaselineAlgorithm("uninformed"), Places(places), config.plan, [task]
    )
    return found[task][:, -1]


@pytest.mark.parametrize("change", [{"trials": 0}, {"contexts": 0}, {"precision": "int8"}])
def test_impossible_settings_are_refused(change):
    with pytest.raises(ConfigurationError, match=next(iter(change))):
        EvaluationConfig(**change)


def test_a_network_that_gives_no_numbers_is_refused(oracle, make_places):
    oracle.log_likelihood = lambda prepared, query, poses: poses[..., 0] * math.nan
    with pytest.raises(CheckpointError, match="not numbers"):
        evaluate(oracle, make_places(), config=EvaluationConfig(trials=2, particles_global=4))


def test_baselines_say_the_same_under_every_network(oracle, ignorant, make_places):
    config = EvaluationConfig(trials=6, particles_global=32, particles_tracking=8)
    one, other = (evaluate(n, make_places(), config=config) for n in (oracle, ignorant))
    assert one["uninformed"] == other["uninformed"]
    assert one["closest_context"] == other["closest_context"]
    assert BaselineAlgorithm("uninformed").identity == "uninformed"
