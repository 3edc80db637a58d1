"""Scales each term so that its share of the gradient at the output, |w_k g_k|, is its weight."""

import math

import torch
from torch import Tensor

from ssimloss._keywords import keywords
from ssimloss.combined.balance.averages import checked_bounds, checked_decay, inverse, moving
from ssimloss.combined.balance.protocol import Balance


class GradientShare(Balance):
    """The weights of the terms are their shares of the gradient at the output.

    The weight of term k is multiplied by ``1 / (sqrt(n) * mean |g_k|)``, where ``mean |g_k|`` is a
    moving average of the norm of its gradient, and n is the number of elements of ``pred``. A term
    of weight b then has a gradient as large as that of ``b * L1Loss()``, whose norm is
    ``b / sqrt(n)``. Its share is b divided by the sum of all weights; without weights, all shares
    are equal. The scale of a term does not matter. Learning rates and gradient clipping that suit
    an L1 loss suit the sum.

    Schedules and ``set_weight`` act on the shares.

    Args:
        decay: decay of the moving average over calls; 0 uses the norm of each call alone. After a
            jump of a term's gradient, its share is at most ``1 / (1 - decay)`` times too large.
        bounds: the least and the largest factor.

    Raises:
        TypeError: a setting is not a number.
        ValueError: ``decay`` is not in [0, 1), or the bounds are negative or not in order.
    """

    @keywords()
    def __init__(self, *, decay: float = 0.9, bounds: tuple[float, float] = (1e-8, 1e8)) -> None:
        """Check the settings; see the class."""
        self.decay, self.bounds = checked_decay(decay), checked_bounds(bounds)

    def weights(self, norms: Tensor, cosines: Tensor, values: Tensor, step: int) -> Tensor:  # noqa: ARG002
        """Return the factors; 0 for a term that has had no gradient yet."""
        mean = moving(self.recall("norms", norms), norms, self.decay)
        self.keep(norms=mean)
        factors = (inverse(mean) / math.sqrt(self.elements)).clamp(*self.bounds)
        return torch.where(mean > 0, factors, 0.0)
