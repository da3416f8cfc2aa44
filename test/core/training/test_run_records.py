"""What a run records: in its folder, in its weights, and of the weights that it started from."""

from __future__ import annotations

import json
import math

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dmn_core.checkpoint import Checkpoint, in_all, in_all_if_known, load_checkpoint
from dmn_core.config import from_dict, read_yaml
from dmn_core.evaluation.circumstances import processor
from dmn_core.training.config import TrainingConfig
from dmn_core.training.objectives import ObjectiveConfig


def entries(trainer):
    return [json.loads(line) for line in trainer.folder.log.read_text().splitlines()]


def test_the_run_folder_holds_what_is_needed_to_know_and_use_the_run(small, tmp_path):
    made = small.run(tmp_path / "run")
    found = entries(made)
    assert [entry["samples"] for entry in found] == [12, 24]
    assert all(math.isfinite(entry["unseen"]["loss"]) for entry in found)
    assert all(0 < entry["waiting_share"] < 1 for entry in found)
    assert all(entry["samples_per_second"] > 0 for entry in found)
    assert read_yaml(TrainingConfig, tmp_path / "run" / "config.yaml") == made.config
    best = load_checkpoint(tmp_path / "run" / "best.safetensors")
    assert best.network.config == made.config.network and best.record["seed"] == 0
    assert from_dict(TrainingConfig, best.record["configuration"]) == made.config
    assert best.record["threads"] == 1 and best.record["torch"] == torch.__version__
    assert best.record["precision"] == "32-true" and best.record["optimizer"] == "Adam"
    assert processor() in best.record["machine"]


def test_tensorboard_shows_what_the_log_holds(small, tmp_path):
    made = small.run(tmp_path, pictures_every=1)
    folder, found = tmp_path / "tensorboard", entries(made)
    scalars, pictures = shown(folder)
    assert pictures == ["belief"]
    names = ("learning_rate", "samples_per_second", "waiting_share")
    wanted = {name: [(entry["samples"], entry[name]) for entry in found] for name in names}
    for part in found[0]["unseen"]:
        for kind in ("training", "unseen"):
            curve, _ = shown(folder / f"{part}_{kind}")
            assert list(curve) == [part]
            wanted[f"{part}_{kind}"] = [(e["samples"], e[kind][part]) for e in found]
            scalars[f"{part}_{kind}"] = curve[part]
    assert set(scalars) == set(wanted) and len(wanted) == 3 + 2 * 3
    for name, points in wanted.items():
        assert [x for x, _ in scalars[name]] == [x for x, _ in points] == [12, 24]
        assert [y for _, y in scalars[name]] == pytest.approx([y for _, y in points], rel=1e-4)


def shown(folder):
    """Curves by name, each as pairs of samples and value, and names of pictures."""
    events = EventAccumulator(str(folder))
    events.Reload()
    tags = events.Tags()
    curves = {n: [(e.step, e.value) for e in events.Scalars(n)] for n in tags["scalars"]}
    return curves, tags["images"]


def test_drawn_and_compared_samples_are_both_recorded(small, tmp_path):
    objective = ObjectiveConfig(
        particles=4, attention_weight=0.5, attention_particles=6, compared_queries=1
    )
    first = small.run(tmp_path / "a", objective=objective, queries=2, max_steps=1)
    assert (first.outcome["samples"], first.outcome["compared_samples"]) == (4, 2)
    start = load_checkpoint(first.folder.last)
    second = small.run(tmp_path / "b", start_from=start, max_steps=1).outcome
    assert in_all_if_known(second, "compared_samples") == 2 + 4
    del second["before"]["compared_samples"]  # as older weights lack it
    assert in_all_if_known(second, "compared_samples") is None


def test_the_record_goes_on_with_what_the_weights_have_been_through(small, tmp_path):
    start, samples = None, []
    for name in ("a", "b", "c"):
        made = small.run(tmp_path / name, start_from=start, max_steps=1)
        start = load_checkpoint(made.folder.last)
        samples.append(in_all(start.record, "samples"))
    assert samples == [4, 8, 12]
    assert start.record["samples"] == 4
    parent = load_checkpoint(tmp_path / "b" / "last.safetensors")
    assert start.record["before"]["weights_fingerprint"] == parent.fingerprint
    # One that resumes is not told again.
    again = small.run(tmp_path / "c", max_steps=2)
    assert in_all(load_checkpoint(again.folder.last).record, "samples") == 16


def test_weights_to_start_from_stay_the_best_until_others_are_better(small, tmp_path):
    taught = Checkpoint(small.run(tmp_path / "a", max_steps=3).average.module.network, "f")
    spoiled = small.trainer(tmp_path / "b", start_from=taught, max_steps=3, learning_rate=0.1)
    before = spoiled.validate()["loss"]
    spoiled.run()
    assert spoiled.best_loss == before and spoiled.best_step == 0
    curve = [(entry["samples"], entry["unseen"]["loss"]) for entry in entries(spoiled)]
    assert curve[0] == (0, before) and [samples for samples, _ in curve] == [0, 12]
    small.run(tmp_path / "b", start_from=taught, max_steps=4, learning_rate=0.1)
    assert [entry["samples"] for entry in entries(spoiled)] == [0, 12, 16]
    kept = load_checkpoint(tmp_path / "b" / "best.safetensors")
    assert kept.record["unseen"]["loss"] == before
