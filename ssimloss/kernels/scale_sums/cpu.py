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
from ssimloss.kernels.scale_sums.measured import LEAST, SHAPES, Measured

_CALL = struct.Struct(library.SCALES_CALL)


@functools.lru_cache(maxsize=16)
def _constants(measured: Measured) -> tuple[library.Constants, float, "ctypes.Array[Any]"]:
    """The constants of a pair, the cosine, and the weights; keep the result until the call ends."""
    detail = measured.kind == "detail"
    windows = (1.0,) if detail else measured.numbers
    pair = library.constants(Comparison(windows, 0.0, 0.0, 0.0, "ssim", "reflect"))
    weights = library.doubles(measured.numbers[:-1] if detail else ())
    return pair, measured.numbers[-1], weights


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
    check_images(x, y, LEAST[measured.kind])
    pair, cosine, weights = _constants(measured)
    call = _CALL.pack(
        *library.pair(x, y, pair),
        measured.limit,
        cosine,
        ctypes.addressof(weights),
        0 if sums is None else sums.data_ptr(),
        0 if upstream is None else upstream.data_ptr(),
        *library.image(grad_x),
        *library.image(grad_y),
    )
    library.call(f"ssimloss_{measured.kind}", call)
