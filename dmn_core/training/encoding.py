"""Episodes through the encoders of a network, each map once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
        rows: the same maps, each T times: one for every query.
        query: B T queries.
        truth: (B T, 3) their poses.
    """

    episodes: Episodes
    maps: PreparedMap
    rows: PreparedMap
    query: EncodedQuery
    truth: Tensor


def encode_episodes(network: AnyNetwork, episodes: Episodes) -> EncodedEpisodes:
    """Encode maps once, and every query."""
    embeddings = network.encode_views(to_network_input(episodes.context_images))
    maps = network.prepare_map(ViewMap(embeddings, episodes.context_poses))
    query = network.encode_query(to_network_input(episodes.query_images.flatten(0, 1)))
    rows = maps.repeat(episodes.query_poses.shape[1])
    return EncodedEpisodes(episodes, maps, rows, query, episodes.query_poses.flatten(0, 1))
