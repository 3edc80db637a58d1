"""The mean pixel distance of each image."""

from ssimloss.kernels.pixel_means.operator import PIXEL_MEANS, pixel_means

__all__ = ["PIXEL_MEANS", "pixel_means"]
