"""Weighted sums of channels and means of their blocks, ``(N, rows, H', W')``. The operator is
linear: its derivative is its transpose, and vice versa.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss.kernels import library
from ssimloss.kernels.autograd import signed
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.block_means import cpu
from ssimloss.kernels.block_means.blocks import BLOCK_BORDERS, Blocks
from ssimloss.kernels.operators import computing_dtype, register_one_by_one

BLOCK_MEANS: Kernels = {"cpu": Kernel(library.why_not_for, cpu.block_means)}
BLOCK_MEANS_BACKWARD: Kernels = {"cpu": Kernel(library.why_not_for, cpu.block_means_backward)}
_BLOCKS = "float[] weights, float low, int factor, str border"

torch.library.define("ssimloss::block_means", f"(Tensor image, {_BLOCKS}, str backend) -> Tensor")
torch.library.define(
    "ssimloss::block_means_backward",
    f"(Tensor upstream, {_BLOCKS}, SymInt[] shape, str backend) -> Tensor",
)


def block_means(image: Tensor, blocks: Blocks, *, backend: str) -> Tensor:
    """The means in the computing dtype, differentiable any number of times.

    Args:
        image: ``(N, C, H, W)``.
        backend: one of ``BLOCK_MEANS``.
    """
    if torch.compiler.is_compiling():
        compiled: Tensor = torch.ops.ssimloss.block_means(image, *blocks, backend)
        return compiled
    found: Tensor = _Means.apply(image, *blocks, backend)
    return found


# --- derivatives of the functions here, and of operators called by a compiler or by hand ----------


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
    given, *ctx.options = inputs
    ctx.shape, ctx.dtype = given.shape, given.dtype


def _backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    *blocks, backend = ctx.options
    found = _Transposed.apply(upstream, *blocks, tuple(ctx.shape), backend)
    return found.to(ctx.dtype), *(None,) * len(ctx.options)


def _backward_of_backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    weights, _low, factor, border, _shape, backend = ctx.options
    found = _Means.apply(upstream, weights, 0.0, factor, border, backend)
    return found.to(ctx.dtype), *(None,) * len(ctx.options)


class _Means(torch.autograd.Function):
    """The autograd function. That of ``register_autograd`` does not support ``torch.func``."""

    generate_vmap_rule = True

    @staticmethod
    @signed
    def forward(image: Tensor, *options: Any) -> Tensor:
        found: Tensor = torch.ops.ssimloss.block_means(image, *options)
        return found

    setup_context = staticmethod(_keep)
    backward = staticmethod(_backward)


class _Transposed(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    @signed
    def forward(upstream: Tensor, *options: Any) -> Tensor:
        found: Tensor = torch.ops.ssimloss.block_means_backward(upstream, *options)
        return found

    setup_context = staticmethod(_keep)
    backward = staticmethod(_backward_of_backward)


torch.library.register_autograd("ssimloss::block_means", _backward, setup_context=_keep)
torch.library.register_autograd(
    "ssimloss::block_means_backward", _backward_of_backward, setup_context=_keep
)


# --- the operators --------------------------------------------------------------------------------


def _blocks_of(channels: int, weights: Any, low: float, factor: int, border: Any) -> Blocks:
    _checks.choice("border", border, BLOCK_BORDERS)
    if factor < 1:
        raise ValueError(f"factor must be at least 1, got {factor}")
    if not weights or not channels or len(weights) % channels:
        raise ValueError(
            f"weights must be rows of {channels} numbers, one for each channel, got {len(weights)} "
            "numbers"
        )
    return Blocks(tuple(weights), low, factor, border)


@torch.library.register_fake("ssimloss::block_means")
def _empty(image: Tensor, weights: Any, low: float, factor: int, border: Any, _b: str) -> Tensor:
    blocks = _blocks_of(image.shape[1], weights, low, factor, border)
    n, channels, height, width = image.shape
    size = n, len(weights) // channels, blocks.size(height), blocks.size(width)
    return image.new_empty(size, dtype=computing_dtype(image, image))


@torch.library.impl("ssimloss::block_means", "default")
def _block_means(image: Tensor, *options: Any) -> Tensor:
    if image.ndim != 4:
        raise ValueError(f"image must be (N, C, H, W), got {tuple(image.shape)}")
    *given, backend = options
    run = kernel(BLOCK_MEANS, backend, image, image).run
    blocks = _blocks_of(image.shape[1], *given)
    n, _, height, width = image.shape
    some = n and blocks.size(height) and blocks.size(width)
    found: Tensor = run(image, blocks) if some else _empty(image, *options)
    return found


@torch.library.register_fake("ssimloss::block_means_backward")
def _empty_backward(
    upstream: Tensor, _w: Any, _l: float, _f: int, _border: Any, shape: Any, _b: str
) -> Tensor:
    return upstream.new_empty(shape, dtype=computing_dtype(upstream, upstream))


@torch.library.impl("ssimloss::block_means_backward", "default")
def _block_means_backward(upstream: Tensor, *options: Any) -> Tensor:
    *given, shape, backend = options
    run = kernel(BLOCK_MEANS_BACKWARD, backend, upstream, upstream).run
    if len(shape) != 4:
        raise ValueError(f"shape must be that of an image (N, C, H, W), got {tuple(shape)}")
    blocks = _blocks_of(shape[1], *given)
    rows = len(blocks.weights) // shape[1]
    expected = shape[0], rows, blocks.size(shape[2]), blocks.size(shape[3])
    if tuple(upstream.shape) != expected:
        raise ValueError(f"upstream must have shape {expected}, got {tuple(upstream.shape)}")
    if not upstream.numel():
        nothing: Tensor = _empty_backward(upstream, *options)
        return nothing.zero_()
    found: Tensor = run(upstream, blocks, tuple(shape))
    return found


register_one_by_one("block_means")
register_one_by_one("block_means_backward")
