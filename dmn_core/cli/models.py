"""Command `dmn models`: the systems of the paper and how large they are."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from dmn_core.cli.console import Console
from dmn_core.data.sources import PANORAMA, SMALL
from dmn_core.evaluation.baselines import BASELINE_TITLES
from dmn_core.systems import COMPARED, SYSTEMS, parameters_of


@dataclass(frozen=True)
class ModelsCommand:
    """List every system that can be trained and evaluated, with its number of parameters.

    The baselines, which nobody trains, stand below.
    """

    def run(self) -> None:
        """Carry out the command."""
        Console().print(table_of_systems())


def table_of_systems() -> Table:
    """Every system with its tables in the paper and its parameters at the paper's image sizes.

    Names end with `regression` where no particles are weighed. Baselines have no parameters.
    """
    sizes = (SMALL, PANORAMA)
    table = Table(title="parameters by size of the images")
    table.add_column("name", no_wrap=True)
    table.add_column("tables", no_wrap=True)
    for height, width in sizes:
        table.add_column(f"{height} x {width}", justify="right", no_wrap=True)
    for name, system in SYSTEMS.items():
        counts = (f"{parameters_of(name, size):,}" for size in sizes)
        table.add_row(
            name,
            ", ".join(system.tables),
            *counts,
        )
    for title in BASELINE_TITLES.values():
        table.add_row(title, ", ".join(COMPARED), *("0" for _ in sizes))
    return table
