"""Maps that change: views come and go, maps of robots are merged, and none grows without bound."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from dmn_core.errors import ConfigurationError, MapError
from dmn_core.map_editing import (
    MapLimits,
    continues,
    limited,
    merge_maps,
    records_of,
    remove_stale,
    remove_views,
    select,
    view_ids,
)
from dmn_core.pose_track.spread import farthest_points, separation
from dmn_core.views import ViewMap, ViewRecord

SECOND = 1_000_000_000
EVERYTHING = MapLimits(max_views=None, min_distance_m=0.0, min_turn_rad=0.0)


def make_map(poses, *, stamps_s=None, source="a", seed=0, weights="w"):
    """A map with a view at each pose (N, 3); the picture of a view depends on its pose alone."""
    views = []
    for pose in np.asarray(poses, np.float32):
        random = torch.Generator().manual_seed(int(abs(pose).sum() * 1000) + seed)
        views.append(torch.randn(64, 4, 4, generator=random).half().float())
    stamps = range(1, len(poses) + 1) if stamps_s is None else stamps_s
    return ViewMap(
        torch.stack(views)[None],
        torch.from_numpy(np.asarray(poses, np.float32))[None],
        (-5.0, 5.0, -5.0, 5.0),
        weights,
        tuple(ViewRecord(round(stamp * SECOND), source) for stamp in stamps),
    )


def random_poses(count, seed=0):
    rng = np.random.default_rng(seed)
    return np.column_stack((rng.uniform(-5, 5, (count, 2)), rng.uniform(-3, 3, count)))


def equal(first, second):
    return (
        view_ids(first) == view_ids(second)
        and torch.equal(first.embeddings, second.embeddings)
        and torch.equal(first.poses_map_camera, second.poses_map_camera)
        and (first.area_m, first.records) == (second.area_m, second.records)
    )


def test_merging_is_idempotent_and_the_order_does_not_matter():
    poses = random_poses(9)
    maps = [
        make_map(poses[:4]),
        make_map(poses[2:7], source="b", stamps_s=[9, 2, 2, 2, 2]),
        make_map(poses[6:], source="c", stamps_s=[2, 2, 2]),
    ]
    merged = merge_maps(maps)
    assert merged.n_views == 9
    assert equal(merge_maps([merged, merged]), merged)
    assert equal(merge_maps([merged, *maps]), merged)
    assert equal(merge_maps(maps[::-1]), merged)
    assert equal(merge_maps([merge_maps(maps[:2]), maps[2]]), merged)
    # A view that two robots hold keeps its latest record.
    shared = dict(zip(view_ids(merged), merged.records, strict=True))[view_ids(maps[0])[2]]
    assert shared == ViewRecord(9 * SECOND, "b")


def test_merging_grows_the_area_and_refuses_other_weights():
    first = make_map(random_poses(2))
    second = replace(make_map(random_poses(2, seed=1)), area_m=(0.0, 9.0, -7.0, 1.0))
    assert merge_maps([first, second]).area_m == (-5.0, 9.0, -7.0, 5.0)
    assert merge_maps([first, replace(second, area_m=None)]).area_m is None
    with pytest.raises(MapError, match=r"'w'.*'other'.*same weights"):
        merge_maps([first, make_map(random_poses(2), weights="other")])
    larger = replace(first, embeddings=torch.zeros(1, 2, 64, 8, 8))
    with pytest.raises(MapError, match=r"\(64, 4, 4\).*\(64, 8, 8\)"):
        merge_maps([first, larger])
    with pytest.raises(MapError, match="at least one map"):
        merge_maps([])


@pytest.mark.parametrize("seed", range(5))
def test_a_bounded_map_covers_nearly_as_well_as_can_be(seed):
    poses = random_poses(9, seed)
    view_map = make_map(poses)
    kept = limited(view_map, MapLimits(max_views=4, min_distance_m=0.0, min_turn_rad=0.0))

    def farthest(chosen):
        apart = [separation(poses, pose, turn_weight_m_per_rad=4.0) for pose in chosen]
        return np.min(apart, axis=0).max()

    best = min(farthest(poses[list(some)]) for some in combinations(range(9), 4))
    mine = farthest(kept.poses_map_camera[0].double().numpy())
    assert kept.n_views == 4
    assert best <= mine + 1e-6 <= 2 * best + 1e-5


def test_many_views_added_one_by_one_stay_spread():
    """However many come, the bounded map covers them as the rule for all of them at once."""
    poses = random_poses(60, seed=3)
    limits = MapLimits(max_views=8, min_distance_m=0.5, min_turn_rad=0.35)
    grown = make_map(poses[:1])
    for number in range(1, 60):
        new = make_map(poses[number : number + 1], stamps_s=[number + 1])
        grown = limited(merge_maps([grown, new]), limits)
        assert grown.n_views <= 8

    def farthest(chosen):
        apart = [separation(poses, pose, turn_weight_m_per_rad=4.0) for pose in chosen]
        return np.min(apart, axis=0).max()

    at_once = farthest(poses[farthest_points(poses, 8)])
    assert farthest(grown.poses_map_camera[0].double().numpy()) < 2 * at_once


def test_a_newer_view_of_nearly_the_same_viewpoint_takes_the_place():
    limits = MapLimits(max_views=None, min_distance_m=0.5, min_turn_rad=0.3)
    poses = [[0, 0, 0], [3, 0, 0], [0.2, 0.1, 0.1], [0.2, 0.0, 1.0], [3.6, 0, 0]]
    kept = limited(make_map(poses, stamps_s=[1, 2, 3, 4, 5]), limits)
    assert [r.stamp_ns // SECOND for r in kept.records] == [2, 3, 4, 5]
    # The turn wraps around.
    kept = limited(make_map([[0, 0, 3.1], [0, 0, -3.1]], stamps_s=[7, 6]), limits)
    assert [r.stamp_ns // SECOND for r in kept.records] == [7]
    assert equal(limited(kept, limits), kept)


def test_views_go_by_name_and_by_age_but_never_all():
    view_map = make_map(random_poses(4), stamps_s=[1, 0, 3, 4])
    ids = view_ids(view_map)
    assert len(set(ids)) == 4
    assert view_ids(remove_views(view_map, [ids[2], ids[0]])) == (ids[1], ids[3])
    # Nobody said when the second was taken, so that it is not known to be old.
    assert view_ids(remove_stale(view_map, before_ns=3 * SECOND)) == ids[1:]
    with pytest.raises(MapError, match="'nobody'"):
        remove_views(view_map, ["nobody", ids[0]])
    with pytest.raises(MapError, match="all 4 would be gone"):
        remove_views(view_map, ids)
    with pytest.raises(MapError, match="all 1 would be gone"):
        remove_stale(select(view_map, [0]), before_ns=2 * SECOND)


def test_maps_go_on_where_they_share_a_view():
    view_map = make_map(random_poses(4))
    assert continues(view_map, select(view_map, [3]))
    assert not continues(select(view_map, [0, 1]), select(view_map, [2, 3]))
    assert not continues(view_map, replace(view_map, weights_fingerprint="other"))
    shifted = replace(view_map, poses_map_camera=view_map.poses_map_camera + 1.0)
    assert not continues(view_map, shifted)


def test_maps_without_records_have_empty_ones():
    bare = replace(make_map(random_poses(2)), records=())
    assert records_of(bare) == (ViewRecord(), ViewRecord())
    assert select(bare, [1]).records == ()
    with pytest.raises(MapError, match="as many records"):
        replace(bare, records=(ViewRecord(),))


@pytest.mark.parametrize("wrong", [{"max_views": 0}, {"min_distance_m": -1.0}])
def test_limits_that_cannot_be_are_refused(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        MapLimits(**wrong)
