"""Weights serve only as what their record says they were trained as."""

from __future__ import annotations

from pathlib import Path

import pytest

from dmn_core.errors import CheckpointError
from dmn_core.evaluation.subjects import Subject
from dmn_core.evaluation.trained_as import TrainedAs, refuse_other_training

PATH = Path("weights/best.safetensors")


def record(*, contexts=4, objective="likelihood", data="mazes", **configuration):
    said = {"contexts_max": 0, "far_contexts": 0, "environments": 0, **configuration}
    return {"data": data, "objective": objective, "contexts": contexts, "configuration": said}


FEW, MANY = Subject("dmn", environments=100), Subject("dmn", contexts=8)
NEAREST = Subject("dmn", classification=True)
CLASSIFYING = {"objective": "classification", "contexts": 0, "far_contexts": 4}


@pytest.mark.parametrize(
    ("subject", "trained"),
    [
        (Subject("dmn"), record(contexts=3, contexts_max=6)),
        (Subject("dmn"), record(data="mazes-varied")),
        (FEW, record(environments=100)),
        (MANY, record(contexts=8)),
        (NEAREST, record(**CLASSIFYING)),
    ],
)
def test_what_a_name_means_is_taken(subject, trained):
    assert refuse_other_training(subject, "mazes", trained, PATH) == []


@pytest.mark.parametrize(
    ("subject", "trained", "said"),
    [
        (Subject("dmn"), record(data="rooms"), "data 'mazes', got 'rooms'"),
        (Subject("dmn"), record(**CLASSIFYING), "that localizes', got 'classification'"),
        (FEW, record(), "environments 100, got 0"),
        (MANY, record(), r"contexts \(8, 8\), got \(4, 4\)"),
        (MANY, record(contexts=8, contexts_max=9), r"got \(8, 9\)"),
        (NEAREST, record(), "objective 'classification', got 'likelihood'"),
        (NEAREST, record(**{**CLASSIFYING, "far_contexts": 3}), "far_contexts 4, got 3"),
    ],
)
def test_what_was_trained_otherwise_is_refused(subject, trained, said):
    with pytest.raises(CheckpointError, match=f"best.safetensors.*{said}.*put the right weights"):
        refuse_other_training(subject, "mazes", trained, PATH)


def test_what_is_not_recorded_is_told():
    for subject, name in ((FEW, "environments"), (MANY, "contexts"), (NEAREST, "objective")):
        (note,) = refuse_other_training(subject, "mazes", {"samples": 7}, PATH)
        assert subject.name in note and name in note
    assert refuse_other_training(Subject("dmn"), "mazes", {}, PATH) == []


def test_weights_of_a_whole_training_stand_where_they_were_trained():
    whole = {**record(), "training_places": 500}
    assert refuse_other_training(Subject("dmn"), "mazes", whole, PATH, places=500) == []
    assert refuse_other_training(Subject("dmn"), "mazes", record(), PATH, places=500) == []
    with pytest.raises(CheckpointError, match="places 960, got 500.*all-training-environments"):
        refuse_other_training(Subject("dmn"), "mazes", whole, PATH, places=960)
    fewer = {**record(environments=100), "training_places": 90}
    with pytest.raises(CheckpointError, match="places 100, got 90: put the right weights there$"):
        refuse_other_training(FEW, "mazes", fewer, PATH, places=100)


@pytest.mark.parametrize(
    ("command", "recipe"),
    [
        ("dmn train --recipe paper --out x", "paper"),
        ("dmn train --recipe shipped --recipe=paper", "paper"),
        ("dmn train --table 1", "default"),
        ("dmn train --bag x", None),
        ("dmn -q test", None),
        ("dmn train 'open", None),
        ("", None),
    ],
)
def test_the_recipe_is_that_of_the_command(command, recipe):
    assert TrainedAs.of({"command": command}).recipe == recipe


def test_places_are_those_that_there_were_or_were_asked_for():
    assert TrainedAs.of({**record(environments=100), "training_places": 90}).places == 90
    assert TrainedAs.of(record(environments=100)).places == 100
    assert TrainedAs.of(record()).places is None
