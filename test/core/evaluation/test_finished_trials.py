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
from dmn_core.evaluation.trials import Task, TrialPlan

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
    places, path = Places(make_places()), tmp_path / "trials.jsonl"
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
    places, path = Places(make_places()), tmp_path / "trials.jsonl"
    few = experimenter(path, 6).errors(algorithm, places, PLAN, TASKS[:1])[TASKS[0]]
    made.clear()
    many = experimenter(path, 10).errors(algorithm, places, PLAN, TASKS[:1])[TASKS[0]]
    assert sum(made) == 4
    assert np.array_equal(many[:6], few)


def test_another_task_on_the_same_trials_leaves_the_finished_one_alone(counted, make_places):
    algorithm, _ = counted
    places = Places(make_places())
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
        {"contexts": 5},
        {"seed": 1},
        {"steps": 3},
        {"particles": 41},
        {"start": "tracking"},
        {"estimate": "likeliest"},
    ],
)
def test_results_of_anything_else_are_not_taken(other):
    key = {
        "protocol": 2, "algorithm": "weights some, float32", "contexts": 4,
        "far_contexts": 0, "steps": 2, "seed": 0, "start": "global", "particles": 40,
    }  # fmt: skip
    finished = FinishedTrials()
    finished.add(key, ["0@a"], np.ones((1, 2)))
    assert finished.missing(key, ["0@a"]) == []
    assert finished.missing({**key, **other}, ["0@a"]) == [0]


def test_trials_are_known_by_their_place(make_places):
    def names(places, plan=PLAN, trials=12):
        return Places(places).names_of_trials(plan, trials)

    assert names(make_places()) == names(make_places())
    assert len(set(names(make_places()))) == 12
    assert not set(names(make_places())) & set(names(make_places(views=9)))
    changed = make_places()
    changed.images[0] += 1  # the first view of the first place
    same = [a == b for a, b in zip(names(changed), names(make_places()), strict=True)]
    assert same == [number % 10 != 0 for number in range(12)]


def test_more_places_leave_finished_trials_as_they_are(counted, make_places, tmp_path):
    algorithm, made = counted
    path, many = tmp_path / "trials.jsonl", make_places()
    few = experimenter(path, 6).errors(algorithm, Places(many.first(6)), PLAN, TASKS)
    made.clear()
    more = experimenter(path, 10).errors(algorithm, Places(many), PLAN, TASKS)
    assert sum(made) == 4
    assert all(np.array_equal(more[task][:6], few[task]) for task in TASKS)
    # Trials that went on in places that were used before are others.
    made.clear()
    experimenter(path, 10).errors(algorithm, Places(many.first(6)), PLAN, TASKS)
    assert sum(made) == 4


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
