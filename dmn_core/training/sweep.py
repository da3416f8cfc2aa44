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
from dmn_core.training.run_folder import RunFolder, differences
from dmn_core.whole_file import whole_file

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

    Runs that have come to their end are not repeated; one that was broken off, or ended by the
    time box of a call, resumes. Runs of other rates and seeds stay in the record.
    """
    path = folder / RECORD_NAME
    runs: dict[str, Any] = fabric.broadcast(_recorded(path, configs))
    for name, config in configs.items():
        if not runs.get(name, {}).get("complete"):
            outcome = train_one(config, folder / name)
            runs[name] = {"learning_rate": config.learning_rate, **outcome}
            if fabric.is_global_zero:
                with whole_file(path) as partial:
                    partial.write_text(json.dumps(summary(runs), indent=1) + "\n")
    return summary(runs)


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


def _recorded(path: Path, configs: dict[str, TrainingConfig]) -> dict[str, Any]:
    """Recorded runs whose losses compare with those of these configurations.

    One that has come to another end than is asked for now is not complete any more.
    """
    recorded = json.loads(path.read_text())["runs"] if path.is_file() else {}
    like, found = next(iter(configs.values())), {}
    for name, run in recorded.items():
        config = RunFolder(path.parent / name).config()
        if config and not differences(config, like, but=("seed",)):
            complete = run.get("complete", False) and configs.get(name, config) == config
            found[name] = {**run, "complete": complete}
    return found
