"""Time that begins anew, as where a bag is played again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Laps:
    """Counts how often time began anew, so that nothing of a lap is published in the next one.

    Images are at work in a thread of their own while another one hears of the jump.
    """

    def __init__(self) -> None:
        """Begin in the first lap."""
        self._lock = threading.Lock()
        self._lap = 0

    @property
    def now(self) -> int:
        """Number of the lap."""
        return self._lap

    def begin(self) -> None:
        """Time begins anew; waits for what is being published in the lap before."""
        with self._lock:
            self._lap += 1

    @contextmanager
    def still(self, lap: int) -> Iterator[bool]:
        """Whether it is that lap; meanwhile none begins."""
        with self._lock:
            yield lap == self._lap
