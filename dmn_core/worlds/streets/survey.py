"""Where the panoramas of a visit are taken: all along the streets, as the survey car drives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError
from dmn_core.worlds.streets.layout import CityPlan
from dmn_core.worlds.streets.visit import Visit

FloatArray = NDArray[np.float64]

_END_MARGIN_M = 5.0
_JITTER_M = 1.0


def survey_poses(plan: CityPlan, visit: Visit, count: int) -> FloatArray:
    """Return `count` poses (x [m], y [m], yaw) in the city's frame, evenly along open streets.

    Every visit passes the same places, off by a metre or so, and looks in directions of its own.

    Raises:
        WorldError: when the city has no street that is long enough.
    """
    pieces = plan.street_pieces(margin_m=_END_MARGIN_M)
    lengths = np.array([end - start for _, start, end in pieces])
    if not lengths.size:
        raise WorldError(f"city {plan.seed} has no open street to survey; make its blocks larger")
    rng = np.random.default_rng([visit.seed, 5])
    ends = np.cumsum(lengths)
    marks = (np.arange(count) + 0.5) / count * ends[-1]
    number = np.minimum(np.searchsorted(ends, marks), len(pieces) - 1)
    poses = np.empty((count, 3))
    for index, (mark, piece) in enumerate(zip(marks, number, strict=True)):
        street, start, end = pieces[piece]
        along = start + mark - (ends[piece] - lengths[piece]) + rng.normal(0, _JITTER_M)
        across = rng.uniform(-1, 1) * street.reach_m
        poses[index, :2] = street.point(float(np.clip(along, start, end)), across)
    poses[:, 2] = rng.uniform(-np.pi, np.pi, count)
    return poses
