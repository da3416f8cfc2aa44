"""Episodes through the encoders of a network, each map once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from dmn_core.data.episode import Episodes
from dmn_core.observation import EncodedQuery, LocalizationNetwork, PreparedMap
from dmn_core.views import ViewMap, to_network_input

AnyNetwork = LocalizationNetwork[Any, Any]


@dataclass(frozen=True)
class EncodedEpisodes:
    """B episodes of T queries, encoded.

    Attributes:
        episodes: what was encoded.
        maps: B maps.
        query: B T queries.
    """

    episodes: Episodes
    maps: PreparedMap
    query: EncodedQuery

    @cached_property
    def rows(self) -> PreparedMap:
        """The same maps, each T times: one for every query."""
        return self.maps.repeat(self.episodes.query_poses.shape[1])

    @property
    def truth(self) -> Tensor:
        """Poses (B T, 3) of the queries."""
        return self.episodes.query_poses.flatten(0, 1)

    def first(self, queries: int) -> EncodedEpisodes:
        """The same with at most the first `queries` of every episode; 0 for all."""
        batch, count = self.episodes.query_poses.shape[:2]
        if queries == 0 or queries >= count:
            return self
        kept = torch.arange(batch * count, device=self.episodes.query_poses.device)
        kept = kept.view(batch, count)[:, :queries].flatten()
        episodes = replace(
            self.episodes,
            query_images=self.episodes.query_images[:, :queries],
            query_poses=self.episodes.query_poses[:, :queries],
        )
        return EncodedEpisodes(episodes, self.maps, self.query.rows(kept))


def encode_episodes(network: AnyNetwork, episodes: Episodes) -> EncodedEpisodes:
    """Encode maps once, and every query."""
    embeddings = network.encode_views(to_network_input(episodes.context_images))
    maps = network.prepare_map(ViewMap(embeddings, episodes.context_poses))
    query = network.encode_query(to_network_input(episodes.query_images.flatten(0, 1)))
    return EncodedEpisodes(episodes, maps, query)
