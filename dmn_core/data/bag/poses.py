"""Poses of the robot from a bag: a pose topic, or a chain of transforms, behind one contract."""

from __future__ import annotations

from typing import Any, Protocol

from dmn_core.data.bag.reader import Bag, TopicSummary
from dmn_core.data.bag.topics import (
    COMMANDS,
    POSE_TYPES,
    TF_TYPES,
    frame_of,
    is_command,
    named_topic,
    only_topic,
)
from dmn_core.data.bag.transforms import TransformPoses
from dmn_core.data.ros_decoding import planar_pose, stamp_ns
from dmn_core.errors import BagError, DecodingError
from dmn_core.pose_track import DEFAULT_MAX_GAP_S, PoseTrack
from dmn_core.pose_track.planar import FloatArray


class Poses(Protocol):
    """Poses over time, as `PoseTrack` has them."""

    @property
    def start_ns(self) -> int:
        """First stamp with a pose."""

    @property
    def end_ns(self) -> int:
        """Last stamp with a pose."""

    def at(self, stamp_ns: int, *, max_gap_s: float = DEFAULT_MAX_GAP_S) -> FloatArray:
        """Pose (3,) at a stamp."""

    def covers(self, stamp_ns: int, *, max_gap_s: float = DEFAULT_MAX_GAP_S) -> bool:
        """Whether `at` has an answer."""


class PoseSource(Protocol):
    """What collects poses while a bag is read: fed with the messages of its topics."""

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics to feed."""

    def add(self, topic: str, message: Any) -> None:
        """Take one message."""

    def poses(self) -> Poses:
        """All that was collected, to be asked at any stamp."""

    def track(self) -> PoseTrack:
        """All that was collected, as a track."""


class TopicPoses:
    """Poses from PoseStamped, PoseWithCovarianceStamped or Odometry."""

    def __init__(self, topic: TopicSummary, *, wanted_frame: str | None) -> None:
        """Collect from a topic; poses in another frame than `wanted_frame` are refused."""
        self._topic = topic
        self._wanted_frame = wanted_frame
        self._stamps: list[int] = []
        self._poses: list[FloatArray] = []
        self._frames = ("", "")

    @property
    def topics(self) -> tuple[str, ...]:
        """The one topic."""
        return (self._topic.name,)

    def add(self, topic: str, message: Any) -> None:
        """Take one message.

        Raises:
            BagError: Its frame is not the wanted one.
            DecodingError: It holds no planar pose.
        """
        stamp = stamp_ns(message.header.stamp)
        frame = str(message.header.frame_id).lstrip("/")
        # Publishers that leave the frame empty mean the only one they know.
        if self._wanted_frame is not None and frame not in ("", self._wanted_frame):
            raise BagError(
                f"wanted poses in frame {self._wanted_frame!r}, but {topic!r} gives them in "
                f"{frame!r}; choose another topic, or name this frame instead"
            )
        # A pose with covariance wraps the pose once more.
        inner = message.pose if self._topic.type_name == POSE_TYPES[0] else message.pose.pose
        try:
            self._poses.append(planar_pose(inner))
        except DecodingError as error:
            raise DecodingError(f"{topic!r} at {stamp / 1e9:.3f} s: {error}") from None
        self._stamps.append(stamp)
        self._frames = (frame, str(getattr(message, "child_frame_id", "")).lstrip("/"))

    def track(self) -> PoseTrack:
        """All poses so far."""
        frame, child = self._frames
        return PoseTrack.from_unsorted(
            self._stamps, self._poses, frame_id=frame, child_frame_id=child
        )

    def poses(self) -> PoseTrack:
        """All poses so far."""
        return self.track()


def choose_map_poses(
    bag: Bag, pose_topic: str | None, *, map_frame: str, base_frame: str
) -> PoseSource:
    """Where to take poses in the map from: the topic named, the only one in the map, or tf.

    Raises:
        BagError: The topic is missing or unfit, none fits, or several do.
    """
    if pose_topic is not None:
        return named_poses(bag, pose_topic, parent=map_frame, child=base_frame)
    fitting = [
        topic
        for topic in bag.of_types(POSE_TYPES)
        if not is_command(topic) and frame_of(bag, topic) == map_frame
    ]
    if fitting:
        topic = only_topic(bag, fitting, what="pose topic", option="pose_topic")
        return TopicPoses(topic, wanted_frame=map_frame)
    if bag.of_types(TF_TYPES):
        return transform_poses(bag, parent=map_frame, child=base_frame)
    raise BagError(
        f"{bag.path}: found no poses in frame {map_frame!r}: no topic of {', '.join(POSE_TYPES)} "
        f"in that frame (commands such as {COMMANDS[0]!r} aside) and no tf; name the frame or the "
        f"topic to use; {bag.describe_topics()}"
    )


def named_poses(bag: Bag, name: str, *, parent: str | None, child: str) -> PoseSource:
    """Poses from the topic a user named; a tf topic stands for the chain of frames.

    Raises:
        BagError: The topic is missing, empty or of another type.
    """
    if bag.topic(name).type_name in TF_TYPES:
        return transform_poses(bag, parent=parent or "map", child=child)
    topic = named_topic(bag, name, POSE_TYPES, what="a pose topic")
    return TopicPoses(topic, wanted_frame=parent)


def transform_poses(bag: Bag, *, parent: str, child: str) -> TransformPoses:
    """Poses of a frame in another from every tf topic of the bag."""
    names = tuple(topic.name for topic in bag.of_types(TF_TYPES))
    return TransformPoses(str(bag.path), names, parent=parent, child=child)
