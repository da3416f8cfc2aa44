"""A run: it learns, it ends when it should, and it resumes exactly."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from dmn_core.checkpoint import Checkpoint, load_checkpoint
from dmn_core.errors import CheckpointError, ConfigurationError
from dmn_core.training import pace
from dmn_core.training.loop import Trainer
from dmn_core.training.objectives import ObjectiveConfig


def entries(trainer):
    return [json.loads(line) for line in trainer.folder.log.read_text().splitlines()]


def test_equal_seeds_give_equal_weights_and_others_do_not(small, tmp_path):
    names = (("a", 0), ("b", 0), ("c", 1))
    a, b, c = (small.run(tmp_path / name, seed=seed, max_steps=3) for name, seed in names)
    assert torch.equal(small.weights(a), small.weights(b))
    assert not torch.equal(small.weights(a), small.weights(c))


@pytest.mark.parametrize(
    "changes", [{}, {"optimizer": "muon"}, {"precision": "bf16-mixed", "contexts_max": 5}]
)
def test_a_broken_off_run_resumes_exactly(small, tmp_path, monkeypatch, changes):
    whole = small.run(tmp_path / "whole", **changes)

    class PowerCutError(Exception):
        pass

    step = Trainer._step

    def cut(self, progress):
        if self.steps == 4:  # one step after the state of step 3 was saved
            raise PowerCutError
        return step(self, progress)

    monkeypatch.setattr(Trainer, "_step", cut)
    with pytest.raises(PowerCutError):
        small.run(tmp_path / "cut", **changes)
    monkeypatch.setattr(Trainer, "_step", step)
    resumed = small.run(tmp_path / "cut", **changes)
    assert resumed.steps == 6 and resumed.samples == whole.samples
    assert torch.equal(small.weights(whole), small.weights(resumed))
    assert torch.equal(small.averages(whole), small.averages(resumed))
    assert not torch.equal(small.averages(whole), small.weights(whole))
    assert (resumed.best_loss, resumed.best_step) == (whole.best_loss, whole.best_step)
    assert entries(resumed)[-1]["unseen"] == entries(whole)[-1]["unseen"]


def test_the_state_is_kept_every_few_minutes(small, tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "time", Clock())
    monkeypatch.setattr(pace, "KEEP_STATE_EVERY_S", 10.0)
    kept = []
    keep = Trainer._keep_state
    monkeypatch.setattr(Trainer, "_keep_state", lambda self: (kept.append(self.steps), keep(self)))
    small.run(tmp_path, max_steps=20, validate_every_steps=100)
    assert kept[-1] == 20 and 3 <= len(kept) <= 10


def test_micro_batches_of_a_step_teach_what_they_teach_apart_on_average(small, tmp_path):
    once = {"max_steps": 1, "gradient_clip": 0.0}
    together = small.run(tmp_path / "together", micro_batches=2, **once)
    apart = []
    for number in (0, 1):
        made = small.trainer(tmp_path / f"{number}", **once)
        made.numbers = range(number, number + 1)
        made.run()
        apart.append(small.gradients(made))
    assert not torch.allclose(*apart, atol=1e-3)
    assert torch.allclose(small.gradients(together), torch.stack(apart).mean(0), atol=1e-6)
    assert together.samples == 2 * made.samples


def test_a_run_keeps_its_micro_batches_when_the_number_of_processes_changes(small, tmp_path):
    alike = {"schedule": "constant"}  # whatever the length
    whole = small.run(tmp_path / "whole", micro_batches=2, **alike)
    small.run(tmp_path / "cut", micro_batches=2, max_steps=3, **alike)
    # Not said any more, one process would do one.
    resumed = small.run(tmp_path / "cut", **alike)
    assert (resumed.micro_batches, resumed.samples) == (2, whole.samples)
    assert torch.equal(small.weights(whole), small.weights(resumed))
    assert entries(resumed)[-1]["micro_batches"] == 2
    # Said, it is what is said.
    assert small.trainer(tmp_path / "cut", micro_batches=1).micro_batches == 1
    state = torch.load(tmp_path / "cut" / "last.pt", weights_only=True)
    del state["micro_batches"]  # as older runs lack it
    torch.save(state, tmp_path / "cut" / "last.pt")
    assert small.trainer(tmp_path / "cut").micro_batches == 1


def test_a_damaged_state_is_refused_with_what_to_do(small, tmp_path):
    (tmp_path / "last.pt").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="delete it"):
        small.trainer(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"system": "latent-vector"},
        {"data": "rooms"},
        {"objective": ObjectiveConfig(name="tracking")},
        {"objective": ObjectiveConfig(particles=5)},
        {"objective": ObjectiveConfig(particles=4, attention_weight=0.25)},
        {"bag": ("other.mcap",)},
        {"data": "gqn-mazes", "root": "elsewhere"},
        {"validation_environments": 3},
        {"contexts": 4},
        {"far_contexts": 1},
        {"validation_samples": 16},
    ],
)
def test_a_folder_of_another_run_is_refused(small, tmp_path, changes):
    small.run(tmp_path, max_steps=1)
    with pytest.raises(ConfigurationError, match="another --out") as refused:
        small.trainer(tmp_path, **changes)
    assert next(iter(changes)) in str(refused.value) or "network" in str(refused.value)


def test_what_leaves_losses_comparable_may_change_between_calls(small, tmp_path):
    first = small.run(tmp_path, max_steps=3)
    growing = replace(first.config.objective, uniform_fraction_start=0.0)
    changes = {"environments": 4, "learning_rate": 1e-4, "schedule": "constant", "minutes": 5.0}
    again = small.run(tmp_path, objective=growing, contexts_max=4, **changes)
    assert again.steps == 6 and again.best_loss <= first.best_loss


def test_a_folder_of_another_version_is_refused(small, tmp_path):
    small.run(tmp_path, max_steps=1)
    (tmp_path / "config.yaml").write_text("mazes: {count: 3}\n")
    with pytest.raises(ConfigurationError, match="--start-from"):
        small.trainer(tmp_path)


def test_beliefs_grow_along_a_run(small, tmp_path, monkeypatch):
    asked, at = [], ObjectiveConfig.at
    monkeypatch.setattr(
        ObjectiveConfig, "at", lambda self, progress: asked.append(progress) or at(self, progress)
    )
    growing = replace(small.config().objective, uniform_fraction_start=0.0)
    made = small.run(tmp_path, objective=growing, max_steps=4, validate_every_steps=100)
    trained = [progress for progress in asked if progress < 1]
    assert trained == [0.0, 0.25, 0.5, 0.75]
    # Validation asks for the whole task, whatever training has come to.
    assert asked[-1] == 1.0 and made.steps == 4


def test_a_run_without_an_end_is_refused(small, tmp_path):
    with pytest.raises(ConfigurationError, match="minutes or max_steps"):
        small.trainer(tmp_path, max_steps=0)


def test_a_run_that_only_patience_ends_has_no_halfway_for_beliefs_to_grow_to(small):
    growing = replace(small.config().objective, uniform_fraction_start=0.0)
    patient = {"objective": growing, "patience_steps": 9}
    with pytest.raises(ConfigurationError, match="got 0.0 and patience_steps alone: give --max"):
        small.config(**patient, max_steps=0).refuse_wrong_end()
    for limit in ("max_steps", "total_hours", "minutes"):
        small.config(**patient, **{"max_steps": 0, limit: 1}).refuse_wrong_end()
    grown = {**patient, "objective": replace(growing, uniform_fraction_start=-1.0)}
    small.config(**grown, max_steps=0).refuse_wrong_end()


def test_patience_that_ends_before_a_validation_is_refused(small, tmp_path):
    with pytest.raises(ConfigurationError, match="at least validate_every_steps, 3, got 2: the"):
        small.trainer(tmp_path, patience_steps=2)
    assert not list(tmp_path.iterdir())
    made = small.run(tmp_path, patience_steps=3)
    assert made.best_step > 0 and len(entries(made)) > 1


class Clock:
    """A clock on which every look takes a second."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        self.now += 1.0
        return self.now


