"""Camera poses in rooms: anywhere, or with the objects ahead."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError
from dmn_core.worlds.rooms.layout import RoomConfig, RoomLayout

CameraPlacement = Literal["free", "inward", "ring"]

_MAX_ROUNDS = 1000


def sample_cameras(
    layout: RoomLayout, count: int, *, rng: np.random.Generator, placement: CameraPlacement = "free"
) -> NDArray[np.float64]:
    """Draw `count` poses (count, 3) [m, m, rad] in the map, clear of objects.

    `free` is uniform over the area and in yaw; `inward` is uniform over the area and looks at
    a point drawn from where objects stand; `ring` is uniform on the circle that touches the area's
    sides, with the middle of the room ahead.

    Raises:
        WorldError: hardly a place is clear of objects.
    """
    draw = _DRAW[placement]
    poses = np.empty((0, 3))
    for _ in range(_MAX_ROUNDS):
        drawn = draw(layout.config, 2 * count, rng)
        poses = np.concatenate([poses, drawn[layout.is_free(drawn[:, :2])]])
        if len(poses) >= count:
            return poses[:count]
    raise WorldError(
        f"found {len(poses)} of {count} places clear of objects in room {layout.seed}; "
        "use fewer or smaller objects"
    )


def _draw_free(config: RoomConfig, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    half = config.area_m / 2
    return rng.uniform((-half, -half, -np.pi), (half, half, np.pi), size=(count, 3))


def _draw_inward(config: RoomConfig, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    half, half_objects = config.area_m / 2, config.object_area_units / 2 * config.unit_m
    xy = rng.uniform(-half, half, size=(count, 2))
    ahead = rng.uniform(-half_objects, half_objects, size=(count, 2)) - xy
    return np.column_stack([xy, np.arctan2(ahead[:, 1], ahead[:, 0])])


def _draw_ring(config: RoomConfig, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    half = config.area_m / 2
    yaw = rng.uniform(-np.pi, np.pi, size=count)
    return np.column_stack([-half * np.cos(yaw), -half * np.sin(yaw), yaw])


_DRAW = {"free": _draw_free, "inward": _draw_inward, "ring": _draw_ring}
