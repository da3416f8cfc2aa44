"""Tables and figures as they are published: Markdown to read, JSON to compute with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dmn_core.evaluation.curves import Curves
from dmn_core.evaluation.equal_training import unequal_training_lines, weights_line
from dmn_core.evaluation.measuring import Findings, Missing
from dmn_core.evaluation.metrics import Figure
from dmn_core.evaluation.quantities import Quantity
from dmn_core.evaluation.tables import ROMAN, Table

ABSENT = "-"


def table_json(table: Table, findings: Findings, circumstances: dict[str, Any]) -> dict[str, Any]:
    """A table as one object; numbers that could not be measured are null."""
    rows = [
        {
            "title": row.title,
            "subject": row.entries[0].quantity.subject.name,
            "entries": [
                {**_figure(findings.figures.get(entry.quantity)), "paper": entry.paper}
                for entry in row.entries
            ],
        }
        for row in table.rows
    ]
    return {
        "table": table.number,
        **_frame(table, findings, circumstances),
        "columns": table.columns,
        "rows": rows,
    }


def curves_json(
    curves: Curves, findings: Findings, circumstances: dict[str, Any]
) -> dict[str, Any]:
    """A figure as one object; numbers that could not be measured are null."""
    lines = [
        {
            "title": curve.title,
            "points": [{"x": x, **_figure(findings.figures.get(q))} for x, q in curve.points],
        }
        for curve in curves.curves
    ]
    return {
        "figure": curves.number,
        **_frame(curves, findings, circumstances),
        "x": curves.x_label,
        "curves": lines,
        "paper": [dataclasses.asdict(mark) for mark in curves.marks],
    }


def table_markdown(table: Table, findings: Findings, circumstances: dict[str, Any]) -> str:
    """A table, the paper's numbers beside ours."""
    heading = ["", *(part for column in table.columns for part in (column, "paper"))]
    rows = []
    for row in table.rows:
        cells = [row.title]
        for entry in row.entries:
            found = findings.figures.get(entry.quantity)
            cells += [_text(found, entry.quantity), _text(entry.paper, entry.quantity)]
        rows.append(cells)
    heading_line = f"# Table {ROMAN[table.number]}: {table.title}"
    return _page(heading_line, _grid(heading, rows), table.note, findings, circumstances)


def curves_markdown(curves: Curves, findings: Findings, circumstances: dict[str, Any]) -> str:
    """A figure as a table over x, and its picture."""
    heading = [curves.x_label, *(f"{curve.title} [%]" for curve in curves.curves)]
    rows = [
        [str(point[0][0]), *(_text(findings.figures.get(q), q) for _, q in point)]
        for point in zip(*(curve.points for curve in curves.curves), strict=True)
    ]
    printed = [
        f"- {mark.title}: {mark.value:.1f} %" + ("" if mark.x is None else f" at {mark.x}")
        for mark in curves.marks
    ]
    body = [*_grid(heading, rows), "", *printed, "", f"![{curves.title}]({curves.name}.png)"]
    heading_line = f"# Figure {curves.number}: {curves.title}"
    return _page(heading_line, body, curves.note, findings, circumstances, varied=curves.x_label)


def missing_lines(missing: Iterable[Missing]) -> list[str]:
    """What is missing and what to run, as a list in Markdown."""
    by_reason: dict[str, list[Missing]] = {}
    for entry in missing:
        by_reason.setdefault(entry.reason, []).append(entry)
    lines = []
    for reason, entries in by_reason.items():
        lines += [f"- {', '.join(dict.fromkeys(entry.what for entry in entries))}: {reason}"]
        commands = dict.fromkeys(entry.command for entry in entries if entry.command)
        lines += [f"  - `{command}`" for command in commands]
    return lines


def _page(
    heading: str,
    body: Sequence[str],
    note: str,
    findings: Findings,
    circumstances: dict[str, Any],
    varied: str = "",
) -> str:
    lines = [heading, "", *body, ""]
    lines += [note, ""] if note else []
    lines += [_circumstances_line(circumstances, varied), ""]
    lines += _places_lines(findings, circumstances["trials"])
    if findings.weights:
        lines += [
            "Weights:",
            "",
            *(weights_line(used, _shown(used.path)) for used in findings.weights),
        ]
        lines += [""]
        lines += unequal_training_lines(findings.weights)
    lines += [f"{note}.\n" for note in findings.notes]
    if findings.missing:
        lines += ["Missing, and what to run for it:", "", *missing_lines(findings.missing), ""]
    return "\n".join(lines)


def _circumstances_line(circumstances: dict[str, Any], varied: str) -> str:
    """The protocol, but for what a figure varies."""
    said = {
        "trials": circumstances["trials"],
        "contexts N": circumstances["contexts"],
        "seed": circumstances["seed"],
        "precision": circumstances["precision"],
        "particles K": circumstances["particles_global"],
        "particles K in tracking": circumstances["particles_tracking"],
    }
    if circumstances["map_from"] != "own":
        said["maps of"] = f"{circumstances['map_from']} place"
    words = ", ".join(f"{key} {value}" for key, value in said.items() if key != varied)
    return (
        f"95 % intervals in brackets. {words}; {circumstances['date']}, "
        f"{circumstances['machine']}: `{circumstances['command']}`"
    )


def _places_lines(findings: Findings, trials: int) -> list[str]:
    """Where trials outnumber places, or places share images, and what intervals make of it."""
    lines = []
    for data, places in findings.places.items():
        blocks = findings.blocks.get(data, places)
        if blocks < places:
            lines.append(
                f"{data}: {trials} trials in {places} places of {blocks} blocks; places of a block "
                "overlap and share images, and intervals count what its trials have in common.\n"
            )
        elif places < trials:
            lines.append(
                f"{data}: {trials} trials in {places} places; intervals count what trials of one "
                "place have in common.\n"
            )
    return lines


def _shown(path: Path) -> str:
    """A path below the current folder as it is from there; of others the end."""
    here = Path.cwd()
    path = path.absolute()
    inside = path.is_relative_to(here)
    return path.relative_to(here).as_posix() if inside else "/".join(path.parts[-2:])


def _grid(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heading, ["---"] * len(heading), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _text(figure: Figure | float | None, quantity: Quantity) -> str:
    if figure is None:
        return ABSENT
    return f"{figure:.2f}" if quantity.unit == "m" else f"{figure:.1f}"


def _figure(figure: Figure | None) -> dict[str, float | None]:
    if figure is None:
        return {"value": None, "low": None, "high": None}
    return dict(dataclasses.asdict(figure))


def _frame(
    shown: Table | Curves, findings: Findings, circumstances: dict[str, Any]
) -> dict[str, Any]:
    return {
        "title": shown.title,
        "note": shown.note,
        **circumstances,
        "weights": [
            {**dataclasses.asdict(used), "path": _shown(used.path)} for used in findings.weights
        ],
        "places": findings.places,
        "blocks": findings.blocks,
        "notes": findings.notes,
        "missing": [dataclasses.asdict(entry) for entry in findings.missing],
    }
