"""Plays a ROS 2 bag: its bytes are published as they were recorded, without being decoded."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rclpy
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rosbags.highlevel import AnyReader
from rosbags.interfaces import QosDurability
from rosgraph_msgs.msg import Clock

from dmn_core.data.bag import open_bag
from dmn_core.errors import BagError, ConfigurationError
from dmn_core.pose_track.interpolation import NANOSECONDS
from dmn_ros.declaration import declare
from dmn_ros.frames import to_time
from dmn_ros.localizer_watch import LocalizerWatch
from dmn_ros.message_types import message_class
from dmn_ros.parameters import BagPlayerParameters
from dmn_ros.qualities import EVERYTHING, LATCHED, MANY_LATCHED, make_publisher
from dmn_ros.runner import run_node

POLL_S = 0.05
UNREAD_REPORTS = 20


class BagPlayer(Node):
    """Publishes the messages of a bag at the speed of their recording, or faster."""

    def __init__(self) -> None:
        """Read the parameters.

        Raises:
            DmnError: a parameter is no good, or there is no bag.
        """
        super().__init__("bag_player")
        self.parameters = declare(self, BagPlayerParameters)
        if not self.parameters.bag:
            raise ConfigurationError("the bag player wants a bag: set the parameter bag")
        self._players: dict[str, Publisher] = {}
        self._clock_publisher: Publisher | None = None
        self._played_ns = 0
        self._localizer = LocalizerWatch(self, self.parameters.localizer)

    def play(self) -> None:
        """Wait for subscribers, play the bag once and wait until all of it has arrived.

        Raises:
            BagError: the bag is no good, a subscriber did not come, or the localizer stopped.
            ConfigurationError: users want a quality of service that there is not.
        """
        with _open(Path(self.parameters.bag).expanduser()) as reader:
            connections = self._choose(reader)
            if self.parameters.clock:
                self._clock_publisher = make_publisher(self, Clock, "/clock", LATCHED)
            for connection in connections:
                self._create_publisher(connection)
            self._wait_for_subscribers()
            if self.parameters.wait_for_localizer:
                self._wait_for_map()
            played = self._publish_all(reader.messages(connections=connections))
        self._wait_for_arrival()
        if self.parameters.wait_for_localizer:
            self._wait_until_idle()
        self.get_logger().info(f"played {played} messages of {self.parameters.bag}")

    def _choose(self, reader: AnyReader) -> list[Any]:
        wanted = self.parameters.topics
        missing = sorted(set(wanted) - set(reader.topics))
        if missing:
            raise BagError(
                f"{self.parameters.bag} has no topics {missing!r}; it has {sorted(reader.topics)!r}"
            )
        return [c for c in reader.connections if not wanted or c.topic in wanted]

    def _create_publisher(self, connection: Any) -> None:
        kind = message_class(connection.msgtype)
        if kind is None:
            self.get_logger().warning(
                f"{connection.topic} is left out: the package of {connection.msgtype} is absent"
            )
        elif connection.topic not in self._players:
            quality = MANY_LATCHED if _is_latched(connection) else EVERYTHING
            self._players[connection.topic] = make_publisher(self, kind, connection.topic, quality)

    def _wait_for_subscribers(self) -> None:
        deadline = time.monotonic() + self.parameters.wait_s
        for topic, wanted in Counter(self.parameters.wait_for_subscribers).items():
            publisher = self._players.get(topic)
            if publisher is None:
                raise BagError(f"cannot wait for {topic!r}: played are {sorted(self._players)!r}")
            while rclpy.ok() and publisher.get_subscription_count() < wanted:
                if time.monotonic() > deadline:
                    raise BagError(
                        f"{topic!r} wants {wanted} subscribers, got "
                        f"{publisher.get_subscription_count()} in {self.parameters.wait_s} s"
                    )
                time.sleep(POLL_S)

    def _wait_for_map(self) -> None:
        deadline = time.monotonic() + self.parameters.wait_s
        while rclpy.ok() and not self._localizer.has_map:
            rclpy.spin_once(self, timeout_sec=POLL_S)
            if time.monotonic() > deadline:
                raise BagError(
                    f"no localizer had a map within {self.parameters.wait_s} s; others that were "
                    f"heard: {self._localizer.others!r}"
                )

    def _wait_for_arrival(self) -> None:
        # One deadline for all: a subscriber that was killed acknowledges none of them.
        deadline = time.monotonic() + self.parameters.wait_s
        for topic, publisher in self._players.items():
            left_s = max(deadline - time.monotonic(), 0.0)
            if not publisher.wait_for_all_acked(Duration(seconds=left_s)):
                self.get_logger().warning(f"not everything on {topic} has arrived")

    def _wait_until_idle(self) -> None:
        # Reports that came while the bag was played wait to be read.
        for _ in range(UNREAD_REPORTS):
            rclpy.spin_once(self, timeout_sec=0.0)
        self._localizer.forget()
        ended = time.monotonic()
        while rclpy.ok() and not self._localizer.is_idle:
            # Images wait for odometry that will not come, for as long as time stands still.
            self._tell_time(self._played_ns + round((time.monotonic() - ended) * NANOSECONDS))
            rclpy.spin_once(self, timeout_sec=POLL_S)
            if self._localizer.still_s > self.parameters.wait_s:
                raise BagError(
                    f"the localizer got no further for {self.parameters.wait_s} s after the bag "
                    f"was played: it ended, or is stuck; its last report: {self._localizer.report}"
                )

    def _publish_all(self, messages: Iterator[tuple[Any, int, bytes]]) -> int:
        played, first_ns = 0, None
        begin = time.monotonic()
        for connection, stamp_ns, data in messages:
            publisher = self._players.get(connection.topic)
            if publisher is None:
                continue
            first_ns = stamp_ns if first_ns is None else first_ns
            due = begin + (stamp_ns - first_ns) / NANOSECONDS / self.parameters.rate
            if not _sleep_until(due):
                break
            self._tell_time(stamp_ns)
            publisher.publish(bytes(data))
            played, self._played_ns = played + 1, stamp_ns
        return played

    def _tell_time(self, now_ns: int) -> None:
        if self._clock_publisher is not None:
            self._clock_publisher.publish(Clock(clock=to_time(now_ns)))


def _sleep_until(due: float) -> bool:
    """Sleep in short naps; False where we were told to stop meanwhile."""
    while rclpy.ok():
        left = due - time.monotonic()
        if left <= 0:
            return True
        time.sleep(min(left, POLL_S))
    return False


@contextmanager
def _open(path: Path) -> Iterator[AnyReader]:
    """The reader of a ROS 2 bag.

    Raises:
        BagError: there is none, it is damaged, or it is of ROS 1.
    """
    with open_bag(path):
        pass  # says clearly what is wrong with a bag
    with AnyReader([path]) as reader:
        if not reader.is2:
            raise BagError(f"{path} is a ROS 1 bag: convert it with `rosbags-convert`")
        yield reader


def _is_latched(connection: Any) -> bool:
    profiles: Collection[Any] = connection.ext.offered_qos_profiles
    return any(profile.durability == QosDurability.TRANSIENT_LOCAL for profile in profiles)


def main(argv: list[str] | None = None) -> int:
    """Play a bag once."""
    play: Callable[[BagPlayer], None] = BagPlayer.play
    return run_node("bag_player", BagPlayer, argv, work=play)
