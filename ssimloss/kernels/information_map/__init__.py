"""Information at positions of a band of a pyramid, by which IW-SSIM weights them."""

from ssimloss.kernels.information_map.operator import (
    INFORMATION_MAP,
    information_map,
    neighbour_products,
)

__all__ = ["INFORMATION_MAP", "information_map", "neighbour_products"]
