"""The mean deviation of the fourth root of a similarity, of MDSI, and its gradients."""

from ssimloss.kernels.similarity_deviation.operator import (
    SIMILARITY_DEVIATION,
    similarity_deviation,
)
from ssimloss.kernels.similarity_deviation.similarity import SimilarityOptions

__all__ = ["SIMILARITY_DEVIATION", "SimilarityOptions", "similarity_deviation"]
