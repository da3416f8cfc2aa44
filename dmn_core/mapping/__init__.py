"""Maps learned from views: the paper's view-embedding map and the two it is compared with."""

from dmn_core.mapping.latent_image import LatentImageEncoder
from dmn_core.mapping.latent_vector import LatentVectorEncoder
from dmn_core.mapping.view_embedding import EMBEDDING_CHANNELS, ViewEncoder

__all__ = ["EMBEDDING_CHANNELS", "LatentImageEncoder", "LatentVectorEncoder", "ViewEncoder"]
