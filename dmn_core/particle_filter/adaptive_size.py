"""How many particles a belief needs: few for one that is sure, many for one that is not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from dmn_core.errors import ConfigurationError
from dmn_core.particle_filter.clusters import Cell, cell_indices

BIN_NAMES = ("spatial_resolution_x", "spatial_resolution_y", "spatial_resolution_theta")


@dataclass(frozen=True)
class AdaptiveSize:
    """KLD-sampling; the names are nav2_amcl's and beluga_amcl's, and so are the bins.

    The number changes whenever the filter resamples.

    Attributes:
        min_particles: fewest particles; 0 keeps the number that the belief started with.
        max_particles: most particles; 0 stands for the number that the belief started with.
        pf_err: greatest error between the belief and its histogram, as Kullback-Leibler distance.
        pf_z: standard normal quantile of the probability that the error is kept (a quantile, as
            in nav2_amcl, not a probability).
        spatial_resolution_x: side of a bin of that histogram in x [m].
        spatial_resolution_y: the same in y [m].
        spatial_resolution_theta: the same in yaw [rad]; bins divide the turn evenly.
    """

    min_particles: int = 0
    max_particles: int = 0
    pf_err: float = 0.05
    pf_z: float = 0.99
    spatial_resolution_x: float = 0.5
    spatial_resolution_y: float = 0.5
    spatial_resolution_theta: float = math.radians(10.0)

    def __post_init__(self) -> None:
        """Refuse numbers that give no size."""
        for name in ("min_particles", "max_particles"):
            if getattr(self, name) < 0:
                raise ConfigurationError(
                    f"{name} wants a whole number >= 0, got {getattr(self, name)!r}"
                )
        if 0 < self.max_particles < self.min_particles:
            raise ConfigurationError(
                f"min_particles wants at most max_particles = {self.max_particles!r}, got "
                f"{self.min_particles!r}"
            )
        for name in ("pf_err", "pf_z", *BIN_NAMES):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} wants a number > 0, got {getattr(self, name)!r}")

    @property
    def bin(self) -> Cell:
        """A bin of the histogram: x [m], y [m], yaw [rad]."""
        x, y, yaw = (getattr(self, name) for name in BIN_NAMES)
        return (x, y, yaw)

    @property
    def enabled(self) -> bool:
        """Whether the number of particles changes."""
        return self.min_particles > 0

    def limited(self, size: int, *, started_with: int) -> int:
        """A number of particles brought between the limits."""
        most = self.max_particles or started_with
        return min(max(size, min(self.min_particles, most)), most)


def kld_size(bins: int, *, pf_err: float, pf_z: float) -> int:
    """Particles that a belief over so many occupied bins needs; 0 where a single bin holds it.

    Source: Fox 2003, equation 7 (the Wilson-Hilferty approximation of the chi-square quantile).
    """
    if bins <= 1:
        return 0
    part = 2 / (9 * (bins - 1))
    return math.ceil((bins - 1) / (2 * pf_err) * (1 - part + math.sqrt(part) * pf_z) ** 3)


def wanted_size(poses_map_base: Tensor, *, settings: AdaptiveSize, started_with: int) -> int:
    """Particles that suffice in place of equally weighted ones (B, K, 3), in every row."""
    sizes = []
    for row in poses_map_base.detach().double().cpu():
        occupied = torch.unique(torch.from_numpy(cell_indices(row.numpy(), settings.bin)), dim=0)
        sizes.append(kld_size(len(occupied), pf_err=settings.pf_err, pf_z=settings.pf_z))
    return settings.limited(max(sizes), started_with=started_with)
