"""Messages that are no good are refused in words, and the node lives on."""

from __future__ import annotations

import math
import threading
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rclpy.node import Node

from dmn_core.errors import DmnError
from dmn_ros.throttle import Throttle

WARN_PERIOD_S = 5.0


class ProblemLog:
    """Tells of each kind of problem at most once in five seconds; safe from several threads.

    What nobody foresaw, such as a GPU without memory, is told with its traceback once. Once the
    process has been told to stop, nothing is: what is at work then cannot publish any more.
    """

    def __init__(self, node: Node) -> None:
        """Tell in the name of a node."""
        self._node = node
        self._throttle = Throttle(period_s=WARN_PERIOD_S)
        self._traced = Throttle(period_s=math.inf)

    def warn(self, kind: str, text: str, *, is_rare: bool = False) -> None:
        """Say something; each time where it is rare, so that somebody waits for the answer."""
        if self._node.context.ok() and (is_rare or self._throttle.is_due(kind)):
            self._node.get_logger().warning(text)

    def trace(self, kind: str, error: Exception) -> None:
        """The traceback of the first error of its type, in a line before what `warn` says."""
        if self._node.context.ok() and self._traced.is_due(f"{kind} {type(error).__name__}"):
            self._node.get_logger().error("".join(traceback.format_exception(error)))


class Refusals:
    """Counts what is refused, and reports it as a `ProblemLog` does; safe from several threads."""

    def __init__(self, node: Node) -> None:
        """Report in the name of a node."""
        self.counts = Counter[str]()
        self._lock = threading.Lock()
        self._log = ProblemLog(node)

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        """Report a message that is no good, and live on."""
        try:
            yield
        except DmnError as error:
            self.note(what, f"{what} refused: {error}", cause=type(error).__name__)
        except Exception as error:
            self._log.trace(what, error)
            self.note(what, f"{what} failed: {type(error).__name__}: {error}")

    def note(self, what: str, text: str, *, cause: str = "") -> None:
        """Count something that is not as it should be; say so once in a while for each cause."""
        with self._lock:
            self.counts[what] += 1
            count = self.counts[what]
        self._log.warn(f"{what} {cause}", f"{text} ({count} until now)")
