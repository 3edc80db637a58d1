"""The weight of an adversarial term from the ratio of gradients: |g_rest| / |g_adversarial|.

Esser, Rombach and Ommer 2021 (VQGAN), eq. 7, with gradients at the output instead of at the weights
of the last layer.
"""

import torch
from torch import Tensor

from ssimloss._keywords import keywords
from ssimloss.combined.balance.norms import checked_bounds
from ssimloss.combined.balance.running_median import RunningMedian


class AdaptiveAdversarial(RunningMedian):
    """Scales one term so that its gradient is as large as that of all others, times its weight.

    The factor is the norm of the sum of the other weighted gradients, divided by the norm of the
    term's own gradient. The other terms keep their weights. VQGAN uses the weight 0.8.

    Args:
        term: the name of the adversarial term.
        decay: both norms are medians over about ``1 / (1 - decay)`` calls: 11 for 0.9; 0 uses those
            of each call alone, as VQGAN does. In a call whose own norm is unusually large, the
            gradient is at most ``1 / (1 - decay)`` times too large.
        bounds: the least and the largest factor.

    Raises:
        TypeError: a setting is not a number, or ``term`` is not a string.
        ValueError: ``decay`` is not in [0, 0.9999], the bounds are negative or not in order, or the
            criterion has no such term.
    """

    @keywords()
    def __init__(
        self,
        term: str = "adversarial",
        *,
        decay: float = 0.9,
        bounds: tuple[float, float] = (0.0, 1e4),
    ) -> None:
        """Check the settings; see the class."""
        if not isinstance(term, str):
            raise TypeError(f"term must be the name of a term, got {term!r}")
        super().__init__(decay)
        self.term, self.bounds = term, checked_bounds(bounds)

    def attach(self, names: tuple[str, ...]) -> None:
        """Called once, when the criterion is built."""
        if self.term not in names:
            raise ValueError(
                f"AdaptiveAdversarial balances the term {self.term!r}, and the criterion has "
                f"{', '.join(names)}; name its adversarial term: AdaptiveAdversarial({names[-1]!r})"
            )
        super().attach(names)

    def weights(self, norms: Tensor, cosines: Tensor, values: Tensor, step: int) -> Tensor:  # noqa: ARG002
        """Return 1 for the other terms, and for this one as long as either norm is unknown."""
        index = self.names.index(self.term)
        rest = [0.0 if i == index else weight for i, weight in enumerate(self.base)]
        pulls = norms * torch.stack([norms.new_full((), weight) for weight in rest])
        of_rest = (cosines * pulls * pulls.unsqueeze(1)).sum().clamp(min=0.0).sqrt()
        now = torch.stack([of_rest, norms[index]])
        medians = self._medians(now)
        known = (medians > 0).all()
        own = torch.where(known, self._divisors(medians, now)[1], 1.0)
        ratio = (medians[0] / own).clamp(*self.bounds)
        factor = torch.where(known, ratio, 1.0)
        return torch.stack(
            [factor if i == index else torch.ones_like(factor) for i in range(len(self.names))]
        )
