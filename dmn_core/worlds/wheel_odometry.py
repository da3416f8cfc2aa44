"""Wheel odometry with drift, from the true poses of a drive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dmn_core.errors import WorldError
from dmn_core.pose_track import relative_pose
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
    forward, sideways, turn = relative_pose(true[:-1], true[1:]).T
    driven, turned = np.hypot(forward, sideways), np.abs(turn)
    drive_std = np.sqrt(noise.alpha3 * driven + noise.alpha4 * turned)
    turn_std = np.sqrt(noise.alpha1 * turned + noise.alpha2 * driven)
    scale = 1 + noise.distance_scale * rng.standard_normal()
    turn_scale = 1 + noise.turn_scale * rng.standard_normal()
    draws = rng.standard_normal((2, len(turn)))
    measured = forward * scale + drive_std * draws[0]
    measured_turn = turn * turn_scale + turn_std * draws[1]
    return _integrate(measured, sideways * scale, measured_turn)


def _integrate(
    forward: NDArray[np.float64], sideways: NDArray[np.float64], turn: NDArray[np.float64]
) -> NDArray[np.float64]:
    yaw = np.concatenate([[0.0], np.cumsum(turn)])
    cos, sin = np.cos(yaw[:-1]), np.sin(yaw[:-1])
    x = np.concatenate([[0.0], np.cumsum(cos * forward - sin * sideways)])
    y = np.concatenate([[0.0], np.cumsum(sin * forward + cos * sideways)])
    return np.column_stack([x, y, yaw])
