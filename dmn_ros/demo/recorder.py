"""Listens to everything that a demo is about, keeps it, and writes it to a bag."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from rosbags.rosbag2 import StoragePlugin, Writer

from dmn_core.data.message_factory import TYPESTORE
from dmn_core.data.ros_decoding import stamp_ns
from dmn_ros.message_types import message_class


@dataclass(frozen=True)
class Recorded:
    """A message as it came: bytes, and decoded."""

    data: bytes
    message: Any


class Recorder(Node):
    """Subscribes to topics and keeps their messages."""

    def __init__(self) -> None:
        """Listen to nothing yet."""
        super().__init__("demo")
        self._heard: dict[str, list[Recorded]] = {}
        self._types: dict[str, str] = {}

    def listen(self, topic: str, type_name: str, quality: QoSProfile) -> None:
        """Keep the messages of a topic."""
        kind = message_class(type_name)
        heard = self._heard.setdefault(topic, [])
        self._types[topic] = type_name

        def keep(data: bytes) -> None:
            heard.append(Recorded(data, deserialize_message(data, kind)))

        self.create_subscription(kind, topic, keep, quality, raw=True)

    def messages(self, topic: str) -> list[Any]:
        """What came on a topic, decoded."""
        return [entry.message for entry in self._heard.get(topic, [])]

    def count(self, topic: str) -> int:
        """How many messages came on a topic."""
        return len(self._heard.get(topic, []))

    def newest(self, topic: str) -> Any | None:
        """The last message of a topic."""
        heard = self._heard.get(topic)
        return heard[-1].message if heard else None

    def write(self, path: Path, topics: list[str], *, latched: list[str]) -> int:
        """Write topics to a new bag, each message at its stamp, latched ones at the beginning.

        Returns:
            How many messages were written.
        """
        shutil.rmtree(path, ignore_errors=True)
        stamped = [
            (_stamp_ns(entry.message), topic, entry.data)
            for topic in topics
            for entry in self._heard.get(topic, [])
        ]
        begin_ns = min((stamp for stamp, _, _ in stamped), default=0)
        first = [(begin_ns, topic, e.data) for topic in latched for e in self._heard.get(topic, [])]
        with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
            connections = {
                topic: writer.add_connection(topic, self._types[topic], typestore=TYPESTORE)
                for topic in (*latched, *topics)
                if self._heard.get(topic)
            }
            for stamp, topic, data in first + sorted(stamped, key=lambda entry: entry[0]):
                writer.write(connections[topic], stamp, data)
        return len(first) + len(stamped)


def _stamp_ns(message: Any) -> int:
    header = message.header if hasattr(message, "header") else message.transforms[0].header
    return stamp_ns(header.stamp)
