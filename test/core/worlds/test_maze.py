"""Mazes: the same seed gives the same maze, and free space is where the walls are not."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("labmaze")

from dmn_core.errors import WorldError
from dmn_core.worlds.maze import MazeConfig, generate_maze
from dmn_core.worlds.sampling import sample_free_poses
from dmn_core.worlds.textures import CORRIDOR_SURFACE


def test_same_seed_gives_same_maze_and_other_seeds_give_others() -> None:
    first, again = generate_maze(7), generate_maze(7)
    assert np.array_equal(first.walls, again.walls)
    assert first.surfaces == again.surfaces
    others = [generate_maze(seed).walls for seed in range(20)]
    assert len({walls.tobytes() for walls in others}) > 15


@pytest.mark.parametrize("seed", range(10))
def test_maze_has_the_published_geometry(seed: int) -> None:
    layout = generate_maze(seed)
    assert layout.walls.shape == (9, 9)
    border = np.ones((9, 9), dtype=bool)
    border[1:-1, 1:-1] = False
    assert layout.walls[border].all()
    assert layout.config.cell_m == pytest.approx(40 / 7)
    assert layout.area_m == (-20.0, 20.0, -20.0, 20.0)
    assert 1 <= layout.rooms.max() <= 2
    assert layout.surfaces[0] == CORRIDOR_SURFACE
    assert CORRIDOR_SURFACE not in layout.surfaces[1:]
    assert not layout.walls[layout.rooms > 0].any()


def test_row_zero_is_at_the_largest_y_and_cells_know_their_points() -> None:
    layout = generate_maze(0)
    assert layout.cell_centre(4, 4) == pytest.approx([0.0, 0.0])
    assert layout.cell_centre(1, 1) == pytest.approx([-20 + 20 / 7, 20 - 20 / 7])
    cells = layout.free_cells()
    centres = layout.cell_centre(cells[:, 0], cells[:, 1])
    assert np.array_equal(layout.cell_of(centres), cells)


def test_wall_distance_agrees_with_dense_samples_of_the_walls() -> None:
    layout = generate_maze(3)
    rng = np.random.default_rng(0)
    points = rng.uniform(-20, 20, size=(200, 2))
    step = np.linspace(-0.5, 0.5, 41) * layout.config.cell_m
    walls = np.argwhere(layout.walls)
    centres = layout.cell_centre(walls[:, 0], walls[:, 1])
    grid = np.stack(np.meshgrid(step, step), axis=-1).reshape(-1, 2)
    dense = (centres[:, None] + grid).reshape(-1, 2)
    nearest = np.array([np.linalg.norm(dense - point, axis=1).min() for point in points])
    expected = np.minimum(nearest, layout.config.cell_m)
    assert layout.wall_distance(points) == pytest.approx(expected, abs=0.11)


def test_points_are_free_only_with_their_margin() -> None:
    layout = generate_maze(1)
    assert layout.is_free(layout.free_cell_centres()).all()
    wall_cells = np.argwhere(layout.walls)
    assert not layout.is_free(layout.cell_centre(wall_cells[:, 0], wall_cells[:, 1]), 0.0).any()
    assert not layout.is_free([100.0, 0.0])
    assert not layout.is_free([-19.5, layout.free_cell_centres()[0, 1]], 1.0)


def test_sampled_poses_keep_their_margin_and_fill_free_space_evenly() -> None:
    layout = generate_maze(5)
    poses = sample_free_poses(layout, 8000, rng=np.random.default_rng(0), margin_m=0.0)
    assert layout.is_free(poses[:, :2], 0.0).all()
    cells = layout.cell_of(poses[:, :2])
    counts = np.bincount(cells[:, 0] * 9 + cells[:, 1], minlength=81).reshape(9, 9)
    expected = 8000 / len(layout.free_cells())
    assert np.abs(counts[~layout.walls] - expected).max() < 5 * np.sqrt(expected)
    quarters = np.histogram(poses[:, 2], bins=4, range=(-np.pi, np.pi))[0]
    assert np.abs(quarters - 2000).max() < 200
    with_margin = sample_free_poses(layout, 500, rng=np.random.default_rng(0))
    assert layout.wall_distance(with_margin[:, :2]).min() >= 0.16 * 40 / 7


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(WorldError, match="odd number"):
        MazeConfig(cells=8)
    with pytest.raises(WorldError, match="seed"):
        generate_maze(-1)
    with pytest.raises(WorldError, match="smaller margin"):
        sample_free_poses(generate_maze(0), 1, rng=np.random.default_rng(0), margin_m=30.0)
