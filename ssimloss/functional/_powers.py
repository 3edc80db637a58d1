"""Products of fractional powers, ``prod_j t_j ^ w_j``, of means ``t_j`` of any sign.

Fractional powers are defined for positive numbers. ``negative``, an option of MS-SSIM, determines
the value and the gradient for other means.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor

Negative = Literal["clamp", "relu", "relu_map", "shift"]
NEGATIVES: tuple[str, ...] = get_args(Negative)

SOFT = 1e-3  # a mean below is clamped


def product_of_powers(terms: Tensor, weights: Sequence[float], negative: Negative) -> Tensor:
    """``prod_j term_j ^ w_j`` of ``(S, ...)`` with the option ``negative``, and a finite gradient
    everywhere.
    """
    if negative == "clamp":
        if torch.compiler.is_compiling():  # cannot trace a function with its own gradient
            value = _clamped(terms, weights).detach()
            mirrored = _mirrored(terms).detach() + (terms - terms.detach())
            slope = _product(mirrored, weights)
            return value + (slope - slope.detach())
        found: Tensor = _ClampedProduct.apply(terms, tuple(weights))
        return found
    if negative == "shift":
        return _product(((terms + 1) / 2).clamp(min=torch.finfo(terms.dtype).tiny), weights)
    positive = ~(terms <= 0)  # NaN stays NaN
    score = _product(torch.where(positive, terms, 1), weights)
    for some, weight in zip(positive.unbind(), weights, strict=True):
        score = torch.where(some, score, 0) if weight else score
    return score


class _ClampedProduct(torch.autograd.Function):
    """The product of clamped means, with the gradient ``w_j prod_k m_k ^ w_k / m_j`` at ``t_j``,
    where ``m_j`` is the mirrored mean.

    Below the clamp, the derivative of the product is about ``1e-6 w_j``, too small to train with.
    This gradient is as large as for the mean of opposite sign, and continuous.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(terms: Tensor, weights: tuple[float, ...]) -> Tensor:
        return _clamped(terms, weights)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, tuple[float, ...]], _output: Tensor) -> None:
        terms, ctx.weights = inputs
        ctx.save_for_backward(terms)
        ctx.save_for_forward(terms)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:
        (terms,) = ctx.saved_tensors
        return upstream * _slopes(terms, ctx.weights), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _weights: None) -> Tensor:
        (terms,) = ctx.saved_tensors
        return (_slopes(terms, ctx.weights) * tangent).sum(0)


def _clamped(terms: Tensor, weights: Sequence[float]) -> Tensor:
    """Means below ``SOFT`` are replaced by ``SOFT^2 / (2 SOFT - t)``, which is positive and rising,
    and continues the mean with slope 1.
    """
    small = terms < SOFT
    below = SOFT**2 / (2 * SOFT - torch.where(small, terms, 0))
    return _product(torch.where(small, below, terms), weights)


def _mirrored(terms: Tensor) -> Tensor:
    """Means, mirrored at ``SOFT`` if they are below it."""
    return torch.where(terms < SOFT, 2 * SOFT - terms, terms)


def _slopes(terms: Tensor, weights: Sequence[float]) -> Tensor:
    """``(S, ...)``; differentiable."""
    mirrored = _mirrored(terms)
    score = _product(mirrored, weights)
    slopes = [
        w * score / m if w else torch.zeros_like(m)
        for w, m in zip(weights, mirrored.unbind(), strict=True)
    ]
    return torch.stack(slopes)


def _product(terms: Tensor, weights: Sequence[float]) -> Tensor:
    """The product for positive numbers. A number of weight 0 has no influence, even if infinite."""
    score = torch.ones_like(terms[0])
    for weight, term in zip(weights, terms.unbind(), strict=True):
        score = score * term**weight if weight else score
    return score
