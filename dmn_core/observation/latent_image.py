"""Observation model of the latent image map: one feature image for a whole place.

Of the comparison's first layer, the map's part is computed once per map, the query's once per
image; a particle adds its pose, four numbers times four fixed images.

Source: paper section V-B.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from dmn_core.geometry import pose_features
from dmn_core.mapping import LatentImageEncoder
from dmn_core.networks import (
    POSE_CHANNELS,
    QUERY_FEATURES,
    QUERY_STEM,
    ConvStack,
    rows,
)
from dmn_core.observation.comparison import Comparison
from dmn_core.observation.localization_network import (
    EncodedQuery,
    LocalizationNetwork,
    PreparedMap,
)
from dmn_core.observation.network_config import NetworkConfig
from dmn_core.views import ViewMap

# Order of CNN6's inputs.
COMPARISON_INPUTS = {"map": 64, "query": 64, "pose": POSE_CHANNELS}


@dataclass(frozen=True)
class PreparedImage(PreparedMap):
    """A latent image with everything computed that no query and no particle changes.

    Attributes:
        response: (B, 64, h, w) first layer of CNN6 on the image.
    """

    response: Tensor

    @property
    def features_per_particle(self) -> int:
        """A layer of CNN6."""
        return self.response[0].numel()


class LatentImageNetwork(LocalizationNetwork[PreparedImage, EncodedQuery]):
    """Latent image map and query compared at the particle's pose in the map frame."""

    def __init__(self, config: NetworkConfig) -> None:
        """Build the network with freshly drawn weights."""
        super().__init__(config)
        self.map_encoder = LatentImageEncoder(environment_scale_m=config.environment_scale_m)
        self.query_stem = ConvStack(3, QUERY_STEM)
        self.cnn5 = ConvStack(64, QUERY_FEATURES)
        self.cnn6 = Comparison(COMPARISON_INPUTS)
        height, width = config.feature_size
        self.fc1 = self._new_head(64 * height * width)

    def prepare_map(self, view_map: ViewMap) -> PreparedImage:
        """Average the contexts into one image."""
        response = self.cnn6.read("map", self.map_encoder(view_map))
        return PreparedImage(view_map.poses_map_camera, response)

    def encode_query(self, images: Tensor) -> EncodedQuery:
        """Do once per query image (B, 3, H, W) in [-1, 1] what no particle changes."""
        features = self.cnn5(self.query_stem(images))
        return EncodedQuery(self.cnn6.read("query", features, with_bias=True))

    def comparison(self, prepared: PreparedImage, query: EncodedQuery, poses: Tensor) -> Tensor:
        """What FC1 reads at poses (B, K, 3): the flattened output of CNN6 (B, K, h w 64)."""
        height, width = query.response.shape[-2:]
        place = pose_features(poses, environment_scale_m=self.config.environment_scale_m)
        x = self.cnn6.read_tiled("pose", place, height=height, width=width)
        x = x + rows(prepared.response + query.response).unsqueeze(1)
        return self.cnn6.finish(x, height=height, width=width)
