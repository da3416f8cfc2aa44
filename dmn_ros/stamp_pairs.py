"""Bringing messages of the same stamp together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from dmn_ros.odometry import JUMP_BACK_NS

MOST_WAITING = 100
First = TypeVar("First")
Second = TypeVar("Second")


class StampPairs(Generic[First, Second]):
    """Two kinds of things that belong to a stamp, in whichever order they come.

    The oldest go where too many wait, and all where the first kind jumps back in time: stamps of a
    bag that begins anew, or of a simulation, mean something else than before. The second kind may
    have other stamps in between, such as a status that is told without an image.
    """

    def __init__(self, on_pair: Callable[[int, First, Second], None]) -> None:
        """Begin with none; `on_pair` takes the stamp and one thing of each kind."""
        self._on_pair = on_pair
        self._firsts: dict[int, First] = {}
        self._seconds: dict[int, Second] = {}
        self._newest_ns = 0

    def add_first(self, stamp_ns: int, first: First) -> None:
        """Take in one of the first kind; of two with the same stamp the newer one counts."""
        self._begin(stamp_ns)
        if stamp_ns in self._seconds:
            self._on_pair(stamp_ns, first, self._seconds.pop(stamp_ns))
        else:
            _keep(self._firsts, stamp_ns, first)

    def add_second(self, stamp_ns: int, second: Second) -> None:
        """Take in one of the second kind."""
        if stamp_ns in self._firsts:
            self._on_pair(stamp_ns, self._firsts.pop(stamp_ns), second)
        else:
            _keep(self._seconds, stamp_ns, second)

    def _begin(self, stamp_ns: int) -> None:
        if stamp_ns < self._newest_ns - JUMP_BACK_NS:
            self._firsts.clear()
            self._seconds.clear()
            self._newest_ns = stamp_ns
        self._newest_ns = max(self._newest_ns, stamp_ns)


def _keep(waiting: dict[int, First], stamp_ns: int, thing: First) -> None:
    waiting[stamp_ns] = thing
    if len(waiting) > MOST_WAITING:
        del waiting[next(iter(waiting))]
