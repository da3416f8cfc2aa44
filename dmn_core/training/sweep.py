"""Several runs that differ in learning rate or seed, and the record of all of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from lightning.fabric import Fabric

from dmn_core.evaluation.subjects import GRID
from dmn_core.training.config import TrainingConfig
from dmn_core.training.run_folder import RunFolder

TrainOne = Callable[[TrainingConfig, Path], dict[str, Any]]
RECORD_NAME = GRID


def variants(
    config: TrainingConfig, *, learning_rates: tuple[float, ...], seeds: tuple[int, ...]
) -> dict[str, TrainingConfig]:
    """Every combination, by the name of its folder; empty where nothing is to be varied."""
    if not (learning_rates or seeds):
        return {}
    return {
        "-".join(
            [*([f"lr-{rate:g}"] if learning_rates else []), *([f"seed-{seed}"] if seeds else [])]
        ): replace(config, learning_rate=rate, seed=seed)
        for rate in learning_rates or (config.learning_rate,)
        for seed in seeds or (config.seed,)
    }


def train_all(
    configs: dict[str, TrainingConfig], train_one: TrainOne, *, folder: Path, fabric: Fabric
) -> dict[str, Any]:
    """Train one run for each configuration in a subfolder; returns the record, kept as a file.

    Runs that the record says are done are not repeated; one that was broken off resumes.
    """
    path = folder / RECORD_NAME
    done: dict[str, Any] = fabric.broadcast(_finished(path, configs))
    for name, config in configs.items():
        if name not in done:
            outcome = train_one(config, folder / name)
            done[name] = {"learning_rate": config.learning_rate, **outcome}
            if fabric.is_global_zero:
                path.write_text(json.dumps(summary(done), indent=1) + "\n")
    return summary(done)


def summary(runs: dict[str, Any]) -> dict[str, Any]:
    """All runs, the best of them, and the mean and spread over seeds of each learning rate."""
    losses: dict[float, list[float]] = {}
    for run in runs.values():
        losses.setdefault(run["learning_rate"], []).append(run["best_loss"])
    return {
        "best": min(runs, key=lambda name: runs[name]["best_loss"]),
        "best_learning_rate": min(losses, key=lambda rate: fmean(losses[rate])),
        "learning_rates": [
            {
                "learning_rate": rate,
                "seeds": len(found),
                "best_loss_mean": fmean(found),
                "best_loss_spread": pstdev(found),
            }
            for rate, found in losses.items()
        ],
        "runs": runs,
    }


def _finished(path: Path, configs: dict[str, TrainingConfig]) -> dict[str, Any]:
    """Recorded runs of exactly these configurations."""
    recorded = json.loads(path.read_text())["runs"] if path.is_file() else {}
    return {
        name: recorded[name]
        for name, config in configs.items()
        if name in recorded and RunFolder(path.parent / name).config() == config
    }
