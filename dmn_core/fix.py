"""What a session tells after one image."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from dmn_core.belief_monitor import LocalizerStatus
from dmn_core.particle_filter import Mode, OdometryNoise, motion_covariance
from dmn_core.pose_track import compose, inverse, relative_pose


@dataclass(frozen=True)
class Fix:
    """The robot's pose after one image.

    Attributes:
        stamp_ns: of the image.
        pose_map_base: (3,) estimate [m, m, rad].
        covariance: (3, 3) of its error [m^2, m rad, rad^2], the chance that it is wrong included:
            wider than that of the best mode, which the status tells.
        pose_odom_base: (3,) odometry at the image.
        particles_map_base: (K, 3) weighted poses of the robot, before resampling.
        weights: (K,), summing to one.
        latency_s: time that the step took.
        status: how the localizer does, with all modes of the belief.
        weighed: whether the image was looked at; otherwise odometry alone was taken in, because
            the robot had hardly moved.
        jump_m: how far the pose moved otherwise than odometry did, for `status.last_jump`; None
            where it did not.
    """

    stamp_ns: int
    pose_map_base: np.ndarray
    covariance: np.ndarray
    pose_odom_base: np.ndarray
    particles_map_base: np.ndarray
    weights: np.ndarray
    latency_s: float
    status: LocalizerStatus = field(default_factory=LocalizerStatus)
    weighed: bool = True
    jump_m: float | None = None

    @property
    def pose_map_odom(self) -> np.ndarray:
        """The odometry frame in the map (3,): the transform that a localizer publishes."""
        return compose(self.pose_map_base, inverse(self.pose_odom_base))

    def carried(
        self, stamp_ns: int, pose_odom_base: np.ndarray, *, noise: OdometryNoise, latency_s: float
    ) -> Fix:
        """This fix where odometry has taken the robot since; `pose_map_odom` stays.

        Covariances grow by the noise of that motion. Particles are moved without it: they part when
        the next image is weighed.
        """
        motion = relative_pose(self.pose_odom_base, pose_odom_base)
        spread = motion_covariance(motion, noise)
        modes = tuple(_carried_mode(mode, motion, spread) for mode in self.status.modes)
        return replace(
            self,
            stamp_ns=stamp_ns,
            pose_map_base=compose(self.pose_map_base, motion),
            covariance=_carried_covariance(self.covariance, self.pose_map_base, motion, spread),
            pose_odom_base=np.array(pose_odom_base, dtype=np.float64),
            particles_map_base=compose(self.particles_map_base, motion),
            latency_s=latency_s,
            status=replace(self.status, modes=modes),
            weighed=False,
            jump_m=None,
        )


def _carried_mode(mode: Mode, motion: np.ndarray, spread: np.ndarray) -> Mode:
    covariance = _carried_covariance(mode.covariance, mode.pose_map_base, motion, spread)
    return Mode(compose(mode.pose_map_base, motion), covariance, mode.mass)


def _carried_covariance(
    covariance: np.ndarray, pose: np.ndarray, motion: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """Covariance of pose composed with motion, which has a spread of its own, to first order."""
    cos, sin = np.cos(pose[2]), np.sin(pose[2])
    moved = np.eye(3)
    moved[0, 2] = -sin * motion[0] - cos * motion[1]
    moved[1, 2] = cos * motion[0] - sin * motion[1]
    turned = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    carried = moved @ covariance @ moved.T + turned @ spread @ turned.T
    # Products of matrices round the two halves apart.
    return (carried + carried.T) / 2
