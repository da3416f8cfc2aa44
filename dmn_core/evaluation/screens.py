"""What RViz with config/dmn.rviz, and Foxglove with its layout, show of a drive, as pictures.

They are drawn from the same data that the nodes publish, and are not screenshots.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase, SubFigure
from numpy.typing import NDArray

from dmn_core.evaluation.figure_file import save_figure
from dmn_core.evaluation.scene import DARK, PALE, Scene, dark, draw_scene
from dmn_core.fix import Fix
from dmn_core.map_editing import records_of
from dmn_core.view_pictures import view_sheet

DPI = 110
SIGNALS = {
    "confidence": ("confidence", "mass of the best mode", "entropy"),
    "latency [ms]": ("latency",),
}


def draw_rviz(path: Path, scene: Scene, image: NDArray[np.uint8]) -> Path:
    """The scene beside the camera's image and the views of the map."""
    figure = Figure(figsize=(11.5, 7.6), layout="constrained", facecolor=DARK)
    side, main = _parts(figure, columns=(0.32, 0.68))
    _draw_images(side, scene, image, rows=2)
    draw_scene(main.subplots(), scene)
    return _saved(figure, path)


def draw_foxglove(
    path: Path, scene: Scene, image: NDArray[np.uint8], history: Sequence[Fix]
) -> Path:
    """The scene beside images, plots over time, and the status in words."""
    figure = Figure(figsize=(13, 7.6), layout="constrained", facecolor=DARK)
    main, side = _parts(figure, columns=(0.58, 0.42))
    draw_scene(main.subplots(), scene)
    images, plots, words = _parts(side, rows=(0.42, 0.36, 0.22))
    _draw_images(images, scene, image, rows=1)
    _draw_plots(plots, history)
    _draw_status(words.subplots(), scene.fix)
    return _saved(figure, path)


def _parts(
    figure: FigureBase, *, rows: tuple[float, ...] = (1.0,), columns: tuple[float, ...] = (1.0,)
) -> list[SubFigure]:
    parts = figure.subfigures(
        len(rows),
        len(columns),
        squeeze=False,
        height_ratios=rows,
        width_ratios=columns,
        facecolor=DARK,
    )
    return list(np.asarray(parts).reshape(-1))


def _saved(figure: Figure, path: Path) -> Path:
    return save_figure(figure, path, dpi=DPI)


def _draw_images(figure: FigureBase, scene: Scene, image: NDArray[np.uint8], *, rows: int) -> None:
    places = np.atleast_1d(figure.subplots(rows, 3 - rows)).reshape(-1)
    sheet = view_sheet([record.picture_png for record in records_of(scene.view_map)])
    for axes, title, picture in zip(
        places, ("Camera", "Views of the map"), (image, sheet), strict=True
    ):
        axes.set_axis_off()
        axes.set_title(title, color=PALE, fontsize=9)
        if picture is not None:
            axes.imshow(picture)


def _draw_plots(figure: FigureBase, history: Sequence[Fix]) -> None:
    times_s = [(fix.stamp_ns - history[0].stamp_ns) / 1e9 for fix in history]
    values = {
        "confidence": [fix.status.confidence for fix in history],
        "mass of the best mode": [fix.status.top_mode_mass for fix in history],
        "entropy": [fix.status.entropy for fix in history],
        "latency": [1e3 * fix.latency_s for fix in history],
    }
    for axes, (title, names) in zip(figure.subplots(1, 2), SIGNALS.items(), strict=True):
        for name in names:
            dark(axes).plot(times_s, values[name], lw=1.2, label=name)
        axes.set_title(title, color=PALE, fontsize=9)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("time [s]", color=PALE, fontsize=8)
        axes.legend(fontsize=7, labelcolor=PALE, facecolor=DARK, edgecolor=DARK)


def _draw_status(axes: Axes, fix: Fix) -> None:
    axes.set_axis_off()
    status = fix.status
    lines = (
        f"state: {status.state.name}",
        f"confidence: {status.confidence:.2f}    particles: {status.num_particles}    "
        f"effective: {100 * status.ess_ratio:.0f} %",
        f"surprise: {status.surprise:.2f} nats    drawn anew: {100 * status.injected_share:.0f} %",
        status.reason.replace(", ", ",\n"),
    )
    axes.text(0.02, 0.95, "\n".join(lines), color=PALE, fontsize=8, va="top", family="monospace")
