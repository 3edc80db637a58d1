"""The map of similarities at one scale."""

from ssimloss.kernels.similarity_map.operator import SIMILARITY_MAP, similarity_map

__all__ = ["SIMILARITY_MAP", "similarity_map"]
