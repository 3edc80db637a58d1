"""The native library's ``scale_sums`` and its backward."""

import ctypes
import functools
import struct
from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.comparison import Comparison
from ssimloss.kernels.operators import check_images, computing_dtype
from ssimloss.kernels.scale_sums.measured import LEAST_SIDE, SHAPES, Measured, SumKind

_CALL = struct.Struct(library.SCALES_CALL)
_FUNCTIONS: dict[SumKind, str] = {
    "information": "ssimloss_information",
    "shared_information": "ssimloss_information",
    "detail": "ssimloss_detail",
    "change": "ssimloss_change",
}


@functools.lru_cache(maxsize=16)
def _constants(measured: Measured) -> tuple[library.Constants, "ctypes.Array[Any]"]:
    """The constants of a pair, and the numbers that are no window; keep the result until the call
    ends.
    """
    windows, others = measured.parts()
    fixed = Comparison(windows or (1.0,), 0.0, 0.0, 0.0, "ssim", measured.padding)
    return library.constants(fixed), library.doubles(others)


def scale_sums(x: Tensor, y: Tensor, measured: Measured) -> Tensor:
    """Sums ``(M, 4, ...)`` of planes that are not empty."""
    found = torch.empty((len(x), *SHAPES[measured.kind]), dtype=torch.float64, device=x.device)
    _call(x, y, measured, found, None, None, None)
    return found.to(computing_dtype(x, y))


def scale_sums_backward(
    upstream: Tensor, x: Tensor, y: Tensor, measured: Measured, _want_x: bool, want_y: bool
) -> tuple[Tensor | None, Tensor | None]:
    """The gradients of ``sum(upstream * sums)``; that to ``x`` is always computed."""
    dtype = computing_dtype(x, y)
    grad_x = torch.empty_like(x, dtype=dtype)
    grad_y = torch.empty_like(y, dtype=dtype) if want_y else None
    _call(x, y, measured, None, upstream.double().contiguous(), grad_x, grad_y)
    return grad_x, grad_y


def _call(
    x: Tensor,
    y: Tensor,
    measured: Measured,
    sums: Tensor | None,
    upstream: Tensor | None,
    grad_x: Tensor | None,
    grad_y: Tensor | None,
) -> None:
    check_images(x, y, LEAST_SIDE[measured.kind])
    pair, numbers = _constants(measured)
    call = _CALL.pack(
        *library.pair(x, y, pair),
        measured.limit,
        ctypes.addressof(numbers) if len(numbers) else 0,
        0 if sums is None else sums.data_ptr(),
        0 if upstream is None else upstream.data_ptr(),
        *library.image(grad_x),
        *library.image(grad_y),
    )
    library.call(_FUNCTIONS[measured.kind], call)
