"""Observation models: how likely is an image at a pose, or at which pose was it taken, given a map.

Every kind of map has one network; all are `LocalizationNetwork` and are built by `build_network`.

Source: paper sections IV-B and V-B, appendix A.
"""

from dmn_core.observation.build import build_network
from dmn_core.observation.latent_image import LatentImageNetwork
from dmn_core.observation.latent_vector import LatentVectorNetwork
from dmn_core.observation.localization_network import (
    EncodedQuery,
    LocalizationNetwork,
    PreparedMap,
    QueryKeys,
)
from dmn_core.observation.network_config import HeadName, MapName, NetworkConfig
from dmn_core.observation.view_embedding import KeyedQuery, ObservationModel

__all__ = [
    "EncodedQuery",
    "HeadName",
    "KeyedQuery",
    "LatentImageNetwork",
    "LatentVectorNetwork",
    "LocalizationNetwork",
    "MapName",
    "NetworkConfig",
    "ObservationModel",
    "PreparedMap",
    "QueryKeys",
    "build_network",
]
