"""The paper's tables: which numbers they hold.

Our reading of which table is which: I is global localization in the simulated data, Rooms and
Mazes; II is the same in Street View; III is tracking in all three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from dmn_core.evaluation import paper
from dmn_core.evaluation.baselines import BASELINE_TITLES
from dmn_core.evaluation.data_kinds import KIND_TITLES, DataKind
from dmn_core.evaluation.protocol import EvaluationConfig
from dmn_core.evaluation.quantities import Quantity
from dmn_core.evaluation.subjects import Subject
from dmn_core.evaluation.trials import Task, TrialPlan
from dmn_core.systems import SYSTEMS

FAR_CONTEXTS = 4
ROMAN = {1: "I", 2: "II", 3: "III", 4: "IV", 5: "V", 6: "VI"}


@dataclass(frozen=True)
class Entry:
    """A number of a table, with what the paper prints there."""

    quantity: Quantity
    paper: float | None = None


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Table:
    """A table of the paper.

    Attributes:
        number: in the paper, 1 to 6.
        title: what it shows.
        columns: headings, with units.
        rows: with an entry for each column.
        note: how it is to be read.
    """

    number: int
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""

    @property
    def name(self) -> str:
        """Of its files."""
        return f"table_{self.number}"

    def quantities(self) -> Iterator[Quantity]:
        """Everything to be measured."""
        yield from (entry.quantity for row in self.rows for entry in row.entries)


def table(number: int, config: EvaluationConfig) -> Table:
    """Table `number`, 1 to 6, of the paper, with N, K and t as configured."""
    found = _TABLES[number](config)
    usual = EvaluationConfig()
    if number == 5 or (config.contexts, config.steps) == (usual.contexts, usual.steps):
        return found
    other = f"The paper's numbers are of N = {usual.contexts} and t = {usual.steps}."
    return replace(found, note=f"{found.note} {other}".strip())


def _global(number: int, kinds: tuple[DataKind, ...], config: EvaluationConfig) -> Table:
    times = (config.steps, 1)

    def entries(name: str) -> Iterator[Entry]:
        for kind in kinds:
            printed = paper.MAIN[name][kind][:2] if name in paper.MAIN else (None, None)
            for t, figure in zip(times, printed, strict=True):
                quantity = Quantity(
                    Subject(name), kind, config.plan, config.global_task, "success", t
                )
                yield Entry(quantity, figure)

    where = " and ".join(KIND_TITLES[kind] for kind in kinds)
    return Table(
        number,
        f"Global localization in {where}: success, sequential (t = {times[0]}) and one-step",
        tuple(f"{KIND_TITLES[kind]}, t = {t} [%]" for kind in kinds for t in times),
        _main_rows(number, entries),
    )


def _tracking(name: str, kind: DataKind, plan: TrialPlan, config: EvaluationConfig) -> Quantity:
    return Quantity(Subject(name), kind, plan, config.tracking_task, "rmse", plan.steps)


def _learned(number: int) -> dict[str, str]:
    """Titles by name of the systems that say they have a row in a table, the paper's or others."""
    return {name: s.title for name, s in SYSTEMS.items() if ROMAN[number] in s.tables}


def _main_rows(number: int, entries: Callable[[str], Iterable[Entry]]) -> tuple[Row, ...]:
    """A row for each system that is compared, and for each baseline."""
    titles = {**_learned(number), **BASELINE_TITLES}
    return tuple(Row(title, tuple(entries(name))) for name, title in titles.items())


def _table_1(config: EvaluationConfig) -> Table:
    return _global(1, ("rooms", "mazes"), config)


def _table_2(config: EvaluationConfig) -> Table:
    return _global(2, ("streets",), config)


def _table_3(config: EvaluationConfig) -> Table:
    def entries(name: str) -> Iterator[Entry]:
        for kind in KIND_TITLES:
            quantity = _tracking(name, kind, config.plan, config)
            printed = paper.MAIN[name][kind].tracking_rmse_m if name in paper.MAIN else None
            yield Entry(quantity, printed)

    return Table(
        3,
        f"Tracking: RMSE at t = {config.steps}",
        tuple(f"{title} [m]" for title in KIND_TITLES.values()),
        _main_rows(3, entries),
    )


def _table_4(config: EvaluationConfig) -> Table:
    large = replace(config.plan, far_contexts=FAR_CONTEXTS)
    rows = tuple(
        Row(
            SYSTEMS[name].title,
            (
                Entry(
                    _tracking(name, "streets", config.plan, config),
                    paper.MAIN[name]["streets"].tracking_rmse_m,
                ),
                Entry(_tracking(name, "streets", large, config), printed),
            ),
        )
        for name, printed in paper.LARGE_TRACKING_RMSE_M.items()
    )
    return Table(
        4,
        f"Larger area in Street View: tracking RMSE at t = {config.steps}",
        ("default area [m]", "large area [m]"),
        rows,
        f"The large area is the default one with {FAR_CONTEXTS} contexts from around it in the "
        "map besides; the weights are the same.",
    )


def _table_5(config: EvaluationConfig) -> Table:
    plan = replace(config.plan, contexts=0, far_contexts=FAR_CONTEXTS, steps=1)
    task = Task("contexts", FAR_CONTEXTS, "heaviest")

    def row(title: str, subject: Subject, printed: float) -> Row:
        return Row(title, (Entry(Quantity(subject, "streets", plan, task, "nearest", 1), printed),))

    return Table(
        5,
        f"Which of {FAR_CONTEXTS} far contexts is nearest, in Street View",
        ("nearest found [%]",),
        (
            row("map trained for localization", Subject("dmn"), paper.NEAREST_LOCALIZATION_PERCENT),
            row(
                "map trained for classification",
                Subject("dmn", contexts=FAR_CONTEXTS, classification=True),
                paper.NEAREST_CLASSIFICATION_PERCENT,
            ),
        ),
        "The map holds the far contexts alone. One particle lies at each; the likeliest is taken "
        "for the nearest to the query.",
    )


def _table_6(config: EvaluationConfig) -> Table:
    def entry(name: str) -> Entry:
        plan, task = config.plan, config.global_task
        quantity = Quantity(Subject(name), "streets", plan, task, "success", config.steps)
        return Entry(quantity, paper.ABLATIONS_PERCENT.get(name))

    return Table(
        6,
        f"Ablations in Street View: sequential global localization, t = {config.steps}",
        ("success [%]",),
        tuple(Row(title, (entry(name),)) for name, title in _learned(6).items()),
        "The paper prints 75.9 for the DMN here and 73.2 in Table II.",
    )


_TABLES = {1: _table_1, 2: _table_2, 3: _table_3, 4: _table_4, 5: _table_5, 6: _table_6}
