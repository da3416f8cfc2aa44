"""The training loop: draw, compare, step; validate now and then; stop when the end has come."""

from __future__ import annotations

import math
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dmn_core.checkpoint import Checkpoint
from dmn_core.config import to_dict
from dmn_core.data.episode import EnvironmentSet
from dmn_core.evaluation.circumstances import machine
from dmn_core.networks import channels_last
from dmn_core.observation import build_network
from dmn_core.training.config import TrainingConfig
from dmn_core.training.divergence import DivergedError, clip_gradients
from dmn_core.training.encoding import AnyNetwork
from dmn_core.training.feed import Feed
from dmn_core.training.journal import Journal
from dmn_core.training.learner import Learner, mean_losses, packed, unpacked
from dmn_core.training.optimizers import load_progress, make_optimizer
from dmn_core.training.pace import Pace
from dmn_core.training.processes import failing_together, launch, share_of
from dmn_core.training.run_folder import RunFolder
from dmn_core.training.start import been_through, refuse_other_network, refuse_useless
from dmn_core.training.stop_request import StopRequest
from dmn_core.training.validation import Validation


class Trainer:
    """One run: network, optimiser and counters, all of which resume exactly."""

    def __init__(
        self,
        config: TrainingConfig,
        *,
        training: EnvironmentSet,
        validation: EnvironmentSet,
        folder: Path,
        start_from: Checkpoint | None = None,
        fabric: Fabric | None = None,
    ) -> None:
        """Set up a run in `folder`, resuming what is there; else from `start_from` if given.

        Raises:
            ConfigurationError: the run has no end, or `folder` holds another run.
            CheckpointError: the state in `folder` is damaged, or `start_from` is another network.
        """
        config.refuse_wrong_end()
        if start_from:
            refuse_other_network(start_from.network, config.network)
        torch.manual_seed(config.seed)
        self.config = config
        self.fabric = fabric or launch(config)
        self.micro_batches = config.micro_batches or self.fabric.world_size
        self.training_places = len(training)
        self.feed = Feed(training, config, self.fabric.device)
        self.validation = Validation(validation, config, self.fabric)
        self.folder = RunFolder(folder)
        network = deepcopy(start_from.network) if start_from else build_network(config.network)
        network.config = config.network  # weights to start from may know another field of view
        learner = Learner(network.train().requires_grad_(True), config.objective)
        channels_last(learner)
        optimizer = make_optimizer(
            config.optimizer,
            learner.parameters(),
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
        )
        self.learner, self.optimizer = self.fabric.setup(learner, optimizer)
        average = get_ema_multi_avg_fn(config.weight_average)
        self.average = AveragedModel(self.learner.module, multi_avg_fn=average)
        self.steps = self.samples = self.best_step = 0
        self.seconds = 0.0
        self.best_loss = math.inf
        # Of the steps since the last validation.
        self.losses: list[dict[str, Tensor]] = []
        self.before = been_through(start_from) if start_from else {}
        state = None
        with failing_together(self.fabric):
            if self.fabric.is_global_zero:
                self.folder.describe(config)
                state = self.folder.load_state()
        if state := self.fabric.broadcast(state):
            self._resume(state)
        self.numbers = share_of(self.fabric, self.micro_batches)
        self.pace = self._pace()

    def run(self) -> dict[str, Any]:
        """Train to the end; returns what is recorded in the weights, and how it went.

        Raises:
            DivergedError: a loss or gradient is not finite; what was kept before stays.
            CheckpointError: the loss of the weights that the run starts from is not finite.
            SystemExit: a signal asked to stop; what was learned is kept.
        """
        self.pace = self._pace()
        asked_to_stop = 0
        silent = not self.fabric.is_global_zero
        journal = Journal(self.folder.path, self.config, steps=self.steps, silent=silent)
        with journal, StopRequest() as stop:
            if self.before and self.steps == 0 and math.isinf(self.best_loss):
                self._keep_the_start(journal)
            while not self.has_stopped_improving():
                # One clock for all processes, and one ear, so that they end together.
                heard = (*self.pace.progress(self.steps), stop.signal)
                done, scheduled, asked_to_stop = self.fabric.broadcast(heard)
                if done >= 1 or asked_to_stop:
                    break
                self.losses.append(self._step(scheduled))
                journal.tick(self.pace.rate(self.samples))
                if self.steps % self.config.validate_every_steps == 0:
                    self._report(journal)
                elif self.pace.state_is_due():
                    self._keep_state()
            if asked_to_stop:
                self._keep_state()
                self._keep_weights(self.record(), is_best=False)
            elif self.losses:
                self._report(journal)
        if asked_to_stop:
            raise SystemExit(128 + asked_to_stop)
        return self._outcome()

    def record(self) -> dict[str, Any]:
        """What the weights have been through."""
        return {
            "system": self.config.system,
            "data": self.config.data,
            "seed": self.config.seed,
            "objective": self.config.objective.name,
            "contexts": self.config.contexts,
            "training_places": self.training_places,
            "steps": self.steps,
            "samples": self.samples,
            "compared_samples": self.samples * self.config.compared // self.config.queries,
            "hours": round(self.seconds / 3600, 3),
            **({"before": self.before} if self.before else {}),
            "processes": self.fabric.world_size,
            "micro_batches": self.micro_batches,
            "machine": machine(self.fabric.device),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "precision": self.config.precision,
            "optimizer": type(self.optimizer.optimizer).__name__,
            "command": self.folder.command,
        }

    def validate(self) -> dict[str, float]:
        """Losses of the averaged weights on unseen environments."""
        return self.validation.losses(self.average.eval())

    def has_stopped_improving(self) -> bool:
        """Whether validation has not improved for `patience_steps`."""
        patience = self.config.patience_steps
        return patience > 0 and self.steps - self.best_step >= patience

    def _outcome(self) -> dict[str, Any]:
        """What is told of the run; `best_loss` is None where nothing was validated yet."""
        return {
            **self.record(),
            "best_loss": self.best_loss if math.isfinite(self.best_loss) else None,
            "best_step": self.best_step,
            "complete": self.has_stopped_improving() or self.pace.run_is_over(self.steps),
            "waiting_share": self.pace.share(self.feed.waited_s),
        }

    def _diverged(self) -> DivergedError:
        self.seconds = self.pace.seconds()
        return DivergedError(self.folder, self._outcome())

    def _keep_the_start(self, journal: Journal) -> None:
        """What a run starts from is its best until something is better on unseen environments."""
        unseen = self.validate()
        refuse_useless(unseen["loss"])
        self.best_loss = unseen["loss"]
        if self.fabric.is_global_zero:
            entry = {**self.record(), "unseen": unseen}
            self._keep(entry, is_best=True)
            journal.write(entry)

    def _step(self, progress: float) -> dict[str, Tensor]:
        config = self.config
        for group in self.optimizer.param_groups:
            group["lr"] = self.pace.learning_rate(self.steps, progress)
        losses = self._gradients(progress)
        fine = clip_gradients(
            self.fabric, self.learner, self.optimizer, loss=losses["loss"], config=config
        )
        if not fine:
            raise self._diverged()
        self.optimizer.step()
        self.average.update_parameters(self.learner.module)
        self.steps += 1
        self.samples += self.micro_batches * config.batch * config.queries
        return losses

    def _gradients(self, progress: float) -> dict[str, Tensor]:
        """Mean gradients over the micro-batches of a step; returns losses of the last one here."""
        self.optimizer.zero_grad()
        losses: dict[str, Tensor] = {}
        for left, drawn in zip(
            reversed(range(len(self.numbers))),
            self.feed.step(self.steps, self.numbers),
            strict=True,
        ):
            with self.fabric.no_backward_sync(self.learner, enabled=left > 0):
                losses = self.learner(vars(drawn.episodes), drawn.generator, progress)
                self.fabric.backward(losses["loss"] / len(self.numbers))
        return {name: value.detach() for name, value in losses.items()}

    def _report(self, journal: Journal) -> None:
        """Validate, log, and save the state; the best weights apart."""
        unseen = self.validate()
        if not math.isfinite(unseen["loss"]):
            raise self._diverged()
        self.seconds = self.pace.seconds()
        improved = unseen["loss"] < self.best_loss
        if improved:
            self.best_loss, self.best_step = unseen["loss"], self.steps
        losses, self.losses = self.losses, []
        if not self.fabric.is_global_zero:
            return
        entry = {
            **self.record(),
            "learning_rate": round(self.optimizer.param_groups[0]["lr"], 8),
            "samples_per_second": round(self.pace.rate(self.samples), 1),
            "waiting_share": self.pace.share(self.feed.waited_s),
            "training": mean_losses(losses),
            "unseen": unseen,
        }
        self._keep(entry, is_best=improved)
        journal.write(entry)
        if journal.wants_picture(self.steps):
            journal.picture(self.validation.picture(self._averaged()), self.samples)

    def _keep(self, entry: dict[str, Any], *, is_best: bool) -> None:
        """Weights, state, and a line of the log."""
        self._keep_weights(entry, is_best=is_best)
        # Before the log: what is broken off in between is done again, and logged once.
        self._keep_state()
        self.folder.append(entry)

    def _keep_weights(self, record: dict[str, Any], *, is_best: bool) -> None:
        if self.fabric.is_global_zero:
            record = {**record, "configuration": to_dict(self.config)}
            self.folder.save(self._averaged(), record=record, is_best=is_best)

    def _keep_state(self) -> None:
        """What the run resumes from, at any step."""
        self.seconds = self.pace.seconds()
        if self.fabric.is_global_zero:
            self.folder.save_state(self._state())
        self.pace.state_is_kept()

    def _averaged(self) -> AnyNetwork:
        return cast(Learner, self.average.module).network

    def _pace(self) -> Pace:
        return Pace(self.config, steps=self.steps, samples=self.samples, seconds=self.seconds)

    def _state(self) -> dict[str, Any]:
        return {
            "learner": self.learner.module.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "precision": self.fabric.strategy.precision.state_dict(),
            "before": self.before,
            "micro_batches": self.micro_batches,
            "losses": packed(self.losses),
            **{name: getattr(self, name) for name in COUNTERS},
        }

    def _resume(self, state: dict[str, Any]) -> None:
        self.learner.module.load_state_dict(state["learner"])
        self.average.load_state_dict(state["average"])
        load_progress(self.optimizer, state["optimizer"])
        self.fabric.strategy.precision.load_state_dict(state["precision"])
        for name in COUNTERS:
            setattr(self, name, state[name])
        # Steps stay as large as they were, on however many processes, unless a size is asked for.
        self.micro_batches = self.config.micro_batches or state.get(
            "micro_batches", self.micro_batches
        )
        # A run that resumes need not be told again what it started from.
        self.before = state.get("before", self.before)
        self.losses = unpacked(state.get("losses", {}), self.fabric.device)


# With these every random draw of the run is known: see `feed`.
COUNTERS = ("steps", "samples", "seconds", "best_loss", "best_step")
