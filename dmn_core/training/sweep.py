"""Several runs that differ in learning rate or seed, and the record of all of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from lightning.fabric import Fabric

from dmn_core.errors import ConfigurationError, DmnError
from dmn_core.evaluation.subjects import GRID
from dmn_core.training.config import TrainingConfig
from dmn_core.training.divergence import DivergedError
from dmn_core.training.run_folder import RunFolder, differences
from dmn_core.whole_file import whole_file

TrainOne = Callable[[TrainingConfig, Path], dict[str, Any]]
RECORD_NAME = GRID
_NAMES = ("lr-*", "seed-*")  # of the folders of `variants`


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


def refuse_other_kind(folder: Path, *, several: bool) -> None:
    """Refuse a single run in the folder of several, and several in that of a single one.

    An evaluation takes the weights of either, and could not say of which.

    Raises:
        ConfigurationError: the folder holds the other.
    """
    if several and RunFolder(folder).is_begun:
        raise ConfigurationError(
            f"{str(folder)!r} holds a single run, asked for were several by --learning-rate-grid "
            "or --seeds: give another --out, or leave these out to go on with it"
        )
    # The record comes with the end of the first of them.
    inside = (RunFolder(path) for pattern in _NAMES for path in folder.glob(pattern))
    if not several and ((folder / RECORD_NAME).is_file() or any(run.is_begun for run in inside)):
        raise ConfigurationError(
            f"{str(folder)!r} holds several runs by --learning-rate-grid or --seeds, asked for was "
            "a single one: give another --out, or these to go on with them"
        )


def train_all(
    configs: dict[str, TrainingConfig], train_one: TrainOne, *, folder: Path, fabric: Fabric
) -> dict[str, Any]:
    """Train one run for each configuration in a subfolder; returns the record, kept as a file.

    Runs that have come to their end are not repeated, nor those that diverged; one that was broken
    off, or ended by the time box of a call, resumes. Runs of other rates and seeds stay in the
    record.

    Raises:
        DmnError: no run has a validation loss to choose by; the record is kept.
    """
    path = folder / RECORD_NAME
    runs: dict[str, Any] = fabric.broadcast(_recorded(path, configs))
    for name, config in configs.items():
        if not runs.get(name, {}).get("complete"):
            outcome = _to_its_end(train_one, config, folder / name, fabric)
            runs[name] = {"learning_rate": config.learning_rate, **outcome}
            if fabric.is_global_zero:
                with whole_file(path) as partial:
                    partial.write_text(json.dumps(summary(runs), indent=1) + "\n")
    record = summary(runs)
    if record["best"] is None:
        raise DmnError(
            f"none of the runs in {str(folder)!r} is of use, {_count_diverged(runs.values())} of "
            f"{len(runs)} diverged: give smaller rates as --learning-rate-grid, or more time"
        )
    return record


def summary(runs: dict[str, Any]) -> dict[str, Any]:
    """All runs, the best of them, and the mean and spread over seeds of each learning rate.

    Runs that diverged, or were not validated yet, count nowhere; what is left without any is None.
    """
    rates: dict[float, list[dict[str, Any]]] = {}
    for run in runs.values():
        rates.setdefault(run["learning_rate"], []).append(run)
    losses = {name: found[0] for name, run in runs.items() if (found := _losses([run]))}
    rows = [_of_rate(rate, of_rate) for rate, of_rate in rates.items()]
    means = {row["learning_rate"]: row["best_loss_mean"] for row in rows if row["seeds"]}
    return {
        "best": min(losses, key=losses.__getitem__, default=None),
        "best_learning_rate": min(means, key=means.__getitem__, default=None),
        "learning_rates": rows,
        "runs": runs,
    }


def _of_rate(rate: float, runs: list[dict[str, Any]]) -> dict[str, Any]:
    found = _losses(runs)
    return {
        "learning_rate": rate,
        "seeds": len(found),
        "diverged": _count_diverged(runs),
        "best_loss_mean": fmean(found) if found else None,
        "best_loss_spread": pstdev(found) if found else None,
    }


def _to_its_end(
    train_one: TrainOne, config: TrainingConfig, folder: Path, fabric: Fabric
) -> dict[str, Any]:
    """The outcome of a run, also where it diverges: the others are to follow."""
    try:
        return train_one(config, folder)
    except DivergedError as error:
        fabric.print(f"{error}. This is recorded, and the next run begins")
        return error.outcome


def _losses(runs: Iterable[dict[str, Any]]) -> list[float]:
    """Best losses of the runs that can be compared."""
    found = [run["best_loss"] for run in runs if not run.get("diverged")]
    return [loss for loss in found if loss is not None and math.isfinite(loss)]


def _count_diverged(runs: Iterable[dict[str, Any]]) -> int:
    return sum(run.get("diverged", False) for run in runs)


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
