"""Poses from tf: chains of frames, each edge at its own rate."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest

from dmn_core.data.bag import ViewSelection, read_views
from dmn_core.errors import BagError, DecodingError
from dmn_core.pose_track import wrap_angle

EVERY = ViewSelection(min_distance_m=0.0, min_turn_rad=0.0, max_views=None)


def odom_pose(seconds: float) -> np.ndarray:
    return np.array([1.5 * seconds, math.sin(seconds), 2.9 + 0.3 * seconds])


def map_odom(seconds: float) -> np.ndarray:
    return np.array([4.0 - 0.1 * seconds, 0.02 * seconds, -0.5 + 0.05 * seconds])


MOUNT = np.array([0.2, -0.1, math.pi / 2])


def linear(function, seconds: float, times: np.ndarray) -> np.ndarray:
    """A function known at some times only, linear between them."""
    index = int(np.searchsorted(times, seconds))
    before, after = times[index - 1], times[index]
    part = (seconds - before) / (after - before)
    return (1 - part) * function(before) + part * function(after)


def chained(*poses: np.ndarray) -> tuple[complex, float]:
    """Position as a complex number and yaw of poses one after the other."""
    position, yaw = 0j, 0.0
    for x, y, turn in poses:
        position += cmath.exp(1j * yaw) * complex(x, y)
        yaw += turn
    return position, yaw


def entries(bags):
    fast, slow = np.arange(0, 4.2, 0.1), np.arange(-0.3, 4.8, 0.45)
    moved = [bags.transform(odom_pose(t), t, "odom", "base_footprint") for t in fast]
    corrected = [bags.transform(map_odom(t), t, "/map", "odom") for t in slow]
    fixed = [bags.transform(MOUNT, 0.0, "base_footprint", "base_link", topic="/tf_static")]
    fixed.append(bags.transform(MOUNT, 0.0, "earth", "map", topic="/tf_static"))
    return fast, slow, bags.images() + moved + corrected + fixed


@pytest.mark.parametrize("kind", ["mcap", "sqlite3", "ros1"])
def test_each_edge_is_interpolated_at_the_stamp_of_the_image(bags, kind) -> None:
    fast, slow, content = entries(bags)
    views = read_views(bags.write(content, kind=kind), selection=EVERY)
    assert len(views) == 20
    for number, view in enumerate(views):
        t = 0.05 + 0.2 * number
        position, yaw = chained(linear(map_odom, t, slow), linear(odom_pose, t, fast), MOUNT)
        np.testing.assert_allclose(
            view.pose_map_base[:2], (position.real, position.imag), atol=1e-6
        )
        assert abs(float(wrap_angle(view.pose_map_base[2] - yaw))) < 1e-6


def test_a_part_of_the_chain_can_be_asked_for(bags) -> None:
    fast, _, content = entries(bags)
    path = bags.write(content)
    views = read_views(path, map_frame="odom", base_frame="base_footprint", selection=EVERY)
    expected = linear(odom_pose, 0.05, fast)
    np.testing.assert_allclose(views[0].pose_map_base, expected, atol=1e-6)


def test_a_pose_topic_goes_before_tf_unless_tf_is_named(bags) -> None:
    _, _, content = entries(bags)
    path = bags.write(content + bags.poses())
    first = read_views(path, selection=EVERY)[0].pose_map_base
    np.testing.assert_allclose(first, bags.drive_pose(0.05), atol=1e-9)
    first = read_views(path, pose_topic="/tf", selection=EVERY)[0].pose_map_base
    assert np.abs(first - bags.drive_pose(0.05)).max() > 1.0


def test_a_frame_held_still_has_poses_at_all_times(bags) -> None:
    fixed = bags.transform(MOUNT, 0.0, "map", "base_link", topic="/tf_static")
    views = read_views(bags.write([*bags.images(), fixed]), selection=EVERY)
    assert len(views) == 20
    np.testing.assert_allclose(views[7].pose_map_base, MOUNT)


@pytest.mark.parametrize(("map_frame", "base_frame"), [("world", "base_link"), ("map", "robot")])
def test_a_broken_chain_names_the_frames_that_are_there(bags, map_frame, base_frame) -> None:
    _, _, content = entries(bags)
    with pytest.raises(BagError) as caught:
        read_views(bags.write(content), map_frame=map_frame, base_frame=base_frame)
    text = str(caught.value)
    assert f"no chain of frames from {map_frame!r} to {base_frame!r}" in text
    for edge in (
        "'map' -> 'odom'",
        "'odom' -> 'base_footprint'",
        "'base_footprint' -> 'base_link'",
    ):
        assert edge in text


def test_frames_in_a_circle_are_refused(bags) -> None:
    circle = [bags.transform(MOUNT, 0.0, a, b) for a, b in (("a", "base_link"), ("base_link", "a"))]
    with pytest.raises(BagError, match="no chain of frames"):
        read_views(bags.write(bags.images(3) + circle))


def test_two_parents_are_refused(bags) -> None:
    both = [bags.transform(MOUNT, 0.0, parent, "base_link") for parent in ("odom", "map")]
    with pytest.raises(BagError, match="'base_link' two parents, 'odom' and 'map'"):
        read_views(bags.write(bags.images(3) + both))


def test_a_malformed_transform_matters_only_in_the_chain(bags) -> None:
    _, _, content = entries(bags)
    aside = bags.transform((math.nan, 0, 0), 1.0, "base_link", "arm")
    assert len(read_views(bags.write([*content, aside], name="aside"), selection=EVERY)) == 20
    inside = bags.transform((math.nan, 0, 0), 1.03, "odom", "base_footprint")
    with pytest.raises(DecodingError, match=r"tf 'odom' -> 'base_footprint': .*finite"):
        read_views(bags.write([*content, inside], name="inside"))


def test_edges_that_are_never_known_together(bags) -> None:
    content = bags.images(3)
    content += [bags.transform(MOUNT, t, "odom", "base_link") for t in (0.0, 1.0)]
    content += [bags.transform(MOUNT, t, "map", "odom") for t in (20.0, 21.0)]
    with pytest.raises(BagError, match="do not overlap in time"):
        read_views(bags.write(content))
