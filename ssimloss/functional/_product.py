"""Products of matrices whose gradient is as precise as they are.

Autocast lowers matrix products, also those of a backward pass that runs within its region, as
balancing of terms takes one.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss._torch import is_transformed


def product(a: Tensor, b: Tensor) -> Tensor:
    """``a @ b`` of ``(B, n, k)`` and ``(B, k, m)``, never under autocast, differentiable any number
    of times.
    """
    if (
        torch.compiler.is_compiling() or is_transformed()
    ):  # a compiled backward pass has its dtypes already
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
