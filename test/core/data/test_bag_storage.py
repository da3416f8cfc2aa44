"""Files in bags hold what rosbag2's storages read, so that `ros2 bag play` plays them."""

from __future__ import annotations

import re
import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from dmn_core.data.bag_output import Storage, write_bag
from dmn_core.data.result_bag import ResultBagWriter

BAGS = Path(__file__).parents[3] / "bags"
# As ROS 2 itself computes it of its own definition.
TF_HASH = "RIHS01_e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087"
QUALITIES = {"history", "depth", "reliability", "durability", "deadline", "lifespan"}


@pytest.fixture
def written(bags: Any) -> dict[Storage, Path]:
    """One bag of every storage, of the kinds of messages that we record."""
    frames = bags.transform((0.1, 0.0, 0.0), 0.0, "base_link", "camera", topic="/tf_static")
    entries = [frames, *bags.images(3), *bags.poses()]
    entries += [bags.odometry(0.1 * number) for number in range(5)]
    return {
        storage: write_bag(bags.folder / storage, entries, storage=storage)
        for storage in ("mcap", "sqlite3")
    }


def rihs(name: str, definition: str) -> str:
    """The hash of a type, computed from nothing but its definition."""
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(definition, name))
    return str(store.hash_rihs01(name))


def check_definition(name: str, definition: str, expected_hash: str) -> None:
    """It is whole: a type that is used and not defined in it has no hash."""
    sections = re.findall(r"^MSG: (\S+)$", definition, re.MULTILINE)
    assert len(sections) == len(set(sections))
    assert definition.count("=" * 80 + "\nMSG: ") == len(sections)
    assert rihs(name, definition) == expected_hash


def check_qualities(text: str, *, stated: bool = True) -> None:
    """Whole where they are stated; without any, rosbag2 plays with its own."""
    profiles = yaml.safe_load(text)
    assert len(profiles) == int(stated)
    assert all(set(profile) >= QUALITIES for profile in profiles)


def information(bag: Path) -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((bag / "metadata.yaml").read_text())
    return told["rosbag2_bagfile_information"]


def described(bag: Path) -> dict[str, dict[str, Any]]:
    """What metadata.yaml says of each topic, by its name."""
    topics = information(bag)["topics_with_message_count"]
    return {topic["topic_metadata"]["name"]: topic["topic_metadata"] for topic in topics}


def hash_of(topic: dict[str, Any]) -> str:
    return str(topic["type_description_hash"]).strip()


def check_file_metadata(text: str, bag: Path) -> None:
    """The file alone says what metadata.yaml says, as after `ros2 bag reindex`."""
    found, expected = yaml.safe_load(text), information(bag)
    assert found["version"] == 9
    # The writer fills in what it learns at the end, such as counts, in metadata.yaml.
    assert found.keys() == expected.keys()
    for name in ("version", "storage_identifier", "ros_distro", "relative_file_paths"):
        assert found[name] == expected[name]


def test_sqlite3_has_the_tables_that_rosbag2_reads(written: dict[Storage, Path]) -> None:
    bag = written["sqlite3"]
    topics = described(bag)
    database = sqlite3.connect(f"file:{bag / 'sqlite3.db3'}?mode=ro", uri=True)
    try:

        def rows(columns: str, table: str) -> list[Any]:
            return database.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall()

        assert [version for version, _ in rows("schema_version, ros_distro", "schema")] == [4]
        columns = "id, name, type, serialization_format, offered_qos_profiles"
        found = rows(columns + ", type_description_hash", "topics")
        assert {name: (kind, form, rihs01) for _, name, kind, form, _, rihs01 in found} == {
            name: (topic["type"], "cdr", hash_of(topic)) for name, topic in topics.items()
        }
        for *_, text, _ in found:
            check_qualities(text)
        columns = "topic_type, encoding, encoded_message_definition, type_description_hash"
        definitions = rows(columns, "message_definitions")
        hashes = {topic["type"]: hash_of(topic) for topic in topics.values()}
        assert {kind: rihs01 for kind, *_, rihs01 in definitions} == hashes
        for kind, encoding, text, rihs01 in definitions:
            assert encoding == "ros2msg"
            check_definition(kind, text, rihs01)
        ((version, text),) = rows("metadata_version, metadata", "metadata")
        assert version == 9
        check_file_metadata(text, bag)
        counts = dict(rows("topic_id, count(*)", "messages GROUP BY topic_id"))
        assert sum(counts.values()) == information(bag)["message_count"]
        assert counts.keys() == {number for number, *_ in found}
        stamps = rows("timestamp", "messages")
        first = information(bag)["starting_time"]["nanoseconds_since_epoch"]
        assert stamps[0][0] == first
        assert hashes["tf2_msgs/msg/TFMessage"] == TF_HASH
    finally:
        database.close()


