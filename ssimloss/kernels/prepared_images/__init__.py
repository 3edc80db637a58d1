"""Both images as a program prepares them before it compares them."""

from ssimloss.kernels.prepared_images.operator import PREPARED_IMAGES, prepared_images
from ssimloss.kernels.prepared_images.steps import Steps

__all__ = ["PREPARED_IMAGES", "Steps", "prepared_images"]
