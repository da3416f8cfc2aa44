"""Where the views of a map suit an image: cheap scores for places to look for a lost robot."""

from __future__ import annotations

import torch
from torch import Tensor

from dmn_core.observation import LocalizationNetwork, PreparedMap
from dmn_core.observation.localization_network import FEATURES_PER_CHUNK, EncodedQuery


def attends_to_views(network: LocalizationNetwork) -> bool:
    """Whether `view_scores` can be asked of a network."""
    return network.config.map == "view_embedding" and network.config.attention != "mean"


def view_scores(
    network: LocalizationNetwork, prepared: PreparedMap, query: EncodedQuery, poses: Tensor
) -> Tensor:
    """The attention score of the best view at every pose: (B, K, 3) -> (B, K).

    It takes neither the convolution nor the comparison that a likelihood takes for every pose. Best
    used where `attends_to_views`.
    """
    chunk = max(1, FEATURES_PER_CHUNK // (prepared.features_per_particle * len(poses)))
    parts = [
        network.attention_scores(prepared, query, part).squeeze(1).amax(-1)
        for part in poses.split(chunk, dim=1)
    ]
    return torch.cat(parts, dim=1).float()
