"""How probable it is that an estimate is right, from two figures of the belief.

A record of coefficients lies beside the weights that it was fitted for; see `dmn calibrate`.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from dmn_core.errors import CheckpointError

# Masses below this count as this.
LEAST_MASS = 1e-3
# A slight pull of the coefficients to the plain ones, so that figures that tell all have a fit.
PULL = 1e-4
# The paper's limit of success.
DEFAULT_SUCCESS_M = math.sqrt(80.0)


@dataclass(frozen=True)
class ConfidenceModel:
    """The probability that the estimate lies within the success distance.

    It is the belief's own mass within the distance, to a power, times the probability that the
    belief is worth anything: logistic in how much better than anywhere else it explained the last
    images. The defaults are a guess, not fitted.

    Attributes:
        offset: log-odds of a belief that explains images no better than any place would.
        gain: growth of these log-odds with the short running mean of the gain, see
            `particle_filter.recovery`.
        mass: the power.
        weights_fingerprint: of the weights that these were fitted for; empty where nothing was.
        success_distance_m: the distance that these were fitted for.
    """

    offset: float = -1.0
    gain: float = 2.0
    mass: float = 1.0
    weights_fingerprint: str = ""
    success_distance_m: float = DEFAULT_SUCCESS_M

    def __call__(self, *, mass_near: ArrayLike, recent_gain: ArrayLike) -> NDArray[np.float64]:
        """The confidence, from the belief's mass near its estimate and the recent gain."""
        odds = np.clip(self.offset + self.gain * np.asarray(recent_gain, np.float64), -50, 50)
        mass = np.clip(np.asarray(mass_near, np.float64), LEAST_MASS, 1.0)
        return np.asarray(mass**self.mass / (1 + np.exp(-odds)))

    def fits(self, success_distance_m: float) -> bool:
        """Whether it can be asked about another distance; a guess is as good for any."""
        same = math.isclose(self.success_distance_m, success_distance_m, rel_tol=1e-6)
        return same or not self.weights_fingerprint

    def at(self, success_distance_m: float) -> ConfidenceModel:
        """This model where it was fitted for a distance, else the one that is not fitted."""
        return self if self.fits(success_distance_m) else UNCALIBRATED


UNCALIBRATED = ConfidenceModel()


def fit_confidence(
    mass_near: ArrayLike,
    recent_gain: ArrayLike,
    right: ArrayLike,
    *,
    weights_fingerprint: str,
    success_distance_m: float = DEFAULT_SUCCESS_M,
) -> ConfidenceModel:
    """The model of greatest likelihood, from figures (M,) and whether estimates were right (M,)."""
    wanted = np.asarray(right, bool)
    plain = np.array([UNCALIBRATED.offset, UNCALIBRATED.gain, UNCALIBRATED.mass])

    def misfit(numbers: NDArray[np.float64]) -> float:
        chance = ConfidenceModel(*numbers)(mass_near=mass_near, recent_gain=recent_gain)
        told = np.clip(np.where(wanted, chance, 1 - chance), 1e-9, 1.0)
        return float(-np.log(told).mean() + PULL * np.square(numbers - plain).sum())

    best = minimize(misfit, plain, bounds=((-20, 20), (0, 50), (0, 20)), method="L-BFGS-B")
    offset, gain, mass = (float(number) for number in best.x)
    return ConfidenceModel(offset, gain, mass, weights_fingerprint, success_distance_m)


def confidence_path(weights: Path) -> Path:
    """Where the record of a weights file lies."""
    return weights.with_suffix(".confidence.json")


def save_confidence(path: Path, model: ConfidenceModel) -> None:
    """Write a record."""
    path.write_text(json.dumps(asdict(model), indent=2) + "\n")


def load_confidence(weights: Path, *, weights_fingerprint: str) -> ConfidenceModel:
    """The record beside a weights file; uncalibrated where there is none for these weights.

    Raises:
        CheckpointError: there is one that cannot be read.
    """
    path = confidence_path(weights)
    if not path.is_file():
        return UNCALIBRATED
    try:
        model = ConfidenceModel(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(
            f"wanted a record of confidence in {str(path)!r}, got {error}: delete the file, or "
            "make it again with `dmn calibrate`"
        ) from error
    return model if model.weights_fingerprint == weights_fingerprint else UNCALIBRATED
