"""Wall and floor textures of the mazes: DeepMind Lab's, as shipped by labmaze."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError
from dmn_core.worlds.needed import lacking

SKY_RGB = (149, 224, 254)


@dataclass(frozen=True)
class Surface:
    """What a region looks like: style and colour names of its wall and floor textures."""

    style: str
    wall: str
    floor: str


CORRIDOR_SURFACE = Surface("style_01", "green", "orange")
_ROOM_COLOURS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "style_01": (("blue", "cerise", "purple", "red", "yellow"), ("blue",)),
    "style_02": (("blue", "dblue", "lgreen", "purple", "yellow"), ("blue", "green", "orange")),
    "style_03": (
        ("blue", "cyan", "gray", "orange", "purple"),
        ("blue", "green", "orange", "purple", "red"),
    ),
    "style_04": (("cerise", "green", "purple", "red"), ("blue", "cyan", "dorange", "orange")),
    "style_05": (("red", "yellow"), ("blue", "orange")),
}
"""Colours of walls and of floors that rooms draw from, a style."""


def draw_room_surfaces(count: int, rng: np.random.Generator) -> tuple[Surface, ...]:
    """Draw the look of `count` rooms, each of a different style."""
    styles = rng.permutation(sorted(_ROOM_COLOURS))
    surfaces = []
    for index in range(count):
        style = str(styles[index % len(styles)])
        walls, floors = _ROOM_COLOURS[style]
        surfaces.append(Surface(style, str(rng.choice(walls)), str(rng.choice(floors))))
    return tuple(surfaces)


@lru_cache(maxsize=128)
def load_texture(style: str, part: str, colour: str, size_px: int) -> NDArray[np.uint8]:
    """Return a texture as RGB (size_px, size_px, 3); `part` is "wall" or "floor".

    Raises:
        WorldError: when labmaze or the file is missing.
    """
    try:
        import labmaze.assets
    except ImportError as error:
        raise lacking("labmaze", what="textures") from error
    path = Path(labmaze.assets.ROOT_DIR) / style / f"{part}_{colour}_d.png"
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise WorldError(f"no texture {part} {colour!r} of {style!r}: cannot read {path}")
    small = cv2.resize(image, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small[..., ::-1])
