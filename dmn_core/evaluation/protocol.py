"""The paper's tasks: one-step global, sequential global, tracking.

Source: paper section V-A.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from dmn_core.data.batching import episodes_of
from dmn_core.data.episode import EnvironmentSet, Episodes
from dmn_core.errors import ConfigurationError
from dmn_core.evaluation.baselines import closest_context, uninformed
from dmn_core.evaluation.metrics import Figure, rmse_m, squared_error_m2, success_percent
from dmn_core.observation import ObservationModel
from dmn_core.particle_filter import Belief, FilterSettings, step, uniform_belief
from dmn_core.particle_filter.initial_belief import tracking_belief
from dmn_core.views import ViewMap, to_network_input


@dataclass(frozen=True)
class EvaluationConfig:
    """How to evaluate; the defaults are the paper's.

    Attributes:
        trials: each in another environment while there are enough.
        contexts: N. steps: t of sequential global localization and tracking.
        particles_global, particles_tracking: K.
        trials_at_once: how many share a pass through the network.
    """

    trials: int = 1000
    contexts: int = 4
    steps: int = 5
    particles_global: int = 2048
    particles_tracking: int = 256
    seed: int = 0
    trials_at_once: int = 4

    def __post_init__(self) -> None:
        """Refuse counts below one."""
        for field in fields(EvaluationConfig):
            value = getattr(self, field.name)
            if field.name != "seed" and value < 1:
                raise ConfigurationError(f"{field.name} wants at least 1, got {value!r}")


@dataclass(frozen=True)
class Results:
    """Figures of one algorithm on one data set."""

    sequential_global: Figure
    one_step_global: Figure
    tracking_rmse_m: Figure


def evaluate(
    network: ObservationModel,
    environments: EnvironmentSet,
    *,
    config: EvaluationConfig,
    progress: Callable[[int], object] = lambda trials: None,
) -> dict[str, Results]:
    """Results of the network and of both baselines on the same trials.

    Args:
        network: in evaluation mode, on any device.
        environments: unseen places.
        config: the protocol.
        progress: told how many trials were just done.
    """
    errors: dict[str, dict[str, list[np.ndarray]]] = {}
    for number, episodes in enumerate(draw_trials(environments, config, device_of(network))):
        generator = torch.Generator(device_of(network)).manual_seed(config.seed * 100_003 + number)
        for task, algorithms in run_trials(network, episodes, config, generator).items():
            truth = episodes.query_poses.cpu().numpy()
            for name, poses in algorithms.items():
                off = squared_error_m2(poses.cpu().numpy(), truth)
                errors.setdefault(name, {}).setdefault(task, []).append(off)
        progress(len(episodes.query_poses))
    return {
        name: _results({task: np.concatenate(parts) for task, parts in tasks.items()})
        for name, tasks in errors.items()
    }


def draw_trials(
    environments: EnvironmentSet, config: EvaluationConfig, device: torch.device
) -> Iterator[Episodes]:
    """Batches of trials; trial number i is the same whatever the batch size."""
    for first in range(0, config.trials, config.trials_at_once):
        numbers = range(first, min(first + config.trials_at_once, config.trials))
        parts = [_trial(environments, config, number, device) for number in numbers]
        yield Episodes(
            context_images=torch.cat([part.context_images for part in parts]),
            context_poses=torch.cat([part.context_poses for part in parts]),
            query_images=torch.cat([part.query_images for part in parts]),
            query_poses=torch.cat([part.query_poses for part in parts]),
            area_m=environments.area_m,
        )


def run_trials(
    network: ObservationModel,
    episodes: Episodes,
    config: EvaluationConfig,
    generator: torch.Generator,
) -> dict[str, dict[str, Tensor]]:
    """Estimated poses (B, T, 3) by task and algorithm."""
    batch = len(episodes.query_poses)
    beliefs = {
        "global": uniform_belief(
            episodes.area_m,
            batch=batch,
            particles=config.particles_global,
            generator=generator,
        ),
        "tracking": tracking_belief(
            episodes.query_poses[:, 0], particles=config.particles_tracking, generator=generator
        ),
    }
    closest = closest_context(episodes)
    return {
        task: {
            "dmn": localize(network, episodes, belief, generator),
            "closest_context": closest,
            "uninformed": uninformed(episodes, belief, generator),
        }
        for task, belief in beliefs.items()
    }


def localize(
    network: ObservationModel, episodes: Episodes, belief: Belief, generator: torch.Generator
) -> Tensor:
    """Estimates (B, T, 3) of the paper's filter along each episode."""
    poses = []
    with torch.inference_mode():
        embeddings = network.encode_views(to_network_input(episodes.context_images))
        prepared = network.prepare_map(ViewMap(embeddings, episodes.context_poses))
        for images, odometry in along(episodes):
            query = network.encode_query(to_network_input(images))
            result = step(
                belief,
                odometry,
                lambda at, query=query: network.log_likelihood(prepared, query, at),  # type: ignore[misc]
                settings=FilterSettings(),
                generator=generator,
            )
            belief = result.belief
            poses.append(result.pose_map_base)
    return torch.stack(poses, dim=1)


def along(episodes: Episodes) -> Iterator[tuple[Tensor, Tensor]]:
    """Query images (B, H, W, 3) with the odometry (B, 3) that led there; the first did not move."""
    for t in range(episodes.query_poses.shape[1]):
        yield episodes.query_images[:, t], episodes.odometry(t)


def device_of(network: ObservationModel) -> torch.device:
    """Where the weights are."""
    return next(network.parameters()).device


def _trial(
    environments: EnvironmentSet, config: EvaluationConfig, number: int, device: torch.device
) -> Episodes:
    rng = np.random.default_rng((config.seed, number))
    return episodes_of(
        environments,
        np.array([number % len(environments)]),
        contexts=config.contexts,
        queries=config.steps,
        rng=rng,
        device=device,
    )


def _results(errors: dict[str, np.ndarray]) -> Results:
    return Results(
        sequential_global=success_percent(errors["global"][:, -1]),
        one_step_global=success_percent(errors["global"][:, 0]),
        tracking_rmse_m=rmse_m(errors["tracking"][:, -1]),
    )
