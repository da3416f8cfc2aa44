"""The paper's tasks: one-step global, sequential global, tracking.

Source: paper section V-A.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import get_args

from dmn_core.data.episode import EnvironmentSet
from dmn_core.errors import ConfigurationError
from dmn_core.evaluation.algorithms import Algorithm, NetworkAlgorithm
from dmn_core.evaluation.baselines import BaselineAlgorithm, BaselineName
from dmn_core.evaluation.experiment import Experimenter, Places
from dmn_core.evaluation.finished_trials import FinishedTrials
from dmn_core.evaluation.metrics import Figure, rmse_m, success_percent
from dmn_core.evaluation.trials import Estimate, MapFrom, Task, TrialPlan
from dmn_core.observation import LocalizationNetwork
from dmn_core.robot import PRECISIONS, Precision


@dataclass(frozen=True)
class EvaluationConfig:
    """How to evaluate; the defaults are the paper's.

    Attributes:
        trials: each in another environment while there are enough.
        contexts: N. steps: t of sequential global localization and tracking.
        particles_global, particles_tracking: K.
        map_from: `another` localizes each trial in the map of another place, which tells what is
            known without a map.
        trials_at_once: how many share a pass through the network.
        precision: of convolutions: float32, or bfloat16 (faster where the processor has it).
    """

    trials: int = 1000
    contexts: int = 4
    steps: int = 5
    particles_global: int = 2048
    particles_tracking: int = 256
    seed: int = 0
    map_from: MapFrom = "own"
    trials_at_once: int = 4
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        """Refuse counts below one and an unknown precision."""
        for name, value in vars(self).items():
            if name in _COUNTS and value < 1:
                raise ConfigurationError(f"{name} wants at least 1, got {value!r}")
        if self.precision not in PRECISIONS:
            raise ConfigurationError(f"precision wants float32 or bfloat16, got {self.precision!r}")

    @property
    def plan(self) -> TrialPlan:
        """What a trial shows."""
        return TrialPlan(self.contexts, steps=self.steps, seed=self.seed, map_from=self.map_from)

    @property
    def global_task(self) -> Task:
        """Global localization; one-step and sequential are read at t = 1 and at the end."""
        return Task("global", self.particles_global)

    @property
    def tracking_task(self) -> Task:
        """Tracking."""
        return Task("tracking", self.particles_tracking)

    @property
    def tasks(self) -> tuple[Task, Task]:
        """Both."""
        return self.global_task, self.tracking_task


_COUNTS = {
    "trials", "contexts", "steps", "particles_global", "particles_tracking", "trials_at_once"
}  # fmt: skip


@dataclass(frozen=True)
class Results:
    """Figures of one algorithm on one data set."""

    sequential_global: Figure
    one_step_global: Figure
    tracking_rmse_m: Figure


def evaluate(
    network: LocalizationNetwork,
    environments: EnvironmentSet,
    *,
    config: EvaluationConfig,
    fingerprint: str = "",
    finished: FinishedTrials | None = None,
    progress: Callable[[int], object] = lambda trials: None,
) -> dict[str, Results]:
    """Results of the network and of both baselines on the same trials, by name of the row.

    Args:
        network: in evaluation mode, on any device.
        environments: unseen places.
        config: the protocol.
        fingerprint: of the weights; what is finished is known by it.
        finished: trials done earlier, and gets those done now; None keeps nothing.
        progress: told how many trials were just done.
    """
    places = Places(environments)
    where = places.blocks_of_trials(config.plan, config.trials)
    experimenter = Experimenter(config.trials, config.trials_at_once, finished or FinishedTrials())

    def measured(
        algorithm: Algorithm, rows: Mapping[str, Estimate], progress: Callable[[int], object]
    ) -> dict[str, Results]:
        tasks = {
            name: tuple(replace(task, estimate=estimate) for task in config.tasks)
            for name, estimate in rows.items()
        }
        every = [task for asked in tasks.values() for task in asked]
        errors = experimenter.errors(algorithm, places, config.plan, every, progress=progress)
        return {
            name: Results(
                sequential_global=success_percent(errors[globally][:, -1], where),
                one_step_global=success_percent(errors[globally][:, 0], where),
                tracking_rmse_m=rmse_m(errors[tracking][:, -1], where),
            )
            for name, (globally, tracking) in tasks.items()
        }

    shown = NetworkAlgorithm(network, fingerprint, config.precision)
    results = measured(shown, rows_of(network), progress)
    for baseline in get_args(BaselineName):
        results |= measured(BaselineAlgorithm(baseline), {baseline: "mean"}, _tell_nobody)
    return results


def rows_of(network: LocalizationNetwork) -> dict[str, Estimate]:
    """Rows of a network and the estimate of each; one that regresses has no likeliest place."""
    rows: dict[str, Estimate] = {"dmn": "mean"}
    if network.config.head != "pose":
        rows["dmn_likeliest_place"] = "likeliest"
    return rows


def _tell_nobody(trials: int) -> None:
    """No progress."""
