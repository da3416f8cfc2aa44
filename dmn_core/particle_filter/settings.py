"""How the filter works."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dmn_core.errors import ConfigurationError
from dmn_core.particle_filter.adaptive_size import AdaptiveSize
from dmn_core.particle_filter.motion import OdometryNoise
from dmn_core.particle_filter.recovery import RecoverySettings
from dmn_core.particle_filter.resampling_policy import ResamplingPolicy


@dataclass(frozen=True)
class FilterSettings:
    """How the filter works; the defaults are the paper's, which never resamples.

    Attributes:
        noise: trust in odometry.
        resampling: when: `never`, `always`, or when the effective size drops. Particles that are
            put elsewhere by the recovery take the places of the lightest ones in between.
        effective_fraction: share of the particles below which `effective_size` resamples.
        soft_alpha: 1 for systematic resampling, below 1 for soft resampling.
        resample_interval: every so many images may resample; in between, nothing is drawn anew.
        estimate: `mean` of all particles, or mean of the heaviest `cluster`.
        likelihood_power: exponent on the likelihood; below 1 where images come so close together
            that they do not count as independent.
        size: whether and how the number of particles changes.
        recovery: whether and how a robot that is lost is found again.
    """

    noise: OdometryNoise = field(default_factory=OdometryNoise)
    resampling: ResamplingPolicy = "never"
    effective_fraction: float = 0.5
    soft_alpha: float = 1.0
    resample_interval: int = 1
    estimate: Literal["mean", "cluster"] = "mean"
    likelihood_power: float = 1.0
    size: AdaptiveSize = field(default_factory=AdaptiveSize)
    recovery: RecoverySettings = field(default_factory=RecoverySettings)

    def __post_init__(self) -> None:
        """Refuse values that the filter cannot use."""
        if self.resampling not in ("never", "always", "effective_size"):
            raise ConfigurationError(
                f"resampling wants never, always or effective_size, got {self.resampling!r}"
            )
        if self.estimate not in ("mean", "cluster"):
            raise ConfigurationError(f"estimate wants mean or cluster, got {self.estimate!r}")
        if not self.resample_interval >= 1:
            raise ConfigurationError(
                f"resample_interval wants a whole number >= 1, got {self.resample_interval!r}"
            )
        for name in ("effective_fraction", "soft_alpha", "likelihood_power"):
            value = getattr(self, name)
            if not 0 < value <= 1:
                raise ConfigurationError(f"{name} wants a number in (0, 1], got {value!r}")
