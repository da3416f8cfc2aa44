"""A scene as it was published: a `tf.train.Example` of JPEG frames and their cameras."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dmn_core.data.gqn.protobuf_wire import fields
from dmn_core.errors import DataError

CAMERA_NUMBERS = 5

# Example{1: Features}, Features{1: map entry}, entry{1: name, 2: Feature},
# Feature{1: list of bytes, 2: list of floats}, and each list{1: its elements}.
_FEATURES, _ENTRY, _ELEMENT = 1, 1, 1
_NAME, _FEATURE = 1, 2
_BYTES_LIST, _FLOAT_LIST = 1, 2


@dataclass(frozen=True)
class Scene:
    """One environment of the published data.

    Attributes:
        frames: S images as files of JPEG.
        cameras: (S, 5) float32 of x, y, z [data's own units], yaw, pitch [rad].
    """

    frames: list[bytes]
    cameras: np.ndarray


def parse_scene(example: bytes) -> Scene:
    """Read a record; how many frames there are is what the record says.

    Raises:
        DataError: it holds something else than frames with five camera numbers each.
    """
    features = {
        name: feature
        for part in _parts(example, _FEATURES)
        for name, feature in map(_entry, _parts(part, _ENTRY))
    }
    if not {"frames", "cameras"} <= features.keys():
        raise DataError(
            f"a scene wants the features 'cameras' and 'frames', got {sorted(features)!r}: is this "
            "one of the GQN data sets?"
        )
    lists = _parts(features["frames"], _BYTES_LIST)
    frames = [bytes(frame) for part in lists for frame in _parts(part, _ELEMENT)]
    numbers = _floats(features["cameras"])
    if not frames or len(numbers) != CAMERA_NUMBERS * len(frames):
        raise DataError(
            f"a scene wants {CAMERA_NUMBERS} camera numbers for each frame, got {len(numbers)} for "
            f"{len(frames)} frames"
        )
    if not np.isfinite(numbers).all():
        raise DataError("a scene wants finite camera numbers, got nan or infinity")
    return Scene(frames, numbers.reshape(-1, CAMERA_NUMBERS))


def _entry(entry: memoryview) -> tuple[str, memoryview]:
    name = b"".join(bytes(part) for part in _parts(entry, _NAME))
    feature = list(_parts(entry, _FEATURE)) or [memoryview(b"")]
    return name.decode(errors="replace"), feature[-1]


def _floats(feature: memoryview) -> np.ndarray:
    """Elements (M,) of a list of floats, each of which may hold one number or many."""
    packed = [part for floats in _parts(feature, _FLOAT_LIST) for part in _parts(floats, _ELEMENT)]
    if any(len(part) % 4 for part in packed):
        raise DataError("a list of floats wants 4 bytes for each of them")
    return np.frombuffer(b"".join(packed), dtype="<f4").astype(np.float32)


def _parts(message: bytes | memoryview, number: int) -> Iterator[memoryview]:
    """Values of the fields of one number that are not integers."""
    for found, value in fields(message):
        if found == number and not isinstance(value, int):
            yield value
