"""Rooms drawn from seeds: walls, floor, light and objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmn_core.errors import WorldError
from dmn_core.views import Area
from dmn_core.worlds.rooms.looks import FLOORS, WALLS, Colour, draw_colour
from dmn_core.worlds.rooms.shapes import PROPORTIONS, SHAPES, ShapeName

_MAX_TRIES = 1000
_GAP_UNITS = 0.2


@dataclass(frozen=True)
class RoomConfig:
    """Shape of a room, in units of which the published rooms are seven wide.

    Attributes:
        area_m: side of the square where cameras are, in metres.
        area_units: the same in units; the rest of the room is a margin along the walls.
        side_units: side of the room.
        wall_height_units: the sky is above.
        eye_height_units: of the camera, above the floor.
        max_objects: at least one object is there, at most these.
        object_area_units: side of the square where objects stand.
        object_size_units: least and greatest size; a sphere's is its radius.
        turn_objects: whether objects are turned about the vertical.
        camera_gap_units: that a camera keeps from an object.
    """

    area_m: float = 40.0
    area_units: float = 6.0
    side_units: float = 7.0
    wall_height_units: float = 2.3
    eye_height_units: float = 1.0
    max_objects: int = 3
    object_area_units: float = 4.0
    object_size_units: tuple[float, float] = (0.4, 0.65)
    turn_objects: bool = True
    camera_gap_units: float = 0.3

    def __post_init__(self) -> None:
        """Refuse a room that cannot be."""
        if not 0 < self.object_area_units <= self.area_units <= self.side_units:
            raise WorldError(
                "a room wants 0 < object_area_units <= area_units <= side_units, got "
                f"{self.object_area_units!r}, {self.area_units!r} and {self.side_units!r}"
            )
        low, high = self.object_size_units
        if not 0 < low <= high or self.max_objects < 1 or not self.area_m > 0:
            raise WorldError(
                "a room wants 0 < least <= greatest object size, max_objects >= 1 and area_m > 0, "
                f"got {self.object_size_units!r}, {self.max_objects!r} and {self.area_m!r}"
            )

    @property
    def unit_m(self) -> float:
        """Length of one unit in metres."""
        return self.area_m / self.area_units

    @property
    def side_m(self) -> float:
        """Side of the room in metres."""
        return self.side_units * self.unit_m


@dataclass(frozen=True)
class RoomObject:
    """An object that stands on the floor: centre of its footprint [m], size [m], turn [rad]."""

    shape: ShapeName
    colour: Colour
    x_m: float
    y_m: float
    size_m: float
    yaw_rad: float

    @property
    def reach_m(self) -> float:
        """Radius of the circle around its footprint."""
        return PROPORTIONS[self.shape].reach * self.size_m

    @property
    def half_height_m(self) -> float:
        """Height of its middle above the floor."""
        return PROPORTIONS[self.shape].half_height * self.size_m


@dataclass(frozen=True)
class RoomLight:
    """A lamp (x, y, z) [m] above the room, its strength, and the light from everywhere."""

    position_m: tuple[float, float, float]
    strength: float
    ambient: float


@dataclass(frozen=True)
class RoomLayout:
    """One room; the map's origin is the middle of the floor."""

    config: RoomConfig
    seed: int
    wall: str
    floor: str
    objects: tuple[RoomObject, ...]
    light: RoomLight

    @property
    def area_m(self) -> Area:
        """x_min, x_max, y_min, y_max where cameras are, in metres."""
        half = self.config.area_m / 2
        return -half, half, -half, half

    def is_free(self, xy_m: ArrayLike) -> NDArray[np.bool_]:
        """Tell which points (..., 2) keep a camera's distance from every object."""
        xy = np.asarray(xy_m, dtype=np.float64)
        free = np.ones(xy.shape[:-1], dtype=np.bool_)
        gap = self.config.camera_gap_units * self.config.unit_m
        for thing in self.objects:
            distance = np.hypot(xy[..., 0] - thing.x_m, xy[..., 1] - thing.y_m)
            free &= distance >= thing.reach_m + gap
        return free


def generate_room(seed: int, config: RoomConfig | None = None) -> RoomLayout:
    """Return the room that belongs to `seed`; the same seed gives the same room.

    Raises:
        WorldError: the seed is negative, or the objects do not fit into the room.
    """
    config = config or RoomConfig()
    if seed < 0:
        raise WorldError(f"a room seed must not be negative, got {seed!r}")
    rng = np.random.default_rng(seed)
    wall, floor = str(rng.choice(sorted(WALLS))), str(rng.choice(sorted(FLOORS)))
    light = _draw_light(config, rng)
    objects: tuple[RoomObject, ...] = ()
    for _ in range(int(rng.integers(1, config.max_objects + 1))):
        objects = (*objects, _draw_object(config, objects, rng))
    return RoomLayout(config, seed, wall, floor, objects, light)


def _draw_light(config: RoomConfig, rng: np.random.Generator) -> RoomLight:
    half = config.side_units / 2
    x, y = rng.uniform(-half, half, size=2) * config.unit_m
    z = rng.uniform(1.5, 2.5) * config.wall_height_units * config.unit_m
    return RoomLight(
        (float(x), float(y), float(z)),
        strength=float(rng.uniform(0.5, 0.8)),
        ambient=float(rng.uniform(0.35, 0.5)),
    )


def _draw_object(
    config: RoomConfig, others: tuple[RoomObject, ...], rng: np.random.Generator
) -> RoomObject:
    shape = SHAPES[int(rng.integers(len(SHAPES)))]
    colour = draw_colour(rng)
    half = config.object_area_units / 2 * config.unit_m
    for _ in range(_MAX_TRIES):
        x, y = rng.uniform(-half, half, size=2)
        size = rng.uniform(*config.object_size_units) * config.unit_m
        yaw = rng.uniform(-np.pi, np.pi) if config.turn_objects else 0.0
        drawn = RoomObject(shape, colour, float(x), float(y), float(size), float(yaw))
        if all(_gap_m(drawn, other) >= _GAP_UNITS * config.unit_m for other in others):
            return drawn
    raise WorldError(
        f"found no place for object {len(others) + 1} of at most {config.max_objects} in "
        f"{config.object_area_units!r} units; use fewer or smaller ones"
    )


def _gap_m(one: RoomObject, other: RoomObject) -> float:
    distance = float(np.hypot(one.x_m - other.x_m, one.y_m - other.y_m))
    return distance - one.reach_m - other.reach_m
