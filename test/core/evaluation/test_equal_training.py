"""Rows of a table compare trainings only where these were equal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dmn_core.checkpoint import save_checkpoint
from dmn_core.evaluation.equal_training import unequal_training_lines, weights_line
from dmn_core.evaluation.measuring import UsedWeights
from dmn_core.evaluation.subjects import Subject, WeightsFolder, record_of_run
from dmn_core.observation import NetworkConfig, build_network
from dmn_core.weights import default_weights_path


def test_shipped_weights_are_no_row_among_trainings(tmp_path):
    assert WeightsFolder(tmp_path).find("mazes", Subject("dmn")) is None
    found = WeightsFolder(tmp_path, or_other=True).find("mazes", Subject("dmn"))
    assert found == default_weights_path()


def test_a_run_serves_before_the_shipped_weights_where_no_trainings_are_compared(tmp_path):
    record = tmp_path / "record"
    run = tmp_path / "mazes" / "best.safetensors"
    run.parent.mkdir()
    run.touch()
    assert WeightsFolder(record).find("mazes", Subject("dmn")) is None
    assert WeightsFolder(record, or_other=True).find("mazes", Subject("dmn")) == run
    assert WeightsFolder(record, or_other=True).find("mazes", Subject("latent-image")) is None
    of_record = record / "mazes" / "dmn.safetensors"
    of_record.parent.mkdir(parents=True)
    of_record.touch()
    assert WeightsFolder(record, or_other=True).find("mazes", Subject("dmn")) == of_record


def used(data, samples, before=0, **more):
    record = {"samples": samples, "before": {"samples": before, "hours": 0.25}, "hours": 1, **more}
    return of(record, record, data)


def of(training, run, data="mazes"):
    return UsedWeights(data, "dmn", training.get("data", ""), Path("x"), "abc", training, run)


def test_a_table_says_where_rows_have_not_seen_as_many_samples():
    equal = [used("mazes", 5), used("mazes", 3, before=2), used("rooms", 9)]
    assert unequal_training_lines(equal) == []
    (line,) = unequal_training_lines([*equal, used("rooms", 7)])
    assert "runs for rooms have learned from 7 to 9 samples" in line


def test_rows_that_drew_more_but_compared_as_many_are_equal():
    drew_more, drew_less = (of({}, {"samples": n, "compared_samples": 4}) for n in (8, 4))
    assert unequal_training_lines([drew_more, drew_less]) == []
    unknown = of({}, {"samples": 4})
    assert len(unequal_training_lines([drew_more, unknown])) == 1


def test_the_line_of_weights_says_samples_and_hours():
    line = weights_line(used("mazes", 5, before=3), "some/path")
    assert line == "- mazes, dmn: `some/path` abc, 8 samples, 1.25 hours"
    best, run = {"samples": 6, "hours": 1.0}, {"samples": 8, "compared_samples": 4, "hours": 2.0}
    line = weights_line(of(best, run), "x")
    assert line.endswith("abc, 6 samples, the best of 8 (4 of them compared), 2.00 hours")
    assert "unknown" in weights_line(of({}, {}), "x")


def test_the_line_of_weights_says_what_they_were_trained_on_and_with_which_n():
    record = {"samples": 1, "data": "mazes-varied", "contexts": 3}
    record["configuration"] = {"contexts_max": 6}
    line = weights_line(of(record, record), "x")
    assert "- mazes, dmn: `x` abc, trained on mazes-varied, N = 3 to 6, 1 samples" in line
    assert line.endswith("0.00 hours")
    more = {
        **{"objective": "likelihood", "command": "dmn train --recipe paper", "samples": 2},
        **{"training_places": 500, "contexts": 4},
    }
    line = weights_line(replace(of(more, more), image_size=(28, 56)), "x")
    said = "objective likelihood, recipe paper, N = 4, 28 x 56 pixels, 500 places, 2 samples"
    assert f"abc, {said}" in line
    more["configuration"] = {
        **{"optimizer": "muon", "learning_rate": 7e-4, "objective": {"attention_weight": 1.0}}
    }
    line = weights_line(of(more, more), "x")
    assert (
        "likelihood, with a loss of attention of weight 1, recipe paper, muon, rate 0.0007" in line
    )
    more["configuration"] |= {"attention": "scalar_product", "system": "dmn"}
    line = weights_line(of(more, more), "x")
    assert "of weight 1, attention by scalar_product, recipe paper, muon" in line
    # Rows on the same data are compared, whatever each was trained on.
    other = {**record, "data": "mazes", "samples": 2}
    assert len(unequal_training_lines([of(record, record), of(other, other)])) == 1


def row(subject="dmn", size=(32, 32), **record):
    record = {
        "samples": 4, "objective": "likelihood", "command": "dmn train", "training_places": 100,
        **record,
    }  # fmt: skip
    return replace(of(record, record), subject=subject, image_size=size)


def configured(subject="dmn", contexts=4, **configuration):
    configuration = {"optimizer": "adam", "batch": 8, **configuration}
    return row(subject, contexts=contexts, configuration=configuration)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (row("b", objective="tracking"), "objective: likelihood (dmn); tracking (b)."),
        (row("b", command="dmn train --recipe=paper"), "recipe: default (dmn); paper (b)."),
        (row("b", (28, 56)), "size of images: 32 x 32 (dmn); 28 x 56 (b)."),
        (configured("b", optimizer="muon"), "optimiser: adam (dmn); muon (b)."),
        (configured("b", batch=16), "places a step: 8 (dmn); 16 (b)."),
        (row("b", contexts=8), "N: 4 (dmn); 8 (b)."),
        (row("b", training_places=9), "number of training places: 100 (dmn); 9 (b)."),
    ],
)
def test_a_table_says_where_rows_were_not_trained_alike(other, said):
    of_another_n = row("dmn-n-8", contexts=8, configuration={"optimizer": "adam", "batch": 8})
    (line,) = unequal_training_lines([configured(contexts=4), of_another_n, other])
    alike = "(dmn)" if said.startswith("N:") else "(dmn, dmn-n-8)"
    said = said.replace("(dmn)", alike)
    assert line == f"**Not trained alike**: rows for mazes differ in {said}\n"


def test_what_rows_differ_in_on_purpose_or_do_not_tell_is_no_warning():
    regression = row("view-embedding-regression", objective="regression")
    fewer = row("dmn-environments-9", training_places=9)
    silent = of({}, {"samples": 4})
    assert unequal_training_lines([row(), regression, fewer, silent]) == []


def test_runs_compare_by_their_length_and_not_by_when_they_were_best(tmp_path):
    torch.manual_seed(0)
    network = build_network(NetworkConfig(image_height=8, image_width=8))
    for name, samples in (("best", 6), ("last", 8)):
        save_checkpoint(tmp_path / f"{name}.safetensors", network, record={"samples": samples})
    assert record_of_run(tmp_path / "best.safetensors") == {"samples": 8}
    (tmp_path / "last.safetensors").unlink()
    assert record_of_run(tmp_path / "best.safetensors") == {}


def test_attention_is_told_and_compared_of_systems_that_attend():
    def trained(system, attention):
        said = {"system": system, "attention": attention}
        return of({"samples": 2, "configuration": said}, {"samples": 2, "configuration": said})

    for system in ("latent-image", "dmn-no-attention"):
        assert "attention by" not in weights_line(trained(system, "scalar_product"), "x")
        beside = [trained("dmn", "softmax"), trained(system, "scalar_product")]
        assert unequal_training_lines(beside) == []
    differing = [trained("dmn", "softmax"), trained("dmn-no-egocentric", "scalar_product")]
    (line,) = unequal_training_lines(differing)
    assert "differ in attention: softmax" in line and "scalar_product" in line
