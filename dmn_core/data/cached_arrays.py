"""Arrays that took long to make, kept in the cache; read them with `whole_file.read_arrays`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dmn_core.whole_file import whole_file


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep arrays, whole or not at all; a folder that takes none is a warning, not an error."""
    try:
        with whole_file(path) as partial, partial.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        warnings.warn(
            f"cannot keep {path.name} in {str(path.parent)!r} ({error}), so the next start takes "
            "as long as this one; set DMN_CACHE to a folder with more room",
            stacklevel=2,
        )
