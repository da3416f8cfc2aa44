"""A simulated differential-drive robot that is told how to move, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmn_core.errors import WorldError
from dmn_core.pose_track import compose, relative_pose, wrap_angle
from dmn_core.worlds.maze import MazeLayout
from dmn_core.worlds.motion_profile import SpeedLimits
from dmn_core.worlds.sampling import sample_free_poses
from dmn_core.worlds.wheel_odometry import OdometryNoise, WheelOdometry

FloatArray = NDArray[np.float64]
_MAX_DRAWS = 1000


@dataclass(frozen=True)
class Velocity:
    """Of a robot: along its heading [m/s], and turning counter-clockwise [rad/s]."""

    forward_mps: float = 0.0
    turn_rps: float = 0.0


STANDSTILL = Velocity()


class LiveRobot:
    """A robot in a maze: it obeys, is stopped by walls, and its odometry drifts.

    The same seed and the same calls give the same poses.
    """

    def __init__(
        self,
        layout: MazeLayout,
        *,
        seed: int,
        limits: SpeedLimits | None = None,
        noise: OdometryNoise | None = None,
    ) -> None:
        """Put the robot at rest in the centre of a cell.

        Args:
            layout: the maze.
            seed: of the place and of the noise of odometry.
            limits: of speed and acceleration.
            noise: how odometry errs.
        """
        self.layout = layout
        self.limits = limits or SpeedLimits()
        self._noise, self._seed = noise or OdometryNoise(), seed
        self.reset()

    def reset(self) -> None:
        """Begin anew, with the same draws."""
        self._rng = np.random.default_rng(self._seed)
        self._odometry = WheelOdometry(self._noise, self._rng)
        centres = self.layout.free_cell_centres()
        quarter = int(self._rng.integers(4))
        place = centres[int(self._rng.integers(len(centres)))]
        self._pose = np.array([*place, wrap_angle(quarter * np.pi / 2)])
        self.velocity = STANDSTILL

    @property
    def pose_map_base(self) -> FloatArray:
        """True pose (3,) [m, m, rad]."""
        return self._pose.copy()

    @property
    def pose_odom_base(self) -> FloatArray:
        """Pose (3,) that odometry gives [m, m, rad], the start being 0."""
        return self._odometry.pose_odom_base

    def advance(self, wanted: Velocity, seconds: float) -> None:
        """Move for a short time, on a circle, as fast as wanted as far as the limits allow.

        A wall stops what leads into it; the robot slides along it. Odometry measures the motion
        that was really made.
        """
        self.velocity = self._reachable(wanted, seconds)
        turn = self.velocity.turn_rps * seconds
        way = self.velocity.forward_mps * seconds
        chord = way * np.sinc(turn / 2 / np.pi)
        motion = np.array([chord * np.cos(turn / 2), chord * np.sin(turn / 2), turn])
        reached = self._stopped_by_walls(compose(self._pose, motion))
        self._odometry.add(relative_pose(self._pose, reached))
        self._pose = np.array([*reached[:2], wrap_angle(reached[2])])

    def teleport(self, pose_map_base: ArrayLike) -> None:
        """Carry the robot elsewhere, at rest; its odometry does not notice.

        Raises:
            WorldError: there is a wall, or the pose is not finite.
        """
        pose = np.asarray(pose_map_base, dtype=np.float64)
        if pose.shape != (3,) or not np.isfinite(pose).all() or not self.layout.is_free(pose[:2]):
            raise WorldError(
                f"a robot wants a place at least {self.layout.config.agent_radius_m:.2f} m from "
                f"walls, inside {self.layout.area_m}, got {pose.tolist()!r}"
            )
        self._pose = np.array([*pose[:2], wrap_angle(pose[2])])
        self.velocity = STANDSTILL

    def teleport_far(self, least_m: float) -> None:
        """Carry the robot to a random place at least so far away.

        Raises:
            WorldError: the maze has no such place.
        """
        for pose in sample_free_poses(self.layout, _MAX_DRAWS, rng=self._rng):
            if np.hypot(*(pose[:2] - self._pose[:2])) >= least_m:
                self.teleport(pose)
                return
        raise WorldError(f"maze {self.layout.seed} has no place {least_m!r} m away: ask for less")

    def _reachable(self, wanted: Velocity, seconds: float) -> Velocity:
        limits = self.limits
        forward = _towards(
            self.velocity.forward_mps,
            float(np.clip(wanted.forward_mps, -limits.speed_mps, limits.speed_mps)),
            limits.acceleration_mps2 * seconds,
        )
        turn = _towards(
            self.velocity.turn_rps,
            float(np.clip(wanted.turn_rps, -limits.turn_rate_rps, limits.turn_rate_rps)),
            limits.turn_acceleration_rps2 * seconds,
        )
        return Velocity(forward, turn)

    def _stopped_by_walls(self, wanted: FloatArray) -> FloatArray:
        if self.layout.is_free(wanted[:2]):
            return wanted
        for kept in ((wanted[0], self._pose[1]), (self._pose[0], wanted[1])):
            if self.layout.is_free(kept):
                return np.array([*kept, wanted[2]])
        self.velocity = Velocity(0.0, self.velocity.turn_rps)
        return np.array([*self._pose[:2], wanted[2]])


def _towards(now: float, wanted: float, most: float) -> float:
    return now + min(max(wanted - now, -most), most)
