"""Pictures of a belief over time, in the manner of the paper's figure 5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure, FigureBase
from matplotlib.patches import Ellipse
from numpy.typing import NDArray

from dmn_core.evaluation.figure_file import save_figure
from dmn_core.particle_filter.density import density_grid
from dmn_core.views import Area

FloatArray = NDArray[np.float64]
HEAT_CELLS = 80
MOST_ARROWS = 600
ARROW_M = 0.045  # of the width of the area
TRUTH, ESTIMATE, VIEWPOINT = "#2ca02c", "#d62728", "#1f77b4"


@dataclass(frozen=True)
class BeliefPanel:
    """A belief after one image.

    Attributes:
        time_s: since the first image.
        particles: (K, 3) poses of the robot in the map.
        weights: (K,).
        estimate: (3,).
        covariance: (3, 3) of the estimate, or None.
        truth: (3,) where it is known.
        image: (H, W, 3) uint8 RGB that the belief includes, or None.
        label: above the panel; the time if empty.
    """

    time_s: float
    particles: FloatArray
    weights: FloatArray
    estimate: FloatArray
    covariance: FloatArray | None = None
    truth: FloatArray | None = None
    image: NDArray[np.uint8] | None = None
    label: str = ""


def evenly(count: int, *, most: int) -> list[int]:
    """At most `most` indices below `count`, closer at the beginning, where beliefs change most."""
    if count <= most:
        return list(range(count))
    spread = (np.linspace(0.0, 1.0, most) ** 2 * (count - 1)).round().astype(int)
    return sorted(set(spread.tolist()))


def draw_beliefs(
    path: Path, panels: Sequence[BeliefPanel], *, viewpoints: FloatArray, area_m: Area
) -> Path:
    """Write a row of panels as a picture: what the robot saw above what it believed.

    Args:
        path: of the PNG.
        panels: from left to right.
        viewpoints: (N, 3) of the context views.
        area_m: x_min, x_max, y_min, y_max that is shown.
    """
    figure = belief_figure(panels, viewpoints=viewpoints, area_m=area_m)
    return save_figure(figure, path, dpi=110)


def belief_figure(panels: Sequence[BeliefPanel], *, viewpoints: FloatArray, area_m: Area) -> Figure:
    """The picture that `draw_beliefs` writes."""
    heights = panel_heights(panels, area_m)
    size = (3.0 * len(panels), 3.0 * sum(heights) + 0.9)
    figure = Figure(figsize=size, layout="constrained")
    show_beliefs(figure, panels, viewpoints=viewpoints, area_m=area_m)
    return figure


def panel_heights(panels: Sequence[BeliefPanel], area_m: Area) -> list[float]:
    """Heights of the rows of `show_beliefs`, in widths of a panel: images, if any, and beliefs."""
    tall = (area_m[3] - area_m[2]) / (area_m[1] - area_m[0])
    return [0.55, tall] if any(panel.image is not None for panel in panels) else [tall]


def show_beliefs(
    figure: FigureBase, panels: Sequence[BeliefPanel], *, viewpoints: FloatArray, area_m: Area
) -> list[Axes]:
    """Draw a row of panels into a picture or a part of one; the axes of the beliefs."""
    heights = panel_heights(panels, area_m)
    axes = figure.subplots(len(heights), len(panels), squeeze=False, height_ratios=heights)
    for column, panel in enumerate(panels):
        if len(heights) > 1:
            _draw_image(axes[0, column], panel)
        _draw_belief(axes[-1, column], panel, viewpoints, area_m, first=column == 0)
    handles = axes[-1, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4, frameon=False)
    return list(axes[-1])


def _draw_image(axes: Axes, panel: BeliefPanel) -> None:
    axes.set_axis_off()
    if panel.image is not None:
        axes.imshow(panel.image)


def _draw_belief(
    axes: Axes, panel: BeliefPanel, viewpoints: FloatArray, area_m: Area, *, first: bool
) -> None:
    cells = (HEAT_CELLS, HEAT_CELLS)
    heat = density_grid(panel.particles, panel.weights, area_m, shape=cells)
    axes.imshow(
        heat, origin="lower", extent=area_m, cmap="YlOrBr", norm=PowerNorm(0.5, vmin=0.0), alpha=0.9
    )
    _draw_particles(axes, panel)
    size = ARROW_M * (area_m[1] - area_m[0])
    draw_poses(axes, viewpoints, size, VIEWPOINT, "context views", width=0.006)
    if panel.covariance is not None:
        axes.add_patch(sigma_ellipse(panel.estimate, panel.covariance))
    if panel.truth is not None:
        draw_pose(axes, panel.truth, 1.6 * size, TRUTH, "truth")
    draw_pose(axes, panel.estimate, 1.6 * size, ESTIMATE, "estimate (ellipse: 2 sigma)")
    axes.set_xlim(area_m[:2])
    axes.set_ylim(area_m[2:])
    axes.set_aspect("equal")
    axes.set_title(_title(panel), fontsize=10)
    axes.tick_params(labelsize=8, labelleft=first)
    axes.set_xlabel("x [m]", fontsize=8)
    if first:
        axes.set_ylabel("y [m]", fontsize=8)


def _draw_particles(axes: Axes, panel: BeliefPanel) -> None:
    """A dash for each particle, the likely ones dark and on top; only the heaviest if many."""
    order = np.argsort(panel.weights)[-MOST_ARROWS:]
    poses, weights = panel.particles[order], panel.weights[order]
    axes.quiver(
        poses[:, 0],
        poses[:, 1],
        np.cos(poses[:, 2]),
        np.sin(poses[:, 2]),
        weights / weights.max(),
        cmap="Greys",
        clim=(-0.4, 1.0),
        scale=45,
        width=0.003,
        headwidth=2.5,
        headlength=3,
    )


def draw_poses(
    axes: Axes, poses: FloatArray, size: float, colour: str, label: str, *, width: float
) -> None:
    """Arrows of a size [m] at poses (M, 3), or at one pose (3,)."""
    directions: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1.0}
    x, y, yaw = np.atleast_2d(poses).T
    axes.quiver(
        x, y, size * np.cos(yaw), size * np.sin(yaw), color=colour, width=width, **directions
    )
    axes.plot(x, y, "o", color=colour, markersize=2.5, label=label)


def draw_pose(axes: Axes, pose: FloatArray, size: float, colour: str, label: str) -> None:
    """One pose that stands out."""
    draw_poses(axes, pose, size, "white", "_", width=0.024)
    draw_poses(axes, pose, size, colour, "_", width=0.014)
    axes.plot(pose[0], pose[1], "o", color=colour, mec="white", markersize=6, label=label)


def sigma_ellipse(estimate: FloatArray, covariance: FloatArray) -> Ellipse:
    """Two standard deviations around an estimate (3,) with a covariance (3, 3)."""
    values, vectors = np.linalg.eigh(covariance[:2, :2])
    width, height = 4 * np.sqrt(np.maximum(values, 0.0))
    angle = np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0]))
    return Ellipse(
        (estimate[0], estimate[1]), width, height, angle=angle, fill=False, ec=ESTIMATE, lw=1.2
    )


def _title(panel: BeliefPanel) -> str:
    title = panel.label or f"{panel.time_s:.1f} s"
    if panel.truth is not None:
        error = float(np.hypot(*(panel.estimate - panel.truth)[:2]))
        title += f", error {error:.1f} m"
    return title
