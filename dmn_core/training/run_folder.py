"""A run is a folder: configuration, command, log, the state to resume from, the best weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from dmn_core.checkpoint import save_checkpoint
from dmn_core.config import read_yaml, write_yaml
from dmn_core.errors import CheckpointError, ConfigurationError
from dmn_core.evaluation.circumstances import running_command
from dmn_core.evaluation.subjects import BEST, LAST
from dmn_core.training.config import TrainingConfig
from dmn_core.training.encoding import AnyNetwork
from dmn_core.whole_file import whole_file


class RunFolder:
    """Files of one training run."""

    def __init__(self, path: Path) -> None:
        """Nothing is read or written yet."""
        self.path = path
        self.state = path / "last.pt"
        self.best = path / BEST
        self.last = path / LAST
        self.log = path / "log.jsonl"

    @property
    def command(self) -> str:
        """The command line that is running."""
        return running_command()

    @property
    def is_begun(self) -> bool:
        """Whether there are weights, or a state to resume from."""
        return any(path.is_file() for path in (self.state, self.best, self.last))

    def describe(self, config: TrainingConfig) -> None:
        """Write configuration and command; the command of a resumed run is added below.

        Raises:
            ConfigurationError: the folder holds a run of another network or seed, on other data or
                for another objective, one that is validated otherwise, or of another version of
                this code.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        before = self.config() if self.state.is_file() else None
        if differing := before and differences(before, config):
            parts = "; ".join(
                f"{name} {was!r}, asked for was {now!r}" for name, (was, now) in differing.items()
            )
            raise ConfigurationError(
                f"{str(self.path)!r} holds a run with {parts}: its losses would not compare. Give "
                "another --out to start anew, and if you like the weights there as --start-from"
            )
        write_yaml(config, self.path / "config.yaml")
        with (self.path / "command.txt").open("a") as file:
            file.write(self.command + "\n")

    def config(self) -> TrainingConfig | None:
        """Configuration of the last call, None for a new run.

        Raises:
            ConfigurationError: it was written by another version of this code.
        """
        path = self.path / "config.yaml"
        if not path.is_file():
            return None
        try:
            return read_yaml(TrainingConfig, path)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{str(self.path)!r} holds a run that this version cannot go on with ({error}): "
                "give another --out, and its weights as --start-from"
            ) from error

    def append(self, entry: dict[str, Any]) -> None:
        """Add a line to the log."""
        with self.log.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def save(self, network: AnyNetwork, *, record: dict[str, Any], is_best: bool) -> None:
        """Write the last weights, and the best ones if they are."""
        for path in (self.last, self.best) if is_best else (self.last,):
            save_checkpoint(path, network, record=record)

    def save_state(self, state: dict[str, Any]) -> None:
        """Write the state to resume from, replacing the old one only when complete."""
        with whole_file(self.state) as partial:
            torch.save(state, partial)

    def load_state(self) -> dict[str, Any] | None:
        """State of an earlier call, None for a new run."""
        if not self.state.is_file():
            return None
        try:
            state: dict[str, Any] = torch.load(self.state, map_location="cpu", weights_only=True)
        except Exception as error:
            raise CheckpointError(
                f"{str(self.state)!r} cannot be read: {error}; delete it to start anew"
            ) from error
        return state


# What decides the network, what is drawn, the validation, and what the state to resume from is made
# of; the rest may change between calls.
STAYS = (
    "data", "topics", "views", "validation_environments", "system", "seed", "contexts",
    "far_contexts", "batch", "queries", "validation_samples", "optimizer",
)  # fmt: skip


def differences(
    before: TrainingConfig, now: TrainingConfig, *, but: tuple[str, ...] = ()
) -> dict[str, tuple[object, object]]:
    """What differs of all that makes the losses of two calls comparable, but for some names."""
    was, asked = _what_stays(before), _what_stays(now)
    return {k: (was[k], v) for k, v in asked.items() if was[k] != v and k not in but}


def _what_stays(config: TrainingConfig) -> dict[str, object]:
    """What all calls of a run have in common: with other data or another aim losses differ."""
    validated = config.objective.at(1.0)  # a curriculum is over where validation asks
    return {
        **{name: getattr(config, name) for name in STAYS},
        "root": config.root and str(Path(config.root).resolve()),
        "bag": tuple(str(Path(bag).resolve()) for bag in config.bag),
        "network": config.network,
        **{
            f"objective.{name}": value
            for name, value in vars(validated).items()
            if name != "uniform_fraction_start"
        },
    }
