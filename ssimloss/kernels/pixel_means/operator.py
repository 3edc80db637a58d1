"""The mean distance per pixel of each image, ``(N,)``: ``|d|``, ``d^2``, ``sqrt(d^2 + eps^2)`` or
Huber's; all but the last may be clipped.

The operator returns the gradient to ``x``; that to ``y`` is its negative.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Equation, Found, Primitive, means
from ssimloss.kernels.backends import Backend, Kernel, Kernels, kernel
from ssimloss.kernels.comparison import Pixelwise
from ssimloss.kernels.operators import (
    computing_dtype,
    empty_gradients,
    keep,
    no_second_order,
    or_nothing,
    register_one_by_one,
    typed,
)
from ssimloss.kernels.pixel_means import cpu

PIXEL_MEANS: Kernels = {"cpu": Kernel(library.why_not_for, cpu.pixel_means)}

torch.library.define(
    "ssimloss::pixel_means",
    "(Tensor x, Tensor y, str kind, float eps, float low, float high, bool want, str backend) -> "
    "(Tensor, Tensor)",
)


def pixel_means(
    x: Tensor,
    y: Tensor,
    distance: Pixelwise,
    *,
    backend: str,
    equation: Equation,
    slope: float = 1.0,
) -> Tensor:
    """The means ``(N,)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: ``(N, C, H, W)`` of one shape on one device.
        backend: one of ``PIXEL_MEANS``.
        equation: the same means in plain PyTorch.
        slope: see :func:`means`.
    """
    return means(x, y, _PRIMITIVE, distance, backend, equation, slope)


def _dispatched(
    x: Tensor,
    y: Tensor,
    kind: str,
    eps: float,
    low: float,
    high: float,
    want_x: bool,
    want_y: bool,
    slope: float,
    backend: str = "cpu",
) -> Found:
    found, grad = torch.ops.ssimloss.pixel_means(
        x, y, kind, eps, low, high, want_x or want_y, backend
    )
    return found, grad if slope == 1 else slope * grad, grad.new_empty(0)


_PRIMITIVE = Primitive(cpu.pixel_means, _dispatched, opposite=True)


@torch.library.register_fake("ssimloss::pixel_means")
def _empty(
    x: Tensor,
    y: Tensor,
    _kind: str,
    _eps: float,
    _low: float,
    _high: float,
    want: bool,
    _backend: str,
) -> tuple[Tensor, Tensor]:
    found = x.new_empty(x.shape[0], dtype=computing_dtype(x, y))
    return found, empty_gradients(x, y, want, False)[0]


@torch.library.impl("ssimloss::pixel_means", "default")
def _pixel_means(
    x: Tensor,
    y: Tensor,
    kind: str,
    eps: float,
    low: float,
    high: float,
    want: bool,
    backend: Backend,
) -> tuple[Tensor, Tensor]:
    run = kernel(PIXEL_MEANS, backend, x, y).run
    if not x.numel():
        found, grad = _empty(x, y, kind, eps, low, high, want, backend)
        return found.zero_(), grad
    found, grad, _ = run(x, y, kind, eps, low, high, want, False)
    return found, or_nothing(grad, x, y)


def _backward(ctx: Any, upstream: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
    no_second_order("pixel_means")
    x, y, gradient = ctx.saved_tensors
    if not gradient.numel() and x.numel():
        return (None,) * (2 + len(ctx.options))
    scaled = gradient * upstream[:, None, None, None]
    return *typed((scaled, -scaled), (x, y), ctx.needs_input_grad[:2]), *(None,) * len(ctx.options)


torch.library.register_autograd("ssimloss::pixel_means", _backward, setup_context=keep)
register_one_by_one("pixel_means")
