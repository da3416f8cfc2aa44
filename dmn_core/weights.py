"""Where the shipped weights lie: installed by ROS, installed by pip, or in a checkout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from dmn_core.errors import CheckpointError

WEIGHTS_NAME = "mazes.safetensors"


def default_weights_path(extra_folders: Sequence[Path] = ()) -> Path:
    """The first `mazes.safetensors` in `extra_folders`, then where pip and a checkout keep it.

    Raises:
        CheckpointError: there is none; the message names the folders.
    """
    # ROS and pip install below share/ of a prefix above this file; a checkout has models/.
    here = Path(__file__).resolve()
    folders = (
        *extra_folders,
        here.parents[1] / "models",
        *(above / "share" / "dmn" / "models" for above in here.parents[2:7]),
        Path(sys.prefix) / "share" / "dmn" / "models",
    )
    for folder in folders:
        path = folder / WEIGHTS_NAME
        if path.is_file():
            return path
    places = ", ".join(str(folder) for folder in folders)
    raise CheckpointError(
        f"wanted weights {WEIGHTS_NAME!r}, found none in {places}: give the path of a weights file"
    )


def find_weights(path: str, extra_folders: Sequence[Path] = ()) -> Path:
    """The weights at `path`, or the shipped ones where it is empty."""
    return Path(path).expanduser() if path else default_weights_path(extra_folders)
