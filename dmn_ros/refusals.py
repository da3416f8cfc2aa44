"""Messages that are no good are refused in words, and the node lives on."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rclpy.node import Node

from dmn_core.errors import DmnError
from dmn_ros.throttle import Throttle

WARN_PERIOD_S = 5.0


class Refusals:
    """Counts what is refused, and reports each kind at most once in five seconds.

    What nobody foresaw, such as a GPU without memory, is reported with its traceback once.
    """

    def __init__(self, node: Node) -> None:
        """Report in the name of a node."""
        self.counts = Counter[str]()
        self._node = node
        self._throttle = Throttle(period_s=WARN_PERIOD_S)
        self._traced: set[tuple[str, type[Exception]]] = set()

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        """Report a message that is no good, and live on."""
        try:
            yield
        except DmnError as error:
            self.note(what, f"{what} refused: {error}")
        except Exception as error:
            if (kind := (what, type(error))) not in self._traced:
                self._traced.add(kind)
                self._node.get_logger().error("".join(traceback.format_exception(error)))
            self.note(what, f"{what} failed: {type(error).__name__}: {error}")

    def note(self, what: str, text: str) -> None:
        """Count something that is not as it should be, and say so once in a while."""
        self.counts[what] += 1
        if self._throttle.is_due(what):
            self._node.get_logger().warning(f"{text} ({self.counts[what]} until now)")
