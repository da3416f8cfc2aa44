"""Images wait for odometry."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from dmn_core.errors import TrackError
from dmn_ros.odometry import LONG_BUFFER_S, SILENT_TICKS, OdometryGate

SECOND = 1_000_000_000


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
            on_dropped=lambda reason, *_: self.dropped.update([reason]),
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
    # Time may begin anew, but not after odometry that goes on.
    gate.odometry(9.1)
    assert gate.poses() == {}
    assert not gate.dropped
    gate.odometry(9.2)
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
    gate.odometry(52.5)
    assert gate.poses() == {}
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


@pytest.mark.parametrize("stragglers", [0, 1, 3])
@pytest.mark.parametrize("clock", [False, True])
def test_images_that_overtake_the_first_odometry_of_a_loop_count_in_each(
    stragglers: int, clock: bool
) -> None:
    """The stragglers are the odometry of the loop before that an image overtakes as well."""
    gate = Gate(wait_s=math.inf)
    odometry = [10.0 + 0.1 * n for n in range(101)]
    images = [10.01, 10.02, 10.55, 19.5]
    laps: list[dict[str, float]] = []
    for lap in range(3):
        if lap and clock:
            gate.clock_jumped()
        gate.image(images[0])
        gate.image(images[1])
        seen = gate.poses()
        if lap:
            for straggler in odometry[len(odometry) - stragglers :]:
                gate.odometry(straggler)
                seen |= gate.poses()
        for stamp in odometry[: len(odometry) - stragglers if lap < 2 else None]:
            gate.odometry(stamp)
            seen |= gate.poses()
            for image in images[2:]:
                if stamp - 0.1 < image <= stamp:
                    gate.image(image)
                    seen |= gate.poses()
        laps.append(seen)
    assert list(laps[0]) == [f"image {image}" for image in images]
    assert laps[1:] == [laps[0]] * 2
    assert not (gate.dropped or gate.waiting)


def test_an_old_image_is_dropped_for_its_own_reason_where_nothing_follows() -> None:
    gate = Gate()
    gate.odometry(50.0, 51.0)
    gate.image(50.5)
    assert gate.poses() == {"image 50.5": 50.5}
    gate.odometry(52.0)
    gate.image(50.5)
    gate.image(40.0)
    gate.image(52.5)
    assert gate.poses() == {}
    for _ in range(SILENT_TICKS):
        gate.tick()
    assert gate.dropped == {"out_of_order": 2, "no_odometry": 1}
    assert gate.waiting == 0


def test_old_images_that_wait_for_a_jump_are_bounded_and_late_ones_do_not_wait() -> None:
    gate = Gate(most_waiting=3, buffer_s=LONG_BUFFER_S)
    gate.odometry(*range(10, 20))
    gate.clock_jumped()
    gate.image(12.0)
    # In order, however late: a bag that is played fast.
    assert gate.poses() == {"image 12.0": 12.0}
    for seconds in (10.0, 10.1, 10.2, 10.3, 10.4):
        gate.image(seconds)
        assert gate.poses() == {}
    assert gate.waiting == 3
    assert gate.dropped == {"no_odometry": 2}


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
