"""Choosing the topics of a bag: as named, or the only one that fits."""

from __future__ import annotations

from dmn_core.data.bag.reader import Bag, TopicSummary
from dmn_core.errors import BagError

IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
ODOMETRY_TYPE = "nav_msgs/msg/Odometry"
POSE_TYPES = (
    "geometry_msgs/msg/PoseStamped",
    "geometry_msgs/msg/PoseWithCovarianceStamped",
    ODOMETRY_TYPE,
)
TF_TYPE = "tf2_msgs/msg/TFMessage"
TF_TYPES = (TF_TYPE, "tf/msg/tfMessage")
COMMANDS = ("initialpose", "goal_pose", "goal", "clicked_point")
"""Last parts of the names of topics that hold wishes, not measured poses."""


def choose_image_topic(bag: Bag, name: str | None) -> TopicSummary:
    """The image topic of this name, or the only one there is.

    Raises:
        BagError: It is not there, is empty, holds no images, or there are none or several.
    """
    if name is not None:
        return named_topic(bag, name, IMAGE_TYPES, what="an image topic")
    return only_topic(bag, bag.of_types(IMAGE_TYPES), what="image topic", option="image_topic")


def named_topic(bag: Bag, name: str, types: tuple[str, ...], *, what: str) -> TopicSummary:
    """The topic of this name, of one of these types.

    Raises:
        BagError: It is not there, is empty or of another type.
    """
    topic = bag.topic(name)
    if topic.type_name not in types:
        raise BagError(
            f"{bag.path}: wanted {what} ({' or '.join(types)}), but {topic.name!r} holds "
            f"{topic.type_name}; {bag.describe_topics()}"
        )
    if not topic.count:
        raise BagError(f"{bag.path}: {topic.name!r} holds no messages; {bag.describe_topics()}")
    return topic


def only_topic(bag: Bag, candidates: list[TopicSummary], *, what: str, option: str) -> TopicSummary:
    """The one candidate there is.

    Raises:
        BagError: There are none or several.
    """
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise BagError(f"{bag.path}: wanted an {what}, found none; {bag.describe_topics()}")
    names = ", ".join(repr(candidate.name) for candidate in candidates)
    raise BagError(
        f"{bag.path}: wanted one {what}, found several: {names}; choose one with {option}; "
        f"{bag.describe_topics()}"
    )


def frame_of(bag: Bag, topic: TopicSummary) -> str:
    """The frame_id of the first message of a stamped topic, without a leading slash."""
    for _, message in bag.messages([topic.name]):
        return str(message.header.frame_id).lstrip("/")
    return ""


def is_command(topic: TopicSummary) -> bool:
    """Whether a topic holds wishes of a user, such as goals, and no measured poses."""
    return topic.name.rsplit("/", 1)[-1] in COMMANDS
