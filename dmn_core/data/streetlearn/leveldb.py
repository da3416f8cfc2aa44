"""LevelDB through plyvel, and what to tell a user whom it refuses."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from dmn_core.errors import DataError


def import_plyvel() -> ModuleType:
    """The package plyvel.

    Raises:
        DataError: it is not installed.
    """
    try:
        import plyvel
    except ImportError as error:
        raise DataError(
            "StreetLearn databases want the package plyvel, which is not installed: pip install "
            "plyvel (where it has no wheel, it is built with LevelDB's headers, libleveldb-dev)"
        ) from error
    module: ModuleType = plyvel
    return module


def cannot_open(path: Path, error: Exception) -> str:
    """Why LevelDB refused a folder, and what to do."""
    # plyvel gives the reasons as bytes.
    reason = "; ".join(
        a.decode(errors="replace") if isinstance(a, bytes) else str(a) for a in error.args
    )
    head = f"cannot read the LevelDB in {str(path)!r} ({reason}): "
    lowered = reason.lower()
    if "already held" in lowered or "temporarily unavailable" in lowered:
        return (
            head + "another process has it open; close that, or copy the folder and give the copy"
        )
    if "permission denied" in lowered or "read-only" in lowered:
        return (
            head
            + "LevelDB writes even where we only read; copy the folder to a place you can write"
        )
    if "does not exist" in lowered:
        return head + "give the folder that holds its file CURRENT"
    return head + (
        "it is damaged, as after a copy that was broken off; copy it again, or save what is whole "
        f'with `python -c "import plyvel; plyvel.repair_db({str(path)!r}, paranoid_checks=True)"`'
    )
