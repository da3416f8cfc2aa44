"""Observation model of the latent vector map: 256 numbers for a whole place.

Of the comparison's first layer, the map's part is computed once per map, the query's once per
image; a particle adds its pose, four numbers times four fixed vectors.

Source: paper section V-B.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from dmn_core.geometry import pose_features
from dmn_core.mapping import LatentVectorEncoder
from dmn_core.networks import (
    LATENT_VECTOR_SIZE,
    POSE_CHANNELS,
    QUERY_FEATURES,
    QUERY_STEM,
    ConvStack,
    dense,
    rows,
)
from dmn_core.observation.localization_network import (
    EncodedQuery,
    LocalizationNetwork,
    PreparedMap,
)
from dmn_core.observation.network_config import NetworkConfig
from dmn_core.views import ViewMap

COMPARED = 512
# Order of the comparison's inputs: map, query, pose.
INPUT_SIZES = (LATENT_VECTOR_SIZE, LATENT_VECTOR_SIZE, POSE_CHANNELS)


@dataclass(frozen=True)
class PreparedVector(PreparedMap):
    """A latent vector with everything computed that no query and no particle changes.

    Attributes:
        response: (B, 512) first layer of the comparison on the vector.
    """

    response: Tensor

    @property
    def features_per_particle(self) -> int:
        """A layer of the comparison."""
        return self.response[0].numel()


class LatentVectorNetwork(LocalizationNetwork[PreparedVector, EncodedQuery]):
    """Latent vector map and query compared at the particle's pose in the map frame."""

    def __init__(self, config: NetworkConfig) -> None:
        """Build the network with freshly drawn weights."""
        super().__init__(config)
        height, width = config.feature_size
        self.map_encoder = LatentVectorEncoder(
            height=height, width=width, environment_scale_m=config.environment_scale_m
        )
        self.query_stem = ConvStack(3, QUERY_STEM)
        self.cnn5 = ConvStack(64, QUERY_FEATURES)
        self.query_dense = dense(64 * height * width, LATENT_VECTOR_SIZE)
        self.compared = dense(sum(INPUT_SIZES), COMPARED)
        self.fc1 = self._new_head(COMPARED)

    def prepare_map(self, view_map: ViewMap) -> PreparedVector:
        """Average the contexts into one vector."""
        vectors = self.map_encoder(view_map)
        return PreparedVector(view_map.poses_map_camera, F.linear(vectors, self._kernels()[0]))

    def encode_query(self, images: Tensor) -> EncodedQuery:
        """Do once per query image (B, 3, H, W) in [-1, 1] what no particle changes."""
        features = rows(self.cnn5(self.query_stem(images)))
        vectors = torch.relu(self.query_dense(features))
        return EncodedQuery(F.linear(vectors, self._kernels()[1], self.compared.bias))

    def comparison(self, prepared: PreparedVector, query: EncodedQuery, poses: Tensor) -> Tensor:
        """What FC1 reads at poses (B, K, 3): (B, K, 512)."""
        place = pose_features(poses, environment_scale_m=self.config.environment_scale_m)
        x = F.linear(place, self._kernels()[2])
        return torch.relu(x + (prepared.response + query.response).unsqueeze(1))

    def _kernels(self) -> tuple[Tensor, Tensor, Tensor]:
        """Columns of the comparison's first layer that read the map, the query and the pose."""
        of_map, of_query, of_pose = self.compared.weight.split(INPUT_SIZES, dim=1)
        return of_map, of_query, of_pose
