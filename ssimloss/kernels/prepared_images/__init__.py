"""Preparation of both images as in another implementation: crop, scale, clamp, round, luma."""

from ssimloss.kernels.prepared_images.cpu import packed
from ssimloss.kernels.prepared_images.operator import (
    PREPARED_IMAGES,
    check_steps,
    prepared_images,
)
from ssimloss.kernels.prepared_images.steps import Steps

__all__ = ["PREPARED_IMAGES", "Steps", "check_steps", "packed", "prepared_images"]
