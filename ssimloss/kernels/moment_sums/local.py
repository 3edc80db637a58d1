"""The options of ``moment_sums``."""

from typing import Literal, NamedTuple

from ssimloss.filters import Padding
from ssimloss.kernels.comparison import Comparison

LocalKind = Literal["similarity", "structure", "edge_similarity", "scales_and_distance"]
WITH_MASK = ("similarity", "structure")


class Local(NamedTuple):
    """Options of the operator, in its order.

    ``"similarity"`` is SSIM. ``"structure"`` is r*, where ``c1`` is the variance of a flat window
    and ``c2`` that of low contrast. ``"edge_similarity"`` is G-SSIM. ``"scales_and_distance"`` is
    ``weights[0] * (1 - MS-SSIM) + weights[1] * |x - y|`` of :func:`ms_ssim_l1_loss`.
    """

    kind: LocalKind
    # With unit sum: one window, or the windows of the scales and then of the distance, joined.
    windows: tuple[float, ...]
    lengths: tuple[int, ...]  # of these windows
    c1: float
    c2: float
    low: float  # where the data range begins
    padding: Padding
    weights: tuple[float, ...] = ()

    def widest(self) -> Comparison:
        """A comparison with the last window, which must be the longest.

        Raises:
            ValueError: the windows are not of these lengths.
        """
        last = self.lengths[-1] if self.lengths else 0
        several = self.kind == "scales_and_distance"
        if (
            sum(self.lengths) != len(self.windows)
            or not all(1 <= length <= last for length in self.lengths)
            or any((last - length) % 2 for length in self.lengths)
            or (len(self.lengths) < 2 if several else len(self.lengths) != 1)
            or len(self.weights) != (2 if several else 0)
        ):
            raise ValueError(
                f"windows of {len(self.windows)} taps in all and weights {self.weights} do not fit "
                f"the lengths {self.lengths} of kind {self.kind!r}"
            )
        window = self.windows[len(self.windows) - last :]
        return Comparison(window, self.c1, self.c2, self.low, "ssim", self.padding)
