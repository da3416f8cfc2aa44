"""What the localizer says of itself: in its log, and on /diagnostics."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from dmn_core.belief_monitor import State
from dmn_core.errors import CameraError, DecodingError, DmnError
from dmn_ros.diagnostics import NOT_FINITE, Concern, Counts, to_diagnostics
from dmn_ros.managed_node import ManagedNode
from dmn_ros.qualities import RELIABLE
from dmn_ros.refusals import ProblemLog
from dmn_ros.standing import Standing
from dmn_ros.tracking import EstimateError, NotReadyError

_DROP_REASONS: dict[type[DmnError], str] = {
    DecodingError: "undecodable",
    CameraError: "camera_info",
    NotReadyError: "no_map",
    EstimateError: NOT_FINITE,
}


class Reporting:
    """Counts, warns at most once in a while for each kind, and reports."""

    def __init__(self, node: ManagedNode) -> None:
        """Report for a node that is being set up."""
        self.counts = Counts()
        self._node = node
        self._log = ProblemLog(node)
        self._reported = self.counts.snapshot()
        # Reports come from the callbacks' thread, and from the worker when it has a new map.
        self._lock = threading.Lock()
        self._publisher: Any = node.make_publisher(DiagnosticArray, "/diagnostics", RELIABLE)

    def drop(self, reason: str, explanation: str) -> None:
        """An image did not become a pose."""
        self.counts.dropped(reason, explanation)
        self._log.warn(reason, f"image dropped ({reason}): {explanation}")

    def drop_for(self, error: DmnError) -> None:
        """An image did not become a pose for what was raised."""
        self.drop(_DROP_REASONS.get(type(error), "failed"), str(error))

    @contextmanager
    def refusing(self, topic: str, *, is_rare: bool = True) -> Iterator[None]:
        """Count and report a message that is no good, and live on.

        Args:
            topic: where it came from.
            is_rare: whether somebody waits to see what became of each, as of maps and starts.
        """
        try:
            yield
        except DmnError as error:
            self.refuse(topic, str(error), is_rare=is_rare)
        except Exception as error:
            explanation = f"{type(error).__name__}: {error}"
            self.counts.refused(topic, explanation)
            self._log.trace(topic, error)
            self._log.warn(topic, f"{topic} failed: {explanation}", is_rare=is_rare)

    def refuse(self, topic: str, explanation: str, *, is_rare: bool = False) -> None:
        """A message other than an image was not accepted; arguments as those of `refusing`."""
        self.counts.refused(topic, explanation)
        self._log.warn(topic, f"{topic} refused: {explanation}", is_rare=is_rare)

    def unforeseen(self, error: Exception, is_image: bool) -> None:
        """A job of the worker failed in a way that nobody thought of."""
        explanation = f"{type(error).__name__}: {error}"
        self._log.trace("failed" if is_image else "job", error)
        if is_image:
            self.drop("failed", explanation)
            return
        self.counts.refused("job", explanation)
        self._log.warn("job", f"map or start (failed): {explanation}", is_rare=True)

    def report(self, details: dict[str, str], concerns: Sequence[Concern]) -> None:
        """Publish what has become of everything until now.

        Args:
            details: further keys and values.
            concerns: what the localizer lacks, or is not sure of.
        """
        with self._lock:
            counts = self.counts.snapshot()
            report = to_diagnostics(
                counts,
                self._reported,
                name=self._node.get_fully_qualified_name().lstrip("/"),
                stamp_ns=self._node.get_clock().now().nanoseconds,
                details=details,
                concerns=concerns,
            )
            self._reported = counts
            self._publisher.publish(report)


def details_of(standing: Standing, *, most_particles: int) -> dict[str, str]:
    """Keys and values that say what the message `status` says."""
    status = standing.status
    return {
        "particles": str(status.num_particles or most_particles),
        "state": status.state.name,
        "reason": status.reason,
        "confidence": f"{status.confidence:.2f}",
        "modes": str(len(status.modes)),
        "top_mode_mass": f"{status.top_mode_mass:.3f}",
        "ess_ratio": f"{status.ess_ratio:.3f}",
        "entropy": f"{status.entropy:.3f}",
        "mean_log_likelihood": f"{status.mean_log_likelihood:.3f}",
        "surprise": f"{status.surprise:.3f}",
        "injected_share": f"{status.injected_share:.3f}",
        "last_jump": status.last_jump.name,
        "inference_ms": f"{standing.inference_ms:.1f}",
        "latency_ms": f"{standing.latency_ms:.1f}",
        "image_age_ms": f"{standing.image_age_ms:.1f}",
    }


def concerns_of(standing: Standing, silent: Sequence[str]) -> list[Concern]:
    """What is wrong with a standing, and with topics that are silent."""
    status, level = standing.status, _LEVELS.get(standing.status.state)
    if level is None:
        return [Concern(DiagnosticStatus.WARN, text) for text in silent]
    # The reason may be a silent topic.
    told = [Concern(DiagnosticStatus.WARN, text) for text in silent if text not in status.reason]
    return [Concern(level, status.reason), *told]


_LEVELS = {
    State.UNINITIALIZED: DiagnosticStatus.WARN,
    # Who looks everywhere tells no transform: nobody can drive by it.
    State.GLOBAL: DiagnosticStatus.WARN,
    State.DEGRADED: DiagnosticStatus.WARN,
    State.LOST: DiagnosticStatus.ERROR,
}
