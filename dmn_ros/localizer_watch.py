"""Knowing from its diagnostics how far a localizer in another process is."""

from __future__ import annotations

import time

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from dmn_ros.qualities import RELIABLE

KEYS = {"images_received", "images_processed", "images_dropped", "images_waiting", "map_views"}


def localizer_report(message: DiagnosticArray) -> dict[str, str] | None:
    """What a localizer says of itself; None where the message is of another node."""
    for status in message.status:
        report = {entry.key: entry.value for entry in status.values}
        if report.keys() >= KEYS:
            return report
    return None


class LocalizerWatch:
    """Reads the reports of a localizer; the node must be spun."""

    def __init__(self, node: Node) -> None:
        """Listen from a node."""
        self._report: dict[str, str] = {}
        self._calm_reports = 0
        self._changed_s = time.monotonic()
        node.create_subscription(DiagnosticArray, "/diagnostics", self._on_report, RELIABLE)

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
        report = localizer_report(message)
        if report is None:
            return
        same = report["images_received"] == self._report.get("images_received")
        calm = same and report["images_waiting"] == "0" and _done(report)
        self._calm_reports = self._calm_reports + 1 if calm else 0
        if any(report[key] != self._report.get(key) for key in KEYS):
            self._changed_s = time.monotonic()
        self._report = report


def _done(report: dict[str, str]) -> bool:
    done = int(report["images_processed"]) + int(report["images_dropped"])
    return done == int(report["images_received"])
