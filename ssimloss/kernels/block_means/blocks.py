"""The options of ``block_means``: weights of channels, and blocks."""

from typing import Literal, NamedTuple


class Blocks(NamedTuple):
    """The options of the operator, in its order."""

    weights: tuple[float, ...]  # weights of the channels, row by row
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
        """The number of blocks along so many pixels."""
        return -(-length // self.factor) if self.border == "zeros" else length // self.factor
