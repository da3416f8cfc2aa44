"""Shards as they were published, written byte by byte."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest


def _shifted(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


TABLE = [_shifted(byte) for byte in range(256)]


def crc32c(data: bytes) -> int:
    """CRC-32C from its polynomial, so that nothing is shared with the reader."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def varint(value: int) -> bytes:
    parts = []
    while value >= 128:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


class Shards:
    """Writes shards below a folder; scenes are (frames, cameras) or finished payloads."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @staticmethod
    def record(payload: bytes) -> bytes:
        length = struct.pack("<Q", len(payload))
        return length + masked(length) + payload + masked(payload)

    @staticmethod
    def example(frames: Sequence[bytes], cameras: Iterable[float], *, packed: bool = True) -> bytes:
        numbers = [struct.pack("<f", number) for number in cameras]
        if packed:
            floats = field(1, b"".join(numbers))
        else:
            floats = b"".join(varint(1 << 3 | 5) + number for number in numbers)
        features = {
            b"frames": field(1, b"".join(field(1, frame) for frame in frames)),
            b"cameras": field(2, floats),
        }
        entries = [field(1, field(1, name) + field(2, value)) for name, value in features.items()]
        return field(1, b"".join(entries))

    @staticmethod
    def jpeg(colour: Sequence[int], *, size: int = 16) -> bytes:
        """A picture of one colour (red, green, blue)."""
        rgb = np.full((size, size, 3), colour, dtype=np.uint8)
        return bytes(cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1])

    @classmethod
    def scene(cls, cameras: np.ndarray, *, number: int = 0, size: int = 16, **options: bool):
        """A scene whose pictures say with their colour which scene and which frame they are."""
        frames = [
            cls.jpeg((number * 20 % 250, i % 250, 128), size=size) for i in range(len(cameras))
        ]
        return cls.example(frames, cameras.ravel().tolist(), **options)

    @staticmethod
    def walk(frames: int = 60, *, sense: int = 1, quarters: int = 0) -> np.ndarray:
        """Cameras (S, 5) of a walk in a circle, looking ahead; the yaw in another convention."""
        angle = 0.05 * np.arange(frames)
        ahead = angle + math.pi / 2
        yaw = sense * (ahead - quarters * math.pi / 2)
        zero = np.zeros(frames)
        x, y = -0.05 + 0.25 * np.cos(angle), -0.05 + 0.25 * np.sin(angle)
        return np.column_stack([x, y, zero, np.angle(np.exp(1j * yaw)), zero])

    @staticmethod
    def ring(frames: int = 10, *, outwards: bool = False, seed: int = 0) -> np.ndarray:
        """Cameras (S, 5) on the unit circle that face its centre, or away from it."""
        angle = np.random.default_rng(seed).uniform(-math.pi, math.pi, frames)
        yaw = angle if outwards else angle + math.pi
        zero = np.zeros(frames)
        return np.column_stack([np.cos(angle), np.sin(angle), zero, yaw, zero])

    def write(self, name: str, payloads: Iterable[bytes], *, cut: int = 0) -> Path:
        """A shard below the root; `cut` bytes are missing at its end."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = b"".join(self.record(payload) for payload in payloads)
        path.write_bytes(content[: len(content) - cut])
        return path

    def mazes(
        self, part: str, shards: int, scenes: int, *, start: int = 0, frames: int = 12
    ) -> None:
        """Shards of walks, whose scenes are numbered through; one of `train` is for validation."""
        numbers = list(range(1, shards + 1))
        if part == "train" and shards < 10:
            numbers[-1] = 10
        name = "{:04d}-of-1080" if part == "train" else "{:03d}-of-120"
        for index, number in enumerate(numbers):
            first = start + index * scenes
            self.write(
                f"mazes/{part}/{name.format(number)}.tfrecord",
                [self.scene(self.walk(frames), number=first + i) for i in range(scenes)],
            )


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shards:
    monkeypatch.setenv("DMN_CACHE", str(tmp_path / "cache"))
    return Shards(tmp_path / "download")
