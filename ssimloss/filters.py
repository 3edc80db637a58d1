"""Windows, borders and separable blurs."""

import functools
import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from ssimloss import _checks
from ssimloss._constants import constant
from ssimloss._precision import exact, widened
from ssimloss._torch import is_exporting

Padding = Literal["valid", "reflect", "replicate", "zeros"]
PADDINGS: tuple[str, ...] = get_args(Padding)
WindowName = Literal["gaussian", "uniform"]
WINDOWS: tuple[str, ...] = get_args(WindowName)


def check_window_options(
    *, window: str | Tensor, window_size: int, sigma: float, padding: str
) -> None:
    """Raise for a window that cannot be built or does not fit the border."""
    _checks.choice("padding", padding, PADDINGS)
    if isinstance(window, Tensor):
        if window.ndim != 1 or window.numel() == 0:
            raise ValueError(
                "window must be a 1-D tensor (it is applied along every axis), got shape "
                f"{tuple(window.shape)}"
            )
        if not window.dtype.is_floating_point:
            raise TypeError(
                f"window must be floating point, got {window.dtype}; cast it with window.float()"
            )
        if window.requires_grad:
            raise ValueError(
                "window must not require a gradient, which it would never get; pass window.detach()"
            )
        size, name = window.numel(), "the length of window"
    else:
        _checks.choice("window", window, WINDOWS)
        _checks.positive("sigma", sigma)
        size, name = _checks.count("window_size", window_size), "window_size"
        if (
            window == "gaussian" and size % 2 == 0 and sigma < 0.02
        ):  # exp(-0.5 (0.5 / sigma)^2) is 0
            raise ValueError(
                "sigma must be at least 0.02 for an even window_size, whose middle lies between "
                f"two taps, got {sigma!r}"
            )
    if size % 2 == 0 and padding != "valid":
        raise ValueError(
            f"{name} must be odd for padding={padding!r}, got {size}; an even window has no "
            "centre, use padding='valid'"
        )


def make_window(window: str | Tensor, window_size: int, sigma: float, like: Tensor) -> Tensor:
    """The 1-D window with unit sum, in the dtype and on the device of ``like``. A custom window is
    normalised on its own device, in float64 if the device has it.
    """
    if not isinstance(window, Tensor):
        return constant(window_weights(window, window_size, sigma), like)
    weights = widened(window)
    return (weights / weights.sum()).to(like)


def window_weights(window: str, window_size: int, sigma: float) -> tuple[float, ...]:
    """A named window with unit sum as numbers, for kernels."""
    if window == "uniform":
        return (1 / window_size,) * window_size
    deviations = [(tap - (window_size - 1) / 2) / sigma for tap in range(window_size)]
    weights = [math.exp(-0.5 * deviation * deviation) for deviation in deviations]
    total = math.fsum(weights)
    return tuple([weight / total for weight in weights])


@functools.lru_cache(maxsize=64)
def rounded_weights(weights: tuple[float, ...]) -> tuple[float, ...]:
    """A window of the same sum with its inner weights rounded to float32. The outer weights, the
    smallest, absorb what that leaves out, and are rounded when a float32 tensor is made of them.

    If each weight were rounded alone, the sum would be off by up to 1e-7, and every variance under
    the window by that share of the squared mean.
    """
    narrow = list(struct.unpack(f"{len(weights)}f", struct.pack(f"{len(weights)}f", *weights)))
    missing = math.fsum(weights) - math.fsum(narrow)
    narrow[0] += missing / 2
    narrow[-1] += missing / 2
    return tuple(narrow)


def window_length(window: str | Tensor, window_size: int) -> int:
    """Number of taps."""
    return window.numel() if isinstance(window, Tensor) else window_size


def check_border(space: Sequence[int], amount: int, padding: Padding) -> None:
    """Raise for images too small to mirror."""
    if padding == "reflect" and min(space) <= amount:
        raise _checks.TooSmallError(
            f"padding='reflect' mirrors {amount} pixels and needs images larger than that, got "
            f"{tuple(space)}; use a smaller window_size or padding='replicate'"
        )


