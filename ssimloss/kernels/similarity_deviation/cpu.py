"""The native library's ``similarity_deviation``."""

import struct

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Found
from ssimloss.kernels.operators import check_images, results_per_image
from ssimloss.kernels.similarity_deviation.similarity import SimilarityOptions

_CALL = struct.Struct(library.DEVIATION_CALL)


def similarity_deviation(
    x: Tensor,
    y: Tensor,
    options: SimilarityOptions,
    want_x: bool,
    want_y: bool,
    slope: float = 1.0,
) -> Found:
    """Deviations ``(N, 1)`` of planes that are not empty, and the gradients times ``slope``."""
    check_images(x, y)
    found, grad_x, grad_y = results_per_image(x, y, want_x, want_y)
    roots = x.new_empty((len(x), *x.shape[2:]), dtype=found.dtype)
    call = _CALL.pack(
        *x.shape,
        *library.image(x),
        *library.image(y),
        options.alpha,
        *options.constants,
        slope,
        *library.image(grad_x),
        *library.image(grad_y),
        found.data_ptr(),
        roots.data_ptr(),
        torch.get_num_threads(),
    )
    library.call("ssimloss_similarity_deviation", call)
    return found, grad_x, grad_y
