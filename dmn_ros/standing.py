"""How the localizer stands at a moment: after an image, and as time goes on without one."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from dmn_core.belief_monitor import LocalizerStatus, State
from dmn_core.fix import Fix
from dmn_core.pose_track.interpolation import NANOSECONDS
from dmn_ros.diagnostics import Snapshot
from dmn_ros.managed_node import ManagedNode
from dmn_ros.silence import SilenceWatch

# Images that seem older, or to be of the future, are stamped by another clock.
OLDEST_NS = 3600 * NANOSECONDS


@dataclass(frozen=True)
class Standing:
    """What `status` and `/diagnostics` both tell.

    Attributes:
        stamp_ns: of the image, or the node's time where there is no new one.
        status: of the belief.
        weighed: whether the belief was weighed by that image just now.
        inference_ms: time that the last image took; 0 where there is none.
        latency_ms: from the stamp of the last image to its pose; 0 where there is none, or where
            the node's clock is not that of the stamps.
        image_age_ms: of the last image; 0 where `latency_ms` is.
    """

    stamp_ns: int
    status: LocalizerStatus
    weighed: bool = False
    inference_ms: float = 0.0
    latency_ms: float = 0.0
    image_age_ms: float = 0.0


class StandingKeeper:
    """Keeps the last fix since the start; fixes and questions come by different threads."""

    def __init__(self, node: ManagedNode) -> None:
        """Begin without a fix."""
        self._node = node
        self._lock = threading.Lock()
        self._fix: Fix | None = None
        self._fixed_ns = 0
        self._is_new = False

    def restart(self) -> None:
        """Forget the fix: the belief was started anew."""
        with self._lock:
            self._fix, self._is_new = None, False

    def take(self, fix: Fix) -> Standing:
        """Keep a fix; the standing that it makes."""
        with self._lock:
            self._fix, self._fixed_ns, self._is_new = fix, self._now_ns(), True
            return self._after(fix, fix.status, self._fixed_ns, stamp_ns=fix.stamp_ns)

    def is_new(self) -> bool:
        """Whether a fix came since this was asked last."""
        with self._lock:
            was_new, self._is_new = self._is_new, False
            return was_new

    def now(self, counts: Snapshot, silence: SilenceWatch, *, has_map: bool) -> Standing:
        """The standing at this moment.

        Args:
            counts: what became of the images until now.
            silence: which topics are silent.
            has_map: whether there is a map to localize in.
        """
        with self._lock:
            fix, now_ns = self._fix, self._now_ns()
            age_s = (now_ns - self._fixed_ns) / NANOSECONDS
        parameters = self._node.parameters
        if fix is None:
            distance_m = parameters.success_distance_m
            missing = self._missing(counts, has_map=has_map)
            return Standing(now_ns, LocalizerStatus(reason=missing, success_distance_m=distance_m))
        status = fix.status
        # Simulated time may begin anew: nobody knows how old a pose of the time before is.
        if age_s > parameters.camera_timeout or age_s < 0:
            # Who looks everywhere has nothing to lose.
            state = State.GLOBAL if status.state == State.GLOBAL else State.LOST
            # A silent topic is the cause of what is dropped meanwhile.
            silent = silence.pauses(parameters.camera_timeout)
            why = "; ".join(silent) or counts.last_drop
            lack = f"no pose for {age_s:.0f} s" if age_s >= 0 else "no pose since time jumped back"
            reason = lack + (f": {why}" if why else "")
            status = replace(status, state=state, reason=reason, confidence=0.0)
        return replace(self._after(fix, status, now_ns, stamp_ns=now_ns), weighed=False)

    def _missing(self, counts: Snapshot, *, has_map: bool) -> str:
        """What a first fix waits for."""
        if not has_map:
            return f"waiting for a map on {self._node.resolve_topic_name('map')!r}"
        if not counts.received:
            return "no image came yet"
        return "no image was localized yet" + (f": {counts.last_drop}" if counts.last_drop else "")

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)

    def _after(self, fix: Fix, status: LocalizerStatus, now_ns: int, *, stamp_ns: int) -> Standing:
        return Standing(
            stamp_ns=stamp_ns,
            status=status,
            weighed=fix.weighed,
            inference_ms=1e3 * fix.latency_s,
            latency_ms=_age_ms(fix.stamp_ns, self._fixed_ns),
            image_age_ms=_age_ms(fix.stamp_ns, now_ns),
        )


def _age_ms(stamp_ns: int, now_ns: int) -> float:
    """Age of what is stamped; 0 where the clock is not that of the stamps, and nobody can know."""
    age_ns = now_ns - stamp_ns
    return 1e-6 * age_ns if 0 <= age_ns <= OLDEST_NS else 0.0
