"""Which channels and which blocks are averaged: numbers and words."""

from typing import Literal, NamedTuple


class Blocks(NamedTuple):
    """The fields are the options of the operator, in their order."""

    weights: tuple[float, ...]  # of the channels, one row after the other
    low: float = 0.0  # subtracted from each pixel
    factor: int = 1  # side of a block
    # "zeros" is MATLAB's ``conv2(image, ones(f) / f^2, 'same')(1:f:end, 1:f:end)``: the first block
    # begins floor((f - 1) / 2) before the image. "drop" leaves incomplete blocks out.
    border: Literal["zeros", "drop"] = "zeros"

    @property
    def before(self) -> int:
        """Pixels by which the first block begins before the image."""
        return (self.factor - 1) // 2 if self.border == "zeros" else 0

    def size(self, length: int) -> int:
        """How many blocks stand side by side on so many pixels."""
        return -(-length // self.factor) if self.border == "zeros" else length // self.factor
