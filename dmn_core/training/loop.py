"""The training loop: draw, compare, step; validate now and then; stop when the time is up."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from dmn_core.checkpoint import save_checkpoint
from dmn_core.data.batching import draw_episodes
from dmn_core.data.episode import EnvironmentSet, Episodes
from dmn_core.networks import channels_last
from dmn_core.observation import ObservationModel
from dmn_core.training.config import TrainingConfig
from dmn_core.training.objectives import ObjectiveConfig, episode_loss
from dmn_core.training.run_folder import RunFolder
from dmn_core.training.schedule import learning_rate_factor

VALIDATION_SEED = 12345


class Learner(nn.Module):
    """Network and objective as one module: episodes in, loss out."""

    def __init__(self, network: ObservationModel, objective: ObjectiveConfig) -> None:
        """`network` is trained in place."""
        super().__init__()
        self.network = network
        self.objective = objective

    def forward(self, episodes: Episodes, generator: torch.Generator) -> dict[str, Tensor]:
        """See `episode_loss`."""
        return episode_loss(self.network, episodes, config=self.objective, generator=generator)


class Trainer:
    """One run: network, optimiser, random state and counters, all of which resume exactly."""

    def __init__(
        self,
        config: TrainingConfig,
        *,
        training: EnvironmentSet,
        validation: EnvironmentSet,
        folder: Path,
        start_from: ObservationModel | None = None,
    ) -> None:
        """Set up a run in `folder`, resuming what is there; else from `start_from` if given."""
        torch.manual_seed(config.seed)
        self.config = config
        self.training = training
        self.validation = validation
        self.folder = RunFolder(folder)
        self.fabric = Fabric(accelerator=config.accelerator, devices=1, precision=config.precision)
        network = start_from or ObservationModel(config.network)
        learner = Learner(network.train().requires_grad_(True), config.objective)
        channels_last(learner)
        optimizer = torch.optim.Adam(learner.parameters(), lr=config.learning_rate)
        self.learner, self.optimizer = self.fabric.setup(learner, optimizer)
        average = get_ema_multi_avg_fn(config.weight_average)
        self.average = AveragedModel(self.learner.module, multi_avg_fn=average)
        self.rng = np.random.default_rng(config.seed)
        self.generator = torch.Generator(self.fabric.device).manual_seed(config.seed)
        self.steps = self.samples = self.steps_at_start = 0
        self.seconds = 0.0
        self.best_loss = math.inf
        self.folder.describe(config)
        self._resume()

    def run(self) -> dict[str, Any]:
        """Train until the time box or the step limit; returns the record kept in the weights."""
        from torch.utils.tensorboard import SummaryWriter

        begin, seconds_before = time.monotonic(), self.seconds
        losses: list[dict[str, Tensor]] = []
        total = self.config.max_steps or None
        with (
            SummaryWriter(str(self.folder.path / "tensorboard")) as writer,
            tqdm(total=total, initial=self.steps, unit="step", mininterval=10) as bar,
        ):
            while (progress := self._progress(time.monotonic() - begin)) < 1:
                losses.append(self._step(progress))
                self.seconds = seconds_before + time.monotonic() - begin
                bar.update()
                if self.steps % self.config.validate_every_steps == 0:
                    self._report(losses, writer, bar)
                    losses = []
            if losses:
                self._report(losses, writer, bar)
        return self.record()

    def record(self) -> dict[str, Any]:
        """What the weights have been through."""
        return {
            "seed": self.config.seed,
            "objective": self.config.objective.name,
            "contexts": self.config.contexts,
            "steps": self.steps,
            "samples": self.samples,
            "hours": round(self.seconds / 3600, 3),
            "command": self.folder.command,
        }

    def validate(self) -> dict[str, float]:
        """Losses of the averaged weights on fixed episodes of unseen environments."""
        rng = np.random.default_rng(VALIDATION_SEED)
        generator = torch.Generator(self.fabric.device).manual_seed(VALIDATION_SEED)
        self.average.eval()
        with torch.no_grad(), self.fabric.autocast():
            losses = [
                self.average(self._draw(self.validation, rng), generator)
                for _ in range(self.config.validation_batches)
            ]
        return _means(losses)

    def _progress(self, elapsed_s: float) -> float:
        config = self.config
        by_time = elapsed_s / (60 * config.minutes) if config.minutes > 0 else 0.0
        by_steps = self.steps / config.max_steps if config.max_steps > 0 else 0.0
        return max(by_time, by_steps)

    def _step(self, progress: float) -> dict[str, Tensor]:
        config = self.config
        factor = learning_rate_factor(
            steps=self.steps - self.steps_at_start if config.minutes > 0 else self.steps,
            progress=progress,
            warmup_steps=config.warmup_steps,
            final_fraction=config.final_learning_rate_fraction,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * factor
        losses = self.learner(self._draw(self.training, self.rng), self.generator)
        self.optimizer.zero_grad()
        self.fabric.backward(losses["loss"])
        self.fabric.clip_gradients(self.learner, self.optimizer, max_norm=config.gradient_clip)
        self.optimizer.step()
        self.average.update_parameters(self.learner.module)
        self.steps += 1
        self.samples += config.batch * config.queries
        return {name: value.detach() for name, value in losses.items()}

    def _draw(self, environments: EnvironmentSet, rng: np.random.Generator) -> Episodes:
        return draw_episodes(
            environments,
            batch=self.config.batch,
            contexts=self.config.contexts,
            queries=self.config.queries,
            rng=rng,
            device=self.fabric.device,
        )

    def _report(self, losses: list[dict[str, Tensor]], writer: Any, bar: tqdm) -> None:
        """Validate, log, and save the state; the best weights apart."""
        training, unseen = _means(losses), self.validate()
        entry = {
            **self.record(),
            "learning_rate": round(self.optimizer.param_groups[0]["lr"], 8),
            "training": training,
            "unseen": unseen,
        }
        self.folder.append(entry)
        for part in unseen:
            writer.add_scalars(
                part, {"training": training[part], "unseen": unseen[part]}, self.samples
            )
        rate = self.samples / max(self.seconds, 1e-9)
        bar.set_postfix_str(
            f"{rate:.0f} samples/s, loss {training['loss']:.4f}, unseen {unseen['loss']:.4f}"
        )
        network = cast(Learner, self.average.module).network
        save_checkpoint(self.folder.last, network, record=entry)
        if unseen["loss"] < self.best_loss:
            self.best_loss = unseen["loss"]
            save_checkpoint(self.folder.best, network, record=entry)
        self.folder.save_state(self._state())

    def _state(self) -> dict[str, Any]:
        return {
            "learner": self.learner.module.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "rng": self.rng.bit_generator.state,
            "steps": self.steps,
            "samples": self.samples,
            "seconds": self.seconds,
            "best_loss": self.best_loss,
        }

    def _resume(self) -> None:
        state = self.folder.load_state()
        if state is None:
            return
        self.learner.module.load_state_dict(state["learner"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.rng.bit_generator.state = state["rng"]
        self.steps = self.steps_at_start = state["steps"]
        self.samples, self.seconds = state["samples"], state["seconds"]
        self.best_loss = state["best_loss"]


def _means(losses: list[dict[str, Tensor]]) -> dict[str, float]:
    return {
        name: round(float(torch.stack([parts[name] for parts in losses]).mean()), 5)
        for name in losses[0]
    }
