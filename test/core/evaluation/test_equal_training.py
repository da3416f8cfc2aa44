"""Rows of a table compare trainings only where these were equal."""

from __future__ import annotations

from pathlib import Path

from dmn_core.evaluation.measuring import UsedWeights
from dmn_core.evaluation.report import _unequal_training_lines
from dmn_core.evaluation.subjects import Subject, WeightsFolder
from dmn_core.weights import default_weights_path


def test_shipped_weights_are_no_row_among_trainings(tmp_path):
    assert WeightsFolder(tmp_path).find("mazes", Subject("dmn")) is None
    found = WeightsFolder(tmp_path, or_shipped=True).find("mazes", Subject("dmn"))
    assert found == default_weights_path()


def used(data, samples, before=0):
    record = {"samples": samples, "before": {"samples": before}}
    return UsedWeights(data, "dmn", Path("x"), "", record)


def test_a_table_says_where_rows_have_not_seen_as_many_samples():
    equal = [used("mazes", 5), used("mazes", 3, before=2), used("rooms", 9)]
    assert _unequal_training_lines(equal) == []
    (line,) = _unequal_training_lines([*equal, used("rooms", 7)])
    assert "rooms have seen 7 to 9 samples" in line