def pad(image: Tensor, amount: int, padding: Padding, *, zero: float = 0.0) -> Tensor:
    """Pad every spatial axis of ``(N, C, ...)`` by ``amount`` at both ends; ``"valid"`` adds
    nothing.

    ``"reflect"`` mirrors without repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"``
    adds ``zero``.
    """
    if padding == "valid" or amount == 0:
        return image
    check_border(image.shape[2:], amount, padding)
    amounts = [amount] * 2 * (image.ndim - 2)
    if padding == "zeros":
        return F.pad(image, amounts, value=zero)
    return (
        F.pad(image, amounts, mode=padding)
        if image.device.type == "cpu"
        else _pad_by_slices(image, amount, padding)
    )


def _pad_by_slices(image: Tensor, amount: int, padding: Padding) -> Tensor:
    """``F.pad`` in parts with a deterministic gradient; its own gradients of reflection and
    replication use atomics on CUDA.
    """
    for axis in range(2, image.ndim):
        size = image.shape[axis]
        if padding == "reflect":
            ends = (
                image.narrow(axis, 1, amount).flip(axis),
                image.narrow(axis, size - 1 - amount, amount).flip(axis),
            )
        else:
            shape = [amount if a == axis else length for a, length in enumerate(image.shape)]
            ends = (
                image.narrow(axis, 0, 1).expand(shape),
                image.narrow(axis, size - 1, 1).expand(shape),
            )
        image = torch.cat((ends[0], image, ends[1]), dim=axis)
    return image


def blur(image: Tensor, window: Tensor) -> Tensor:
    """Correlate every spatial axis of ``(N, C, ...)`` with a 1-D window, without padding: each axis
    gets shorter by ``len(window) - 1``.
    """
    for axis in range(2, image.ndim):
        image = blur_along(image, window, axis)
    return image


def blur_along(image: Tensor, window: Tensor, axis: int) -> Tensor:
    """The same along one axis."""
    # Convolution libraries have no fast float64 path on a CPU; the shifted sum takes a quarter of
    # the time.
    if image.dtype is torch.float64:
        return _shifted_sum(image, window, axis)
    return correlate(image, window, axis, 0)


def correlate(image: Tensor, window: Tensor, axis: int, padding: int) -> Tensor:
    """Correlation along one axis of ``(N, C, ...)`` with ``padding`` zeros at both ends. It is a
    convolution that never uses TF32, and neither do its derivatives.

    The window is a constant. Compiled code calls this as one operator. An exported program, which
    may run without this package, contains the convolution, and follows the flags.
    """
    if is_exporting():
        return _convolve(image, window, axis, padding)
    if torch.compiler.is_compiling():
        compiled: Tensor = torch.ops.ssimloss.correlate(image, window, axis, padding)
        return compiled
    result: Tensor = _Correlation.apply(image, window, axis, padding)
    return result


def _correlate(image: Tensor, window: Tensor, axis: int, padding: int) -> Tensor:
    with exact(image):
        return _convolve(image, window, axis, padding)


def _convolve(image: Tensor, window: Tensor, axis: int, padding: int) -> Tensor:
    channels, axes = image.shape[1], image.ndim - 2
    convolve = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
    taps = window.view([-1 if a == axis - 2 else 1 for a in range(axes)])
    paddings = [padding if a == axis - 2 else 0 for a in range(axes)]
    taps = taps.expand(channels, 1, *taps.shape)
    return convolve(image, taps, padding=paddings, groups=channels)


def _keep_window(
    ctx: Any,
    inputs: tuple[Tensor, Tensor, int, int],
    output: Tensor,  # noqa: ARG001 - by the contract of setup_context
) -> None:
    _, window, ctx.axis, ctx.padding = inputs
    ctx.save_for_backward(window)


def _correlation_gradient(
    ctx: Any, gradient: Tensor, correlate: Callable[..., Tensor] = correlate
) -> tuple[Tensor | None, None, None, None]:
    if not ctx.needs_input_grad[0]:
        return None, None, None, None
    (window,) = ctx.saved_tensors
    padding = window.shape[0] - 1 - ctx.padding
    return correlate(gradient, window.flip(0), ctx.axis, padding), None, None, None


def _operator_gradient(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, None, None]:
    """Call the operator: is_compiling() is False while PyTorch 2.6 traces a backward pass."""
    return _correlation_gradient(ctx, gradient, torch.ops.ssimloss.correlate)