def test_a_time_box_is_kept_and_two_boxes_make_one_run(small, tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "time", Clock())
    limits = {"max_steps": 0, "validate_every_steps": 100_000}
    first = small.run(tmp_path, minutes=0.2, **limits)
    # Looked at twice a step, thrice at the end; what a box may exceed is its last step and report.
    assert 12 <= first.seconds <= 20 and 3 <= first.steps <= 8
    second = small.run(tmp_path, minutes=0.2, **limits)
    assert second.steps > first.steps and 24 <= second.seconds <= 40
    third = small.run(tmp_path, total_hours=second.seconds / 3600, **limits)
    assert third.steps == second.steps


def test_boxes_of_one_schedule_go_on_where_the_last_one_ended(small, tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "time", Clock())
    shape = {"schedule": "trapezoid", "warmup_steps": 0, "cooldown": 0.5, "max_steps": 0}
    limits = {**shape, "validate_every_steps": 100_000, "minutes": 0.3, "total_hours": 60 / 3600}
    rates = []
    for _ in range(3):
        rates += [entry["learning_rate"] for entry in entries(small.run(tmp_path, **limits))[-1:]]
    assert rates[0] == pytest.approx(1e-3)
    assert 1e-3 > rates[1] > rates[2] > 1e-5


def test_early_stopping_stops_and_stays_stopped(small, tmp_path, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, 2.0, 2.2])
    monkeypatch.setattr(
        Trainer,
        "validate",
        lambda self: {"loss": next(losses), "likelihood": 0.0, "attention": 0.0},
    )
    patient = {"patience_steps": 4, "validate_every_steps": 2, "max_steps": 100}
    made = small.run(tmp_path, **patient)
    assert (made.steps, made.best_step, made.best_loss) == (8, 4, 2.0)
    assert load_checkpoint(made.folder.best).record["steps"] == 4
    assert small.run(tmp_path, **patient).steps == 8
    assert small.run(tmp_path, **{**patient, "patience_steps": 6}).steps == 10


