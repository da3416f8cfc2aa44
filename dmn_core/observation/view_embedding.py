"""Observation model of the view-embedding map: the paper's network.

The convolutions that no particle changes are done once per map (`prepare_map`) or once per image
(`encode_query`); per particle remain one small convolution of the attended keys, the comparison
network CNN6 and FC1.

Source: paper section IV-B and appendix A.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from dmn_core.attention import EgocentricAttention
from dmn_core.geometry import pose_features
from dmn_core.map_editing import select
from dmn_core.mapping import EMBEDDING_CHANNELS
from dmn_core.networks import (
    QUERY_FEATURES,
    QUERY_KEY,
    QUERY_STEM,
    VIEW_VALUE,
    ConvStack,
    rows,
)
from dmn_core.observation.comparison import Comparison
from dmn_core.observation.localization_network import (
    EncodedQuery,
    LocalizationNetwork,
    PreparedMap,
    QueryKeys,
)
from dmn_core.observation.network_config import NetworkConfig
from dmn_core.views import ViewMap

# Order of CNN6's inputs; without the egocentric view the particle's pose follows.
COMPARISON_INPUTS = {"value": 64, "key": 32, "query": 64}
POSE_INPUT = {"pose": 4}
# Of the size of a view's first layer, held at once for a particle.
FEATURE_IMAGES = 4


@dataclass(frozen=True)
class PreparedViews(PreparedMap):
    """Views with everything computed that no query and no particle changes.

    Attributes:
        view_responses: (B, N, 64, h, w) first layer of CNN2 on the embeddings.
        value_responses: (B, N, 64, h, w) first layer of CNN6 on the values (CNN4).
    """

    view_responses: Tensor
    value_responses: Tensor

    @property
    def features_per_particle(self) -> int:
        """The mixture of views, and what is compared with the query."""
        return FEATURE_IMAGES * self.view_responses[0, 0].numel()


@dataclass(frozen=True)
class KeyedQuery(EncodedQuery):
    """A query image that views are compared with.

    Attributes:
        key: (B, 32, h, w) output of CNN3; None for a network without attention.
    """

    key: Tensor | None


class ObservationModel(LocalizationNetwork[PreparedViews, KeyedQuery]):
    """The network of the paper: CNN1 to CNN6 and FC1."""

    def __init__(self, config: NetworkConfig | None = None) -> None:
        """Build the network with freshly drawn weights."""
        config = config or NetworkConfig()
        super().__init__(config)
        self.attention = EgocentricAttention(
            EMBEDDING_CHANNELS,
            weights=config.attention,
            egocentric=config.egocentric,
            environment_scale_m=config.environment_scale_m,
        )
        self.cnn4 = ConvStack(EMBEDDING_CHANNELS, VIEW_VALUE)
        self.query_stem = ConvStack(3, QUERY_STEM)
        self.cnn3 = None if config.attention == "mean" else ConvStack(64, QUERY_KEY)
        self.cnn5 = ConvStack(64, QUERY_FEATURES)
        own_pose = {} if config.egocentric else POSE_INPUT
        self.cnn6 = Comparison({**COMPARISON_INPUTS, **own_pose})
        height, width = config.feature_size
        self.fc1 = self._new_head(64 * height * width)

    def prepare_map(self, view_map: ViewMap) -> PreparedViews:
        """Do once per map what no query changes."""
        embeddings = view_map.embeddings
        responses = self.cnn6.read("value", self.cnn4(embeddings.flatten(0, 1)))
        return PreparedViews(
            view_map.poses_map_camera,
            self.attention.view_responses(embeddings),
            responses.unflatten(0, embeddings.shape[:2]),
        )

    def update_map(
        self, before: PreparedViews, view_map: ViewMap, known: Sequence[int | None]
    ) -> PreparedViews:
        """What `prepare_map` gives; only views that are new are computed."""
        new = [index for index, place in enumerate(known) if place is None]
        views = before.poses_map_camera.shape[1]
        places = [
            place if place is not None else views + new.index(i) for i, place in enumerate(known)
        ]
        parts = [before, self.prepare_map(select(view_map, new))] if new else [before]
        return PreparedViews(
            *(
                torch.cat([getattr(part, field.name) for part in parts], dim=1)[:, places]
                for field in fields(PreparedViews)
            )
        )

    def encode_query(self, images: Tensor) -> KeyedQuery:
        """Do once per query image (B, 3, H, W) in [-1, 1] what no particle changes."""
        stem = self.query_stem(images)
        response = self.cnn6.read("query", self.cnn5(stem), with_bias=True)
        return KeyedQuery(response, None if self.cnn3 is None else self.cnn3(stem))

    def query_keys(self, images: Tensor) -> QueryKeys:
        """Keys (B, 32, h, w) of query images (B, 3, H, W) in [-1, 1], as `encode_query` finds.

        Raises:
            ConfigurationError: this network attends to no views.
        """
        if self.cnn3 is None:
            return super().query_keys(images)
        return QueryKeys(self.cnn3(self.query_stem(images)))

    def comparison(self, prepared: PreparedViews, query: KeyedQuery, poses: Tensor) -> Tensor:
        """What FC1 reads at poses (B, K, 3): the flattened output of CNN6 (B, K, h w 64)."""
        coordinates = self.attention.coordinates(prepared.poses_map_camera, poses)
        attended = self.attention(prepared.view_responses, coordinates, query.key)
        height, width = query.response.shape[-2:]
        values = torch.bmm(attended.weights, rows(prepared.value_responses))
        keys = rows(self.cnn6.read("key", attended.keys.flatten(0, 1)))
        x = keys.unflatten(0, poses.shape[:2]) + values + rows(query.response).unsqueeze(1)
        if not self.config.egocentric:
            seen = pose_features(poses, environment_scale_m=self.config.environment_scale_m)
            x = x + self.cnn6.read_tiled("pose", seen, height=height, width=width)
        return self.cnn6.finish(x, height=height, width=width)

    def attention_scores(
        self, prepared: PreparedViews, query: KeyedQuery | QueryKeys, poses: Tensor
    ) -> Tensor:
        """Scaled scalar products of view keys and query keys: (B, T, K, N).

        Queries of a map share its particles, which need no convolution each.
        """
        if query.key is None:
            return super().attention_scores(prepared, query, poses)
        coordinates = self.attention.coordinates(prepared.poses_map_camera, poses)
        keys = query.key.unflatten(0, (len(poses), -1))
        return self.attention.scores(prepared.view_responses, coordinates, keys)
