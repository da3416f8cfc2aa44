"""Where trials are: in a place each while there are enough, and in the same for a whole page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dmn_core.data.episode import EnvironmentSet
from dmn_core.data.sources import DataConfig
from dmn_core.errors import DataError
from dmn_core.evaluation.baselines import BaselineAlgorithm
from dmn_core.evaluation.experiment import Places, experiment_key
from dmn_core.evaluation.trials import (
    Task,
    TrialPlan,
    draw_trials,
    places_of_trials,
    with_a_place_each,
)

PLAN, N_16 = TrialPlan(), TrialPlan(contexts=16)
AREA = (-20.0, 20.0, -20.0, 20.0)


def test_places_with_too_few_views_are_passed_over(make_places):
    places = make_places(count=3, views=12)
    first = np.array([0, 12, 16, 28])  # the second has four views
    poor = EnvironmentSet(places.images[:28], places.poses_map_camera[:28], first, AREA)
    assert places_of_trials(poor, PLAN, range(4)).tolist() == [0, 2, 0, 2]
    assert len(draw_trials(poor, PLAN, range(4)).query_poses) == 4
    with pytest.raises(DataError, match="environment 0 has 12"):
        draw_trials(poor, TrialPlan(steps=9), [0])


def test_simulated_places_have_the_views_that_trials_want_and_never_fewer_than_usual():
    rooms, mazes = DataConfig(data="rooms"), DataConfig()
    long = TrialPlan(steps=20)
    for data, plans, views in (
        (rooms, [PLAN], 0),
        (rooms, [N_16, PLAN], 21),
        (rooms, [PLAN, long, N_16], 24),
        (mazes, [N_16, long], 0),
        (mazes, [TrialPlan(contexts=64)], 69),
        (DataConfig(data="streets"), [N_16], 0),
    ):
        assert with_a_place_each(data, 50, plans).views == views
    assert with_a_place_each(replace(rooms, views=30), 50, [N_16]).views == 30


def test_all_that_is_compared_is_asked_in_the_same_places(make_places):
    places = make_places(count=4, views=12)
    first = np.array([0, 12, 16, 24, 48])  # 12, 4, 8 and 24 views
    uneven = EnvironmentSet(places.images, places.poses_map_camera, first, AREA)
    few, many, none = TrialPlan(contexts=1), TrialPlan(contexts=5), TrialPlan(contexts=30)
    assert places_of_trials(uneven, few, range(3)).tolist() == [0, 2, 3]
    # No place has views for the last, which says so and leaves the others alone.
    page = (many, few, none)
    for plan in (few, many):
        assert places_of_trials(uneven, plan, range(4), page=page).tolist() == [0, 3, 0, 3]
    with pytest.raises(DataError, match="--views"):
        draw_trials(uneven, none, [0], page=page)
    together = Places(uneven, page)
    assert together.of_page.tolist() == [0, 3]
    named = [name.partition("@")[2] for name in together.names_of_trials(few, 2)]
    assert named == [name.partition("@")[2] for name in together.names_of_trials(many, 2)]


def test_where_places_have_as_many_views_trials_are_what_they_were(make_places):
    places, page = make_places(), (PLAN, TrialPlan(contexts=7), TrialPlan(steps=1), N_16)
    alone, together = (draw_trials(places, PLAN, range(12), page=p) for p in ((), page))
    for name in ("context_poses", "query_poses", "context_images", "query_images"):
        assert torch.equal(getattr(alone, name), getattr(together, name))
    names = Places(places).names_of_trials(PLAN, 12)
    assert names == Places(places, page).names_of_trials(PLAN, 12)
    assert [int(name.partition("@")[0]) for name in names] == list(range(12))
    assert places_of_trials(places, PLAN, range(12)).tolist() == [*range(10), 0, 1]
    key = experiment_key(BaselineAlgorithm("uninformed"), PLAN, Task("global", 40))
    assert key == {
        **{"protocol": 2, "algorithm": "uninformed", "contexts": 4, "far_contexts": 0},
        **{"steps": 5, "seed": 0, "start": "global", "particles": 40},
    }


def test_simulated_places_are_as_many_as_trials_unless_told_otherwise():
    for data in ("mazes", "mazes-varied", "rooms"):
        assert with_a_place_each(DataConfig(data=data), 5000).environments == 5000
        told = DataConfig(data=data, environments=7)
        assert with_a_place_each(told, 5000) == told
    for data in (DataConfig(data="streets"), DataConfig(data="gqn-mazes", root="x")):
        assert with_a_place_each(data, 5000) == data


def test_maps_of_another_place_are_those_of_the_next_trial_and_leave_the_rest(make_places):
    places = make_places(count=3, views=12)
    another = replace(PLAN, map_from="another")
    own, other = (draw_trials(places, plan, range(3)) for plan in (PLAN, another))
    assert torch.equal(own.query_images, other.query_images)
    assert torch.equal(own.query_poses, other.query_poses)
    following = draw_trials(places, PLAN, range(1, 4))
    assert torch.equal(other.context_images, following.context_images)
    assert torch.equal(other.context_poses, following.context_poses)
    alone = EnvironmentSet(
        places.images[:12], places.poses_map_camera[:12], np.array([0, 12]), AREA
    )
    with pytest.raises(DataError, match="want two places with views enough, got one"):
        draw_trials(alone, another, [0])


def test_finished_trials_stay_known_and_those_of_other_maps_are_others():
    algorithm, task = BaselineAlgorithm("uninformed"), Task("global", 8)
    key = experiment_key(algorithm, PLAN, task)
    assert "map_from" not in key
    another = experiment_key(algorithm, replace(PLAN, map_from="another"), task)
    assert another == {**key, "map_from": "another"}
    likeliest = experiment_key(algorithm, PLAN, replace(task, estimate="likeliest"))
    assert likeliest == {**key, "estimate": "likeliest"}
    nearest = experiment_key(algorithm, PLAN, Task("contexts", 4, "heaviest"))
    assert nearest == {**key, "start": "contexts", "particles": 4}
    assert experiment_key(algorithm, PLAN, Task("contexts", 4)) == {**nearest, "estimate": "mean"}
