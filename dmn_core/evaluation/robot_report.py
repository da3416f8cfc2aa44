"""Kidnapped drives as a JSON record, a table and a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from rich.table import Table

from dmn_core.belief_monitor import State
from dmn_core.evaluation.figure_file import save_figure
from dmn_core.evaluation.metrics import Figure
from dmn_core.evaluation.robot_trials import (
    Reliability,
    Times,
    Trial,
    mean_nees,
    nees_of_mode,
    nees_of_pose,
    reliability,
    right_of_trusted,
    share_right,
    time_to_find,
    time_to_flag,
    trusted_share,
    within_95_percent,
)
from dmn_core.trust import TrustLimits

TRACKED = {State.TRACKING}
DOUBTED = {State.DEGRADED, State.LOST}
Findings = dict[str, Times | Figure | None]


def covariance_findings(nees: Sequence[Sequence[float]], *, of: str) -> Findings:
    """How true covariances are, from squared errors in their units."""
    return {
        f"mean NEES{of} (3 is true)": mean_nees(nees),
        f"poses in their 95 % region{of} [%]": within_95_percent(nees),
    }


def findings_of(trials: Sequence[Trial], *, success_m: float) -> Findings:
    """Everything that trials tell, by what it is called."""
    return {
        "found after the start": time_to_find(trials, success_m=success_m, kidnapped=False),
        "kidnap flagged DEGRADED or LOST": time_to_flag(
            trials, states=DOUBTED, success_m=success_m
        ),
        "kidnap flagged LOST": time_to_flag(trials, states={State.LOST}, success_m=success_m),
        "found after the kidnap": time_to_find(trials, success_m=success_m, kidnapped=True),
        "right while TRACKING [%]": share_right(trials, states=TRACKED, success_m=success_m),
        "right, all images [%]": share_right(trials, states=set(State), success_m=success_m),
        "sure enough for a view of a map [%]": trusted_share(trials, TrustLimits()),
        "right of these [%]": right_of_trusted(trials, TrustLimits(), success_m=success_m),
        **covariance_findings(
            nees_of_mode(trials, success_m=success_m), of=" of the best mode, right images"
        ),
        **covariance_findings(nees_of_pose(trials, states=TRACKED), of=" while TRACKING"),
        **covariance_findings(nees_of_pose(trials, states=set(State)), of=", all images"),
    }


def reliability_of(trials: Sequence[Trial], *, success_m: float) -> Reliability:
    """How often estimates were right at each confidence that was given."""
    moments = [moment for trial in trials for moment in trial]
    said = np.array([moment.confidence for moment in moments])
    return reliability(said, np.array([moment.error_m < success_m for moment in moments]))


def as_table(findings: Findings, *, title: str) -> Table:
    """The findings for a terminal."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("value", justify="right")
    table.add_column("median time", justify="right")
    for name, found in findings.items():
        if isinstance(found, Times):
            share = "-" if found.share is None else f"{found.share:.0f} % of {found.trials}"
            median = "-" if found.median_s is None else f"{found.median_s:.1f} s"
            table.add_row(name, share, median)
        else:
            table.add_row(name, "-" if found is None else f"{found:.1f}", "")
    return table


def write_record(path: Path, findings: Findings, curve: Reliability, about: dict[str, Any]) -> Path:
    """Write a JSON file with how it was measured (`about`), the findings and the curve."""
    record = {
        **about,
        "findings": {name: _plain(found) for name, found in findings.items()},
        "reliability": asdict(curve),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + "\n")
    return path


def draw_trials(
    path: Path, trials: Sequence[Trial], curve: Reliability, *, success_m: float
) -> Path:
    """Write a PNG: errors and confidence around the kidnap, and the reliability curve."""
    picture = Picture(figsize=(11, 3.6), layout="constrained")
    left, middle, right = picture.subplots(1, 3)
    for axes, name in ((left, "error_m"), (middle, "confidence")):
        for trial in trials:
            times = [moment.since_kidnap_s for moment in trial]
            values = [getattr(moment, name) for moment in trial]
            axes.plot(times, values, color="#1f77b4", alpha=0.25, lw=0.8)
        axes.axvline(0, color="#d62728", lw=1)
        axes.set_xlabel("time since the kidnap [s]")
    left.axhline(success_m, color="black", lw=0.8, ls="--")
    left.set_ylabel("error of the position [m]")
    middle.set_ylabel("confidence")
    draw_reliability(right, curve)
    for axes in (left, middle, right):
        axes.grid(alpha=0.3)
    return save_figure(picture, path, dpi=130)


def draw_reliability(axes: Axes, curve: Reliability) -> None:
    """The curve on axes: right as often as was said lies on the diagonal."""
    axes.plot([0, 1], [0, 1], color="black", lw=0.8, ls="--")
    axes.plot(curve.said, curve.right, "o-", color="#1f77b4", ms=4)
    for said, share, count in zip(curve.said, curve.right, curve.count, strict=True):
        axes.annotate(
            str(count), (said, share), fontsize=6, xytext=(3, 3), textcoords="offset points"
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("confidence")
    axes.set_ylabel("share of right estimates")
    axes.set_title(f"mean gap {curve.expected_error:.3f}", fontsize=9)


def _plain(found: Times | Figure | None) -> Any:
    if isinstance(found, Times):
        share = None if found.share is None else asdict(found.share)
        return {"trials": found.trials, "percent": share, "median_s": found.median_s}
    return None if found is None else asdict(found)
