"""The table of a node's parameters, as the documentation shows it."""

from __future__ import annotations

import dataclasses
from typing import Any

from dmn_ros.declaration import ros_name, words

HEAD = "| parameter | default | values | live | meaning |\n|---|---|---|---|---|\n"


def parameter_table(kind: type[Any]) -> str:
    """Rows of Markdown for every field of a dataclass of parameters."""
    return HEAD + "".join(_row(field) for field in dataclasses.fields(kind))


def _row(field: dataclasses.Field[Any]) -> str:
    about = field.metadata
    low, high = ("" if edge is None else f"{edge:g}" for edge in (about["low"], about["high"]))
    values = words(about["choices"]) or (f"{low} to {high}" if low or high else "")
    live = "yes" if about["live"] else ""
    default = _shown(field.default)
    cells = (f"`{ros_name(field)}`", default, values, live, about["description"])
    return "| " + " | ".join(cell.strip() for cell in cells) + " |\n"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return str(list(value))
    return f"{value}" if value != "" else '""'
