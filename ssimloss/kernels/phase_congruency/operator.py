"""Phase congruency ``(N, 1, H, W)`` of gray images under a bank of filters of four orientations and
four scales, and the gradient for any upstream map.

Besides, the operator returns what its gradient needs: the sums of amplitudes, a bit per orientation
whose energy is above its noise, and for each orientation the threshold and its derivatives.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import signed
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.operators import no_second_order, register_one_by_one
from ssimloss.kernels.phase_congruency import cpu
from ssimloss.kernels.phase_congruency.cpu import NOISE, Maps

PHASE_CONGRUENCY: Kernels = {"cpu": Kernel(library.why_not_for, cpu.phase_congruency)}
PHASE_CONGRUENCY_BACKWARD: Kernels = {
    "cpu": Kernel(library.why_not_for, cpu.phase_congruency_backward)
}
ORIENTATIONS, SCALES = 4, 4
GROUP = 16  # columns of filters that lie side by side

_BANK = "Tensor gray, Tensor filters, Tensor factors"
_OPTIONS = "float epsilon, bool lower_median, str backend"
torch.library.define(
    "ssimloss::phase_congruency", f"({_BANK}, {_OPTIONS}) -> (Tensor, Tensor, Tensor, Tensor)"
)
torch.library.define(
    "ssimloss::phase_congruency_backward",
    f"(Tensor upstream, {_BANK}, Tensor congruency, Tensor amplitude, Tensor above, Tensor noise, "
    f"{_OPTIONS}) -> Tensor",
)


def phase_congruency(
    gray: Tensor,
    filters: Tensor,
    factors: Tensor,
    *,
    epsilon: float,
    lower_median: bool,
    backend: str,
    equation: Callable[[Tensor], Tensor],
) -> Tensor:
    """The congruency, differentiable any number of times with respect to the images.

    Args:
        gray: ``(N, 1, H, W)`` of float32 or float64, each of mean 0, on a scale of 255.
        filters: transfer functions ``(4, 4, ceil(W / 16), H, 16)``: orientations, scales, groups of
            columns, rows, columns of a group; zeros beyond the last column.
        factors: of the noise threshold of each orientation, beside the median: ``(4,)``.
        epsilon: added to the length of the mean response.
        lower_median: the median of an even number is the lower one of the middle two, instead of
            the root of the mean of their squares.
        backend: one of ``PHASE_CONGRUENCY``.
        equation: the same congruency in plain PyTorch.
    """
    options = (epsilon, lower_median, backend)
    found: Tensor
    if torch.compiler.is_compiling():
        found = torch.ops.ssimloss.phase_congruency(gray, filters, factors, *options)[0]
    else:
        found = _Congruency.apply(gray, filters, factors, options, equation)[0]
    return found


class _Congruency(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    @signed
    def forward(
        gray: Tensor, filters: Tensor, factors: Tensor, options: tuple[Any, ...], _equation: Any
    ) -> Maps:
        maps: Maps = torch.ops.ssimloss.phase_congruency(gray, filters, factors, *options)
        return maps

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Maps) -> None:
        gray, filters, factors, ctx.options, ctx.equation = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(gray, filters, factors, *output)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        gray, *kept = ctx.saved_tensors
        if torch.is_grad_enabled():
            given = gray.view_as(gray)
            value = ctx.equation(given)
            if value.requires_grad:
                (found,) = torch.autograd.grad(value, given, upstream, create_graph=True)
                return found, None, None, None, None
        found = torch.ops.ssimloss.phase_congruency_backward(upstream, gray, *kept, *ctx.options)
        return found, None, None, None, None


def _check(gray: Tensor, filters: Tensor, factors: Tensor) -> None:
    if gray.ndim != 4 or gray.shape[1] != 1 or not gray.shape[2] or not gray.shape[3]:
        raise ValueError(f"gray must be (N, 1, H, W), got {tuple(gray.shape)}")
    if gray.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"gray must be float32 or float64, got {gray.dtype}")
    h, w = gray.shape[2:]
    wanted = {
        "filters": (filters, (ORIENTATIONS, SCALES, -(-w // GROUP), h, GROUP)),
        "factors": (factors, (ORIENTATIONS,)),
    }
    for name, (tensor, shape) in wanted.items():
        _check_like(name, tensor, shape, gray.dtype)


def _check_like(name: str, tensor: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if tensor.shape != shape or tensor.dtype is not dtype or tensor.device.type != "cpu":
        raise ValueError(
            f"{name} must be {shape} of {dtype} on the CPU, got {tuple(tensor.shape)} of "
            f"{tensor.dtype} on {tensor.device}"
        )


@torch.library.register_fake("ssimloss::phase_congruency")
def _empty(
    gray: Tensor, _filters: Tensor, factors: Tensor, _e: float, _lower: bool, _backend: str
) -> Maps:
    shape = gray.shape
    return (
        gray.new_empty(shape),
        gray.new_empty(shape),
        gray.new_empty(shape, dtype=torch.uint8),
        gray.new_empty((shape[0], factors.shape[0], NOISE), dtype=torch.float64),
    )


@torch.library.impl("ssimloss::phase_congruency", "default")
def _phase_congruency(
    gray: Tensor,
    filters: Tensor,
    factors: Tensor,
    epsilon: float,
    lower_median: bool,
    backend: Any,
) -> Maps:
    run = kernel(PHASE_CONGRUENCY, backend, gray, gray).run
    _check(gray, filters, factors)
    if not len(gray):
        nothing: Maps = _empty(gray, filters, factors, epsilon, lower_median, backend)
        return nothing
    bank = (each.contiguous() for each in (gray, filters, factors))
    maps: Maps = run(*bank, epsilon, lower_median)
    return maps


@torch.library.register_fake("ssimloss::phase_congruency_backward")
def _empty_backward(_upstream: Tensor, gray: Tensor, *_: Any) -> Tensor:
    return gray.new_empty(gray.shape)


@torch.library.impl("ssimloss::phase_congruency_backward", "default")
def _phase_congruency_backward(
    upstream: Tensor,
    gray: Tensor,
    filters: Tensor,
    factors: Tensor,
    congruency: Tensor,
    amplitude: Tensor,
    above: Tensor,
    noise: Tensor,
    epsilon: float,
    lower_median: bool,
    backend: Any,
) -> Tensor:
    run = kernel(PHASE_CONGRUENCY_BACKWARD, backend, gray, gray).run
    _check(gray, filters, factors)
    shape = tuple(gray.shape)
    _check_like("upstream", upstream, shape, gray.dtype)
    _check_like("congruency", congruency, shape, gray.dtype)
    _check_like("amplitude", amplitude, shape, gray.dtype)
    _check_like("above", above, shape, torch.uint8)
    _check_like("noise", noise, (shape[0], ORIENTATIONS, NOISE), torch.float64)
    if not len(gray):
        return gray.new_empty(shape)
    maps = tuple(each.contiguous() for each in (congruency, amplitude, above, noise))
    bank = (each.contiguous() for each in (upstream, gray, filters, factors))
    found: Tensor = run(*bank, maps, epsilon, lower_median)
    return found


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Maps) -> None:
    gray, filters, factors, *ctx.options = inputs
    ctx.mark_non_differentiable(*output[1:])
    ctx.save_for_backward(gray, filters, factors, *output)


def _backward(ctx: Any, upstream: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
    no_second_order("phase_congruency")
    found = torch.ops.ssimloss.phase_congruency_backward(upstream, *ctx.saved_tensors, *ctx.options)
    return found, *(None,) * 5


torch.library.register_autograd("ssimloss::phase_congruency", _backward, setup_context=_keep)
register_one_by_one("phase_congruency")
register_one_by_one("phase_congruency_backward")
