"""The MuJoCo model of a city at one visit."""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmn_core.worlds.model_parts import add_textured_material, add_triangles, new_spec
from dmn_core.worlds.streets.backdrop import draw_ground, draw_sky, ground_rectangle, sun_angles
from dmn_core.worlds.streets.city import STYLES, City
from dmn_core.worlds.streets.facades import FACADE_M, draw_facade
from dmn_core.worlds.streets.furniture import draw_car, permanent_shapes
from dmn_core.worlds.streets.shapes import Triangles, together
from dmn_core.worlds.streets.traffic import MOVING_CARS, parked_cars
from dmn_core.worlds.streets.visit import Light, Visit

FloatArray = NDArray[np.float64]

SKY_RADIUS_M = 320.0
SKY_GEOM, CAR_GEOM = "sky_dome", "car_{}"
HIDDEN_DEPTH_M = 60.0
"""How far below the ground the cars lie that are not there."""
_PALETTE_SIDE = 64


def build_street_model(
    mujoco: ModuleType, city: City, visit: Visit, *, buffer_size: tuple[int, int]
) -> Any:
    """Return the compiled `mujoco.MjModel`, for an off-screen buffer (width, height).

    The world frame is the city's. The moving cars lie at the origin, hidden below the ground.
    """
    spec = new_spec(mujoco, buffer_size=buffer_size)
    _add_light(mujoco, spec, visit.light)
    _add_mesh(mujoco, spec, "ground", *_ground_faces(city), draw_ground(city, visit))
    _add_mesh(mujoco, spec, SKY_GEOM, *_sky_faces(), draw_sky(visit), emission=1.0)
    for style in range(STYLES):
        corners, texture_uv = _facade_faces(city, style)
        if len(corners):
            picture = draw_facade(facade_seed(city, style))
            _add_mesh(mujoco, spec, f"facade_{style}", corners, texture_uv, picture)
    still = together([permanent_shapes(city, visit.season), parked_cars(city, visit)])
    _add_painted(mujoco, spec, "still", still)
    rng = np.random.default_rng([visit.seed, 3])
    for number in range(MOVING_CARS):
        car = draw_car(rng).moved(0.0, 0.0, -HIDDEN_DEPTH_M)
        _add_painted(mujoco, spec, CAR_GEOM.format(number), car)
    return spec.compile()


def facade_seed(city: City, style: int) -> int:
    """Seed of the picture of a city's facade."""
    return int(np.random.default_rng([city.plan.seed, 4, style]).integers(2**31))


def _add_light(mujoco: ModuleType, spec: Any, light: Light) -> None:
    azimuth, elevation = sun_angles(light)
    flat = np.cos(elevation)
    spec.worldbody.add_light(
        name="sun",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        castshadow=0,
        dir=(-flat * np.cos(azimuth), -flat * np.sin(azimuth), -np.sin(elevation)),
        diffuse=light.sun,
        ambient=light.ambient,
        specular=(0.0, 0.0, 0.0),
    )


def _ground_faces(city: City) -> tuple[FloatArray, FloatArray]:
    """Triangles (F, 3, 3) of the ground and their places (F, 3, 2) in its picture."""
    area = ground_rectangle(city)
    corners = np.array(
        [[area.x0, area.y0, 0], [area.x1, area.y0, 0], [area.x1, area.y1, 0], [area.x0, area.y1, 0]]
    )
    texture_uv = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    split = [[0, 1, 2], [0, 2, 3]]
    return corners[split], texture_uv[split]


def _sky_faces(around: int = 24, upwards: int = 12) -> tuple[FloatArray, FloatArray]:
    """Triangles of a sphere seen from inside, and their places in the picture of the sky."""
    u, v = np.meshgrid(np.linspace(0, 1, around + 1), np.linspace(0, 1, upwards + 1))
    azimuth, elevation = 2 * np.pi * u, np.pi / 2 - np.pi * v
    flat = np.cos(elevation)
    sphere = SKY_RADIUS_M * np.stack(
        [flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=-1
    )
    places = np.stack([u, v], axis=-1)
    corners, texture_uv = [], []
    for i in range(upwards):
        for j in range(around):
            ring = [(i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j)]
            for face in ((ring[0], ring[1], ring[2]), (ring[0], ring[2], ring[3])):
                points = np.array([sphere[at] for at in face])
                if np.linalg.norm(np.cross(points[1] - points[0], points[2] - points[0])) > 1e-6:
                    corners.append(points)
                    texture_uv.append([places[at] for at in face])
    return np.array(corners), np.array(texture_uv)


def _facade_faces(city: City, style: int) -> tuple[FloatArray, FloatArray]:
    """Walls of the buildings of one style; the picture goes round each building."""
    corners, texture_uv = [], []
    width, height = FACADE_M
    for building in city.buildings:
        if building.style != style:
            continue
        f, top = building.footprint, building.height_m
        ring = np.array([[f.x0, f.y0], [f.x1, f.y0], [f.x1, f.y1], [f.x0, f.y1], [f.x0, f.y0]])
        lengths = np.linalg.norm(np.diff(ring, axis=0), axis=1)
        ends = building.phase_m + np.cumsum([0.0, *lengths])
        for (a, b), (u0, u1) in zip(pairwise(ring), pairwise(ends / width), strict=True):
            wall = np.array([[*a, 0.0], [*b, 0.0], [*b, top], [*a, top]])
            places = np.array(
                [[u0, 1.0], [u1, 1.0], [u1, 1 - top / height], [u0, 1 - top / height]]
            )
            for split in ([0, 1, 2], [0, 2, 3]):
                corners.append(wall[split])
                texture_uv.append(places[split])
    return np.array(corners), np.array(texture_uv)


def _add_painted(mujoco: ModuleType, spec: Any, name: str, shape: Triangles) -> None:
    """Add triangles with flat colours: each shows one pixel of a palette."""
    side = _PALETTE_SIDE
    colours, index = np.unique(shape.colours, axis=0, return_inverse=True)
    if len(colours) > side * side:  # too many shades: keep the coarser ones
        colours, index = np.unique(shape.colours // 8 * 8, axis=0, return_inverse=True)
    palette = np.zeros((side * side, 3), dtype=np.uint8)
    palette[: len(colours)] = colours
    index = index.reshape(-1)
    place = np.stack([index % side + 0.5, index // side + 0.5], axis=-1) / side
    texture_uv = np.repeat(place[:, None], 3, axis=1)
    _add_mesh(mujoco, spec, name, shape.corners, texture_uv, palette.reshape(side, side, 3))


def _add_mesh(
    mujoco: ModuleType,
    spec: Any,
    name: str,
    corners: FloatArray,
    texture_uv: FloatArray,
    picture: NDArray[np.uint8],
    *,
    emission: float = 0.0,
) -> None:
    """Add triangles (F, 3, 3) that show a picture at its places (F, 3, 2)."""
    add_textured_material(mujoco, spec, name, picture, emission=emission)
    add_triangles(mujoco, spec, name, corners, texture_corners=texture_uv)
