"""Localizing along a drive: stamped images with odometry in, stamped robot poses out.

The one place that keeps a belief between images. The ROS node and the offline replay both drive
it, so the same seed and the same inputs give the same poses.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from torch import Tensor

from dmn_core.belief_monitor import BeliefMonitor, Jump, LocalizerStatus, MonitorSettings, State
from dmn_core.errors import MapError
from dmn_core.fix import Fix
from dmn_core.jump_watch import JumpWatch
from dmn_core.localization import NO_OFFSET, Everywhere, Localizer, Near
from dmn_core.map_editing import continues
from dmn_core.motion_gate import MotionGate
from dmn_core.particle_filter import Belief, Step, scattered
from dmn_core.pose_track import relative_pose
from dmn_core.views import ViewMap

__all__ = ["Fix", "Session"]

# Weighed images that a lost robot is given before it looks everywhere once more.
LOST_AGAIN = 10


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
            seed: of all random draws; see `restart`.
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
        self._starts = 0
        self._jumps = JumpWatch()
        self._step: Step | None = None
        self._last: Fix | None = None
        self._stood_at: np.ndarray | None = None
        self._images_lost = 0
        self._forget(stated=False)

    @property
    def started(self) -> bool:
        """Whether there is a belief to update."""
        return self._belief is not None

    @property
    def status(self) -> LocalizerStatus:
        """That of the last weighed image."""
        return LocalizerStatus() if self._last is None else self._last.status

    def restart(
        self,
        initial: Everywhere | Near,
        *,
        stood_at: np.ndarray | None = None,
        as_first: bool = False,
        cause: Jump = Jump.RESTART,
    ) -> None:
        """Forget everything and believe this.

        Each start draws other numbers, so that one that finds nothing is worth repeating.

        Args:
            initial: where the robot may be.
            stood_at: odometry (3,) where the robot stood then; as at the next image if None.
            as_first: draw the numbers of the first start again, as for a bag from its beginning.
            cause: of the jump that the pose may make.
        """
        self._starts = 0 if as_first else self._starts
        self._forget(stated=isinstance(initial, Near))
        self._belief = self.localizer.start(initial, self._generator)
        self._starts += 1
        self._started_with = initial.particles
        self._stood_at = stood_at
        self._jumps.interrupt(cause)

    def lose_odometry(self) -> None:
        """Odometry begins anew: at the next image the robot stands where it stood at the last."""
        self._last = self._stood_at = None
        self._jumps.forget()

    def adjust(self, gate: MotionGate, monitor: MonitorSettings) -> None:
        """Weigh images by another gate, and judge the belief by other limits, from now on."""
        self._gate = gate
        self._monitor_settings = monitor
        self._monitor.settings = monitor

    def force_update(self) -> None:
        """Weigh the next image, however little the robot has moved."""
        self._forced = True

    def use_map(
        self, view_map: ViewMap, start: Everywhere | Near, *, stood_at: np.ndarray | None = None
    ) -> bool:
        """Localize in this map from now on; whether the belief was kept.

        It is kept in a map that shares views with the one before, where it keeps its meaning; in
        any other map it begins with `start`, as `restart` does.

        Raises:
            MapError: the map was made by other weights; the map before stays in use.
        """
        before = self.localizer.view_map
        if self._belief is not None and before is not None and continues(before, view_map):
            self.localizer.update_map(view_map)
            return True
        self.localizer.use_map(view_map)
        self.restart(start, stood_at=stood_at, cause=Jump.MAP_CHANGE)
        return False

    def update(self, stamp_ns: int, image: np.ndarray, pose_odom_base: np.ndarray) -> Fix:
        """Take in an image (H, W, 3) uint8 RGB and odometry (3,) at its stamp.

        Raises:
            MapError: not started.
        """
        begin = time.perf_counter()
        if self._belief is None:
            raise MapError("a session wants a start before its first image: call restart")
        last, motion = self._last, self._motion(pose_odom_base)
        if last is not None and not self._wants(motion):
            noise, elapsed_s = self.localizer.settings.noise, time.perf_counter() - begin
            return last.carried(stamp_ns, pose_odom_base, noise=noise, latency_s=elapsed_s)
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
        status, pose_map_base = self._monitor(result), _array(result.pose_map_base)
        self._look_everywhere(status.state)
        jump_m = self._jumps(status.state, pose_map_base, pose_odom_base)
        self._last = Fix(
            stamp_ns=stamp_ns,
            pose_map_base=pose_map_base,
            covariance=self._covariance(result, status),
            pose_odom_base=np.array(pose_odom_base, dtype=np.float64),
            particles_map_base=_array(result.weighed.poses_map_base),
            weights=_array(result.weighed.weights),
            latency_s=time.perf_counter() - begin,
            status=replace(status, last_jump=self._jumps.last),
            jump_m=jump_m,
        )
        return self._last

    def _look_everywhere(self, state: State) -> None:
        """Scatter a share of the belief over the area where the robot is lost, now and then."""
        self._images_lost = self._images_lost + 1 if state == State.LOST else 0
        share, view_map = self.localizer.settings.recovery.share_when_lost, self.localizer.view_map
        due = self._images_lost % LOST_AGAIN == 1 and share > 0
        if due and self._belief is not None and view_map is not None and view_map.area_m:
            random = self._generator
            began = self._started_with
            count = self.localizer.settings.size.limited(began, started_with=began)
            anywhere = self.localizer.start(Everywhere(count), random)
            self._belief = scattered(self._belief, anywhere, share, generator=random)

    def _covariance(self, result: Step, status: LocalizerStatus) -> np.ndarray:
        calibration = self.localizer.calibration.at(status.success_distance_m)
        return calibration.spread.of_estimate(_array(result.covariance), status.confidence)

    def _motion(self, pose_odom_base: np.ndarray) -> np.ndarray:
        """Since the last weighed image, or since the start where that was stated."""
        before = self._stood_at if self._last is None else self._last.pose_odom_base
        return np.zeros(3) if before is None else relative_pose(before, pose_odom_base)

    def _wants(self, motion: np.ndarray) -> bool:
        """Whether another image is to be weighed after a motion."""
        is_found = self.status.state == State.TRACKING
        is_first = self._weighed < self._gate.first_images and not is_found
        return self._forced or is_first or self._gate.opens(motion)

    def _forget(self, *, stated: bool) -> None:
        self._generator = self.localizer.generator(_seed(self.seed, self._starts))
        self._monitor = BeliefMonitor(
            self._monitor_settings, self.localizer.calibration, stated=stated
        )
        self._belief = self._step = self._last = self._stood_at = None
        self._weighed = self._images_lost = 0


def _seed(seed: int, starts: int) -> int:
    """Of the generator after so many starts before."""
    if not starts:
        return seed
    (word,) = np.random.SeedSequence((seed, starts)).generate_state(1, np.uint32)
    return int(word)


def _array(batch_of_one: Tensor) -> np.ndarray:
    return batch_of_one[0].double().cpu().numpy()
