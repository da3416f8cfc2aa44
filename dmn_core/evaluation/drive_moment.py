"""What one image of a drive with known truth told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dmn_core.belief_monitor import MonitorSettings, State, StateMachine
from dmn_core.calibration import Calibration
from dmn_core.fix import Fix
from dmn_core.pose_track import wrap_angle

FloatArray = NDArray[np.float64]
Rows: TypeAlias = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Moment:
    """One image of a drive.

    Attributes:
        since_kidnap_s: negative before it.
        error: estimate less truth, along the axes of the map [m, m, rad].
        covariance: rows of its covariance, as the localizer tells it [m^2, m rad, rad^2].
        mode_covariance: rows of that of the best mode, which does not hold the doubt whether it is
            the right one.
        state: what the localizer called itself.
        confidence: what it gave for being right.
        mass_near: the first figure that the confidence is made of.
        recent_gain: the second.
        gain_drop: the third.
        weighed: whether the image was looked at; else odometry carried on what the last one told.
    """

    since_kidnap_s: float
    error: tuple[float, ...]
    covariance: Rows
    mode_covariance: Rows
    state: State
    confidence: float
    mass_near: float
    recent_gain: float
    gain_drop: float
    weighed: bool = True

    @property
    def error_m(self) -> float:
        """Distance of the estimate from the truth."""
        return float(np.linalg.norm(self.error[:2]))

    @property
    def nees(self) -> float:
        """Squared error of the pose in units of its covariance."""
        return _nees(self.error, self.covariance)

    @property
    def mode_nees(self) -> float:
        """The same in units of the best mode's covariance."""
        return _nees(self.error, self.mode_covariance)


def moment_of(fix: Fix, truth_map_base: FloatArray, *, since_kidnap_s: float) -> Moment:
    """What a fix tells where the true pose (3,) is known."""
    off = fix.pose_map_base - truth_map_base
    off[2] = wrap_angle(off[2])
    best = fix.status.modes[0] if fix.status.modes else fix
    return Moment(
        since_kidnap_s=since_kidnap_s,
        error=tuple(off.tolist()),
        covariance=_rows(fix.covariance),
        mode_covariance=_rows(best.covariance),
        state=fix.status.state,
        confidence=fix.status.confidence,
        mass_near=fix.status.mass_near,
        recent_gain=fix.status.recent_gain,
        gain_drop=fix.status.gain_drop,
        weighed=fix.weighed,
    )


def told_by(
    calibration: Calibration, trial: Sequence[Moment], monitor: MonitorSettings
) -> list[Moment]:
    """What an uncalibrated drive would have told with a calibration, and limits of states."""
    states = StateMachine(monitor)
    told = [_told_by(calibration, moment) for moment in trial]
    return [
        replace(moment, state=states(moment.confidence) if moment.weighed else states.state)
        for moment in told
    ]


def _told_by(calibration: Calibration, moment: Moment) -> Moment:
    confidence = float(
        calibration.confidence(
            mass_near=moment.mass_near,
            recent_gain=moment.recent_gain,
            gain_drop=moment.gain_drop,
        )
    )
    spread, of_particles = calibration.spread, np.array(moment.covariance)
    return replace(
        moment,
        confidence=confidence,
        covariance=_rows(spread.of_estimate(of_particles, confidence)),
        mode_covariance=_rows(spread.of_mode(of_particles)),
    )


def _rows(covariance: FloatArray) -> Rows:
    return tuple(tuple(row) for row in covariance.tolist())


def _nees(error: Sequence[float], covariance: Rows) -> float:
    off = np.array(error)
    return float(off @ np.linalg.pinv(np.array(covariance), hermitian=True) @ off)