class _Correlation(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(image: Tensor, window: Tensor, axis: int, padding: int) -> Tensor:
        return _correlate(image, window, axis, padding)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int, int], output: Tensor) -> None:
        _keep_window(ctx, inputs, output)
        ctx.save_for_forward(inputs[1])

    backward = staticmethod(_correlation_gradient)

    @staticmethod
    def jvp(ctx: Any, to_image: Tensor, *_: Any) -> Tensor:
        (window,) = ctx.saved_tensors
        return correlate(to_image, window, ctx.axis, ctx.padding)


torch.library.define(
    "ssimloss::correlate", "(Tensor image, Tensor window, int axis, int padding) -> Tensor"
)
torch.library.register_autograd(
    "ssimloss::correlate", _operator_gradient, setup_context=_keep_window
)


def _dense_correlation(image: Tensor, window: Tensor, axis: int, padding: int) -> Tensor:
    return _correlate(image, window, axis, padding).contiguous()


def _empty_correlation(image: Tensor, window: Tensor, axis: int, padding: int) -> Tensor:
    shape = list(image.shape)
    shape[axis] += 2 * padding - window.shape[0] + 1
    return image.new_empty(shape)


torch.library.impl("ssimloss::correlate", "default")(_dense_correlation)
torch.library.register_fake("ssimloss::correlate")(_empty_correlation)


def _shifted_sum(image: Tensor, window: Tensor, axis: int) -> Tensor:
    """Correlation along one axis as a sum of weighted slices."""
    length = image.shape[axis] - window.numel() + 1
    total = image.narrow(axis, 0, length) * window[0]
    for tap in range(1, window.numel()):
        total = total + image.narrow(axis, tap, length) * window[tap]
    return total


def blur_transposed(planes: Tensor, window: Tensor, *, padding: int = 0) -> Tensor:
    """Correlate both axes of planes ``(M, H, W)`` with a 1-D window, with ``padding`` zeros at both
    ends of each axis.

    The result is transposed, ``(M, W', H')``, and a second call transposes it back. Filtering along
    columns is fast, so planes are transposed once between the two passes instead of twice.
    """
    return _blur_columns(_blur_columns(planes, window, padding).transpose(1, 2), window, padding)


def _blur_columns(planes: Tensor, window: Tensor, padding: int) -> Tensor:
    """``(M, H, W)`` to ``(M, H', W)``."""
    m, h, w = planes.shape
    if planes.dtype is torch.float64:
        return _shifted_sum(F.pad(planes, (0, 0, padding, padding)), window, 1)
    if planes.device.type != "cpu":
        return _correlate(planes[None], window, 2, padding)[0]
    # Columns as the channels of a channels-last depthwise convolution, which vectorises over the
    # contiguous axis.
    columns = planes.contiguous().view(m, h, 1, w).permute(0, 3, 1, 2)  # (M, W, H, 1)
    filtered = _correlate(columns, window, 2, padding)
    return filtered.permute(0, 2, 3, 1).reshape(m, -1, w)


def average_pool(image: Tensor, factor: int) -> Tensor:
    """Mean over blocks of ``factor`` along every spatial axis of ``(N, C, ...)``. Incomplete last
    blocks are dropped.
    """
    if image.ndim == 4:
        return F.avg_pool2d(image, factor)
    for axis in range(2, image.ndim):  # the gradient of avg_pool3d uses atomics on CUDA
        blocks = image.shape[axis] // factor
        image = (
            image.narrow(axis, 0, blocks * factor)
            .reshape(*image.shape[:axis], blocks, factor, *image.shape[axis + 1 :])
            .mean(axis + 1)
        )
    return image


def box_subsample(image: Tensor, factor: int) -> Tensor:
    """Box filter of ``factor`` x ``factor`` with symmetric border, then every ``factor``-th sample
    from the first, of ``(N, C, H, W)``.

    MATLAB's ``imfilter(image, ones(f) / f^2, 'symmetric', 'same')`` followed by
    ``(1:f:end, 1:f:end)``: the box centred at sample i begins ``floor((f - 1) / 2)`` before it, and
    the mirrored border repeats the edge.
    """
    for axis in (2, 3):
        size = image.shape[axis]
        before = (factor - 1) // 2
        after = max(0, (size - 1) // factor * factor + factor - before - size)
        image = torch.cat(
            (
                image.narrow(axis, 0, before).flip(axis),
                image,
                image.narrow(axis, size - after, after).flip(axis),
            ),
            dim=axis,
        )
    return F.avg_pool2d(image, factor)
