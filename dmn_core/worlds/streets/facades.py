"""Pictures of facades: windows, doors and shop fronts, drawn from a seed."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

FACADE_M = (16.0, 32.0)
"""Width and height of what one picture shows: its width repeats, its lower end is the street."""
_PX_PER_M = 10
_GROUND_FLOOR_M = 4.0
_WALLS = (
    (142, 74, 58), (120, 62, 50), (166, 98, 72), (178, 140, 104), (204, 184, 150), (220, 210, 190),
    (150, 146, 140), (112, 112, 116), (196, 160, 90), (222, 190, 110), (132, 148, 158),
    (94, 108, 92), (176, 120, 112), (232, 226, 214), (84, 66, 60), (110, 130, 160),
)  # fmt: skip
_ACCENTS = (
    (196, 32, 40), (30, 90, 180), (20, 130, 80), (240, 180, 20), (230, 110, 20), (110, 40, 140),
    (20, 150, 170), (230, 230, 225), (30, 30, 34), (220, 70, 130),
)  # fmt: skip
_GLASS = np.array([58.0, 72.0, 88.0])


@lru_cache(maxsize=64)
def draw_facade(seed: int) -> Image:
    """Return the facade (320, 160, 3) of a seed as RGB, the street at the bottom."""
    rng = np.random.default_rng(seed)
    width, height = (int(side * _PX_PER_M) for side in FACADE_M)
    wall = np.clip(np.array(_WALLS[rng.integers(len(_WALLS))]) + rng.normal(0, 10, 3), 20, 245)
    picture = np.empty((height, width, 3), dtype=np.float64)
    picture[:] = wall
    _lay_bricks(picture, rng)
    _put_windows(picture, wall, rng)
    _put_ground_floor(picture, wall, rng)
    # Streets are darker at their bottom than at the roofs.
    shade = np.linspace(1.05, 0.86, height)[:, None, None]
    return np.clip(picture * shade, 0, 255).astype(np.uint8)


def _lay_bricks(picture: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Roughen the wall: coarse stains, and courses of stone."""
    height, width, _ = picture.shape
    coarse = rng.normal(0, 9, (height // 16, width // 16)).astype(np.float32)
    picture += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)[..., None]
    picture += rng.normal(0, 5, (height, width, 1))
    if rng.random() < 0.5:
        picture[:: int(rng.integers(4, 9))] *= 0.9


def _put_windows(
    picture: NDArray[np.float64], wall: NDArray[np.float64], rng: np.random.Generator
) -> None:
    height, width, _ = picture.shape
    ground = height - int(_GROUND_FLOOR_M * _PX_PER_M)
    floor_px = int(rng.uniform(3.0, 4.2) * _PX_PER_M)
    bays = int(rng.integers(4, 9))
    wide, tall = rng.uniform(0.35, 0.8), rng.uniform(0.45, 0.75)
    frame = np.clip(wall * (1.35 if rng.random() < 0.6 else 0.55), 15, 250)
    tint = _GLASS * rng.uniform(0.6, 1.3, 3)
    balcony = rng.random() < 0.3
    for bottom in range(ground, 0, -floor_px):
        picture[max(bottom - 2, 0) : bottom] = frame if rng.random() < 0.5 else wall * 0.8
        for bay in range(bays):
            centre = (bay + 0.5) * width / bays
            half = wide * width / bays / 2
            left, right = round(centre - half), round(centre + half)
            top = round(bottom - floor_px * (0.18 + tall))
            low = round(bottom - floor_px * 0.18)
            _put_window(picture, (left, top, right, low), frame, tint, rng)
            if balcony:
                _fill(picture, (left - 2, low - 3, right + 2, low + 2), wall * 0.45)


def _put_window(
    picture: NDArray[np.float64],
    window: tuple[int, int, int, int],
    frame: NDArray[np.float64],
    tint: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    left, top, right, low = window
    _fill(picture, (left - 1, top - 1, right + 1, low + 1), frame)
    _fill(picture, window, tint * rng.uniform(0.75, 1.35))
    if rng.random() < 0.35:  # a blind, drawn some way
        drawn = top + round((low - top) * rng.uniform(0.2, 0.8))
        _fill(picture, (left, top, right, drawn), np.array([205.0, 198.0, 180.0]))
    if right - left > 7:
        middle = (left + right) // 2
        _fill(picture, (middle, top, middle + 1, low), frame)


def _put_ground_floor(
    picture: NDArray[np.float64], wall: NDArray[np.float64], rng: np.random.Generator
) -> None:
    """Shops with awnings and signs, entrances, garages."""
    height, width, _ = picture.shape
    top = height - int(_GROUND_FLOOR_M * _PX_PER_M)
    base = wall * rng.uniform(0.5, 0.95)
    picture[top:] = base
    picture[top : top + 2] = np.clip(wall * 1.25, 0, 250)
    left = 0
    while left < width:
        right = min(left + int(rng.uniform(3.0, 6.5) * _PX_PER_M), width)
        if width - right < 25:
            right = width
        kind = rng.random()
        if kind < 0.55:
            _put_shop(picture, left, right, top, rng)
        elif kind < 0.85:
            _put_entrance(picture, left, right, top, base, rng)
        else:
            _fill(picture, (left + 4, top + 8, right - 4, height), np.full(3, rng.uniform(70, 170)))
            picture[top + 8 : height : 4, left + 4 : right - 4] *= 0.8
        left = right


def _put_shop(
    picture: NDArray[np.float64], left: int, right: int, top: int, rng: np.random.Generator
) -> None:
    bottom = picture.shape[0]
    accent = np.array(_ACCENTS[rng.integers(len(_ACCENTS))], dtype=np.float64)
    _fill(picture, (left + 2, top + 10, right - 2, bottom - 4), _GLASS * rng.uniform(0.6, 1.8))
    _fill(picture, (left + 1, top + 3, right - 1, top + 10), accent)
    light = np.full(3, 250.0 if accent.mean() < 150 else 30.0)
    for x in range(left + 5, right - 5, 4):  # something like letters
        if rng.random() < 0.7:
            _fill(picture, (x, top + 5, x + 2, top + 8), light)
    for _ in range(int(rng.integers(2, 6))):  # goods in the window
        x = int(rng.integers(left + 3, right - 5))
        y = int(rng.integers(bottom - 20, bottom - 8))
        colour = np.array(_ACCENTS[rng.integers(len(_ACCENTS))], dtype=np.float64)
        _fill(picture, (x, y, x + int(rng.integers(2, 6)), bottom - 5), 0.8 * colour)
    if rng.random() < 0.5:  # a striped awning
        other = np.array(_ACCENTS[rng.integers(len(_ACCENTS))], dtype=np.float64)
        for number, x in enumerate(range(left + 1, right - 1, 4)):
            stripe = accent if number % 2 else other
            _fill(picture, (x, top + 10, min(x + 4, right - 1), top + 16), stripe)
    door = int(rng.integers(left + 3, max(right - 12, left + 4)))
    _fill(picture, (door, bottom - 24, door + 9, bottom), accent * 0.5)


def _put_entrance(
    picture: NDArray[np.float64],
    left: int,
    right: int,
    top: int,
    base: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    bottom, middle = picture.shape[0], (left + right) // 2
    accent = np.array(_ACCENTS[rng.integers(len(_ACCENTS))], dtype=np.float64)
    _fill(picture, (middle - 8, bottom - 28, middle + 8, bottom), np.clip(base * 1.5, 0, 245))
    _fill(picture, (middle - 6, bottom - 24, middle + 6, bottom), accent * 0.6)
    for x in (left + 4, right - 12):
        if abs(x - middle) > 12:
            _fill(picture, (x, top + 10, x + 8, top + 26), _GLASS * rng.uniform(0.6, 1.4))


def _fill(
    picture: NDArray[np.float64], area: tuple[int, int, int, int], colour: NDArray[np.float64]
) -> None:
    left, top, right, low = (int(max(side, 0)) for side in area)
    picture[top:low, left:right] = colour
