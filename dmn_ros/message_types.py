"""Message classes by their names."""

from __future__ import annotations

import importlib
from typing import Any


def message_class(type_name: str) -> Any | None:
    """The class of a type such as `sensor_msgs/msg/Image`; None where its package is absent."""
    package, _, name = type_name.partition("/")
    module, _, name = name.rpartition("/")
    try:
        return getattr(importlib.import_module(f"{package}.{module or 'msg'}"), name)
    except (ImportError, AttributeError):
        return None
