"""The latent image map: embeddings and viewpoints of all contexts made into one feature image.

Source: paper section V-B; its layers are ours, docs/decisions/0013-latent-maps.md.
"""

from __future__ import annotations

from torch import Tensor, nn

from dmn_core.mapping.view_embedding import EMBEDDING_CHANNELS
from dmn_core.mapping.viewpoint_channels import with_viewpoint_channels
from dmn_core.networks import LATENT_IMAGE, POSE_CHANNELS, ConvStack
from dmn_core.views import ViewMap


class LatentImageEncoder(nn.Module):
    """Every context to an image of features; the map is their mean."""

    def __init__(self, *, environment_scale_m: float) -> None:
        """Build the layers for embeddings beside their viewpoints."""
        super().__init__()
        self.environment_scale_m = environment_scale_m
        self.cnn = ConvStack(EMBEDDING_CHANNELS + POSE_CHANNELS, LATENT_IMAGE)

    def forward(self, view_map: ViewMap) -> Tensor:
        """Maps of N views -> images (B, 64, h, w)."""
        contexts = with_viewpoint_channels(view_map, environment_scale_m=self.environment_scale_m)
        images: Tensor = self.cnn(contexts)
        return images.unflatten(0, (-1, view_map.n_views)).mean(dim=1)
