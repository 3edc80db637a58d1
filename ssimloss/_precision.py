"""The arithmetic of a loss: at least float32, autocast off.

Half precision holds 8 to 11 bits, fewer than the variance of a flat bright patch needs, and
autocast would lower the convolutions of a loss without asking.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from ssimloss._torch import is_transformed

P = ParamSpec("P")
R = TypeVar("R")


def full_precision(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate ``function(image, ...)`` so that its body runs with autocast off on the image's
    device.
    """

    @functools.wraps(function)
    def without_autocast(*args: P.args, **kwargs: P.kwargs) -> R:
        device_type = device_type_of((*args, *kwargs.values()))
        # Switching off autocast where it is off costs as much as a small loss.
        if not torch.compiler.is_compiling() and not torch.is_autocast_enabled(device_type):
            return function(*args, **kwargs)
        with torch.autocast(device_type, enabled=False):
            return function(*args, **kwargs)

    return without_autocast


def device_type_of(arguments: tuple[object, ...]) -> str:
    """The device type of the first tensor among the arguments, for autocast.

    "cpu" where there is none: the function itself refuses what is not a tensor. The device "meta"
    has no autocast.
    """
    for argument in arguments:
        if isinstance(argument, Tensor) and not argument.is_meta:
            return argument.device.type
    return "cpu"


def computing_dtype(*tensors: Tensor) -> torch.dtype:
    """The widest dtype of the tensors, and at least float32."""
    return functools.reduce(torch.promote_types, (t.dtype for t in tensors), torch.float32)


def promote(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both images in their computing dtype (the same tensors where that is theirs already)."""
    dtype = computing_dtype(pred, target)
    return pred.to(dtype), target.to(dtype)


def native_dtype(pred: Tensor, target: Tensor) -> torch.dtype:
    """The dtype of unreduced results: that of the images, the wider one where they differ."""
    return torch.promote_types(pred.dtype, target.dtype)


def product(a: Tensor, b: Tensor) -> Tensor:
    """``a @ b`` of ``(B, n, k)`` and ``(B, k, m)``, never under autocast.

    Autocast would also lower the products of a backward pass that runs within its region, as the
    balancing of terms takes one. Differentiable any number of times.
    """
    if torch.compiler.is_compiling() or is_transformed():  # whose backward has its dtypes already
        return torch.bmm(a, b)
    result: Tensor = _Product.apply(a, b)
    return result


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return torch.bmm(a, b)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        a, b = ctx.saved_tensors
        with torch.autocast(gradient.device.type, enabled=False):
            to_a = product(gradient, b.mT) if ctx.needs_input_grad[0] else None
            to_b = product(a.mT, gradient) if ctx.needs_input_grad[1] else None
        return to_a, to_b
