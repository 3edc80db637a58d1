"""The mean similarity of each plane at one scale, optionally mixed with a pixel distance."""

from ssimloss.kernels.similarity_means.operator import SIMILARITY_MEANS, similarity_means

__all__ = ["SIMILARITY_MEANS", "similarity_means"]
