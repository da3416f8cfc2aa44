"""Tables as bars and figures as curves, with intervals, beside what the paper prints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.ticker import NullLocator, ScalarFormatter

from dmn_core.evaluation.curves import Curves
from dmn_core.evaluation.figure_file import save_figure
from dmn_core.evaluation.measuring import Findings
from dmn_core.evaluation.tables import Entry, Table

OURS, PAPER = "#1f77b4", "#d62728"
LINES = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#8c564b", "#17becf")
DPI = 130


def draw_table(path: Path, table: Table, findings: Findings) -> Path:
    """Write a PNG: for every column bars by row, the paper's numbers as diamonds."""
    columns, rows = len(table.columns), len(table.rows)
    size = (2.6 + 2.7 * columns, 1.5 + 0.36 * rows)
    picture = Picture(figsize=size, layout="constrained")
    places = picture.subplots(1, columns, squeeze=False, sharey=True)[0]
    for column, axes in enumerate(places):
        entries = [row.entries[column] for row in table.rows]
        _draw_bars(axes, entries, findings)
        axes.set_title(table.columns[column], fontsize=9)
    places[0].set_yticks(range(rows), [row.title for row in table.rows], fontsize=8)
    places[0].invert_yaxis()
    handles, labels = places[0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return save_figure(picture, path, dpi=DPI)


def _draw_bars(axes: Axes, entries: list[Entry], findings: Findings) -> None:
    places = np.arange(len(entries))
    measured = [findings.figures.get(entry.quantity) for entry in entries]
    values = np.array([np.nan if f is None else f.value for f in measured])
    ends = np.array([(0.0, 0.0) if f is None else (f.low, f.high) for f in measured]).T
    reach = np.abs(ends - np.nan_to_num(values))
    reach[:, np.isnan(values)] = 0.0
    axes.barh(places, values, color=OURS, height=0.62, label="measured, 95 % interval")
    axes.errorbar(values, places, xerr=reach, fmt="none", ecolor="black", elinewidth=1, capsize=2)
    printed = np.array([np.nan if e.paper is None else e.paper for e in entries])
    style = {"color": PAPER, "ms": 6, "mec": "white"}
    axes.plot(printed, places, "D", label="paper", **style)  # type: ignore[arg-type]
    axes.set_xlim(0, 100 if entries[0].quantity.unit == "%" else None)
    middle = axes.get_xlim()[1] / 2
    for place in np.flatnonzero(np.isnan(values)):
        left = printed[place] > middle  # the paper's diamond is on the other side
        axes.text(
            0.02 if left else 0.98,
            float(place),
            "not measured",
            transform=axes.get_yaxis_transform(),
            ha="left" if left else "right",
            va="center",
            fontsize=7,
            color="grey",
        )
    axes.tick_params(labelsize=8)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)


def draw_curves(path: Path, curves: Curves, findings: Findings) -> Path:
    """Write a PNG: success over x with intervals, the paper's numbers as diamonds and levels."""
    picture = Picture(figsize=(6.4, 4.8), layout="constrained")
    axes = picture.subplots()
    if curves.logarithmic:
        axes.set_xscale("log", base=2)
    for number, curve in enumerate(curves.curves):
        found = [(x, findings.figures[q]) for x, q in curve.points if q in findings.figures]
        colour = LINES[number % len(LINES)]
        axes.plot([], [], "o-", color=colour, label=curve.title)
        if found:
            x = [x for x, _ in found]
            axes.plot(x, [f.value for _, f in found], "o-", color=colour, ms=4)
            low, high = [f.low for _, f in found], [f.high for _, f in found]
            axes.fill_between(x, low, high, color=colour, alpha=0.18, lw=0)
    for number, mark in enumerate(curves.marks):
        if mark.x is None:
            style = ("--", ":")[number % 2]
            axes.axhline(mark.value, color=PAPER, ls=style, lw=1.2, label=mark.title)
        else:
            shape = "d" if mark.title.endswith("t = 1") else "D"
            axes.plot(mark.x, mark.value, shape, color=PAPER, ms=7, mec="white", label=mark.title)
    xs = sorted(
        {x for curve in curves.curves for x, _ in curve.points}
        | {mark.x for mark in curves.marks if mark.x is not None}
    )
    if curves.logarithmic:
        axes.set_xticks(xs)
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(xs[0] * 0.9, xs[-1] * 1.08)
    axes.set_ylim(0, 100)
    axes.set_xlabel(curves.x_label)
    axes.set_ylabel("success [%]")
    axes.set_title(curves.title, fontsize=10)
    axes.grid(alpha=0.3)
    picture.legend(fontsize=8, loc="outside lower center", ncols=2, frameon=False)
    return save_figure(picture, path, dpi=DPI)
