"""The training loop: draw, compare, step; validate now and then; stop when the end has come."""

from __future__ import annotations

import math
import time
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dmn_core.data.episode import EnvironmentSet
from dmn_core.networks import channels_last
from dmn_core.observation import build_network
from dmn_core.training.config import TrainingConfig
from dmn_core.training.encoding import AnyNetwork
from dmn_core.training.feed import Feed, draw, placed
from dmn_core.training.journal import Journal
from dmn_core.training.learner import Learner, mean_losses
from dmn_core.training.pictures import belief_picture
from dmn_core.training.processes import launch, share_of
from dmn_core.training.run_folder import RunFolder
from dmn_core.training.schedule import learning_rate_factor, share_done
from dmn_core.training.start import refuse_other_network

VALIDATION_SEED = 12345


class Trainer:
    """One run: network, optimiser and counters, all of which resume exactly."""

    def __init__(
        self,
        config: TrainingConfig,
        *,
        training: EnvironmentSet,
        validation: EnvironmentSet,
        folder: Path,
        start_from: AnyNetwork | None = None,
        fabric: Fabric | None = None,
    ) -> None:
        """Set up a run in `folder`, resuming what is there; else from `start_from` if given.

        Raises:
            ConfigurationError: the run has no end, or `folder` holds another run.
            CheckpointError: the state in `folder` is damaged, or `start_from` is another network.
        """
        config.refuse_endless()
        if start_from:
            refuse_other_network(start_from, config.network)
        torch.manual_seed(config.seed)
        self.config = config
        self.fabric = fabric or launch(config)
        self.micro_batches = config.micro_batches or self.fabric.world_size
        self.numbers = share_of(self.fabric, self.micro_batches)
        self.feed = Feed(training, config, self.fabric.device)
        self.validation = placed(validation, self.fabric.device)
        self.folder = RunFolder(folder)
        network = deepcopy(start_from) if start_from else build_network(config.network)
        learner = Learner(network.train().requires_grad_(True), config.objective)
        channels_last(learner)
        optimizer = torch.optim.Adam(
            learner.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.learner, self.optimizer = self.fabric.setup(learner, optimizer)
        average = get_ema_multi_avg_fn(config.weight_average)
        self.average = AveragedModel(self.learner.module, multi_avg_fn=average)
        self.steps = self.samples = self.best_step = 0
        self.seconds = 0.0
        self.best_loss = math.inf
        state = None
        if self.fabric.is_global_zero:
            self.folder.describe(config)
            state = self.folder.load_state()
        if state := self.fabric.broadcast(state):
            self._resume(state)

    def run(self) -> dict[str, Any]:
        """Train to the end; returns what is recorded in the weights, and how it went."""
        self.begin, self.seconds_before = time.monotonic(), self.seconds
        self.steps_before, self.samples_before = self.steps, self.samples
        losses: list[dict[str, Tensor]] = []
        with Journal(
            self.folder.path, self.config, steps=self.steps, silent=not self.fabric.is_global_zero
        ) as journal:
            while not self.has_stopped_improving():
                done, scheduled = self._progress()
                if done >= 1:
                    break
                losses.append(self._step(scheduled))
                journal.tick(self._rate())
                if self.steps % self.config.validate_every_steps == 0:
                    self._report(losses, journal)
                    losses = []
            if losses:
                self._report(losses, journal)
        return {
            **self.record(),
            "best_loss": self.best_loss,
            "best_step": self.best_step,
            "waiting_share": self._waiting_share(),
        }

    def record(self) -> dict[str, Any]:
        """What the weights have been through."""
        return {
            "system": self.config.system,
            "data": self.config.data,
            "seed": self.config.seed,
            "objective": self.config.objective.name,
            "contexts": self.config.contexts,
            "steps": self.steps,
            "samples": self.samples,
            "hours": round(self.seconds / 3600, 3),
            "processes": self.fabric.world_size,
            "command": self.folder.command,
        }

    def validate(self) -> dict[str, float]:
        """Losses of the averaged weights on fixed episodes of unseen environments."""
        config = replace(self.config, contexts_max=0)
        count = math.ceil(config.validation_samples / (config.batch * config.queries))
        losses = []
        self.average.eval()
        with torch.no_grad(), self.fabric.autocast():
            for number in range(self.fabric.global_rank, count, self.fabric.world_size):
                drawn = draw(self.validation, config, (VALIDATION_SEED, number), self.fabric.device)
                losses.append(self.average(vars(drawn.episodes), drawn.generator))
        return self._mean_of_all(losses, count)

    def has_stopped_improving(self) -> bool:
        """Whether validation has not improved for `patience_steps`."""
        patience = self.config.patience_steps
        return patience > 0 and self.steps - self.best_step >= patience

    def _progress(self) -> tuple[float, float]:
        """Shares of the run and of its schedule that are done; one clock for all processes."""
        config = self.config
        self.seconds = self.seconds_before + time.monotonic() - self.begin
        box = share_done(self.seconds - self.seconds_before, 60 * config.minutes)
        whole = max(
            share_done(self.steps, config.max_steps),
            share_done(self.seconds, 3600 * config.total_hours),
        )
        scheduled = whole if config.max_steps or config.total_hours else box
        progress = max(whole, box), min(1.0, scheduled)
        if config.minutes or config.total_hours:
            progress = self.fabric.broadcast(progress)
        return progress

    def _step(self, progress: float) -> dict[str, Tensor]:
        config = self.config
        of_call = config.minutes > 0 and not (config.max_steps or config.total_hours)
        factor = learning_rate_factor(
            steps=self.steps - self.steps_before if of_call else self.steps,
            progress=progress,
            warmup_steps=config.warmup_steps,
            final_fraction=config.final_learning_rate_fraction,
            schedule=config.schedule,
            cooldown=config.cooldown,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * factor
        losses = self._gradients(progress)
        if config.gradient_clip:
            self.fabric.clip_gradients(self.learner, self.optimizer, max_norm=config.gradient_clip)
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

    def _mean_of_all(self, losses: list[dict[str, Tensor]], count: int) -> dict[str, float]:
        """Means over the `count` losses that all processes have together."""
        if self.fabric.world_size == 1:
            return mean_losses(losses)
        gathered: list[Any] = [None] * self.fabric.world_size
        own = [{name: float(value) for name, value in parts.items()} for parts in losses]
        torch.distributed.all_gather_object(gathered, own)
        everyone = [parts for process in gathered for parts in process]
        return {
            name: round(sum(parts[name] for parts in everyone) / count, 5) for name in everyone[0]
        }

    def _rate(self) -> float:
        """Samples a second in this call."""
        return (self.samples - self.samples_before) / max(time.monotonic() - self.begin, 1e-9)

    def _waiting_share(self) -> float:
        """Share of this call that went into assembling batches."""
        return round(self.feed.waited_s / max(time.monotonic() - self.begin, 1e-9), 4)

    def _report(self, losses: list[dict[str, Tensor]], journal: Journal) -> None:
        """Validate, log, and save the state; the best weights apart."""
        unseen = self.validate()
        self.seconds = self.seconds_before + time.monotonic() - self.begin
        improved = unseen["loss"] < self.best_loss
        if improved:
            self.best_loss, self.best_step = unseen["loss"], self.steps
        if not self.fabric.is_global_zero:
            return
        entry = {
            **self.record(),
            "learning_rate": round(self.optimizer.param_groups[0]["lr"], 8),
            "samples_per_second": round(self._rate(), 1),
            "waiting_share": self._waiting_share(),
            "training": mean_losses(losses),
            "unseen": unseen,
        }
        self.folder.append(entry)
        network = cast(Learner, self.average.module).network
        journal.write(entry)
        if journal.wants_picture(self.steps):
            journal.picture(self._picture(network), self.samples)
        self.folder.save(network, record=entry, is_best=improved)
        self.folder.save_state(self._state())

    def _picture(self, network: AnyNetwork) -> Any:
        config = replace(self.config, batch=1, contexts_max=0)
        drawn = draw(self.validation, config, (VALIDATION_SEED,), self.fabric.device)
        with torch.no_grad(), self.fabric.autocast():
            return belief_picture(network, drawn.episodes, drawn.generator)

    def _state(self) -> dict[str, Any]:
        return {
            "learner": self.learner.module.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "precision": self.fabric.strategy.precision.state_dict(),
            **{name: getattr(self, name) for name in COUNTERS},
        }

    def _resume(self, state: dict[str, Any]) -> None:
        self.learner.module.load_state_dict(state["learner"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.fabric.strategy.precision.load_state_dict(state["precision"])
        for name in COUNTERS:
            setattr(self, name, state[name])


# With these every random draw of the run is known: see `feed`.
COUNTERS = ("steps", "samples", "seconds", "best_loss", "best_step")
