"""A run is a folder: configuration, command, log, the state to resume from, the best weights."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import torch

from dmn_core.config import read_yaml, write_yaml
from dmn_core.errors import CheckpointError, ConfigurationError
from dmn_core.training.config import TrainingConfig


class RunFolder:
    """Files of one training run."""

    def __init__(self, path: Path) -> None:
        """Make the folder if it is not there."""
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.state = path / "last.pt"
        self.best = path / "best.safetensors"
        self.last = path / "last.safetensors"
        self.log = path / "log.jsonl"

    @property
    def command(self) -> str:
        """The command line that is running."""
        return shlex.join(["dmn", *sys.argv[1:]])

    def describe(self, config: TrainingConfig) -> None:
        """Write configuration and command; the command of a resumed run is added below.

        Raises:
            ConfigurationError: the folder holds a run of another network or seed.
        """
        path = self.path / "config.yaml"
        if self.state.is_file() and path.is_file():
            before = read_yaml(TrainingConfig, path)
            if (before.network, before.seed) != (config.network, config.seed):
                raise ConfigurationError(
                    f"{str(self.path)!r} holds a run with {before.network!r} and seed "
                    f"{before.seed!r}, asked for was {config.network!r} and {config.seed!r}: "
                    "give another --out to start anew"
                )
        write_yaml(config, path)
        with (self.path / "command.txt").open("a") as file:
            file.write(self.command + "\n")

    def append(self, entry: dict[str, Any]) -> None:
        """Add a line to the log."""
        with self.log.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def save_state(self, state: dict[str, Any]) -> None:
        """Write the state to resume from, replacing the old one only when complete."""
        partial = self.state.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.state)

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
