"""Messages that are no good are refused in words, and the node lives on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rclpy.node import Node

from dmn_core.errors import DmnError
from dmn_ros.throttle import Throttle

WARN_PERIOD_S = 5.0


class Refusals:
    """Reports what is refused, each kind at most once in five seconds."""

    def __init__(self, node: Node) -> None:
        """Report in the name of a node."""
        self._node = node
        self._throttle = Throttle(period_s=WARN_PERIOD_S)

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        """Report a message that is no good, and live on."""
        try:
            yield
        except DmnError as error:
            if self._throttle.is_due(what):
                self._node.get_logger().error(f"{what} refused: {error}")
