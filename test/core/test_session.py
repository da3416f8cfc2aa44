"""A session weighs images where the robot moved and carries its estimate in between."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

from dmn_core.belief_monitor import Jump, MonitorSettings, State
from dmn_core.errors import ConfigurationError
from dmn_core.geometry import compose as compose_poses
from dmn_core.image_at_poses import ImageAtPoses
from dmn_core.jump_watch import JumpWatch
from dmn_core.localization import Everywhere, Localizer, Near
from dmn_core.motion_gate import MotionGate
from dmn_core.observation import NetworkConfig, ObservationModel
from dmn_core.particle_filter import motion_covariance
from dmn_core.pose_track import compose
from dmn_core.robot import ROBOT_FILTER, RobotSettings, session_of
from dmn_core.views import ViewMap, Views

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
POSES = RNG.uniform(-3, 3, (8, 3))
MOVED_ONLY = MotionGate(update_min_d=0.25, update_min_a=0.2)
NO_LIMITS = MonitorSettings(tracking_confidence=0, degraded_confidence=0, lost_confidence=0)
NEAR = Near((1.0, 2.0, 0.5), ((0.1, 0.0, 0.0), (0.0, 0.2, 0.05), (0.0, 0.05, 0.1)), particles=200)


def session(settings=ROBOT_FILTER, **robot):
    torch.manual_seed(0)
    network = ObservationModel(NetworkConfig(image_height=16, image_width=16))
    localizer = Localizer(network, settings=settings)
    localizer.use_map(localizer.build_map(Views(IMAGES, POSES)))
    return session_of(localizer, RobotSettings(**robot))


def test_images_are_weighed_where_the_robot_moved_or_turned():
    drive = [(0.0, 0.0), (0.1, 0.0), (0.24, 0.0), (0.26, 0.0), (0.3, 0.0), (0.3, 0.21), (0.3, 0.3)]
    made = session(gate=MOVED_ONLY)
    made.restart(NEAR)
    weighed = [
        made.update(t, IMAGES[t], np.array([x, 0.0, yaw])).weighed
        for t, (x, yaw) in enumerate(drive)
    ]
    assert weighed == [True, False, False, True, False, True, False]


def test_a_forced_update_weighs_once():
    made = session(gate=MOVED_ONLY)
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
    spread = motion_covariance(motion, ROBOT_FILTER.noise)
    cos, sin = np.cos(first.pose_map_base[2]), np.sin(first.pose_map_base[2])
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    noise = turn @ spread @ turn.T
    assert np.allclose(np.cov(moved.T), (then.covariance - noise) * 1e-4, atol=2e-7)
    assert np.linalg.eigvalsh(noise).min() > 1e-3
    assert np.linalg.eigvalsh(then.status.modes[0].covariance).min() > -1e-12


def test_the_estimate_is_the_best_mode_with_its_covariance():
    made = session()
    made.restart(Everywhere(particles=300))
    fix = made.update(0, IMAGES[0], np.zeros(3))
    best = fix.status.modes[0]
    assert np.allclose(fix.pose_map_base, best.pose_map_base, atol=1e-5)
    assert np.allclose(fix.covariance, best.covariance, atol=1e-4)


def drive(made, start, **how):
    made.restart(start, **how)
    return [made.update(t, IMAGES[t], np.array([0.4 * t, 0.0, 0.1 * t])) for t in range(8)]


def test_the_first_start_repeats_every_bit_and_later_ones_draw_others():
    made = session()
    assert made.status.state == State.UNINITIALIZED
    start = Everywhere(particles=700)
    first, second, again, third = (
        drive(made, start, as_first=as_first) for as_first in (False, False, True, False)
    )
    for one, other in zip(first + second, again + third, strict=True):
        assert np.array_equal(one.pose_map_base, other.pose_map_base)
        assert np.array_equal(one.weights, other.weights)
        assert one.status.confidence == other.status.confidence
    assert not np.array_equal(first[0].pose_map_base, second[0].pose_map_base)
    made.restart(start)
    assert made.status.state == State.UNINITIALIZED


def test_a_stated_start_is_believed_until_images_speak_against_it():
    made = session(monitor=MonitorSettings(lost_images=3, lost_confidence=0.4), gate=MotionGate())
    made.restart(NEAR)
    told = [made.update(t, IMAGES[t], np.zeros(3)).status for t in range(3)]
    assert [status.state for status in told] == [State.DEGRADED, State.DEGRADED, State.LOST]
    assert told[0].reason.startswith("started at a stated pose")
    assert told[2].reason.startswith("lost")
    made.restart(Everywhere(particles=200))
    assert made.update(3, IMAGES[3], np.zeros(3)).status.state == State.GLOBAL
    sure = session(monitor=NO_LIMITS)
    sure.restart(NEAR)
    assert sure.update(0, IMAGES[0], np.zeros(3)).status.state == State.TRACKING


@pytest.mark.parametrize(
    ("changed", "looks"),
    [({}, True), ({"lost_share": 0.0}, False), ({"recovery_alpha_fast": 0.0}, False)],
)
def test_a_lost_robot_looks_everywhere_now_and_then(changed, looks):
    """Nothing here is ever found: it is lost from the third image on."""
    recovery = replace(
        ROBOT_FILTER.recovery, min_injected_share=0.0, max_injected_share=0.0, **changed
    )
    settings = replace(ROBOT_FILTER, recovery=recovery)
    never = MonitorSettings(
        tracking_confidence=1.0, degraded_confidence=1.0, lost_confidence=1.0, lost_images=3
    )
    made = session(settings, monitor=never, gate=MotionGate())
    made.restart(NEAR)
    fixes = [made.update(t, IMAGES[t % 8], np.zeros(3)) for t in range(15)]
    far = [
        float(np.mean(np.abs(fix.particles_map_base[:, :2] - NEAR.pose_map_base[:2]).max(1) > 2.5))
        for fix in fixes
    ]
    assert fixes[1].status.state == State.DEGRADED and fixes[2].status.state == State.LOST
    assert max(far[:3]) < 0.05
    assert (far[3] > 0.2) == looks
    assert all(len(fix.weights) <= NEAR.particles for fix in fixes)


def test_a_lost_robot_looks_with_no_more_particles_than_are_allowed_by_now():
    made = session(monitor=MonitorSettings(8.9, 1.0, 1.0, 1.0, lost_images=1), particles=512)
    made.restart(replace(NEAR, particles=512))
    looked = [made.update(0, IMAGES[0], np.zeros(3))]
    size = replace(ROBOT_FILTER.size, min_particles=64, max_particles=64)
    made.localizer.settings = replace(ROBOT_FILTER, size=size, resampling="always")
    for number in range(1, 15):
        looked.append(made.update(number, IMAGES[number % 8], np.array([number, 0.0, 0.0])))
    assert {fix.status.state for fix in looked} == {State.LOST}
    counts = [len(fix.weights) for fix in looked]
    assert counts[0] == 512
    # The last image is the second that comes after another look everywhere.
    assert set(counts[2:]) == {64}


@pytest.mark.parametrize(("monitor", "weighed"), [(MonitorSettings(), 3), (NO_LIMITS, 1)])
def test_a_robot_that_stands_weighs_a_few_images_until_it_is_tracked(monitor, weighed):
    made = session(gate=MotionGate(1.0, 1.0, first_images=3), monitor=monitor)
    for _ in range(2):
        made.restart(NEAR)
        seen = [made.update(t, IMAGES[t], np.zeros(3)).weighed for t in range(8)]
        assert seen == [True] * weighed + [False] * (8 - weighed)


def test_motion_since_a_stated_start_is_taken_from_odometry():
    tight = replace(NEAR, covariance=((0.01, 0, 0), (0, 0.01, 0), (0, 0, 1e-4)))
    for stood_at, ahead in ((None, 0.0), (np.array([4.0, 0.0, 0.0]), 2.0)):
        made = session()
        made.restart(tight, stood_at=stood_at)
        fix = made.update(0, IMAGES[0], np.array([6.0, 0.0, 0.0]))
        wanted = compose(NEAR.pose_map_base, (ahead, 0.0, 0.0))
        assert np.allclose(fix.pose_map_base[:2], wanted[:2], atol=0.5)


def test_poses_that_jump_say_why():
    made = session(monitor=NO_LIMITS)
    made.restart(NEAR)
    first = made.update(0, IMAGES[0], np.zeros(3))
    assert first.jump_m is None and first.status.last_jump == Jump.NONE
    made.restart(replace(NEAR, pose_map_base=(1.0, -2.0, 0.5)))
    jumped = made.update(1, IMAGES[1], np.zeros(3))
    assert jumped.jump_m == pytest.approx(4.0, abs=1.0)
    assert jumped.status.last_jump == Jump.RESTART
    calm = made.update(2, IMAGES[2], np.array([0.1, 0.0, 0.0]))
    assert calm.jump_m is None and calm.status.last_jump == Jump.RESTART
    other = made.localizer.build_map(Views(IMAGES[:3], POSES[:3] + 1))
    assert not made.use_map(other, NEAR)
    moved = made.update(3, IMAGES[3], np.array([0.1, 0.0, 0.0]))
    assert moved.jump_m is not None and moved.status.last_jump == Jump.MAP_CHANGE


def test_a_pose_that_images_move_elsewhere_is_a_recovery():
    watch = JumpWatch()
    odometry = np.array([5.0, 0.0, 1.0])
    assert watch(State.GLOBAL, np.array([9.0, 9.0, 0.0]), odometry) is None
    assert watch(State.TRACKING, np.zeros(3), odometry) is None
    assert watch(State.LOST, np.array([9.0, 9.0, 0.0]), odometry) is None
    assert watch(State.DEGRADED, np.array([0.5, 0.0, 0.1]), odometry) is None
    assert watch.last == Jump.NONE
    assert watch(State.TRACKING, np.array([3.5, 4.0, 0.1]), odometry) == pytest.approx(5.0)
    assert watch.last == Jump.RECOVERY


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
