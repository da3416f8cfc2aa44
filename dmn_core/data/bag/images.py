"""Images of a bag: their stamps first, their pixels only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmn_core.data.bag.poses import PoseSource
from dmn_core.data.bag.reader import Bag, TopicSummary
from dmn_core.data.bag.topics import IMAGE_TYPES
from dmn_core.data.ros_decoding import compressed_image_to_rgb, image_to_rgb, stamp_ns
from dmn_core.errors import BagError, DecodingError
from dmn_core.pose_track.interpolation import NANOSECONDS
from dmn_core.pose_track.planar import IntArray


def image_stamp(message: Any) -> int:
    """Stamp [ns] of an image message."""
    return stamp_ns(message.header.stamp)


def scan(bag: Bag, image_topic: TopicSummary, *sources: PoseSource) -> IntArray:
    """Feed the pose sources in one pass and return the sorted, distinct stamps of the images."""
    stamps: list[int] = []
    names = {image_topic.name, *(name for source in sources for name in source.topics)}
    for name, message in bag.messages(sorted(names)):
        if name == image_topic.name:
            stamps.append(image_stamp(message))
        for source in sources:
            if name in source.topics:
                source.add(name, message)
    return np.unique(np.array(stamps, dtype=np.int64))


def decode_images(
    bag: Bag, topic: TopicSummary, stamps_ns: Collection[int]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Pairs of stamp and RGB image (H, W, 3) for the stamps given, in order of stamps.

    An image that was recorded before its elders waits, undecoded, until they have come.

    Raises:
        DecodingError: An image is malformed or of an unknown encoding; the topic is named.
    """
    due = sorted(stamps_ns)[::-1]
    wanted, waiting = set(due), dict[int, Any]()
    for _, message in bag.messages([topic.name]):
        stamp = image_stamp(message)
        if stamp not in wanted:
            continue
        wanted.remove(stamp)
        waiting[stamp] = message
        while due and due[-1] in waiting:
            stamp = due.pop()
            yield stamp, decode_image(topic, stamp, waiting.pop(stamp))
        if not due:
            return


def decode_image(topic: TopicSummary, stamp: int, message: Any) -> NDArray[np.uint8]:
    """RGB image (H, W, 3) of a message of an image topic.

    Raises:
        DecodingError: It is malformed or of an unknown encoding; topic and stamp are named.
    """
    decode: Callable[[Any], NDArray[np.uint8]]
    decode = image_to_rgb if topic.type_name == IMAGE_TYPES[0] else compressed_image_to_rgb
    try:
        return decode(message)
    except DecodingError as error:
        raise DecodingError(f"{topic.name!r} at {stamp / NANOSECONDS:.3f} s: {error}") from None


def require_overlap(
    bag: Bag, image_topic: TopicSummary, stamps_ns: IntArray, start_ns: int, end_ns: int, what: str
) -> None:
    """Check that images and poses share some time.

    Raises:
        BagError: They share none; both intervals are given in seconds.
    """
    first, last = int(stamps_ns[0]), int(stamps_ns[-1])
    if first <= end_ns and start_ns <= last:
        return
    zero = " (stamps of 0 are of a driver that does not fill header.stamp)" if not last else ""
    raise BagError(
        f"{bag.path}: images and {what} do not overlap in time: {image_topic.name!r} runs from "
        f"{first / NANOSECONDS:.3f} s to {last / NANOSECONDS:.3f} s, {what} from "
        f"{start_ns / NANOSECONDS:.3f} s to {end_ns / NANOSECONDS:.3f} s{zero}; "
        f"record both with one clock; {bag.describe_topics()}"
    )
