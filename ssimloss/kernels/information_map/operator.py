"""Information ``(N, 1, H - 10, W - 10)`` at positions of two bands ``(N, 1, H, W)``, and the
gradient of the first one for any upstream map.

The reference ``y`` is a Gaussian scale mixture over ``K`` pixels: 3 x 3 pixels of a band and, with
a parent, the pixel of the next coarser band at their middle. Another operator computes the mean
products of these pixels, from which the caller computes the mixture.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import signed
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.information_map import cpu
from ssimloss.kernels.operators import no_second_order, register_one_by_one

NEIGHBOUR_PRODUCTS: Kernels = {"cpu": Kernel(library.why_not_for, cpu.neighbour_products)}
INFORMATION_MAP: Kernels = {"cpu": Kernel(library.why_not_for, cpu.information_map)}
INFORMATION_MAP_BACKWARD: Kernels = {
    "cpu": Kernel(library.why_not_for, cpu.information_map_backward)
}
_LEAST_SIDE = 11
_BANDS = "Tensor x, Tensor y, Tensor? parent, Tensor factor, Tensor variances"
_NUMBERS = "float noise, float flat, float least, str backend"

torch.library.define(
    "ssimloss::neighbour_products", "(Tensor y, Tensor? parent, str backend) -> Tensor"
)
torch.library.define("ssimloss::information_map", f"({_BANDS}, {_NUMBERS}) -> Tensor")
torch.library.define(
    "ssimloss::information_map_backward", f"(Tensor upstream, {_BANDS}, {_NUMBERS}) -> Tensor"
)


def neighbour_products(y: Tensor, parent: Tensor | None, *, backend: str) -> Tensor:
    """The means over all neighbourhoods of products of two of their pixels, ``(N, K, K)`` of
    float64. They are not differentiable.

    Args:
        y: ``(N, 1, H, W)`` of float32 or float64.
        parent: ``(N, 1, H - 2, W - 2)``, the coarser band at the middle of each neighbourhood.
        backend: one of ``INFORMATION_MAP``.
    """
    found: Tensor = torch.ops.ssimloss.neighbour_products(y, parent, backend)
    return found


def information_map(
    x: Tensor,
    y: Tensor,
    parent: Tensor | None,
    factor: Tensor,
    variances: Tensor,
    *,
    noise: float,
    flat: float,
    least: float,
    backend: str,
    equation: Callable[[Tensor], Tensor],
) -> Tensor:
    """The information in bits, differentiable any number of times with respect to ``x``.

    Args:
        x, y: ``(N, 1, H, W)`` of float32 or float64, of at least 11 pixels on both sides.
        parent: see :func:`neighbour_products`.
        factor: ``(N, K, K)``, lower triangular: that of the inverse of the covariance.
        variances: ``(N, K)``, the eigenvalues of the covariance.
        noise: the variance of the noise.
        flat: added to the variance of ``y``.
        least: the least variance that counts.
        backend: one of ``INFORMATION_MAP``.
        equation: the same map in plain PyTorch.
    """
    options = (noise, flat, least, backend)
    given = (x, y, parent, factor, variances)
    if torch.compiler.is_compiling():
        compiled: Tensor = torch.ops.ssimloss.information_map(*given, *options)
        return compiled
    found: Tensor = _Information.apply(*given, options, equation)
    return found


class _Information(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    @signed
    def forward(*arguments: Any) -> Tensor:
        *given, options, _equation = arguments
        found: Tensor = torch.ops.ssimloss.information_map(*given, *options)
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], _output: Tensor) -> None:
        *given, ctx.options, ctx.equation = inputs
        ctx.save_for_backward(*given)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        x, *others = ctx.saved_tensors
        if torch.is_grad_enabled():
            given = x.view_as(x)
            value = ctx.equation(given)
            if value.requires_grad:
                (found,) = torch.autograd.grad(value, given, upstream, create_graph=True)
                return found, *(None,) * 6
        found = torch.ops.ssimloss.information_map_backward(upstream, x, *others, *ctx.options)
        return found, *(None,) * 6


def _check_bands(y: Tensor, parent: Tensor | None) -> None:
    """Check shapes and dtypes, because kernels read memory without checks."""
    if y.ndim != 4 or y.shape[1] != 1 or min(y.shape[2:]) < _LEAST_SIDE:
        raise ValueError(
            f"bands must be (N, 1, H, W) of at least {_LEAST_SIDE} pixels on both sides, got "
            f"{tuple(y.shape)}"
        )
    if y.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"bands must be float32 or float64, got {y.dtype}")
    if parent is not None:
        _check_like("parent", parent, (len(y), 1, y.shape[2] - 2, y.shape[3] - 2), y)


def _check(x: Tensor, y: Tensor, parent: Tensor | None, factor: Tensor, variances: Tensor) -> None:
    _check_bands(y, parent)
    pixels = 9 if parent is None else 10
    _check_like("x", x, tuple(y.shape), y)
    _check_like("factor", factor, (len(y), pixels, pixels), y)
    _check_like("variances", variances, (len(y), pixels), y)


def _check_like(name: str, tensor: Tensor, shape: tuple[int, ...], y: Tensor) -> None:
    if tensor.shape != shape or tensor.dtype is not y.dtype or tensor.device != y.device:
        raise ValueError(
            f"{name} must be {shape} of {y.dtype} on {y.device}, got {tuple(tensor.shape)} of "
            f"{tensor.dtype} on {tensor.device}"
        )


@torch.library.register_fake("ssimloss::neighbour_products")
def _empty_products(y: Tensor, parent: Tensor | None, _backend: str) -> Tensor:
    pixels = 9 if parent is None else 10
    return y.new_empty((y.shape[0], pixels, pixels), dtype=torch.float64)


@torch.library.impl("ssimloss::neighbour_products", "default")
def _neighbour_products(y: Tensor, parent: Tensor | None, backend: Any) -> Tensor:
    run = kernel(NEIGHBOUR_PRODUCTS, backend, y, y).run
    _check_bands(y, parent)
    if not len(y):
        nothing: Tensor = _empty_products(y, parent, backend)
        return nothing
    found: Tensor = run(y.contiguous(), None if parent is None else parent.contiguous())
    return found


@torch.library.register_fake("ssimloss::information_map")
def _empty(x: Tensor, *_: Any) -> Tensor:
    return x.new_empty((x.shape[0], 1, x.shape[2] - 10, x.shape[3] - 10))


@torch.library.impl("ssimloss::information_map", "default")
def _information_map(*arguments: Any) -> Tensor:
    *given, noise, flat, least, backend = arguments
    run = kernel(INFORMATION_MAP, backend, given[0], given[1]).run
    _check(*given)
    if not len(given[0]):
        nothing: Tensor = _empty(given[0])
        return nothing
    found: Tensor = run(*_contiguous(given), (noise, flat, least))
    return found


@torch.library.register_fake("ssimloss::information_map_backward")
def _empty_backward(_upstream: Tensor, x: Tensor, *_: Any) -> Tensor:
    return x.new_empty(x.shape)


@torch.library.impl("ssimloss::information_map_backward", "default")
def _information_map_backward(upstream: Tensor, *arguments: Any) -> Tensor:
    *given, noise, flat, least, backend = arguments
    run = kernel(INFORMATION_MAP_BACKWARD, backend, given[0], given[1]).run
    _check(*given)
    _check_like("upstream", upstream, tuple(_empty(given[0]).shape), given[1])
    if not len(given[0]):
        nothing: Tensor = _empty_backward(upstream, given[0])
        return nothing
    found: Tensor = run(*_contiguous([upstream, *given]), (noise, flat, least))
    return found


def _contiguous(tensors: list[Tensor | None]) -> list[Tensor | None]:
    return [None if each is None else each.contiguous() for each in tensors]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001 - by its contract
    *given, noise, flat, least, backend = inputs
    ctx.options = noise, flat, least, backend
    ctx.save_for_backward(*given)


def _backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    no_second_order("information_map")
    found = torch.ops.ssimloss.information_map_backward(upstream, *ctx.saved_tensors, *ctx.options)
    return found, *(None,) * 8


torch.library.register_autograd("ssimloss::information_map", _backward, setup_context=_keep)
register_one_by_one("neighbour_products")
register_one_by_one("information_map")
register_one_by_one("information_map_backward")
