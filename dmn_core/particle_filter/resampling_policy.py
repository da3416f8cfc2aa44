"""When to resample, apart from how."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from dmn_core.particle_filter.particles import Belief

ResamplingPolicy = Literal["never", "always", "effective_size"]


def should_resample(belief: Belief, *, policy: ResamplingPolicy, fraction: float) -> Tensor:
    """Which rows (B,) of a belief are due.

    `effective_size` resamples when the effective size falls below `fraction` of the particles.
    """
    due = belief.effective_size < fraction * belief.log_weights.shape[-1]
    if policy == "never":
        return due & False
    if policy == "always":
        return due | True
    return due
