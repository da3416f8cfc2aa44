"""Pictures of matplotlib as files."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure


def save_figure(figure: Figure, path: Path, *, dpi: int) -> Path:
    """Write a picture, making its folder; the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=dpi)
    return path
