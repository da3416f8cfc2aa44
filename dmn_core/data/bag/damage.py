"""What to tell a user whose bag cannot be read."""

from __future__ import annotations

from pathlib import Path

from dmn_core.errors import BagError

_REPAIRS = {
    ".mcap": (
        "`mcap recover {file} -o repaired.mcap` saves and indexes the messages that are whole; "
        "then re-index the folder with `ros2 bag reindex -s mcap {folder}`"
    ),
    ".db3": (
        '`sqlite3 {file} ".recover" | sqlite3 repaired.db3` saves the messages that are whole; '
        "then `ros2 bag reindex -s sqlite3 {folder}`"
    ),
    ".bag": "`rosbag reindex {file}` saves the messages that are whole",
}


def damage_error(path: Path, error: Exception) -> BagError:
    """The error for a bag on which the reader failed: where, why, and how to repair it."""
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, PermissionError):
        return BagError(f"cannot read the bag {str(path)!r}: {error}; check who may read the file")
    if "not supported" in str(error):
        return BagError(
            f"cannot read the bag {str(path)!r}: {reason}; convert it with `ros2 bag convert` or "
            "`rosbags-convert`"
        )
    return BagError(
        f"cannot read the bag {str(path)!r}: it is truncated or damaged, as when the recorder was "
        f"killed or a copy was interrupted ({reason}). {_repair(path)}"
    )


def _repair(path: Path) -> str:
    files = [path] if path.is_file() else sorted(path.iterdir()) if path.is_dir() else []
    for file in files:
        if advice := _REPAIRS.get(file.suffix):
            return f"Copy it again, or repair it: {advice.format(file=file, folder=file.parent)}."
    return "Copy it again, or record it again."
