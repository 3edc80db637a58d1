"""Inner products of the patches of features with directions, as a convolution without TF32."""

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as nnf
from torch import Tensor

from ssimloss._precision import exact
from ssimloss._torch import is_exporting

# Channels that convolutions of PyTorch compute at once on a CPU.
TOGETHER = 16
# Numbers that are copied at once where a convolution copies its patches: 2 MiB in float64.
_COPIED = 2**18


def inner_products(
    features: Tensor, directions: Tensor, stride: int, height: int = 0, width: int = 0
) -> Tensor:
    """The inner products of patches of ``(N, C, H, W)`` with directions ``(K, C, p, p)``, as a
    convolution. It and its derivatives never use TF32. Directions are constants.

    With a ``height`` and a ``width``, the transposed operation, from inner products to features of
    that size. Compiled code calls both as one operator. An exported program, which may run without
    this package, holds the convolution, and follows the flags.
    """
    if is_exporting():
        return _convolve(features, directions, stride, height, width)
    if torch.compiler.is_compiling():
        compiled: Tensor = torch.ops.ssimloss.inner_products(
            features, directions, stride, height, width
        )
        return compiled
    result: Tensor = _InnerProducts.apply(features, directions, stride, height, width)
    return result


def _exactly(features: Tensor, directions: Tensor, stride: int, height: int, width: int) -> Tensor:
    with exact(features):
        return _convolve(features, directions, stride, height, width)


def _convolve(features: Tensor, directions: Tensor, stride: int, height: int, width: int) -> Tensor:
    if not height:
        return _in_strips(features, directions, stride)
    patch, channels = directions.shape[2], directions.shape[1]
    if features.device.type == "cpu" and stride == 1 and channels < TOGETHER:
        return _to_few_channels(features, directions)
    rest = [
        side - (count - 1) * stride - patch
        for side, count in zip((height, width), features.shape[2:], strict=True)
    ]
    return nnf.conv_transpose2d(features, directions, stride=stride, output_padding=rest)


def _to_few_channels(values: Tensor, directions: Tensor) -> Tensor:
    """The transposed convolution. PyTorch's takes the time of ``TOGETHER`` channels for fewer, so
    each channel and row of the kernel is a channel of a convolution along rows; rows are then added
    up.
    """
    count, channels, patch, width = directions.shape
    n, _, height, columns = values.shape
    total = values.new_zeros(n, channels, height + patch - 1, columns + width - 1)
    at_once = TOGETHER // channels
    for top in range(0, patch, at_once):
        rows = directions[:, :, top : top + at_once].permute(1, 2, 0, 3).flip(3)
        kernel = rows.reshape(-1, count, 1, width)
        planes = _in_strips(values, kernel, padding=width - 1)
        planes = planes.view(n, channels, planes.shape[1] // channels, *planes.shape[2:])
        for row, plane in enumerate(planes.unbind(2), top):
            total[:, :, row : row + height] += plane
    return total


def _in_strips(values: Tensor, kernel: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
    """A convolution, with zeros beside each row.

    On a CPU in float64, PyTorch copies the patches of all positions before it multiplies: 6 GB for
    patches of 11 x 11 pixels of a frame of 1920 x 1080 pixels. Strips of rows copy less and take
    less time.
    """
    convolve = functools.partial(nnf.conv2d, weight=kernel, stride=stride, padding=(0, padding))
    if is_exporting() or values.device.type != "cpu" or values.dtype != torch.float64:
        return convolve(values)
    patch = kernel.shape[2]
    rows = (values.shape[2] - patch) // stride + 1
    strip = max(_COPIED // (kernel[0].numel() * (values.shape[3] // stride)), 1)
    if strip >= rows:
        return convolve(values)
    columns = (values.shape[3] + 2 * padding - kernel.shape[3]) // stride + 1
    # One result that strips are written into: many small ones between large copies of patches
    # would fragment the heap, to 5 GB for the frame above.
    found = values.new_empty(values.shape[0], len(kernel), rows, columns)
    for top in range(0, rows, strip):
        end = min(top + strip, rows)
        found[:, :, top:end] = convolve(values[:, :, top * stride : (end - 1) * stride + patch])
    return found


def _keep_directions(
    ctx: Any,
    inputs: tuple[Tensor, Tensor, int, int, int],
    output: Tensor,  # noqa: ARG001 - by the contract of setup_context
) -> None:
    features, directions, ctx.stride, *ctx.given = inputs
    ctx.back = (0, 0) if ctx.given[0] else tuple(features.shape[2:])
    ctx.save_for_backward(directions)


def _gradients(
    ctx: Any, gradient: Tensor, operation: Callable[..., Tensor] = inner_products
) -> tuple[Tensor | None, None, None, None, None]:
    if not ctx.needs_input_grad[0]:
        return None, None, None, None, None
    (directions,) = ctx.saved_tensors
    return operation(gradient, directions, ctx.stride, *ctx.back), None, None, None, None


def _operator_gradients(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, None, None, None]:
    """By the operator: while PyTorch 2.6 traces a backward pass, is_compiling() is False."""
    return _gradients(ctx, gradient, torch.ops.ssimloss.inner_products)


class _InnerProducts(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(
        features: Tensor, directions: Tensor, stride: int, height: int, width: int
    ) -> Tensor:
        return _exactly(features, directions, stride, height, width)

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Tensor, Tensor, int, int, int], output: Tensor
    ) -> None:
        _keep_directions(ctx, inputs, output)
        ctx.save_for_forward(inputs[1])

    backward = staticmethod(_gradients)

    @staticmethod
    def jvp(ctx: Any, to_features: Tensor, *_: Any) -> Tensor:
        (directions,) = ctx.saved_tensors
        return inner_products(to_features, directions, ctx.stride, *ctx.given)


torch.library.define(
    "ssimloss::inner_products",
    "(Tensor features, Tensor directions, int stride, SymInt height, SymInt width) -> Tensor",
)
torch.library.register_autograd(
    "ssimloss::inner_products", _operator_gradients, setup_context=_keep_directions
)


def _dense(features: Tensor, directions: Tensor, stride: int, height: int, width: int) -> Tensor:
    return _exactly(features, directions, stride, height, width).contiguous()


def _empty(features: Tensor, directions: Tensor, stride: int, height: int, width: int) -> Tensor:
    count, channels, patch, _ = directions.shape
    if height:
        return features.new_empty(features.shape[0], channels, height, width)
    sides = [(side - patch) // stride + 1 for side in features.shape[2:]]
    return features.new_empty(features.shape[0], count, *sides)


torch.library.impl("ssimloss::inner_products", "default")(_dense)
torch.library.register_fake("ssimloss::inner_products")(_empty)
