"""Terms that pull against each other, reconciled at the output.

Both methods combine the gradients of the terms linearly, so that they follow from the scalar
products alone, and their result is a factor on each weight.
"""

import random

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss.combined.balance.averages import is_usable
from ssimloss.combined.balance.protocol import Balance


class PCGrad(Balance):
    """Gradient surgery: of each term's gradient, take away what points against another term's.

    Yu et al. 2020, "Gradient surgery for multi-task learning", algorithm 1, on the weighted
    gradients at the output. The terms are gone through in an order that is drawn from the step.
    """

    def weights(self, norms: Tensor, cosines: Tensor, values: Tensor, step: int) -> Tensor:  # noqa: ARG002
        """The sum of the coefficients of each gradient after surgery."""
        gram = _gram(norms, cosines, self.base)
        order = list(range(len(self.base)))
        random.Random(step).shuffle(order)
        kept = torch.eye(len(order), dtype=gram.dtype, device=gram.device)
        for j in order:
            along = (kept * gram[j]).sum(1)  # <g_i after surgery so far, g_j>
            length = gram[j, j].clamp(min=torch.finfo(gram.dtype).tiny)
            against = torch.where(along < 0, along / length, 0.0)
            others = torch.ones_like(against)
            others[j] = 0.0
            kept[:, j] -= against * others
        return kept.sum(0)


class CAGrad(Balance):
    """Conflict-averse gradient: the direction within a ball around the mean gradient along which
    the worst of the terms falls fastest.

    Liu et al. 2021, "Conflict-averse gradient descent for multi-task learning", algorithm 1 with
    the scaling 1 / (1 + c^2) of its program, on the weighted gradients at the output.

    Args:
        c: radius of the ball in lengths of the mean gradient, in [0, 1); 0 is the plain sum.

    Raises:
        TypeError: ``c`` is not a number.
        ValueError: ``c`` is not in [0, 1).
    """

    def __init__(self, c: float = 0.5) -> None:
        """Check the settings; see the class."""
        if not 0.0 <= _checks.number("c", c) < 1.0:
            raise ValueError(f"c must lie in [0, 1), got {c!r}")
        self.c = float(c)

    def weights(self, norms: Tensor, cosines: Tensor, values: Tensor, step: int) -> Tensor:  # noqa: ARG002
        """The coefficient of each gradient, times the number of terms: of the sum, not the mean."""
        gram = _gram(norms, cosines, self.base)
        present = is_usable(norms).to(gram.dtype)
        count = present.sum().clamp(min=1.0)
        tiny = torch.finfo(gram.dtype).tiny
        gram = gram / (gram.diagonal().sum() / count).clamp(min=tiny)
        mean = present / count
        radius = self.c * (mean * (gram * mean).sum(1)).sum().clamp(min=0.0).sqrt()
        mix = mean
        for turn in range(STEPS):
            # Descend <g_mix, g_mean> + radius |g_mix| on the simplex, by exponentiated gradient.
            pulled = (gram * mix).sum(1)
            length = (mix * pulled).sum().clamp(min=tiny).sqrt()
            slope = (gram * mean).sum(1) + radius * pulled / length
            mix = mix * torch.exp(-(slope - slope.min()) * RATE / (1 + turn) ** 0.5)
            mix = mix / mix.sum().clamp(min=tiny)
        pulled = (gram * mix).sum(1)
        length = (mix * pulled).sum().clamp(min=tiny).sqrt()
        return (present + count * radius * mix / length) / (1.0 + self.c**2)


STEPS, RATE = 60, 2.0


def _gram(norms: Tensor, cosines: Tensor, base: tuple[float, ...]) -> Tensor:
    """Scalar products of the weighted gradients; 0 for those that are not finite."""
    pulls = norms * torch.stack([norms.new_full((), weight) for weight in base])
    gram = cosines * pulls * pulls.unsqueeze(1)
    return torch.where(gram.isfinite(), gram, 0.0)
