"""The native library's ``moment_sums``."""

import ctypes
import functools
import struct
from typing import Any

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Found
from ssimloss.kernels.moment_sums.local import Local
from ssimloss.kernels.operators import check_images, computing_dtype, least_size

_CALL = struct.Struct(library.MOMENTS_CALL)
MEASURED = {"similarity": 0, "structure": 1, "edge_similarity": 2, "scales_and_distance": 3}


@functools.lru_cache(maxsize=64)
def _constants(local: Local) -> tuple[int, library.Constants, "ctypes.Array[ctypes.c_int64]"]:
    """The least size, the constants of a pair, and the lengths; keep them until the call ends."""
    widest = local.widest()
    least = least_size(widest)
    pair = library.constants(widest._replace(window=local.windows))
    low, c1, c2, address, _, part, border = pair.numbers
    numbers: tuple[Any, ...] = (low, c1, c2, address, len(widest.window), part, border)
    lengths = (ctypes.c_int64 * len(local.lengths))(*local.lengths)
    return least, pair._replace(numbers=numbers), lengths


def moment_sums(
    x: Tensor,
    y: Tensor,
    mask: Tensor | None,
    local: Local,
    want_x: bool,
    want_y: bool,
    slope: float = 1.0,
) -> Found:
    """Sums ``(2, N, C)`` of images that are not empty, and the requested gradients times
    ``slope``.
    """
    least, pair, lengths = _constants(local)
    check_images(x, y, least)
    dtype = computing_dtype(x, y)
    sums = x.new_empty((2, *x.shape[:2]), dtype=dtype)
    grad_x = torch.empty_like(x, dtype=dtype) if want_x else None
    grad_y = torch.empty_like(y, dtype=dtype) if want_y else None
    if mask is not None:
        mask = mask.to(dtype).expand(x.shape)
    gradients = grad_x, grad_y
    if want_y and not want_x:  # the library's first image is the one that needs a gradient
        x, y, gradients = y, x, (grad_y, None)
    call = _CALL.pack(
        *library.pair(x, y, pair),
        *library.image(mask),
        MEASURED[local.kind],
        len(lengths) - 1,
        ctypes.addressof(lengths),
        *(local.weights or (1.0, 0.0)),
        slope,
        *library.image(gradients[0]),
        *library.image(gradients[1]),
        sums.data_ptr(),
    )
    library.call("ssimloss_moments", call)
    return sums, grad_x, grad_y
