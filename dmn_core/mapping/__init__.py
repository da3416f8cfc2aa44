"""Maps learned from views: the paper's view-embedding map."""

from dmn_core.mapping.view_embedding import ViewEncoder

__all__ = ["ViewEncoder"]
