"""The published data sets: where their files lie, how large they are and what their units mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from dmn_core.data.episode import PAPER_AREA_M
from dmn_core.data.sources import SourceName, Split
from dmn_core.errors import DataError

VALIDATION_COUNT = 1000
TEST_COUNT = 5000


@dataclass(frozen=True)
class PublishedSet:
    """One data set.

    Attributes:
        folder: below the root.
        shards: how many files were published, for train and for test.
        training_count: environments that the paper trains on.
        limits: lowest and highest x and y in the data's own units, the same for both; together
            they are the 40 m of the area.
        tolerance: by how much positions may leave the limits.
        facing: where its cameras look, as far as positions tell: along the `walk`, to the
            `centre`, or `anywhere`.
    """

    folder: str
    shards: tuple[int, int]
    training_count: int
    limits: tuple[float, float]
    tolerance: float
    facing: Literal["walk", "centre", "anywhere"]

    def count(self, split: Split) -> int:
        """How many environments the paper uses of a split."""
        sizes = {"train": self.training_count, "validation": VALIDATION_COUNT, "test": TEST_COUNT}
        return sizes[split]

    def to_metres(self, positions: np.ndarray) -> np.ndarray:
        """Positions (..., 2) in the data's own units -> metres around the middle of the area.

        Raises:
            DataError: positions lie where this data set has none.
        """
        low, high = self.limits
        found = (float(positions.min()), float(positions.max()))
        if found[0] < low - self.tolerance or found[1] > high + self.tolerance:
            raise DataError(
                f"positions of {self.folder!r} want to lie between {low} and {high}, got "
                f"{found[0]:.3f} to {found[1]:.3f}: are these files of another data set?"
            )
        metres_per_unit = (PAPER_AREA_M[1] - PAPER_AREA_M[0]) / (high - low)
        return np.asarray((positions - (low + high) / 2) * metres_per_unit)


def _rooms(folder: str, shards: tuple[int, int], *, ring: bool = False) -> PublishedSet:
    facing: Literal["centre", "anywhere"] = "centre" if ring else "anywhere"
    return PublishedSet(folder, shards, 100_000, (-1.0, 1.0), 0.1, facing)


RING = _rooms("rooms_ring_camera", (2160, 240), ring=True)

PUBLISHED: dict[SourceName, PublishedSet] = {
    # 7 x 7 cells of 0.1, from the outer wall at -0.4 to the one at 0.3.
    "gqn-mazes": PublishedSet("mazes", (1080, 120), 960, (-0.4, 0.3), 0.005, "walk"),
    "gqn-rooms-ring-camera": RING,
    "gqn-rooms-free-camera-no-object-rotations": _rooms(
        "rooms_free_camera_no_object_rotations", (2160, 240)
    ),
    "gqn-rooms-free-camera-with-object-rotations": _rooms(
        "rooms_free_camera_with_object_rotations", (2034, 226)
    ),
}

FORMATS: dict[str, tuple[int, int]] = {
    "mazes": (300, 84),
    "rooms_ring_camera": (10, 64),
    "rooms_free_camera_no_object_rotations": (10, 64),
    "rooms_free_camera_with_object_rotations": (10, 128),
    "jaco": (11, 64),
    "shepard_metzler_5_parts": (15, 64),
    "shepard_metzler_7_parts": (15, 64),
}
"""Frames of a scene and their height [pixels], by folder."""


def refuse_another(published: PublishedSet, frames: int, height: int) -> None:
    """Refuse scenes that look like those of another published data set.

    Raises:
        DataError: they do; the message names it.
    """
    alike = [folder for folder, known in FORMATS.items() if known == (frames, height)]
    if alike and published.folder not in alike:
        raise DataError(
            f"scenes of {published.folder!r} want {FORMATS[published.folder][0]} frames of "
            f"{FORMATS[published.folder][1]} pixels, got {frames} of {height}, which are those of "
            f"{' or '.join(map(repr, alike))}: choose that data, or another root"
        )
