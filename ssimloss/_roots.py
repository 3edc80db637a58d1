"""Roots and other powers below 1, which are infinitely steep at 0: the value is exact to rounding,
the slope is finite.

Two ways are in use. A power that must train from 0 on is *held*. Below a threshold, its slope is
the slope at the threshold. One whose 0 is a minimum, such as the length of a difference, has the
slope 0. NaN stays NaN.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

STEEPEST = 1e-4  # below which the slope of a power is held, unless a formula says otherwise


def held_power(size: Tensor, exponent: float | Tensor, least: float = STEEPEST) -> Tensor:
    """``size^exponent`` of numbers that are not negative, for exponents from 0 to 1.

    Below ``least`` the slope is that at ``least``, and an exponent that is a tensor has none.
    """
    if not (isinstance(exponent, Tensor) or torch.compiler.is_compiling()):
        found: Tensor = _HeldPower.apply(size, exponent, least)
        return found
    held = exponent.detach() if isinstance(exponent, Tensor) else exponent
    value, near = size.detach(), size < least
    # One power serves both: it has no gradient where the slope is held, and 0 has no finite slope.
    above_zero = value.clamp(min=torch.finfo(size.dtype).tiny)
    power = torch.where(near, above_zero, size) ** exponent
    exact = torch.where(value > 0, power.detach(), 0.0**held)
    inside = exact + held * least ** (held - 1) * (size - value)
    return torch.where(near, inside, power)


class _HeldPower(torch.autograd.Function):
    """The same with an exponent that is a number: one power forward, one backward, and no map kept
    but the argument. ``torch.compile`` cannot trace a function that has a ``jvp``.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(size: Tensor, exponent: float, _least: float) -> Tensor:
        return size**exponent

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float, float], _output: Tensor) -> None:
        size, ctx.exponent, ctx.least = inputs
        ctx.save_for_backward(size)
        ctx.save_for_forward(size)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        return upstream * _HeldPower.slope(ctx), None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _exponent: None, _least: None) -> Tensor:
        return tangent * _HeldPower.slope(ctx)

    @staticmethod
    def slope(ctx: Any) -> Tensor:
        """Differentiable."""
        (size,) = ctx.saved_tensors
        slope: Tensor = ctx.exponent * size.clamp(min=ctx.least) ** (ctx.exponent - 1)
        return slope


def real_power(z: Tensor, exponent: float) -> Tensor:
    """The real part of ``z^exponent``, ``|z|^exponent cos(pi exponent)`` where ``z`` is negative,
    with the slope of :func:`held_power`.
    """
    power = held_power(z.abs(), exponent)
    return torch.where(z < 0, math.cos(math.pi * exponent) * power, power)


def cube_root(values: Tensor) -> Tensor:
    """The real cube root of numbers of any sign, with the slope of :func:`held_power`."""
    negative = values < 0
    power = held_power(torch.where(negative, -values, values), 1 / 3)
    return torch.where(negative, -power, power)


def flat_power(values: Tensor, exponent: float, least: float = 0.0) -> Tensor:
    """``values^exponent`` of numbers that are not negative; up to ``least`` it is 0 with the slope
    0.
    """
    zero = values <= least
    return torch.where(zero, 0, torch.where(zero, 1, values) ** exponent)


# A power of two, which rounds nothing. Squared gradients of images at 1e7 times their data range
# reach 1e21, and the product of two of them exceeds float32.
_SHRINK = 2.0**-12


def root_of_product(a: Tensor, b: Tensor, near_zero: Callable[[], Tensor]) -> Tensor:
    """``sqrt(a b)`` of numbers that are not negative; exactly ``a`` if both are equal.

    Where the product is 0 to rounding, the result is ``near_zero()``, which has a finite slope.
    """
    squares = (a * _SHRINK) * (b * _SHRINK)
    info = torch.finfo(squares.dtype)
    corner = squares < info.tiny / info.eps
    return torch.where(corner, near_zero(), torch.where(corner, 1, squares).sqrt() / _SHRINK)


def root(values: Tensor, least: float = 0.0) -> Tensor:
    """The square root of numbers that are not negative, with the slope 0 up to ``least``."""
    still = values <= least
    inside = values.detach().sqrt() if least else 0
    return torch.where(still, inside, torch.where(still, 1, values).sqrt())
