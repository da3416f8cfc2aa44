"""How far estimates lie from the truth, from the spread of the belief and the confidence in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

FloatArray = NDArray[np.float64]
# A slight pull of the logarithms to the plain ones, and what keeps a covariance invertible.
PULL = 1e-3
LEAST_VARIANCE = 1e-6
# Of a heading that nothing is known of.
MOST_YAW_VARIANCE = np.pi**2 / 3


@dataclass(frozen=True)
class SpreadModel:
    """The covariance of the error of an estimate.

    The law of total variance: where the estimate is right the error is that of the mode, whose
    particles lie closer together, or wider, than the network's likelihoods warrant; where it is
    wrong, the robot is far away. The defaults take the particles at their word.

    Attributes:
        scale: factor of the mode's covariance.
        far_xy_m2: variance in x, and in y, of estimates that are wrong [m^2].
        far_yaw_rad2: the same in yaw [rad^2].
    """

    scale: float = 1.0
    far_xy_m2: float = 0.0
    far_yaw_rad2: float = 0.0

    def of_mode(self, covariance: FloatArray) -> FloatArray:
        """Covariance (..., 3, 3) of the error within a mode, from that of its particles.

        Symmetric to the bit, whatever the rounding of the one that is given.
        """
        given = np.asarray(covariance, np.float64)
        return self.scale * ((given + given.swapaxes(-1, -2)) / 2)

    def of_estimate(self, covariance: FloatArray, confidence: float | FloatArray) -> FloatArray:
        """Covariance (..., 3, 3) of the error, from that of the particles of the best mode.

        Symmetric to the bit, and positive semi-definite where the one that is given is.

        Args:
            covariance: (..., 3, 3) [m^2, m rad, rad^2].
            confidence: (...) probability that the estimate is right.
        """
        doubt = 1 - np.asarray(confidence, np.float64)
        far = np.diag([self.far_xy_m2, self.far_xy_m2, self.far_yaw_rad2])
        return self.of_mode(covariance) + doubt[..., None, None] * far


def fit_spread(errors: FloatArray, covariances: FloatArray, confidences: FloatArray) -> SpreadModel:
    """The model of greatest Gaussian likelihood, by which the mean NEES is about 3.

    Args:
        errors: (M, 3) estimate less truth [m, m, rad].
        covariances: (M, 3, 3) of the particles.
        confidences: (M,) that belong to them.
    """
    plain = np.log([1.0, np.square(errors[:, :2]).mean() + LEAST_VARIANCE, 1.0])
    upper = (10.0, 10.0, float(np.log(MOST_YAW_VARIANCE)))

    def misfit(logarithms: FloatArray) -> float:
        model = SpreadModel(*np.exp(logarithms))
        told = model.of_estimate(covariances, confidences) + LEAST_VARIANCE * np.eye(3)
        off = np.einsum("mi,mij,mj->m", errors, np.linalg.inv(told), errors)
        size = np.linalg.slogdet(told)[1]
        return float((off + size).mean() + PULL * np.square(logarithms - plain).sum())

    bounds = tuple((-10.0, most) for most in upper)
    best = minimize(misfit, plain, bounds=bounds, method="L-BFGS-B")
    return SpreadModel(*(float(number) for number in np.exp(best.x)))
