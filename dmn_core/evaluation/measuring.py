"""Measuring many quantities: each network and each data set loaded once, each trial run once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dmn_core.checkpoint import load_checkpoint
from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.sources import SOURCES, DataConfig, ImageSize, Split, load_environments
from dmn_core.errors import CheckpointError, DmnError
from dmn_core.evaluation.algorithms import Algorithm, NetworkAlgorithm
from dmn_core.evaluation.baselines import BaselineAlgorithm
from dmn_core.evaluation.data_kinds import DataKind
from dmn_core.evaluation.experiment import Experimenter, Places
from dmn_core.evaluation.metrics import Figure
from dmn_core.evaluation.quantities import Quantity
from dmn_core.evaluation.subjects import Subject, WeightsFolder, record_of_run
from dmn_core.evaluation.trained_as import refuse_other_training
from dmn_core.observation import NetworkConfig
from dmn_core.robot import Precision
from dmn_core.systems import network_of

Progress = Callable[[str, int], object]
Load = Callable[..., EnvironmentSet]
TEST: Split = "test"


@dataclass(frozen=True)
class UsedWeights:
    """Weights that figures were made with.

    Attributes:
        tested_in: data in which they were evaluated.
        subject: as what.
        data: what they were trained on, as their record says; empty if it does not.
        path: of the file.
        fingerprint: of the weights.
        training: what they have been through.
        run: what the run has been through of which they are the best.
    """

    tested_in: str
    subject: str
    data: str
    path: Path
    fingerprint: str
    training: dict[str, Any]
    run: dict[str, Any]


@dataclass(frozen=True)
class Missing:
    """What could not be measured, why, and what to run first (nothing if the reason says it)."""

    what: str
    reason: str
    command: str = ""


@dataclass
class Findings:
    """What was measured, with what, in how many places and blocks of each data set, and what not.

    Notes tell what is not known of the weights.
    """

    figures: dict[Quantity, Figure] = field(default_factory=dict)
    weights: list[UsedWeights] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    blocks: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Measuring:
    """Measures quantities.

    Attributes:
        sources: data of each kind.
        folder: where weights are looked for.
        experimenter: how many trials, and what is finished.
        device, precision: of the networks.
        load: gives the environments of a source.
    """

    sources: Mapping[DataKind, DataConfig]
    folder: WeightsFolder
    experimenter: Experimenter
    device: torch.device
    precision: Precision = "float32"
    load: Load = load_environments

    def measure(
        self, quantities: Iterable[Quantity], *, progress: Progress = lambda label, trials: None
    ) -> Findings:
        """Everything that can be measured; what cannot is told."""
        findings = Findings()
        for kind, by_subject in _grouped(quantities).items():
            places = _PlacesOf(self.sources[kind], self.load, self.experimenter.trials)
            # Baselines last: they are shown images of the size that the others want.
            ordered = sorted(by_subject.items(), key=lambda item: item[0].is_baseline)
            for subject, wanted in ordered:
                self._measure(kind, subject, wanted, places, findings, progress)
        return findings

    def trials(self, quantities: Iterable[Quantity]) -> int:
        """How many trials the progress of `measure` adds up to, if nothing fails."""
        return self.experimenter.trials * sum(
            len({quantity.plan for quantity in wanted})
            for kind, by_subject in _grouped(quantities).items()
            for subject, wanted in by_subject.items()
            if subject.is_baseline or self.folder.find(self.sources[kind].data, subject)
        )

    def _measure(
        self,
        kind: DataKind,
        subject: Subject,
        wanted: list[Quantity],
        places: _PlacesOf,
        findings: Findings,
        progress: Progress,
    ) -> None:
        """Quantities of one subject on one kind of data."""
        data = self.sources[kind]
        what = f"{data.data}: {subject.name}"
        path = None if subject.is_baseline else self.folder.find(data.data, subject)
        if path is None and not subject.is_baseline:
            command = self.folder.training_command(data, subject)
            findings.missing.append(Missing(what, "no weights", command))
            return
        try:
            algorithm, size = self._algorithm(subject, path, data.data, findings)
            size = size or places.usual_size
        except DmnError as error:
            findings.missing.append(Missing(what, str(error)))
            return
        for plan in dict.fromkeys(quantity.plan for quantity in wanted):
            of_plan = [quantity for quantity in wanted if quantity.plan == plan]
            try:
                where = places.of(size)
                errors = self.experimenter.errors(
                    algorithm,
                    where,
                    plan,
                    tuple(dict.fromkeys(quantity.task for quantity in of_plan)),
                    progress=lambda trials: progress(what, trials),
                )
            except DmnError as error:
                findings.missing.append(Missing(what, str(error)))
                continue
            trials = self.experimenter.trials
            blocks = where.blocks_of_trials(plan, trials)
            findings.places[data.data] = len(np.unique(where.of_trials(plan, trials)))
            findings.blocks[data.data] = len(np.unique(blocks))
            findings.figures.update((q, q.of(errors[q.task], blocks)) for q in of_plan)

    def _algorithm(
        self, subject: Subject, path: Path | None, data: str, findings: Findings
    ) -> tuple[Algorithm, ImageSize | None]:
        """What localizes, and the size of images it wants; None for any."""
        if path is None:
            return BaselineAlgorithm(subject.system), None  # type: ignore[arg-type]
        checkpoint = load_checkpoint(path, device=self.device)
        config = checkpoint.network.config
        _refuse_other_systems(subject, config, path)
        findings.notes += refuse_other_training(subject, data, checkpoint.record, path)
        findings.weights.append(
            UsedWeights(
                data,
                subject.name,
                checkpoint.record.get("data", ""),
                path,
                checkpoint.fingerprint,
                checkpoint.record,
                record_of_run(path) or checkpoint.record,
            )
        )
        algorithm = NetworkAlgorithm(checkpoint.network, checkpoint.fingerprint, self.precision)
        return algorithm, (config.image_height, config.image_width)


def _grouped(quantities: Iterable[Quantity]) -> dict[DataKind, dict[Subject, list[Quantity]]]:
    """Quantities by kind of data and subject, each once."""
    groups: dict[DataKind, dict[Subject, list[Quantity]]] = defaultdict(lambda: defaultdict(list))
    for quantity in dict.fromkeys(quantities):
        groups[quantity.kind][quantity.subject].append(quantity)
    return groups


class _PlacesOf:
    """Unseen places of one source, loaded when first asked for; a failure is not tried again."""

    def __init__(self, config: DataConfig, load: Load, trials: int) -> None:
        self._config, self._load, self._trials = config, load, trials
        self._places: dict[ImageSize, Places | DmnError] = {}

    @property
    def usual_size(self) -> ImageSize:
        """Of the images that were asked for first, else the source's own."""
        return next(iter(self._places), SOURCES[self._config.data].image_size)

    def of(self, size: ImageSize) -> Places:
        if size not in self._places:
            try:
                environments = self._load(self._config, TEST, image_size=size, at_most=self._trials)
                self._places[size] = Places(environments)
            except DmnError as error:
                self._places[size] = error
        places = self._places[size]
        if isinstance(places, DmnError):
            raise places
        return places


def _refuse_other_systems(subject: Subject, config: NetworkConfig, path: Path) -> None:
    wanted = network_of(subject.system, (config.image_height, config.image_width), config)
    if wanted != config:
        raise CheckpointError(
            f"{str(path)!r} wants to hold weights of {subject.system!r}, it holds {config!r}: "
            "put the right weights there"
        )
