"""The native library's ``similarity_means``."""

import struct

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Found
from ssimloss.kernels.comparison import Comparison, Mixed
from ssimloss.kernels.operators import check_images, computing_dtype, least_size

_CALL = struct.Struct(library.MEANS_CALL)


def similarity_means(
    x: Tensor,
    y: Tensor,
    comparison: Comparison,
    mixed: Mixed,
    want_x: bool,
    want_y: bool,
    slope: float = 1.0,
) -> Found:
    """Means ``(N, C)`` of images that are not empty, and the requested gradients times
    ``slope``.
    """
    check_images(x, y, least_size(comparison))
    dtype = computing_dtype(x, y)
    means = x.new_empty(x.shape[:2], dtype=dtype)
    grad_x = torch.empty_like(x, dtype=dtype) if want_x else None
    grad_y = torch.empty_like(y, dtype=dtype) if want_y else None
    constants = library.constants(comparison)
    if want_y and not want_x:  # the library's first image is the one that needs a gradient
        x, y, first, second = y, x, grad_y, None
    else:
        first, second = grad_x, grad_y
    pixel, eps, similarity_weight, pixel_weight = mixed
    call = _CALL.pack(
        *library.pair(x, y, constants),
        library.PIXELS[pixel],
        eps,
        similarity_weight,
        pixel_weight,
        slope,
        *(library.NO_IMAGE if first is None else library.image(first)),
        *(library.NO_IMAGE if second is None else library.image(second)),
        means.data_ptr(),
    )
    library.call("ssimloss_similarity_means", call)
    return means, grad_x, grad_y
