"""Running medians of gradient norms, for strategies that divide by them.

On a few batches, the gradient of a term can be several hundred times as large as on most. Such a
batch would dominate a mean for many calls; a median ignores it.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import pad

from ssimloss import _checks
from ssimloss.combined.balance.norms import is_usable
from ssimloss.combined.balance.protocol import Balance

MOST = 0.9999  # the norms of 10,001 calls are stored


class RunningMedian(Balance):
    """Base class of strategies that use the median of each norm over the last calls.

    The number of calls is odd, about ``1 / (1 - decay)``: 11 for 0.9, and 1 for 0. Calls without a
    finite norm do not count.
    """

    def __init__(self, decay: float) -> None:
        """Check ``decay``."""
        if not 0.0 <= _checks.number("decay", decay) <= MOST:
            raise ValueError(f"decay must lie in [0, {MOST}], got {decay!r}")
        self.decay = float(decay)
        self._calls = 2 * int(0.5 / (1.0 - self.decay)) + 1

    def _medians(self, norms: Tensor) -> Tensor:
        """The medians of norms ``(K,)`` over this and earlier calls; 0 for a norm that has had no
        call yet. For an even number of calls, as at the start, the lower one of the middle two.
        """
        last = self.recall("last_norms", norms.new_zeros(len(norms), self._calls))
        shifted = torch.cat((norms[:, None], last[:, :-1]), 1)
        last = torch.where(is_usable(norms)[:, None], shifted, last)
        self.keep(last_norms=last)
        count = (last > 0).sum(1, keepdim=True)
        ordered = torch.where(last > 0, last, torch.inf).sort(1).values
        middle = ordered.gather(1, (count - 1).clamp(min=0) // 2)
        return torch.where(count > 0, middle, 0.0)[:, 0]

    def _divisors(self, medians: Tensor, norms: Tensor) -> Tensor:
        """The medians, or ``(1 - decay)`` times the norm of this call where that is larger, so that
        no gradient is more than ``1 / (1 - decay)`` times too large.
        """
        least = torch.where(is_usable(norms), (1.0 - self.decay) * norms, 0.0)
        return torch.maximum(medians, least)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a ``state_dict``, which may be that of another ``decay``. Earlier versions
        stored moving averages under ``norms``; each becomes the norm of one call.
        """
        last = state["norms"][:, None] if "norms" in state else state.get("last_norms")
        found = {} if last is None else {"last_norms": pad(last, (0, self._calls - last.shape[1]))}
        super().load_state_dict(found)
