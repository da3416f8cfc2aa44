"""Saying a thing once in a while."""

from __future__ import annotations

import threading
import time


class Throttle:
    """Lets each kind of message pass at most once in a period of real time."""

    def __init__(self, *, period_s: float) -> None:
        """Let the first of each kind pass."""
        self._period_s = period_s
        self._last_s: dict[str, float] = {}
        self._lock = threading.Lock()

    def is_due(self, kind: str) -> bool:
        """Whether a message of this kind may be said now; if so, it counts as said."""
        now_s = time.monotonic()
        with self._lock:
            if now_s - self._last_s.get(kind, -self._period_s) < self._period_s:
                return False
            self._last_s[kind] = now_s
            return True
