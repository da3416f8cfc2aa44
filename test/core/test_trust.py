"""Which poses are good enough to make a map with."""

from __future__ import annotations

import numpy as np
import pytest

from dmn_core.trust import TrustLimits


@pytest.mark.parametrize(("off_m", "cause"), [(0.0, None), (0.9, None), (1.1, "mode")])
def test_a_pose_away_from_the_mode_that_was_judged_is_not_trusted(
    off_m: float, cause: str | None
) -> None:
    """The mean of two places is at neither."""
    limits, mode = TrustLimits(max_pose_std_m=1.0), np.array([3.0, -2.0, 0.5])
    found = limits.distrust_between(mode + np.array([0.6 * off_m, -0.8 * off_m, 2.0]), mode)
    assert (found and found.cause) == cause
