"""Scales each term so that its share of the gradient at the output, |w_k g_k|, is its weight."""

import math

import torch
from torch import Tensor

from ssimloss._keywords import keywords
from ssimloss.combined.balance.norms import checked_bounds, inverse
from ssimloss.combined.balance.running_median import RunningMedian


class GradientShare(RunningMedian):
    """The weights of the terms are their shares of the gradient at the output.

    The weight of term k is multiplied by ``1 / (sqrt(n) * median |g_k|)``, where ``median |g_k|``
    is the median norm of its gradient over the last calls, and n is the number of elements of
    ``pred``. A term of weight b then has a gradient as large as that of ``b * L1Loss()``, whose
    norm is ``b / sqrt(n)``. Its share is b divided by the sum of all weights; without weights, all
    shares are equal. The scale of a term does not matter. Learning rates and gradient clipping that
    suit an L1 loss suit the sum.

    A batch on which the gradient of a term is unusually large does not change the weights of later
    calls. A lasting change is followed after half of the calls.

    Schedules and ``set_weight`` act on the shares.

    Args:
        decay: determines the number of calls, about ``1 / (1 - decay)``: 11 for 0.9; 0 uses the
            norm of each call alone. In a call whose gradient is unusually large, the share is at
            most ``1 / (1 - decay)`` times too large.
        bounds: the least and the largest factor.

    Raises:
        TypeError: a setting is not a number.
        ValueError: ``decay`` is not in [0, 0.9999], or the bounds are negative or not in order.
    """

    @keywords()
    def __init__(self, *, decay: float = 0.9, bounds: tuple[float, float] = (1e-8, 1e8)) -> None:
        """Check the settings; see the class."""
        super().__init__(decay)
        self.bounds = checked_bounds(bounds)

    def weights(self, norms: Tensor, cosines: Tensor, values: Tensor, step: int) -> Tensor:  # noqa: ARG002
        """Return the factors; 0 for a term that has had no gradient yet."""
        medians = self._medians(norms)
        factors = inverse(self._divisors(medians, norms)) / math.sqrt(self.elements)
        return torch.where(medians > 0, factors.clamp(*self.bounds), 0.0)
