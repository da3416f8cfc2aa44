"""How much wider a motion makes a belief: the noise of `motion.move`, to first order."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dmn_core.particle_filter.motion import MIN_TRANSLATION_M, OdometryNoise

FloatArray = NDArray[np.float64]


def motion_covariance(motion: FloatArray, noise: OdometryNoise) -> FloatArray:
    """Covariance (3, 3) of a motion (3,) [m, m, rad], seen from the pose that it begins at.

    `min_std_xy_m` and `min_std_yaw_rad` are left out: they are of steps, not of motions.
    """
    if noise.model == "differential":
        return _differential(motion, noise)
    if noise.model == "omni":
        return _omni(motion, noise)
    return np.zeros((3, 3))


def _differential(motion: FloatArray, noise: OdometryNoise) -> FloatArray:
    travel = math.hypot(motion[0], motion[1])
    turn1 = 0.0 if travel < MIN_TRANSLATION_M else math.atan2(motion[1], motion[0])
    size1, size2 = _turn_size(turn1), _turn_size(float(motion[2]) - turn1)
    variances = (
        noise.alpha1 * size1**2 + noise.alpha2 * travel**2,
        noise.alpha3 * travel**2 + noise.alpha4 * (size1**2 + size2**2),
        noise.alpha1 * size2**2 + noise.alpha2 * travel**2,
    )
    cos, sin = math.cos(turn1), math.sin(turn1)
    # Columns: of the first turn, the travel and the second turn.
    slopes = np.array([[-travel * sin, cos, 0.0], [travel * cos, sin, 0.0], [1.0, 0.0, 1.0]])
    return np.asarray(slopes * variances @ slopes.T)


def _omni(motion: FloatArray, noise: OdometryNoise) -> FloatArray:
    travel, turn = math.hypot(motion[0], motion[1]), float(motion[2])
    bearing = math.atan2(motion[1], motion[0])
    variances = (
        noise.alpha3 * travel**2 + noise.alpha4 * turn**2,
        noise.alpha4 * turn**2 + noise.alpha5 * travel**2,
        noise.alpha1 * turn**2 + noise.alpha2 * travel**2,
    )
    cos, sin = math.cos(bearing), math.sin(bearing)
    # Columns: along, across and around.
    slopes = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(slopes * variances @ slopes.T)


def _turn_size(turn_rad: float) -> float:
    """Of the shorter turn; driving backwards is no half turn."""
    size = abs(math.remainder(turn_rad, 2 * math.pi))
    return min(size, math.pi - size)
