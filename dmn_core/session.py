"""Localizing along a drive: stamped images with odometry in, stamped robot poses out.

The one place that keeps a belief between images. The ROS node and the offline replay both drive
it, so the same seed and the same inputs give the same poses.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from dmn_core.errors import MapError
from dmn_core.localization import NO_OFFSET, Everywhere, Localizer, Near
from dmn_core.particle_filter import Belief
from dmn_core.pose_track import compose, inverse, relative_pose


@dataclass(frozen=True)
class Fix:
    """The robot's pose after one image.

    Attributes:
        stamp_ns: of the image.
        pose_map_base: (3,) estimate [m, m, rad].
        covariance: (3, 3) of the estimate [m^2, m rad, rad^2].
        pose_odom_base: (3,) odometry at the image.
        particles_map_base: (K, 3) weighted poses of the robot, before resampling.
        weights: (K,), summing to one.
        latency_s: time that the step took.
    """

    stamp_ns: int
    pose_map_base: np.ndarray
    covariance: np.ndarray
    pose_odom_base: np.ndarray
    particles_map_base: np.ndarray
    weights: np.ndarray
    latency_s: float

    @property
    def pose_map_odom(self) -> np.ndarray:
        """The odometry frame in the map (3,): the transform that a localizer publishes."""
        return compose(self.pose_map_base, inverse(self.pose_odom_base))


class Session:
    """A localizer at work on one robot."""

    def __init__(
        self,
        localizer: Localizer,
        *,
        seed: int = 0,
        pose_base_camera: tuple[float, float, float] = NO_OFFSET,
    ) -> None:
        """Start nowhere; call `restart` once the localizer has a map.

        Args:
            localizer: with a map in use before the first `restart`.
            seed: of all random draws; each restart begins the same sequence anew.
            pose_base_camera: planar pose of the camera on the robot, x along the optical axis.
        """
        self.localizer = localizer
        self.seed = seed
        self.pose_base_camera = pose_base_camera
        self._generator = localizer.generator(seed)
        self._belief: Belief | None = None
        self._pose_odom_base: np.ndarray | None = None

    @property
    def started(self) -> bool:
        """Whether there is a belief to update."""
        return self._belief is not None

    def restart(self, initial: Everywhere | Near) -> None:
        """Forget everything and believe this."""
        self._generator = self.localizer.generator(self.seed)
        self._belief = self.localizer.start(initial, self._generator)
        self._pose_odom_base = None

    def update(self, stamp_ns: int, image: np.ndarray, pose_odom_base: np.ndarray) -> Fix:
        """Take in an image (H, W, 3) uint8 RGB and odometry (3,) at its stamp.

        Raises:
            MapError: not started.
        """
        begin = time.perf_counter()
        if self._belief is None:
            raise MapError("a session wants a start before its first image: call restart")
        before = self._pose_odom_base
        motion = np.zeros(3) if before is None else relative_pose(before, pose_odom_base)
        result = self.localizer.step(
            self._belief, image, motion, self._generator, pose_base_camera=self.pose_base_camera
        )
        self._belief = result.belief
        self._pose_odom_base = np.array(pose_odom_base, dtype=np.float64)
        return Fix(
            stamp_ns=stamp_ns,
            pose_map_base=result.pose_map_base[0].double().cpu().numpy(),
            covariance=result.covariance[0].double().cpu().numpy(),
            pose_odom_base=self._pose_odom_base,
            particles_map_base=result.weighed.poses_map_base[0].double().cpu().numpy(),
            weights=result.weighed.weights[0].double().cpu().numpy(),
            latency_s=time.perf_counter() - begin,
        )
