"""Where a belief is, as a grid for the eye."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BLUR_CELLS = 1.2


def density_grid(
    poses_map_base: FloatArray,
    weights: FloatArray,
    area_m: tuple[float, float, float, float],
    *,
    shape: tuple[int, int],
) -> FloatArray:
    """Share of a belief in each cell of an area, slightly blurred; what lies outside is left out.

    Args:
        poses_map_base: (K, 3) particles [m, m, rad].
        weights: (K,) summing to one.
        area_m: x_min, x_max, y_min, y_max.
        shape: rows, along y from y_min up, and columns, along x.
    """
    counts, _, _ = np.histogram2d(
        poses_map_base[:, 1],
        poses_map_base[:, 0],
        bins=shape,
        range=(area_m[2:], area_m[:2]),
        weights=weights,
    )
    # This border loses nothing.
    blurred = cv2.GaussianBlur(counts, (0, 0), BLUR_CELLS, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred)
