"""What stands in a city at every visit: buildings, trees, lamps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dmn_core.worlds.streets.layout import CityConfig, CityPlan, Rectangle, plan_city

STYLES = 32
"""Facades that the buildings of one city choose from."""
_LOT_M = (9.0, 20.0)
_CLOSING_DEPTH_M = 10.0
_TREE_STEP_M, _LAMP_STEP_M = 8.0, 22.0
_CROSSING_MARGIN_M = 4.0


@dataclass(frozen=True)
class Building:
    """A box on the ground: `height_m` high, with facade `style`, which begins at `phase_m`."""

    footprint: Rectangle
    height_m: float
    style: int
    phase_m: float
    has_tank: bool = False


@dataclass(frozen=True)
class Tree:
    """A tree at x, y; `kind` in [0, 1) decides the colour of its leaves, `seed` its shape."""

    x: float
    y: float
    height_m: float
    kind: float
    seed: int


@dataclass(frozen=True)
class Lamp:
    """A lamp post at x, y whose arm points along `yaw`; traffic lights are lamps at crossings."""

    x: float
    y: float
    yaw: float
    is_signal: bool = False


@dataclass(frozen=True)
class City:
    """A plan and what stands on it for good."""

    plan: CityPlan
    buildings: tuple[Building, ...]
    trees: tuple[Tree, ...]
    lamps: tuple[Lamp, ...]


def build_city(seed: int, config: CityConfig | None = None) -> City:
    """Return the city that belongs to `seed`; the same seed gives the same city."""
    plan = plan_city(seed, config)
    rng = np.random.default_rng([seed, 1])
    lots = [lot for block in plan.blocks for lot in _lots(block, rng)]
    buildings = tuple(_building(lot, plan.config, rng) for lot in [*lots, *_closings(plan)])
    trees = (*_street_trees(plan, rng), *_park_trees(plan, rng))
    return City(plan, buildings, trees, tuple(_lamps(plan)))


def _lots(block: Rectangle, rng: np.random.Generator) -> list[Rectangle]:
    """Cut a block into lots, across its longer side, until they are small."""
    width, depth = block.size
    longer = max(width, depth)
    if longer < _LOT_M[1] and (longer < 2 * _LOT_M[0] or rng.random() < 0.7):
        return [block]
    cut = longer * rng.uniform(0.38, 0.62)
    if width >= depth:
        middle = block.x0 + cut
        halves = (
            Rectangle(block.x0, block.y0, middle, block.y1),
            Rectangle(middle, block.y0, block.x1, block.y1),
        )
    else:
        middle = block.y0 + cut
        halves = (
            Rectangle(block.x0, block.y0, block.x1, middle),
            Rectangle(block.x0, middle, block.x1, block.y1),
        )
    return [lot for half in halves for lot in _lots(half, rng)]


def _closings(plan: CityPlan) -> list[Rectangle]:
    """Lots across the ends of the streets, beyond the bounds."""
    found = []
    for street in plan.streets:
        low = (plan.bounds.x0, plan.bounds.y0)[street.along]
        high = (plan.bounds.x1, plan.bounds.y1)[street.along]
        half = street.width_m / 2 + 1
        found.append(street.piece(low - _CLOSING_DEPTH_M, low, half))
        found.append(street.piece(high, high + _CLOSING_DEPTH_M, half))
    return found


def _building(lot: Rectangle, config: CityConfig, rng: np.random.Generator) -> Building:
    low, high = config.height_m
    # Most houses are of middling height; a tall one stands out.
    height = low + (high - low) * rng.beta(1.4, 2.2)
    return Building(
        lot,
        float(height),
        int(rng.integers(STYLES)),
        float(rng.uniform(0, 16)),
        bool(rng.random() < 0.25),
    )


def _street_trees(plan: CityPlan, rng: np.random.Generator) -> list[Tree]:
    trees = []
    for street, start, end in plan.street_pieces(margin_m=3.0):
        for side in (-1, 1):
            if rng.random() < 0.3:
                continue  # this side has none
            offset = side * (street.width_m / 2 - 0.75 * street.sidewalk_m)
            for along in np.arange(start + 2, end - 2, _TREE_STEP_M):
                at = street.point(along + rng.uniform(-1.5, 1.5), offset)
                if rng.random() < 0.55 and not on_crossing(plan, np.array(at)):
                    trees.append(_tree(*at, rng))
    return trees


def _park_trees(plan: CityPlan, rng: np.random.Generator) -> list[Tree]:
    trees = []
    for park in plan.parks:
        inner = park.grown(-3.0)
        for _ in range(int(inner.size[0] * inner.size[1] / 45)):
            x, y = rng.uniform(inner.x0, inner.x1), rng.uniform(inner.y0, inner.y1)
            trees.append(_tree(x, y, rng))
    return trees


def _tree(x: float, y: float, rng: np.random.Generator) -> Tree:
    height = float(rng.uniform(4.5, 9.0))
    return Tree(float(x), float(y), height, float(rng.random()), int(rng.integers(2**31)))


def _lamps(plan: CityPlan) -> list[Lamp]:
    lamps = []
    for street, start, end in plan.street_pieces(margin_m=2.0):
        count = max(int((end - start) / _LAMP_STEP_M), 1)
        for index in range(count):
            side = 1 if index % 2 else -1
            along = start + (index + 0.5) * (end - start) / count
            x, y = street.point(along, side * (street.width_m / 2 - 0.8 * street.sidewalk_m))
            if not on_crossing(plan, np.array([x, y])):
                # East-west streets have their sides north and south, the others east and west.
                yaw = -side * np.pi / 2 if street.along == 0 else (np.pi if side > 0 else 0.0)
                lamps.append(Lamp(x, y, yaw))
    return lamps + _signals(plan)


def _signals(plan: CityPlan) -> list[Lamp]:
    east_west = [street for street in plan.streets if street.along == 0]
    north_south = [street for street in plan.streets if street.along == 1]
    lamps = []
    for row in east_west:
        for column in north_south:
            x = column.at_m + column.width_m / 2 - 0.7 * column.sidewalk_m
            y = row.at_m + row.width_m / 2 - 0.7 * row.sidewalk_m
            lamps.append(Lamp(x, y, np.pi, True))
            lamps.append(Lamp(2 * column.at_m - x, 2 * row.at_m - y, 0.0, True))
    return lamps


def on_crossing(plan: CityPlan, xy_m: NDArray[np.float64]) -> bool:
    """Tell whether a point is where two streets cross, or little beside it."""
    inside = [
        abs(xy_m[1 - street.along] - street.at_m) < street.width_m / 2 + _CROSSING_MARGIN_M
        for street in plan.streets
    ]
    ways = {street.along for street, hit in zip(plan.streets, inside, strict=True) if hit}
    return len(ways) == 2
