"""A map that changes while robots drive, and the belief that goes on in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dmn_core.errors import ConfigurationError, MapError
from dmn_core.live_map import LiveMap, LiveMapSettings
from dmn_core.localization import Everywhere, Localizer
from dmn_core.map_codec import decode_map, encode_map
from dmn_core.map_editing import MapLimits, merge_maps, view_ids
from dmn_core.map_file import load_map, save_map
from dmn_core.observation import NetworkConfig, build_network
from dmn_core.session import Session
from dmn_core.views import ViewMap, ViewRecord, Views

SECOND = 1_000_000_000
AREA = (-9.0, 9.0, -9.0, 9.0)
POSES = np.array([[-6.0, 0, 0], [0.0, 5, 1], [5.0, 1, 2], [2.0, -6, 3], [-3.0, 3, -2]])
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)


def make_localizer(kind="view_embedding"):
    torch.manual_seed(0)
    config = NetworkConfig(image_height=16, image_width=16, map=kind)
    return Localizer(build_network(config), weights_fingerprint="w")


def views(chosen, *, start_s=10):
    records = tuple(ViewRecord((start_s + index) * SECOND, "robot") for index in chosen)
    return Views(IMAGES[list(chosen)], POSES[list(chosen)], records)


def live(localizer, chosen=(), **settings):
    live_map = LiveMap(localizer, LiveMapSettings(**{"area_m": AREA, **settings}))
    if chosen:
        live_map.replace(localizer.build_map(views(chosen), area_m=AREA))
    return live_map


def add(live_map, index, *, start_s=10, pose=None):
    record = ViewRecord((start_s + index) * SECOND, "robot")
    return live_map.add(IMAGES[index], POSES[index] if pose is None else pose, record)


def test_a_map_grown_view_by_view_is_the_one_built_at_once_to_the_bit():
    localizer = make_localizer()
    live_map = live(localizer)
    for index in range(5):
        assert live_map.wants(POSES[index], (10 + index) * SECOND)
        assert add(live_map, index)
    at_once = localizer.build_map(views(range(5)), area_m=AREA)
    assert torch.equal(live_map.view_map.embeddings, at_once.embeddings)
    assert torch.equal(live_map.view_map.poses_map_camera, at_once.poses_map_camera)
    assert live_map.view_map.records == at_once.records
    assert live_map.view_map.area_m == AREA


@pytest.mark.parametrize("kind", ["view_embedding", "latent_image", "latent_vector"])
def test_an_updated_map_gives_the_likelihoods_of_one_used_anew(kind):
    localizer = make_localizer(kind)
    few, all_views = (localizer.build_map(views(range(n)), area_m=AREA) for n in (2, 5))
    localizer.use_map(few)
    belief = localizer.start(Everywhere(particles=64), localizer.generator(0))

    def weights():
        step = localizer.step(belief, IMAGES[4], np.zeros(3), localizer.generator(1))
        return step.weighed.weights[0]

    before = weights()
    localizer.update_map(all_views)
    updated = weights()
    localizer.use_map(all_views)
    assert torch.allclose(updated, weights(), rtol=1e-4)
    assert not torch.allclose(updated, before, rtol=1e-2)
    # And back, with views that are known in another order.
    localizer.update_map(localizer.build_map(views([1, 0]), area_m=AREA))
    assert torch.allclose(weights(), before, rtol=1e-3)


def test_the_belief_is_kept_in_a_map_that_goes_on_and_no_other():
    localizer = make_localizer()
    start = Everywhere(particles=32)
    session = Session(localizer)
    assert not session.use_map(localizer.build_map(views([0, 1]), area_m=AREA), start)
    first = session.update(1, IMAGES[0], np.zeros(3))
    assert session.use_map(localizer.build_map(views([1, 2, 3]), area_m=AREA), start)
    second = session.update(2, IMAGES[0], np.zeros(3))
    assert np.array_equal(first.particles_map_base, second.particles_map_base)
    assert not np.allclose(first.weights, second.weights)
    assert not session.use_map(localizer.build_map(views([0, 4]), area_m=AREA), start)
    foreign = replace(localizer.build_map(views([0])), weights_fingerprint="other")
    with pytest.raises(MapError, match="'other'"):
        session.use_map(foreign, start)
    assert session.update(3, IMAGES[0], np.zeros(3)).stamp_ns == 3


def test_views_are_wanted_from_new_places_and_where_the_old_ones_are_old():
    live_map = live(make_localizer(), [0, 1, 2], refresh_s=60.0)
    near = POSES[1] + np.array([0.1, 0.1, 0.1])
    assert live_map.wants(POSES[3], 20 * SECOND)
    assert not live_map.wants(near, 20 * SECOND)
    assert live_map.wants(near, 100 * SECOND)
    assert add(live_map, 1, start_s=99, pose=near)
    stamps = [record.stamp_ns // SECOND for record in live_map.view_map.records]
    assert stamps == [10, 12, 100]


def test_a_full_map_wants_only_what_spreads_it():
    limits = MapLimits(max_views=2, min_distance_m=0.1, min_turn_rad=0.1)
    live_map = live(make_localizer(), [0, 2], limits=limits)
    assert not live_map.wants(POSES[2] - np.array([1.0, 0, 0]), 50 * SECOND)
    far = POSES[2] + np.array([9.0, 0, 0])
    assert live_map.wants(far, 50 * SECOND)
    assert add(live_map, 3, pose=far)
    assert live_map.view_map.n_views == 2


def test_maps_that_robots_share_with_each_other_come_to_rest():
    limits = MapLimits(max_views=3, min_distance_m=0.1, min_turn_rad=0.1)
    localizer = make_localizer()
    robots = [live(localizer, chosen, limits=limits) for chosen in ([0, 1, 2], [2, 3, 4])]
    for _ in range(5):
        changed = [robots[0].merge(robots[1].view_map), robots[1].merge(robots[0].view_map)]
    assert changed == [False, False]
    assert all(robot.view_map.n_views == 3 for robot in robots)
    wide = [live(localizer, chosen) for chosen in ([0, 1, 2], [2, 3, 4])]
    assert wide[0].merge(wide[1].view_map)
    assert wide[1].merge(wide[0].view_map)
    assert view_ids(wide[0].view_map) == view_ids(wide[1].view_map)
    assert wide[0].view_map.n_views == 5


def test_views_that_were_removed_do_not_come_back_from_others():
    localizer = make_localizer()
    live_map = live(localizer, [0, 1, 2])
    whole = live_map.view_map
    assert live_map.remove([view_ids(whole)[1]])
    assert not live_map.merge(whole)
    assert live_map.remove(before_ns=11 * SECOND)
    assert [record.stamp_ns // SECOND for record in live_map.view_map.records] == [12]
    with pytest.raises(MapError, match="would be gone"):
        live_map.remove(before_ns=99 * SECOND)
    foreign = ViewMap(whole.embeddings, whole.poses_map_camera, AREA, "other")
    with pytest.raises(MapError, match="'w'.*'other'"):
        live_map.merge(foreign)
    with pytest.raises(MapError, match="no map yet"):
        live(localizer).remove(["x"])


def test_views_go_with_age_but_the_last_ones_stay():
    live_map = live(make_localizer(), [0, 1, 2], max_age_s=5.0)
    assert not live_map.age(15 * SECOND)
    assert live_map.age(16 * SECOND)
    assert live_map.view_map.n_views == 2
    assert not live_map.age(100 * SECOND)
    assert not live(make_localizer(), [0]).age(10**6 * SECOND)
    with pytest.raises(ConfigurationError, match="refresh_s"):
        LiveMapSettings(refresh_s=-1.0)


def test_the_area_grows_with_the_views_unless_it_was_stated():
    localizer = make_localizer()
    growing = live(localizer, [0, 1], area_m=None, area_margin_m=1.0)
    assert add(growing, 2, pose=[12.0, 0.0, 0.0])
    assert growing.view_map.area_m == (-9.0, 13.0, -9.0, 9.0)
    stated = live(localizer, [0, 1])
    assert add(stated, 2, pose=[12.0, 0.0, 0.0])
    assert stated.view_map.area_m == AREA
    assert merge_maps([stated.view_map]).area_m == AREA


def unstated(localizer, **settings):
    return live(localizer, area_m=None, **settings)


def test_the_area_shrinks_with_a_far_view_that_goes():
    live_map = unstated(make_localizer())
    for index, x in enumerate([0.0, 5.0, 500.0]):
        assert add(live_map, index, pose=[x, 0.0, 0.0])
    assert live_map.view_map.area_m == (-3.0, 503.0, -3.0, 3.0)
    far = view_ids(live_map.view_map)[2]
    assert live_map.remove([far])
    assert live_map.view_map.area_m == (-3.0, 8.0, -3.0, 3.0)
    # It does not come back with what is added after it, either.
    assert add(live_map, 3, pose=[0.0, 6.0, 0.0])
    assert live_map.view_map.area_m == (-3.0, 8.0, -3.0, 9.0)


def test_the_area_shrinks_with_views_that_age_or_give_way():
    aging = unstated(make_localizer(), max_age_s=5.0)
    assert add(aging, 0, pose=[500.0, 0.0, 0.0])
    assert add(aging, 4, pose=[0.0, 0.0, 0.0])
    assert aging.age(16 * SECOND)
    assert aging.view_map.area_m == (-3.0, 3.0, -3.0, 3.0)
    giving_way = unstated(make_localizer(), limits=MapLimits(max_views=2, min_distance_m=50.0))
    assert add(giving_way, 0, pose=[500.0, 0.0, 0.0])
    assert add(giving_way, 1, pose=[460.0, 0.0, 0.0])
    assert giving_way.view_map.area_m == (457.0, 463.0, -3.0, 3.0)


def test_what_a_map_states_of_its_area_stays_where_its_views_go():
    localizer = make_localizer()
    built = localizer.build_map(views([0, 2]), area_m=(-20.0, 8.0, -3.0, 4.0))
    live_map = unstated(localizer)
    live_map.replace(built)
    assert add(live_map, 1, pose=[500.0, 0.0, 0.0])
    assert live_map.view_map.area_m == (-20.0, 503.0, -3.0, 4.0)
    # Of the views at -6 and 5 the latter alone held an edge; -20 was stated, as nothing is there.
    assert live_map.remove(view_ids(built))
    assert live_map.view_map.area_m == (-20.0, 503.0, -3.0, 3.0)
    assert live_map.merge(localizer.build_map(views([3]), area_m=(-1.0, 5.0, -9.0, 30.0)))
    assert live_map.remove([view_ids(live_map.view_map)[0]])
    assert live_map.view_map.area_m == (-20.0, 5.0, -9.0, 30.0)


def test_an_area_that_leaves_out_views_is_kept_when_they_go():
    localizer = make_localizer()
    narrow = (-2.0, 4.0, -1.0, 2.0)
    live_map = unstated(localizer)
    live_map.replace(localizer.build_map(views([0, 1, 2]), area_m=narrow))
    for view_id in view_ids(live_map.view_map)[:2]:
        assert live_map.remove([view_id])
        assert live_map.view_map.area_m == narrow
    assert add(live_map, 3)
    assert live_map.view_map.area_m == (-2.0, 5.0, -9.0, 2.0)


def test_the_area_of_a_map_that_was_saved_shrinks_as_well(tmp_path):
    localizer = make_localizer()
    before = unstated(localizer)
    for index, pose in enumerate([[0.1, 0.2, 0.3], [5.3, 0.7, 1.0], [500.7, 0.1, 0.0]]):
        assert add(before, index, pose=pose)
    save_map(tmp_path / "map.safetensors", before.view_map)
    after = unstated(localizer)
    after.replace(load_map(tmp_path / "map.safetensors"))
    assert after.remove([view_ids(after.view_map)[2]])
    np.testing.assert_allclose(after.view_map.area_m, (-2.9, 8.3, -2.8, 3.7), atol=1e-3)


def test_a_far_view_of_another_robot_is_no_part_of_the_area_once_it_is_removed():
    localizer = make_localizer()
    robots = [unstated(localizer), unstated(localizer)]
    for index, x in enumerate([0.0, 5.0, 500.0]):
        assert add(robots[0], index, pose=[x, 0.0, 0.0])
    assert robots[1].merge(decode_map(encode_map(robots[0].view_map)))
    assert robots[1].view_map.area_m == (-3.0, 503.0, -3.0, 3.0)
    assert robots[1].remove([view_ids(robots[0].view_map)[2]])
    assert robots[1].view_map.area_m == (-3.0, 8.0, -3.0, 3.0)
    # The other one still has it, and something new.
    assert add(robots[0], 3, pose=[0.0, 6.0, 0.0])
    assert robots[1].merge(decode_map(encode_map(robots[0].view_map)))
    assert robots[1].view_map.area_m == (-3.0, 8.0, -3.0, 9.0)
    assert not robots[1].merge(robots[0].view_map)


def test_without_a_margin_a_single_view_that_is_left_has_an_area():
    localizer = make_localizer()
    live_map = unstated(localizer, area_margin_m=0.0)
    live_map.replace(localizer.build_map(views([0, 1, 2]), area_m=(-6.0, 5.0, 0.0, 5.0)))
    assert live_map.remove(view_ids(live_map.view_map)[1:])
    np.testing.assert_allclose(live_map.view_map.area_m, (-6.0, -5.99, 0.0, 0.01))


def test_a_stated_area_stays_whatever_goes():
    live_map = live(make_localizer(), [0, 1])
    assert add(live_map, 2, pose=[500.0, 0.0, 0.0])
    assert live_map.remove([view_ids(live_map.view_map)[2]])
    assert live_map.view_map.area_m == AREA


def test_of_very_many_views_those_offered_last_are_remembered(monkeypatch):
    monkeypatch.setattr("dmn_core.live_map.MOST_REMEMBERED", 3)
    localizer = make_localizer()
    live_map = live(localizer, [0, 1, 2])
    maps = {index: localizer.build_map(views([index]), area_m=AREA) for index in range(5)}
    assert live_map.remove(view_ids(maps[0]))
    assert not live_map.merge(maps[0])
    # Offered again just now, it outlives one that nobody has offered since.
    assert live_map.remove(view_ids(maps[1]))
    assert live_map.merge(maps[3])
    assert not live_map.merge(maps[0])
    assert live_map.merge(maps[1])
    assert len(live_map._offered) == 3


def test_views_of_another_shape_are_refused_by_an_empty_map():
    foreign = ViewMap(torch.ones(1, 1, 64, 2, 2), torch.zeros(1, 1, 3), AREA, "w")
    live_map = live(make_localizer())
    with pytest.raises(MapError, match="shape"):
        live_map.merge(foreign)
    assert live_map.view_map is None
