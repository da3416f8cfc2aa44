"""The paper's tasks: one-step global, sequential global, tracking.

Source: paper section V-A.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dmn_core.data.episode import EnvironmentSet
from dmn_core.errors import ConfigurationError
from dmn_core.evaluation.algorithms import Algorithm, NetworkAlgorithm
from dmn_core.evaluation.baselines import BaselineAlgorithm
from dmn_core.evaluation.experiment import Experimenter, Places
from dmn_core.evaluation.finished_trials import FinishedTrials
from dmn_core.evaluation.metrics import Figure, rmse_m, success_percent
from dmn_core.evaluation.trials import Task, TrialPlan
from dmn_core.observation import LocalizationNetwork
from dmn_core.robot import PRECISIONS, Precision


@dataclass(frozen=True)
class EvaluationConfig:
    """How to evaluate; the defaults are the paper's.

    Attributes:
        trials: each in another environment while there are enough.
        contexts: N. steps: t of sequential global localization and tracking.
        particles_global, particles_tracking: K.
        trials_at_once: how many share a pass through the network.
        precision: of convolutions: float32, or bfloat16 (faster where the processor has it).
    """

    trials: int = 1000
    contexts: int = 4
    steps: int = 5
    particles_global: int = 2048
    particles_tracking: int = 256
    seed: int = 0
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
        return TrialPlan(contexts=self.contexts, steps=self.steps, seed=self.seed)

    @property
    def global_task(self) -> Task:
        """Global localization; one-step and sequential are read at t = 1 and at the end."""
        return Task("global", self.particles_global)

    @property
    def tracking_task(self) -> Task:
        """Tracking."""
        return Task("tracking", self.particles_tracking)


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
    """Results of the network and of both baselines on the same trials.

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
    algorithms: dict[str, Algorithm] = {
        "dmn": NetworkAlgorithm(network, fingerprint, config.precision),
        "closest_context": BaselineAlgorithm("closest_context"),
        "uninformed": BaselineAlgorithm("uninformed"),
    }
    tasks = (config.global_task, config.tracking_task)
    results = {}
    for name, algorithm in algorithms.items():
        told = progress if name == "dmn" else _tell_nobody
        errors = experimenter.errors(algorithm, places, config.plan, tasks, progress=told)
        globally, tracking = errors[config.global_task], errors[config.tracking_task]
        results[name] = Results(
            sequential_global=success_percent(globally[:, -1], where),
            one_step_global=success_percent(globally[:, 0], where),
            tracking_rmse_m=rmse_m(tracking[:, -1], where),
        )
    return results


def _tell_nobody(trials: int) -> None:
    """No progress."""
