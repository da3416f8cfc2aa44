"""Commands `dmn kidnap` and `dmn calibrate`: kidnapped drives in simulated mazes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from tqdm import tqdm

from dmn_core.confidence import ConfidenceModel, confidence_path, fit_confidence, save_confidence
from dmn_core.config import to_dict
from dmn_core.data.rendered_sets import TEST_SEED, VALIDATION_SEED
from dmn_core.evaluation.kidnap_drives import KidnapPlan, Moment, localize_kidnapped
from dmn_core.evaluation.robot_report import (
    as_table,
    draw_trials,
    findings_of,
    reliability_of,
    write_record,
)
from dmn_core.localization import Localizer
from dmn_core.robot import RobotSettings, load_localizer
from dmn_core.weights import find_weights


@dataclass(frozen=True)
class DrivesCommand:
    """What both commands are told."""

    weights: str = ""
    """Weights file; the shipped ones if empty."""
    out: Path = Path("results/robot_trials")
    """Folder of the JSON record and the picture."""
    trials: int = 100
    """How many mazes, with one kidnap each."""
    device: str = "auto"
    """auto, cuda, cuda:N or cpu."""
    plan: KidnapPlan = field(default_factory=KidnapPlan)
    robot: RobotSettings = field(default_factory=RobotSettings)

    def _localizer(self) -> Localizer:
        path = find_weights(self.weights)
        return load_localizer(path, device=self.device, settings=self.robot.filter)

    def _drive(self, localizer: Localizer, first_seed: int) -> list[list[Moment]]:
        robot, plan = self.robot, self.plan
        return [
            localize_kidnapped(localizer, robot=robot, plan=plan, seed=first_seed + number)
            for number in tqdm(range(self.trials), unit="trial")
        ]

    def _tell(self, localizer: Localizer, trials: Sequence[list[Moment]], name: str) -> None:
        success_m = self.robot.monitor.success_distance_m
        findings = findings_of(trials, success_m=success_m)
        curve = reliability_of(trials, success_m=success_m)
        about = {
            "weights_fingerprint": localizer.weights_fingerprint,
            "confidence": asdict(localizer.confidence),
            "trials": len(trials),
            "success_distance_m": success_m,
            "plan": to_dict(self.plan),
            "robot": to_dict(self.robot),
        }
        print(write_record(self.out / f"{name}.json", findings, curve, about))
        print(draw_trials(self.out / f"{name}.png", trials, curve, success_m=success_m))
        title = f"{len(trials)} kidnaps in unseen mazes; times within {self.plan.seconds:g} s"
        Console().print(as_table(findings, title=title))


@dataclass(frozen=True)
class KidnapCommand(DrivesCommand):
    """Measure a robot's localizer: kidnaps noticed and recovered from, covariance, confidence.

    The robot starts without a pose in a maze that no training saw, drives, and is carried to
    another place without its odometry noticing.
    """

    def run(self) -> None:
        """Carry out the command."""
        localizer = self._localizer()
        self._tell(localizer, self._drive(localizer, TEST_SEED), "robot_trials")


@dataclass(frozen=True)
class CalibrateCommand(DrivesCommand):
    """Fit the confidence to held-out drives and write its record beside the weights.

    The reliability curve that is drawn is that of further drives, which the fit has not seen: half
    of the mazes are for the fit, half for the curve.
    """

    out: Path = Path("results/calibration")
    """Folder of the JSON record and the picture."""

    def run(self) -> None:
        """Carry out the command."""
        localizer = self._localizer()
        trials = self._drive(localizer, VALIDATION_SEED)
        half = max(1, len(trials) // 2)
        fitted = _fit(localizer, trials[:half], self.robot.monitor.success_distance_m)
        localizer.confidence = fitted
        checked = [[_told_by(localizer, moment) for moment in trial] for trial in trials[half:]]
        path = confidence_path(find_weights(self.weights))
        save_confidence(path, fitted)
        print(path)
        self._tell(localizer, checked or trials, "calibration")


def _fit(localizer: Localizer, trials: Sequence[list[Moment]], success_m: float) -> ConfidenceModel:
    moments = [moment for trial in trials for moment in trial]
    return fit_confidence(
        np.array([moment.mass_near for moment in moments]),
        np.array([moment.recent_gain for moment in moments]),
        np.array([moment.error_m < success_m for moment in moments]),
        weights_fingerprint=localizer.weights_fingerprint,
        success_distance_m=success_m,
    )


def _told_by(localizer: Localizer, moment: Moment) -> Moment:
    """The moment with the confidence of the localizer's model; states stay as they were."""
    figures = {"mass_near": moment.mass_near, "recent_gain": moment.recent_gain}
    return replace(moment, confidence=float(localizer.confidence(**figures)))
