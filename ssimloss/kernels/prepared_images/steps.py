"""The steps of the preparation, and the shape of the result."""

from collections.abc import Sequence
from typing import NamedTuple


class Steps(NamedTuple):
    """Options of the operator, in its order; ``conventions.preparation`` defines them."""

    low: float  # where the data range begins
    span: float
    clamp: bool
    quantize: bool  # to 256 levels; only clamped images are
    round: bool  # to whole 8-bit codes at the end
    crop: int  # pixels removed at each side
    # Weights of R, G and B, or of their levels if quantized, and the offset; empty: all channels.
    weights: tuple[float, ...]

    def shape(self, images: Sequence[int]) -> tuple[int, ...]:
        """The shape of both prepared images, ``(2, N, C', H', W')``."""
        n, c, height, width = images
        return 2, n, 1 if self.weights else c, height - 2 * self.crop, width - 2 * self.crop
