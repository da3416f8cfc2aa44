"""Drives: continuous, bounded, free of walls; odometry drifts only as far as it is told to."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("labmaze")

from dmn_core.errors import WorldError
from dmn_core.pose_track import compose
from dmn_core.worlds.maze import generate_maze
from dmn_core.worlds.motion_profile import SpeedLimits
from dmn_core.worlds.trajectory import (
    DriveConfig,
    Trajectory,
    drive_between_random_cells,
    drive_everywhere,
)
from dmn_core.worlds.wheel_odometry import NO_NOISE, OdometryNoise, wheel_odometry


def drive(seed: int, duration_s: float = 90.0) -> Trajectory:
    rng = np.random.default_rng(seed)
    return drive_between_random_cells(generate_maze(seed), duration_s, rng=rng)


@pytest.mark.parametrize("seed", range(8))
def test_drive_is_bounded_continuous_and_clear_of_walls(seed: int) -> None:
    layout, trajectory = generate_maze(seed), drive(seed)
    poses, limits = trajectory.poses_map_base, SpeedLimits()
    assert layout.wall_distance(poses[:, :2]).min() > 0.4 * layout.config.cell_m
    step_s = np.diff(trajectory.times_s)
    assert step_s == pytest.approx(0.05)
    assert trajectory.times_s[-1] == pytest.approx(90.0)
    velocity = np.diff(poses, axis=0) / step_s[:, None]
    speed = np.linalg.norm(velocity[:, :2], axis=1)
    assert speed.max() <= limits.speed_mps + 1e-6
    assert np.abs(velocity[:, 2]).max() <= limits.turn_rate_rps + 1e-6
    assert np.abs(np.diff(speed)).max() / 0.05 <= limits.acceleration_mps2 + 0.01
    assert np.linalg.norm(np.ptp(poses[:, :2], axis=0)) > layout.config.cell_m


def test_robot_moves_only_along_its_heading() -> None:
    poses = drive(2).poses_map_base
    middle = (poses[1:, 2] + poses[:-1, 2]) / 2
    step = np.diff(poses[:, :2], axis=0)
    sideways = -np.sin(middle) * step[:, 0] + np.cos(middle) * step[:, 1]
    forward = np.cos(middle) * step[:, 0] + np.sin(middle) * step[:, 1]
    assert np.abs(sideways).max() < 2e-3
    assert forward.min() > -1e-9


def test_same_seed_gives_same_drive_at_any_rate() -> None:
    layout = generate_maze(4)
    coarse, fine = (
        drive_between_random_cells(
            layout, 30.0, rng=np.random.default_rng(1), config=DriveConfig(rate_hz=rate)
        )
        for rate in (10.0, 50.0)
    )
    assert coarse.poses_map_base == pytest.approx(fine.poses_map_base[::5], abs=1e-9)


def test_mapping_drive_enters_every_free_cell() -> None:
    layout = generate_maze(6)
    trajectory = drive_everywhere(layout, rng=np.random.default_rng(0))
    entered = {tuple(cell) for cell in layout.cell_of(trajectory.poses_map_base[:, :2])}
    assert entered == {tuple(cell) for cell in layout.free_cells()}


def test_noiseless_odometry_is_the_true_motion() -> None:
    trajectory = drive(3)
    odometry = wheel_odometry(trajectory, rng=np.random.default_rng(0), noise=NO_NOISE)
    assert odometry[0] == pytest.approx(np.zeros(3))
    moved = compose(trajectory.poses_map_base[0], odometry)
    assert moved[:, :2] == pytest.approx(trajectory.poses_map_base[:, :2], abs=1e-9)
    assert np.exp(1j * moved[:, 2]) == pytest.approx(np.exp(1j * trajectory.poses_map_base[:, 2]))


def test_drift_is_seeded_and_does_not_depend_on_the_rate() -> None:
    layout, noise = generate_maze(3), OdometryNoise(alpha2=1e-3, turn_scale=0.0)
    spreads = []
    for rate in (10.0, 50.0):
        trajectory = drive_between_random_cells(
            layout, 60.0, rng=np.random.default_rng(0), config=DriveConfig(rate_hz=rate)
        )
        turned = np.ptp(trajectory.poses_map_base[[0, -1], 2])
        ends = [
            wheel_odometry(trajectory, rng=np.random.default_rng(seed), noise=noise)[-1, 2]
            for seed in range(300)
        ]
        spreads.append(np.std(ends))
        assert np.abs(np.mean(ends)) == pytest.approx(turned, abs=0.1)
    again = wheel_odometry(trajectory, rng=np.random.default_rng(299), noise=noise)[-1, 2]
    assert again == ends[-1]
    assert spreads[0] == pytest.approx(spreads[1], rel=0.2)
    assert 0.1 < spreads[0] < 0.5


def test_impossible_drives_are_refused() -> None:
    with pytest.raises(WorldError, match="longer than 0 s"):
        drive(0, duration_s=0.0)
    with pytest.raises(WorldError, match="speed limits"):
        SpeedLimits(speed_mps=0.0)
    with pytest.raises(WorldError, match="negative"):
        OdometryNoise(alpha1=-1.0)
