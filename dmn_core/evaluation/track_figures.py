"""Pictures of a whole drive: where it went, and how far off the estimate was over time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dmn_core.calibration import DEFAULT_SUCCESS_M
from dmn_core.evaluation.belief_figures import ESTIMATE, TRUTH, VIEWPOINT
from dmn_core.evaluation.figure_file import save_figure
from dmn_core.evaluation.track_summary import TrackErrors
from dmn_core.views import Area

FloatArray = NDArray[np.float64]


def draw_track(
    path: Path,
    *,
    poses: FloatArray,
    truth: FloatArray | None,
    errors: TrackErrors | None,
    viewpoints: FloatArray,
    area_m: Area,
) -> Path:
    """Write a top view of the drive and, where the truth is known, the errors over time.

    Args:
        path: of the PNG.
        poses: (T, 3) estimates.
        truth: (T', 3) true poses, or None.
        errors: of the estimates, or None.
        viewpoints: (N, 3) of the context views.
        area_m: x_min, x_max, y_min, y_max that is shown.
    """
    figure = Figure(figsize=(11 if errors is not None else 5.5, 5), layout="constrained")
    columns = 2 if errors is not None else 1
    places = figure.subplots(1, columns, squeeze=False)[0]
    _draw_top_view(places[0], poses, truth, viewpoints, area_m)
    if errors is not None:
        _draw_errors(places[1], errors)
    return save_figure(figure, path, dpi=110)


def _draw_top_view(
    axes: Axes, poses: FloatArray, truth: FloatArray | None, viewpoints: FloatArray, area_m: Area
) -> None:
    x, y, yaw = viewpoints.T
    axes.quiver(x, y, np.cos(yaw), np.sin(yaw), color=VIEWPOINT, scale=22, label="context views")
    if truth is not None:
        axes.plot(truth[:, 0], truth[:, 1], color=TRUTH, lw=2.5, label="truth")
        axes.plot(*truth[0, :2], "s", color=TRUTH, ms=8, label="start")
    axes.plot(poses[:, 0], poses[:, 1], ".-", color=ESTIMATE, lw=0.7, ms=4, label="estimate")
    axes.set_xlim(area_m[:2])
    axes.set_ylim(area_m[2:])
    axes.set_aspect("equal")
    axes.set_xlabel("x [m]")
    axes.set_ylabel("y [m]")
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 1.09), ncols=4, frameon=False)


def _draw_errors(axes: Axes, errors: TrackErrors) -> None:
    axes.plot(errors.times_s, errors.position_m, color=ESTIMATE, label="position error [m]")
    limit = DEFAULT_SUCCESS_M
    axes.axhline(limit, color="grey", ls="--", lw=1, label=f"success below {limit:.2f} m")
    axes.set_xlabel("time [s]")
    axes.set_ylabel("position error [m]")
    axes.set_ylim(bottom=0)
    turned = axes.twinx()
    turned.plot(errors.times_s, np.degrees(errors.heading_rad), color="#9467bd", lw=0.8, alpha=0.7)
    turned.set_ylabel("heading error [deg]", color="#9467bd")
    turned.set_ylim(0, 180)
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 1.09), ncols=2, frameon=False)
