"""Commands `dmn kidnap` and `dmn calibrate`: kidnapped drives in simulated mazes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from tqdm import tqdm

from dmn_core.confidence import ConfidenceModel, confidence_path, fit_confidence, save_confidence
from dmn_core.config import to_dict
from dmn_core.data.rendered_sets import TEST_SEED, VALIDATION_SEED
from dmn_core.errors import ConfigurationError
from dmn_core.evaluation.circumstances import machine, running_command
from dmn_core.evaluation.kidnap_drives import KidnapPlan, Moment, localize_kidnapped
from dmn_core.evaluation.robot_report import (
    Findings,
    as_table,
    draw_trials,
    findings_of,
    reliability_of,
    write_record,
)
from dmn_core.localization import Localizer
from dmn_core.robot import Precision, RobotSettings, load_localizer
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
    precision: Precision = "float32"
    """Of the network's arithmetic: float32, or bfloat16, faster where the processor has it."""
    threads: int = 0
    """CPU threads of each process; 0 leaves the choice to torch."""
    workers: int = 1
    """Processes that share the trials; each is a function of its number alone."""
    plan: KidnapPlan = field(default_factory=KidnapPlan)
    robot: RobotSettings = field(default_factory=RobotSettings)

    def __post_init__(self) -> None:
        """Refuse a command that would do nothing."""
        if self.trials < 1 or self.workers < 1:
            raise ConfigurationError(
                f"trials and workers want 1 or more, got {self.trials!r} and {self.workers!r}"
            )

    def _localizer(self) -> Localizer:
        path = find_weights(self.weights)
        if self.threads:
            torch.set_num_threads(self.threads)
        return load_localizer(
            path, device=self.device, settings=self.robot.filter, precision=self.precision
        )

    def _drive(self, localizer: Localizer, first_seed: int) -> list[list[Moment]]:
        seeds = [first_seed + number for number in range(self.trials)]
        with ExitStack() as stack:
            done: Iterator[list[Moment]]
            if self.workers == 1:
                done = map(_Driver(self, localizer), seeds)
            else:
                # Neither torch's threads nor OpenGL's contexts survive a fork.
                context = multiprocessing.get_context("spawn")
                pool = ProcessPoolExecutor(
                    self.workers, mp_context=context, initializer=_begin, initargs=(self,)
                )
                done = stack.enter_context(pool).map(_drive_one, seeds)
            return list(tqdm(done, total=len(seeds), unit="trial"))

    def _tell(
        self,
        localizer: Localizer,
        trials: Sequence[list[Moment]],
        name: str,
        findings: Findings,
    ) -> None:
        success_m = self.robot.monitor.success_distance_m
        curve = reliability_of(trials, success_m=success_m)
        about = {
            "weights_fingerprint": localizer.weights_fingerprint,
            "confidence": asdict(localizer.confidence),
            "trials": len(trials),
            "precision": self.precision,
            "success_distance_m": success_m,
            "plan": to_dict(self.plan),
            "robot": to_dict(self.robot),
            "command": running_command(),
            "date": date.today().isoformat(),
            "machine": machine(localizer.device),
        }
        print(write_record(self.out / f"{name}.json", findings, curve, about))
        print(draw_trials(self.out / f"{name}.png", trials, curve, success_m=success_m))
        if findings:
            title = f"{len(trials)} kidnaps in unseen mazes; times within {self.plan.seconds:g} s"
            Console().print(as_table(findings, title=title))
        print(f"confidence differs from the share of right estimates by {curve.expected_error:.3f}")


class _Driver:
    """Drives through mazes."""

    def __init__(self, command: DrivesCommand, localizer: Localizer) -> None:
        self._command, self._localizer = command, localizer

    def __call__(self, seed: int) -> list[Moment]:
        robot, plan = self._command.robot, self._command.plan
        return localize_kidnapped(self._localizer, robot=robot, plan=plan, seed=seed)


_driver: _Driver | None = None
"""Of this process, where it is one of several."""


def _begin(command: DrivesCommand) -> None:
    global _driver
    _driver = _Driver(command, command._localizer())


def _drive_one(seed: int) -> list[Moment]:
    assert _driver is not None, "the process was not begun"
    return _driver(seed)


@dataclass(frozen=True)
class KidnapCommand(DrivesCommand):
    """Measure a robot's localizer: kidnaps noticed and recovered from, covariance, confidence.

    The robot starts without a pose in a maze that no training saw, drives, and is carried to
    another place without its odometry noticing.
    """

    def run(self) -> None:
        """Carry out the command."""
        localizer = self._localizer()
        trials = self._drive(localizer, TEST_SEED)
        findings = findings_of(trials, success_m=self.robot.monitor.success_distance_m)
        self._tell(localizer, trials, "robot_trials", findings)


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
        # States came of the confidence before the fit: `dmn kidnap` measures them.
        self._tell(localizer, checked or trials, "calibration", {})


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
