"""The view-embedding map: one embedding per context image, beside its viewpoint.

Source: paper section IV-A.
"""

from __future__ import annotations

from torch import Tensor, nn

from dmn_core.networks import CONTEXT_ENCODER, ConvStack

EMBEDDING_CHANNELS = 64  # the filters of CNN1's last layer


class ViewEncoder(nn.Module):
    """CNN1, shared by all context images."""

    def __init__(self) -> None:
        """Build CNN1 for RGB images of any size that two halvings divide."""
        super().__init__()
        self.cnn1 = ConvStack(3, CONTEXT_ENCODER)

    def forward(self, images: Tensor) -> Tensor:
        """Context images (B, N, 3, H, W) in [-1, 1] -> embeddings (B, N, 64, H/4, W/4)."""
        return self.cnn1(images.flatten(0, 1)).unflatten(0, images.shape[:2])
