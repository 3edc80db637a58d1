"""Norms, shares and cosines of the gradients of the terms at the output.

With g_k the gradient of term k at ``pred`` over the whole batch of all processes, and w_k its
weight::

    norm   |g_k|
    share  |w_k g_k| / sum_j |w_j g_j|
    cosine <w_k g_k, w_j g_j> / (|w_k g_k| |w_j g_j|), and against the total, sum_j w_j g_j

All follow from the scalar products, which are computed without waiting for the device.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, distributed
from torch.distributed import ProcessGroup

Weight = float | Tensor


class Measurement(NamedTuple):
    """One step, in the order of the criterion's terms; 0 where a term was not measured.

    Attributes:
        step: the step.
        measured: for each term, whether it was evaluated and reached ``pred``.
        values: ``(T,)``, unweighted values, averaged over all processes.
        norms: ``(T,)``, norms of the unweighted gradients.
        cosines: ``(T, T)``, cosines between the unweighted gradients.
        elements: number of elements of ``pred`` over all processes.
    """

    step: int
    measured: tuple[bool, ...]
    values: Tensor
    norms: Tensor
    cosines: Tensor
    elements: int

    def pulls(self, weights: Tensor) -> Tensor:
        """``(T,)``: the norms of the weighted gradients."""
        return torch.where(weights != 0, weights.abs() * self.norms, 0.0)

    def shares(self, weights: Tensor) -> Tensor:
        """``(T,)``: the shares. They add up to 1, or are all 0 if every gradient is 0."""
        pulls = self.pulls(weights)
        return pulls / pulls.sum().clamp(min=_tiny(pulls))

    def between(self, weights: Tensor) -> Tensor:
        """``(T, T)``: the cosines of the weighted gradients."""
        sign = weights.sign()
        return self.cosines * sign * sign.unsqueeze(1)

    def against_total(self, weights: Tensor) -> Tensor:
        """``(T,)``: the cosines of the weighted gradients with their sum."""
        shares = self.shares(weights)
        along = torch.where(shares != 0, self.between(weights) * shares, 0.0).sum(1)
        length = torch.where(shares != 0, along * shares, 0.0).sum().clamp(min=0.0).sqrt()
        return (along / length.clamp(min=_tiny(along))).clamp(-1.0, 1.0)


def measure(
    gradients: Sequence[Tensor | None],
    values: Sequence[Tensor | None],
    *,
    step: int,
    scale: float,
    group: ProcessGroup | None,
) -> Measurement:
    """Measure the gradients at ``pred``, each times ``scale``."""
    known = [gradient for gradient in gradients if gradient is not None]
    like = known[0]
    flat = iter(_flat(known))
    vectors = [None if gradient is None else next(flat) for gradient in gradients]
    nothing = like.new_zeros(())
    products: dict[tuple[int, int], Tensor] = {}
    for i, a in enumerate(vectors):
        for j, b in enumerate(vectors[: i + 1]):
            known_both = a is not None and b is not None
            product = torch.dot(cast(Tensor, a), cast(Tensor, b)) if known_both else nothing
            products[i, j] = products[j, i] = product
    terms = range(len(vectors))
    numbers = [products[i, j] for i in terms for j in terms]
    numbers += [nothing if value is None else value.detach().to(like) for value in values]
    stacked, count = _sum_of_processes(torch.stack(numbers), group)
    gram, means = stacked[: -len(terms)].view(len(terms), -1), stacked[-len(terms) :]
    scaled = gram.diagonal().clamp(min=0.0).sqrt()
    lengths = scaled.clamp(min=_tiny(scaled))
    return Measurement(
        step=step,
        measured=tuple(gradient is not None for gradient in gradients),
        values=means / count,
        norms=scaled / (scale * count),
        cosines=(gram / lengths / lengths.unsqueeze(1)).clamp(-1.0, 1.0),
        elements=like.numel() * count,
    )


def _flat(gradients: list[Tensor]) -> list[Tensor]:
    """The gradients as vectors with elements in the same order; no copy if their layouts agree."""
    last = torch.channels_last
    if all(g.ndim == 4 and g.is_contiguous(memory_format=last) for g in gradients):
        return [gradient.permute(0, 2, 3, 1).reshape(-1) for gradient in gradients]
    return [gradient.reshape(-1) for gradient in gradients]


def _sum_of_processes(numbers: Tensor, group: ProcessGroup | None) -> tuple[Tensor, int]:
    """The sum over the processes that share the batch, and their number."""
    if not distributed.is_available() or not distributed.is_initialized():
        return numbers, 1
    count = distributed.get_world_size(group)
    if count > 1:
        distributed.all_reduce(numbers, group=group)
    return numbers, count


def _tiny(numbers: Tensor) -> float:
    return torch.finfo(numbers.dtype).tiny
