"""The weighted mean over each image of ``(1 - t) / (exp(-alpha) + t)``, ``t = exp(-alpha d)``, with
the dissimilarities ``d`` of Haar coefficients of planes ``(N, 1 or 3, H, W)``, as ``(N, 1)``, and
the gradients.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Equation, Found, Primitive, means
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.haar_means import cpu
from ssimloss.kernels.haar_means.haar import Haar
from ssimloss.kernels.operators import (
    WANTED,
    computing_dtype,
    empty_gradients,
    keep,
    means_backward,
    or_nothing,
    register_one_by_one,
)

HAAR_MEANS: Kernels = {"cpu": Kernel(library.why_not_for, cpu.haar_means)}

torch.library.define(
    "ssimloss::haar_means",
    f"(Tensor x, Tensor y, float c, float alpha, {WANTED}, str backend) -> "
    "(Tensor, Tensor, Tensor)",
)


def haar_means(x: Tensor, y: Tensor, haar: Haar, *, backend: str, equation: Equation) -> Tensor:
    """The means ``(N, 1)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: luma, or luma, I and Q, ``(N, 1 or 3, H, W)`` of one shape on one device.
        backend: one of ``HAAR_MEANS``.
        equation: the same means in plain PyTorch.
    """
    return means(x, y, _PRIMITIVE, (haar,), backend, equation)


def _dispatched(
    x: Tensor,
    y: Tensor,
    haar: Haar,
    want_x: bool,
    want_y: bool,
    slope: float,
    backend: str = "cpu",
) -> Found:
    found, grad_x, grad_y = torch.ops.ssimloss.haar_means(x, y, *haar, want_x, want_y, backend)
    return (found, grad_x, grad_y) if slope == 1 else (found, slope * grad_x, slope * grad_y)


_PRIMITIVE = Primitive(cpu.haar_means, _dispatched)


@torch.library.register_fake("ssimloss::haar_means")
def _empty(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    *_, want_x, want_y, _backend = options
    found = x.new_empty((x.shape[0], 1), dtype=computing_dtype(x, y))
    return found, *empty_gradients(x, y, want_x, want_y)


@torch.library.impl("ssimloss::haar_means", "default")
def _haar_means(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    c, alpha, want_x, want_y, backend = options
    _check(x, c, alpha)
    run = kernel(HAAR_MEANS, backend, x, y).run
    if not x.numel():
        found, *gradients = _empty(x, y, *options)
        return found.zero_(), *gradients
    found, grad_x, grad_y = run(x, y, Haar(c, alpha), want_x, want_y)
    return found, or_nothing(grad_x, x, y), or_nothing(grad_y, x, y)


def _check(x: Tensor, c: float, alpha: float) -> None:
    """Raise for options that the kernel does not support."""
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise ValueError(f"x must be (N, 1 or 3, H, W), got {tuple(x.shape)}")
    if not (c > 0 and 0 < alpha <= MOST):
        raise ValueError(f"c must be positive and alpha in (0, {MOST}], got {c} and {alpha}")


MOST = 40  # exp(-alpha) and its square are normal numbers in float32

torch.library.register_autograd(
    "ssimloss::haar_means", means_backward("haar_means"), setup_context=keep
)
register_one_by_one("haar_means")
