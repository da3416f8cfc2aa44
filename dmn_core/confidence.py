"""How probable it is that an estimate is right, from three figures of the belief."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

# Masses below this count as this.
LEAST_MASS = 1e-3
# A belief explains images hardly better than knowing nothing does [nats]: it is of no use.
LEAST_GAIN = 0.3
# A slight pull of the coefficients to the plain ones, so that figures that tell all have a fit.
PULL = 1e-4


@dataclass(frozen=True)
class ConfidenceModel:
    """The probability that the estimate lies within the success distance.

    It is the belief's own mass within the distance, to a power, times the probability that the
    belief is worth anything: logistic in how much better than anywhere else it explained the last
    images, and in how much less so than the images before them. Where that is hardly better than
    knowing nothing (`LEAST_GAIN`) it falls to 0 in proportion: whoever was carried away and never
    found must not be believed again because that was long ago. The defaults are a guess.

    Attributes:
        offset: log-odds of a belief of which nothing else is known.
        gain: growth of these log-odds with the short running mean of the gain, see
            `particle_filter.recovery`.
        drop: fall of these log-odds with what the short mean lacks to the long one.
        mass: the power.
    """

    offset: float = -1.0
    gain: float = 2.0
    drop: float = 1.0
    mass: float = 1.0

    def __call__(
        self, *, mass_near: ArrayLike, recent_gain: ArrayLike | None, gain_drop: ArrayLike
    ) -> NDArray[np.float64]:
        """The confidence, from the belief's mass near its estimate and means of the gain.

        `recent_gain` is None where nothing is known of it, as in a map without an area.
        """
        known = recent_gain is not None
        recent = np.asarray(recent_gain if known else 0.0, np.float64)
        drop = np.asarray(gain_drop, np.float64)
        odds = np.clip(self.offset + self.gain * recent - self.drop * drop, -50, 50)
        found = np.clip(recent / LEAST_GAIN, 0.0, 1.0) if known else 1.0
        mass = np.clip(np.asarray(mass_near, np.float64), LEAST_MASS, 1.0)
        return np.asarray(found * mass**self.mass / (1 + np.exp(-odds)))


def fit_confidence(
    mass_near: ArrayLike, recent_gain: ArrayLike, gain_drop: ArrayLike, right: ArrayLike
) -> ConfidenceModel:
    """The model of greatest likelihood, from figures (M,) and whether estimates were right (M,)."""
    wanted, plain_model = np.asarray(right, bool), ConfidenceModel()
    plain = np.array([plain_model.offset, plain_model.gain, plain_model.drop, plain_model.mass])
    figures = {"mass_near": mass_near, "recent_gain": recent_gain, "gain_drop": gain_drop}

    def misfit(numbers: NDArray[np.float64]) -> float:
        chance = ConfidenceModel(*numbers)(**figures)
        told = np.clip(np.where(wanted, chance, 1 - chance), 1e-9, 1.0)
        return float(-np.log(told).mean() + PULL * np.square(numbers - plain).sum())

    bounds = ((-20, 20), (0, 50), (0, 50), (0, 20))
    best = minimize(misfit, plain, bounds=bounds, method="L-BFGS-B")
    return ConfidenceModel(*(float(number) for number in best.x))
