"""The similarity at every position, ``(N, C, H', W')``, and its gradient for any upstream map."""

from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Equation, Pair, maps
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.comparison import Comparison
from ssimloss.kernels.gpu import machine
from ssimloss.kernels.operators import (
    COMPARISON,
    WANTED,
    computing_dtype,
    empty_gradients,
    keep,
    maps_backward,
    or_nothing,
    register_one_by_one,
)
from ssimloss.kernels.proof import PROOFS
from ssimloss.kernels.similarity_map import cpu, triton

SIMILARITY_MAP: Kernels = {
    "cpu": Kernel(library.why_not_for, cpu.similarity_map),
    "triton": Kernel(machine.why_not_for, triton.similarity_map, "similarity_map"),
}
SIMILARITY_MAP_BACKWARD: Kernels = {
    "cpu": Kernel(library.why_not_for, cpu.similarity_map_backward),
    "triton": Kernel(machine.why_not_for, triton.similarity_map_backward),
}

PROOFS["similarity_map"] = triton.PROOF

torch.library.define("ssimloss::similarity_map", f"({COMPARISON}, str backend) -> Tensor")
torch.library.define(
    "ssimloss::similarity_map_backward",
    f"(Tensor upstream, {COMPARISON}, {WANTED}, str backend) -> (Tensor, Tensor)",
)


def similarity_map(
    x: Tensor, y: Tensor, comparison: Comparison, *, backend: str, equation: Equation
) -> Tensor:
    """The map in the computing dtype, differentiable any number of times. Only the images are kept
    for backward.

    Args:
        x, y: ``(N, C, H, W)`` of one shape on one device.
        backend: one of ``SIMILARITY_MAP``.
        equation: the same map in plain PyTorch.
    """
    return maps(x, y, _PAIR, comparison, backend, equation)


_PAIR = Pair(torch.ops.ssimloss.similarity_map, torch.ops.ssimloss.similarity_map_backward)


@torch.library.register_fake("ssimloss::similarity_map")
def _empty(x: Tensor, y: Tensor, *options: Any) -> Tensor:
    window, c1, c2, low, part, padding, _backend = options
    size = Comparison(window, c1, c2, low, part, padding).map_size(*x.shape[2:])
    return x.new_empty((*x.shape[:2], *size), dtype=computing_dtype(x, y))


@torch.library.impl("ssimloss::similarity_map", "default")
def _similarity_map(x: Tensor, y: Tensor, *options: Any) -> Tensor:
    window, c1, c2, low, part, padding, backend = options
    comparison = Comparison(tuple(window), c1, c2, low, part, padding)
    run = kernel(SIMILARITY_MAP, backend, x, y).run
    if not x.numel():
        nothing: Tensor = _empty(x, y, *options)
        return nothing
    found: Tensor = run(x, y, comparison)
    return found


@torch.library.register_fake("ssimloss::similarity_map_backward")
def _empty_backward(
    _upstream: Tensor, x: Tensor, y: Tensor, *options: Any
) -> tuple[Tensor, Tensor]:
    *_, want_x, want_y, _backend = options
    return empty_gradients(x, y, want_x, want_y)


@torch.library.impl("ssimloss::similarity_map_backward", "default")
def _similarity_map_backward(
    upstream: Tensor, x: Tensor, y: Tensor, *options: Any
) -> tuple[Tensor, Tensor]:
    window, c1, c2, low, part, padding, want_x, want_y, backend = options
    comparison = Comparison(tuple(window), c1, c2, low, part, padding)
    run = kernel(SIMILARITY_MAP_BACKWARD, backend, x, y).run
    size = (*x.shape[:2], *comparison.map_size(*x.shape[2:]))
    if upstream.shape != size or upstream.dtype is not computing_dtype(x, y):
        raise ValueError(
            f"upstream must be {size} of {computing_dtype(x, y)}, got {tuple(upstream.shape)} of "
            f"{upstream.dtype}"
        )
    if not x.numel() or not (want_x or want_y):
        nothing: tuple[Tensor, Tensor] = _empty_backward(upstream, x, y, *options)
        return nothing
    grad_x, grad_y = run(upstream, x, y, comparison, want_x, want_y)
    return or_nothing(grad_x, x, y), or_nothing(grad_y, x, y)


torch.library.register_autograd(
    "ssimloss::similarity_map", maps_backward("similarity_map"), setup_context=keep
)
register_one_by_one("similarity_map")
register_one_by_one("similarity_map_backward")
