"""A drive on which the robot is carried elsewhere, without its odometry noticing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dmn_core.pose_track import compose
from dmn_core.worlds.maze import MazeLayout
from dmn_core.worlds.trajectory import DriveConfig, Trajectory, drive_between_random_cells
from dmn_core.worlds.wheel_odometry import OdometryNoise, wheel_odometry

# The robot is carried at least this far, beyond the paper's limit of success.
LEAST_JUMP_M = 10.0
MOST_TRIES = 100


@dataclass(frozen=True)
class KidnappedDrive:
    """Two drives in a row, of T samples together.

    Attributes:
        trajectory: true poses over time.
        poses_odom_base: (T, 3) odometry, which goes on as if nothing had happened [m, m, rad].
        kidnap_at: number of the first sample after the kidnap.
    """

    trajectory: Trajectory
    poses_odom_base: NDArray[np.float64]
    kidnap_at: int

    @property
    def kidnap_s(self) -> float:
        """When that is, on the clock of the trajectory."""
        return float(self.trajectory.times_s[self.kidnap_at])


def drive_and_be_kidnapped(
    layout: MazeLayout,
    seconds: float,
    *,
    rng: np.random.Generator,
    config: DriveConfig,
    noise: OdometryNoise | None = None,
) -> KidnappedDrive:
    """Drive for so long in a maze, be carried at least `LEAST_JUMP_M`, and drive on for as long."""
    first = drive_between_random_cells(layout, seconds, rng=rng, config=config)
    for _ in range(MOST_TRIES):
        second = drive_between_random_cells(layout, seconds, rng=rng, config=config)
        jump = second.poses_map_base[0] - first.poses_map_base[-1]
        if np.hypot(jump[0], jump[1]) >= LEAST_JUMP_M:
            break
    before, after = (wheel_odometry(part, rng=rng, noise=noise) for part in (first, second))
    later_s = first.times_s[-1] + 1 / config.rate_hz
    both = replace(
        first,
        times_s=np.concatenate((first.times_s, second.times_s + later_s)),
        poses_map_base=np.concatenate((first.poses_map_base, second.poses_map_base)),
    )
    odometry = np.concatenate((before, compose(before[-1], after)))
    return KidnappedDrive(both, odometry, len(first))
