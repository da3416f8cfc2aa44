"""Plan of a small city: streets that cross, and the blocks between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError

Range = tuple[float, float]

_PARKED_AND_HALF_A_CAR_M = 3.3


@dataclass(frozen=True)
class CityConfig:
    """Shape of a city. Its frame has x to the east, y to the north, z = 0 on the road.

    Attributes:
        crossings: streets each way, so that crossings x crossings of them cross.
        block_m: side of a block between two streets.
        street_m: from facade to facade.
        stub_m: how far streets go on past their last crossing.
        height_m: of buildings.
        closed_probability: of a piece of street between two crossings to be built over.
        park_probability: of an inner block to be a park.
    """

    crossings: int = 3
    block_m: Range = (34.0, 52.0)
    street_m: Range = (12.0, 20.0)
    stub_m: float = 24.0
    height_m: Range = (6.0, 30.0)
    closed_probability: float = 0.12
    park_probability: float = 0.2

    def __post_init__(self) -> None:
        """Refuse cities without crossings or with ranges upside down."""
        if self.crossings < 1:
            raise WorldError(f"a city wants 1 or more crossings each way, got {self.crossings!r}")
        for name in ("block_m", "street_m", "height_m"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise WorldError(f"{name} wants 0 < low <= high, got {low!r} and {high!r}")

    @property
    def largest_side_m(self) -> float:
        """How long the side of a city can be."""
        streets, blocks = self.crossings * self.street_m[1], (self.crossings - 1) * self.block_m[1]
        return streets + blocks + 2 * self.stub_m


@dataclass(frozen=True)
class Rectangle:
    """An upright rectangle on the ground, in metres."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def size(self) -> tuple[float, float]:
        """Width along x and depth along y."""
        return self.x1 - self.x0, self.y1 - self.y0

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def grown(self, by_m: float) -> Rectangle:
        """The same with every side moved outwards."""
        return Rectangle(self.x0 - by_m, self.y0 - by_m, self.x1 + by_m, self.y1 + by_m)

    def holds(self, xy_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which points (..., 2) lie inside."""
        x, y = xy_m[..., 0], xy_m[..., 1]
        return (self.x0 < x) & (x < self.x1) & (self.y0 < y) & (y < self.y1)


@dataclass(frozen=True)
class Street:
    """A straight street through the whole city; `along` is 0 for east-west, 1 for north-south.

    `at_m` is the middle of its other coordinate, `width_m` is from facade to facade; `closed` are
    the pieces [start, end] of it that are built over.
    """

    along: int
    at_m: float
    width_m: float
    closed: tuple[Range, ...] = ()

    @property
    def sidewalk_m(self) -> float:
        """Width of each of the two sidewalks."""
        return 0.2 * self.width_m

    @property
    def reach_m(self) -> float:
        """How far from the middle of the street a car drives clear of those that are parked."""
        return max(self.width_m / 2 - self.sidewalk_m - _PARKED_AND_HALF_A_CAR_M, 0.0)

    def point(self, along_m: float, across_m: float = 0.0) -> tuple[float, float]:
        """The point at a coordinate along the street, `across_m` to the north or the east of it."""
        across = self.at_m + across_m
        return (along_m, across) if self.along == 0 else (across, along_m)

    def piece(self, start_m: float, end_m: float, half_width_m: float) -> Rectangle:
        """The rectangle around a piece of its middle line."""
        (ax, ay), (bx, by) = self.point(start_m, -half_width_m), self.point(end_m, half_width_m)
        return Rectangle(ax, ay, bx, by)

    def is_closed(self, along_m: float, margin_m: float = 0.0) -> bool:
        """Tell whether the street is built over there, or within a margin."""
        return any(a - margin_m < along_m < b + margin_m for a, b in self.closed)


@dataclass(frozen=True)
class CityPlan:
    """Streets of a city, its blocks to build on, and its parks; all in the city's frame."""

    config: CityConfig
    seed: int
    bounds: Rectangle
    streets: tuple[Street, ...]
    blocks: tuple[Rectangle, ...]
    parks: tuple[Rectangle, ...] = field(default=())

    def street_pieces(self, *, margin_m: float = 0.0) -> list[tuple[Street, float, float]]:
        """Open pieces (street, start, end) of every street, `margin_m` away from what closes it."""
        pieces = []
        for street in self.streets:
            low = (self.bounds.x0, self.bounds.y0)[street.along]
            high = (self.bounds.x1, self.bounds.y1)[street.along]
            for a, b in (*street.closed, (high, high)):
                if a - low > 2 * margin_m:
                    pieces.append((street, low + margin_m, a - margin_m))
                low = b
        return pieces


def plan_city(seed: int, config: CityConfig | None = None) -> CityPlan:
    """Return the plan that belongs to `seed`, its middle at the origin.

    Raises:
        WorldError: when the seed is negative.
    """
    if seed < 0:
        raise WorldError(f"a city's seed must not be negative, got {seed!r}")
    config = config or CityConfig()
    rng = np.random.default_rng([seed, 0])
    rows, columns = _gaps(config, rng), _gaps(config, rng)
    bounds = Rectangle(columns[0][0], rows[0][0], columns[-1][1], rows[-1][1])
    streets: list[Street] = []
    blocks: list[Rectangle] = []
    parks: list[Rectangle] = []
    for along, gaps, crossing in ((0, rows, columns), (1, columns, rows)):
        for (_, low), (high, _) in pairwise(gaps):
            # The outer streets stay whole, so that every crossing can be reached.
            outer = low == gaps[0][1] or high == gaps[-1][0]
            chance = 0.0 if outer and config.crossings > 1 else config.closed_probability
            closed = tuple(piece for piece in crossing[1:-1] if rng.random() < chance)
            street = Street(along, (low + high) / 2, high - low, closed)
            streets.append(street)
            blocks += [street.piece(a, b, street.width_m / 2) for a, b in closed]
    for i, (x0, x1) in enumerate(columns):
        for j, (y0, y1) in enumerate(rows):
            inner = 0 < i < len(columns) - 1 and 0 < j < len(rows) - 1
            is_park = inner and rng.random() < config.park_probability
            (parks if is_park else blocks).append(Rectangle(x0, y0, x1, y1))
    return CityPlan(config, seed, bounds, tuple(streets), tuple(blocks), tuple(parks))


def _gaps(config: CityConfig, rng: np.random.Generator) -> list[Range]:
    """Pieces [low, high] of one coordinate between the streets, around 0."""
    count = config.crossings
    blocks = [config.stub_m, *rng.uniform(*config.block_m, count - 1), config.stub_m]
    streets = [*rng.uniform(*config.street_m, count), 0.0]
    starts = np.cumsum([0.0, *(b + s for b, s in zip(blocks, streets, strict=True))])
    middle = (starts[-2] + blocks[-1]) / 2
    return [
        (float(a - middle), float(a + b - middle)) for a, b in zip(starts, blocks, strict=False)
    ]
