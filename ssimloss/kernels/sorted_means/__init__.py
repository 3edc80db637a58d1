"""The mean distance of the sorted values of each plane."""

from ssimloss.kernels.sorted_means.operator import SORTED_MEANS, differentiated, sorted_means

__all__ = ["SORTED_MEANS", "differentiated", "sorted_means"]
