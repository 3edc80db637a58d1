"""The mean FLIP of each image, and its gradients."""

from ssimloss.kernels.flip_means.flip import Flip
from ssimloss.kernels.flip_means.operator import FLIP_MEANS, flip_means

__all__ = ["FLIP_MEANS", "Flip", "flip_means"]
