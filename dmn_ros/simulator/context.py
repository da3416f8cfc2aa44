"""Pictures of the simulated world from which the robot's map is made."""

from __future__ import annotations

import os
from pathlib import Path

from dmn_core.data.cache import alone, default_cache_dir
from dmn_core.data.recording import record_context_bag
from dmn_core.worlds.maze import generate_maze


def simulated_context(seed: int, views: int) -> Path:
    """A bag with views of the maze of a seed; recorded once, and kept in the cache.

    Raises:
        DmnError: the simulator is not installed, or `views` is below 1.
    """
    folder = default_cache_dir() / "context_bags"
    name = f"maze-{seed}-{views}-views"
    with alone(folder, name):
        path = folder / name
        if not path.exists():
            # Whole or not at all: a folder that is there is a bag.
            begun = folder / f"{name}-{os.getpid()}"
            record_context_bag(begun, generate_maze(seed), views=views, seed=seed)
            begun.rename(path)
    return path
