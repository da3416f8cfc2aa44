"""Images that wait, within a number of bytes and of seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Held:
    message: Any
    size: int
    since_s: float


class ImageShelf:
    """Keeps image messages by tickets; the oldest go where there are too many, or after a time.

    Time is real: an image whose pose never comes must go although nothing else comes either. Safe
    from several threads.
    """

    def __init__(
        self,
        *,
        most_bytes: int,
        most_s: float,
        waits: str,
        on_dropped: Callable[[str], None],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start empty.

        Args:
            most_bytes: the newest image is kept even if it is larger.
            most_s: seconds that an image may wait.
            waits: what images do here, for the reason that is told: "wait for their poses".
            on_dropped: told why, for each image that goes.
            now_s: a clock that never goes back.
        """
        self._most_bytes, self._most_s, self._waits = most_bytes, most_s, waits
        self._on_dropped, self._now_s = on_dropped, now_s
        # Dropping takes as well.
        self._lock = threading.RLock()
        self._held: dict[int, _Held] = {}
        self._bytes = 0
        self._next = 0

    def put(self, message: Any) -> int:
        """Keep an image message; the ticket to take it by."""
        with self._lock:
            self._next += 1
            self._held[self._next] = _Held(message, len(message.data), self._now_s())
            self._bytes += len(message.data)
            while self._bytes > self._most_bytes and len(self._held) > 1:
                self._drop_oldest(f"more than {self._most_bytes} bytes of images {self._waits}")
            return self._next

    def take(self, ticket: int) -> Any | None:
        """The message, which is kept no longer; None where it has gone."""
        with self._lock:
            held = self._held.pop(ticket, None)
            if held is None:
                return None
            self._bytes -= held.size
            return held.message

    def clear(self) -> int:
        """Let all go and return how many there were."""
        with self._lock:
            count, self._bytes = len(self._held), 0
            self._held.clear()
            return count

    def tick(self) -> None:
        """Let go what has waited for too long."""
        with self._lock:
            while self._held:
                oldest = next(iter(self._held.values()))
                if self._now_s() - oldest.since_s <= self._most_s:
                    return
                self._drop_oldest(f"no pose came for an image in {self._most_s:g} s")

    def _drop_oldest(self, reason: str) -> None:
        self.take(next(iter(self._held)))
        self._on_dropped(reason)
