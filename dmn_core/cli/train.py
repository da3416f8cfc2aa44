"""Command `dmn train`: learn on simulated mazes, resumable and time-boxed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from dmn_core.checkpoint import load_checkpoint
from dmn_core.config import part_of
from dmn_core.training.config import TrainingConfig


@dataclass(frozen=True)
class TrainCommand(TrainingConfig):
    """Train a network on simulated mazes; the same command again resumes.

    The default objective is the likelihood of the true pose; `--objective.name tracking` is the
    paper's one-step tracking error. `--out` gets configuration, log, TensorBoard curves, the state
    to resume from, and best.safetensors and last.safetensors.
    """

    out: Path = Path("runs/mazes")
    """Folder of the run."""
    start_from: Path | None = None
    """Weights to start a new run from, instead of freshly drawn ones."""
    workers: int = 2
    """Processes that render mazes that are not in the cache yet."""
    threads: int = 0
    """CPU threads; 0 for all cores."""

    def run(self) -> None:
        """Carry out the command."""
        # Imported here: localizing needs neither a simulator nor a training framework.
        from dmn_core.data.simulated_mazes import (
            TRAINING_SEED,
            VALIDATION_SEED,
            SimulatedMazesConfig,
            load_or_render_mazes,
        )
        from dmn_core.training.loop import Trainer

        if self.threads:
            torch.set_num_threads(self.threads)
        sizes = {
            "training": (self.mazes.count, self.mazes.views, TRAINING_SEED),
            "validation": (
                self.mazes.validation_count,
                self.mazes.validation_views,
                VALIDATION_SEED,
            ),
        }
        mazes = {
            name: load_or_render_mazes(
                SimulatedMazesConfig(
                    count=count,
                    views_per_maze=views,
                    image_size=self.network.image_height,
                    first_seed=seed,
                ),
                workers=self.workers,
            )
            for name, (count, views, seed) in sizes.items()
        }
        start = load_checkpoint(self.start_from) if self.start_from else None
        trainer = Trainer(
            self.config, **mazes, folder=self.out, start_from=start.network if start else None
        )
        record = trainer.run()
        print(f"{record['samples']} samples in {record['hours']} h; weights in {self.out}")

    @property
    def config(self) -> TrainingConfig:
        """The part that decides the run."""
        return part_of(TrainingConfig, self)
