"""Reductions of values per element. Only this file implements ``mean``, ``sum``, ``image`` and
``none``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks

Reduction = Literal["mean", "sum", "image", "none"]
REDUCTIONS: tuple[str, ...] = get_args(Reduction)


def check_reduction(reduction: str) -> None:
    """Raise ``ValueError`` for an unknown reduction."""
    _checks.choice("reduction", reduction, REDUCTIONS)


def reduce(
    values: Tensor,
    reduction: Reduction,
    weight: Tensor | None = None,
    *,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Reduce ``(N, ...)`` values.

    Args:
        values: one value per element; the first dimension is the batch.
        reduction: ``"mean"`` and ``"sum"`` are over all values, ``"image"`` is the mean of each
            image ``(N,)``, ``"none"`` returns the values.
        weight: broadcastable to ``values``. The mean becomes
            ``sum(weight * values) / sum(weight)``; sums and unreduced values are weighted.
        dtype: dtype of the unreduced result; reduced results keep the dtype of the computation.

    The sum of ``"none"`` is ``"sum"``, with and without a weight. The mean over nothing (an empty
    batch, a mask without a valid element) is 0 with a zero gradient.
    """
    if weight is not None:
        weight = weight.to(values.dtype).expand_as(values)
        values = values * weight
    if reduction == "none":
        return values if dtype is None else values.to(dtype)
    if reduction == "mean" and weight is None and values.numel():
        return values.mean()
    total = _per_image(values) if reduction == "image" else values.sum()
    if reduction == "sum":
        return total
    if weight is None:
        elements = values.numel() if reduction == "mean" else math.prod(values.shape[1:])
        return total / max(elements, 1)
    mass = _per_image(weight) if reduction == "image" else weight.sum()
    return total / torch.where(mass > 0, mass, 1)


def slope_of(reduction: Reduction, shape: Sequence[int]) -> float:
    """The derivative of :func:`reduce` with respect to each of ``(N, ...)`` values
    without weights.
    """
    if reduction == "mean":
        return 1 / max(math.prod(shape), 1)
    return 1 / max(math.prod(shape[1:]), 1) if reduction == "image" else 1.0


def _per_image(values: Tensor) -> Tensor:
    """Sum ``(N, ...)`` to ``(N,)``, axis by axis, with the same rounding in any batch and for any
    number of threads.

    PyTorch assigns whole sums to threads. It splits a single sum between threads only if there is
    no other work, as for a batch of one image.
    """
    while values.ndim > 1:
        values = values.sum(-1)
    return values


@dataclass(eq=False)  # not frozen, because a frozen one takes four times as long to make
class Scores:
    """Values before their reduction, ``(N, ...)``: a map, or the means ``(N, C)`` of its planes."""

    values: Tensor
    weight: Tensor | None = None
    positions: int = 1  # number of map elements per value
    dtype: torch.dtype | None = None  # of an unreduced result; None for that of the values
    limits: tuple[float, float] | None = None  # the score is clipped to them, the loss is not

    @classmethod
    def of(cls, values: "Tensor | Scores") -> "Scores":
        """Plain values, one per image or element."""
        return values if isinstance(values, Scores) else cls(values)

    def complement(self, perfect: float) -> "Scores":
        """``perfect`` minus each value, which turns a score into a loss."""
        return Scores(perfect - self.values, self.weight, self.positions, self.dtype)

    def as_map(self) -> Tensor:
        """The values without weights; 0 where the weight is 0."""
        values = self.values
        if self.weight is not None:
            values = torch.where(self.weight != 0, values, 0)
        return values if self.dtype is None else values.to(self.dtype)

    def reduce(self, reduction: Reduction) -> Tensor:
        """Reduce the values; a sum multiplies each value by its number of positions."""
        values = self.values if self.limits is None else self.values.clamp(*self.limits)
        result = reduce(values, reduction, self.weight, dtype=self.dtype)
        return result * self.positions if reduction == "sum" and self.positions != 1 else result
