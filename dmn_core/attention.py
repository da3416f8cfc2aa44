"""Egocentric spatial attention: every particle looks at the views from where it stands.

The second layer of the view key (CNN2) is linear and the particle enters the first layer only
through four constant channels, so nothing of CNN2 is convolved per particle and context: the
functions below compute the same numbers as the layers read one after the other.

Source: paper section IV-B, equations for the attention weights lambda; docs/paper_to_code.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dmn_core.attention_blocks import (
    AttentionWeights,
    attention_mixture,
    attention_products,
)
from dmn_core.geometry import pose_features, relative
from dmn_core.networks import (
    POSE_CHANNELS,
    VIEW_KEY,
    ConvStack,
    constant_channel_responses,
    feature_images,
    rows,
)


@dataclass(frozen=True)
class Attended:
    """What the particles see of the map.

    Attributes:
        weights: (B, K, N) lambda, how much each particle attends to each view.
        keys: (B, K, 32, h, w) attended view keys, the sum of lambda_i times view key i.
    """

    weights: Tensor
    keys: Tensor


class EgocentricAttention(nn.Module):
    """CNN2 and the attention over views."""

    def __init__(
        self,
        channels: int,
        *,
        weights: AttentionWeights = "softmax",
        egocentric: bool = True,
        environment_scale_m: float = 20.0,
    ) -> None:
        """`channels` is the depth of the view embeddings; the rest as in `NetworkConfig`."""
        super().__init__()
        self.cnn2 = ConvStack(channels + POSE_CHANNELS, VIEW_KEY)
        self.channels = channels
        self.weights = weights
        self.egocentric = egocentric
        self.environment_scale_m = environment_scale_m

    def view_responses(self, embeddings: Tensor) -> Tensor:
        """The part of CNN2's first layer that no particle changes: (B, N, D, h, w) -> same."""
        first = self.cnn2.convolution(0)
        images = embeddings.flatten(0, 1)
        response = F.conv2d(images, first.weight[:, : self.channels], first.bias, padding=1)
        return response.unflatten(0, embeddings.shape[:2])

    def coordinates(self, poses_map_viewpoint: Tensor, poses_map_particle: Tensor) -> Tensor:
        """Viewpoints as the particles see them: (B, N, 3), (B, K, 3) -> (B, K, N, 4).

        Without `egocentric` (ablation, Table VI) they stay in the map frame.
        """
        viewpoints = poses_map_viewpoint.unsqueeze(1)
        particles = poses_map_particle.unsqueeze(2)
        seen = relative(particles, viewpoints) if self.egocentric else viewpoints
        features = pose_features(seen, environment_scale_m=self.environment_scale_m)
        return features.expand(-1, poses_map_particle.shape[1], -1, -1)

    def forward(
        self, view_responses: Tensor, coordinates: Tensor, query_key: Tensor | None
    ) -> Attended:
        """Attend to the views.

        Args:
            view_responses: (B, N, D, h, w), from `view_responses`.
            coordinates: (B, K, N, 4), from `coordinates`.
            query_key: (B, 32, h, w), CNN3 of the query image; not looked at where `weights` are
                the mean.
        """
        batch, count = coordinates.shape[:2]
        height, width = view_responses.shape[-2:]
        features = rows(view_responses)
        kind = self.weights
        if kind == "mean" or query_key is None:
            kind, scale = "mean", 1.0
            pulled_back, bias = features[:, 0], features[:, 0, 0]
        else:
            scale = 1 / math.sqrt(query_key[0].numel())
            pulled_back, bias = (x.squeeze(1) for x in self._pull_back(query_key.unsqueeze(1)))
        weights, mixed = attention_mixture(
            coordinates,
            self._tiled(view_responses),
            features,
            pulled_back,
            bias,
            scale=scale,
            weights=kind,
        )
        mixed = feature_images(mixed.flatten(0, 1), height=height, width=width)
        total = weights.sum(-1).flatten()[:, None, None, None]
        second = self.cnn2.convolution(1)
        keys = (
            F.conv2d(mixed, second.weight, padding=1)
            + total * cast(Tensor, second.bias)[:, None, None]
        )
        return Attended(weights, keys.unflatten(0, (batch, count)))

    def scores(self, view_responses: Tensor, coordinates: Tensor, query_keys: Tensor) -> Tensor:
        """Only the scores (B, T, K, N) of `forward`, for queries that share map and particles.

        They need no convolution per particle, and the features of particles serve all queries.

        Args:
            view_responses: (B, N, D, h, w), from `view_responses`.
            coordinates: (B, K, N, 4), from `coordinates`.
            query_keys: (B, T, 32, h, w), CNN3 of T query images.
        """
        pulled_back, bias = self._pull_back(query_keys)
        tiled = self._tiled(view_responses)
        products = attention_products(coordinates, tiled, rows(view_responses), pulled_back)
        return (products + bias[:, :, None, None]) / math.sqrt(query_keys[0, 0].numel())

    def _tiled(self, view_responses: Tensor) -> Tensor:
        """What coordinates of a view add to the first layer of CNN2: (4, h w D)."""
        kernel = self.cnn2.convolution(0).weight[:, self.channels :]
        height, width = view_responses.shape[-2:]
        return constant_channel_responses(kernel, height=height, width=width)

    def _pull_back(self, query_keys: Tensor) -> tuple[Tensor, Tensor]:
        """Query keys (B, T, 32, h, w) as features of the first layer of CNN2, and a constant.

        <query key, U h + b> is <U^T query key, h> + <query key, b>: (B, T, h w D), (B, T).
        """
        second = self.cnn2.convolution(1)
        pulled_back = F.conv_transpose2d(query_keys.flatten(0, 1), second.weight, padding=1)
        pulled_back = rows(pulled_back).unflatten(0, query_keys.shape[:2])
        return pulled_back, torch.einsum("btchw,c->bt", query_keys, second.bias)
