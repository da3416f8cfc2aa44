"""Command `dmn evaluate`: how well weights localize, and the paper's tables and figures."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from rich.table import Table
from tqdm import tqdm

from dmn_core.calibration import DEFAULT_SUCCESS_M
from dmn_core.checkpoint import Checkpoint, load_checkpoint
from dmn_core.cli.console import Console
from dmn_core.cli.evaluate_examples import draw_examples, weights_to_evaluate
from dmn_core.cli.evaluate_paper import (
    RECORD_FOLDER,
    TRIALS_FILE,
    PaperRun,
    TableNumber,
    TableSources,
    refuse_two_pages,
)
from dmn_core.config import part_of
from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.sources import DataConfig, load_environments
from dmn_core.errors import ConfigurationError
from dmn_core.evaluation.circumstances import circumstances
from dmn_core.evaluation.curves import CurvesConfig
from dmn_core.evaluation.experiment import Places
from dmn_core.evaluation.finished_trials import FinishedTrials
from dmn_core.evaluation.protocol import EvaluationConfig, Results, evaluate
from dmn_core.evaluation.trials import with_a_place_each
from dmn_core.localization import choose_device

FigureNumber: TypeAlias = Literal[5, 6, 7, 8, 9, 10, 11]
DEFAULT_FOLDER = Path("results/tables")


@dataclass(frozen=True)
class EvaluateCommand(EvaluationConfig, DataConfig):
    """Evaluate weights on places that training never saw, by the paper's protocol.

    The row `dmn` is of the weighted mean, the paper's estimate; `dmn likeliest place` is of the
    place that most of the same belief is near.

    With --table or --figure: make a table or figure of the paper, as Markdown, JSON and picture.
    Tables are about Rooms, Mazes and Street View at once, see --sources; figures are about --data.
    Finished trials are kept: the same command goes on where it was broken off.
    """

    weights: str = ""
    """Weights file; if empty those of the DMN in --weights-dir, else of the run runs/<data>, else
    the shipped ones. Not for tables and curves."""
    table: TableNumber | None = None
    """Make this table of the paper."""
    figure: FigureNumber | None = None
    """Make this figure of the paper: 5 and 6 are pictures of trials, 7 to 11 are curves."""
    weights_dir: Path = RECORD_FOLDER
    """Where weights are looked for: <dir>/<data>/<system>.safetensors, or the folder of a
    run, <dir>/<data>/<system>/best.safetensors."""
    sources: TableSources = field(default_factory=TableSources)
    """Where tables have their data from."""
    curves: CurvesConfig = field(default_factory=CurvesConfig)
    """Points of figures 7 to 11."""
    examples: int = 3
    """How many trials figures 5 and 6 show, from trial 0."""
    device: str = "auto"
    """auto, cuda, cuda:N or cpu."""
    json: bool = False
    """Print one JSON object and nothing else."""
    out: Path | None = None
    """Of tables and figures the folder, results/tables if not given; else a file that gets the
    JSON object."""
    finished: Path | None = None
    """File of finished trials; if not given trials.jsonl in the folder of a table or figure, else
    in results/tables."""

    def __post_init__(self) -> None:
        """Refuse what the protocol or the data refuse, and two jobs at once."""
        EvaluationConfig.__post_init__(self)
        DataConfig.__post_init__(self)
        refuse_two_pages(self.table, self.figure)
        by_system = self.table is not None or (self.figure or 0) >= 7
        if by_system and self.weights:
            raise ConfigurationError(
                f"tables and figures 7 to 11 take weights from weights_dir, got weights "
                f"{self.weights!r}: put them there, as --help says"
            )

    def run(self) -> None:
        """Carry out the command."""
        if self.table is not None or (self.figure or 0) >= 7:
            self._paper_run().run(self.table, self.figure)
        elif self.figure is not None:
            self._examples()
        else:
            self._evaluate()

    @property
    def config(self) -> EvaluationConfig:
        """The protocol."""
        return part_of(EvaluationConfig, self)

    @property
    def data_config(self) -> DataConfig:
        """The data."""
        return part_of(DataConfig, self)

    def _paper_run(self) -> PaperRun:
        folder = self.out or DEFAULT_FOLDER
        return PaperRun(
            self.config,
            self.data_config,
            sources=self.sources,
            shape=self.curves,
            weights_dir=self.weights_dir,
            folder=folder,
            finished=self.finished or folder / TRIALS_FILE,
            device=choose_device(self.device),
            quiet=self.json,
        )

    def _evaluate(self) -> None:
        path, checkpoint, environments = self._load(self.trials)
        kept = self.finished or DEFAULT_FOLDER / TRIALS_FILE
        with tqdm(total=self.trials, unit="trial", disable=self.json) as bar:
            results = evaluate(
                checkpoint.network,
                environments,
                config=self.config,
                fingerprint=checkpoint.fingerprint,
                finished=FinishedTrials(kept),
                progress=bar.update,
            )
        text = json.dumps(self._report(results, path, checkpoint, environments), indent=2)
        if self.out:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self.out.write_text(text + "\n")
        if self.json:
            print(text)
        else:
            title = f"{path}, {self.trials} trials"
            Console().print(table_of(results, title=title, steps=self.steps))
            x_min, x_max, y_min, y_max = environments.area_m
            # From the middle, where the uninformed end, most of it is within success.
            if math.hypot(x_max - x_min, y_max - y_min) < 4 * DEFAULT_SUCCESS_M:
                print(
                    f"The area is {x_max - x_min:.1f} m x {y_max - y_min:.1f} m: success within "
                    f"{DEFAULT_SUCCESS_M:.2f} m says little there, compare RMSE with the uninformed"
                )

    def _examples(self) -> None:
        _, checkpoint, environments = self._load(self.examples)
        paths = draw_examples(
            5 if self.figure == 5 else 6,
            checkpoint,
            environments,
            config=self.config,
            count=self.examples,
            folder=self.out or DEFAULT_FOLDER,
        )
        names = [str(path) for path in paths]
        print(json.dumps({"pictures": names}) if self.json else "\n".join(names))

    def _load(self, trials: int) -> tuple[Path, Checkpoint, EnvironmentSet]:
        """Weights and unseen places, with images of the size that the weights want."""
        path = weights_to_evaluate(self.weights, self.data_config, self.weights_dir)
        checkpoint = load_checkpoint(path, device=choose_device(self.device))
        network = checkpoint.network.config
        environments = load_environments(
            with_a_place_each(self.data_config, trials, [self.config.plan]),
            "test",
            image_size=(network.image_height, network.image_width),
            field_of_view_deg=network.field_of_view_deg,
            at_most=trials,
        )
        return path, checkpoint, environments

    def _report(
        self,
        results: dict[str, Results],
        path: Path,
        checkpoint: Checkpoint,
        environments: EnvironmentSet,
    ) -> dict[str, Any]:
        places = Places(environments)
        return {
            "data": self.data_config.data,
            "places": f"{len(environments)} unseen: {environments.name}",
            "places_of_trials": len(set(places.of_trials(self.config.plan, self.trials))),
            # Intervals count what trials of one block have in common.
            "blocks_of_trials": len(set(places.blocks_of_trials(self.config.plan, self.trials))),
            "area_m": environments.area_m,
            **circumstances(self.config, choose_device(self.device)),
            "weights": path.name,
            "fingerprint": checkpoint.fingerprint,
            "network": dataclasses.asdict(checkpoint.network.config),
            "training": checkpoint.record,
            **{name: dataclasses.asdict(result) for name, result in results.items()},
        }


def table_of(results: dict[str, Results], *, title: str, steps: int) -> Table:
    """Results as a table, intervals beside the figures."""
    headings = (f"global, t = {steps} [%]", "global, t = 1 [%]", "tracking RMSE [m]")
    table = Table("", *headings, title=title)
    for name, result in results.items():
        table.add_row(
            name.replace("_", " "),
            f"{result.sequential_global:.1f}",
            f"{result.one_step_global:.1f}",
            f"{result.tracking_rmse_m:.2f}",
        )
    return table
