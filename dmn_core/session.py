"""Localizing along a drive: stamped images with odometry in, stamped robot poses out.

The one place that keeps a belief between images. The ROS node and the offline replay both drive
it, so the same seed and the same inputs give the same poses.
"""

from __future__ import annotations

import time

import numpy as np

from dmn_core.belief_monitor import BeliefMonitor, LocalizerStatus, MonitorSettings
from dmn_core.errors import MapError
from dmn_core.fix import Fix
from dmn_core.localization import NO_OFFSET, Everywhere, Localizer, Near
from dmn_core.map_editing import continues
from dmn_core.motion_gate import MotionGate
from dmn_core.particle_filter import Belief, Step
from dmn_core.pose_track import relative_pose
from dmn_core.views import ViewMap

__all__ = ["Fix", "Session"]


class Session:
    """A localizer at work on one robot."""

    def __init__(
        self,
        localizer: Localizer,
        *,
        seed: int = 0,
        pose_base_camera: tuple[float, float, float] = NO_OFFSET,
        gate: MotionGate | None = None,
        monitor: MonitorSettings | None = None,
    ) -> None:
        """Start nowhere; call `restart` once the localizer has a map.

        Args:
            localizer: with a map in use before the first `restart`.
            seed: of all random draws; each restart begins the same sequence anew.
            pose_base_camera: planar pose of the camera on the robot, x along the optical axis.
            gate: how far the robot moves from one weighed image to the next; all are if None.
            monitor: when the robot counts as lost.
        """
        self.localizer = localizer
        self.seed = seed
        self.pose_base_camera = pose_base_camera
        self._gate = gate or MotionGate()
        self._monitor_settings = monitor or MonitorSettings()
        self._forced = False
        self._belief: Belief | None = None
        self._started_with = 0
        self._step: Step | None = None
        self._last: Fix | None = None
        self._forget()

    @property
    def started(self) -> bool:
        """Whether there is a belief to update."""
        return self._belief is not None

    @property
    def status(self) -> LocalizerStatus:
        """That of the last weighed image."""
        return LocalizerStatus() if self._last is None else self._last.status

    def restart(self, initial: Everywhere | Near) -> None:
        """Forget everything and believe this."""
        self._forget()
        self._belief = self.localizer.start(initial, self._generator)
        self._started_with = initial.particles

    def adjust(self, gate: MotionGate, monitor: MonitorSettings) -> None:
        """Weigh images by another gate, and judge the belief by other limits, from now on."""
        self._gate = gate
        self._monitor_settings = monitor
        self._monitor.settings = monitor

    def force_update(self) -> None:
        """Weigh the next image, however little the robot has moved."""
        self._forced = True

    def use_map(self, view_map: ViewMap, start: Everywhere | Near) -> bool:
        """Localize in this map from now on; whether the belief was kept.

        It is kept in a map that shares views with the one before, where it keeps its meaning; in
        any other map it begins with `start`.

        Raises:
            MapError: the map was made by other weights; the map before stays in use.
        """
        before = self.localizer.view_map
        if self._belief is not None and before is not None and continues(before, view_map):
            self.localizer.update_map(view_map)
            return True
        self.localizer.use_map(view_map)
        self.restart(start)
        return False

    def update(self, stamp_ns: int, image: np.ndarray, pose_odom_base: np.ndarray) -> Fix:
        """Take in an image (H, W, 3) uint8 RGB and odometry (3,) at its stamp.

        Raises:
            MapError: not started.
        """
        begin = time.perf_counter()
        if self._belief is None:
            raise MapError("a session wants a start before its first image: call restart")
        last = self._last
        motion = np.zeros(3)
        if last is not None:
            motion = relative_pose(last.pose_odom_base, pose_odom_base)
            if not (self._forced or self._gate.opens(motion)):
                return last.carried(stamp_ns, pose_odom_base, latency_s=time.perf_counter() - begin)
        self._forced = False
        result = self.localizer.step(
            self._belief,
            image,
            motion,
            self._generator,
            pose_base_camera=self.pose_base_camera,
            before=None if self._step is None else self._step.evidence,
            started_with=self._started_with,
            may_resample=(self._weighed + 1) % self.localizer.settings.resample_interval == 0,
        )
        self._belief, self._step = result.belief, result
        self._weighed += 1
        self._last = Fix(
            stamp_ns=stamp_ns,
            pose_map_base=result.pose_map_base[0].double().cpu().numpy(),
            covariance=result.covariance[0].double().cpu().numpy(),
            pose_odom_base=np.array(pose_odom_base, dtype=np.float64),
            particles_map_base=result.weighed.poses_map_base[0].double().cpu().numpy(),
            weights=result.weighed.weights[0].double().cpu().numpy(),
            latency_s=time.perf_counter() - begin,
            status=self._monitor(result),
        )
        return self._last

    def _forget(self) -> None:
        self._generator = self.localizer.generator(self.seed)
        self._monitor = BeliefMonitor(self._monitor_settings, self.localizer.confidence)
        self._belief = self._step = self._last = None
        self._weighed = 0
