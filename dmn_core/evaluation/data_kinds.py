"""The three kinds of data of the paper, and which source is of which."""

from __future__ import annotations

from typing import Literal

DataKind = Literal["rooms", "mazes", "streets"]
KIND_TITLES: dict[DataKind, str] = {"rooms": "Rooms", "mazes": "Mazes", "streets": "Street View"}
_WORDS: dict[str, DataKind] = {"room": "rooms", "maze": "mazes", "street": "streets"}


def kind_of(data: str) -> DataKind | None:
    """Of which kind a source of data is; None for none."""
    return next((kind for word, kind in _WORDS.items() if word in data), None)
