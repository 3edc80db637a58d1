"""The native library's ``color_means``."""

import struct

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Found
from ssimloss.kernels.color_means.colors import Colors
from ssimloss.kernels.operators import check_images, results_per_image

_CALL = struct.Struct(library.COLOR_CALL)


def color_means(
    x: Tensor, y: Tensor, colors: Colors, want_x: bool, want_y: bool, slope: float = 1.0
) -> Found:
    """Means ``(N, 1)`` of images that are not empty, and the gradients times ``slope``."""
    check_images(x, y)
    found, grad_x, grad_y = results_per_image(x, y, want_x, want_y)
    low, span, *tolerances = colors
    call = _CALL.pack(
        *x.shape,
        *library.image(x),
        *library.image(y),
        low,
        1 / span,
        *tolerances,
        slope,
        *library.image(grad_x),
        *library.image(grad_y),
        found.data_ptr(),
        torch.get_num_threads(),
    )
    library.call("ssimloss_color_means", call)
    return found, grad_x, grad_y
