"""Gradient normalisation: terms that learn slowly get a larger gradient.

Chen et al. 2018, "GradNorm: gradient normalization for adaptive loss balancing in deep multitask
networks", eq. 1 and 2, with gradients at the network's output instead of at the last shared layer.
"""

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._keywords import keywords
from ssimloss.combined.balance.norms import is_usable
from ssimloss.combined.balance.protocol import Balance


class GradNorm(Balance):
    """Trains factors that bring the norm of each weighted gradient to a target: the mean norm times
    ``r_k ** alpha``. Here r_k is the value of term k relative to its first value, divided by the
    mean of that ratio over all terms.

    The logarithms of the factors descend the sum of ``|log norm - log target|``, so that the scale
    of a term and of its gradient do not matter. The paper's rule descends ``|norm - target|``. As
    in the paper, the factors of the evaluated terms have a mean of 1.

    Args:
        alpha: how strongly terms that lag behind are scaled up; 0 makes all norms equal.
        rate: step size of the logarithms at each call.

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
        """Return the factors of this step, and update them for the next one."""
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
    """The mean over the evaluated terms."""
    return torch.where(here, numbers, 0.0).sum() / here.sum().clamp(min=1)
