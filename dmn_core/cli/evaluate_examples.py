"""Which weights `dmn evaluate` takes, and the pictures of `--figure 5` and `--figure 6`."""

from __future__ import annotations

from pathlib import Path

from dmn_core.checkpoint import Checkpoint
from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.sources import DataConfig
from dmn_core.errors import CheckpointError, ConfigurationError
from dmn_core.evaluation.algorithms import NetworkAlgorithm
from dmn_core.evaluation.episode_pictures import draw_likelihood, draw_sequence
from dmn_core.evaluation.protocol import EvaluationConfig
from dmn_core.evaluation.subjects import Subject, WeightsFolder
from dmn_core.evaluation.trials import draw_trials, first_beliefs
from dmn_core.weights import find_weights


def draw_examples(
    figure: int,
    checkpoint: Checkpoint,
    environments: EnvironmentSet,
    *,
    config: EvaluationConfig,
    count: int,
    folder: Path,
) -> list[Path]:
    """Draw figure 5 or 6 for the first trials; the paths of the pictures.

    Raises:
        ConfigurationError: the network does not weigh particles.
    """
    if checkpoint.network.config.head != "likelihood":
        raise ConfigurationError(
            f"figure {figure} shows beliefs and wants weights of a particle filter, got head "
            f"{checkpoint.network.config.head!r}: give other weights"
        )
    algorithm = NetworkAlgorithm(checkpoint.network, checkpoint.fingerprint, config.precision)
    paths = []
    for number in range(count):
        episodes = draw_trials(environments, config.plan, [number], device=algorithm.device)
        encoded = algorithm.encode(episodes)
        path = folder / f"figure_{figure:02d}_trial_{number}.png"
        if figure == 5:
            belief = first_beliefs(episodes, config.global_task, seed=config.seed, numbers=[number])
            paths.append(draw_sequence(path, encoded, belief))
        else:
            paths.append(draw_likelihood(path, encoded))
    return paths


def weights_to_evaluate(weights: str, data: DataConfig, weights_dir: Path) -> Path:
    """The weights that were asked for, else those of the DMN for this kind of data.

    Raises:
        CheckpointError: there are none; the message says how to make them.
    """
    if weights:
        return find_weights(weights)
    folder = WeightsFolder(weights_dir, or_other=True)
    found = folder.find(data.data, Subject("dmn"))
    if found is None:
        command = folder.training_command(data, Subject("dmn"))
        raise CheckpointError(
            f"wanted weights for {data.data!r}, found none that are shipped, in "
            f"{str(weights_dir)!r} or in {str(folder.run_of(data.data))!r}: give --weights "
            f"FILE, or run `{command}`"
        )
    return found
