"""Sums over the positions of each plane, ``(2, N, C)``, and the gradients of the first half.

The first half is the sum of a measure of local moments, weighted by the filtered mask. The second
is the sum of these weights; without a mask, it is the number of positions.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss.kernels import library
from ssimloss.kernels.autograd import Equation, Found, Primitive, means
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.gpu import machine
from ssimloss.kernels.moment_sums import cpu, triton
from ssimloss.kernels.moment_sums.local import WITH_MASK, Local, LocalKind
from ssimloss.kernels.operators import (
    WANTED,
    computing_dtype,
    empty_gradients,
    no_second_order,
    or_nothing,
    register_one_by_one,
    typed,
)
from ssimloss.kernels.proof import PROOFS

_CPU: Kernels = {"cpu": Kernel(library.why_not_for, cpu.moment_sums)}
_TRITON: Kernels = {"triton": Kernel(machine.why_not_for, triton.moment_sums, "moment_sums")}
MOMENT_SUMS: dict[LocalKind, Kernels] = {
    "similarity": {**_CPU, **_TRITON},
    "structure": {**_CPU, **_TRITON},
    "edge_similarity": _CPU,
    "scales_and_distance": _CPU,
}

PROOFS["moment_sums"] = triton.PROOF

_IMAGES = "Tensor x, Tensor y, Tensor? mask"
_LOCAL = (
    "str kind, float[] windows, int[] lengths, float c1, float c2, float low, str padding, "
    "float[] weights"
)

torch.library.define(
    "ssimloss::moment_sums",
    f"({_IMAGES}, {_LOCAL}, {WANTED}, str backend) -> (Tensor, Tensor, Tensor)",
)


def moment_sums(
    x: Tensor,
    y: Tensor,
    mask: Tensor | None,
    local: Local,
    *,
    backend: str,
    equation: Equation,
    slope: float = 1.0,
) -> Tensor:
    """The sums in the computing dtype, differentiable any number of times.

    Args:
        x, y: ``(N, C, H, W)`` of one shape on one device.
        mask: ``(N, 1 or C, H, W)`` weights, for the kinds ``"similarity"`` and ``"structure"``. It
            has no gradient.
        backend: one of ``MOMENT_SUMS[local.kind]``.
        equation: the same sums in plain PyTorch.
        slope: the derivative with respect to each sum that backward will probably get. If it does,
            backward need not scale the gradient.
    """
    return means(x, y, _PRIMITIVE, (local,), backend, equation, slope, mask)


def _dispatched(
    x: Tensor,
    y: Tensor,
    mask: Tensor | None,
    local: Local,
    want_x: bool,
    want_y: bool,
    slope: float,
    backend: str = "cpu",
) -> Found:
    found, grad_x, grad_y = torch.ops.ssimloss.moment_sums(
        x, y, mask, *local, want_x, want_y, backend
    )
    return (found, grad_x, grad_y) if slope == 1 else (found, slope * grad_x, slope * grad_y)


_PRIMITIVE = Primitive(cpu.moment_sums, _dispatched, weighed=True)


@torch.library.register_fake("ssimloss::moment_sums")
def _empty(
    x: Tensor, y: Tensor, _mask: Tensor | None, *options: Any
) -> tuple[Tensor, Tensor, Tensor]:
    *_, want_x, want_y, _backend = options
    found = x.new_empty((2, *x.shape[:2]), dtype=computing_dtype(x, y))
    return found, *empty_gradients(x, y, want_x, want_y)


@torch.library.impl("ssimloss::moment_sums", "default")
def _moment_sums(
    x: Tensor, y: Tensor, mask: Tensor | None, *options: Any
) -> tuple[Tensor, Tensor, Tensor]:
    kind, windows, lengths, c1, c2, low, padding, weights, want_x, want_y, backend = options
    _checks.choice("kind", kind, cpu.MEASURED)
    local = Local(kind, tuple(windows), tuple(lengths), c1, c2, low, padding, tuple(weights))
    run = kernel(MOMENT_SUMS[kind], backend, x, y).run
    if mask is not None:
        _check_mask(mask, x, kind)
    if not x.numel():
        found, *gradients = _empty(x, y, mask, *options)
        return found.zero_(), *gradients
    found, grad_x, grad_y = run(x, y, mask, local, want_x, want_y)
    return found, or_nothing(grad_x, x, y), or_nothing(grad_y, x, y)


def _check_mask(mask: Tensor, x: Tensor, kind: str) -> None:
    if kind not in WITH_MASK:
        raise ValueError(f"moment_sums of kind {kind!r} takes no mask; mask must be None")
    n, c, *space = x.shape
    if tuple(mask.shape) not in ((n, 1, *space), (n, c, *space)) or mask.device != x.device:
        raise ValueError(
            f"mask must have shape {(n, 1, *space)} or {(n, c, *space)} on {x.device}, got "
            f"{tuple(mask.shape)} on {mask.device}"
        )


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    x, y, *options = inputs
    ctx.options = len(options)
    ctx.mark_non_differentiable(*output[1:])
    ctx.save_for_backward(x, y, *output[1:])


def _backward(ctx: Any, upstream: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
    no_second_order("moment_sums")
    x, y, *gradients = ctx.saved_tensors
    factor = upstream[0, :, :, None, None]
    scaled = [gradient * factor if gradient.numel() else gradient for gradient in gradients]
    wanted = [gradient.shape == x.shape for gradient in gradients]
    return *typed(scaled, (x, y), wanted), *(None,) * ctx.options


torch.library.register_autograd("ssimloss::moment_sums", _backward, setup_context=_keep)
register_one_by_one("moment_sums")
