"""What kidnapped drives tell: when a localizer notices, when it is back, how honest it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dmn_core.belief_monitor import State
from dmn_core.evaluation.drive_moment import Moment
from dmn_core.evaluation.metrics import Z95, Figure, share_percent
from dmn_core.trust import TrustLimits

# 95 % of chi-square numbers with three degrees of freedom lie below this.
CHI_SQUARE_3_95 = 7.815
# A robot is back when so many images in a row are right, of those that were weighed.
STEADY = 3
Trial = Sequence[Moment]


@dataclass(frozen=True)
class Times:
    """Seconds until something happened, over the trials in which it could.

    Attributes:
        seconds: one for each trial in which it happened.
        trials: in which it could.
    """

    seconds: tuple[float, ...]
    trials: int

    @property
    def share(self) -> Figure | None:
        """Trials in which it happened, in % with Wilson's interval; None without any."""
        if not self.trials:
            return None
        happened = np.arange(self.trials) < len(self.seconds)
        return share_percent(happened)

    @property
    def median_s(self) -> float | None:
        """Median of the times, where it happened at all."""
        return float(np.median(self.seconds)) if self.seconds else None


@dataclass(frozen=True)
class Reliability:
    """How often estimates were right, by how confident the localizer was.

    Attributes:
        said: (M,) mean confidence of each bin.
        right: (M,) share of right estimates in it.
        count: (M,) images in it.
        expected_error: mean gap between both, weighted by the count.
    """

    said: tuple[float, ...]
    right: tuple[float, ...]
    count: tuple[int, ...]
    expected_error: float


def time_to_flag(trials: Sequence[Trial], *, states: set[State], success_m: float) -> Times:
    """From the kidnap to the first image in one of the states; of robots that were tracked."""
    seconds, tracked = [], 0
    for trial in trials:
        before, after = _split(trial)
        if before[-1].state != State.TRACKING or before[-1].error_m >= success_m:
            continue
        tracked += 1
        flagged = [moment.since_kidnap_s for moment in after if moment.state in states]
        seconds += flagged[:1]
    return Times(tuple(seconds), tracked)


def time_to_find(trials: Sequence[Trial], *, success_m: float, kidnapped: bool) -> Times:
    """To the first of some images in a row that are right: from the kidnap, or from the start."""
    seconds = []
    for trial in trials:
        part = [moment for moment in _split(trial)[int(kidnapped)] if moment.weighed]
        right = np.array([moment.error_m < success_m for moment in part])
        steady = np.convolve(right, np.ones(STEADY), "valid") == STEADY
        if steady.any():
            seconds.append(part[int(steady.argmax())].since_kidnap_s - part[0].since_kidnap_s)
    return Times(tuple(seconds), len(trials))


def share_right(trials: Sequence[Trial], *, states: set[State], success_m: float) -> Figure | None:
    """Share of images in some states whose estimate is right, in %; None without any."""
    values = [m.error_m < success_m for trial in trials for m in trial if m.state in states]
    return share_percent(np.array(values)) if values else None


def nees_of_pose(trials: Sequence[Trial], *, states: set[State]) -> list[list[float]]:
    """Squared errors in units of the pose's covariance, of images in some states, by trial."""
    return [[moment.nees for moment in trial if moment.state in states] for trial in trials]


def nees_of_mode(trials: Sequence[Trial], *, success_m: float) -> list[list[float]]:
    """Those in units of the best mode's covariance, of images where it is the right one."""
    return [[m.mode_nees for m in trial if m.error_m < success_m] for trial in trials]


def trusted_share(trials: Sequence[Trial], limits: TrustLimits) -> Figure | None:
    """Share of images whose pose a mapper would take a view at, in %."""
    return share_percent(np.array([_is_trusted(m, limits) for trial in trials for m in trial]))


def right_of_trusted(
    trials: Sequence[Trial], limits: TrustLimits, *, success_m: float
) -> Figure | None:
    """Share of these that are right, in %; None without any."""
    trusted = [m for trial in trials for m in trial if _is_trusted(m, limits)]
    return share_percent(np.array([m.error_m < success_m for m in trusted])) if trusted else None


def _is_trusted(moment: Moment, limits: TrustLimits) -> bool:
    covariance = np.array(moment.mode_covariance)
    return limits.distrust(moment.state, moment.confidence, covariance) is None


def mean_nees(values: Sequence[Sequence[float]]) -> Figure | None:
    """Mean of the trials' means; 3 where covariances are true. None without any value.

    The interval takes trials, not images, for independent.
    """
    means = [float(np.mean(of_trial)) for of_trial in values if of_trial]
    if not means:
        return None
    center = float(np.mean(means))
    half = Z95 * float(np.std(means)) / np.sqrt(len(means))
    return Figure(center, center - half, center + half)


def within_95_percent(values: Sequence[Sequence[float]]) -> Figure | None:
    """Share of images whose pose lies in its own 95 % region, in %; None without any."""
    every = [value for of_trial in values for value in of_trial]
    return share_percent(np.array(every) < CHI_SQUARE_3_95) if every else None


def reliability(
    said: NDArray[np.float64], right: NDArray[np.bool_], *, bins: int = 10
) -> Reliability:
    """The reliability curve of confidences (M,) and whether estimates were right (M,)."""
    place = np.minimum((said * bins).astype(int), bins - 1)
    filled = [number for number in range(bins) if (place == number).any()]
    mean_said = [float(said[place == number].mean()) for number in filled]
    mean_right = [float(right[place == number].mean()) for number in filled]
    count = [int((place == number).sum()) for number in filled]
    gaps = np.abs(np.array(mean_said) - np.array(mean_right))
    error = float((gaps * np.array(count)).sum() / len(said))
    return Reliability(tuple(mean_said), tuple(mean_right), tuple(count), error)


def _split(trial: Trial) -> tuple[list[Moment], list[Moment]]:
    before = [moment for moment in trial if moment.since_kidnap_s < 0]
    return before, [moment for moment in trial if moment.since_kidnap_s >= 0]
