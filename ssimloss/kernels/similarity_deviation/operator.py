"""The mean deviation ``mean |z - mean(z)|`` of the fourth root ``z`` of the similarity of gradients
and colours of planes ``(N, 3, H, W)``, as ``(N, 1)``, and the gradients.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Equation, Found, Primitive, means
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.operators import (
    WANTED,
    computing_dtype,
    empty_gradients,
    keep,
    means_backward,
    or_nothing,
    register_one_by_one,
)
from ssimloss.kernels.similarity_deviation import cpu
from ssimloss.kernels.similarity_deviation.similarity import SimilarityOptions

SIMILARITY_DEVIATION: Kernels = {"cpu": Kernel(library.why_not_for, cpu.similarity_deviation)}

torch.library.define(
    "ssimloss::similarity_deviation",
    f"(Tensor x, Tensor y, float alpha, float[] constants, {WANTED}, str backend) -> "
    "(Tensor, Tensor, Tensor)",
)


def similarity_deviation(
    x: Tensor, y: Tensor, options: SimilarityOptions, *, backend: str, equation: Equation
) -> Tensor:
    """The deviations ``(N, 1)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: luma and two colour planes, ``(N, 3, H, W)`` of one shape on one device.
        backend: one of ``SIMILARITY_DEVIATION``.
        equation: the same deviations in plain PyTorch.
    """
    return means(x, y, _PRIMITIVE, (options,), backend, equation)


def _dispatched(
    x: Tensor,
    y: Tensor,
    options: SimilarityOptions,
    want_x: bool,
    want_y: bool,
    slope: float,
    backend: str = "cpu",
) -> Found:
    found, grad_x, grad_y = torch.ops.ssimloss.similarity_deviation(
        x, y, *options, want_x, want_y, backend
    )
    return (found, grad_x, grad_y) if slope == 1 else (found, slope * grad_x, slope * grad_y)


_PRIMITIVE = Primitive(cpu.similarity_deviation, _dispatched)


@torch.library.register_fake("ssimloss::similarity_deviation")
def _empty(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    *_, want_x, want_y, _backend = options
    found = x.new_empty((x.shape[0], 1), dtype=computing_dtype(x, y))
    return found, *empty_gradients(x, y, want_x, want_y)


@torch.library.impl("ssimloss::similarity_deviation", "default")
def _similarity_deviation(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    alpha, constants, want_x, want_y, backend = options
    _check(x, constants)
    run = kernel(SIMILARITY_DEVIATION, backend, x, y).run
    if not x.numel():
        found, *gradients = _empty(x, y, *options)
        return found.zero_(), *gradients
    given = SimilarityOptions(alpha, tuple(constants))
    found, grad_x, grad_y = run(x, y, given, want_x, want_y)
    return found, or_nothing(grad_x, x, y), or_nothing(grad_y, x, y)


def _check(x: Tensor, constants: Any) -> None:
    """Raise for options that the kernel does not support."""
    if x.ndim != 4 or x.shape[1] != 3:
        raise ValueError(f"x must be (N, 3, H, W), got {tuple(x.shape)}")
    if len(constants) != 3 or not all(c > 0 for c in constants):
        raise ValueError(f"constants must be three positive numbers, got {constants}")


torch.library.register_autograd(
    "ssimloss::similarity_deviation",
    means_backward("similarity_deviation"),
    setup_context=keep,
)
register_one_by_one("similarity_deviation")
