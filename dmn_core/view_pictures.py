"""Small pictures of a map's views, for people."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from dmn_core.views import resize_rgb

# Along the longer side.
MOST_PICTURE_PIXELS = 64
TILE = 2 * MOST_PICTURE_PIXELS
GAP, BACKGROUND = 4, 48
TEXT_SCALE, TEXT_THICKNESS = 0.45, 1


def to_picture_png(image: np.ndarray) -> bytes:
    """A small PNG of an RGB uint8 image (H, W, 3), for `ViewRecord`."""
    height, width = image.shape[:2]
    shrink = min(1.0, MOST_PICTURE_PIXELS / max(height, width))
    small = resize_rgb(
        image, height=max(1, round(height * shrink)), width=max(1, round(width * shrink))
    )
    _, data = cv2.imencode(".png", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
    return data.tobytes()


def from_picture_png(picture_png: bytes) -> np.ndarray | None:
    """The picture of a record, RGB uint8 (h, w, 3); None where it has none that can be decoded."""
    if not picture_png:
        return None
    image = cv2.imdecode(np.frombuffer(picture_png, np.uint8), cv2.IMREAD_COLOR)
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def view_sheet(pictures_png: Sequence[bytes]) -> np.ndarray | None:
    """Pictures in rows, each with its number; RGB uint8, or None where there are none.

    Args:
        pictures_png: of the views in the order of their map; empty where nobody kept one.
    """
    pictures = [from_picture_png(data) for data in pictures_png]
    if all(picture is None for picture in pictures):
        return None
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    side = TILE + GAP
    sheet = np.full((rows * side + GAP, columns * side + GAP, 3), BACKGROUND, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = GAP + number // columns * side, GAP + number % columns * side
        tile = sheet[top : top + TILE, left : left + TILE]
        if picture is not None:
            _fill(tile, picture)
        _label(tile, str(number))
    return sheet


def _fill(tile: np.ndarray, picture: np.ndarray) -> None:
    """Enlarge a picture into the middle of a tile."""
    height, width = picture.shape[:2]
    scale = TILE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    large = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    top, left = (TILE - size[1]) // 2, (TILE - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = large


def _label(tile: np.ndarray, text: str) -> None:
    place = (4, TILE - 6)
    for colour, thickness in (((0, 0, 0), 3 * TEXT_THICKNESS), ((255, 255, 255), TEXT_THICKNESS)):
        shown = np.ascontiguousarray(tile)
        cv2.putText(
            shown, text, place, cv2.FONT_HERSHEY_SIMPLEX, TEXT_SCALE, colour, thickness, cv2.LINE_AA
        )
        tile[:] = shown
