"""Which of the topics that a node needs are silent."""

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


class SilenceWatch:
    """Counts real time, as a topic is silent also where simulated time stands still."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        """Expect nothing yet; `now_s` is a clock that never goes back."""
        self._now_s = now_s
        self._expected: dict[str, _Expected] = {}

    def expect(self, what: str, topic: str, *, once: bool = False) -> None:
        """From now on something is to come at a topic, where `once` is enough for good."""
        self._expected[what] = _Expected(topic, once, self._now_s())

    def heard(self, what: str) -> None:
        """It came."""
        before = self._expected[what]
        self._expected[what] = replace(before, since_s=self._now_s(), has_come=True)

    def complaints(self) -> list[str]:
        """In words, what is silent for longer than `SILENT_S`."""
        told = []
        for what, expected in self._expected.items():
            silent_s = self._now_s() - expected.since_s
            if silent_s >= SILENT_S and not (expected.once and expected.has_come):
                told.append(f"no {what} came on {expected.topic!r} for {silent_s:.0f} s")
        return told
