"""Learning rate over a run."""

from __future__ import annotations

import math


def learning_rate_factor(
    *, steps: int, progress: float, warmup_steps: int, final_fraction: float
) -> float:
    """Linear warm-up over the first steps, times a cosine decay over the run.

    Args:
        steps: done so far in this call.
        progress: share of the run that is done, 0 to 1.
        warmup_steps: steps until the full rate; 0 for none.
        final_fraction: what the decay ends at.
    """
    warmth = min(1.0, (steps + 1) / warmup_steps) if warmup_steps else 1.0
    decay = final_fraction + (1 - final_fraction) * 0.5 * (1 + math.cos(math.pi * progress))
    return warmth * decay
