"""How a belief lies in messages, as plain arrays: the nodes and the result bags write the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
# Fields of the PointCloud2, each a float32; intensity is the weight over the largest weight.
POINT_FIELDS = ("x", "y", "z", "intensity", "yaw")
POINT_FLOAT32 = 7
# Rows and columns x, y, yaw of the 6x6 covariance of ROS.
PLANAR = np.ix_((0, 1, 5), (0, 1, 5))


def full_covariance(covariance: FloatArray) -> FloatArray:
    """The planar covariance (3, 3) in x, y, yaw as the 36 numbers of ROS; the others are 0."""
    full = np.zeros((6, 6))
    full[PLANAR] = covariance
    return full.reshape(-1)


def point_rows(particles: FloatArray, weights: FloatArray) -> NDArray[np.float32]:
    """Poses (K, 3) and weights (K,) as rows of POINT_FIELDS, little-endian float32 (K, 5)."""
    rows = np.zeros((len(weights), len(POINT_FIELDS)), dtype="<f4")
    rows[:, :2], rows[:, 4] = particles[:, :2], particles[:, 2]
    rows[:, 3] = weights / weights.max()
    return rows


def from_point_rows(data: bytes | NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
    """Poses (K, 3) and weights (K,), summing to one, of the bytes of `point_rows`."""
    rows = np.frombuffer(data, "<f4").reshape(-1, len(POINT_FIELDS)).astype(np.float64)
    return rows[:, [0, 1, 4]], rows[:, 3] / rows[:, 3].sum()


def even_by_weight(weights: FloatArray, *, most: int) -> NDArray[np.int64]:
    """Indices of at most `most` particles, drawn evenly by weight (K,) and without chance."""
    count = min(most, len(weights))
    marks = (np.arange(count) + 0.5) / count * weights.sum()
    chosen = np.searchsorted(np.cumsum(weights), marks)
    return np.minimum(chosen, len(weights) - 1).astype(np.int64)
