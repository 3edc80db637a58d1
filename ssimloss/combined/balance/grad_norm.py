"""Gradient normalisation: terms that learn slowly are given a larger gradient.

Chen et al. 2018, "GradNorm: gradient normalization for adaptive loss balancing in deep multitask
networks", eq. 1 and 2, at the output of the network in place of its last shared layer.
"""

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._keywords import keywords
from ssimloss.combined.balance.averages import is_usable
from ssimloss.combined.balance.protocol import Balance


class GradNorm(Balance):
    """Factors that are trained so that the norms of the weighted gradients meet their target: the
    mean norm times ``r_k ** alpha``, where r_k is how little term k has fallen since its first
    value, in proportion to the mean of all.

    Their logarithms descend the sum of ``|log norm - log target|``, so that neither the scale of a
    term nor that of its gradient matters; the paper's own rule descends the difference itself. The
    factors of the terms at hand are kept at a mean of 1, as there.

    Args:
        alpha: how strongly terms that lag are pulled; 0 makes all norms equal.
        rate: the step of a logarithm at each call.

    Raises:
        TypeError: a setting is not a number.
        ValueError: ``alpha`` is negative, or ``rate`` is not positive.
    """

    @keywords()
    def __init__(self, *, alpha: float = 1.5, rate: float = 0.025) -> None:
        """Check the settings; see the class."""
        self.alpha = _checks.non_negative("alpha", alpha)
        self.rate = _checks.positive("rate", rate)

    def weights(self, norms: Tensor, cosines: Tensor, values: Tensor, step: int) -> Tensor:  # noqa: ARG002
        """The factors of this step; they move for the next one."""
        factors = self.recall("factors", norms, first=1.0)
        first = self.recall("first_values", norms)
        here = is_usable(norms) & is_usable(values)
        first = torch.where(here & (first == 0), values, first)
        base = torch.stack([norms.new_full((), abs(weight)) for weight in self.base])
        pulls = factors * base * norms
        lag = torch.where(here, values / first, 0.0)
        target = _mean(pulls, here) * (lag / _mean(lag, here)) ** self.alpha
        moved = factors * torch.exp(-self.rate * (pulls - target).sign())
        moved = torch.where(here, moved / _mean(moved, here), factors)
        self.keep(factors=moved, first_values=first)
        return factors


def _mean(numbers: Tensor, here: Tensor) -> Tensor:
    """Over the terms at hand."""
    return torch.where(here, numbers, 0.0).sum() / here.sum().clamp(min=1)
