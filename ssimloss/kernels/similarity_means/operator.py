"""The mean similarity of each plane, ``(N, C)``, optionally mixed with a mean pixel distance, and
its gradients, in one pass over the images.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Equation, Found, Primitive, means
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.comparison import SIMILARITY_ALONE, Comparison, Mixed
from ssimloss.kernels.gpu import machine
from ssimloss.kernels.operators import (
    COMPARISON,
    WANTED,
    computing_dtype,
    empty_gradients,
    keep,
    means_backward,
    or_nothing,
    register_one_by_one,
)
from ssimloss.kernels.proof import PROOFS
from ssimloss.kernels.similarity_means import cpu, triton

SIMILARITY_MEANS: Kernels = {
    "cpu": Kernel(library.why_not_for, cpu.similarity_means),
    "triton": Kernel(machine.why_not_for, triton.similarity_means, "similarity_means"),
}
_MIXED = "str pixel, float eps, float similarity_weight, float pixel_weight"

PROOFS["similarity_means"] = triton.PROOF

torch.library.define(
    "ssimloss::similarity_means",
    f"({COMPARISON}, {_MIXED}, {WANTED}, str backend) -> (Tensor, Tensor, Tensor)",
)


def similarity_means(
    x: Tensor,
    y: Tensor,
    comparison: Comparison,
    *,
    backend: str,
    equation: Equation,
    mixed: Mixed = SIMILARITY_ALONE,
    slope: float = 1.0,
) -> Tensor:
    """The means ``(N, C)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: ``(N, C, H, W)`` of one shape on one device.
        backend: one of ``SIMILARITY_MEANS``.
        equation: the same means in plain PyTorch.
        slope: the derivative with respect to each mean that backward will probably get. If it does,
            backward need not scale the gradient.
    """
    return means(x, y, _PRIMITIVE, (comparison, mixed), backend, equation, slope)


def _dispatched(
    x: Tensor,
    y: Tensor,
    comparison: Comparison,
    mixed: Mixed,
    want_x: bool,
    want_y: bool,
    slope: float,
    backend: str = "cpu",
) -> Found:
    found, grad_x, grad_y = torch.ops.ssimloss.similarity_means(
        x, y, *comparison, *mixed, want_x, want_y, backend
    )
    return (found, grad_x, grad_y) if slope == 1 else (found, slope * grad_x, slope * grad_y)


_PRIMITIVE = Primitive(cpu.similarity_means, _dispatched)


@torch.library.register_fake("ssimloss::similarity_means")
def _empty(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    *_, want_x, want_y, _backend = options
    found = x.new_empty(x.shape[:2], dtype=computing_dtype(x, y))
    return found, *empty_gradients(x, y, want_x, want_y)


@torch.library.impl("ssimloss::similarity_means", "default")
def _similarity_means(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    window, c1, c2, low, part, padding, *mixed, want_x, want_y, backend = options
    comparison = Comparison(tuple(window), c1, c2, low, part, padding)
    run = kernel(SIMILARITY_MEANS, backend, x, y).run
    if not x.numel():
        nothing: tuple[Tensor, Tensor, Tensor] = _empty(x, y, *options)
        return nothing
    found, grad_x, grad_y = run(x, y, comparison, Mixed(*mixed), want_x, want_y)
    return found, or_nothing(grad_x, x, y), or_nothing(grad_y, x, y)


torch.library.register_autograd(
    "ssimloss::similarity_means", means_backward("similarity_means"), setup_context=keep
)
register_one_by_one("similarity_means")
