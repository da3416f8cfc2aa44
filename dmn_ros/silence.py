"""Which of the topics that a node needs are silent, and how often they speak."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

SILENT_S = 5.0


@dataclass(frozen=True)
class _Expected:
    topic: str
    once: bool
    since_s: float
    has_come: bool = False
    count: int = 0
    rate_hz: float = 0.0


class SilenceWatch:
    """Counts real time, as a topic is silent also where simulated time stands still."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        """Expect nothing yet; `now_s` is a clock that never goes back."""
        self._now_s = now_s
        self._expected: dict[str, _Expected] = {}
        self._measured_s = now_s()

    def expect(self, what: str, topic: str, *, once: bool = False) -> None:
        """From now on something is to come at a topic, where `once` is enough for good."""
        self._expected[what] = _Expected(topic, once, self._now_s())

    def heard(self, what: str) -> None:
        """It came."""
        before = self._expected[what]
        self._expected[what] = replace(
            before, since_s=self._now_s(), has_come=True, count=before.count + 1
        )

    def measure(self) -> None:
        """Once in a while: how often everything has come since the last time."""
        now_s = self._now_s()
        passed_s, self._measured_s = now_s - self._measured_s, now_s
        if passed_s > 0:
            for what, expected in self._expected.items():
                rate_hz = expected.count / passed_s
                self._expected[what] = replace(expected, count=0, rate_hz=rate_hz)

    def rates_hz(self) -> dict[str, float]:
        """As measured last, by the first word of what comes again and again."""
        expected = self._expected.items()
        return {what.split()[0]: e.rate_hz for what, e in expected if not e.once}

    def complaints(self) -> list[str]:
        """In words, what is silent for longer than `SILENT_S`."""
        done = [what for what, e in self._expected.items() if e.once and e.has_come]
        return self._silent(SILENT_S, without=done)

    def pauses(self, over_s: float) -> list[str]:
        """In words, what comes again and again and has not for so long, `SILENT_S` at most."""
        once = [what for what, e in self._expected.items() if e.once]
        return self._silent(min(over_s, SILENT_S), without=once)

    def _silent(self, over_s: float, *, without: list[str]) -> list[str]:
        told = []
        for what, expected in self._expected.items():
            silent_s = self._now_s() - expected.since_s
            if silent_s >= over_s and what not in without:
                told.append(f"no {what} came on {expected.topic!r} for {silent_s:.0f} s")
        return told
