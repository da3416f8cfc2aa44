"""Writing ROS 2 bags that carry their message definitions, without ROS."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer

from dmn_core.data.message_factory import TYPESTORE, serialize
from dmn_core.errors import BagError

Storage = Literal["mcap", "sqlite3"]
_PLUGINS = {"mcap": StoragePlugin.MCAP, "sqlite3": StoragePlugin.SQLITE3}
_LATCHED_TOPICS = frozenset({"/tf_static"})
_FOREVER = QosTime(sec=9223372036, nsec=854775807)


@dataclass(frozen=True)
class Entry:
    """A message to write: when it was received [ns], its topic and its content."""

    stamp_ns: int
    topic: str
    content: Any


def write_bag(path: str | os.PathLike[str], entries: Iterable[Entry], *, storage: Storage) -> Path:
    """Write `entries`, in the order of their stamps, to a new bag folder and return its path.

    Raises:
        BagError: when the path exists or the storage is unknown.
    """
    folder = Path(path)
    if storage not in _PLUGINS:
        raise BagError(f"storage must be one of {sorted(_PLUGINS)}, not {storage!r}")
    if folder.exists():
        raise BagError(f"a new bag wants a path that is not there yet, but {folder} exists")
    ordered = sorted(entries, key=lambda entry: entry.stamp_ns)
    connections: dict[str, Any] = {}
    with Writer(folder, version=9, storage_plugin=_PLUGINS[storage]) as writer:
        for entry in ordered:
            if entry.topic not in connections:
                connections[entry.topic] = writer.add_connection(
                    entry.topic,
                    entry.content.__msgtype__,
                    typestore=TYPESTORE,
                    offered_qos_profiles=[_quality(latched=entry.topic in _LATCHED_TOPICS)],
                )
            writer.write(connections[entry.topic], entry.stamp_ns, serialize(entry.content))
    return folder


def _quality(*, latched: bool) -> Qos:
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1 if latched else 10,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        deadline=_FOREVER,
        lifespan=_FOREVER,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=_FOREVER,
        avoid_ros_namespace_conventions=False,
    )
