"""The options of ``block_means``: weights of channels, and blocks."""

from typing import Literal, NamedTuple, get_args

# "zeros" is MATLAB's ``conv2(image, ones(f) / f^2, 'same')(1:f:end, 1:f:end)``: the first block
# begins floor((f - 1) / 2) before the image. "zeros_after" begins at the first pixel. "replicate"
# repeats the border pixels, floor(f / 2) before the image and the rest of f - 1 behind. "drop"
# begins at the first pixel. Both leave incomplete blocks out.
BlockBorder = Literal["zeros", "zeros_after", "replicate", "drop"]
BLOCK_BORDERS: tuple[str, ...] = get_args(BlockBorder)


class Blocks(NamedTuple):
    """The options of the operator, in its order."""

    weights: tuple[float, ...]  # weights of the channels, row by row
    low: float = 0.0  # subtracted from each pixel
    factor: int = 1  # side of a block
    border: BlockBorder = "zeros"

    @property
    def before(self) -> int:
        """Pixels by which the first block begins before the image."""
        return {"zeros": (self.factor - 1) // 2, "replicate": self.factor // 2}.get(self.border, 0)

    def size(self, length: int) -> int:
        """The number of blocks along so many pixels."""
        return length // self.factor if self.border == "drop" else -(-length // self.factor)
