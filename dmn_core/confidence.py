"""How probable it is that an estimate is right: logistic regression on two figures of the belief.

A record of coefficients lies beside the weights that it was fitted for; see `dmn calibrate`.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmn_core.errors import CheckpointError

# Masses closer to 0 and 1 than this tell no more.
LEAST_MASS = 0.001
# A slight pull of the coefficients to 0, so that separable figures have a fit.
PULL = 1e-3


@dataclass(frozen=True)
class ConfidenceModel:
    """Coefficients of the log-odds that the estimate lies within the success distance.

    Attributes:
        offset: of the log-odds.
        mass: weight of the log-odds of the belief's mass within the distance.
        gain: weight of the short running mean of the gain, see `particle_filter.recovery`.
        weights_fingerprint: of the weights that these were fitted for; empty where the numbers are
            the plain ones of Bayes' rule, not fitted.
    """

    offset: float = 0.0
    mass: float = 1.0
    gain: float = 1.0
    weights_fingerprint: str = ""

    def __call__(self, *, mass_near: float, recent_gain: float) -> float:
        """The confidence, from the belief's mass near its estimate and the recent gain."""
        row = confidence_features(mass_near, recent_gain)
        odds = float(row @ np.array([self.offset, self.mass, self.gain]))
        return 1 / (1 + math.exp(-float(np.clip(odds, -50, 50))))


UNCALIBRATED = ConfidenceModel()


def confidence_features(mass_near: ArrayLike, recent_gain: ArrayLike) -> NDArray[np.float64]:
    """What the log-odds are linear in: (..., 3) = 1, log-odds of the mass, gain."""
    mass = np.clip(np.asarray(mass_near, np.float64), LEAST_MASS, 1 - LEAST_MASS)
    gain = np.asarray(recent_gain, np.float64)
    return np.stack((np.ones_like(mass), np.log(mass / (1 - mass)), gain), axis=-1)


def fit_confidence(
    mass_near: ArrayLike, recent_gain: ArrayLike, right: ArrayLike, *, weights_fingerprint: str
) -> ConfidenceModel:
    """The model of greatest likelihood, from figures (M,) and whether estimates were right (M,)."""
    rows = confidence_features(mass_near, recent_gain)
    wanted = np.asarray(right, np.float64)
    coefficients = np.zeros(rows.shape[-1])
    pull = PULL * len(rows) * np.eye(len(coefficients))
    for _ in range(50):  # Newton's method; the problem is convex
        chance = 1 / (1 + np.exp(-np.clip(rows @ coefficients, -50, 50)))
        slope = rows.T @ (wanted - chance) - pull @ coefficients
        curvature = (rows * (chance * (1 - chance))[:, None]).T @ rows + pull
        coefficients = coefficients + np.linalg.solve(curvature, slope)
    offset, mass, gain = (float(c) for c in coefficients)
    return ConfidenceModel(offset, mass, gain, weights_fingerprint)


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
