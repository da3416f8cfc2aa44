"""The heat map of a belief."""

from __future__ import annotations

import numpy as np
import pytest

from dmn_core.particle_filter.density import density_grid

AREA = (-10.0, 10.0, 0.0, 10.0)


def test_the_share_is_where_the_particles_are():
    poses = np.array([[-9.5, 0.5, 0.0], [4.5, 7.5, 1.0]])
    grid = density_grid(poses, np.array([0.25, 0.75]), AREA, shape=(10, 20))
    assert np.unravel_index(grid.argmax(), grid.shape) == (7, 14)
    left = grid[:, :10].sum()
    # The blur reflects at the edge, so that nothing is lost.
    assert left == pytest.approx(0.25, abs=1e-3)
    assert grid.sum() == pytest.approx(1.0)


def test_what_lies_outside_does_not_count():
    grid = density_grid(np.array([[50.0, 5.0, 0.0]]), np.ones(1), AREA, shape=(4, 4))
    assert not grid.any()
