"""The native library's ``pixel_means``."""

import math
import struct

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Found
from ssimloss.kernels.operators import check_images, computing_dtype

_CALL = struct.Struct(library.PIXEL_CALL)


def pixel_means(
    x: Tensor,
    y: Tensor,
    kind: str,
    eps: float,
    low: float,
    high: float,
    want_x: bool,
    want_y: bool,
    slope: float = 1.0,
) -> Found:
    """Means ``(N,)`` of images that are not empty, and ``slope`` times the gradient to ``x`` if
    either gradient is needed; that to ``y`` is its negative.
    """
    check_images(x, y)
    dtype = computing_dtype(x, y)
    means = x.new_empty(x.shape[0], dtype=dtype)
    grad = torch.empty_like(x, dtype=dtype) if want_x or want_y else None
    call = _CALL.pack(
        *x.shape,
        *library.image(x),
        *library.image(y),
        library.PIXELS[kind],
        torch.get_num_threads(),
        eps,
        low,
        high,
        low > -math.inf or high < math.inf,
        slope,
        *library.image(grad),
        means.data_ptr(),
    )
    library.call("ssimloss_pixel_means", call)
    return means, grad, None
