"""Pose tracks and the odometry buffer: interpolation, wrapping, gaps, and equal bits from both."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmn_core.errors import TrackError
from dmn_core.pose_track import (
    OdometryBuffer,
    PoseTrack,
    compose,
    interpolate_pose,
    inverse,
    relative_pose,
    wrap_angle,
)

SECOND = 1_000_000_000
coordinate = st.floats(-1e3, 1e3)
angle = st.floats(-math.pi, math.pi)
pose = st.tuples(coordinate, coordinate, angle).map(np.array)


def angle_between(a: float, b: float) -> float:
    return abs(math.remainder(a - b, 2 * math.pi))


@given(st.floats(-1e4, 1e4))
def test_wrapped_angle_is_in_range_and_the_same_direction(value: float) -> None:
    wrapped = float(wrap_angle(value))
    assert -math.pi <= wrapped < math.pi
    assert math.isclose(math.cos(wrapped), math.cos(value), abs_tol=1e-9)
    assert math.isclose(math.sin(wrapped), math.sin(value), abs_tol=1e-9)


def test_wrap_of_a_hair_below_minus_pi_stays_in_range() -> None:
    assert float(wrap_angle(np.nextafter(-math.pi, -10.0))) < math.pi
    assert float(wrap_angle(math.pi)) == -math.pi


@given(pose, pose)
def test_relative_pose_undoes_compose(first: np.ndarray, second: np.ndarray) -> None:
    back = compose(first, relative_pose(first, second))
    np.testing.assert_allclose(back[:2], second[:2], atol=1e-9)
    assert angle_between(back[2], second[2]) < 1e-9


@given(pose)
def test_inverse_composes_to_identity(value: np.ndarray) -> None:
    identity = compose(value, inverse(value))
    np.testing.assert_allclose(identity[:2], 0.0, atol=1e-9)
    assert angle_between(identity[2], 0.0) < 1e-9


def test_compose_turns_counter_clockwise() -> None:
    got = compose([1.0, 2.0, math.pi / 2], [3.0, 0.0, 0.0])
    np.testing.assert_allclose(got, [1.0, 5.0, math.pi / 2], atol=1e-12)


def test_planar_arithmetic_broadcasts() -> None:
    many = np.random.default_rng(0).normal(size=(4, 5, 3))
    got = relative_pose(many[:, :1], many)
    assert got.shape == (4, 5, 3)
    np.testing.assert_allclose(got[2, 3], relative_pose(many[2, 0], many[2, 3]), atol=1e-15)


@given(pose, st.floats(-3.0, 3.0), st.floats(0.0, 1.0))
def test_interpolation_takes_the_short_turn(start: np.ndarray, turn: float, part: float) -> None:
    end = np.array([start[0] + 1.0, start[1] - 2.0, float(wrap_angle(start[2] + turn))])
    got = interpolate_pose(part, start, end)
    assert angle_between(got[2], start[2] + part * turn) < 1e-9
    np.testing.assert_allclose(got[:2], start[:2] + part * np.array([1.0, -2.0]), atol=1e-9)


def test_interpolation_through_the_wrap() -> None:
    got = interpolate_pose(0.5, [0.0, 0.0, math.radians(170)], [0.0, 0.0, math.radians(-170)])
    assert angle_between(got[2], math.pi) < 1e-12
    got = interpolate_pose(0.25, [0.0, 0.0, math.radians(-170)], [0.0, 0.0, math.radians(170)])
    assert angle_between(got[2], math.radians(-175)) < 1e-12


history = st.lists(
    st.tuples(st.integers(0, 5 * SECOND), coordinate, coordinate, angle), min_size=1, max_size=30
)


@settings(max_examples=200)
@given(history, st.integers(-1, 5 * SECOND + 1))
def test_buffer_and_track_give_equal_bits(
    arrivals: list[tuple[int, float, float, float]], stamp: int
) -> None:
    buffer = OdometryBuffer(duration_s=10.0)
    for arrived, *values in arrivals:
        assert buffer.append(arrived, values)
    track = PoseTrack.from_unsorted([a[0] for a in arrivals], [a[1:] for a in arrivals])
    assert (buffer.oldest_ns, buffer.newest_ns) == (track.start_ns, track.end_ns)
    assert len(buffer) == len(track)
    if track.covers(stamp):
        assert buffer.at(stamp).tobytes() == track.at(stamp).tobytes()
    else:
        with pytest.raises(TrackError):
            buffer.at(stamp)


@given(st.permutations(list(range(8))))
def test_order_of_arrival_does_not_matter(order: list[int]) -> None:
    buffer = OdometryBuffer()
    for index in order:
        buffer.append(index * SECOND // 10, (index, 2.0 * index, 0.1 * index))
    np.testing.assert_allclose(buffer.at(SECOND // 4), [2.5, 5.0, 0.25], atol=1e-12)


def test_equal_stamps_keep_the_last() -> None:
    buffer = OdometryBuffer()
    buffer.append(5, (1.0, 0.0, 0.0))
    buffer.append(5, (2.0, 0.0, 0.0))
    track = PoseTrack.from_unsorted([5, 5], [(1.0, 0.0, 0.0), (2.0, 0.0, 0.0)])
    assert len(buffer) == len(track) == 1
    assert buffer.at(5)[0] == track.at(5)[0] == 2.0


def test_buffer_is_bounded_by_duration() -> None:
    buffer = OdometryBuffer(duration_s=2.0)
    for index in range(1000):
        buffer.append(index * SECOND // 50, (index, 0.0, 0.0))
    assert len(buffer) == 101
    assert buffer.newest_ns is not None
    assert buffer.oldest_ns is not None
    assert buffer.newest_ns - buffer.oldest_ns == 2 * SECOND
    assert not buffer.append(0, (0.0, 0.0, 0.0))
    assert len(buffer) == 101
    buffer.clear()
    assert buffer.newest_ns is None
    assert buffer.oldest_ns is None
    assert buffer.append(0, (0.0, 0.0, 0.0))


def test_a_gap_is_not_bridged_but_its_ends_are_known() -> None:
    track = PoseTrack(
        np.array([0, 3 * SECOND]), np.array([[0.0, 0, 0], [3.0, 0, 0]]), "odom", "base"
    )
    with pytest.raises(TrackError, match=r"'base' in 'odom'.*gap of 3\.000 s"):
        track.at(SECOND)
    assert track.at(SECOND, max_gap_s=3.0)[0] == pytest.approx(1.0)
    assert track.at(3 * SECOND)[0] == 3.0
    assert not track.covers(SECOND)
    assert track.covers(0)


def test_outside_names_the_known_interval() -> None:
    track = PoseTrack.from_unsorted([2 * SECOND, SECOND], [(2.0, 0, 0), (1.0, 0, 0)])
    with pytest.raises(TrackError, match=r"at 2\.500 s.*from 1\.000 s to 2\.000 s"):
        track.at(5 * SECOND // 2)
    with pytest.raises(TrackError, match="no pose has come yet"):
        OdometryBuffer().at(0)


@pytest.mark.parametrize(
    ("stamps", "poses", "words"),
    [
        ([], [], "at least one"),
        ([1, 2], [(0.0, 0.0, 0.0)], "2 stamps and 1 poses"),
        ([2, 1], [(0.0, 0.0, 0.0)] * 2, "strictly increasing"),
        ([1, 1], [(0.0, 0.0, 0.0)] * 2, "strictly increasing"),
        ([1, 2], [(0.0, 0.0, 0.0), (0.0, math.nan, 0.0)], "pose 1 .*finite"),
    ],
)
def test_malformed_tracks_are_refused(stamps: list, poses: list, words: str) -> None:
    with pytest.raises(TrackError, match=words):
        PoseTrack(np.array(stamps, dtype=np.int64), np.array(poses))


@pytest.mark.parametrize("bad", [(1.0, 2.0), (math.nan, 0.0, 0.0), (0.0, math.inf, 0.0)])
def test_malformed_odometry_is_refused(bad: tuple) -> None:
    with pytest.raises(TrackError, match="three finite numbers"):
        OdometryBuffer().append(0, bad)
    with pytest.raises(TrackError, match="positive duration"):
        OdometryBuffer(duration_s=0.0)


def test_a_track_cannot_be_changed_from_outside() -> None:
    stamps, poses = np.array([1, 2]), np.zeros((2, 3))
    track = PoseTrack(stamps, poses)
    poses[0] = 9.0
    assert track.at(1)[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        track.poses[0] = 1.0
    track.at(1)[0] = 7.0
    assert track.at(1)[0] == 0.0


def test_nanoseconds_of_today_are_not_rounded() -> None:
    now = 1_790_000_000 * SECOND + 1
    track = PoseTrack(np.array([now, now + 4]), np.array([[0.0, 0, 0], [4.0, 0, 0]]))
    assert track.at(now + 1)[0] == 1.0
