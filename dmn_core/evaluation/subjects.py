"""What has a row or a curve in the paper, where its weights are, and how they are trained."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dmn_core.checkpoint import read_record
from dmn_core.data.sources import DataConfig
from dmn_core.errors import CheckpointError
from dmn_core.evaluation.baselines import BASELINE_TITLES
from dmn_core.evaluation.data_kinds import kind_of
from dmn_core.weights import default_weights_path

PAPER_CONTEXTS = 4
# Where no row is there that says another; rows are compared at equal training.
TRAINING_STEPS = 100_000

# In the names of weights that were trained in fewer places than there are, or with another N.
OF_FEWER_PLACES, OF_OTHER_N = "-environments-", "-n-"

# Files of a run, and of several runs that differ in learning rate or seed.
BEST, LAST, GRID = "best.safetensors", "last.safetensors", "grid.json"


@dataclass(frozen=True)
class Subject:
    """A baseline, or a system with the particulars of its training.

    Attributes:
        system: name in `dmn_core.systems.SYSTEMS`, or of a baseline.
        contexts: N that it was trained with.
        environments: how many places it was trained in; 0 for all.
        classification: trained to tell which context is nearest, not to localize.
    """

    system: str
    contexts: int = PAPER_CONTEXTS
    environments: int = 0
    classification: bool = False

    @property
    def name(self) -> str:
        """Name of its weights below the folder of the data."""
        particulars = [
            f"{OF_OTHER_N}{self.contexts}" if self.contexts != PAPER_CONTEXTS else "",
            f"{OF_FEWER_PLACES}{self.environments}" if self.environments else "",
            "-classification" if self.classification else "",
        ]
        return self.system + "".join(particulars)

    @property
    def training_options(self) -> dict[str, str | int]:
        """Options of `dmn train` that make it what it is, as `part.field`."""
        options: dict[str, str | int] = {"system": self.system}
        if self.classification:
            options |= {"objective.name": "classification", "contexts": 0, "contexts_max": 0}
            options |= {"far_contexts": self.contexts}
        elif self.contexts != PAPER_CONTEXTS:
            options |= {"contexts": self.contexts, "contexts_max": 0}
        if self.environments:
            options |= {"environments": self.environments}
        return options

    @property
    def is_baseline(self) -> bool:
        """Whether it needs no weights."""
        return self.system in BASELINE_TITLES


@dataclass(frozen=True)
class WeightsFolder:
    """Weights of many runs: <path>/<data>/<name>.safetensors, or the run's folder of that name.

    Of a folder with several runs, as of several seeds, the best counts.

    Attributes:
        path: of the folder.
        or_other: whether other weights serve where the folder has none of the DMN: those of a run
            on this data beside the folder, runs/<data>, then the shipped ones. Not where trainings
            are compared: these have seen more than the others.
    """

    path: Path
    or_other: bool = False

    def run_of(self, data: str) -> Path:
        """Where `dmn train` puts a single run on this data: beside the folder."""
        return self.path.with_name(data)

    def find(self, data: str, subject: Subject) -> Path | None:
        """Weights of a subject trained on `data`."""
        folder = self.path / data
        candidates = [
            folder / f"{subject.name}.safetensors",
            folder / subject.name / BEST,
            *_best_of_grid(folder / subject.name),
        ]
        if self.or_other and subject.name == "dmn":
            run = self.run_of(data)
            candidates += [run / BEST, *_best_of_grid(run), *_shipped(data)]
        return next((path for path in candidates if path.is_file()), None)

    def training_command(
        self, data: DataConfig, subject: Subject, like: Mapping[str, object] | None = None
    ) -> str:
        """The command that makes the weights of a subject.

        Args:
            data: in which they are evaluated.
            subject: what they are to serve as.
            like: options, as `part.field`, of the training of a row that is there, if any is.
        """
        options: dict[str, object] = {"data": data.data}
        options |= {"root": data.root} if data.root else {}
        options |= {"bag": data.bag} if data.bag else {}
        options |= {**(like or {"max_steps": TRAINING_STEPS}), **subject.training_options}
        # What the subject is comes first.
        first = ("data", "root", "bag", *subject.training_options)
        options = {name: options[name] for name in (*first, *options) if name in options}
        words = ["dmn", "train"]
        for name, value in options.items():
            words += _option(name, value)
        return shlex.join([*words, "--out", str(self.path / data.data / subject.name)])


def _option(name: str, value: object) -> list[str]:
    """An option of a command: a field, as `part.field`, with its value."""
    name = name.replace("_", "-")
    if isinstance(value, bool):
        part, dot, field = name.rpartition(".")
        return [f"--{name}" if value else f"--{part}{dot}no-{field}"]
    words = value if isinstance(value, (list, tuple)) else [value]
    return [f"--{name}", *map(str, words)]


def record_of_run(path: Path) -> dict[str, Any]:
    """What the run has been through whose best weights are in `path`; nothing if not of a run."""
    return read_record(path.with_name(LAST)) if path.name == BEST else {}


def _best_of_grid(folder: Path) -> list[Path]:
    """Weights of the best of several runs, where the folder holds a grid of them."""
    try:
        best = json.loads((folder / GRID).read_text())["best"]
    except (OSError, ValueError, KeyError):
        return []
    return [folder / str(best) / BEST]


def _shipped(data: str) -> list[Path]:
    """Where weights for this kind of data would be shipped; any serve for data of no kind."""
    try:
        usual, kind = default_weights_path(), kind_of(data)
    except CheckpointError:
        return []
    return [usual.with_name(f"{kind}.safetensors") if kind else usual]
