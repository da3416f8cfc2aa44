"""Camera poses drawn from the free space of a maze."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError
from dmn_core.worlds.maze import MazeLayout

_MAX_ROUNDS = 1000


def sample_free_poses(
    layout: MazeLayout, count: int, *, rng: np.random.Generator, margin_m: float | None = None
) -> NDArray[np.float64]:
    """Draw `count` poses (count, 3) [m, m, rad], uniform over free space and uniform in yaw.

    `margin_m` is the least distance to walls; by default the robot's radius.

    Raises:
        WorldError: when no point keeps that distance.
    """
    centres = layout.free_cell_centres()
    half = layout.config.cell_m / 2
    points: list[NDArray[np.float64]] = []
    missing = count
    for _ in range(_MAX_ROUNDS):
        if missing <= 0:
            break
        homes = centres[rng.integers(len(centres), size=2 * missing)]
        drawn = homes + rng.uniform(-half, half, size=homes.shape)
        kept = drawn[layout.is_free(drawn, margin_m)][:missing]
        points.append(kept)
        missing -= len(kept)
    if missing > 0:
        raise WorldError(
            f"found no free point at least {margin_m!r} m from the walls of maze {layout.seed}; "
            "use a smaller margin"
        )
    xy = np.concatenate([np.empty((0, 2)), *points])
    return np.column_stack([xy, rng.uniform(-np.pi, np.pi, size=count)])
