"""The seven shapes of objects: proportions, and meshes of those that MuJoCo lacks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ShapeName = Literal["box", "sphere", "cylinder", "capsule", "cone", "icosahedron", "triangle"]
SHAPES: tuple[ShapeName, ...] = (
    "box",
    "sphere",
    "cylinder",
    "capsule",
    "cone",
    "icosahedron",
    "triangle",
)


@dataclass(frozen=True)
class Proportions:
    """Extent of a shape of size 1 that stands on the floor.

    Attributes:
        half_width: of its footprint: half a side of a box, the radius of what is round.
        half_height: half of how high it stands.
        reach: farthest point of its footprint from its axis.
    """

    half_width: float
    half_height: float
    reach: float


PROPORTIONS: dict[ShapeName, Proportions] = {
    "box": Proportions(0.8, 0.8, 0.8 * 2**0.5),
    "sphere": Proportions(1.0, 1.0, 1.0),
    "cylinder": Proportions(0.75, 1.0, 0.75),
    "capsule": Proportions(0.6, 1.3, 0.6),
    "cone": Proportions(0.9, 1.1, 0.9),
    "icosahedron": Proportions(1.0, 1.0, 1.0),
    "triangle": Proportions(1.0, 0.9, (1.0 + 0.4**2) ** 0.5),
}
_PRISM_HALF_DEPTH = 0.4
_CONE_SIDES = 24


def mesh_triangles(shape: ShapeName) -> NDArray[np.float64]:
    """Return the triangles (F, 3, 3) of a shape of size 1 around the origin, z upwards.

    Corners go anticlockwise seen from outside. Only for `cone`, `icosahedron` and `triangle`.
    """
    proportions = PROPORTIONS[shape]
    if shape == "cone":
        triangles = _cone(proportions.half_width, proportions.half_height)
    elif shape == "icosahedron":
        triangles = _icosahedron()
    else:
        triangles = _prism(proportions.half_width, proportions.half_height)
    return _facing_outward(triangles)


def _facing_outward(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn the triangles of a convex body around the origin so that all face outward."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    inward = np.einsum("fi,fi->f", np.cross(b - a, c - a), a + b + c) < 0
    triangles[inward] = triangles[inward][:, ::-1]
    return triangles


def _cone(radius: float, half_height: float) -> NDArray[np.float64]:
    angles = np.linspace(0.0, 2 * np.pi, _CONE_SIDES + 1)
    rim = np.column_stack(
        [radius * np.cos(angles), radius * np.sin(angles), np.full(angles.shape, -half_height)]
    )
    around = [
        [rim[i], rim[i + 1], [0.0, 0.0, height]]
        for height in (half_height, -half_height)
        for i in range(_CONE_SIDES)
    ]
    return np.array(around)


def _icosahedron() -> NDArray[np.float64]:
    golden = (1 + 5**0.5) / 2
    corners = np.array(
        [
            np.roll((0.0, one, phi), shift)
            for shift in range(3)
            for one in (-1.0, 1.0)
            for phi in (-golden, golden)
        ]
    )
    near = [
        triple
        for triple in combinations(range(12), 3)
        if all(np.linalg.norm(corners[i] - corners[j]) < 2.1 for i, j in combinations(triple, 2))
    ]
    return corners[np.array(near)] / np.linalg.norm(corners[0])


def _prism(half_width: float, half_height: float) -> NDArray[np.float64]:
    """A triangle that stands upright on one side, with some depth along y."""
    outline = ((-half_width, -half_height), (half_width, -half_height), (0.0, half_height))
    back, front = (
        np.array([(x, y, z) for x, z in outline]) for y in (_PRISM_HALF_DEPTH, -_PRISM_HALF_DEPTH)
    )
    sides = [
        triangle
        for i, j in ((0, 1), (1, 2), (2, 0))
        for triangle in ((front[i], front[j], back[j]), (front[i], back[j], back[i]))
    ]
    return np.array([tuple(front), tuple(back), *sides])
