"""Pictures of trials as in the paper's figures 5 and 6: what was seen and what was believed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.patheffects import withStroke

from dmn_core.data.episode import Episodes
from dmn_core.evaluation.algorithms import EncodedTrials
from dmn_core.evaluation.belief_figures import (
    TRUTH,
    VIEWPOINT,
    BeliefPanel,
    FloatArray,
    draw_pose,
    draw_poses,
    panel_heights,
    show_beliefs,
)
from dmn_core.evaluation.figure_file import save_figure
from dmn_core.evaluation.likelihood_map import LikelihoodMap, likelihood_map
from dmn_core.particle_filter import Belief
from dmn_core.particle_filter.estimate import covariance, weighted_mean

DPI = 110
PANEL_INCHES = 2.9
STRIP_INCHES = 1.6


def draw_sequence(path: Path, encoded: EncodedTrials, belief: Belief) -> Path:
    """Write figure 5 of one trial (B = 1): contexts, queries, and the belief after each query.

    Source: paper figure 5.
    """
    episodes = encoded.episodes
    panels = [
        panel_of(episodes, weighed, t, label=f"t = {t + 1}")
        for t, weighed in enumerate(encoded.beliefs(belief))
    ]
    tall = PANEL_INCHES * sum(panel_heights(panels, episodes.area_m)) + 0.8
    size = (PANEL_INCHES * len(panels), STRIP_INCHES + tall)
    figure = Figure(figsize=size, layout="constrained")
    above, below = _two_parts(figure, (STRIP_INCHES, tall))
    show_contexts(above, episodes)
    viewpoints = as_array(episodes.context_poses[0])
    for axes in show_beliefs(below, panels, viewpoints=viewpoints, area_m=episodes.area_m):
        _number_viewpoints(axes, viewpoints)
    return save_figure(figure, path, dpi=DPI)


def draw_likelihood(path: Path, encoded: EncodedTrials) -> Path:
    """Write figure 6 of one trial (B = 1): for each query its likelihood over the whole area.

    Colour is the log-likelihood of the best heading at each place; arrows show that heading where
    the likelihood is high. Numbers below the contexts are attention at the true pose, shares or
    scalar products, for networks that attend to views.

    Source: paper figure 6.
    """
    episodes = encoded.episodes
    count = episodes.query_poses.shape[1]
    tall = PANEL_INCHES * 1.75
    size = (PANEL_INCHES * max(count, 2) + 0.6, STRIP_INCHES + tall)
    figure = Figure(figsize=size, layout="constrained")
    above, below = _two_parts(figure, (STRIP_INCHES, tall))
    maps = [likelihood_map(encoded, t) for t in range(count)]
    show_contexts(above, episodes, [found.attention for found in maps])
    axes = below.subplots(2, count, squeeze=False, height_ratios=(0.55, 1.0))
    for t, found in enumerate(maps):
        axes[0, t].imshow(episodes.query_images[0, t].cpu().numpy())
        axes[0, t].set_axis_off()
        axes[0, t].set_title(f"query {t + 1}", fontsize=10)
        _draw_map(axes[1, t], found, episodes, t)
    handles = axes[1, 0].get_legend_handles_labels()
    below.legend(*handles, loc="outside lower center", ncols=2, frameon=False)
    return save_figure(figure, path, dpi=DPI)


def show_contexts(
    figure: FigureBase, episodes: Episodes, attention: Sequence[FloatArray | None] = ()
) -> None:
    """The context images of one trial, numbered, with attention (N,) of each query below."""
    count = episodes.context_images.shape[1]
    for number, axes in enumerate(figure.subplots(1, count, squeeze=False)[0]):
        axes.imshow(episodes.context_images[0, number].cpu().numpy())
        axes.set_xticks([])
        axes.set_yticks([])
        for edge in axes.spines.values():
            edge.set(color=VIEWPOINT, linewidth=2)
        axes.set_title(f"context {number + 1}", fontsize=10, color=VIEWPOINT)
        numbers = [f"{weights[number]:.2f}" for weights in attention if weights is not None]
        told = "attention " if number == 0 and numbers else ""
        axes.set_xlabel(told + "  ".join(numbers), fontsize=8)


def panel_of(episodes: Episodes, weighed: Belief, t: int, *, label: str) -> BeliefPanel:
    """The belief after query `t` of the first trial."""
    mean = weighted_mean(weighed)
    return BeliefPanel(
        time_s=float(t),
        particles=as_array(weighed.poses_map_base[0]),
        weights=as_array(weighed.weights[0]),
        estimate=as_array(mean[0]),
        covariance=as_array(covariance(weighed, mean)[0]),
        truth=as_array(episodes.query_poses[0, t]),
        image=episodes.query_images[0, t].cpu().numpy(),
        label=label,
    )


def _draw_map(axes: Axes, found: LikelihoodMap, episodes: Episodes, t: int) -> None:
    """Log-likelihood of the best heading over the area, with viewpoints and the truth."""
    shown = axes.imshow(
        found.best, origin="lower", extent=episodes.area_m, cmap="viridis", vmin=-found.contrast
    )
    axes.figure.colorbar(shown, ax=axes, fraction=0.046, label="log-likelihood, best heading")
    high = found.best > -found.contrast / 4
    x, y = found.grid
    yaw = found.heading
    axes.quiver(
        x[high], y[high], np.cos(yaw[high]), np.sin(yaw[high]), color="white", scale=32, width=0.004
    )
    viewpoints = as_array(episodes.context_poses[0])
    size = 0.06 * (episodes.area_m[1] - episodes.area_m[0])
    draw_poses(axes, viewpoints, size, "white", "_", width=0.016)
    draw_poses(axes, viewpoints, size, VIEWPOINT, "context views", width=0.008)
    _number_viewpoints(axes, viewpoints)
    draw_pose(axes, as_array(episodes.query_poses[0, t]), 1.3 * size, TRUTH, "truth")
    axes.set_xlim(episodes.area_m[:2])
    axes.set_ylim(episodes.area_m[2:])
    axes.tick_params(labelsize=8)
    axes.set_xlabel("x [m]", fontsize=8)
    if t == 0:
        axes.set_ylabel("y [m]", fontsize=8)


def _number_viewpoints(axes: Axes, viewpoints: FloatArray) -> None:
    for number, (x, y, _) in enumerate(viewpoints, start=1):
        axes.annotate(
            str(number),
            (x, y),
            (3, 3),
            textcoords="offset points",
            color=VIEWPOINT,
            fontsize=9,
            weight="bold",
            annotation_clip=True,
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )


def _two_parts(figure: Figure, heights: tuple[float, float]) -> Sequence[FigureBase]:
    """An upper and a lower part."""
    return list(np.ravel(figure.subfigures(2, 1, squeeze=False, height_ratios=heights)))


def as_array(tensor: object) -> FloatArray:
    """Numbers of a tensor, in double precision on the CPU."""
    return np.asarray(tensor.double().cpu())  # type: ignore[attr-defined]
