"""Gradient surgery for conflicting terms, at the output.

Both methods combine the terms' gradients linearly. The coefficients depend only on the scalar
products of the gradients, so each method returns one factor per weight.
"""

import random

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._keywords import keywords
from ssimloss.combined.balance.norms import is_usable
from ssimloss.combined.balance.protocol import Balance


class PCGrad(Balance):
    """Gradient surgery: remove from each term's gradient the part that opposes another term's.

    Yu et al. 2020, "Gradient surgery for multi-task learning", algorithm 1, on the weighted
    gradients at the output. The order of the terms is random, with the step as the seed.
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
    """Conflict-averse gradient: of all directions in a ball around the mean gradient, the one along
    which the slowest term falls fastest.

    Liu et al. 2021, "Conflict-averse gradient descent for multi-task learning", algorithm 1 with
    the scaling 1 / (1 + c^2) of the authors' code, on the weighted gradients at the output.

    Args:
        c: radius of the ball relative to the length of the mean gradient, in [0, 1); 0 is the
            plain sum.

    Raises:
        TypeError: ``c`` is not a number.
        ValueError: ``c`` is not in [0, 1).
    """

    @keywords()
    def __init__(self, c: float = 0.5) -> None:
        """Check the settings; see the class."""
        if not 0.0 <= _checks.number("c", c) < 1.0:
            raise ValueError(f"c must lie in [0, 1), got {c!r}")
        self.c = float(c)

    def weights(self, norms: Tensor, cosines: Tensor, values: Tensor, step: int) -> Tensor:  # noqa: ARG002
        """The coefficient of each gradient, times the number of terms, since terms are summed."""
        gram = _gram(norms, cosines, self.base)
        present = is_usable(norms).to(gram.dtype)
        count = present.sum().clamp(min=1.0)
        tiny = torch.finfo(gram.dtype).tiny
        gram = gram / (gram.diagonal().sum() / count).clamp(min=tiny)
        mean = present / count
        slope = (gram * mean).sum(1)
        radius = self.c * (mean * slope).sum().clamp(min=0.0).sqrt()
        mix = mean
        for _ in range(TURNS):
            mix = _descend(mix, gram, slope, radius)
        length = (mix * (gram * mix).sum(1)).sum().clamp(min=tiny).sqrt()
        return (present + count * radius * mix / length) / (1.0 + self.c**2)


TURNS = 20


def _descend(mix: Tensor, gram: Tensor, slope: Tensor, radius: Tensor) -> Tensor:
    """Reduce <g_mix, g_mean> + radius |g_mix| by moving weight between two terms: from the one with
    the largest derivative to the one with the smallest, up to the minimum on that line.
    """
    tiny = torch.finfo(gram.dtype).tiny
    pulled = (gram * mix).sum(1)
    square = (mix * pulled).sum().clamp(min=tiny)
    steep = slope + radius * pulled / square.sqrt()
    has_length = gram.diagonal() > 0
    index = torch.arange(len(mix), device=mix.device)
    to = index == torch.where(has_length, steep, torch.inf).argmin()
    off = index == torch.where(mix > 0, steep, -torch.inf).argmax()
    way = to.to(mix.dtype) - off.to(mix.dtype)
    of_way = (gram * way).sum(1)
    # The minimum of a + b t + radius sqrt(square + 2 c t + d t^2), where u = c + d t:
    b, c, d = (slope * way).sum(), (pulled * way).sum(), (way * of_way).sum().clamp(min=tiny)
    rest = (square - c**2 / d).clamp(min=0.0)
    bend = radius**2 - b**2 / d
    u = -b.sign() * (b**2 * rest / bend.clamp(min=tiny)).sqrt()
    most = (mix * off).sum()
    step = torch.where(bend > 0, (u - c) / d, torch.where(b < 0, most, 0.0))
    return mix + step.clamp(min=0.0).minimum(most) * way


def _gram(norms: Tensor, cosines: Tensor, base: tuple[float, ...]) -> Tensor:
    """Scalar products of the weighted gradients; 0 for those that are not finite."""
    pulls = norms * torch.stack([norms.new_full((), weight) for weight in base])
    gram = cosines * pulls * pulls.unsqueeze(1)
    return torch.where(gram.isfinite(), gram, 0.0)
