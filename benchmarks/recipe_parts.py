"""What each part of the training recipe adds to the paper's, at equal training.

    python benchmarks/recipe_parts.py [--samples 32000] [--first 0] [--threads 1] [--out FILE.json]

Every run starts from the same fresh weights, draws from the same simulated mazes and compares as
many samples, that is queries that went through the whole network (docs/evaluation.md, equal
training); some draw more of them, for attention alone. Each adds one part to the run before, the
last ones to the same. All are measured on the same queries in unseen
mazes: the paper's own loss, and cross-entropies that no run was chosen by. The same command goes on
where it was broken off: runs that have ended are trained and measured no more. Other options, or
another version of a recipe, want another folder of `--runs`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import torch
import tyro

from dmn_core.cli.train import environments_of
from dmn_core.data.episode import EnvironmentSet
from dmn_core.errors import ConfigurationError
from dmn_core.evaluation.circumstances import machine, running_command
from dmn_core.training.config import TrainingConfig
from dmn_core.training.encoding import AnyNetwork
from dmn_core.training.feed import draw
from dmn_core.training.learner import Learner, mean_losses
from dmn_core.training.loop import Trainer
from dmn_core.training.objective_config import ObjectiveConfig
from dmn_core.training.processes import launch
from dmn_core.training.recipes import PAPER, SHIPPED, SHIPPED_SEQUENCES, fitted_to_system
from dmn_core.training.run_folder import RunFolder
from dmn_core.whole_file import whole_file

# What all are measured by: the paper's loss, and how well likelihoods tell poses apart.
MEASURES = {
    "tracking": ObjectiveConfig(name="tracking", particles=32),
    "likelihood": ObjectiveConfig(name="likelihood", particles=16),
    "sequence": ObjectiveConfig(name="sequence", particles=32, uniform_fraction=0.5),
}
MEASURED_WITH = TrainingConfig(batch=10, queries=5, contexts=4)
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Settings:
    """Benchmark of the training recipe."""

    samples: int = 32_000
    """Compared by each run."""
    queries: int = 5000
    """Of unseen mazes, that all are measured on."""
    environments: int = 2000
    first: int = 0
    """Number of the run to begin with: those before it are left out."""
    threads: int = 1
    runs: Path = Path("runs/parts")
    out: Path = Path("results/recipe_parts.json")


@dataclass(frozen=True)
class Told:
    """What a run came to: losses on unseen queries, and what it cost."""

    part: str
    compared: int
    drawn: int
    core_minutes: float
    tracking: float
    likelihood: float
    sequence: float


def recipes(settings: Settings) -> Iterator[tuple[str, TrainingConfig]]:
    """The paper's recipe, and one part after the other added to it."""

    def cut(config: TrainingConfig) -> TrainingConfig:
        steps = max(1, settings.samples // (config.batch * config.compared))
        of_mazes = fitted_to_system(replace(config, data="mazes"))
        return replace(
            of_mazes,
            environments=settings.environments,
            views=40,
            max_steps=steps,
            validate_every_steps=steps,
            validation_samples=500,
            patience_steps=0,
            warmup_steps=min(config.warmup_steps, steps // 10),
            pictures_every=0,
            accelerator="cpu",
        )

    config = PAPER
    yield "the paper's recipe", cut(config)
    config = replace(config, objective=ObjectiveConfig(name="likelihood", particles=32))
    yield "likelihood of the true pose", cut(config)
    config = replace(config, objective=replace(SHIPPED.objective, compared_queries=0))
    yield "8 particles, and attention scores of their own", cut(config)
    config = replace(config, batch=8, queries=8, objective=SHIPPED.objective)
    yield "8 queries of a map, of which 4 are compared", cut(config)
    config = replace(config, warmup_steps=SHIPPED.warmup_steps, schedule="cosine")
    config = replace(config, gradient_clip=SHIPPED.gradient_clip)
    yield "schedule with warm-up, and clipping", cut(config)
    # Over as much of a short run as the recipe's average is of a long one.
    config = replace(config, weight_average=0.98)
    yield "averaged weights", cut(config)
    several = replace(config, contexts=SHIPPED.contexts, contexts_max=SHIPPED.contexts_max)
    yield "N from 3 to 6", cut(several)
    grown = replace(config.objective, uniform_fraction_start=0.0)
    yield "... or beliefs from narrow to global", cut(replace(config, objective=grown))
    yield "... or augmentation", cut(replace(config, augmentation=SHIPPED.augmentation))
    yield (
        "... or sequences of 5 images",
        cut(replace(config, objective=SHIPPED_SEQUENCES.objective)),
    )
    yield "... or Muon for convolutions", cut(replace(config, optimizer=SHIPPED.optimizer))
    yield "... or scalar products for attention", cut(replace(config, attention="scalar_product"))


def trained(
    config: TrainingConfig, folder: Path, data: tuple[EnvironmentSet, EnvironmentSet]
) -> tuple[AnyNetwork, dict[str, Any], float]:
    """The network at the end of its run, what it has been through, and its core-minutes.

    Raises:
        ConfigurationError: the folder holds a run of other settings.
    """
    if RunFolder(folder).config() not in (None, config):
        raise ConfigurationError(
            f"--runs wants a folder of these settings, got runs of others in {str(folder)!r}: give "
            "another one, or delete it"
        )
    training, validation = data
    fabric = launch(config)
    trainer = Trainer(
        config, training=training, validation=validation, folder=folder, fabric=fabric
    )
    trainer.run()
    module: Any = trainer.average.module if config.weight_average > 0 else trainer.learner.module
    minutes = trainer.seconds / 60 * torch.get_num_threads()
    return module.network.eval(), trainer.record(), minutes


def measured(network: AnyNetwork, places: EnvironmentSet, queries: int) -> dict[str, float]:
    """Losses on the same queries of unseen places."""
    per_draw = MEASURED_WITH.batch * MEASURED_WITH.queries
    told = {}
    for name, objective in MEASURES.items():
        learner = Learner(network, objective)
        with torch.inference_mode():
            losses = [
                learner(vars(drawn.episodes), drawn.generator)
                for number in range(max(1, queries // per_draw))
                for drawn in [draw(places, MEASURED_WITH, (0, number), CPU)]
            ]
        told[name] = mean_losses(losses)["loss"]
    return told


def measured_once(
    network: AnyNetwork, places: EnvironmentSet, queries: int, folder: Path
) -> dict[str, float]:
    """The same, kept in the folder of the run, which has ended."""
    path = folder / f"losses-{queries}.json"
    if not path.is_file():
        losses = measured(network, places, queries)
        with whole_file(path) as partial:
            partial.write_text(json.dumps(losses))
    kept: dict[str, float] = json.loads(path.read_text())
    return kept


def main(settings: Settings) -> None:
    """Train, measure, print a Markdown table and write the record."""
    torch.set_num_threads(settings.threads)
    finished: list[Told] = []
    data = None
    print("| part | compared | drawn | core-minutes | tracking | likelihood | sequence |")
    print("|---|---|---|---|---|---|---|")
    for number, (part, config) in enumerate(recipes(settings)):
        if number < settings.first:
            continue
        torch.manual_seed(0)
        data = data or environments_of(config)
        folder = settings.runs / f"{number}"
        network, run, minutes = trained(config, folder, data)
        losses = measured_once(network, data[1], settings.queries, folder)
        counts = (run["compared_samples"], run["samples"])
        told = Told(part, *counts, round(minutes, 1), **losses)
        finished.append(told)
        row = (*counts, told.core_minutes, *(f"{losses[name]:.3f}" for name in MEASURES))
        print(f"| {part} | {' | '.join(map(str, row))} |", flush=True)
        write(settings, finished)


def write(settings: Settings, finished: list[Told]) -> None:
    """The record of all runs that are finished."""
    record = {
        "date": date.today().isoformat(),
        "machine": machine(CPU),
        "torch": torch.__version__,
        "command": running_command(),
        "queries": settings.queries,
        "measures": {name: asdict(objective) for name, objective in MEASURES.items()},
        "runs": [asdict(told) for told in finished],
    }
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    settings.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Settings))
