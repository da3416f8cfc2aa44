"""Which objective a run has, and the particles that it asks about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from dmn_core.errors import ConfigurationError

ObjectiveName = Literal["tracking", "likelihood", "sequence", "regression", "classification"]
TRAIN_ATTENTION: tuple[ObjectiveName, ...] = ("likelihood", "sequence")
"""Objectives to which the attention term may be added."""


@dataclass(frozen=True)
class ObjectiveConfig:
    """What is trained for.

    Attributes:
        name: `tracking` is the paper's (pose error of the weighted mean after one image);
            `likelihood` asks that likelihoods be high near the truth and low elsewhere;
            `sequence` asks the same of the product of likelihoods along the queries of an
            episode; `regression` is the pose error of a regressed pose; `classification` asks
            which context is nearest (Table V).
        particles: K of the network's log-likelihood (paper: 32).
        near_particles: of these, drawn close to the truth (`likelihood`, `sequence`).
        uniform_fraction: of the rest, drawn over the whole area (`likelihood`, `sequence`).
        uniform_fraction_start: the same at the start of a run, reached linearly over its first
            half: beliefs grow from narrow to global. Negative for no such curriculum.
        attention_weight: weight of the same cross-entropy on the attention scores alone, which
            cost no convolution per particle (`likelihood`, `sequence`).
        attention_particles: particles of that term for each query; queries that share a map share
            them all.
        compared_queries: of the queries of an episode, how many are compared by the whole network;
            all take part in the attention term, which costs little. 0 for all.
    """

    name: ObjectiveName = "likelihood"
    particles: int = 16
    near_particles: int = 1
    uniform_fraction: float = 0.3
    uniform_fraction_start: float = -1.0
    attention_weight: float = 0.0
    attention_particles: int = 32
    compared_queries: int = 0

    def __post_init__(self) -> None:
        """Refuse particles that cannot be drawn."""
        if not 0 < self.near_particles < self.particles or self.attention_particles < 5:
            raise ConfigurationError(
                "an objective wants near_particles from 1, particles above them and "
                f"attention_particles from 5, got {self.near_particles!r}, {self.particles!r} and "
                f"{self.attention_particles!r}"
            )
        if not (0 <= self.uniform_fraction <= 1 and self.uniform_fraction_start <= 1):
            raise ConfigurationError(
                "uniform_fraction wants 0 to 1 and uniform_fraction_start at most 1, got "
                f"{self.uniform_fraction!r} and {self.uniform_fraction_start!r}"
            )
        if min(self.attention_weight, self.compared_queries) < 0:
            raise ConfigurationError(
                "attention_weight and compared_queries want 0 or more, got "
                f"{self.attention_weight!r} and {self.compared_queries!r}"
            )

    def at(self, progress: float) -> ObjectiveConfig:
        """What is trained for when `progress` (0 to 1) of the run is done."""
        if self.uniform_fraction_start < 0:
            return self
        grown = min(1.0, 2 * progress)
        start, end = self.uniform_fraction_start, self.uniform_fraction
        return replace(self, uniform_fraction=start + grown * (end - start))
