"""The scene that RViz and Foxglove show of a localizer, drawn without either."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from numpy.typing import NDArray

from dmn_core.evaluation.belief_figures import draw_pose, sigma_ellipse
from dmn_core.fix import Fix
from dmn_core.map_editing import records_of
from dmn_core.particle_filter.density import density_grid
from dmn_core.view_pictures import from_picture_png
from dmn_core.views import Area, ViewMap

FloatArray = NDArray[np.float64]
DARK, LINES, PALE = "#303030", "#505054", "#e0e0e0"
ESTIMATE, TRUTH, VIEWPOINT, MODE = "#d62728", "#2ca02c", "#1a80ff", "#e64de6"
CELL_M, LINE_EVERY_M = 0.5, 5.0
# Of the fullest cell; less is not shown.
LEAST_HEAT = 0.01
PICTURE_M, BEHIND_M, ARROW_M = 2.0, 1.6, 1.5


@dataclass(frozen=True)
class Scene:
    """What there is to see after one image.

    Attributes:
        fix: of the image.
        path: (T, 3) estimates until then.
        truth: (T', 3) true poses until then; None where they are not known.
        view_map: in use, with the pictures of its views.
        area_m: x_min, x_max, y_min, y_max that is shown.
    """

    fix: Fix
    path: FloatArray
    truth: FloatArray | None
    view_map: ViewMap
    area_m: Area


def draw_scene(axes: Axes, scene: Scene) -> None:
    """Heat map, particles by weight, viewpoints with pictures, modes, covariance and paths."""
    _draw_ground(axes, scene.area_m)
    _draw_belief(axes, scene.fix, scene.area_m)
    _draw_viewpoints(axes, scene.view_map)
    _draw_modes(axes, scene.fix)
    lines = [(scene.path, ESTIMATE, "estimate")]
    if scene.truth is not None:
        lines.insert(0, (scene.truth, TRUTH, "truth"))
    for poses, colour, label in lines:
        axes.plot(poses[:, 0], poses[:, 1], color=colour, lw=1.6, zorder=5)
        draw_pose(axes, poses[-1], 1.6, colour, label)
    ellipse = sigma_ellipse(scene.fix.pose_map_base, scene.fix.covariance)
    ellipse.set(facecolor="#cc33cc55", edgecolor=ESTIMATE, fill=True, zorder=4)
    axes.add_patch(ellipse)
    axes.legend(
        loc="lower right",
        fontsize=8,
        labelcolor=PALE,
        facecolor=DARK,
        edgecolor=LINES,
        framealpha=0.9,
    )


def dark(axes: Axes) -> Axes:
    """Axes in the colours of a dark screen."""
    axes.set_facecolor(DARK)
    axes.tick_params(colors=PALE, labelsize=7)
    for spine in axes.spines.values():
        spine.set_color(LINES)
    return axes


def _draw_ground(axes: Axes, area_m: Area) -> None:
    dark(axes)
    axes.set_xlim(area_m[:2])
    axes.set_ylim(area_m[2:])
    axes.set_aspect("equal")
    first_x, first_y = (LINE_EVERY_M * np.ceil(edge / LINE_EVERY_M) for edge in area_m[::2])
    axes.set_xticks(np.arange(first_x, area_m[1] + 1e-9, LINE_EVERY_M))
    axes.set_yticks(np.arange(first_y, area_m[3] + 1e-9, LINE_EVERY_M))
    axes.grid(color=LINES, lw=0.5)
    axes.set_axisbelow(True)


def _draw_belief(axes: Axes, fix: Fix, area_m: Area) -> None:
    size = (area_m[3] - area_m[2], area_m[1] - area_m[0])
    shape = (max(1, round(size[0] / CELL_M)), max(1, round(size[1] / CELL_M)))
    heat = density_grid(fix.particles_map_base, fix.weights, area_m, shape=shape)
    shown = np.ma.masked_less(heat, LEAST_HEAT * heat.max())
    axes.imshow(
        shown,
        origin="lower",
        extent=area_m,
        cmap="cool",
        norm=PowerNorm(0.5, vmin=0.0),
        alpha=0.5,
        zorder=1,
    )
    order = np.argsort(fix.weights)
    x, y, _ = fix.particles_map_base[order].T
    share = fix.weights[order] / fix.weights.max()
    axes.scatter(x, y, c=share, cmap="rainbow", s=6, marker="s", lw=0, zorder=2, vmin=0, vmax=1)


def _draw_viewpoints(axes: Axes, view_map: ViewMap) -> None:
    poses = view_map.poses_map_camera[0].double().cpu().numpy()
    for number, (pose, record) in enumerate(zip(poses, records_of(view_map), strict=True)):
        x, y, yaw = pose
        ahead = np.array([np.cos(yaw), np.sin(yaw)])
        picture = from_picture_png(record.picture_png)
        if picture is not None:
            left, low = pose[:2] - BEHIND_M * ahead - PICTURE_M / 2
            place = (left, left + PICTURE_M, low, low + PICTURE_M)
            axes.imshow(picture, extent=place, zorder=3)
        axes.arrow(
            x,
            y,
            *(ARROW_M * ahead),
            color=VIEWPOINT,
            width=0.12,
            length_includes_head=True,
            zorder=3,
        )
        axes.text(x, y, str(number), color=PALE, fontsize=7, ha="center", va="center", zorder=6)


def _draw_modes(axes: Axes, fix: Fix) -> None:
    for mode in fix.status.modes:
        ellipse = sigma_ellipse(mode.pose_map_base, mode.covariance)
        alpha = 0.25 + 0.75 * mode.mass
        ellipse.set(facecolor=MODE, edgecolor=MODE, alpha=0.5 * alpha, fill=True, zorder=3)
        axes.add_patch(ellipse)
        x, y, _ = mode.pose_map_base
        axes.text(
            x, y + 0.6, f"{100 * mode.mass:.0f} %", color=MODE, fontsize=8, alpha=alpha, zorder=6
        )
