"""Starting and stopping a node as a process."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

import rclpy
from rclpy.exceptions import ROSInterruptException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.signals import uninstall_signal_handlers

from dmn_core.errors import DmnError

NodeT = TypeVar("NodeT", bound=Node)
RCLError = rclpy_implementation.RCLError

LONGEST_SLEEP_S = 0.5
STOPPING = (signal.SIGINT, signal.SIGTERM)


def spin(node: Node) -> None:
    """Serve the node's callbacks until the process is told to stop.

    A signal that comes just as the executor goes to sleep does not always wake it, so that it
    sleeps for a bounded time.
    """
    executor: SingleThreadedExecutor | None = None
    while node.context.ok():
        try:
            if executor is None:
                executor = SingleThreadedExecutor()
                executor.add_node(node)
            executor.spin_once(timeout_sec=LONGEST_SLEEP_S)
        except RCLError:
            # The signal fell while the executor was made, or made ready to sleep.
            if node.context.ok():
                raise


def run_node(
    name: str,
    make_node: Callable[[], NodeT],
    argv: list[str] | None = None,
    *,
    work: Callable[[NodeT], None] = spin,
) -> int:
    """Start a node and let it work until it is done or told to stop; the exit code of its process.

    An error is one line on stderr and the code 1.
    """
    _interrupt_once()
    try:
        return _run(name, make_node, argv, work)
    except KeyboardInterrupt:
        # It came while the node was ending for another reason.
        _ignore_signals()
        rclpy.try_shutdown()
        return 0


def _run(
    name: str,
    make_node: Callable[[], NodeT],
    argv: list[str] | None,
    work: Callable[[NodeT], None],
) -> int:
    try:
        rclpy.init(args=argv)
    except Exception as error:  # rclpy's errors for malformed arguments have no common root
        return _refuse(name, error)
    node: NodeT | None = None
    try:
        node = make_node()
        work(node)
    except DmnError as error:
        return _refuse(name, error)
    except (KeyboardInterrupt, ExternalShutdownException, ROSInterruptException):
        return 0
    except RCLError:
        # The signal ended the context first, and what was being made wanted it.
        if rclpy.ok():
            raise
        return 0
    finally:
        _ignore_signals()
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


def _interrupt_once() -> None:
    """The first Ctrl-C interrupts what runs; further ones must not interrupt the end of it."""
    heard = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        heard.append(number)
        if len(heard) == 1:
            raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, interrupt)


def _ignore_signals() -> None:
    """Nobody can end the process once more: a terminal and ros2 launch may both ask it to stop."""
    if threading.current_thread() is threading.main_thread():
        uninstall_signal_handlers()
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)


def _refuse(name: str, error: Exception) -> int:
    message = " ".join(str(error).split())
    print(f"{name}: error: {message}", file=sys.stderr, flush=True)
    return 1
