"""Weighted sums of channels, such as luma, and means of their blocks of pixels."""

from ssimloss.kernels.block_means.blocks import BlockBorder, Blocks
from ssimloss.kernels.block_means.operator import BLOCK_MEANS, block_means

__all__ = ["BLOCK_MEANS", "BlockBorder", "Blocks", "block_means"]
