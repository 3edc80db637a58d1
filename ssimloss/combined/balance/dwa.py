"""Dynamic weight average: terms that fall slowly get more weight.

Liu, Johns and Davison 2019, "End-to-end multi-task learning with attention", eq. 7:
w_k = T softmax_k(r_k / temperature), r_k = L_k(t - 1) / L_k(t - 2).
"""

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._keywords import keywords
from ssimloss.combined.balance.norms import is_usable
from ssimloss.combined.balance.protocol import Balance


class DWA(Balance):
    """Factors from how much each term's value fell between the last two windows of calls.

    Args:
        window: number of calls over which a value is averaged; an epoch in the paper.
        temperature: temperature of the softmax. Larger values make the factors more equal.

    Raises:
        TypeError: a setting is not a number.
        ValueError: it is not positive.
    """

    @keywords()
    def __init__(self, *, window: int = 100, temperature: float = 2.0) -> None:
        """Check the settings; see the class."""
        self.window = _checks.count("window", window)
        self.temperature = _checks.positive("temperature", temperature)

    def weights(self, norms: Tensor, cosines: Tensor, values: Tensor, step: int) -> Tensor:  # noqa: ARG002
        """The factors; 1 until two windows are full."""
        last, before = self.recall("last", values), self.recall("before", values)
        here = is_usable(norms) & is_usable(values)
        known = (last > 0) & (before > 0)
        ratio = torch.where(known, last / before.clamp(min=torch.finfo(before.dtype).tiny), 1.0)
        scores = torch.where(here, torch.exp(ratio.clamp(max=MOST) / self.temperature), 0.0)
        factors = scores * here.sum() / scores.sum().clamp(min=1.0)
        total = self.recall("sum", values) + torch.where(here, values, 0.0)
        count = self.recall("count", values) + here
        is_full = count >= self.window
        self.keep(
            last=torch.where(is_full, total / count, last),
            before=torch.where(is_full, last, before),
            sum=torch.where(is_full, 0.0, total),
            count=torch.where(is_full, 0.0, count),
        )
        return torch.where(here, factors, 1.0)


MOST = 50.0  # a ratio beyond it would overflow the exponential and make the others 0
