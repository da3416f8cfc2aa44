"""Protocol buffers as they lie on disk: numbered fields, for formats whose schema we know."""

from __future__ import annotations

from collections.abc import Iterator

from dmn_core.errors import DataError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}


def fields(message: bytes | memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Numbers and values of a message's fields, in the order in which they were written.

    Integers come as unsigned `int`; strings, messages, packed numbers (any length) and fixed
    numbers (4 or 8 bytes) as views of the bytes given.

    Raises:
        DataError: the bytes are no message, or end inside one.
    """
    view = memoryview(message)
    at = 0
    while at < len(view):
        tag, at = _varint(view, at)
        wire = tag & 7
        if wire == _VARINT:
            value, at = _varint(view, at)
            yield tag >> 3, value
            continue
        if wire == _BYTES:
            size, at = _varint(view, at)
        elif wire in _FIXED:
            size = _FIXED[wire]
        else:
            raise DataError(
                f"bytes of a protocol buffer want a wire type of 0, 1, 2 or 5, got {wire}"
            )
        if at + size > len(view):
            raise DataError(
                f"field {tag >> 3} of a protocol buffer wants {size} bytes, got {len(view) - at}"
            )
        yield tag >> 3, view[at : at + size]
        at += size


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and where the bytes go on."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(view):
            raise DataError("a protocol buffer ends inside a number")
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise DataError("a number of a protocol buffer is longer than ten bytes")
