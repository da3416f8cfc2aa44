"""Images wait for odometry, and work never lags behind."""

from __future__ import annotations

import math
import threading
from collections import Counter
from typing import Any

import numpy as np
import pytest

from dmn_core.errors import TrackError
from dmn_ros.odometry import LONG_BUFFER_S, SILENT_TICKS, OdometryGate
from dmn_ros.worker import Worker

SECOND = 1_000_000_000
TIMEOUT_S = 10.0


class Gate(OdometryGate):
    def __init__(
        self,
        *,
        wait_s: float = 1.0,
        most_waiting: int = 10,
        buffer_s: float = 10.0,
        leap_s: float = 1.0,
    ) -> None:
        self.dropped = Counter[str]()
        self.strays: list[str] = []
        super().__init__(
            wait_s=wait_s,
            max_gap_s=1.0,
            most_waiting=most_waiting,
            buffer_s=buffer_s,
            leap_s=leap_s,
            on_stray=self.strays.append,
            on_dropped=lambda reason, _: self.dropped.update([reason]),
        )

    def odometry(self, *seconds: float) -> None:
        for t in seconds:
            self.add_odometry(round(t * SECOND), np.array([t, 0.0, 0.0]))

    def image(self, seconds: float) -> None:
        self.add_image(round(seconds * SECOND), f"image {seconds}")

    def poses(self) -> dict[str, float]:
        return {image.message: float(image.pose_odom_base[0]) for image in self.ready()}


def test_an_image_waits_for_odometry_and_gets_the_pose_at_its_stamp() -> None:
    gate = Gate()
    gate.image(1.25)
    gate.odometry(1.0)
    assert gate.poses() == {}
    gate.odometry(1.5)
    assert gate.poses() == {"image 1.25": 1.25}
    assert gate.waiting == 0
    gate.image(1.5)
    assert gate.poses() == {"image 1.5": 1.5}
    assert not gate.dropped


def test_images_keep_their_order() -> None:
    gate = Gate()
    for seconds in (1.1, 1.2, 1.3):
        gate.image(seconds)
    gate.odometry(1.0, 2.0)
    assert list(gate.poses()) == ["image 1.1", "image 1.2", "image 1.3"]
    gate.image(1.2)
    assert gate.poses() == {}
    assert gate.dropped == {"out_of_order": 1}


def test_an_image_from_the_future_is_dropped_by_odometry_stamps() -> None:
    gate = Gate(wait_s=1.0)
    gate.odometry(1.0)
    gate.image(100.0)
    gate.odometry(1.5, 2.0)
    assert gate.poses() == {}
    assert gate.waiting == 1
    gate.odometry(2.1)
    assert gate.poses() == {}
    assert gate.dropped == {"no_odometry": 1}
    patient = Gate(wait_s=math.inf)
    patient.image(100.0)
    patient.odometry(*range(100))
    assert patient.poses() == {}
    patient.odometry(100.0)
    assert patient.poses() == {"image 100.0": 100.0}


def test_images_older_than_odometry_or_in_its_gaps_are_dropped() -> None:
    gate = Gate()
    gate.odometry(5.0, 8.0, 8.1)
    gate.image(1.0)
    gate.image(6.0)
    assert gate.poses() == {}
    assert gate.dropped == {"no_odometry": 2}


def test_an_image_after_the_last_odometry_does_not_wait_for_ever() -> None:
    gate = Gate(wait_s=math.inf)
    gate.odometry(1.0, 2.0)
    gate.image(1.5)
    gate.image(2.5)
    assert list(gate.poses()) == ["image 1.5"]
    for _ in range(SILENT_TICKS - 1):
        gate.tick()
    # As long as anything comes, odometry may still follow.
    gate.image(2.6)
    for _ in range(SILENT_TICKS - 1):
        gate.tick()
    assert gate.waiting == 2
    assert not gate.dropped
    gate.tick()
    assert gate.waiting == 0
    assert gate.dropped == {"no_odometry": 2}


def test_odometry_may_run_far_ahead_where_every_image_is_kept() -> None:
    """A bag at a hundredfold speed brings minutes of odometry before an image is taken in."""
    gate = Gate(wait_s=math.inf, buffer_s=LONG_BUFFER_S)
    gate.odometry(*range(600))
    gate.image(0.5)
    assert gate.poses() == {"image 0.5": 0.5}
    short = Gate()
    short.odometry(*range(600))
    short.image(0.5)
    assert short.poses() == {}


def test_waiting_is_bounded() -> None:
    gate = Gate(most_waiting=3)
    for seconds in range(5):
        gate.image(seconds)
    assert gate.waiting == 3
    assert gate.dropped == {"no_odometry": 2}


