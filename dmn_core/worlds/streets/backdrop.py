"""Pictures under and above a city: the ground with its roads, and the sky."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dmn_core.worlds.streets.city import City
from dmn_core.worlds.streets.layout import Rectangle, Street
from dmn_core.worlds.streets.visit import Light, Visit

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float64]

PX_PER_M = 6
SKY_PX = (128, 256)
_ASPHALT, _SIDEWALK, _YARD = (128, 128, 131), (196, 192, 186), (150, 146, 140)
_PAINT, _YELLOW = (222, 222, 216), (208, 168, 60)
_SNOW, _LITTER = np.array([236.0, 240.0, 246.0]), np.array([176.0, 104.0, 44.0])
_SHADOW = 0.38
_LONGEST_SHADOW_M = 60.0


def ground_rectangle(city: City) -> Rectangle:
    """What the picture of the ground covers, in metres."""
    return city.plan.bounds.grown(14.0)


def draw_ground(city: City, visit: Visit) -> Image:
    """Return the ground seen from above as RGB: +x to the right, +y up."""
    canvas = _Canvas(ground_rectangle(city))
    canvas.fill(canvas.area, _YARD)
    for park in city.plan.parks:
        canvas.fill(park, visit.season.grass)
    pieces = city.plan.street_pieces()
    for street, start, end in pieces:
        canvas.fill(street.piece(start, end, street.width_m / 2), _SIDEWALK)
    walks = (canvas.picture == _SIDEWALK).all(axis=-1)
    for street, start, end in pieces:
        road = street.width_m / 2 - street.sidewalk_m
        canvas.fill(street.piece(start, end, road), _ASPHALT)
        _paint_lines(canvas, street, start, end)
    walks &= (canvas.picture == _SIDEWALK).all(axis=-1)
    _paint_crossings(canvas, city)
    picture = canvas.picture.astype(np.float64)
    # What is part of the place is drawn from its seed, what is new from the visit's.
    place, day = np.random.default_rng([city.plan.seed, 3]), np.random.default_rng(visit.seed)
    picture += _smooth_noise(picture.shape[:2], 24, place)[..., None] * 7
    picture += place.normal(0, 4, picture.shape[:2])[..., None]
    _cover(picture, walks, visit, day)
    picture *= 1 - _SHADOW * _shadows(canvas, city, visit.light)[..., None]
    return np.clip(picture, 0, 255).astype(np.uint8)


def draw_sky(visit: Visit) -> Image:
    """Return the sky (128, 256, 3) as RGB: columns go round anticlockwise from east, top is up."""
    height, width = SKY_PX
    rng = np.random.default_rng([visit.seed, 1])
    light = visit.light
    elevation = np.linspace(np.pi / 2, -np.pi / 2, height)[:, None, None]
    azimuth = np.linspace(0, 2 * np.pi, width, endpoint=False)[None, :, None]
    blend = np.clip(np.sin(elevation), 0, 1) ** 0.5
    sky = np.array(light.horizon) * (1 - blend) + np.array(light.zenith) * blend
    sky = np.broadcast_to(sky, (height, width, 3)).copy()
    noise = _smooth_noise((height, width), 8, rng, wrap=True)[..., None]
    cover = np.clip((noise + 2.4 * light.clouds - 1.6) * 1.5, 0, 1) * (elevation > 0)
    cloud = 205 + 22 * _smooth_noise((height, width), 20, rng, wrap=True)[..., None]
    cloud = cloud * np.clip(np.array(light.ambient) + np.array(light.sun), 0, 1)
    sky = sky * (1 - 0.85 * cover) + cloud * 0.85 * cover
    sun_azimuth, sun_elevation = sun_angles(light)
    towards = np.cos(elevation) * np.cos(sun_elevation) * np.cos(azimuth - sun_azimuth)
    towards = towards + np.sin(elevation) * np.sin(sun_elevation)
    glow = np.exp((towards - 1) * 18)
    sky += 220 * glow * np.array(light.sun) * (1 - 0.7 * cover)
    return np.clip(sky, 0, 255).astype(np.uint8)


def sun_angles(light: Light) -> tuple[float, float]:
    """Azimuth, anticlockwise from east, and elevation of the sun in radians."""
    return float(np.radians(90 - light.azimuth_deg)), float(np.radians(light.elevation_deg))


class _Canvas:
    """A picture of the ground that is painted in metres."""

    def __init__(self, area: Rectangle) -> None:
        self.area = area
        width, height = (int(side * PX_PER_M) for side in area.size)
        self.picture = np.zeros((height, width, 3), dtype=np.uint8)

    def pixels(self, xy_m: FloatArray) -> NDArray[np.int32]:
        """Columns and rows (..., 2) of points in metres."""
        column = (xy_m[..., 0] - self.area.x0) * PX_PER_M
        row = (self.area.y1 - xy_m[..., 1]) * PX_PER_M
        return np.round(np.stack([column, row], axis=-1)).astype(np.int32)

    def fill(self, area: Rectangle, colour: tuple[int, int, int]) -> None:
        """Paint a rectangle."""
        (left, top), (right, bottom) = self.pixels(
            np.array([[area.x0, area.y1], [area.x1, area.y0]])
        )
        self.picture[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = colour


def _paint_lines(canvas: _Canvas, street: Street, start: float, end: float) -> None:
    for along in np.arange(start + 1, end - 2, 6.0):
        canvas.fill(street.piece(along, along + 3, 0.1), _YELLOW)
    curb = street.width_m / 2 - street.sidewalk_m
    for side in (-1, 1):
        x, _ = sorted((side * curb, side * (curb - 0.3)))
        a, b = street.point(start, x), street.point(end, x + 0.3)
        canvas.fill(Rectangle(*a, *b), (126, 124, 120))


def _paint_crossings(canvas: _Canvas, city: City) -> None:
    """Bare asphalt where streets cross, and the stripes of the zebras around it."""
    rows = [street for street in city.plan.streets if street.along == 0]
    columns = [street for street in city.plan.streets if street.along == 1]
    for row in rows:
        for column in columns:
            half_x = column.width_m / 2 - column.sidewalk_m
            half_y = row.width_m / 2 - row.sidewalk_m
            x, y = column.at_m, row.at_m
            canvas.fill(Rectangle(x - half_x, y - half_y, x + half_x, y + half_y), _ASPHALT)
            for street, at, other in ((row, x, column), (column, y, row)):
                for side in (-1, 1):
                    zebra = at + side * (other.width_m / 2 - 0.2)
                    if not street.is_closed(zebra + side * 2):
                        _paint_zebra(canvas, street, zebra)


def _paint_zebra(canvas: _Canvas, street: Street, along: float) -> None:
    half = street.width_m / 2 - street.sidewalk_m - 0.4
    for across in np.arange(-half, half, 1.2):
        (ax, ay), (bx, by) = street.point(along - 1.3, across), street.point(along + 1.3, across)
        size = 0.3
        shift = (0.0, size) if street.along == 0 else (size, 0.0)
        canvas.fill(Rectangle(ax - shift[0], ay - shift[1], bx + shift[0], by + shift[1]), _PAINT)


def _cover(
    picture: FloatArray, walks: NDArray[np.bool_], visit: Visit, rng: np.random.Generator
) -> None:
    """Lay snow or fallen leaves on the ground."""
    shape = picture.shape[:2]
    patches = _smooth_noise(shape, 12, rng) + 0.5 * rng.normal(size=shape)
    white = visit.season.snow
    if white > 0:
        # Roads are cleared better than sidewalks and yards.
        road = (np.abs(picture - np.array(_ASPHALT)).max(axis=-1) < 40) & ~walks
        level = np.where(road, 2.2 * white - 2.0, 3.0 * white - 1.2)
        share = np.clip(patches * 0.8 + level, 0, 1)[..., None]
        picture[:] = picture * (1 - 0.9 * share) + _SNOW * 0.9 * share
    if visit.season.leaf_litter > 0:
        fallen = (rng.random(shape) < visit.season.leaf_litter) & (patches > 0) & walks
        picture[fallen] = 0.35 * picture[fallen] + 0.65 * _LITTER


def _shadows(canvas: _Canvas, city: City, light: Light) -> FloatArray:
    """Darkness (H, W) in [0, 1] of what buildings and trees cast on the ground."""
    mask = np.zeros(canvas.picture.shape[:2], dtype=np.uint8)
    azimuth, elevation = sun_angles(light)
    away = -np.array([np.cos(azimuth), np.sin(azimuth)]) / np.tan(elevation)
    for building in city.buildings:
        f = building.footprint
        base = np.array([[f.x0, f.y0], [f.x1, f.y0], [f.x1, f.y1], [f.x0, f.y1]])
        reach = away * building.height_m
        reach *= min(1.0, _LONGEST_SHADOW_M / np.linalg.norm(reach))
        hull = cv2.convexHull(canvas.pixels(np.concatenate([base, base + reach])))
        cv2.fillConvexPoly(mask, hull, 255)
    for tree in city.trees:
        at = canvas.pixels(np.array([tree.x, tree.y]) + away * tree.height_m * 0.7)
        cv2.circle(mask, at.tolist(), int(tree.height_m * 0.22 * PX_PER_M), 200, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), 2.0).astype(np.float64) / 255
    # Under a covered sky nothing casts a shadow.
    return soft * min(1.0, 1.6 * max(light.sun))


def _smooth_noise(
    shape: tuple[int, ...], cell_px: int, rng: np.random.Generator, *, wrap: bool = False
) -> FloatArray:
    """Noise (H, W) of about unit spread that changes over `cell_px` pixels."""
    height, width = shape
    coarse = rng.normal(size=(height // cell_px + 2, width // cell_px + 2)).astype(np.float32)
    if wrap:
        coarse = np.concatenate([coarse, coarse], axis=1)
        fine = cv2.resize(coarse, (2 * width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(fine[:, width // 2 : width // 2 + width], dtype=np.float64)
    fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine, dtype=np.float64)
