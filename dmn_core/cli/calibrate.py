"""Command `dmn calibrate`: fit confidence and covariance to drives in simulated mazes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dmn_core.calibration import (
    UNCALIBRATED,
    Calibration,
    calibration_path,
    save_calibration,
)
from dmn_core.cli.drives import DrivesCommand
from dmn_core.confidence import fit_confidence
from dmn_core.data.rendered_sets import VALIDATION_SEED
from dmn_core.evaluation.drive_moment import Moment, told_by
from dmn_core.localization import Localizer
from dmn_core.robot import RobotSettings, conditions_of
from dmn_core.spread import fit_spread
from dmn_core.weights import find_weights


@dataclass(frozen=True)
class CalibrateCommand(DrivesCommand):
    """Fit confidence and covariance to held-out drives and keep them beside the weights.

    The figures that are told are those of drives that a fit has not seen: either half of the mazes
    by what was fitted to the other. What is kept is fitted to all.
    """

    out: Path = Path("results/calibration")
    """Folder of the JSON record and the picture."""

    def localizer(self) -> Localizer:
        """One whose confidence and covariance nothing was fitted to yet."""
        localizer = super().localizer()
        localizer.calibration = UNCALIBRATED
        return localizer

    def run(self) -> None:
        """Carry out the command."""
        localizer, monitor = self.localizer(), self.robot.monitor
        trials = self.drive(localizer, VALIDATION_SEED)
        half = max(1, len(trials) // 2)
        halves = trials[:half], trials[half:] or trials[:half]

        def fitted(some: Sequence[list[Moment]]) -> Calibration:
            return calibration_of(
                some, weights_fingerprint=localizer.weights_fingerprint, robot=self.robot
            )

        checked = [
            told_by(calibration, trial, monitor)
            for calibration, unseen in zip(map(fitted, halves), halves[::-1], strict=True)
            for trial in unseen
        ]
        localizer.calibration = fitted(trials)
        path = calibration_path(find_weights(self.weights))
        save_calibration(path, localizer.calibration)
        print(path)
        self.tell(localizer, checked, "calibration")


def calibration_of(
    trials: Sequence[Sequence[Moment]], *, weights_fingerprint: str, robot: RobotSettings
) -> Calibration:
    """What uncalibrated drives of a robot tell of how honest a localizer is."""
    success_m = robot.monitor.success_distance_m
    moments = [moment for trial in trials for moment in trial]
    figures = {
        name: np.array([getattr(moment, name) for moment in moments])
        for name in ("mass_near", "recent_gain", "gain_drop")
    }
    right = np.array([moment.error_m < success_m for moment in moments])
    confidence = fit_confidence(**figures, right=right)
    spread = fit_spread(
        np.array([moment.error for moment in moments]),
        np.array([moment.covariance for moment in moments]),
        confidence(**figures),
        right,
    )
    return Calibration(confidence, spread, weights_fingerprint, success_m, conditions_of(robot))
