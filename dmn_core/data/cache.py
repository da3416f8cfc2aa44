"""Where data that took long to make is kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def default_cache_dir() -> Path:
    """Return the folder of rendered worlds and indices: $DMN_CACHE, or ~/.cache/dmn."""
    chosen = os.environ.get("DMN_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "dmn"
