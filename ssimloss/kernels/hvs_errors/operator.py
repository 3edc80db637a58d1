"""The mean over the blocks of 8 x 8 pixels of each image of squared differences of DCT
coefficients, weighted by the sensitivity of the eye, less what the block masks: ``(N, 1)``, and the
gradients.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Equation, Found, Primitive, means
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.hvs_errors import cpu
from ssimloss.kernels.hvs_errors.hvs import HVS
from ssimloss.kernels.operators import (
    WANTED,
    computing_dtype,
    empty_gradients,
    keep,
    means_backward,
    or_nothing,
    register_one_by_one,
)

HVS_ERRORS: Kernels = {"cpu": Kernel(library.why_not_for, cpu.hvs_errors)}

torch.library.define(
    "ssimloss::hvs_errors",
    "(Tensor x, Tensor y, float[] sensitivity, float[] masking, float[] weights, "
    f"{WANTED}, str backend) -> (Tensor, Tensor, Tensor)",
)


def hvs_errors(x: Tensor, y: Tensor, hvs: HVS, *, backend: str, equation: Equation) -> Tensor:
    """The errors ``(N, 1)`` in the computing dtype, differentiable any number of times.

    Args:
        x, y: ``(N, C, H, W)`` of one shape on one device, at least 8 pixels on each side.
        backend: one of ``HVS_ERRORS``.
        equation: the same errors in plain PyTorch.
    """
    return means(x, y, _PRIMITIVE, (hvs,), backend, equation)


def _dispatched(
    x: Tensor,
    y: Tensor,
    hvs: HVS,
    want_x: bool,
    want_y: bool,
    slope: float,
    backend: str = "cpu",
) -> Found:
    found, grad_x, grad_y = torch.ops.ssimloss.hvs_errors(x, y, *hvs, want_x, want_y, backend)
    return (found, grad_x, grad_y) if slope == 1 else (found, slope * grad_x, slope * grad_y)


_PRIMITIVE = Primitive(cpu.hvs_errors, _dispatched)


@torch.library.register_fake("ssimloss::hvs_errors")
def _empty(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    *_, want_x, want_y, _backend = options
    found = x.new_empty((x.shape[0], 1), dtype=computing_dtype(x, y))
    return found, *empty_gradients(x, y, want_x, want_y)


@torch.library.impl("ssimloss::hvs_errors", "default")
def _hvs_errors(x: Tensor, y: Tensor, *options: Any) -> tuple[Tensor, Tensor, Tensor]:
    *numbers, want_x, want_y, backend = options
    hvs = HVS(*map(tuple, numbers))
    _check(x, hvs)
    run = kernel(HVS_ERRORS, backend, x, y).run
    if not x.numel():
        found, *gradients = _empty(x, y, *options)
        return found.zero_(), *gradients
    found, grad_x, grad_y = run(x, y, hvs, want_x, want_y)
    return found, or_nothing(grad_x, x, y), or_nothing(grad_y, x, y)


def _check(x: Tensor, hvs: HVS) -> None:
    """Raise for options that the kernel does not support."""
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got {tuple(x.shape)}")
    counts = {"sensitivity": (64,), "masking": (0, 64), "weights": (0, x.shape[1])}
    for (name, expected), numbers in zip(counts.items(), hvs, strict=True):
        if len(numbers) not in expected:
            allowed = " or ".join(map(str, expected))
            raise ValueError(f"{name} must have {allowed} numbers, got {len(numbers)}")


torch.library.register_autograd(
    "ssimloss::hvs_errors", means_backward("hvs_errors"), setup_context=keep
)
register_one_by_one("hvs_errors")
