"""The latent vector map: embeddings and viewpoints of all contexts made into one vector.

Source: paper section V-B; its layers are ours, docs/decisions/0013-latent-maps.md.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dmn_core.mapping.view_embedding import EMBEDDING_CHANNELS
from dmn_core.mapping.viewpoint_channels import with_viewpoint_channels
from dmn_core.networks import (
    LATENT_VECTOR,
    LATENT_VECTOR_SIZE,
    POSE_CHANNELS,
    ConvStack,
    dense,
    rows,
)
from dmn_core.views import ViewMap


class LatentVectorEncoder(nn.Module):
    """Every context to a vector; the map is their mean."""

    def __init__(self, *, height: int, width: int, environment_scale_m: float) -> None:
        """Build the layers for embeddings of this height and width beside their viewpoints."""
        super().__init__()
        self.environment_scale_m = environment_scale_m
        self.cnn = ConvStack(EMBEDDING_CHANNELS + POSE_CHANNELS, LATENT_VECTOR)
        self.dense = dense(self.cnn.specs[-1].filters * height * width, LATENT_VECTOR_SIZE)

    def forward(self, view_map: ViewMap) -> Tensor:
        """Maps of N views -> vectors (B, 256)."""
        contexts = with_viewpoint_channels(view_map, environment_scale_m=self.environment_scale_m)
        vectors = torch.relu(self.dense(rows(self.cnn(contexts))))
        return vectors.unflatten(0, (-1, view_map.n_views)).mean(dim=1)
