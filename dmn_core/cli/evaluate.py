"""Command `dmn evaluate`: success and tracking error on mazes that training never saw."""

from __future__ import annotations

import dataclasses
import json
import platform
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from dmn_core.checkpoint import load_checkpoint
from dmn_core.config import part_of
from dmn_core.evaluation.protocol import EvaluationConfig, Results, evaluate
from dmn_core.localization import choose_device
from dmn_core.networks import channels_last
from dmn_core.weights import find_weights


@dataclass(frozen=True)
class EvaluateCommand(EvaluationConfig):
    """Evaluate weights on unseen simulated mazes, by the paper's protocol."""

    weights: str = ""
    """Weights file; the shipped ones if empty."""
    mazes: int = 500
    """How many unseen mazes to draw trials from."""
    device: str = "auto"
    """auto, cuda, cuda:N or cpu."""
    json: bool = False
    """Print one JSON object instead of a table."""
    out: Path | None = None
    """Also write the JSON object to this file."""
    workers: int = 2
    """Processes that render mazes that are not in the cache yet."""

    def run(self) -> None:
        """Carry out the command."""
        # Imported here: localizing needs no simulator.
        from dmn_core.data.simulated_mazes import (
            TEST_SEED,
            SimulatedMazesConfig,
            load_or_render_mazes,
        )

        device = choose_device(self.device)
        path = find_weights(self.weights)
        checkpoint = load_checkpoint(path, device=device)
        environments = load_or_render_mazes(
            SimulatedMazesConfig(count=self.mazes, views_per_maze=40, first_seed=TEST_SEED),
            workers=self.workers,
        )
        with tqdm(total=self.trials, unit="trial", disable=self.json) as bar:
            results = evaluate(
                channels_last(checkpoint.network),
                environments,
                config=self.config,
                progress=bar.update,
            )
        report = self._report(results, path, checkpoint.fingerprint, checkpoint.record)
        text = json.dumps(report, indent=2)
        if self.out:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self.out.write_text(text + "\n")
        if self.json:
            print(text)
        else:
            Console().print(table_of(results, title=f"{path.name}, {self.trials} trials"))

    @property
    def config(self) -> EvaluationConfig:
        """The protocol."""
        return part_of(EvaluationConfig, self)

    def _report(
        self, results: dict[str, Results], path: Path, fingerprint: str, record: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "data": f"simulated mazes, {self.mazes} unseen",
            **dataclasses.asdict(self.config),
            "weights": path.name,
            "fingerprint": fingerprint,
            "training": record,
            "date": date.today().isoformat(),
            "machine": platform.machine(),
            **{name: dataclasses.asdict(result) for name, result in results.items()},
        }


def table_of(results: dict[str, Results], *, title: str) -> Table:
    """Results as a table, intervals beside the figures."""
    table = Table("", "global, t = 5 [%]", "global, t = 1 [%]", "tracking RMSE [m]", title=title)
    for name, result in results.items():
        table.add_row(
            name.replace("_", " "),
            f"{result.sequential_global:.1f}",
            f"{result.one_step_global:.1f}",
            f"{result.tracking_rmse_m:.2f}",
        )
    return table
