"""Shapes of what stands and drives in the streets: trees, lamps, roofs, cars."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from dmn_core.worlds.streets.city import City, Lamp, Tree
from dmn_core.worlds.streets.shapes import Colour, Triangles, beam, blob, box, together
from dmn_core.worlds.streets.visit import Season

_BARK, _POST = (96, 76, 60), (72, 76, 78)
_CORNICES: tuple[Colour, ...] = ((150, 144, 134), (96, 84, 78), (196, 186, 168), (110, 118, 124))
_TYRE, _GLASS, _LIGHT_RED = (26, 26, 28), (44, 54, 64), (190, 30, 30)
_SNOW = (238, 241, 246)
_PAINTS: tuple[Colour, ...] = (
    (236, 236, 238), (28, 28, 32), (128, 130, 134), (176, 180, 184), (150, 24, 28), (28, 58, 128),
    (60, 80, 60), (198, 176, 140), (232, 186, 20), (210, 96, 30),
)  # fmt: skip
_CARS: dict[str, tuple[float, float, float, float]] = {
    "saloon": (4.5, 1.8, 0.85, 1.45),
    "estate": (4.7, 1.9, 1.0, 1.75),
    "van": (5.4, 2.0, 1.2, 2.4),
    "truck": (7.0, 2.3, 1.3, 3.1),
}
"""Length, width, height of the body and of the roof [m]."""


def permanent_shapes(city: City, season: Season) -> Triangles:
    """Everything of a city that has flat colours and does not drive."""
    parts = [_roofs(city, season)]
    parts += [_lamp(lamp) for lamp in city.lamps]
    parts += [_tree(tree, season) for tree in city.trees]
    return together(parts)


def draw_car(rng: np.random.Generator) -> Triangles:
    """Draw a car around the origin, its front towards +x."""
    kind = str(rng.choice(list(_CARS), p=[0.5, 0.3, 0.14, 0.06]))
    return _car(kind, _PAINTS[int(rng.integers(len(_PAINTS)))])


@lru_cache(maxsize=64)
def _car(kind: str, paint: Colour) -> Triangles:
    length, width, body, roof = _CARS[kind]
    parts = [box((length, width, body - 0.3), paint).moved(0, 0, 0.3)]
    if kind == "truck":
        parts.append(box((0.7 * length, width, roof - 0.5), _SNOW).moved(-0.14 * length, 0, 0.5))
        parts.append(box((0.2 * length, width, 1.0), _GLASS).moved(0.37 * length, 0, body))
    else:
        cabin, top = (0.62 * length, 0.48 * length) if kind == "saloon" else (0.8 * length,) * 2
        back = -0.05 * length
        glass = roof - body - 0.08
        window = box((cabin, 0.94 * width, glass), _GLASS, top=(top, 0.8 * width))
        cap = box((top, 0.8 * width, 0.08), paint)
        parts += [window.moved(back, 0, body), cap.moved(back, 0, body + glass)]
    wheels = box((0.66, width + 0.06, 0.62), _TYRE, top=(0.3, width + 0.06))
    parts += [wheels.moved(x * length, 0) for x in (-0.3, 0.3)]
    for y in (-0.35, 0.35):
        parts.append(box((0.06, 0.3, 0.14), _LIGHT_RED).moved(-length / 2, y * width, body - 0.25))
        parts.append(box((0.06, 0.3, 0.14), _SNOW).moved(length / 2, y * width, body - 0.25))
    return together(parts)


def _roofs(city: City, season: Season) -> Triangles:
    parts = []
    for building in city.buildings:
        width, depth = building.footprint.size
        ledge = _SNOW if season.snow > 0 else _CORNICES[building.style % len(_CORNICES)]
        at = (*building.footprint.centre, building.height_m - 0.5)
        parts.append(box((width + 0.5, depth + 0.5, 0.6), ledge).moved(*at))
        if building.has_tank:
            tank = box((2.6, 2.6, 3.4), _BARK, top=(2.2, 2.2))
            parts.append(tank.moved(*at[:2], building.height_m + 1.2))
    return together(parts)


def _lamp(lamp: Lamp) -> Triangles:
    if lamp.is_signal:
        post = beam((0, 0, 0), (0, 0, 5.2), 0.16, _POST)
        arm = beam((0, 0, 5.0), (4.0, 0, 5.0), 0.12, _POST)
        head = box((0.35, 0.35, 1.0), (214, 170, 30)).moved(3.6, 0, 4.2)
        parts = [post, arm, head]
    else:
        post = beam((0, 0, 0), (0, 0, 6.5), 0.14, _POST)
        arm = beam((0, 0, 6.4), (1.8, 0, 6.7), 0.1, _POST)
        parts = [post, arm, box((0.7, 0.3, 0.15), (220, 220, 210)).moved(1.8, 0, 6.6)]
    return together(parts).moved(lamp.x, lamp.y, yaw=lamp.yaw)


def _tree(tree: Tree, season: Season) -> Triangles:
    rng = np.random.default_rng(tree.seed)
    height = tree.height_m
    fork = 0.4 * height
    parts = [beam((0, 0, 0), (0, 0, 0.75 * height), 0.05 * height**0.8, _BARK)]
    for _ in range(5):
        yaw, spread = rng.uniform(0, 2 * np.pi), rng.uniform(0.18, 0.34) * height
        start = (0.0, 0.0, fork * rng.uniform(0.9, 1.5))
        end = np.array([spread * np.cos(yaw), spread * np.sin(yaw), rng.uniform(0.7, 1.0) * height])
        parts.append(beam(start, end, 0.1, _BARK))
        # A bare crown is drawn as its twigs, the others as leaves around the same branches.
        crown = season.leaves[int(tree.kind * len(season.leaves))] if season.leaves else None
        if crown is None:
            for _ in range(3):
                tip = end + rng.normal(0, 0.14 * height, 3) * (1, 1, 0.6)
                parts.append(beam(0.5 * (np.array(start) + end), tip, 0.05, _BARK))
        else:
            radius = rng.uniform(0.15, 0.22) * height
            leaves = blob((radius, radius, 0.85 * radius), crown, rng=rng)
            parts.append(leaves.moved(*(0.85 * end)))
    return together(parts).moved(tree.x, tree.y)
