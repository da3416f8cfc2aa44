"""Files that a launch writes for its nodes."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path


def scratch_file(text: str, name: str) -> str:
    """Path of a new file of that name and text, in a folder of its own.

    The folder goes when this process ends. Nodes read the file as they start, also when they are
    started again, which is while the launch that wrote it lives.
    """
    folder = tempfile.mkdtemp(prefix="dmn_launch_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / name
    path.write_text(text, encoding="utf-8")
    return str(path)
