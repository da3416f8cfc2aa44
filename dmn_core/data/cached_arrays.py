"""Arrays that took long to make, kept in a file that is whole or not there."""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray] | None:
    """Return the arrays of these names, or None where the file is missing or damaged."""
    try:
        with np.load(path) as arrays:
            return {name: arrays[name] for name in names}
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep arrays, whole or not at all; a folder that takes none is a warning, not an error."""
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        warnings.warn(
            f"cannot keep {path.name} in {str(path.parent)!r} ({error}), so the next start takes "
            "as long as this one; set DMN_CACHE to a folder with more room",
            stacklevel=2,
        )
