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


def fit_spread(
    errors: FloatArray,
    covariances: FloatArray,
    confidences: FloatArray,
    right: NDArray[np.bool_],
) -> SpreadModel:
    """The scale by which the mean NEES of right estimates is 3, and then the rest by likelihood.

    Of one fit to all estimates the variance of wrong ones would explain the errors of right ones
    too, and modes would be told much narrower than they are.

    Args:
        errors: (M, 3) estimate less truth [m, m, rad].
        covariances: (M, 3, 3) of the particles.
        confidences: (M,) that belong to them.
        right: (M,) which estimates are.
    """
    scale = _scale_of(errors[right], covariances[right]) if right.any() else 1.0
    wrong = errors if right.all() else errors[~right]
    plain = np.log([np.square(wrong[:, :2]).mean() + LEAST_VARIANCE, 1.0])

    def model_of(logarithms: FloatArray) -> SpreadModel:
        return SpreadModel(scale, *(float(number) for number in np.exp(logarithms)))

    def misfit(logarithms: FloatArray) -> float:
        told = model_of(logarithms).of_estimate(covariances, confidences)
        off, size = _nees(errors, told), np.linalg.slogdet(told + LEAST_VARIANCE * np.eye(3))[1]
        return float((off + size).mean() + PULL * np.square(logarithms - plain).sum())

    bounds = ((-10.0, 10.0), (-10.0, float(np.log(MOST_YAW_VARIANCE))))
    return model_of(minimize(misfit, plain, bounds=bounds, method="L-BFGS-B").x)


def _scale_of(errors: FloatArray, covariances: FloatArray) -> float:
    """The factor of covariances by which errors have a mean NEES of 3, within reason."""
    return float(np.clip(_nees(errors, covariances).mean() / 3, 1e-2, 1e2))


def _nees(errors: FloatArray, covariances: FloatArray) -> FloatArray:
    inverse = np.linalg.inv(covariances + LEAST_VARIANCE * np.eye(3))
    return np.asarray(np.einsum("mi,mij,mj->m", errors, inverse, errors))
