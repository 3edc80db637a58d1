"""The native library's ``visible_errors``."""

import ctypes
import functools
import struct

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Found
from ssimloss.kernels.operators import check_images, results_per_image
from ssimloss.kernels.visible_errors.visible import Visible

_CALL = struct.Struct(library.VISIBLE_CALL)
_weights = functools.lru_cache(maxsize=64)(library.doubles)


def visible_errors(
    x: Tensor, y: Tensor, visible: Visible, want_x: bool, want_y: bool, slope: float = 1.0
) -> Found:
    """Errors ``(N, 1)`` of images that are not empty, and the gradients times ``slope``."""
    check_images(x, y)
    found, grad_x, grad_y = results_per_image(x, y, want_x, want_y)
    room = x.new_empty(_elements(x, visible.scales, want_x + want_y), dtype=found.dtype)
    weights = _weights(visible.weights)
    call = _CALL.pack(
        *x.shape,
        *library.image(x),
        *library.image(y),
        visible.scales,
        torch.get_num_threads(),
        visible.low,
        1 / visible.span,
        ctypes.addressof(weights),
        slope,
        *library.image(grad_x),
        *library.image(grad_y),
        found.data_ptr(),
        room.data_ptr(),
        room.numel(),
    )
    library.call("ssimloss_visible_errors", call)
    return found, grad_x, grad_y


def _elements(image: Tensor, scales: int, gradients: int) -> int:
    """Both images of a pair in three planes at each scale, and their gradients."""
    h, w = image.shape[2:]
    count = 0
    for _ in range(scales):
        count += 3 * (2 + gradients) * h * w
        h, w = (h + 1) // 2, (w + 1) // 2
    return count
