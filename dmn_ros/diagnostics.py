"""Counting what happens to images, and reporting it on /diagnostics."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from dmn_ros.frames import header

LATENCIES_KEPT = 1000
# Why an image was dropped whose estimate is of no use; it is an error until one is again.
NOT_FINITE = "not_finite"


@dataclass(frozen=True)
class Snapshot:
    """Counts at one moment.

    `last_drop` is what became of the last image, if it was dropped, and `last_reason` the word for
    it.
    """

    received: int
    processed: int
    dropped: dict[str, int]
    refused: dict[str, int]
    latencies_s: list[float]
    last_problem: str
    last_drop: str = ""
    last_reason: str = ""


@dataclass(frozen=True)
class Concern:
    """Something that whoever looks after the robot should know; levels are DiagnosticStatus's."""

    level: bytes
    text: str


@dataclass
class Counts:
    """What became of the images and the other messages; safe to use from several threads."""

    _received: int = 0
    _processed: int = 0
    _dropped: Counter[str] = field(default_factory=Counter)
    _refused: Counter[str] = field(default_factory=Counter)
    _latencies_s: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    _last_problem: str = ""
    _last_drop: str = ""
    _last_reason: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def received(self) -> None:
        """An image came."""
        with self._lock:
            self._received += 1

    def processed(self, latency_s: float | None) -> None:
        """An image became a pose; None where odometry alone did that."""
        with self._lock:
            self._processed += 1
            self._last_drop = self._last_reason = ""
            if latency_s is not None:
                self._latencies_s.append(latency_s)

    def dropped(self, reason: str, explanation: str = "") -> None:
        """An image did not become a pose."""
        with self._lock:
            self._dropped[reason] += 1
            self._last_reason = reason
            self._last_problem = explanation or self._last_problem
            self._last_drop = ": ".join(filter(None, (f"image dropped ({reason})", explanation)))

    def refused(self, topic: str, explanation: str) -> None:
        """A message other than an image was not accepted."""
        with self._lock:
            self._refused[topic] += 1
            self._last_problem = explanation

    def snapshot(self) -> Snapshot:
        """The counts now."""
        with self._lock:
            return Snapshot(
                self._received,
                self._processed,
                dict(self._dropped),
                dict(self._refused),
                list(self._latencies_s),
                self._last_problem,
                self._last_drop,
                self._last_reason,
            )


def to_diagnostics(
    counts: Snapshot,
    before: Snapshot,
    *,
    name: str,
    stamp_ns: int,
    details: dict[str, str],
    concerns: Sequence[Concern],
) -> DiagnosticArray:
    """The state of a localizer: a warning where something was lost since the report before.

    Args:
        counts: now.
        before: at the last report.
        name: of the node.
        stamp_ns: of the report.
        details: further keys and values.
        concerns: beside what was lost; the gravest one gives the level.
    """
    lost = sum(counts.dropped.values()) - sum(before.dropped.values())
    refused = sum(counts.refused.values()) - sum(before.refused.values())
    status = DiagnosticStatus(name=f"{name}: localization", hardware_id="camera")
    told = sorted(concerns, key=lambda concern: concern.level, reverse=True)
    if lost or refused:
        words = f"{lost} images dropped, {refused} messages refused since the last report"
        told.append(Concern(DiagnosticStatus.WARN, words))
    if counts.last_reason == NOT_FINITE:
        told.insert(0, Concern(DiagnosticStatus.ERROR, counts.last_drop))
    status.level = max((concern.level for concern in told), default=DiagnosticStatus.OK)
    status.message = "; ".join(concern.text for concern in told) or "localizing"
    values = {
        "images_received": str(counts.received),
        "images_processed": str(counts.processed),
        "images_dropped": str(sum(counts.dropped.values())),
        **{f"dropped_{reason}": str(count) for reason, count in counts.dropped.items()},
        **{f"refused_{topic}": str(count) for topic, count in counts.refused.items()},
        **_latency(counts.latencies_s),
        "last_problem": counts.last_problem,
        **details,
    }
    status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
    return DiagnosticArray(header=header(stamp_ns, ""), status=[status])


def _latency(latencies_s: list[float]) -> dict[str, str]:
    if not latencies_s:
        return {}
    median, high = np.percentile(latencies_s, (50, 95))
    return {"latency_median_ms": f"{1e3 * median:.1f}", "latency_p95_ms": f"{1e3 * high:.1f}"}
