"""Wheel odometry with drift, from the true poses of a drive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError
from dmn_core.pose_track import compose, relative_pose
from dmn_core.worlds.trajectory import Trajectory


@dataclass(frozen=True)
class OdometryNoise:
    """How wheel odometry errs: white noise that grows with the way made, and fixed scale errors.

    The alphas have the roles they have in nav2, as variances a radian or a metre, so that the drift
    after a drive does not depend on the rate of the odometry. The scales are standard deviations of
    errors drawn once a drive: wheel radius and wheel base.

    Attributes:
        alpha1: turning noise from turning [rad^2 / rad].
        alpha2: turning noise from driving [rad^2 / m].
        alpha3: driving noise from driving [m^2 / m].
        alpha4: driving noise from turning [m^2 / rad].
        distance_scale: relative error of distances.
        turn_scale: relative error of turns.
    """

    alpha1: float = 2e-4
    alpha2: float = 5e-5
    alpha3: float = 5e-4
    alpha4: float = 1e-4
    distance_scale: float = 0.01
    turn_scale: float = 0.005

    def __post_init__(self) -> None:
        if min(vars(self).values()) < 0:
            raise WorldError(f"odometry noise must not be negative, got {self!r}")


NO_NOISE = OdometryNoise(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def wheel_odometry(
    trajectory: Trajectory, *, rng: np.random.Generator, noise: OdometryNoise | None = None
) -> NDArray[np.float64]:
    """Return poses (T, 3) of the base in frame odom, which is the first true base frame.

    Yaw is not wrapped. Without noise the result is the true motion.
    """
    noise = noise or OdometryNoise()
    true = trajectory.poses_map_base
    motion = relative_pose(true[:-1], true[1:])
    drive_std, turn_std = _deviations(motion, noise)
    scale, turn_scale = _scales(noise, rng)
    draws = rng.standard_normal((2, len(motion)))
    forward, sideways, turn = motion.T
    measured = forward * scale + drive_std * draws[0]
    measured_turn = turn * turn_scale + turn_std * draws[1]
    return _integrate(measured, sideways * scale, measured_turn)


class WheelOdometry:
    """The same for a robot that drives now, one short motion after the other."""

    def __init__(self, noise: OdometryNoise, rng: np.random.Generator) -> None:
        """Begin at pose 0, with the errors of scale of one drive."""
        self._noise, self._rng = noise, rng
        self._scale, self._turn_scale = _scales(noise, rng)
        self._pose = np.zeros(3)

    @property
    def pose_odom_base(self) -> NDArray[np.float64]:
        """Pose (3,) in frame odom [m, m, rad]."""
        return self._pose.copy()

    def add(self, motion: NDArray[np.float64]) -> None:
        """Take in a true motion (3,), the new pose seen from the old one [m, m, rad]."""
        drive_std, turn_std = _deviations(motion, self._noise)
        draws = self._rng.standard_normal(2)
        forward = motion[0] * self._scale + drive_std * draws[0]
        turn = motion[2] * self._turn_scale + turn_std * draws[1]
        self._pose = compose(self._pose, np.array([forward, motion[1] * self._scale, turn]))


def _scales(noise: OdometryNoise, rng: np.random.Generator) -> tuple[float, float]:
    """Factors of distances and of turns on one drive."""
    distance = 1 + noise.distance_scale * rng.standard_normal()
    return distance, 1 + noise.turn_scale * rng.standard_normal()


def _deviations(
    motion: NDArray[np.float64], noise: OdometryNoise
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standard deviations (...) of driving [m] and turning [rad] of motions (..., 3)."""
    driven, turned = np.hypot(motion[..., 0], motion[..., 1]), np.abs(motion[..., 2])
    return (
        np.sqrt(noise.alpha3 * driven + noise.alpha4 * turned),
        np.sqrt(noise.alpha1 * turned + noise.alpha2 * driven),
    )


def _integrate(
    forward: NDArray[np.float64], sideways: NDArray[np.float64], turn: NDArray[np.float64]
) -> NDArray[np.float64]:
    yaw = np.concatenate([[0.0], np.cumsum(turn)])
    cos, sin = np.cos(yaw[:-1]), np.sin(yaw[:-1])
    x = np.concatenate([[0.0], np.cumsum(cos * forward - sin * sideways)])
    y = np.concatenate([[0.0], np.cumsum(sin * forward + cos * sideways)])
    return np.column_stack([x, y, yaw])
