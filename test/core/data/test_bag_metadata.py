"""metadata.yaml holds every field that rosbag2 reads of version 9, in the types that it wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rosbags.highlevel import AnyReader

from dmn_core.data import message_factory as make
from dmn_core.data.bag_output import Entry, write_bag
from dmn_core.data.result_bag import ResultBagWriter

NOW = 1_790_000_000_123_456_789
SECOND = 1_000_000_000
SHIPPED = Path(__file__).parents[3] / "bags"
FOREVER = {"sec": 9223372036, "nsec": 854775807}


def result_bag(path) -> None:
    belief = {"particles": np.zeros((5, 3)), "weights": np.full(5, 0.2)}
    with ResultBagWriter(path) as writer:
        for index in range(3):
            place = np.full(3, 0.1 * index)
            writer.write(
                NOW + index * SECOND, pose=place, covariance=np.eye(3), truth=place, **belief
            )


def recorded_bag(path, storage="mcap") -> None:
    transform = make.tf_message(make.planar_transform(np.zeros(3), NOW, "base_link", "camera"))
    poses = [make.pose_stamped(np.zeros(3), NOW + n * SECOND, "map") for n in range(3)]
    entries = [Entry(NOW + n * SECOND, "/pose", pose) for n, pose in enumerate(poses)]
    write_bag(path, [Entry(NOW, "/tf_static", transform), *entries], storage=storage)


def information(path) -> dict[str, Any]:
    text = yaml.safe_load((path / "metadata.yaml").read_text())
    assert list(text) == ["rosbag2_bagfile_information"]
    return text["rosbag2_bagfile_information"]


@pytest.mark.parametrize(
    ("write", "storage", "suffix"),
    [
        (result_bag, "mcap", "mcap"),
        (recorded_bag, "mcap", "mcap"),
        (lambda path: recorded_bag(path, "sqlite3"), "sqlite3", "db3"),
    ],
)
def test_every_field_is_there(tmp_path, write, storage, suffix) -> None:
    path = tmp_path / "bag"
    write(path)
    check_fields(path, f"bag.{suffix}", storage=storage, start=NOW, duration=2 * SECOND)


def check_fields(path, name: str, *, storage: str, start: int, duration: int) -> None:
    told = information(path)
    (file,) = told.pop("files")
    topics = told.pop("topics_with_message_count")
    count = sum(topic["message_count"] for topic in topics)
    assert isinstance(told.pop("ros_distro"), str)
    assert told == {
        "version": 9,
        "storage_identifier": storage,
        "duration": {"nanoseconds": duration},
        "starting_time": {"nanoseconds_since_epoch": start},
        "message_count": count,
        "compression_format": "",
        "compression_mode": "",
        "relative_file_paths": [name],
        "custom_data": None,
    }
    assert file == {
        "path": name,
        "starting_time": {"nanoseconds_since_epoch": start},
        "duration": {"nanoseconds": duration},
        "message_count": count,
    }
    assert (path / file["path"]).exists()


@pytest.mark.parametrize("name", ["context", "query"])
def test_shipped_bags_have_every_field(name: str) -> None:
    """The stamps are those of the messages in the file."""
    with AnyReader([SHIPPED / name]) as reader:
        stamps = [stamp for _, stamp, _ in reader.messages()]
    start, duration = min(stamps), max(stamps) - min(stamps)
    path = SHIPPED / name
    check_fields(path, f"{name}.mcap", storage="mcap", start=start, duration=duration)
    check_topics(path)


@pytest.mark.parametrize("write", [result_bag, recorded_bag])
def test_every_topic_says_what_it_is(tmp_path, write) -> None:
    write(tmp_path / "bag")
    check_topics(tmp_path / "bag")


def check_topics(path) -> None:
    topics = information(path)["topics_with_message_count"]
    assert len(topics) > 1
    for topic in topics:
        assert set(topic) == {"message_count", "topic_metadata"}
        about = dict(topic["topic_metadata"])
        assert about.pop("name").startswith("/")
        assert len(about.pop("type").split("/")) == 3
        assert about.pop("serialization_format") == "cdr"
        prefix, digits = about.pop("type_description_hash").strip().split("_")
        assert (prefix, len(digits)) == ("RIHS01", 64)
        assert isinstance(about.pop("offered_qos_profiles"), list)
        assert about == {}


def test_qualities_of_service_are_words(tmp_path) -> None:
    recorded_bag(tmp_path / "bag")
    topics = information(tmp_path / "bag")["topics_with_message_count"]
    offered = {
        topic["topic_metadata"]["name"]: topic["topic_metadata"]["offered_qos_profiles"]
        for topic in topics
    }
    same = {
        "history": "keep_last",
        "reliability": "reliable",
        "deadline": FOREVER,
        "lifespan": FOREVER,
        "liveliness": "automatic",
        "liveliness_lease_duration": FOREVER,
        "avoid_ros_namespace_conventions": False,
    }
    assert offered["/pose"] == [{**same, "depth": 10, "durability": "volatile"}]
    assert offered["/tf_static"] == [{**same, "depth": 1, "durability": "transient_local"}]
