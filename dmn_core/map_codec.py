"""A map as few bytes, for weak links: half precision, zeros as bits, the rest deflated.

Most of an embedding is zero, as it ends in a relu. Layout, little endian: magic `DMNV`, codec
version (1 byte), CRC-32 of all that follows; n, D, h, w, length of the JSON text, number of values
that are not zero (4 bytes each); then deflated: the JSON text, viewpoints (n, 3) float32, one bit
for each value of the embeddings (n, D, h, w), set where it is not zero, and those values as
float16, the low bytes of all before the high ones.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import torch

from dmn_core.checkpoint import CONVENTION_VERSION
from dmn_core.errors import MapError
from dmn_core.views import Area, ViewMap, ViewRecord

MAGIC = b"DMNV"
CODEC_VERSION = 1
PREFIX = struct.Struct("<4sBI")
SIZES = struct.Struct("<6I")
# Refused beyond, before any memory is taken: a damaged size must not fill it.
MOST_BYTES = 2**31
LEVEL = 6
MOST_NS = 2**63


def encode_map(view_map: ViewMap) -> bytes:
    """A map of one place as bytes; `decode_map` gives it back to the bit.

    Raises:
        MapError: not one place, or embeddings that half precision cannot hold.
    """
    if len(view_map.embeddings) != 1:
        raise MapError(f"bytes hold the map of one place, got {len(view_map.embeddings)} places")
    halves = view_map.embeddings[0].detach().to("cpu", torch.float16).numpy()
    if not np.isfinite(halves).all():
        raise MapError("embeddings want finite numbers below 65504, these have others")
    about = {
        "convention_version": CONVENTION_VERSION,
        "weights_fingerprint": view_map.weights_fingerprint,
        "area_m": view_map.area_m,
        "records": records_to_json(view_map.records),
    }
    text = json.dumps(about).encode()
    poses = view_map.poses_map_camera[0].detach().cpu().numpy().astype("<f4")
    bits = halves.astype("<f2").view("<u2").reshape(-1)
    is_set = bits != 0
    values = bits[is_set]
    parts = (text, poses.tobytes(), np.packbits(is_set).tobytes(), _shuffled(values))
    content = zlib.compress(b"".join(parts), LEVEL)
    body = SIZES.pack(*halves.shape, len(text), len(values)) + content
    return PREFIX.pack(MAGIC, CODEC_VERSION, zlib.crc32(body)) + body


def decode_map(data: bytes) -> ViewMap:
    """The map in bytes of `encode_map`.

    Raises:
        MapError: damaged or cut short, of another version or of other conventions.
    """
    parts = _unpack(data)
    try:
        about = json.loads(parts.text)
        version, area = about["convention_version"], area_of(about["area_m"])
        fingerprint, records = about["weights_fingerprint"], records_from_json(about["records"])
    # What a stranger wrote may be of any type, size and depth.
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise MapError(f"the map's bytes lack what describes them: {error}") from error
    if version != CONVENTION_VERSION:
        raise MapError(
            f"the map follows convention version {version!r}, this code {CONVENTION_VERSION!r}: "
            "make the map again with this version"
        )
    if not (np.isfinite(parts.halves).all() and np.isfinite(parts.poses).all()):
        raise MapError("the map's bytes hold numbers that are not finite")
    embeddings = torch.from_numpy(parts.halves.astype(np.float32)).unsqueeze(0)
    poses = torch.from_numpy(parts.poses.copy()).unsqueeze(0)
    return ViewMap(embeddings, poses, area, fingerprint, records)


def records_to_json(records: tuple[ViewRecord, ...]) -> str:
    """Records as text, for bytes and files."""
    return json.dumps([[record.stamp_ns, record.source] for record in records])


def records_from_json(text: str) -> tuple[ViewRecord, ...]:
    """The inverse of `records_to_json`.

    Raises:
        ValueError: the text is no list of stamps and sources, or of some that no message holds.
    """
    try:
        return tuple(_record(stamp, source) for stamp, source in json.loads(text))
    except (TypeError, RecursionError) as error:
        raise ValueError(f"records want pairs of stamp and source, got {text[:80]!r}") from error


def _record(stamp_ns: object, source: object) -> ViewRecord:
    if type(stamp_ns) is not int or not -MOST_NS <= stamp_ns < MOST_NS:
        raise ValueError(f"a view's stamp wants nanoseconds in 64 bits, got {stamp_ns!r}")
    if not isinstance(source, str):
        raise ValueError(f"a view's source wants text, got {source!r}")
    source.encode()  # half of a surrogate pair is no text
    return ViewRecord(stamp_ns, source)


def area_of(values: list[float] | None) -> Area | None:
    """An area that was written as a list of numbers.

    Raises:
        ValueError: they are not four, or not finite.
    """
    if values is None:
        return None
    x_min, x_max, y_min, y_max = (float(value) for value in values)
    if not np.isfinite((x_min, x_max, y_min, y_max)).all():
        raise ValueError(f"the map's area wants finite numbers, got {values!r}")
    return (x_min, x_max, y_min, y_max)


@dataclass(frozen=True)
class _Parts:
    text: bytes
    poses: np.ndarray
    halves: np.ndarray


def _unpack(data: bytes) -> _Parts:
    if len(data) < PREFIX.size + SIZES.size:
        raise MapError(f"a map wants more than {len(data)} bytes: they were cut short")
    magic, version, checksum = PREFIX.unpack_from(data)
    if magic != MAGIC or version != CODEC_VERSION:
        raise MapError(
            f"wanted bytes of a map, version {CODEC_VERSION}, got {magic!r}, version {version}: "
            "run mapper and localizer of one version"
        )
    if zlib.crc32(memoryview(data)[PREFIX.size :]) != checksum:
        raise MapError("the map's bytes are damaged: their checksum is another")
    *shape, text_size, n_values = SIZES.unpack_from(data, PREFIX.size)
    views, size = shape[0], int(np.prod(shape, dtype=object))
    if size == 0 or max(12 * views + 2 * size, text_size) > MOST_BYTES or n_values > size:
        raise MapError(f"a map wants (n, D, h, w) within {MOST_BYTES} bytes, got {shape!r}")
    ends = np.cumsum([text_size, 12 * views, (size + 7) // 8, 2 * n_values]).tolist()
    content = _inflated(data[PREFIX.size + SIZES.size :], ends[-1])
    is_set = np.unpackbits(np.frombuffer(content[ends[1] : ends[2]], np.uint8), count=size)
    if np.count_nonzero(is_set) != n_values:
        raise MapError(f"the map's bytes want {n_values} values, {is_set.sum()} bits are set")
    bits = np.zeros(size, "<u2")
    pairs = np.frombuffer(content[ends[2] :], np.uint8).reshape(2, -1)
    bits[is_set.astype(bool)] = np.ascontiguousarray(pairs.T).view("<u2").reshape(-1)
    poses = np.frombuffer(content[ends[0] : ends[1]], "<f4").reshape(views, 3)
    return _Parts(content[:text_size], poses, bits.view("<f2").reshape(shape))


def _inflated(packed: bytes, size: int) -> bytes:
    """Exactly `size` bytes, and never more in memory."""
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(packed, size)
        rest = inflater.decompress(inflater.unconsumed_tail, 1)
    except zlib.error as error:
        raise MapError(f"the map's bytes cannot be inflated: {error}") from error
    if len(content) != size or rest or not inflater.eof:
        raise MapError(f"the map's bytes want {size} when inflated, got {len(content)} or more")
    return content


def _shuffled(values: np.ndarray) -> bytes:
    """All low bytes, then all high ones: signs and exponents side by side deflate better."""
    return values.reshape(-1, 1).view(np.uint8).T.tobytes()
