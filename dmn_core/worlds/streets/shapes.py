"""Triangles with flat colours: what cars, trees and lamps are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Colour = tuple[int, int, int]

_BOX_CORNERS = np.array(
    [[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0], [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]]
) * np.array([0.5, 0.5, 1.0])
_BOX_SIDES = np.array([[0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7], [4, 5, 6, 7]])
_GOLDEN = (1 + 5**0.5) / 2
_ICOSAHEDRON = np.array(
    [(0, a, b * _GOLDEN) for a in (-1, 1) for b in (-1, 1)]
    + [(a, b * _GOLDEN, 0) for a in (-1, 1) for b in (-1, 1)]
    + [(b * _GOLDEN, 0, a) for a in (-1, 1) for b in (-1, 1)]
) / np.hypot(1, _GOLDEN)


@dataclass(frozen=True)
class Triangles:
    """Corners (F, 3, 3) in metres, anticlockwise from outside, and RGB colours (F, 3) uint8."""

    corners: FloatArray
    colours: NDArray[np.uint8]

    def __len__(self) -> int:
        """Number of triangles."""
        return len(self.corners)

    def moved(self, x: float, y: float, z: float = 0.0, *, yaw: float = 0.0) -> Triangles:
        """The same shape turned about the vertical by `yaw`, then moved."""
        cos, sin = np.cos(yaw), np.sin(yaw)
        turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
        return Triangles(self.corners @ turn + np.array([x, y, z]), self.colours)


def together(parts: list[Triangles]) -> Triangles:
    """All triangles of the parts, in their order."""
    if not parts:
        return Triangles(np.empty((0, 3, 3)), np.empty((0, 3), dtype=np.uint8))
    return Triangles(
        np.concatenate([part.corners for part in parts]),
        np.concatenate([part.colours for part in parts]),
    )


def quads(corners: ArrayLike, colour: ArrayLike) -> Triangles:
    """Flat four-sided faces, corners (Q, 4, 3), in one colour or in one each (Q, 3)."""
    faces = np.asarray(corners, dtype=np.float64).reshape(-1, 4, 3)
    triangles = faces[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3, 3)
    colours = np.broadcast_to(np.asarray(colour, dtype=np.uint8), (len(faces), 3))
    return Triangles(triangles, np.repeat(colours, 2, axis=0))


def box(
    size: tuple[float, float, float], colour: Colour, *, top: tuple[float, float] | None = None
) -> Triangles:
    """A box (length, width, height) standing on z = 0, without its bottom; `top` tapers it."""
    corners = _BOX_CORNERS * np.asarray(size)
    if top is not None:
        corners[4:, :2] = _BOX_CORNERS[4:, :2] * np.asarray(top)
    return quads(corners[_BOX_SIDES], colour)


def beam(start: ArrayLike, end: ArrayLike, thickness: float, colour: Colour) -> Triangles:
    """A straight square bar between two points."""
    begin, finish = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    along = finish - begin
    length = float(np.linalg.norm(along))
    ahead = along / length
    helper = np.array([1.0, 0.0, 0.0]) if abs(ahead[2]) > 0.9 else np.array([0.0, 0.0, 1.0])
    side = np.cross(helper, ahead)
    side /= np.linalg.norm(side)
    frame = np.stack([side, np.cross(ahead, side), ahead])
    shape = box((thickness, thickness, length), colour)
    return Triangles(shape.corners @ frame + begin, shape.colours)


def blob(
    radii: tuple[float, float, float],
    colour: Colour,
    *,
    rng: np.random.Generator,
    roughness: float = 0.2,
    mottle: int = 18,
) -> Triangles:
    """A rough ball around the origin whose facets differ a little in colour."""
    points = _ICOSAHEDRON * rng.uniform(1 - roughness, 1 + roughness, (12, 1)) * np.asarray(radii)
    faces = _icosahedron_faces()
    shades = np.asarray(colour) + rng.integers(-mottle, mottle + 1, (len(faces), 1))
    return Triangles(points[faces], np.clip(shades, 0, 255).astype(np.uint8))


@lru_cache(maxsize=1)
def _icosahedron_faces() -> NDArray[np.int64]:
    """Corners (20, 3) of its faces, anticlockwise from outside."""
    distance = np.linalg.norm(_ICOSAHEDRON[:, None] - _ICOSAHEDRON[None], axis=-1)
    near = (distance > 0.1) & (distance < 1.2)
    faces = []
    for a in range(12):
        for b in range(a + 1, 12):
            for c in range(b + 1, 12):
                if near[a, b] and near[b, c] and near[a, c]:
                    outward = np.linalg.det(_ICOSAHEDRON[[a, b, c]]) > 0
                    faces.append((a, b, c) if outward else (a, c, b))
    return np.array(faces)
