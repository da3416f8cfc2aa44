"""Opening any ROS bag: one reader for mcap, sqlite3 and ROS 1, with errors that say what to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from dmn_core.data.bag.damage import damage_error
from dmn_core.errors import BagError

_STORAGE_SUFFIXES = (".mcap", ".db3", ".bag")


@dataclass(frozen=True)
class TopicSummary:
    """A topic of a bag: its name, the type of its messages and how many there are."""

    name: str
    type_name: str
    count: int


class Bag:
    """An open bag; made by `open_bag`."""

    def __init__(
        self, path: Path, reader: AnyReader, watch: Callable[[], None] | None = None
    ) -> None:
        """Take over a reader that is open; `watch` as for `open_bag`."""
        self.path = path
        self._reader, self._watch = reader, watch
        self.topics: tuple[TopicSummary, ...] = tuple(
            TopicSummary(name, info.msgtype or "(several types)", info.msgcount)
            for name, info in sorted(reader.topics.items())
        )

    def describe_topics(self) -> str:
        """The topics with their types and counts, for an error message."""
        lines = [f"  {t.name} ({t.type_name}, {t.count} messages)" for t in self.topics]
        return "topics in this bag:\n" + ("\n".join(lines) if lines else "  (none)")

    def topic(self, name: str) -> TopicSummary:
        """The topic of this name, the leading slash being optional.

        Raises:
            BagError: It is not there.
        """
        for topic in self.topics:
            if topic.name == name or topic.name == f"/{name}":
                return topic
        raise BagError(f"{self.path}: wanted topic {name!r}; {self.describe_topics()}")

    def of_types(self, type_names: Collection[str]) -> list[TopicSummary]:
        """Topics of these types that hold messages."""
        return [t for t in self.topics if t.type_name in type_names and t.count]

    def raw_messages(self, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """Pairs of topic name and raw message, in the order of recording; `decode` makes messages.

        Raises:
            BagError: The file is damaged.
        """
        connections = [c for c in self._reader.connections if c.topic in names]
        if not connections:
            return
        messages = self._reader.messages(connections=connections)
        while True:
            if self._watch is not None:
                self._watch()
            # Only the step of the reader is guarded: what a caller does between is its own affair.
            try:
                connection, _, data = next(messages)
            except StopIteration:
                return
            except Exception as error:
                raise damage_error(self.path, error) from error
            yield connection.topic, (data, connection.msgtype)

    def decode(self, raw: Any) -> Any:
        """The message, with attributes as ROS has them, of what `raw_messages` gave.

        Raises:
            BagError: The bytes do not make a message.
        """
        data, type_name = raw
        try:
            return self._reader.deserialize(data, type_name)
        except Exception as error:
            raise damage_error(self.path, error) from error

    def messages(self, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """Pairs of topic name and message, in the order of recording.

        Raises:
            BagError: The file is damaged.
        """
        for name, raw in self.raw_messages(names):
            yield name, self.decode(raw)


@contextmanager
def open_bag(
    path: str | os.PathLike[str], *, watch: Callable[[], None] | None = None
) -> Generator[Bag, None, None]:
    """Open a ROS 2 bag (folder, .mcap, .db3) or a ROS 1 bag (.bag, or a folder of them).

    Args:
        path: where it is.
        watch: called before each message that is read; what it raises ends the reading.

    Raises:
        BagError: There is nothing at the path, or no bag, or a damaged one.
    """
    bag_path = Path(path).expanduser()
    files = _storage_files(bag_path)
    # Bags of ROS 2 before Iron carry no definitions; those of the common messages never changed.
    try:
        reader = AnyReader(files, default_typestore=get_typestore(Stores.ROS2_JAZZY))
        reader.open()
    except Exception as error:
        raise damage_error(bag_path, error) from error
    try:
        yield Bag(bag_path, reader, watch)
    finally:
        reader.close()


def _storage_files(path: Path) -> list[Path]:
    """What the reader is to open for a path: a folder with metadata, or storage files."""
    if not path.exists():
        raise BagError(
            f"there is no bag at {str(path)!r}; wanted a folder of a ROS 2 bag or a file "
            f"{', '.join('*' + suffix for suffix in _STORAGE_SUFFIXES)}"
        )
    if path.is_file():
        if path.suffix not in _STORAGE_SUFFIXES:
            raise BagError(
                f"{str(path)!r} does not end like a bag; wanted "
                f"{', '.join('*' + suffix for suffix in _STORAGE_SUFFIXES)} or a folder"
            )
        return [path]
    if (path / "metadata.yaml").exists():
        return [path]
    # A recorder that is killed writes no metadata.yaml, but leaves its storage files.
    for suffix in _STORAGE_SUFFIXES:
        if files := sorted(path.glob(f"*{suffix}")):
            return files
    held = sorted(entry.name for entry in path.iterdir())[:10]
    raise BagError(
        f"the folder {str(path)!r} holds no bag: wanted metadata.yaml or storage files "
        f"({', '.join('*' + suffix for suffix in _STORAGE_SUFFIXES)}), found {held!r}"
    )


def list_topics(path: str | os.PathLike[str]) -> tuple[TopicSummary, ...]:
    """The topics of a bag, by name.

    Raises:
        BagError: There is no bag at the path, or it is damaged.
    """
    with open_bag(path) as bag:
        return bag.topics
