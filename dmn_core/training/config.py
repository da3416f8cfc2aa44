"""What a training run is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dmn_core.errors import ConfigurationError
from dmn_core.observation import NetworkConfig
from dmn_core.training.objectives import ObjectiveConfig


@dataclass(frozen=True)
class MazesConfig:
    """Simulated mazes to learn from and to validate on (seeds that training never sees)."""

    count: int = 1000
    views: int = 100
    validation_count: int = 200
    validation_views: int = 40


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a run; written into its folder.

    Attributes:
        contexts: views in the map, N (paper: 4).
        batch: environments in a step; each with `queries` query images that share the map.
        learning_rate: Adam's, after `warmup_steps` and before the cosine decay.
        final_learning_rate_fraction: what the decay ends at.
        weight_average: decay of the running average of weights that is validated and shipped.
        minutes: time box; the decay is stretched over it. 0 means `max_steps` decides alone.
        max_steps: steps after which to stop; 0 means `minutes` decides alone. With `max_steps`
            alone, a run is a function of its seed.
        precision: Lightning Fabric's word, such as 32-true, bf16-mixed.
    """

    seed: int = 0
    network: NetworkConfig = field(default_factory=NetworkConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    mazes: MazesConfig = field(default_factory=MazesConfig)
    contexts: int = 4
    batch: int = 16
    queries: int = 2
    learning_rate: float = 1e-3
    warmup_steps: int = 300
    final_learning_rate_fraction: float = 0.02
    gradient_clip: float = 1.0
    weight_average: float = 0.998
    minutes: float = 0.0
    max_steps: int = 0
    validate_every_steps: int = 1000
    validation_batches: int = 16
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    accelerator: str = "auto"

    def __post_init__(self) -> None:
        """Refuse a run that would never end or never start."""
        if self.minutes <= 0 and self.max_steps <= 0:
            raise ConfigurationError(
                f"a run wants minutes or max_steps above 0, got {self.minutes!r} and "
                f"{self.max_steps!r}: say how long to train"
            )
        for name in ("contexts", "batch", "queries", "validate_every_steps"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} wants at least 1, got {getattr(self, name)!r}")
