"""The native library's ``sorted_means``."""

import struct

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Found
from ssimloss.kernels.operators import check_images, computing_dtype

_CALL = struct.Struct(library.SORTED_CALL)
MOST_VALUES = 2**32  # of a plane, whose positions have 32 bits


def why_not(x: Tensor, y: Tensor) -> str | None:
    """Why the library cannot compare these planes, ``None`` if it can."""
    if x.ndim == 4 and x.shape[2] * x.shape[3] >= MOST_VALUES:
        return f"it sorts fewer than {MOST_VALUES} values, and these are {tuple(x.shape[2:])}"
    return library.why_not_for(x, y)


def sorted_means(
    x: Tensor, y: Tensor, power: int, want_x: bool, want_y: bool, slope: float = 1.0
) -> Found:
    """Means ``(N, C)`` of planes that are not empty, and the wanted gradients times ``slope``."""
    check_images(x, y)
    dtype = computing_dtype(x, y)
    means = x.new_empty(x.shape[:2], dtype=dtype)
    grad_x = torch.empty_like(x, dtype=dtype) if want_x else None
    grad_y = torch.empty_like(y, dtype=dtype) if want_y else None
    call = _CALL.pack(
        *x.shape,
        *library.image(x),
        *library.image(y),
        power,
        torch.get_num_threads(),
        slope,
        *library.image(grad_x),
        *library.image(grad_y),
        means.data_ptr(),
    )
    library.call("ssimloss_sorted_means", call)
    return means, grad_x, grad_y
