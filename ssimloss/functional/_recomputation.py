"""Maps that are computed again for their gradient instead of kept."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ssimloss._precision import autocast_off
from ssimloss._torch import is_observed, is_transformed

Equation = Callable[[Tensor], Tensor]


def computed_again(equation: Equation, image: Tensor) -> Tensor:
    """``equation(image)``; only the image is kept for backward.

    It takes the time of another forward pass, and the memory of one map instead of all of them.
    Compiled and transformed calls (``torch.func``) keep what PyTorch keeps.
    """
    asks = torch.is_grad_enabled() and image.requires_grad
    if not asks or torch.compiler.is_compiling() or is_observed(image):
        return equation(image)
    found: Tensor = _ComputedAgain.apply(image, equation)
    return found


def in_steps(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """``function`` for a computation in steps: only its arguments are kept for backward, which
    computes the maps of each step again.

    Transformed calls (``torch.func``) keep what PyTorch keeps.
    """
    if is_transformed():
        return function
    return functools.partial(checkpoint, function, use_reentrant=False, preserve_rng_state=False)


class _ComputedAgain(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, equation: Equation) -> Tensor:
        ctx.equation = equation
        ctx.save_for_backward(image)
        return equation(image)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:
        (image,) = ctx.saved_tensors
        graph = torch.is_grad_enabled()
        with torch.enable_grad(), autocast_off(image):
            # A view, so that the derivative stays partial.
            given = image.view_as(image) if graph else image.detach().requires_grad_()
            value = ctx.equation(given)
        (found,) = torch.autograd.grad(value, given, upstream, create_graph=graph)
        return found, None
