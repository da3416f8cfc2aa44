"""Learning rate over a run."""

from __future__ import annotations

import math
from typing import Literal

ScheduleName = Literal["cosine", "trapezoid", "constant"]


def learning_rate_factor(
    *,
    steps: int,
    progress: float,
    warmup_steps: int,
    final_fraction: float,
    schedule: ScheduleName = "cosine",
    cooldown: float = 0.2,
) -> float:
    """Linear warm-up over the first steps, times a decay over the run.

    Args:
        steps: done so far.
        progress: share of the run that is done, 0 to 1.
        warmup_steps: steps until the full rate; 0 for none.
        final_fraction: what a decay ends at.
        schedule: see `TrainingConfig`.
        cooldown: last share of the run, in which a trapezoid falls.
    """
    warmth = min(1.0, (steps + 1) / warmup_steps) if warmup_steps else 1.0
    remaining = 1.0
    if schedule == "cosine":
        remaining = 0.5 * (1 + math.cos(math.pi * progress))
    elif schedule == "trapezoid" and cooldown > 0:
        remaining = min(1.0, (1 - progress) / cooldown)
    return warmth * (final_fraction + (1 - final_fraction) * remaining)
