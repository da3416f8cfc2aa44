"""A run whose numbers are not finite any more: it ends, keeps what it had, and stops no other."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch
from lightning.fabric import Fabric

from dmn_core.checkpoint import Checkpoint, load_checkpoint
from dmn_core.errors import CheckpointError, DmnError
from dmn_core.training.divergence import DivergedError
from dmn_core.training.loop import Trainer
from dmn_core.training.sweep import summary, train_all, variants

TOO_LARGE = 1e30
every_clipping = pytest.mark.parametrize("gradient_clip", [0.0, 1.0])


def strict(text):
    """JSON as others read it too: without NaN and Infinity."""

    def refuse(word):
        raise AssertionError(f"{word} in {text}")

    return json.loads(text, parse_constant=refuse)


def kept_in(folder):
    names = ("best.safetensors", "last.safetensors", "last.pt", "log.jsonl")
    return [(folder / name).read_bytes() for name in names]


@every_clipping
def test_a_run_that_diverges_ends_and_keeps_what_it_had(small, tmp_path, gradient_clip):
    first = small.run(tmp_path, gradient_clip=gradient_clip, max_steps=3)
    before = kept_in(tmp_path)
    rash = {"gradient_clip": gradient_clip, "learning_rate": TOO_LARGE, "max_steps": 20}
    with pytest.raises(DivergedError, match="smaller --learning-rate") as ended:
        small.run(tmp_path, **rash)
    outcome = ended.value.outcome
    assert outcome["diverged"] and outcome["complete"] and 4 <= outcome["steps"] <= 6
    assert outcome["best_loss"] == first.best_loss
    assert kept_in(tmp_path) == before and "the same command goes on" in str(ended.value)
    calm = small.run(tmp_path, gradient_clip=gradient_clip)
    assert calm.steps == 6 and math.isfinite(calm.outcome["best_loss"])


def test_a_run_that_diverges_at_once_says_that_nothing_is_kept(small, tmp_path):
    with pytest.raises(DivergedError, match="nothing was kept") as ended:
        small.run(tmp_path, learning_rate=TOO_LARGE)
    assert ended.value.outcome["best_loss"] is None
    strict(json.dumps(ended.value.outcome))


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_validation_that_is_not_finite_ends_a_run(small, tmp_path, monkeypatch, loss):
    small.run(tmp_path, max_steps=3)
    before = kept_in(tmp_path)
    monkeypatch.setattr(Trainer, "validate", lambda self: {"loss": loss})
    with pytest.raises(DivergedError):
        small.run(tmp_path)
    assert kept_in(tmp_path) == before


@every_clipping
def test_a_loss_that_is_not_finite_ends_a_run_whatever_its_gradient(
    small, tmp_path, monkeypatch, gradient_clip
):
    gradients = Trainer._gradients

    def overflowing(self, progress):
        losses = gradients(self, progress)
        return {**losses, "loss": losses["loss"] + math.inf}

    monkeypatch.setattr(Trainer, "_gradients", overflowing)
    with pytest.raises(DivergedError):
        small.run(tmp_path, gradient_clip=gradient_clip)


def test_weights_that_nothing_can_start_from_are_refused(small, tmp_path):
    useless = load_checkpoint(small.run(tmp_path / "a", max_steps=1).folder.last).network
    useless.fc1.output.weight.data.fill_(math.nan)
    with pytest.raises(CheckpointError, match="--start-from"):
        small.run(tmp_path / "b", start_from=Checkpoint(useless, "f"))


def grid(small, folder, rates, **changes):
    """Train a grid of rates; returns which runs were trained, and the record."""
    trained = []

    def train_one(config, path):
        trained.append(path.name)
        rate = config.learning_rate
        return small.trainer(path, learning_rate=rate, **changes).run()

    configs = variants(small.config(**changes), learning_rates=rates, seeds=())
    fabric = Fabric(accelerator="cpu")
    try:
        return trained, train_all(configs, train_one, folder=folder, fabric=fabric)
    except DmnError as error:
        return trained, error


@every_clipping
def test_a_grid_goes_on_after_a_rate_that_diverged(small, tmp_path, capsys, gradient_clip):
    changes = {"gradient_clip": gradient_clip, "max_steps": 3}
    trained, record = grid(small, tmp_path, (TOO_LARGE, 1e-3), **changes)
    assert trained == ["lr-1e+30", "lr-0.001"]
    assert "diverged" in capsys.readouterr().out
    assert record == strict((tmp_path / "grid.json").read_text())
    assert record["best"] == "lr-0.001" and record["best_learning_rate"] == 1e-3
    assert record["runs"]["lr-1e+30"]["diverged"]
    bad, good = record["learning_rates"]
    assert (bad["seeds"], bad["diverged"]) == (0, 1)
    assert bad["best_loss_mean"] is None and bad["best_loss_spread"] is None
    assert (good["seeds"], good["diverged"]) == (1, 0)
    assert good["best_loss_mean"] == record["runs"]["lr-0.001"]["best_loss"]
    # It would diverge again: nothing is repeated.
    assert grid(small, tmp_path, (TOO_LARGE, 1e-3), **changes) == ([], record)


def test_a_grid_of_which_all_diverged_says_what_to_do_and_is_recorded(small, tmp_path):
    trained, error = grid(small, tmp_path, (TOO_LARGE, 1e29))
    assert len(trained) == 2 and isinstance(error, DmnError)
    assert "2 of 2 diverged: give smaller rates" in str(error)
    record = strict((tmp_path / "grid.json").read_text())
    assert record["best"] is None and record["best_learning_rate"] is None
    assert all(run["diverged"] for run in record["runs"].values())


def test_a_seed_that_diverged_counts_in_no_mean():
    def run(rate, loss, **changes):
        return {"learning_rate": rate, "best_loss": loss, **changes}

    record = summary(
        {
            "a": run(1e-3, 2.0),
            "b": run(1e-3, 0.5, diverged=True),
            "c": run(1e-3, 3.0),
            "d": run(1e-4, 2.6),
            "e": run(1e-4, None),
            "f": run(1e-4, math.inf),
        }
    )
    assert record["best"] == "a" and record["best_learning_rate"] == 1e-3
    first, second = record["learning_rates"]
    assert (first["seeds"], first["diverged"], first["best_loss_mean"]) == (2, 1, 2.5)
    assert first["best_loss_spread"] == pytest.approx(0.5)
    assert (second["seeds"], second["diverged"], second["best_loss_mean"]) == (1, 0, 2.6)


def test_gradients_are_bounded_only_where_a_bound_is_asked_for(small, tmp_path):
    steep = {"objective": replace(small.config().objective, attention_weight=100.0), "max_steps": 1}
    free = small.run(tmp_path / "free", gradient_clip=0.0, **steep)
    loose = small.run(tmp_path / "loose", gradient_clip=1e6, **steep)
    tight = small.run(tmp_path / "tight", gradient_clip=1.0, **steep)
    assert torch.equal(small.gradients(free), small.gradients(loose))
    assert small.gradients(free).norm() > 2.0
    assert small.gradients(tight).norm().item() == pytest.approx(1.0, rel=1e-3)
