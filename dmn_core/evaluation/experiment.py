"""Carrying out experiments: errors of one algorithm on trials, each computed once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from dmn_core.data.episode import EnvironmentSet, Episodes
from dmn_core.errors import CheckpointError
from dmn_core.evaluation.algorithms import Algorithm
from dmn_core.evaluation.baselines import closest_context
from dmn_core.evaluation.finished_trials import FinishedTrials
from dmn_core.evaluation.metrics import squared_error_m2
from dmn_core.evaluation.trials import (
    Start,
    Task,
    TrialPlan,
    draw_trials,
    first_beliefs,
    place_fingerprint,
    places_of_page,
    places_of_trials,
)

# Written into every key; raise it when the same key would mean other errors.
PROTOCOL_VERSION = 2


@dataclass(frozen=True)
class Places:
    """Environments, and what identifies the trials in them.

    Attributes:
        environments: to choose from.
        page: all plans that are compared, which are asked in the same places where there are any.
    """

    environments: EnvironmentSet
    page: tuple[TrialPlan, ...] = ()
    _known: dict[int, str] = field(default_factory=dict, compare=False)

    def of_trials(self, plan: TrialPlan, trials: int) -> np.ndarray:
        """Numbers (trials,) of the environments of the first trials."""
        return places_of_trials(self.environments, plan, range(trials), page=self.page)

    @property
    def of_page(self) -> np.ndarray:
        """Numbers (E',) of the environments in which all plans of the page are asked."""
        return places_of_page(self.environments, self.page)

    def blocks_of_trials(self, plan: TrialPlan, trials: int) -> np.ndarray:
        """Numbers (trials,) of what trials have in common: their block, or else their place."""
        numbers, blocks = self.of_trials(plan, trials), self.environments.blocks
        return numbers if blocks is None else blocks[numbers]

    def names_of_trials(self, plan: TrialPlan, trials: int) -> list[str]:
        """Number and place of the first trials: what is the same trial has the same name.

        So more places, and with them more trials, leave the finished ones as they are.
        """
        places = self.of_trials(plan, trials)
        return [f"{number}@{self._fingerprint(int(p))}" for number, p in enumerate(places)]

    def _fingerprint(self, place: int) -> str:
        if place not in self._known:
            self._known[place] = place_fingerprint(self.environments, place)
        return self._known[place]


@dataclass(frozen=True)
class Experimenter:
    """Carries experiments out and keeps what is finished.

    Attributes:
        trials: how many of each.
        at_once: how many share a pass through the network.
        finished: what is known already, and gets what is found.
        block: at least how many trials are kept in one go.
    """

    trials: int
    at_once: int
    finished: FinishedTrials
    block: int = 8

    def errors(
        self,
        algorithm: Algorithm,
        places: Places,
        plan: TrialPlan,
        tasks: Sequence[Task],
        *,
        progress: Callable[[int], object] = lambda trials: None,
    ) -> dict[Task, np.ndarray]:
        """Squared errors (trials, T) [m^2] of each task; the trials of all tasks are the same.

        Args:
            algorithm: what localizes.
            places: where.
            plan: what is shown.
            tasks: what is believed before.
            progress: told how many trials were just done.
        """
        keys = {task: experiment_key(algorithm, plan, task) for task in tasks}
        names = places.names_of_trials(plan, self.trials)
        open_trials = {task: set(self.finished.missing(keys[task], names)) for task in tasks}
        wanted = sorted(set().union(*open_trials.values()))
        progress(self.trials - len(wanted))
        for numbers in _batches(wanted, max(self.block, self.at_once)):
            due = [task for task in tasks if open_trials[task].intersection(numbers)]
            for task, rows in self._block(algorithm, places, plan, due, numbers).items():
                self.finished.add(keys[task], [names[number] for number in numbers], rows)
            progress(len(numbers))
        return {t: self.finished.squared_errors_m2(keys[t], names) for t in tasks}

    def _block(
        self,
        algorithm: Algorithm,
        places: Places,
        plan: TrialPlan,
        tasks: Sequence[Task],
        numbers: Sequence[int],
    ) -> dict[Task, np.ndarray]:
        parts: dict[Task, list[np.ndarray]] = {task: [] for task in tasks}
        for together in _batches(numbers, self.at_once):
            episodes = draw_trials(
                places.environments, plan, together, page=places.page, device=algorithm.device
            )
            encoded = algorithm.encode(episodes)
            for alike in _by_start(tasks):
                belief = first_beliefs(episodes, alike[0], seed=plan.seed, numbers=together)
                found = encoded.estimates(belief, [task.estimate for task in alike])
                for task in alike:
                    parts[task].append(_errors(found[task.estimate], episodes, task))
        return {task: np.concatenate(rows) for task, rows in parts.items()}


def experiment_key(algorithm: Algorithm, plan: TrialPlan, task: Task) -> dict[str, Any]:
    """Everything that decides the errors of an experiment, trial by trial."""
    shown, asked = dataclasses.asdict(plan), dataclasses.asdict(task)
    # As keys were before there was a choice.
    if plan.map_from == "own":
        del shown["map_from"]
    if task.estimate == ("heaviest" if task.start == "contexts" else "mean"):
        del asked["estimate"]
    return {
        "protocol": PROTOCOL_VERSION,
        "algorithm": algorithm.identity,
        **shown,
        **asked,
    }


def _by_start(tasks: Sequence[Task]) -> Iterable[Sequence[Task]]:
    """Tasks that begin with the same belief, and so go with one pass of the filter."""
    alike: dict[tuple[Start, int], list[Task]] = {}
    for task in tasks:
        alike.setdefault((task.start, task.particles), []).append(task)
    return alike.values()


def _errors(found: Tensor, episodes: Episodes, task: Task) -> np.ndarray:
    """Squared errors (B, T): to the truth, or to the context that is nearest to it (Table V)."""
    wanted = closest_context(episodes) if task.start == "contexts" else episodes.query_poses
    errors = squared_error_m2(found.cpu().numpy(), wanted.cpu().numpy())
    if not np.isfinite(errors).all():
        raise CheckpointError(
            "the network gave poses that are not numbers: its weights are damaged, or its "
            "training diverged; train it again, or give other weights"
        )
    return errors


def _batches(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]
