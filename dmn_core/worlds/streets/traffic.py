"""Where cars are: parked along the curbs of a visit, and moving ones, elsewhere each moment."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dmn_core.worlds.streets.city import City, on_crossing
from dmn_core.worlds.streets.furniture import draw_car
from dmn_core.worlds.streets.shapes import Triangles, together
from dmn_core.worlds.streets.visit import Visit

MOVING_CARS = 6
_PARKING_STEP_M = 6.4
_CLEAR_M = 6.0
_NEAR_M = 45.0
_TRIES = 60


def parked_cars(city: City, visit: Visit) -> Triangles:
    """All cars that stand along the curbs at a visit."""
    rng = np.random.default_rng([visit.seed, 2])
    parts = []
    for street, start, end in city.plan.street_pieces(margin_m=3.0):
        across = street.width_m / 2 - street.sidewalk_m - 1.15
        for side in (-1, 1):
            for along in np.arange(start + 4, end - 4, _PARKING_STEP_M):
                at = street.point(along + rng.uniform(-0.4, 0.4), side * across)
                car = draw_car(rng)
                if rng.random() < visit.occupied and not on_crossing(city.plan, np.array(at)):
                    yaw = street.along * np.pi / 2 + np.pi * rng.integers(2)
                    parts.append(car.moved(*at, yaw=yaw + rng.normal(0, 0.02)))
    return together(parts)


def moving_cars(
    city: City, xy_m: NDArray[np.float64], *, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw poses (up to 6, 3) of cars on the road around a camera, none of them upon it."""
    pieces = city.plan.street_pieces(margin_m=3.0)
    lengths = np.array([end - start for _, start, end in pieces])
    chosen = rng.choice(len(pieces), size=_TRIES, p=lengths / lengths.sum())
    poses: list[tuple[float, float, float]] = []
    for index, along, side in zip(
        chosen, rng.random(_TRIES), rng.choice((-1, 1), _TRIES), strict=True
    ):
        street, start, end = pieces[index]
        x, y = street.point(start + along * (end - start), side * street.reach_m)
        # Cars keep to the right.
        yaw = (0.0 if side < 0 else math.pi) if street.along == 0 else side * math.pi / 2
        near = _CLEAR_M < math.hypot(x - xy_m[0], y - xy_m[1]) < _NEAR_M
        if near and all(math.hypot(x - a, y - b) > _CLEAR_M + 2 for a, b, _ in poses):
            poses.append((x, y, yaw))
        if len(poses) == MOVING_CARS:
            break
    return np.array(poses, dtype=np.float64).reshape(-1, 3)
