"""Observation model: how likely is a query image at a pose, given a map.

Source: paper section IV-B and appendix A. The convolutions that no particle changes are done once
per map (`prepare_map`) or once per image (`encode_query`); per particle remain one small
convolution of the attended keys, the comparison network CNN6 and FC1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dmn_core.attention import (
    AttentionWeights,
    EgocentricAttention,
    constant_channel_responses,
    feature_images,
    rows,
)
from dmn_core.errors import ConfigurationError
from dmn_core.geometry import pose_features
from dmn_core.mapping import ViewEncoder
from dmn_core.networks import (
    COMPARISON,
    QUERY_FEATURES,
    QUERY_KEY,
    QUERY_STEM,
    VIEW_VALUE,
    ConvStack,
    LikelihoodHead,
)
from dmn_core.views import ViewMap

EMBEDDING_CHANNELS = 64
# Order of CNN6's inputs; the pose only without the egocentric view.
COMPARISON_INPUTS = {"value": (0, 64), "key": (64, 96), "query": (96, 160), "pose": (160, 164)}
# Floats of per-particle, per-view features held at once when no gradient is wanted.
FEATURES_PER_CHUNK = 2**22


@dataclass(frozen=True)
class NetworkConfig:
    """Shape and variants of the network.

    Attributes:
        image_height, image_width: pixels; multiples of 4. Paper: 32x32, or 104x208 panoramas.
        attention: weights over views: softmax of scaled scalar products, the products themselves,
            or the plain mean (the ablation without attention).
        egocentric: viewpoints relative to the particle; False is the ablation of Table VI.
        final_relu: a relu on the log-likelihood, as the paper prints FC1.
        environment_scale_m: metres that the network sees as 1.
    """

    image_height: int = 32
    image_width: int = 32
    attention: AttentionWeights = "softmax"
    egocentric: bool = True
    final_relu: bool = False
    environment_scale_m: float = 20.0

    def __post_init__(self) -> None:
        """Refuse sizes that two halvings do not divide, and unknown variants."""
        for name in ("image_height", "image_width"):
            size = getattr(self, name)
            if size < 4 or size % 4:
                raise ConfigurationError(f"{name} wants a positive multiple of 4, got {size!r}")
        if self.attention not in ("softmax", "scalar_product", "mean"):
            raise ConfigurationError(
                f"attention wants softmax, scalar_product or mean, got {self.attention!r}"
            )
        if not self.environment_scale_m > 0:
            raise ConfigurationError(
                f"environment_scale_m wants metres above 0, got {self.environment_scale_m!r}"
            )


@dataclass(frozen=True)
class PreparedMap:
    """A map with everything computed that no query and no particle changes.

    Attributes:
        view_responses: (B, N, 64, h, w) first layer of CNN2 on the embeddings.
        value_responses: (B, N, 64, h, w) first layer of CNN6 on the values (CNN4).
        poses_map_camera: (B, N, 3) viewpoints.
    """

    view_responses: Tensor
    value_responses: Tensor
    poses_map_camera: Tensor


@dataclass(frozen=True)
class EncodedQuery:
    """A query image as the particles need it.

    Attributes:
        key: (B, 32, h, w) output of CNN3.
        response: (B, 64, h, w) first layer of CNN6 on the query features (CNN5), with its bias.
    """

    key: Tensor
    response: Tensor


class ObservationModel(nn.Module):
    """The network of the paper: CNN1 to CNN6 and FC1."""

    def __init__(self, config: NetworkConfig | None = None) -> None:
        """Build the network with freshly drawn weights."""
        super().__init__()
        self.config = config = config or NetworkConfig()
        self.view_encoder = ViewEncoder()
        self.attention = EgocentricAttention(
            EMBEDDING_CHANNELS,
            weights=config.attention,
            egocentric=config.egocentric,
            environment_scale_m=config.environment_scale_m,
        )
        self.cnn4 = ConvStack(EMBEDDING_CHANNELS, VIEW_VALUE)
        self.query_stem = ConvStack(3, QUERY_STEM)
        self.cnn3 = ConvStack(64, QUERY_KEY)
        self.cnn5 = ConvStack(64, QUERY_FEATURES)
        compared = COMPARISON_INPUTS["query" if config.egocentric else "pose"][1]
        self.cnn6 = ConvStack(compared, COMPARISON)
        features = 64 * (config.image_height // 4) * (config.image_width // 4)
        self.fc1 = LikelihoodHead(features, final_relu=config.final_relu)

    def encode_views(self, images: Tensor) -> Tensor:
        """Context images (B, N, 3, H, W) in [-1, 1] -> embeddings (B, N, 64, H/4, W/4)."""
        embeddings: Tensor = self.view_encoder(images)
        return embeddings

    def prepare_map(self, view_map: ViewMap) -> PreparedMap:
        """Do once per map what no query changes."""
        embeddings = view_map.embeddings
        values = self.cnn4(embeddings.flatten(0, 1))
        responses = F.conv2d(values, self._comparison_kernel("value"), padding=1)
        return PreparedMap(
            self.attention.view_responses(embeddings),
            responses.unflatten(0, embeddings.shape[:2]),
            view_map.poses_map_camera,
        )

    def encode_query(self, images: Tensor) -> EncodedQuery:
        """Do once per query image (B, 3, H, W) in [-1, 1] what no particle changes."""
        stem = self.query_stem(images)
        bias = self.cnn6.convolution(0).bias
        response = F.conv2d(self.cnn5(stem), self._comparison_kernel("query"), bias, padding=1)
        return EncodedQuery(self.cnn3(stem), response)

    def log_likelihood(self, prepared: PreparedMap, query: EncodedQuery, poses: Tensor) -> Tensor:
        """Unnormalised log-likelihood of the query image at poses (B, K, 3) [m, m, rad] -> (B, K).

        Without gradients the particles are worked through in chunks, which bounds the memory.
        """
        if torch.is_grad_enabled():
            return self.compare(prepared, query, poses)[0]
        per_particle = prepared.view_responses[0].numel() * len(poses)
        chunk = max(1, FEATURES_PER_CHUNK // per_particle)
        parts = [self.compare(prepared, query, part)[0] for part in poses.split(chunk, dim=1)]
        return torch.cat(parts, dim=1)

    def compare(
        self, prepared: PreparedMap, query: EncodedQuery, poses: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Log-likelihood (B, K) and attention scores (B, K, N) at poses (B, K, 3)."""
        coordinates = self.attention.coordinates(prepared.poses_map_camera, poses)
        attended = self.attention(prepared.view_responses, coordinates, query.key)
        batch, count = poses.shape[:2]
        height, width = query.response.shape[-2:]
        values = torch.bmm(attended.weights, rows(prepared.value_responses))
        x = F.conv2d(attended.keys.flatten(0, 1), self._comparison_kernel("key"), padding=1)
        x = rows(x).unflatten(0, (batch, count)) + values + rows(query.response).unsqueeze(1)
        if not self.config.egocentric:
            x = x + self._pose_response(poses, height=height, width=width)
        x = feature_images(torch.relu(x).flatten(0, 1), height=height, width=width)
        x = self.cnn6.tail(x, first=1)
        return self.fc1(rows(x)).view(batch, count), attended.scores

    def _comparison_kernel(self, part: str) -> Tensor:
        """Slice of CNN6's first layer that reads one part of its input."""
        start, stop = COMPARISON_INPUTS[part]
        return self.cnn6.convolution(0).weight[:, start:stop]

    def _pose_response(self, poses: Tensor, *, height: int, width: int) -> Tensor:
        """First layer of CNN6 on the particle's tiled pose, without the egocentric view."""
        features = pose_features(poses, environment_scale_m=self.config.environment_scale_m)
        kernel = self._comparison_kernel("pose")
        return features @ constant_channel_responses(kernel, height=height, width=width)
