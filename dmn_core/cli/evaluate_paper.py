"""What `dmn evaluate --table` and `--figure` do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from tqdm import tqdm

from dmn_core.cli.like_training import options_like
from dmn_core.data.sources import SOURCES, DataConfig, SourceName
from dmn_core.errors import ConfigurationError, DataError
from dmn_core.evaluation import plots, report
from dmn_core.evaluation.circumstances import circumstances
from dmn_core.evaluation.curves import Curves, CurvesConfig
from dmn_core.evaluation.data_kinds import KIND_TITLES, DataKind, kind_of
from dmn_core.evaluation.experiment import Experimenter
from dmn_core.evaluation.finished_trials import FinishedTrials
from dmn_core.evaluation.measuring import Findings, Measuring
from dmn_core.evaluation.paper_curves import as_trained, curves, with_all_training_places
from dmn_core.evaluation.protocol import EvaluationConfig
from dmn_core.evaluation.subjects import Subject, WeightsFolder
from dmn_core.evaluation.tables import Table, table
from dmn_core.evaluation.trials import with_a_place_each

TableNumber: TypeAlias = Literal[1, 2, 3, 4, 5, 6]
CurvesNumber: TypeAlias = Literal[7, 8, 9, 10, 11]
TRIALS_FILE = "trials.jsonl"
RECORD_FOLDER = Path("runs/record")
# Figures of one trained network; the others compare trainings, as all tables do.
OF_ONE_NETWORK = (9, 11)


@dataclass(frozen=True)
class TableSources:
    """Data of each kind, simulated by default, and the folders of published data."""

    rooms: SourceName = "rooms"
    """Data for Rooms, such as gqn-rooms-ring-camera."""
    rooms_root: str = ""
    """Its folder, if it was downloaded."""
    mazes: SourceName = "mazes"
    """Data for Mazes, such as gqn-mazes."""
    mazes_root: str = ""
    """Its folder, if it was downloaded."""
    streets: SourceName = "streets"
    """Data for Street View, such as streetlearn."""
    streets_root: str = ""
    """Its folder, if it was downloaded."""

    def __post_init__(self) -> None:
        """Refuse the folder of a download beside data that is not one."""
        for kind in KIND_TITLES:
            name: SourceName = getattr(self, kind)
            root: str = getattr(self, f"{kind}_root")
            if root and SOURCES[name].needs != "root":
                raise ConfigurationError(
                    f"--sources.{kind}-root is for data that was downloaded, got {root!r} for "
                    f"{name!r}: give --sources.{kind} too, or leave the folder out"
                )

    def of(self, kind: DataKind, like: DataConfig) -> DataConfig:
        """The data of a kind, as many environments and views as `like` has.

        Views only where they can be chosen: a table may have data of which they cannot beside.

        Raises:
            ConfigurationError: it was downloaded, and its folder is not said.
        """
        name: SourceName = getattr(self, kind)
        root: str = getattr(self, f"{kind}_root")
        if SOURCES[name].needs == "root" and not root:
            raise ConfigurationError(
                f"--sources.{kind} {name} wants --sources.{kind}-root, got none: give the folder "
                "of the download"
            )
        return DataConfig(
            data=name,
            root=root,
            environments=like.environments,
            views=like.views if SOURCES[name].takes_views else 0,
            render_workers=like.render_workers,
        )


@dataclass(frozen=True)
class PaperRun:
    """Makes a table, or a figure of curves.

    Attributes:
        config: the protocol.
        data: what figures are about, and how many environments tables have.
        sources: what tables are about.
        shape: points of the curves.
        weights_dir: where weights are looked for.
        folder: gets Markdown, JSON and picture.
        finished: file of finished trials.
        device: of the networks.
        quiet: print the JSON object and nothing else.
    """

    config: EvaluationConfig
    data: DataConfig
    sources: TableSources
    shape: CurvesConfig
    weights_dir: Path
    folder: Path
    finished: Path
    device: torch.device
    quiet: bool = False

    def run(self, table_number: int | None, figure_number: int | None) -> None:
        """Measure, write, print; of what is missing, say what to run.

        Raises:
            DataError: nothing could be measured.
        """
        if table_number is not None:
            self._make_table(table(table_number, self.config))
        elif figure_number is not None:
            kind = kind_of_curves(self.data)
            shape = self._shape_of_this_data()
            self._make_curves(curves(figure_number, self.config, shape, kind=kind), kind)

    def _shape_of_this_data(self) -> CurvesConfig:
        folder = WeightsFolder(self.weights_dir)
        systems = self.shape.systems or ("dmn",)
        found = [folder.find(self.data.data, Subject(system)) for system in systems]
        weights = [path for path in found if path is not None]
        return with_all_training_places(self.shape, self.data.data, weights)

    def _make_table(self, wanted: Table) -> None:
        kinds = dict.fromkeys(quantity.kind for quantity in wanted.quantities())
        sources = {kind: self.sources.of(kind, self.data) for kind in kinds}
        findings = self._measure(wanted, sources)
        said = circumstances(self.config, self.device)
        self._publish(
            wanted,
            report.table_json(wanted, findings, said),
            report.table_markdown(wanted, findings, said),
            lambda path: plots.draw_table(path, wanted, findings),
        )

    def _make_curves(self, wanted: Curves, kind: DataKind) -> None:
        findings = self._measure(wanted, {kind: self.data})
        wanted = as_trained(wanted, findings.weights)
        said = circumstances(self.config, self.device)
        self._publish(
            wanted,
            report.curves_json(wanted, findings, said),
            report.curves_markdown(wanted, findings, said),
            lambda path: plots.draw_curves(path, wanted, findings),
        )

    def _measure(self, wanted: Table | Curves, sources: dict[DataKind, DataConfig]) -> Findings:
        finished = FinishedTrials(self.finished)
        trials = self.config.trials
        plans = {kind: {q.plan for q in wanted.quantities() if q.kind == kind} for kind in sources}
        measuring = Measuring(
            {kind: with_a_place_each(data, trials, plans[kind]) for kind, data in sources.items()},
            WeightsFolder(self.weights_dir, or_other=wanted.number in OF_ONE_NETWORK),
            Experimenter(trials, self.config.trials_at_once, finished),
            self.device,
            self.config.precision,
            options_like=options_like,
            training_places=wanted.training_places if isinstance(wanted, Curves) else {},
        )
        total = measuring.trials(wanted.quantities())
        with tqdm(total=total, unit="trial", disable=self.quiet) as bar:

            def progress(label: str, trials: int) -> None:
                bar.set_description(label, refresh=False)
                bar.update(trials)

            findings = measuring.measure(wanted.quantities(), progress=progress)
        if not findings.figures:
            raise DataError(
                f"nothing of {wanted.name} could be measured:\n"
                + "\n".join(report.missing_lines(findings.missing))
            )
        return findings

    def _publish(
        self,
        wanted: Table | Curves,
        content: dict[str, Any],
        markdown: str,
        draw: Callable[[Path], Path],
    ) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content, indent=2)
        written = [self.folder / f"{wanted.name}{end}" for end in (".md", ".json", ".png")]
        written[0].write_text(markdown, encoding="utf-8")
        written[1].write_text(text + "\n", encoding="utf-8")
        draw(written[2])
        print(text if self.quiet else "\n".join([markdown, *map(str, written)]))


def kind_of_curves(data: DataConfig) -> DataKind:
    """What figures 7 to 11 are about.

    Raises:
        ConfigurationError: data of none of the paper's kinds.
    """
    kind = kind_of(data.data)
    if kind is None:
        raise ConfigurationError(
            f"figures 7 to 11 want rooms, mazes or streets, got data {data.data!r}"
        )
    return kind


def refuse_two_pages(table: int | None, figure: int | None) -> None:
    """Raise ConfigurationError if both a table and a figure are asked for."""
    if table is not None and figure is not None:
        raise ConfigurationError(
            f"one of table and figure is wanted, got table {table!r} and figure {figure!r}: run "
            "the command once for each"
        )
