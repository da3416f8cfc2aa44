"""Embeddings with their viewpoints beside them, as the latent maps read them."""

from __future__ import annotations

import torch
from torch import Tensor

from dmn_core.geometry import pose_features
from dmn_core.views import ViewMap


def with_viewpoint_channels(view_map: ViewMap, *, environment_scale_m: float) -> Tensor:
    """Embeddings and their viewpoints in the map frame, tiled: (B N, D + 4, h, w).

    Source: paper section V-B.
    """
    embeddings = view_map.embeddings.flatten(0, 1)
    poses = view_map.poses_map_camera.flatten(0, 1)
    features = pose_features(poses, environment_scale_m=environment_scale_m).to(embeddings.dtype)
    tiled = features[:, :, None, None].expand(-1, -1, *embeddings.shape[-2:])
    return torch.cat((embeddings, tiled), dim=1)
