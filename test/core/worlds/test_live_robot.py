"""The live robot obeys, keeps out of walls, and its odometry tells the motion that was made."""

from __future__ import annotations

import numpy as np
import pytest

from dmn_core.errors import WorldError
from dmn_core.pose_track import compose, relative_pose, wrap_angle
from dmn_core.worlds.autopilot import Autopilot
from dmn_core.worlds.live_robot import LiveRobot, Velocity
from dmn_core.worlds.maze import MazeLayout, generate_maze
from dmn_core.worlds.motion_profile import SpeedLimits
from dmn_core.worlds.wheel_odometry import NO_NOISE, OdometryNoise

STEP_S = 0.02


@pytest.fixture(scope="module")
def layout() -> MazeLayout:
    return generate_maze(3)


def drive(robot: LiveRobot, seconds: float, velocity: Velocity | None = None) -> np.ndarray:
    """True poses along a drive, by the autopilot unless a velocity is given."""
    pilot = Autopilot(robot, seed=1)
    poses = []
    for _ in range(round(seconds / STEP_S)):
        robot.advance(velocity or pilot.velocity(), STEP_S)
        poses.append(robot.pose_map_base)
    return np.stack(poses)


def test_the_autopilot_goes_everywhere_and_touches_no_wall(layout: MazeLayout) -> None:
    poses = drive(LiveRobot(layout, seed=0), 120.0)
    assert layout.wall_distance(poses[:, :2]).min() > 2 * layout.config.agent_radius_m
    cells = {tuple(cell) for cell in layout.cell_of(poses[:, :2])}
    assert len(cells) > len(layout.free_cells()) / 3
    assert np.hypot(*np.diff(poses[:, :2], axis=0).T).sum() > 100


def test_speeds_and_accelerations_are_kept(layout: MazeLayout) -> None:
    limits = SpeedLimits(1.0, 0.5, 0.8, 0.9)
    robot = LiveRobot(layout, seed=0, limits=limits)
    pilot, before = Autopilot(robot, seed=1), robot.velocity
    for _ in range(2000):
        robot.advance(pilot.velocity(), STEP_S)
        assert abs(robot.velocity.forward_mps) <= 1.0
        assert abs(robot.velocity.turn_rps) <= 0.5
        assert abs(robot.velocity.forward_mps - before.forward_mps) <= 0.8 * STEP_S + 1e-9
        assert abs(robot.velocity.turn_rps - before.turn_rps) <= 0.9 * STEP_S + 1e-9
        before = robot.velocity


def test_a_constant_velocity_is_a_circle(layout: MazeLayout) -> None:
    robot = LiveRobot(layout, seed=0)
    drive(robot, 1.0, Velocity(0.5, 0.5))
    start = robot.pose_map_base
    drive(robot, 2.0, Velocity(0.5, 0.5))
    moved = relative_pose(start, robot.pose_map_base)
    # Radius 1 m, one radian.
    assert moved == pytest.approx([np.sin(1), 1 - np.cos(1), 1.0], abs=1e-6)


def test_odometry_without_noise_is_the_truth(layout: MazeLayout) -> None:
    robot = LiveRobot(layout, seed=0, noise=NO_NOISE)
    start = robot.pose_map_base
    drive(robot, 30.0)
    off = compose(start, robot.pose_odom_base) - robot.pose_map_base
    assert np.abs([*off[:2], wrap_angle(off[2])]).max() < 1e-9


def test_odometry_drifts_as_its_noise_says(layout: MazeLayout) -> None:
    """Turn noise of 0.01 rad^2 a metre: after the way made, the variance of yaw is that much."""
    noise = OdometryNoise(0.0, 0.01, 0.0, 0.0, 0.0, 0.0)
    off, way = [], 0.0
    for seed in range(150):
        robot = LiveRobot(layout, seed=seed, noise=noise)
        robot.teleport([*layout.free_cell_centres()[0], 0.0])
        heading = robot.pose_map_base[2]
        poses = drive(robot, 0.6, Velocity(2.0, 0.0))
        way = np.hypot(*(poses[-1, :2] - layout.free_cell_centres()[0]))
        off.append(wrap_angle(robot.pose_odom_base[2] - (poses[-1, 2] - heading)))
    # 150 draws: the standard error of a standard deviation is 6 %.
    assert np.std(off) == pytest.approx(np.sqrt(0.01 * way), rel=0.2)


def test_walls_stop_what_leads_into_them(layout: MazeLayout) -> None:
    for seed in range(4):
        robot = LiveRobot(layout, seed=seed)
        poses = drive(robot, 8.0, Velocity(2.0, 0.05))
        assert layout.is_free(poses[:, :2], layout.config.agent_radius_m - 1e-9).all()


def test_a_kidnap_is_far_and_odometry_does_not_notice(layout: MazeLayout) -> None:
    robot = LiveRobot(layout, seed=0)
    drive(robot, 3.0)
    before, odometry = robot.pose_map_base, robot.pose_odom_base
    robot.teleport_far(10.0)
    assert np.hypot(*(robot.pose_map_base - before)[:2]) >= 10.0
    assert robot.pose_odom_base.tolist() == odometry.tolist()
    assert layout.is_free(robot.pose_map_base[:2])
    # And it drives on from there.
    assert layout.wall_distance(drive(robot, 20.0)[-1, :2]) > layout.config.agent_radius_m


@pytest.mark.parametrize("pose", [(100.0, 0.0, 0.0), (np.nan, 0.0, 0.0), (0.0, 0.0)])
def test_a_place_in_a_wall_is_refused(layout: MazeLayout, pose: tuple[float, ...]) -> None:
    robot = LiveRobot(layout, seed=0)
    with pytest.raises(WorldError, match="from walls"):
        robot.teleport(pose)
    with pytest.raises(WorldError, match="ask for less"):
        robot.teleport_far(1000.0)


def test_the_same_seed_gives_the_same_drive(layout: MazeLayout) -> None:
    first, second, other = (LiveRobot(layout, seed=seed) for seed in (5, 5, 6))
    poses = [drive(robot, 10.0) for robot in (first, second, other)]
    assert (poses[0] == poses[1]).all()
    assert (first.pose_odom_base == second.pose_odom_base).all()
    assert (poses[0] != poses[2]).any()
    first.reset()
    assert (drive(first, 10.0) == poses[0]).all()
