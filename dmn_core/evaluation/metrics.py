"""Figures with their 95 % intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

SUCCESS_SQUARED_ERROR_M2 = 80.0  # paper section V-A: success below 8.94 m
Z95 = 1.959964


@dataclass(frozen=True)
class Figure:
    """A value with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """Value and interval, each in the given format."""
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"


def squared_error_m2(estimate: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Squared distance in the plane between poses (..., 3)."""
    off = estimate[..., :2] - truth[..., :2]
    return np.asarray((off**2).sum(-1))


def share_percent(successes: np.ndarray) -> Figure:
    """Share of true values among (M,), in %, with Wilson's interval."""
    count = len(successes)
    share = float(successes.mean())
    center = (share + Z95**2 / (2 * count)) / (1 + Z95**2 / count)
    half = math.sqrt(share * (1 - share) / count + Z95**2 / (4 * count**2)) / (1 + Z95**2 / count)
    low, high = max(0.0, center - Z95 * half), min(1.0, center + Z95 * half)
    return Figure(100 * share, 100 * low, 100 * high)


def success_percent(squared_errors_m2: np.ndarray) -> Figure:
    """Share of trials (M,) below the paper's limit, in %, with Wilson's interval."""
    return share_percent(squared_errors_m2 < SUCCESS_SQUARED_ERROR_M2)


def rmse_m(squared_errors_m2: np.ndarray) -> Figure:
    """Root mean squared error [m] of trials (M,); interval from the spread of squared errors."""
    mean = float(squared_errors_m2.mean())
    half = Z95 * float(squared_errors_m2.std()) / math.sqrt(len(squared_errors_m2))
    return Figure(math.sqrt(mean), math.sqrt(max(0.0, mean - half)), math.sqrt(mean + half))
