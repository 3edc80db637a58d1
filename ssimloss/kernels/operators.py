"""Code shared by the operators ``torch.ops.ssimloss.*``: checks, shapes and PyTorch's interfaces.

Each operator takes the name of its backend and allocates its results. Each has a fake
implementation, so that ``torch.compile``, export and ``opcheck`` know its shapes. An operator that
reduces also returns the gradients of its means, up to one factor per mean. Gradients that are not
needed are empty tensors. Means and gradients are float64 if either image is, else float32.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels.comparison import Comparison
from ssimloss.kernels.library import MAX_TAPS

COMPARISON = (
    "Tensor x, Tensor y, float[] window, float c1, float c2, float low, str part, str padding"
)
WANTED = "bool want_x, bool want_y"


def computing_dtype(x: Tensor, y: Tensor) -> torch.dtype:
    """The dtype of computation: float64 if either image is float64, else float32."""
    if x.dtype is torch.float64 or y.dtype is torch.float64:
        return torch.float64
    return torch.float32


def check_images(x: Tensor, y: Tensor, least: int = 1) -> None:
    """Check the images, because kernels read memory without checks.

    Args:
        least: rows and columns that an image must have, see ``least_size``.
    """
    shape = x.shape
    if len(shape) != 4 or shape != y.shape or x.device != y.device:
        raise ValueError(
            f"x and y must be (N, C, H, W) of one shape on one device, got {tuple(x.shape)} and "
            f"{tuple(y.shape)}"
        )
    if shape[2] < least or shape[3] < least:
        raise ValueError(
            f"x and y must have at least {least} pixels for the window and its padding, got "
            f"{tuple(shape[2:])}"
        )


@functools.lru_cache(maxsize=64)
def least_size(comparison: Comparison) -> int:
    """Rows and columns that an image must have to be compared.

    Raises:
        ValueError: kernels do not support this window.
    """
    taps, padding = len(comparison.window), comparison.padding
    if not 1 <= taps <= MAX_TAPS:
        raise ValueError(f"kernels have windows of 1 to {MAX_TAPS} taps, got {taps}")
    if padding == "valid":
        return taps
    if taps % 2 == 0:
        raise ValueError(f"padding={padding!r} needs an odd number of taps, got {taps}")
    return taps // 2 + 1 if padding == "reflect" else 1


def empty_gradients(x: Tensor, y: Tensor, want_x: bool, want_y: bool) -> tuple[Tensor, Tensor]:
    """Tensors for the gradients; empty for a gradient that is not needed."""
    dtype = computing_dtype(x, y)
    return (
        torch.empty_like(x, dtype=dtype) if want_x else x.new_empty(0, dtype=dtype),
        torch.empty_like(y, dtype=dtype) if want_y else y.new_empty(0, dtype=dtype),
    )


def results_per_image(
    x: Tensor, y: Tensor, want_x: bool, want_y: bool, side: int = 1
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Memory for one number per image, ``(N, 1)``, and for the gradients that are needed.

    Args:
        side: of the blocks that a kernel compares. Gradients are 0 beyond the last whole one.
    """
    dtype = computing_dtype(x, y)
    whole = x.shape[2] % side == 0 == x.shape[3] % side
    allocated = torch.empty_like if whole else torch.zeros_like
    grad_x = allocated(x, dtype=dtype) if want_x else None
    grad_y = allocated(y, dtype=dtype) if want_y else None
    return x.new_empty((len(x), 1), dtype=dtype), grad_x, grad_y


def or_nothing(gradient: Tensor | None, x: Tensor, y: Tensor) -> Tensor:
    """The result of an operator for a gradient that its kernel did not compute."""
    return x.new_empty(0, dtype=computing_dtype(x, y)) if gradient is None else gradient


def typed(
    gradients: Iterable[Tensor], images: tuple[Tensor, Tensor], wanted: Iterable[bool]
) -> tuple[Tensor | None, ...]:
    """Each gradient in the dtype of its image; ``None`` if it is not needed."""
    return tuple(
        gradient.to(image.dtype) if want else None
        for gradient, image, want in zip(gradients, images, wanted, strict=True)
    )


# --- the operators called without the functions above: by a compiler, or by hand ------------------


def keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor | tuple[Tensor, ...]) -> None:
    """The images, and the gradients that an operator returns after its means."""
    x, y, *ctx.options = inputs
    gradients = output[1:] if isinstance(output, tuple) else ()
    ctx.mark_non_differentiable(*gradients)
    ctx.save_for_backward(x, y, *gradients)


def no_second_order(operator: str) -> None:
    """Raise if a graph of the gradient is needed."""
    if torch.is_grad_enabled():
        raise RuntimeError(
            f"ssimloss::{operator} has no second derivative; call the loss outside torch.compile, "
            "where it differentiates the eager equation, or use backend='eager'"
        )


def means_backward(operator: str) -> Callable[..., tuple[Tensor | None, ...]]:
    """Register the gradient of an operator that returns the gradients of its means or scores. Its
    options are not differentiable.
    """

    def backward(ctx: Any, upstream: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        no_second_order(operator)
        x, y, *gradients = ctx.saved_tensors
        factor = upstream[:, :, None, None]
        scaled = [gradient * factor if gradient.numel() else gradient for gradient in gradients]
        wanted = [gradient.shape == x.shape for gradient in gradients]
        return *typed(scaled, (x, y), wanted), *(None,) * len(ctx.options)

    return backward


def maps_backward(operator: str) -> Callable[..., tuple[Tensor | None, ...]]:
    """Register the gradient of an operator that has a second one for it, ``OPERATOR_backward``. Its
    options are not differentiable.
    """
    gradients = getattr(torch.ops.ssimloss, f"{operator}_backward")

    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        no_second_order(operator)
        x, y = ctx.saved_tensors
        *options, backend = ctx.options
        needed = ctx.needs_input_grad[:2]
        found = gradients(upstream, x, y, *options, *needed, backend)
        return *typed(found, (x, y), needed), *(None,) * len(ctx.options)

    return backward


def register_one_by_one(operator: str) -> None:
    """``torch.vmap`` by one call after another. For speed, use the images' batch dimension."""
    call = getattr(torch.ops.ssimloss, operator)

    def rule(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> tuple[Any, Any]:
        calls = []
        for index in range(info.batch_size):
            chosen = [
                a.select(dim, index) if isinstance(dim, int) else a
                for a, dim in zip(arguments, in_dims, strict=True)
            ]
            calls.append(call(*chosen))
        if isinstance(calls[0], Tensor):
            return torch.stack(calls), 0
        stacked = tuple(torch.stack(results) for results in zip(*calls, strict=True))
        return stacked, (0,) * len(stacked)

    torch.library.register_vmap(f"ssimloss::{operator}", rule)
