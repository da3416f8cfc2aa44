"""Finished trials, kept on disk: an evaluation that was broken off goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dmn_core.errors import DataError

Key = Mapping[str, Any]


class FinishedTrials:
    """Squared errors by experiment and name of trial: one JSON line a block of trials.

    Lines that cannot be read, such as a last one that was cut off, are as if never written.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Read what is there; without a path nothing is kept.

        Raises:
            DataError: the file cannot be read.
        """
        self.path = path
        self._rows: dict[str, dict[str, list[float]]] = {}
        if path is not None and path.is_file():
            try:
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            except OSError as error:
                raise DataError(f"cannot read finished trials {str(path)!r}: {error}") from error
            for line in lines:
                self._take_in(line)

    def missing(self, key: Key, names: Sequence[str]) -> list[int]:
        """Which of the trials of these names are not finished."""
        done = self._rows.get(_text(key), {})
        return [number for number, name in enumerate(names) if name not in done]

    def squared_errors_m2(self, key: Key, names: Sequence[str]) -> np.ndarray:
        """Squared errors (M, T) of trials that are all finished."""
        done = self._rows[_text(key)]
        return np.array([done[name] for name in names])

    def add(self, key: Key, names: Sequence[str], squared_errors_m2: np.ndarray) -> None:
        """Keep squared errors (M, T) of M trials."""
        # Six digits are kept, in memory as on disk: a restart gives the same figures.
        rows = [[float(f"{value:.6g}") for value in row] for row in squared_errors_m2]
        self._rows.setdefault(_text(key), {}).update(zip(names, rows, strict=True))
        if self.path is not None:
            entry = {"experiment": dict(key), "trials": list(names), "squared_errors_m2": rows}
            _append_line(self.path, json.dumps(entry))

    def _take_in(self, line: str) -> None:
        try:
            entry = json.loads(line)
            rows = dict(zip(entry["trials"], entry["squared_errors_m2"], strict=True))
            key = _text(entry["experiment"])
        except (ValueError, KeyError, TypeError):
            return
        self._rows.setdefault(key, {}).update(rows)


def _text(key: Key) -> str:
    return json.dumps(dict(key), sort_keys=True)


def _append_line(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if file.tell() > 0:
            file.seek(-1, 2)
            if file.read(1) != b"\n":  # the line before was cut off
                line = "\n" + line
        file.write((line + "\n").encode())
