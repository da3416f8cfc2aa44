"""The area of a map whose views come and go: what was stated stays, the rest goes with them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dmn_core.views import Area, ViewMap, area_around

# Nothing beside an area, so that `around` both is the area itself.
NOWHERE: Area = (math.inf, -math.inf, math.inf, -math.inf)
# Viewpoints are float32 in maps, areas float64.
SAME_M, SAME_RELATIVE = 1e-3, 1e-6
# A box around a single view has an extent, however small the margin is.
LEAST_MARGIN_M = 0.01


def around(areas: Sequence[Area]) -> Area:
    """The box around all areas."""
    x_min, x_max, y_min, y_max = zip(*areas, strict=True)
    return (min(x_min), max(x_max), min(y_min), max(y_max))


def stated_sides(view_map: ViewMap, *, margin_m: float) -> Area:
    """The sides of a map's area that its views do not account for; `NOWHERE` for the others.

    A side that ends where the box around the viewpoints, grown by a margin, does is due to a view.
    Beyond it somebody said how far a robot gets, and so it is with all sides of an area that leaves
    out a part of that box.
    """
    if view_map.area_m is None:
        return NOWHERE
    outwards = np.array([-1.0, 1.0, -1.0, 1.0])
    area = np.array(view_map.area_m)
    beyond = outwards * (area - np.array(_box(view_map, margin_m)))
    same = SAME_M + SAME_RELATIVE * np.abs(area)
    if (beyond < -same).any():
        return view_map.area_m
    x_min, x_max, y_min, y_max = np.where(beyond > same, area, NOWHERE).tolist()
    return (x_min, x_max, y_min, y_max)


def within_reach(view_map: ViewMap, stated: Area, *, margin_m: float) -> Area | None:
    """A map's area without what neither its views, with a margin, nor the stated sides reach."""
    if view_map.area_m is None:
        return None
    box = _box(view_map, max(margin_m, LEAST_MARGIN_M))
    x_min, x_max, y_min, y_max = zip(view_map.area_m, around([stated, box]), strict=True)
    return (max(x_min), min(x_max), max(y_min), min(y_max))


def _box(view_map: ViewMap, margin_m: float) -> Area:
    poses = view_map.poses_map_camera[0].double().cpu().numpy()
    return area_around(poses, margin_m=margin_m)