def test_a_jump_back_in_time_forgets_everything() -> None:
    gate = Gate()
    gate.odometry(50.0, 51.0)
    gate.image(51.5)
    assert gate.add_odometry(10 * SECOND, np.zeros(3)) is True
    # An image of the new time may come before it is known that there is one.
    gate.image(10.25)
    assert gate.poses() == {}
    assert gate.add_odometry(21 * SECOND // 2, np.zeros(3)) is False
    assert gate.dropped == {"time_jump": 1}
    assert gate.poses() == {"image 10.25": 0.0}


@pytest.mark.parametrize(
    "stamps",
    [
        [0.0],
        [40.0],
        [0.0, 0.0],
        [45.0, 44.0],
        [9e9],
        [52.1],
        [90.0, 80.0],
        [0.0, 90.0],
        [90.0, 0.0],
    ],
)
def test_stray_stamps_that_lead_nowhere_are_told_and_no_jump(stamps: list[float]) -> None:
    gate = Gate()
    gate.odometry(50.0, 51.0)
    gate.image(51.25)
    for stamp in stamps:
        assert gate.add_odometry(round(stamp * SECOND), np.zeros(3))
    gate.image(40.5)
    assert gate.poses() == {}
    gate.odometry(51.5)
    assert gate.poses() == {"image 51.25": 51.25}
    # The late image is too old by now, whatever came in between.
    assert gate.dropped == {"out_of_order": 1}
    said = ["after" if "after" in words else "before" for words in gate.strays]
    assert said == ["after" if stamp > 51.0 else "before" for stamp in stamps]


def test_a_gap_ends_with_the_second_pose_behind_it() -> None:
    gate = Gate()
    gate.odometry(50.0, 51.0)
    gate.image(60.05)
    assert gate.add_odometry(60 * SECOND, np.array([60.0, 0.0, 0.0]))
    assert gate.poses() == {}
    assert gate.add_odometry(601 * SECOND // 10, np.array([60.1, 0.0, 0.0]))
    assert gate.poses() == {"image 60.05": pytest.approx(60.05)}
    assert not (gate.dropped or gate.strays)
    # Poses that are rare, as those of a mapper's views may be, are all believed at once.
    rare = Gate(leap_s=math.inf)
    rare.odometry(50.0, 60.0)
    rare.image(60.0)
    assert rare.poses() == {"image 60.0": 60.0}


def test_a_clock_that_jumped_makes_one_old_stamp_enough() -> None:
    gate = Gate()
    gate.odometry(50.0, 51.0)
    gate.clock_jumped()
    assert gate.add_odometry(10 * SECOND, np.zeros(3)) is False
    # It counts once, and for the next stamp only.
    gate.odometry(11.0)
    gate.clock_jumped()
    gate.odometry(12.0)
    assert gate.add_odometry(5 * SECOND, np.zeros(3)) is True


def test_odometry_at_a_stamp_is_told_where_it_is_kept() -> None:
    gate = Gate()
    assert gate.pose_at(SECOND) is None
    gate.odometry(1.0, 2.0, 50.0, 51.0)
    for stamp_s, x in ((50.25, 50.25), (51.0, 51.0), (51.9, 51.0)):
        pose = gate.pose_at(round(stamp_s * SECOND))
        assert pose is not None and pose[0] == x
    # Not set, too old, and of another clock.
    for stamp_s in (0.0, 1.5, 1.7e9):
        assert gate.pose_at(round(stamp_s * SECOND)) is None


def test_odometry_that_is_no_number_is_refused() -> None:
    with pytest.raises(TrackError):
        Gate().add_odometry(SECOND, np.array([math.nan, 0.0, 0.0]))


def worker(
    *, newest_only: bool, skipped: list[int], errors: list[tuple[type[Exception], bool]]
) -> Worker:
    return Worker(
        newest_only=newest_only,
        on_skipped=lambda: skipped.append(1),
        on_error=lambda error, is_image: errors.append((type(error), is_image)),
    )


@pytest.mark.parametrize(
    ("newest_only", "expected"), [(True, ["job", 3]), (False, [1, 2, "job", 3])]
)
def test_waiting_images_give_way_or_not(newest_only: bool, expected: list[Any]) -> None:
    skipped: list[int] = []
    work = worker(newest_only=newest_only, skipped=skipped, errors=[])
    begun, go, done = threading.Event(), threading.Event(), threading.Event()
    order = list[Any]()

    def hold() -> None:
        begun.set()
        go.wait(TIMEOUT_S)

    # While the first job lasts, the others wait.
    work.put(hold)
    assert begun.wait(TIMEOUT_S)
    work.put_image(lambda: order.append(1))
    work.put_image(lambda: order.append(2))
    work.put(lambda: order.append("job"))
    work.put_image(lambda: order.append(3))
    work.put(done.set)
    assert work.images_waiting == expected.count(1) + expected.count(2) + 1
    go.set()
    assert done.wait(TIMEOUT_S)
    work.stop()
    assert order == expected
    assert len(skipped) == (2 if newest_only else 0)


def test_a_job_that_fails_does_not_end_the_thread() -> None:
    errors: list[tuple[type[Exception], bool]] = []
    work = worker(newest_only=True, skipped=[], errors=errors)
    done = threading.Event()
    work.put_image(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    work.put(lambda: {}["no"])
    work.put(done.set)
    assert done.wait(TIMEOUT_S)
    work.stop()
    assert errors == [(ZeroDivisionError, True), (KeyError, False)]
