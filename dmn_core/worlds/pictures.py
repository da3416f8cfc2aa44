"""Pictures for people: contact sheets of views, and drives drawn into a top view."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError

_LINE_RGB, _START_RGB, _END_RGB = (255, 255, 255), (220, 30, 30), (30, 30, 220)


def contact_sheet(
    images: NDArray[np.uint8], *, columns: int = 10, tile_px: int = 96
) -> NDArray[np.uint8]:
    """Return one RGB picture of images (M, H, W, 3), each `tile_px` wide and high, row by row."""
    rows = -(-len(images) // columns)
    sheet = np.full((rows * tile_px, columns * tile_px, 3), 255, dtype=np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * tile_px, index % columns * tile_px
        tile = cv2.resize(image, (tile_px, tile_px), interpolation=cv2.INTER_NEAREST)
        sheet[top : top + tile_px, left : left + tile_px] = tile
    return sheet


def draw_path(
    top_view: NDArray[np.uint8],
    poses: NDArray[np.float64],
    area_m: tuple[float, float, float, float],
) -> NDArray[np.uint8]:
    """Return a copy of a top view (S, S, 3) with the path of poses (T, 3), start red, end blue."""
    picture = np.ascontiguousarray(top_view).copy()
    points = _pixels(poses, picture.shape[0], area_m)
    cv2.polylines(picture, [points], False, _LINE_RGB, 2, cv2.LINE_AA)
    for point, colour in ((points[0], _START_RGB), (points[-1], _END_RGB)):
        cv2.circle(picture, (int(point[0]), int(point[1])), 6, colour, -1, cv2.LINE_AA)
    return picture


def draw_views(
    top_view: NDArray[np.uint8],
    poses: NDArray[np.float64],
    area_m: tuple[float, float, float, float],
) -> NDArray[np.uint8]:
    """Return a copy of a top view (S, S, 3) with an arrow at each of the poses (M, 3)."""
    picture = np.ascontiguousarray(top_view).copy()
    headings = np.column_stack([np.cos(poses[:, 2]), np.sin(poses[:, 2])])
    length_m = (area_m[1] - area_m[0]) / 25
    starts = _pixels(poses, picture.shape[0], area_m)
    ends = _pixels(poses[:, :2] + length_m * headings, picture.shape[0], area_m)
    for start, end in zip(starts, ends, strict=True):
        cv2.arrowedLine(
            picture, start.tolist(), end.tolist(), _START_RGB, 2, cv2.LINE_AA, tipLength=0.4
        )
    return picture


def save_picture(path: str | os.PathLike[str], rgb: NDArray[np.uint8]) -> Path:
    """Write an RGB picture as PNG and return its path.

    Raises:
        WorldError: when the file cannot be written.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(target), np.ascontiguousarray(rgb[..., ::-1])):
        raise WorldError(f"cannot write the picture {target}")
    return target


def _pixels(
    points: NDArray[np.float64], size_px: int, area_m: tuple[float, float, float, float]
) -> NDArray[np.int32]:
    x_min, x_max, y_min, y_max = area_m
    x = (points[:, 0] - x_min) / (x_max - x_min) * size_px
    y = (y_max - points[:, 1]) / (y_max - y_min) * size_px
    return np.round(np.column_stack([x, y])).astype(np.int32)
