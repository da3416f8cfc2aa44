"""Services that a worker answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.service import Service

from dmn_ros.worker import Job


def answer_later(service: Service, put: Callable[[Job], None]) -> None:
    """Let a service's callback run as a job, which sends the answer when it is done.

    The executor is free meanwhile, so that the node's other services answer. An executor hands what
    a callback returns, and whom to answer, to `send_response`: the callback returns the request as
    it came, and `send_response` makes a job of both. A coroutine as the callback would be answered
    by the executor, which after a clean-up finds no service to answer by.

    Args:
        service: one whose executor has not begun.
        put: takes jobs; they run one after another.
    """
    work, send = service.callback, service.send_response

    def keep(request: Any, response: Any) -> tuple[Any, Any]:
        return request, response

    def send_later(kept: tuple[Any, Any], header: Any) -> None:
        put(lambda: send(work(*kept), header))

    service.callback, service.send_response = keep, send_later
