"""Bags written for tests: ROS 2 as mcap and sqlite3, and ROS 1, all from the same messages."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from dmn_core.data import message_factory as make
from dmn_core.data.bag_output import Entry, write_bag

ROS1 = get_typestore(Stores.ROS1_NOETIC)
ROS1.register(
    get_types_from_msg("geometry_msgs/TransformStamped[] transforms", "tf2_msgs/msg/TFMessage")
)


def as_ros1(content: Any) -> Any:
    """The same message as ROS 1 has it: headers are numbered, matrices have capitals."""
    if isinstance(content, list):
        return [as_ros1(element) for element in content]
    if not hasattr(content, "__msgtype__"):
        return content
    names = [field.name for field in dataclasses.fields(content) if field.name != "__msgtype__"]
    fields = {name: as_ros1(getattr(content, name)) for name in names}
    if content.__msgtype__ == "std_msgs/msg/Header":
        fields["seq"] = 0
    if content.__msgtype__ == "sensor_msgs/msg/CameraInfo":
        fields = {name.upper() if len(name) == 1 else name: fields[name] for name in fields}
    return ROS1.types[content.__msgtype__](**fields)


def write_ros1(path: Path, entries: Iterable[Entry]) -> Path:
    connections: dict[str, Any] = {}
    with Ros1Writer(path) as writer:
        for entry in sorted(entries, key=lambda entry: entry.stamp_ns):
            name = entry.content.__msgtype__
            if entry.topic not in connections:
                connections[entry.topic] = writer.add_connection(entry.topic, name, typestore=ROS1)
            data = ROS1.serialize_ros1(as_ros1(entry.content), name)
            writer.write(connections[entry.topic], entry.stamp_ns, bytes(data))
    return path


class BagMaker:
    """Messages of a robot on a steady drive, at times in seconds, and bags of them."""

    kinds = ("mcap", "sqlite3", "ros1")

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @staticmethod
    def stamp(seconds: float) -> int:
        return 1_700_000_000_000_000_000 + round(seconds * 1e9)

    @staticmethod
    def drive_pose(seconds: float) -> np.ndarray:
        """Straight in x and y, turning through the wrap of yaw half a second after the start."""
        yaw = (math.pi - 0.1 + 0.2 * seconds + math.pi) % (2 * math.pi) - math.pi
        return np.array([seconds, 0.5 * seconds, yaw])

    @staticmethod
    def picture(number: int, *, height: int = 8, width: int = 10) -> np.ndarray:
        """An RGB picture (H, W, 3) that is unlike that of any other number."""
        rng = np.random.default_rng(number)
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)

    def image(
        self,
        number: int,
        seconds: float,
        *,
        topic: str = "/camera",
        recorded: float | None = None,
        size: tuple[int, int] = (8, 10),
        **changes: Any,
    ) -> Entry:
        """A numbered image; `recorded` is when the bag got it, `changes` are made to its fields."""
        rgb = self.picture(number, height=size[0], width=size[1])
        content = make.image(rgb, self.stamp(seconds), "camera")
        content = dataclasses.replace(content, **changes)
        return Entry(self.stamp(seconds if recorded is None else recorded), topic, content)

    def pose(self, seconds: float, *, topic: str = "/pose", frame: str = "map") -> Entry:
        stamp = self.stamp(seconds)
        return Entry(stamp, topic, make.pose_stamped(self.drive_pose(seconds), stamp, frame))

    def covariance_pose(self, seconds: float, *, topic: str = "/pose", frame: str = "map") -> Entry:
        stamp = self.stamp(seconds)
        content = make.message(
            "geometry_msgs/msg/PoseWithCovarianceStamped",
            header=make.header(stamp, frame),
            pose=make.message(
                "geometry_msgs/msg/PoseWithCovariance",
                pose=make.pose(self.drive_pose(seconds)),
                covariance=np.zeros(36),
            ),
        )
        return Entry(stamp, topic, content)

    def odometry(self, seconds: float, *, topic: str = "/odom", frame: str = "odom") -> Entry:
        stamp = self.stamp(seconds)
        pose = self.drive_pose(seconds)
        content = make.odometry(pose, (1.0, 0.2), stamp, frame, "base_link")
        return Entry(stamp, topic, content)

    def transform(
        self, pose: Any, seconds: float, parent: str, child: str, *, topic: str = "/tf"
    ) -> Entry:
        stamp = self.stamp(seconds)
        stamped = make.planar_transform(pose, stamp, parent, child)
        return Entry(stamp, topic, make.tf_message(stamped))

    def images(self, count: int = 20, *, start: float = 0.05, **options: Any) -> list[Entry]:
        """Images at 5 Hz, stamped between the poses."""
        return [self.image(number, start + 0.2 * number, **options) for number in range(count)]

    def poses(self, *, start: float = 0.0, **options: Any) -> list[Entry]:
        """Poses at 10 Hz for 4 s."""
        return [self.pose(start + 0.1 * index, **options) for index in range(42)]

    def write(self, entries: Iterable[Entry], *, kind: str = "mcap", name: str = "drive") -> Path:
        if kind == "ros1":
            return write_ros1(self.folder / f"{name}.bag", entries)
        return write_bag(self.folder / name, entries, storage=kind)  # type: ignore[arg-type]


@pytest.fixture
def bags(tmp_path: Path) -> BagMaker:
    return BagMaker(tmp_path)
