"""A session weighs images where the robot moved and carries its estimate in between."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import torch

from dmn_core.belief_monitor import State
from dmn_core.errors import ConfigurationError
from dmn_core.geometry import compose as compose_poses
from dmn_core.image_at_poses import ImageAtPoses
from dmn_core.localization import Everywhere, Localizer, Near
from dmn_core.motion_gate import MotionGate
from dmn_core.observation import NetworkConfig, ObservationModel
from dmn_core.pose_track import compose
from dmn_core.robot import ROBOT_FILTER, RobotSettings, session_of
from dmn_core.views import ViewMap, Views

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
POSES = RNG.uniform(-3, 3, (8, 3))
NEAR = Near((1.0, 2.0, 0.5), ((0.1, 0.0, 0.0), (0.0, 0.2, 0.05), (0.0, 0.05, 0.1)), particles=200)


def session(settings=ROBOT_FILTER, **robot):
    torch.manual_seed(0)
    network = ObservationModel(NetworkConfig(image_height=16, image_width=16))
    localizer = Localizer(network, settings=settings)
    localizer.use_map(localizer.build_map(Views(IMAGES, POSES)))
    return session_of(localizer, RobotSettings(**robot))


def test_images_are_weighed_where_the_robot_moved_or_turned():
    drive = [(0.0, 0.0), (0.1, 0.0), (0.24, 0.0), (0.26, 0.0), (0.3, 0.0), (0.3, 0.21), (0.3, 0.3)]
    made = session()
    made.restart(NEAR)
    weighed = [
        made.update(t, IMAGES[t], np.array([x, 0.0, yaw])).weighed
        for t, (x, yaw) in enumerate(drive)
    ]
    assert weighed == [True, False, False, True, False, True, False]


def test_a_forced_update_weighs_once():
    made = session()
    made.restart(NEAR)
    made.update(0, IMAGES[0], np.zeros(3))
    assert not made.update(1, IMAGES[1], np.zeros(3)).weighed
    made.force_update()
    assert made.update(2, IMAGES[2], np.zeros(3)).weighed
    assert not made.update(3, IMAGES[3], np.zeros(3)).weighed


def test_between_weighed_images_odometry_carries_everything():
    made = session(gate=MotionGate(100.0, 100.0))
    made.restart(NEAR)
    first = made.update(0, IMAGES[0], np.array([5.0, 1.0, 2.0]))
    then = made.update(1, IMAGES[1], np.array([6.0, 1.0, 2.3]))
    assert np.allclose(first.pose_map_odom, then.pose_map_odom)
    assert then.stamp_ns == 1 and then.status.state == first.status.state
    motion = np.array([np.cos(2.0), -np.sin(2.0), 0.3])  # 1 m along x of the odometry frame
    assert np.allclose(then.pose_map_base, compose(first.pose_map_base, motion))
    assert np.allclose(then.particles_map_base, compose(first.particles_map_base, motion))
    draws = np.random.default_rng(1).multivariate_normal(
        np.zeros(3), first.covariance * 1e-4, 50_000
    )
    moved = compose(first.pose_map_base + draws, motion) - then.pose_map_base
    assert np.allclose(np.cov(moved.T), then.covariance * 1e-4, atol=2e-7)
    assert np.linalg.eigvalsh(then.status.modes[0].covariance).min() > -1e-12


def test_the_estimate_is_the_best_mode_with_its_covariance():
    made = session()
    made.restart(Everywhere(particles=300))
    fix = made.update(0, IMAGES[0], np.zeros(3))
    best = fix.status.modes[0]
    assert np.allclose(fix.pose_map_base, best.pose_map_base, atol=1e-5)
    assert np.allclose(fix.covariance, best.covariance, atol=1e-4)


def test_a_restart_forgets_and_the_same_seed_repeats_every_bit():
    made, runs = session(), []
    assert made.status.state == State.UNINITIALIZED
    for _ in range(2):
        made.restart(Everywhere(particles=700))
        assert made.status.state == State.UNINITIALIZED
        runs.append(
            [made.update(t, IMAGES[t], np.array([0.4 * t, 0.0, 0.1 * t])) for t in range(8)]
        )
    for first, second in zip(*runs, strict=True):
        assert np.array_equal(first.pose_map_base, second.pose_map_base)
        assert np.array_equal(first.weights, second.weights)
        assert first.status.confidence == second.status.confidence
    assert made.status.state != State.UNINITIALIZED


def test_a_gate_wants_distances():
    with pytest.raises(ConfigurationError, match="update_min_d"):
        MotionGate(update_min_d=-0.1)
    assert MotionGate().opens(np.zeros(3))


def test_scores_of_views_are_the_best_attention_scores_of_the_camera():
    torch.manual_seed(0)
    network = ObservationModel(NetworkConfig(image_height=16, image_width=16)).eval()
    prepared = network.prepare_map(
        ViewMap(torch.randn(1, 5, 64, 4, 4), torch.randn(1, 5, 3), (-1, 1, -1, 1))
    )
    query = network.encode_query(torch.randn(1, 3, 16, 16))
    mount = torch.tensor([0.3, -0.1, 0.5])
    seen = ImageAtPoses(network, prepared, query, mount, nullcontext)
    poses = torch.randn(1, 700, 3)
    with torch.inference_mode():
        wanted = network.attention_scores(prepared, query, compose_poses(poses, mount))
        assert torch.allclose(seen.view_score(poses), wanted[:, 0].amax(-1), atol=1e-5)
    assert seen.elsewhere(None, torch.Generator()) is None
    elsewhere = seen.elsewhere((-1.0, 1.0, 2.0, 3.0), torch.Generator().manual_seed(0))
    candidates = elsewhere.candidates(50)
    assert candidates.poses_map_base[..., 1].min() > 2
    assert torch.allclose(candidates.weights.sum(), torch.ones(()))
    assert candidates.effective_size.item() < 50


def test_networks_without_attention_look_everywhere_alike():
    network = ObservationModel(NetworkConfig(image_height=16, image_width=16, attention="mean"))
    prepared = network.prepare_map(ViewMap(torch.randn(1, 2, 64, 4, 4), torch.randn(1, 2, 3)))
    query = network.encode_query(torch.randn(1, 3, 16, 16))
    seen = ImageAtPoses(network, prepared, query, torch.zeros(3), nullcontext)
    elsewhere = seen.elsewhere((-1.0, 1.0, 2.0, 3.0), torch.Generator())
    assert elsewhere.score is None
