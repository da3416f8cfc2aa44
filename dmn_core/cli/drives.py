"""What commands share that drive through simulated mazes and are kidnapped."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import torch
from tqdm import tqdm

from dmn_core.cli.console import Console
from dmn_core.config import to_dict
from dmn_core.errors import ConfigurationError
from dmn_core.evaluation.circumstances import machine, running_command
from dmn_core.evaluation.drive_moment import Moment
from dmn_core.evaluation.kidnap_drives import KidnapPlan, localize_kidnapped
from dmn_core.evaluation.robot_report import (
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
    """What `dmn kidnap` and `dmn calibrate` are told."""

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

    def localizer(self) -> Localizer:
        """The one that drives, which each process loads for itself."""
        path = find_weights(self.weights)
        if self.threads:
            torch.set_num_threads(self.threads)
        return load_localizer(
            path, device=self.device, settings=self.robot.filter, precision=self.precision
        )

    def drive(self, localizer: Localizer, first_seed: int) -> list[list[Moment]]:
        """Drive through the mazes of the seeds from the first one on."""
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

    def tell(self, localizer: Localizer, trials: Sequence[list[Moment]], name: str) -> None:
        """Print, draw and record what trials told."""
        success_m = self.robot.monitor.success_distance_m
        findings = findings_of(trials, success_m=success_m)
        curve = reliability_of(trials, success_m=success_m)
        about = {
            "weights_fingerprint": localizer.weights_fingerprint,
            "calibration": asdict(localizer.calibration),
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
    _driver = _Driver(command, command.localizer())


def _drive_one(seed: int) -> list[Moment]:
    assert _driver is not None, "the process was not begun"
    return _driver(seed)
