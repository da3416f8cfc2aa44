"""Episodes through the encoders of a network, each map once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from dmn_core.data.episode import Episodes
from dmn_core.observation import (
    EncodedQuery,
    KeyedQuery,
    LocalizationNetwork,
    PreparedMap,
    QueryKeys,
)
from dmn_core.views import ViewMap, to_network_input

AnyNetwork = LocalizationNetwork[Any, Any]


@dataclass(frozen=True)
class EncodedEpisodes:
    """B episodes of T queries, encoded.

    Attributes:
        episodes: what was encoded.
        maps: B maps.
        query: B T queries, or their keys alone, of which only attention can be asked.
    """

    episodes: Episodes
    maps: PreparedMap
    query: EncodedQuery | QueryKeys

    @cached_property
    def rows(self) -> PreparedMap:
        """The same maps, each T times: one for every query."""
        return self.maps.repeat(self.episodes.query_poses.shape[1])

    @property
    def truth(self) -> Tensor:
        """Poses (B T, 3) of the queries."""
        return self.episodes.query_poses.flatten(0, 1)


def encode_episodes(network: AnyNetwork, episodes: Episodes) -> EncodedEpisodes:
    """Encode maps once, and every query."""
    embeddings = network.encode_views(to_network_input(episodes.context_images))
    maps = network.prepare_map(ViewMap(embeddings, episodes.context_poses))
    query = network.encode_query(to_network_input(episodes.query_images.flatten(0, 1)))
    return EncodedEpisodes(episodes, maps, query)


def encode_keys(
    network: AnyNetwork, episodes: Episodes, compared: EncodedEpisodes
) -> EncodedEpisodes:
    """The keys (B T, 32, h, w) of all queries of episodes whose maps and first queries are encoded.

    Only the others are looked at, and only as far as attention needs it.

    Raises:
        ConfigurationError: the network attends to no views.
    """
    batch, done = compared.episodes.query_poses.shape[:2]
    known = compared.query.key if isinstance(compared.query, KeyedQuery) else None
    others = episodes.query_images[:, done if known is not None else 0 :].flatten(0, 1)
    parts = [] if known is None else [known]
    if len(others):
        parts.append(network.query_keys(to_network_input(others)).key)
    keys = torch.cat([part.unflatten(0, (batch, -1)) for part in parts], dim=1).flatten(0, 1)
    return EncodedEpisodes(episodes, compared.maps, QueryKeys(keys))
