"""Maps that are computed again for their gradient instead of kept."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ssimloss._precision import autocast_off
from ssimloss._torch import is_observed, is_transformed

Equation = Callable[..., Tensor]


def computed_again(equation: Equation, *images: Tensor) -> Tensor:
    """``equation(*images)``; only the images are kept for backward.

    It takes the time of another forward pass, and the memory of one map instead of all of them. The
    peak of FLIP at 1080p is half as high as with PyTorch's checkpoint, which :func:`in_steps` uses
    because its functions have other arguments than images.
    Compiled and transformed calls (``torch.func``) keep what PyTorch keeps.
    """
    asks = torch.is_grad_enabled() and any(image.requires_grad for image in images)
    if not asks or torch.compiler.is_compiling() or is_observed(*images):
        return equation(*images)
    found: Tensor = _ComputedAgain.apply(equation, *images)
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
    def forward(ctx: Any, equation: Equation, *images: Tensor) -> Tensor:
        ctx.equation = equation
        ctx.save_for_backward(*images)
        return equation(*images)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        graph = torch.is_grad_enabled()
        needed = ctx.needs_input_grad[1:]
        with torch.enable_grad(), autocast_off(*ctx.saved_tensors):
            # Views, so that the derivatives stay partial.
            given = [
                image.view_as(image) if graph else image.detach().requires_grad_(asks)
                for image, asks in zip(ctx.saved_tensors, needed, strict=True)
            ]
            value = ctx.equation(*given)
        asking = [image for image, asks in zip(given, needed, strict=True) if asks]
        found = iter(torch.autograd.grad(value, asking, upstream, create_graph=graph))
        return None, *(next(found) if asks else None for asks in needed)
