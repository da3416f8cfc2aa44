"""Camera poses in rooms: anywhere, or on a ring."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError
from dmn_core.worlds.rooms.layout import RoomLayout

CameraPlacement = Literal["free", "ring"]

_MAX_ROUNDS = 1000


def sample_cameras(
    layout: RoomLayout, count: int, *, rng: np.random.Generator, placement: CameraPlacement = "free"
) -> NDArray[np.float64]:
    """Draw `count` poses (count, 3) [m, m, rad] in the map, clear of objects.

    `free` is uniform over the area and in yaw; `ring` is uniform on the circle that touches the
    area's sides, with the middle of the room ahead.

    Raises:
        WorldError: hardly a place is clear of objects.
    """
    draw = _draw_free if placement == "free" else _draw_ring
    poses = np.empty((0, 3))
    for _ in range(_MAX_ROUNDS):
        drawn = draw(layout.config.area_m / 2, 2 * count, rng)
        poses = np.concatenate([poses, drawn[layout.is_free(drawn[:, :2])]])
        if len(poses) >= count:
            return poses[:count]
    raise WorldError(
        f"found {len(poses)} of {count} places clear of objects in room {layout.seed}; "
        "use fewer or smaller objects"
    )


def _draw_free(half_m: float, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.uniform((-half_m, -half_m, -np.pi), (half_m, half_m, np.pi), size=(count, 3))


def _draw_ring(half_m: float, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    yaw = rng.uniform(-np.pi, np.pi, size=count)
    return np.column_stack([-half_m * np.cos(yaw), -half_m * np.sin(yaw), yaw])