def test_every_step_draws_its_number_of_contexts(small, tmp_path):
    feed = small.trainer(tmp_path, contexts=1, contexts_max=4).feed
    drawn = [feed._draw((step, 0)).episodes.context_poses.shape[1] for step in range(30)]
    assert set(drawn) == {1, 2, 3, 4}
    with pytest.raises(ConfigurationError, match="contexts_max"):
        small.config(contexts=4, contexts_max=3)


def test_micro_batches_differ_by_seed_step_and_number(small, tmp_path):
    feed = small.trainer(tmp_path / "a").feed
    other = small.trainer(tmp_path / "b", seed=1).feed
    drawn = [feed._draw((0, 0)), feed._draw((0, 1)), feed._draw((1, 0)), other._draw((0, 0))]
    poses = np.stack([one.episodes.query_poses.flatten().numpy() for one in drawn])
    seeds = {one.generator.initial_seed() for one in drawn}
    assert len(np.unique(poses, axis=0)) == 4 and len(seeds) == 4
    again = feed._draw((0, 0))
    assert torch.equal(again.episodes.query_images, drawn[0].episodes.query_images)
    assert again.generator.initial_seed() == drawn[0].generator.initial_seed()


def test_a_run_starts_from_given_weights_and_leaves_them_alone(small, tmp_path):
    start = load_checkpoint(small.run(tmp_path / "a", max_steps=1).folder.last)
    taught = start.network
    before = [p.clone() for p in taught.parameters()]
    made = small.trainer(tmp_path / "b", start_from=start)
    assert torch.equal(small.weights(made), torch.cat([p.flatten() for p in before]))
    made.run()
    assert not torch.equal(small.weights(made), torch.cat([p.flatten() for p in before]))
    assert all(torch.equal(p, q) for p, q in zip(taught.parameters(), before, strict=True))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"image_size": (12, 8)}, "image_height 12, got 8"),
        ({"system": "latent-image"}, "map 'latent_image', got 'view_embedding'"),
        ({"system": "view-embedding-regression"}, "head 'pose', got 'likelihood'"),
    ],
)
def test_weights_of_another_network_are_refused(small, tmp_path, changes, named):
    other = Checkpoint(small.trainer(tmp_path / "a").learner.module.network, "f")
    with pytest.raises(CheckpointError, match=named):
        small.trainer(tmp_path / "b", start_from=other, **changes)


@pytest.mark.parametrize("name", ["likelihood", "tracking"])
def test_one_micro_batch_shown_again_and_again_is_learned(small, tmp_path, monkeypatch, name):
    made = small.trainer(
        tmp_path,
        objective=ObjectiveConfig(name=name, particles=8),
        max_steps=30,
        validate_every_steps=15,
        warmup_steps=0,
        learning_rate=3e-3,
    )
    drawn = made.feed._draw
    monkeypatch.setattr(made.feed, "_draw", lambda at: drawn((0, 0)))
    made.run()
    first, last = entries(made)
    chance = math.log(8) if name == "likelihood" else first["training"]["loss"]
    assert last["training"]["loss"] < 0.8 * chance
