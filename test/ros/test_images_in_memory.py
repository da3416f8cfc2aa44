"""Images that wait for odometry take so much memory and no more."""

from __future__ import annotations

import numpy as np
import pytest

from dmn_ros.odometry import SILENT_TICKS, OdometryGate

SECOND = 1_000_000_000


class Gate:
    """A gate for images of sizes, which go by their numbers."""

    def __init__(self, *, most_bytes: int) -> None:
        self.dropped: list[int] = []
        self.gate = OdometryGate(
            wait_s=10.0,
            max_gap_s=1.0,
            most_waiting=100,
            most_bytes=most_bytes,
            on_stray=pytest.fail,
            on_dropped=lambda _reason, _why, number: self.dropped.append(number),
        )

    def image(self, number: int, *, size: int) -> None:
        self.gate.add_image(SECOND + number * SECOND // 10, number, size=size)

    def posed(self, seconds: float) -> list[int]:
        """The images that are ready once odometry has come to a stamp."""
        self.gate.add_odometry(round(seconds * SECOND), np.zeros(3))
        return [image.message for image in self.gate.ready()]


def test_the_oldest_give_way_and_the_newest_stays_however_large() -> None:
    gate = Gate(most_bytes=100)
    for number in range(1, 5):
        gate.image(number, size=40)
    assert gate.dropped == [1, 2]
    gate.image(5, size=1000)
    assert gate.dropped == [1, 2, 3, 4]
    assert gate.posed(1.0) == []
    assert gate.posed(2.0) == [5]


def test_what_has_gone_counts_no_more_whatever_way_it_went() -> None:
    gate = Gate(most_bytes=100)
    assert gate.posed(1.0) == []
    gate.image(1, size=100)
    assert gate.posed(1.5) == [1]
    gate.image(6, size=100)
    gate.gate.drop_images()
    gate.image(7, size=100)
    for _ in range(SILENT_TICKS):
        gate.gate.tick()
    assert gate.dropped == [7]
    # Those that are asked about and go on waiting count once.
    for number in (8, 9):
        gate.image(number, size=50)
        assert gate.gate.ready() == []
        assert gate.gate.ready() == []
    assert gate.dropped == [7]
    # A jump back leaves none of them, or all of what is old.
    assert gate.posed(2.0) == [8, 9]
    gate.image(11, size=100)
    gate.gate.clock_jumped()
    assert gate.posed(0.1) == []
    assert gate.dropped == [7, 11]
    gate.gate.add_image(SECOND // 2, 12, size=100)
    assert gate.dropped == [7, 11]
    assert gate.posed(0.9) == [12]
