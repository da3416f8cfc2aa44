"""Headers, stamps and frame names."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from dmn_core.errors import DecodingError
from dmn_core.pose_track.interpolation import NANOSECONDS


def to_time(stamp_ns: int) -> Time:
    """Nanoseconds as a message."""
    return Time(sec=stamp_ns // NANOSECONDS, nanosec=stamp_ns % NANOSECONDS)


def header(stamp_ns: int, frame_id: str) -> Header:
    """A header."""
    return Header(stamp=to_time(stamp_ns), frame_id=frame_id)


def require_frame(frame_id: str, wanted: str, *, what: str) -> None:
    """Refuse a message in another frame; a leading slash, as in ROS 1, is forgiven.

    Raises:
        DecodingError: the frame is not the one wanted.
    """
    if frame_id.lstrip("/") != wanted:
        raise DecodingError(f"{what} wants frame {wanted!r}, got {frame_id!r}")
