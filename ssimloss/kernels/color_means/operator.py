"""The mean over each image of the colour differences CIEDE2000 of sRGB pixels, ``(N, 1 or 3, H,
W)``, as ``(N, 1)``, and the gradients.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Equation, Found, Primitive, means
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.color_means import cpu
from ssimloss.kernels.color_means.colors import Colors
from ssimloss.kernels.operators import (
    WANTED,
    computing_dtype,
    empty_gradients,
    keep,
    means_backward,
    or_nothing,
    register_one_by_one,
)

COLOR_MEANS: Kernels = {"cpu": Kernel(library.why_not_for, cpu.color_means)}

torch.library.define(
    "ssimloss::color_means",
    "(Tensor x, Tensor y, float low, float span, float k_l, float k_c, float k_h, "
    f"{WANTED}, str backend) -> (Tensor, Tensor, Tensor)",
)


def color_means(
    x: Tensor,
    y: Tensor,
    colors: Colors,
    *,
    backend: str,
    equation: Equation,
    slope: float = 1.0,
) -> Tensor:
    """The means ``(N, 1)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: ``(N, 1 or 3, H, W)`` of one shape on one device.
        backend: one of ``COLOR_MEANS``.
        equation: the same means in plain PyTorch.
        slope: see :func:`ssimloss.kernels.autograd.means`.
    """
    return means(x, y, _PRIMITIVE, (colors,), backend, equation, slope)


def _dispatched(
    x: Tensor,
    y: Tensor,
    colors: Colors,
    want_x: bool,
    want_y: bool,
    slope: float,
    backend: str = "cpu",
) -> Found:
    found, grad_x, grad_y = torch.ops.ssimloss.color_means(x, y, *colors, want_x, want_y, backend)
    return (found, grad_x, grad_y) if slope == 1 else (found, slope * grad_x, slope * grad_y)


_PRIMITIVE = Primitive(cpu.color_means, _dispatched)


@torch.library.register_fake("ssimloss::color_means")
def _empty(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    *_, want_x, want_y, _backend = options
    found = x.new_empty((x.shape[0], 1), dtype=computing_dtype(x, y))
    return found, *empty_gradients(x, y, want_x, want_y)


@torch.library.impl("ssimloss::color_means", "default")
def _color_means(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    *numbers, want_x, want_y, backend = options
    colors = Colors(*numbers)
    _check(x, colors)
    run = kernel(COLOR_MEANS, backend, x, y).run
    if not x.numel():
        found, *gradients = _empty(x, y, *options)
        return found.zero_(), *gradients
    found, grad_x, grad_y = run(x, y, colors, want_x, want_y)
    return found, or_nothing(grad_x, x, y), or_nothing(grad_y, x, y)


def _check(x: Tensor, colors: Colors) -> None:
    """Raise for options that the kernel does not support."""
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise ValueError(f"x must be (N, 1 or 3, H, W), got {tuple(x.shape)}")
    if not min(colors[1:]) > 0:
        raise ValueError(f"span and tolerances must be positive, got {colors[1:]}")


torch.library.register_autograd(
    "ssimloss::color_means", means_backward("color_means"), setup_context=keep
)
register_one_by_one("color_means")
