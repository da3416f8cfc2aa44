"""TFRecord files: length and payload of each record, both with a masked CRC-32C."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO

from dmn_core.errors import DataError

Crc = Callable[[bytes], int]

_LENGTH = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
_MASK_DELTA = 0xA282EAD8


class _DamageError(Exception):
    """What is wrong with a record, and whether the file is still in step behind it."""

    def __init__(self, what: str, *, in_step: bool) -> None:
        super().__init__(what)
        self.in_step = in_step


def read_records(path: Path) -> Iterator[bytes]:
    """Payloads of the records of one file, in order.

    A record with a wrong checksum is left out, a file that is cut short or out of step ends early:
    both are warnings that name the file and say how many records were read. So is an empty file.

    Raises:
        DataError: the file cannot be read, or the checksum package is missing.
    """
    crc = _checksum()
    try:
        with path.open("rb") as file:
            yield from _records(file, path, crc)
    except OSError as error:
        raise DataError(f"cannot read {str(path)!r}: {error}") from error


def _records(file: BinaryIO, path: Path, crc: Crc) -> Iterator[bytes]:
    whole = 0
    for number in count():
        try:
            payload = _record(file, crc)
        except _DamageError as damage:
            what = "it is left out" if damage.in_step else "nothing behind it is read"
            warnings.warn(
                f"{path}: record {number} {damage}, {what}; {whole} records were read before it. "
                "Download the file again to have it whole",
                stacklevel=2,
            )
            if damage.in_step:
                continue
            return
        if payload is None:
            if number == 0:
                warnings.warn(
                    f"{path}: wanted records, got an empty file. Download it again",
                    stacklevel=2,
                )
            return
        whole += 1
        yield payload


def _record(file: BinaryIO, crc: Crc) -> bytes | None:
    """The next payload; None at the end of the file."""
    head = file.read(_LENGTH.size)
    if not head:
        return None
    if len(head) < _LENGTH.size:
        raise _DamageError("is cut short", in_step=False)
    length, length_crc = _LENGTH.unpack(head)
    if length_crc != _masked(crc(head[:8])):
        raise _DamageError("has a damaged length, or this is no TFRecord file", in_step=False)
    payload, tail = file.read(length), file.read(_CHECKSUM.size)
    if len(tail) < _CHECKSUM.size:
        raise _DamageError("is cut short", in_step=False)
    if _CHECKSUM.unpack(tail)[0] != _masked(crc(payload)):
        raise _DamageError("has a wrong checksum", in_step=True)
    return payload


def _masked(crc: int) -> int:
    """The checksum as it is stored: checksums of data that hold checksums are weak."""
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def _checksum() -> Crc:
    """CRC-32C of bytes."""
    try:
        import google_crc32c
    except ImportError as error:
        raise DataError(
            "TFRecord files want the package google-crc32c, which is not installed: "
            "pip install 'dmn-localization[train]'"
        ) from error
    crc: Crc = google_crc32c.value
    return crc
