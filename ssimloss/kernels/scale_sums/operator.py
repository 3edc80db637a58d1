"""The sums ``(M, 4, ...)`` of distorted planes ``x`` and their references ``y``, both
``(M, 1, H, W)``, and the gradient for any upstream one.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._torch import is_observed
from ssimloss.kernels import library
from ssimloss.kernels.autograd import Equation, Pair, maps
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.gpu import machine
from ssimloss.kernels.operators import (
    WANTED,
    computing_dtype,
    empty_gradients,
    keep,
    maps_backward,
    or_nothing,
    register_one_by_one,
)
from ssimloss.kernels.proof import PROOFS
from ssimloss.kernels.scale_sums import cpu, triton
from ssimloss.kernels.scale_sums.measured import SHAPES, WITHOUT_GRADIENT, Measured, SumKind

_CPU: Kernels = {"cpu": Kernel(library.why_not_for, cpu.scale_sums)}
_TRITON: Kernels = {"triton": Kernel(machine.why_not_for, triton.scale_sums, "scale_sums")}
SCALE_SUMS: dict[SumKind, Kernels] = {
    "information": {**_CPU, **_TRITON},
    "shared_information": {**_CPU, **_TRITON},
    "detail": _CPU,
    "change": _CPU,
}
# The backward functions, for kinds with a gradient.
SCALE_SUMS_BACKWARD: Kernels = {
    "cpu": Kernel(library.why_not_for, cpu.scale_sums_backward),
    "triton": Kernel(machine.why_not_for, triton.scale_sums_backward),
}

PROOFS["scale_sums"] = triton.PROOF
_MEASURED = "Tensor x, Tensor y, str kind, float limit, float[] numbers"

torch.library.define("ssimloss::scale_sums", f"({_MEASURED}, str backend) -> Tensor")
torch.library.define(
    "ssimloss::scale_sums_backward",
    f"(Tensor upstream, {_MEASURED}, {WANTED}, str backend) -> (Tensor, Tensor)",
)


def scale_sums(
    x: Tensor, y: Tensor, measured: Measured, *, backend: str, equation: Equation
) -> Tensor:
    """The sums in the computing dtype, differentiable any number of times. Only the images are kept
    for backward.

    Args:
        x, y: distorted planes and their references, ``(M, 1, H, W)`` of one shape on one device.
        backend: one of ``SCALE_SUMS[measured.kind]``.
        equation: the same sums in plain PyTorch.
    """
    wanted = torch.is_grad_enabled() and (x.requires_grad or y.requires_grad)
    compiling = torch.compiler.is_compiling()
    if backend == "cpu" and x.numel() and not (wanted or compiling or is_observed(x, y)):
        return cpu.scale_sums(x, y, measured)  # the dispatcher takes as long as a small image
    return maps(x, y, _PAIR, measured, backend, equation)


_PAIR = Pair(torch.ops.ssimloss.scale_sums, torch.ops.ssimloss.scale_sums_backward)


def _check_planes(x: Tensor) -> None:
    if x.ndim == 4 and x.shape[1] != 1:
        raise ValueError(f"x and y must be planes (M, 1, H, W), got {tuple(x.shape)}")


@torch.library.register_fake("ssimloss::scale_sums")
def _empty(x: Tensor, y: Tensor, kind: str, _limit: float, _numbers: Any, _backend: str) -> Tensor:
    return x.new_empty((x.shape[0], *SHAPES[kind]), dtype=computing_dtype(x, y))


@torch.library.impl("ssimloss::scale_sums", "default")
def _scale_sums(x: Tensor, y: Tensor, *options: Any) -> Tensor:
    kind, limit, numbers, backend = options
    _checks.choice("kind", kind, SHAPES)
    run = kernel(SCALE_SUMS[kind], backend, x, y).run
    _check_planes(x)
    if not x.numel():
        nothing: Tensor = _empty(x, y, *options)
        return nothing
    found: Tensor = run(x, y, Measured(kind, limit, tuple(numbers)))
    return found


@torch.library.register_fake("ssimloss::scale_sums_backward")
def _empty_backward(
    _upstream: Tensor, x: Tensor, y: Tensor, *options: Any
) -> tuple[Tensor, Tensor]:
    *_, want_x, want_y, _backend = options
    return empty_gradients(x, y, want_x, want_y)


@torch.library.impl("ssimloss::scale_sums_backward", "default")
def _scale_sums_backward(
    upstream: Tensor, x: Tensor, y: Tensor, *options: Any
) -> tuple[Tensor, Tensor]:
    kind, limit, numbers, want_x, want_y, backend = options
    _checks.choice("kind", kind, SHAPES)
    if kind in WITHOUT_GRADIENT:
        raise RuntimeError(
            f"scale_sums of kind {kind!r} has no gradient; use the equation if one is needed"
        )
    _checks.choice("backend", backend, SCALE_SUMS[kind])
    run = kernel(SCALE_SUMS_BACKWARD, backend, x, y).run
    _check_planes(x)
    if upstream.shape != (x.shape[0], *SHAPES[kind]):
        raise ValueError(
            f"upstream must have shape {(x.shape[0], *SHAPES[kind])}, got {tuple(upstream.shape)}"
        )
    if not x.numel() or not (want_x or want_y):
        nothing: tuple[Tensor, Tensor] = _empty_backward(upstream, x, y, *options)
        return nothing
    measured = Measured(kind, limit, tuple(numbers))
    grad_x, grad_y = run(upstream, x, y, measured, want_x, want_y)
    return or_nothing(grad_x if want_x else None, x, y), or_nothing(grad_y, x, y)


torch.library.register_autograd(
    "ssimloss::scale_sums", maps_backward("scale_sums"), setup_context=keep
)
register_one_by_one("scale_sums")
register_one_by_one("scale_sums_backward")
