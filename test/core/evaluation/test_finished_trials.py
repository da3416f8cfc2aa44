"""An evaluation that is broken off goes on where it was, and ends the same."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dmn_core.errors import DataError
from dmn_core.evaluation.algorithms import NetworkAlgorithm
from dmn_core.evaluation.experiment import Experimenter, Places
from dmn_core.evaluation.finished_trials import FinishedTrials
from dmn_core.evaluation.protocol import EvaluationConfig, evaluate
from dmn_core.evaluation.trials import Task, TrialPlan, environments_fingerprint

PLAN = TrialPlan(steps=2)
TASKS = (Task("global", 40), Task("tracking", 20))


class PowerCutError(Exception):
    pass


@pytest.fixture
def counted(oracle):
    """The oracle, and a list with one entry for each batch of maps that it made."""
    made = []
    prepare = oracle.prepare_map
    oracle.prepare_map = lambda view_map: made.append(len(view_map.embeddings)) or prepare(view_map)
    return NetworkAlgorithm(oracle, "oracle"), made


def experimenter(path, trials=20):
    return Experimenter(trials, 4, FinishedTrials(path), block=4)


def test_after_a_break_only_the_rest_is_done_and_nothing_differs(counted, make_places, tmp_path):
    algorithm, made = counted
    places, path = Places.of(make_places()), tmp_path / "trials.jsonl"
    whole = experimenter(None).errors(algorithm, places, PLAN, TASKS)
    assert sum(made) == 20
    made.clear()
    done = []

    def cut(trials):
        done.append(trials)
        if sum(done) >= 12:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        experimenter(path).errors(algorithm, places, PLAN, TASKS, progress=cut)
    with path.open("a") as file:
        file.write('{"experiment": {"protocol": 1, "algo')  # cut off while writing
    made.clear()
    told = []
    resumed = experimenter(path).errors(algorithm, places, PLAN, TASKS, progress=told.append)
    assert sum(made) == 8 and sum(told) == 20
    made.clear()
    again = experimenter(path).errors(algorithm, places, PLAN, TASKS)
    assert made == []
    for task in TASKS:
        assert whole[task].shape == (20, 2)
        assert np.array_equal(whole[task], resumed[task])
        assert np.array_equal(whole[task], again[task])


def test_more_trials_add_to_those_that_are_there(counted, make_places, tmp_path):
    algorithm, made = counted
    places, path = Places.of(make_places()), tmp_path / "trials.jsonl"
    few = experimenter(path, 6).errors(algorithm, places, PLAN, TASKS[:1])[TASKS[0]]
    made.clear()
    many = experimenter(path, 10).errors(algorithm, places, PLAN, TASKS[:1])[TASKS[0]]
    assert sum(made) == 4
    assert np.array_equal(many[:6], few)


def test_another_task_on_the_same_trials_leaves_the_finished_one_alone(counted, make_places):
    algorithm, _ = counted
    places = Places.of(make_places())
    both = Experimenter(8, 4, FinishedTrials())
    asked = []
    weigh = algorithm.network.log_likelihood
    algorithm.network.log_likelihood = lambda *at: asked.append(at[2].shape[1]) or weigh(*at)
    both.errors(algorithm, places, PLAN, TASKS[:1])
    both.errors(algorithm, places, PLAN, TASKS)
    assert asked.count(40) == asked.count(20) == 4  # two batches of two images each


@pytest.mark.parametrize(
    "other",
    [
        {"algorithm": "weights other, float32"},
        {"places": "0"},
        {"contexts": 5},
        {"seed": 1},
        {"steps": 3},
        {"particles": 41},
        {"start": "tracking"},
    ],
)
def test_results_of_anything_else_are_not_taken(other):
    key = {
        "protocol": 1, "algorithm": "weights some, float32", "places": "1", "contexts": 4,
        "far_contexts": 0, "steps": 2, "seed": 0, "start": "global", "particles": 40,
    }  # fmt: skip
    finished = FinishedTrials()
    finished.add(key, [0], np.ones((1, 2)))
    assert finished.missing(key, 1) == []
    assert finished.missing({**key, **other}, 1) == [0]


def test_places_are_known_by_what_is_in_them(make_places):
    assert environments_fingerprint(make_places()) == environments_fingerprint(make_places())
    assert environments_fingerprint(make_places()) != environments_fingerprint(make_places(views=9))
    changed = make_places()
    changed.images[0] += 1
    assert environments_fingerprint(changed) != environments_fingerprint(make_places())


def test_evaluation_keeps_its_trials(oracle, make_places, tmp_path):
    config = EvaluationConfig(trials=3, particles_global=20, particles_tracking=10)
    path = tmp_path / "new" / "trials.jsonl"

    def run():
        finished = FinishedTrials(path)
        return evaluate(oracle, make_places(), config=config, fingerprint="1", finished=finished)

    first = run()
    lines = path.read_text().splitlines()
    assert run() == first
    assert path.read_text().splitlines() == lines
    algorithms = {json.loads(line)["experiment"]["algorithm"] for line in lines}
    assert algorithms == {"weights 1, float32", "closest_context", "uninformed"}


def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    path = tmp_path / "trials.jsonl"
    path.write_text("")

    def refuse(*arguments, **options):
        raise PermissionError("no")

    monkeypatch.setattr(type(path), "read_text", refuse)
    with pytest.raises(DataError, match="trials.jsonl"):
        FinishedTrials(path)
