"""Weighted errors of SSIMULACRA 2 between ``x`` and ``y``, ``(N, 1 or 3, H, W)``, as ``(N, 1)``,
and the gradients.
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
from ssimloss.kernels.visible_errors import cpu
from ssimloss.kernels.visible_errors.visible import PER_SCALE, Visible

VISIBLE_ERRORS: Kernels = {"cpu": Kernel(library.why_not_for, cpu.visible_errors)}

torch.library.define(
    "ssimloss::visible_errors",
    f"(Tensor x, Tensor y, float[] weights, float low, float span, {WANTED}, str backend) -> "
    "(Tensor, Tensor, Tensor)",
)


def visible_errors(
    x: Tensor, y: Tensor, visible: Visible, *, backend: str, equation: Equation
) -> Tensor:
    """The errors ``(N, 1)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: ``(N, 1 or 3, H, W)`` of one shape on one device.
        backend: one of ``VISIBLE_ERRORS``.
        equation: the same numbers in plain PyTorch.
    """
    return means(x, y, _PRIMITIVE, (visible,), backend, equation)


def _dispatched(
    x: Tensor,
    y: Tensor,
    visible: Visible,
    want_x: bool,
    want_y: bool,
    slope: float,
    backend: str = "cpu",
) -> Found:
    found, grad_x, grad_y = torch.ops.ssimloss.visible_errors(
        x, y, *visible, want_x, want_y, backend
    )
    return (found, grad_x, grad_y) if slope == 1 else (found, slope * grad_x, slope * grad_y)


_PRIMITIVE = Primitive(cpu.visible_errors, _dispatched)


@torch.library.register_fake("ssimloss::visible_errors")
def _empty(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    *_, want_x, want_y, _backend = options
    found = x.new_empty((x.shape[0], 1), dtype=computing_dtype(x, y))
    return found, *empty_gradients(x, y, want_x, want_y)


@torch.library.impl("ssimloss::visible_errors", "default")
def _visible_errors(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    weights, low, span, want_x, want_y, backend = options
    visible = Visible(tuple(weights), low, span)
    _check(x, visible)
    run = kernel(VISIBLE_ERRORS, backend, x, y).run
    if not x.numel():
        found, *gradients = _empty(x, y, *options)
        return found.zero_(), *gradients
    found, grad_x, grad_y = run(x, y, visible, want_x, want_y)
    return found, or_nothing(grad_x, x, y), or_nothing(grad_y, x, y)


def _check(x: Tensor, visible: Visible) -> None:
    """Raise for options that the kernel does not support."""
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise ValueError(f"x must be (N, 1 or 3, H, W), got {tuple(x.shape)}")
    if (
        not visible.scales
        or len(visible.weights) % PER_SCALE
        or visible.scales > library.MAX_SCALES
    ):
        raise ValueError(
            f"weights must be {PER_SCALE} for each of 1 to {library.MAX_SCALES} scales, got "
            f"{len(visible.weights)}"
        )
    if not visible.span > 0:
        raise ValueError(f"span must be positive, got {visible.span}")


torch.library.register_autograd(
    "ssimloss::visible_errors", means_backward("visible_errors"), setup_context=keep
)
register_one_by_one("visible_errors")
