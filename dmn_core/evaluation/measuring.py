"""Measuring many quantities: each network and each data set loaded once, each trial run once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dmn_core.checkpoint import load_checkpoint, read_record
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
from dmn_core.evaluation.trials import TrialPlan
from dmn_core.observation import NetworkConfig
from dmn_core.robot import Precision
from dmn_core.systems import network_of

Progress = Callable[[str, int], object]
Load = Callable[..., EnvironmentSet]
_Options = Mapping[str, object]
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
        image_size: height and width [pixels] that they want; 0 0 if unknown.
    """

    tested_in: str
    subject: str
    data: str
    path: Path
    fingerprint: str
    training: dict[str, Any]
    run: dict[str, Any]
    image_size: ImageSize = (0, 0)


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
        options_like: options of `dmn train` that train as the run of a subject did, from its
            record; for what is missing beside it.
        training_places: in how many places the weights of subjects are taken to have been trained.
    """

    sources: Mapping[DataKind, DataConfig]
    folder: WeightsFolder
    experimenter: Experimenter
    device: torch.device
    precision: Precision = "float32"
    load: Load = load_environments
    options_like: Callable[[Subject, dict[str, Any]], _Options] = lambda subject, record: {}
    training_places: Mapping[Subject, int] = field(default_factory=dict)

    def measure(
        self, quantities: Iterable[Quantity], *, progress: Progress = lambda label, trials: None
    ) -> Findings:
        """Everything that can be measured; what cannot is told."""
        findings = Findings()
        for kind, by_subject in _grouped(quantities).items():
            plans = dict.fromkeys(q.plan for wanted in by_subject.values() for q in wanted)
            places = _PlacesOf(
                self.sources[kind], self.load, self.experimenter.trials, tuple(plans)
            )
            beside = self._trained_beside(kind, by_subject)
            # Baselines last: they are shown images of the size that the others want.
            ordered = sorted(by_subject.items(), key=lambda item: item[0].is_baseline)
            for subject, wanted in ordered:
                path = None if subject.is_baseline else self._weights(kind, subject)
                if path is None and not subject.is_baseline:
                    data = self.sources[kind]
                    command = self.folder.training_command(data, subject, beside)
                    what = f"{data.data}: {subject.name}"
                    findings.missing.append(Missing(what, "no weights", command))
                else:
                    self._measure(kind, subject, path, wanted, places, findings, progress)
        return findings

    def trials(self, quantities: Iterable[Quantity]) -> int:
        """How many trials the progress of `measure` adds up to, if nothing fails."""
        return self.experimenter.trials * sum(
            len({quantity.plan for quantity in wanted})
            for kind, by_subject in _grouped(quantities).items()
            for subject, wanted in by_subject.items()
            if subject.is_baseline or self._weights(kind, subject)
        )

    def _weights(self, kind: DataKind, subject: Subject) -> Path | None:
        return self.folder.find(self.sources[kind].data, subject)

    def _trained_beside(self, kind: DataKind, subjects: Iterable[Subject]) -> _Options:
        """How the plainest of these was trained whose weights are there; nothing if none is."""
        for subject in sorted(subjects, key=lambda each: len(each.training_options)):
            path = None if subject.is_baseline else self._weights(kind, subject)
            if path is None:
                continue
            try:
                record = record_of_run(path) or read_record(path)
            except DmnError:  # told where these weights are measured
                continue
            if options := self.options_like(subject, record):
                return options
        return {}

    def _measure(
        self,
        kind: DataKind,
        subject: Subject,
        path: Path | None,
        wanted: list[Quantity],
        places: _PlacesOf,
        findings: Findings,
        progress: Progress,
    ) -> None:
        """Quantities of one subject, with its weights if it wants any, on one kind of data."""
        data = self.sources[kind]
        what = f"{data.data}: {subject.name}"
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
            blocks = where.blocks_of_trials(plan, self.experimenter.trials)
            self._tell_where(data.data, where, plan, blocks, findings)
            findings.figures.update((q, q.of(errors[q.task], blocks)) for q in of_plan)

    def _tell_where(
        self, data: str, where: Places, plan: TrialPlan, blocks: np.ndarray, findings: Findings
    ) -> None:
        """In how many places and blocks (trials,) it was: the fewest, of plans that share none."""
        numbers = where.of_trials(plan, self.experimenter.trials)
        for told, found in ((findings.places, numbers), (findings.blocks, blocks)):
            count = len(np.unique(found))
            told[data] = min(told.get(data, count), count)
        alike = where.of_page
        if 0 < len(alike) < len(where.environments):
            note = (
                f"{data}: all is asked in the {len(alike)} of {len(where.environments)} places "
                "that have views enough for everything here"
            )
            findings.notes += [note] if note not in findings.notes else []

    def _algorithm(
        self, subject: Subject, path: Path | None, data: str, findings: Findings
    ) -> tuple[Algorithm, ImageSize | None]:
        """What localizes, and the size of images it wants; None for any."""
        if path is None:
            return BaselineAlgorithm(subject.system), None  # type: ignore[arg-type]
        checkpoint = load_checkpoint(path, device=self.device)
        config = checkpoint.network.config
        _refuse_other_systems(subject, config, path)
        places = self.training_places.get(subject)
        findings.notes += refuse_other_training(
            subject, data, checkpoint.record, path, places=places
        )
        findings.weights.append(
            UsedWeights(
                data,
                subject.name,
                checkpoint.record.get("data", ""),
                path,
                checkpoint.fingerprint,
                checkpoint.record,
                record_of_run(path) or checkpoint.record,
                size := (config.image_height, config.image_width),
            )
        )
        return NetworkAlgorithm(checkpoint.network, checkpoint.fingerprint, self.precision), size


def _grouped(quantities: Iterable[Quantity]) -> dict[DataKind, dict[Subject, list[Quantity]]]:
    """Quantities by kind of data and subject, each once."""
    groups: dict[DataKind, dict[Subject, list[Quantity]]] = defaultdict(lambda: defaultdict(list))
    for quantity in dict.fromkeys(quantities):
        groups[quantity.kind][quantity.subject].append(quantity)
    return groups


class _PlacesOf:
    """Unseen places of one source, loaded when first asked for; a failure is not tried again."""

    def __init__(
        self, config: DataConfig, load: Load, trials: int, page: tuple[TrialPlan, ...]
    ) -> None:
        self._config, self._load, self._trials, self._page = config, load, trials, page
        self._places: dict[ImageSize, Places | DmnError] = {}

    @property
    def usual_size(self) -> ImageSize:
        """Of the images that were asked for first, else the source's own."""
        return next(iter(self._places), SOURCES[self._config.data].image_size)

    def of(self, size: ImageSize) -> Places:
        if size not in self._places:
            try:
                environments = self._load(self._config, TEST, image_size=size, at_most=self._trials)
                self._places[size] = Places(environments, self._page)
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
