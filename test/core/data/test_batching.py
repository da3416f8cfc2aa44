"""Drawing episodes from environments."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dmn_core.data.batching import draw_episodes
from dmn_core.data.episode import EnvironmentSet
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
