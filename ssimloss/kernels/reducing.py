"""Operators that return one number per image, ``(N, 1)``, or per plane, ``(N, C)``, and the
gradients to both images.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Found, Primitive
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


def operator(
    name: str,
    schema: str,
    record: Callable[..., Any],
    check: Callable[[Tensor, Any], None],
    direct: Callable[..., Found],
    *,
    per_plane: bool = False,
) -> tuple[Kernels, Primitive]:
    """Register ``ssimloss::NAME(x, y, OPTIONS, want_x, want_y, backend)``; return the table of its
    backends, and how it is called.

    Args:
        schema: the options, ``"float c, float[] weights"``.
        record: the named tuple of the options, in the same order.
        check: raises for images or options that the kernel does not support.
        direct: the kernel of the CPU, for images that are not empty.
        per_plane: whether the result is ``(N, C)`` instead of ``(N, 1)``.
    """
    kernels: Kernels = {"cpu": Kernel(library.why_not_for, direct)}
    full_name = f"ssimloss::{name}"
    torch.library.define(
        full_name,
        f"(Tensor x, Tensor y, {schema}, {WANTED}, str backend) -> (Tensor, Tensor, Tensor)",
    )
    call = getattr(torch.ops.ssimloss, name)

    def dispatched(
        x: Tensor,
        y: Tensor,
        options: tuple[Any, ...],
        want_x: bool,
        want_y: bool,
        slope: float,
        backend: str = "cpu",
    ) -> Found:
        found, grad_x, grad_y = call(x, y, *options, want_x, want_y, backend)
        return (found, grad_x, grad_y) if slope == 1 else (found, slope * grad_x, slope * grad_y)

    def empty(x: Tensor, y: Tensor, *given: Any) -> tuple[Tensor, Tensor, Tensor]:
        *_, want_x, want_y, _backend = given
        size = x.shape[:2] if per_plane else (x.shape[0], 1)
        found = x.new_empty(size, dtype=computing_dtype(x, y))
        return found, *empty_gradients(x, y, want_x, want_y)

    def run(x: Tensor, y: Tensor, *given: Any) -> tuple[Tensor, Tensor, Tensor]:
        *numbers, want_x, want_y, backend = given
        options = record(*(tuple(n) if isinstance(n, list) else n for n in numbers))
        check(x, options)
        chosen = kernel(kernels, backend, x, y).run
        if not x.numel():
            zeros, none_x, none_y = empty(x, y, *given)
            return zeros.zero_(), none_x, none_y
        found, grad_x, grad_y = chosen(x, y, options, want_x, want_y)
        return found, or_nothing(grad_x, x, y), or_nothing(grad_y, x, y)

    torch.library.register_fake(full_name)(empty)
    torch.library.impl(full_name, "default")(run)
    torch.library.register_autograd(full_name, means_backward(name), setup_context=keep)
    register_one_by_one(name)
    return kernels, Primitive(direct, dispatched)
