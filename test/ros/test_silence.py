"""Why a pose is missing: topics that are silent, and images that came to nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dmn_core.belief_monitor import LocalizerStatus, State
from dmn_core.fix import Fix
from dmn_ros.diagnostics import Counts
from dmn_ros.localizer_parameters import LocalizerParameters
from dmn_ros.reporting import concerns_of
from dmn_ros.silence import SILENT_S, SilenceWatch
from dmn_ros.standing import Standing, StandingKeeper

SECOND = 1_000_000_000


def test_silence_is_counted_from_the_last_word() -> None:
    now_s = [0.0]
    watch = SilenceWatch(now_s=lambda: now_s[0])
    watch.expect("image", "/image")
    watch.expect("camera_info", "/camera_info", once=True)
    now_s[0] = SILENT_S - 1
    assert watch.complaints() == []
    watch.heard("camera_info")
    now_s[0] = SILENT_S + 1
    assert watch.complaints() == ["no image came on '/image' for 6 s"]
    watch.heard("image")
    assert watch.complaints() == []
    now_s[0] = 100.0
    assert len(watch.complaints()) == 1


def test_rates_are_of_the_time_since_they_were_measured() -> None:
    now_s = [0.0]
    watch = SilenceWatch(now_s=lambda: now_s[0])
    watch.expect("image", "/image")
    watch.expect("odometry (odom to base_link)", "/tf")
    watch.expect("camera_info", "/camera_info", once=True)
    for _ in range(30):
        watch.heard("odometry (odom to base_link)")
    now_s[0] = 2.0
    watch.measure()
    assert watch.rates_hz() == {"image": 0.0, "odometry": 15.0}
    watch.heard("image")
    now_s[0] = 2.5
    watch.measure()
    assert watch.rates_hz() == {"image": 2.0, "odometry": 0.0}


def test_pauses_are_of_what_comes_again_and_again() -> None:
    now_s = [0.0]
    watch = SilenceWatch(now_s=lambda: now_s[0])
    watch.expect("image", "/image")
    watch.expect("camera_info", "/camera_info", once=True)
    now_s[0] = 3.0
    assert watch.pauses(4.0) == []
    assert watch.pauses(2.0) == ["no image came on '/image' for 3 s"]
    # However long the camera may pause.
    now_s[0] = SILENT_S
    assert watch.pauses(60.0) == ["no image came on '/image' for 5 s"]


class Times:
    """A standing keeper with a fix, and the times that it goes by: those of node and topics."""

    def __init__(self, state: State = State.TRACKING) -> None:
        self.now_s = 0.0
        self.counts = Counts()
        self.silence = SilenceWatch(now_s=lambda: self.now_s)
        self.silence.expect("image", "/image")
        clock = SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=self.now_s * SECOND))
        node: Any = SimpleNamespace(
            parameters=LocalizerParameters(camera_timeout=2.0), get_clock=lambda: clock
        )
        self.keeper = StandingKeeper(node)
        none, status = np.zeros(3), LocalizerStatus(state=state, reason="as before")
        covariance, particles = np.eye(3), np.zeros((1, 3))
        fix = Fix(0, none, covariance, none, particles, np.ones(1), latency_s=0.0, status=status)
        self.keeper.take(fix)

    def after(self, seconds: float) -> Standing:
        self.now_s = seconds
        return self.keeper.now(self.counts.snapshot(), self.silence, has_map=True)


@pytest.mark.parametrize("state", [State.TRACKING, State.GLOBAL])
def test_without_a_pose_the_newest_drop_is_the_reason(state: State) -> None:
    times = Times(state)
    assert times.after(2.0).status.reason == "as before"
    times.silence.heard("image")
    times.counts.dropped("superseded")
    times.counts.dropped("undecodable", "encoding '32FC1'")
    late = times.after(3.0).status
    assert late.reason == "no pose for 3 s: image dropped (undecodable): encoding '32FC1'"
    assert late.state == (State.GLOBAL if state == State.GLOBAL else State.LOST)
    times.counts.processed(0.1)
    assert times.after(3.0).status.reason == "no pose for 3 s"
    times.counts.dropped("superseded")
    assert times.after(3.0).status.reason == "no pose for 3 s: image dropped (superseded)"


def test_a_silent_topic_is_the_reason_for_what_is_dropped_and_is_said_once() -> None:
    times = Times()
    times.counts.dropped("no_odometry", "120 images wait for odometry")
    standing = times.after(6.0)
    silent = "no image came on '/image' for 6 s"
    assert standing.status.reason == f"no pose for 6 s: {silent}"
    told = concerns_of(standing, [silent, "no odometry came on '/odom' for 9 s"])
    assert [concern.text for concern in told] == [
        standing.status.reason,
        "no odometry came on '/odom' for 9 s",
    ]
