"""From a configuration to its network."""

from __future__ import annotations

from typing import Any

from dmn_core.observation.latent_image import LatentImageNetwork
from dmn_core.observation.latent_vector import LatentVectorNetwork
from dmn_core.observation.localization_network import LocalizationNetwork
from dmn_core.observation.network_config import NetworkConfig
from dmn_core.observation.view_embedding import ObservationModel

NETWORKS: dict[str, type[LocalizationNetwork[Any, Any]]] = {
    "view_embedding": ObservationModel,
    "latent_image": LatentImageNetwork,
    "latent_vector": LatentVectorNetwork,
}


def build_network(config: NetworkConfig | None = None) -> LocalizationNetwork[Any, Any]:
    """The network of `config` with freshly drawn weights; the paper's if None."""
    config = config or NetworkConfig()
    return NETWORKS[config.map](config)
