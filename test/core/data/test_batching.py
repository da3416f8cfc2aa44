"""Drawing episodes from environments."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from dmn_core.data.batching import draw_episodes
from dmn_core.data.episode import EnvironmentSet, ViewRole
from dmn_core.errors import DataError


def environments(count, views):
    """Places whose views are grey as their x."""
    rng = np.random.default_rng(0)
    poses = rng.uniform((-20, -20, -math.pi), (20, 20, math.pi), (count, views, 3))
    grey = (poses[..., 0] / 20 + 1) * 127.5
    images = np.broadcast_to(grey[..., None, None, None], (count, views, 4, 4, 3))
    area = (-20.0, 20.0, -20.0, 20.0)
    return EnvironmentSet.regular(images.astype(np.uint8), poses.astype(np.float32), area)


def test_contexts_and_queries_of_an_episode_are_different_views():
    places = environments(count=4, views=8)
    rng = np.random.default_rng(0)
    episodes = draw_episodes(places, batch=4, contexts=3, queries=5, rng=rng)
    for row in range(4):
        poses = torch.cat((episodes.context_poses[row], episodes.query_poses[row]))
        assert len(torch.unique(poses, dim=0)) == 8
        # all from one place, and images stay with their poses
        owner = [
            e
            for e in range(4)
            if np.isin(poses[:, 0].numpy(), places.poses_map_camera[places.views_of(e), 0]).all()
        ]
        assert len(owner) == 1
    colour = episodes.query_images[..., 0, 0, 0].float() / 127.5 - 1
    assert torch.allclose(colour, episodes.query_poses[..., 0] / 20, atol=0.01)


def test_too_few_views_are_refused():
    places = environments(count=6, views=8)
    with pytest.raises(DataError, match="wants 10 different views, environment . has 8"):
        draw_episodes(places, batch=1, contexts=4, queries=6, rng=np.random.default_rng())


def test_places_with_too_few_views_are_passed_over():
    places = environments(count=3, views=8)
    ragged = replace(places, first_view=np.array([0, 3, 12, 24]))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        episodes = draw_episodes(ragged, batch=2, contexts=4, queries=5, rng=rng)
        poses = torch.cat((episodes.context_poses, episodes.query_poses), dim=1)
        assert not np.isin(poses[..., 0].numpy(), places.poses_map_camera[:3, 0]).any()


def test_roles_are_kept_and_count():
    """Place 0 lacks queries, place 1 far views; place 2 has all."""
    roles = np.array(
        [[1, 1, 1, 1, 1, 1, 4, 4], [1, 1, 1, 2, 2, 2, 2, 2], [1, 1, 1, 2, 2, 2, 4, 4]], np.uint8
    )
    places = replace(environments(count=3, views=8), roles=roles.reshape(-1))
    rng = np.random.default_rng(0)
    for _ in range(10):
        episodes = draw_episodes(places, batch=1, contexts=2, queries=3, far_contexts=2, rng=rng)
        x = places.poses_map_camera[16:, 0]
        assert np.isin(episodes.context_poses[0, :2, 0], x[:3]).all()
        assert np.isin(episodes.context_poses[0, 2:, 0], x[6:]).all()
        assert np.isin(episodes.query_poses[0, :, 0], x[3:6]).all()


def test_data_without_roles_has_no_far_views():
    places = environments(count=2, views=8)
    said = "4 different views as FAR, environment 0 has 0: ask for none, only streets and streetl"
    draw = {"batch": 1, "contexts": 0, "queries": 2, "rng": np.random.default_rng()}
    with pytest.raises(DataError, match=said) as refused:
        draw_episodes(places, far_contexts=4, **draw)
    assert "--views" not in str(refused.value)  # none of them would be far
    some = np.tile(np.array([3, 3, 3, 3, 3, 3, 4, 4], np.uint8), 2)
    with pytest.raises(DataError, match="environment 0 has 2: ask for fewer, or for more views"):
        draw_episodes(replace(places, roles=some), far_contexts=4, **draw)
    assert (places.with_views(contexts=1, queries=1) == [0, 1]).all()
    assert ViewRole.FAR not in ViewRole.ANY
