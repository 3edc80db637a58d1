"""The options of kernels that compare two images ``(N, C, H, W)``: numbers and strings."""

import math
from typing import Literal, NamedTuple

from ssimloss.filters import Padding

Part = Literal["ssim", "contrast_structure"]
Pixel = Literal["none", "l1", "l2", "charbonnier"]


class Pixelwise(NamedTuple):
    """A distance per pixel. The fields are the options of the operator, in their order."""

    kind: Literal["l1", "l2", "charbonnier", "huber"]
    eps: float = 0.0  # of the Charbonnier distance; where the Huber distance turns
    # Values beyond these are replaced by the nearest, and have no gradient. None for Huber's.
    low: float = -math.inf
    high: float = math.inf


class Comparison(NamedTuple):
    """The similarity at one scale. The fields are the options of the operators, in their order."""

    window: tuple[float, ...]  # with unit sum
    c1: float
    c2: float
    low: float  # where the data range begins
    part: Part
    padding: Padding

    def map_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the map for images of this size."""
        lost = len(self.window) - 1 if self.padding == "valid" else 0
        return height - lost, width - lost


class Mixed(NamedTuple):
    """``similarity_weight * mean(map) + pixel_weight * mean(pixel distance)`` of each plane."""

    pixel: Pixel = "none"
    eps: float = 0.0  # of the Charbonnier distance
    similarity_weight: float = 1.0
    pixel_weight: float = 0.0


SIMILARITY_ALONE = Mixed()
