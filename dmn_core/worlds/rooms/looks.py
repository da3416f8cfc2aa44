"""What walls, floors and objects of rooms look like."""

from __future__ import annotations

import colorsys
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError
from dmn_core.worlds.textures import load_texture

Colour = tuple[float, float, float]
"""Red, green, blue in [0, 1]."""

WALLS: dict[str, tuple[str, str]] = {
    "red": ("style_01", "red_bright"),
    "green": ("style_01", "green_bright"),
    "cerise": ("style_01", "cerise"),
    "orange": ("style_03", "orange_bright"),
    "yellow": ("style_02", "yellow"),
}
"""Style and colour of the wall texture, a name of the published data set's list."""

FLOORS: dict[str, tuple[str, str]] = {
    "yellow": ("style_01", "orange_bright"),
    "white": ("style_01", "orange_bright"),
    "blue": ("style_01", "blue"),
}
"""Style and colour of the floor texture, a name; the white one is its texture without colour."""

_TEXTURE_PX = 128
_WHITE_MEAN = 215.0


@lru_cache(maxsize=16)
def surface_texture(part: str, name: str) -> NDArray[np.uint8]:
    """Return the RGB texture (S, S, 3) called `name`; `part` is "wall" or "floor".

    Raises:
        WorldError: no texture is called that, or labmaze is missing.
    """
    names = WALLS if part == "wall" else FLOORS
    if name not in names:
        raise WorldError(f"a {part} wants one of {sorted(names)!r}, got {name!r}")
    style, colour = names[name]
    texture = load_texture(style, part, colour, _TEXTURE_PX)
    if name != "white":
        return texture
    grey = texture.mean(axis=-1, keepdims=True)
    white = np.clip(grey * _WHITE_MEAN / grey.mean(), 0, 255)
    return np.broadcast_to(white, texture.shape).astype(np.uint8)


def draw_colour(rng: np.random.Generator) -> Colour:
    """Draw the strong colour of an object, every hue alike."""
    hue, saturation, value = rng.uniform((0.0, 0.6, 0.7), (1.0, 1.0, 1.0)).tolist()
    return colorsys.hsv_to_rgb(hue, saturation, value)
