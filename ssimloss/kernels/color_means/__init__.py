"""The mean colour difference CIEDE2000 of each image, and its gradients."""

from ssimloss.kernels.color_means.colors import Colors
from ssimloss.kernels.color_means.operator import COLOR_MEANS, color_means

__all__ = ["COLOR_MEANS", "Colors", "color_means"]