class Record:
    """The fields of one record of an mcap file, in order."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def number(self, code: str) -> int:
        size = struct.calcsize("<" + code)
        (value,) = struct.unpack("<" + code, self.content[:size])
        self.content = self.content[size:]
        return int(value)

    def block(self) -> bytes:
        size = self.number("I")
        taken, self.content = self.content[:size], self.content[size:]
        assert len(taken) == size
        return taken

    def text(self) -> str:
        return self.block().decode()

    def pairs(self) -> dict[str, str]:
        inner = Record(self.block())
        found: dict[str, str] = {}
        while inner.content:
            name = inner.text()
            found[name] = inner.text()
        return found


HEADER, FOOTER, SCHEMA, CHANNEL, STATISTICS, METADATA = 1, 2, 3, 4, 0xB, 0xC
MAGIC = b"\x89MCAP0\r\n"


def records(content: bytes) -> Iterator[tuple[int, Record]]:
    at = 0
    while at < len(content):
        kind, size = struct.unpack_from("<BQ", content, at)
        at += 9
        yield kind, Record(content[at : at + size])
        at += size
    assert at == len(content)


@dataclass
class Mcap:
    """What an mcap file says, by the format's own description (mcap.dev/spec)."""

    profile: str = ""
    schemas: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    channels: dict[str, tuple[int, str, dict[str, str]]] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    messages: int = 0
    is_closed: bool = False

    @classmethod
    def of(cls, path: Path) -> Mcap:
        content = path.read_bytes()
        assert content[:8] == content[-8:] == MAGIC
        made = cls()
        for kind, record in records(content[8:-8]):
            made._take(kind, record)
        return made

    def _take(self, kind: int, record: Record) -> None:
        if kind == HEADER:
            self.profile = record.text()
        elif kind == SCHEMA:
            number = record.number("H")
            self.schemas[number] = (record.text(), record.text(), record.text())
        elif kind == CHANNEL:
            _, schema = record.number("H"), record.number("H")
            topic = record.text()
            self.channels[topic] = (schema, record.text(), record.pairs())
        elif kind == METADATA:
            name = record.text()
            self.metadata[name] = record.pairs()
        elif kind == STATISTICS:
            self.messages = record.number("Q")
        elif kind == FOOTER:
            # An index, without which a file is read from end to end.
            self.is_closed = record.number("Q") > 0


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """What `dmn replay` writes, with a message type of our own."""
    belief = {"particles": np.zeros((5, 3)), "weights": np.full(5, 0.2)}
    with ResultBagWriter(tmp_path / "result") as writer:
        for stamp in (1, 2):
            pose = {"pose": np.zeros(3), "covariance": np.eye(3), "truth": np.zeros(3)}
            writer.write(stamp, **pose, **belief)
    return tmp_path / "result"


@pytest.mark.parametrize("kind", ["written", "result", "context", "query"])
def test_mcap_has_the_records_that_rosbag2_reads(
    written: dict[Storage, Path], result: Path, kind: str
) -> None:
    bag = {"written": written["mcap"], "result": result}.get(kind, BAGS / kind)
    topics, (name,) = described(bag), information(bag)["relative_file_paths"]
    file = Mcap.of(bag / name)
    assert file.profile == "ros2"
    assert file.is_closed
    assert file.messages == information(bag)["message_count"] > 0
    hashes = {topic["type"]: hash_of(topic) for topic in topics.values()}
    assert {message for message, _, _ in file.schemas.values()} == set(hashes)
    for message, encoding, definition in file.schemas.values():
        assert encoding == "ros2msg"
        check_definition(message, definition, hashes[message])
    assert file.channels.keys() == topics.keys()
    for topic, (schema, encoding, said) in file.channels.items():
        assert file.schemas[schema][0] == topics[topic]["type"]
        assert encoding == topics[topic]["serialization_format"] == "cdr"
        check_qualities(said["offered_qos_profiles"], stated=kind != "result")
    check_file_metadata(file.metadata["rosbag2"]["serialized_metadata"], bag)
    assert hashes.get("tf2_msgs/msg/TFMessage", TF_HASH) == TF_HASH


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_messages_are_read_with_the_definitions_in_the_file_alone(
    written: dict[Storage, Path], storage: Storage
) -> None:
    with AnyReader([written[storage]], default_typestore=get_typestore(Stores.EMPTY)) as reader:
        read = [reader.deserialize(data, c.msgtype) for c, _, data in reader.messages()]
    assert len(read) == information(written[storage])["message_count"]


def test_a_definition_without_its_parts_is_seen() -> None:
    text = "geometry_msgs/TransformStamped[] transforms\n"
    with pytest.raises(KeyError):
        check_definition("tf2_msgs/msg/TFMessage", text, TF_HASH)
