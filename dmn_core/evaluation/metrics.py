"""Figures with their 95 % intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from dmn_core.calibration import SUCCESS_SQUARED_ERROR_M2

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


@dataclass(frozen=True)
class Evidence:
    """What values say of their mean.

    Attributes:
        count: as how many independent trials they count.
        quantile: standard errors of the mean on either side of a 95 % interval.
    """

    count: float
    quantile: float = Z95


def evidence(values: np.ndarray, places: np.ndarray | None) -> Evidence:
    """What values (M,) say that were measured in places (M,); None for one of its own each.

    Where places have something in common, as areas of a street that share images, the numbers are
    those of the blocks in which they lie.

    Trials of one place resemble each other: the variance of the mean is that of the sums of the
    places. As it is an estimate from so many sums, Student's t with one degree of freedom less
    holds. Where all values are equal, a place counts once. Of a single place nothing is known but
    its trials, and each counts.
    """
    if places is None:
        return Evidence(len(values))
    counts, place = np.unique(places, return_inverse=True)
    if len(counts) in (1, len(values)):
        return Evidence(len(values))
    alone = values.var() / len(values)
    if alone == 0:
        return Evidence(len(counts))
    off = np.bincount(place, values - values.mean())
    together = np.square(off).sum() / len(values) ** 2 * len(counts) / (len(counts) - 1)
    count = len(values) / max(1.0, float(together / alone))
    return Evidence(count, float(stdtrit(len(counts) - 1, 0.975)))


def share_percent(successes: np.ndarray, places: np.ndarray | None = None) -> Figure:
    """Share of true values among (M,), in %, with Wilson's interval; see `evidence`."""
    found = evidence(successes.astype(float), places)
    count, z = found.count, found.quantile
    share = float(successes.mean())
    center = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    low, high = max(0.0, center - z * half), min(1.0, center + z * half)
    return Figure(100 * share, 100 * low, 100 * high)


def success_percent(squared_errors_m2: np.ndarray, places: np.ndarray | None = None) -> Figure:
    """Share of trials (M,) below the paper's limit, in %, with Wilson's interval."""
    return share_percent(squared_errors_m2 < SUCCESS_SQUARED_ERROR_M2, places)


def rmse_m(squared_errors_m2: np.ndarray, places: np.ndarray | None = None) -> Figure:
    """Root mean squared error [m] of trials (M,); interval from the spread of squared errors."""
    mean = float(squared_errors_m2.mean())
    found = evidence(squared_errors_m2, places)
    half = found.quantile * float(squared_errors_m2.std()) / math.sqrt(found.count)
    return Figure(math.sqrt(mean), math.sqrt(max(0.0, mean - half)), math.sqrt(mean + half))
