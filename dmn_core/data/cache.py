"""Where data that took long to make is kept between runs."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def default_cache_dir() -> Path:
    """Return the folder of rendered worlds and indices: $DMN_CACHE, or ~/.cache/dmn."""
    chosen = os.environ.get("DMN_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "dmn"


@contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """Wait until no other process makes the thing of that name in a folder of the cache."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
