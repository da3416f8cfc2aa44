"""Knowing from its diagnostics how far a localizer in another process is."""

from __future__ import annotations

import time
from collections.abc import Iterator

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from dmn_ros.qualities import RELIABLE, make_subscription

KEYS = {"images_received", "images_processed", "images_dropped", "images_waiting", "map_views"}


def localizer_reports(message: DiagnosticArray) -> Iterator[tuple[str, dict[str, str]]]:
    """Full names of localizers, without the first slash, and what they say of themselves."""
    for status in message.status:
        report = {entry.key: entry.value for entry in status.values}
        if report.keys() >= KEYS:
            yield status.name.partition(":")[0], report


def localizer_report(message: DiagnosticArray) -> dict[str, str] | None:
    """What a localizer says of itself; None where the message is of another node."""
    return next((report for _, report in localizer_reports(message)), None)


class LocalizerWatch:
    """Reads the reports of one localizer; the node must be spun."""

    def __init__(self, node: Node, name: str = "") -> None:
        """Listen from a node.

        Args:
            node: listens, and says in which namespace.
            name: of the localizer, in the node's namespace unless it begins with a slash; if empty,
                the first one that is heard in that namespace counts.
        """
        self._namespace = node.get_namespace().strip("/")
        below = f"{self._namespace}/{name}" if self._namespace else name
        self._name = name.lstrip("/") if name.startswith("/") else below if name else ""
        self._others: set[str] = set()
        self._report: dict[str, str] = {}
        self._calm_reports = 0
        self._changed_s = time.monotonic()
        make_subscription(node, DiagnosticArray, "/diagnostics", self._on_report, RELIABLE)

    @property
    def others(self) -> list[str]:
        """Full names of localizers that were heard and do not count."""
        return sorted(self._others)

    @property
    def has_map(self) -> bool:
        """Whether it localizes in a map."""
        return int(self._report.get("map_views", 0)) > 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing came and nothing waited between two reports."""
        return self._calm_reports >= 2

    @property
    def still_s(self) -> float:
        """For how long no report has said anything new, or none has come."""
        return time.monotonic() - self._changed_s

    @property
    def report(self) -> dict[str, str]:
        """The last report."""
        return self._report

    def forget(self) -> None:
        """Count calm reports and the time without news anew."""
        self._calm_reports = 0
        self._changed_s = time.monotonic()

    def _on_report(self, message: DiagnosticArray) -> None:
        for name, report in localizer_reports(message):
            if not self._name and name.rpartition("/")[0] == self._namespace:
                self._name = name
            if name == self._name:
                self._take(report)
            else:
                self._others.add(name)

    def _take(self, report: dict[str, str]) -> None:
        same = report["images_received"] == self._report.get("images_received")
        calm = same and report["images_waiting"] == "0" and _done(report)
        self._calm_reports = self._calm_reports + 1 if calm else 0
        if any(report[key] != self._report.get(key) for key in KEYS):
            self._changed_s = time.monotonic()
        self._report = report


def _done(report: dict[str, str]) -> bool:
    done = int(report["images_processed"]) + int(report["images_dropped"])
    return done == int(report["images_received"])
