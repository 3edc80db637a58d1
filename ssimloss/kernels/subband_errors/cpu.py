"""The native library's ``subband_errors``."""

import ctypes
import functools
import struct

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Found
from ssimloss.kernels.operators import check_images, results_per_image
from ssimloss.kernels.subband_errors.subbands import Subbands

SIDE = 8
_MARGIN = 16  # numbers that a vector reaches beyond the last subband, at most
_CALL = struct.Struct(library.SUBBAND_CALL)
_numbers = functools.lru_cache(maxsize=64)(library.doubles)


def subband_errors(
    x: Tensor, y: Tensor, subbands: Subbands, want_x: bool, want_y: bool, slope: float = 1.0
) -> Found:
    """Errors ``(N, 1)`` of images that are not empty, and the gradients times ``slope``."""
    check_images(x, y, SIDE)
    found, grad_x, grad_y = results_per_image(x, y, want_x, want_y, SIDE)
    frequencies = sum(weight != 0 for weight in subbands.weights)
    rows, columns = (size // SIDE + 2 for size in x.shape[2:])
    room = found.new_empty(2 * frequencies * rows * columns + _MARGIN)
    tables = [_numbers(numbers) for numbers in subbands[:3]]  # alive until the call ends
    call = _CALL.pack(
        *x.shape,
        *library.image(x),
        *library.image(y),
        *map(ctypes.addressof, tables),
        subbands.low,
        subbands.span,
        *subbands.constants,
        subbands.worst,
        slope,
        *library.image(grad_x),
        *library.image(grad_y),
        found.data_ptr(),
        room.data_ptr(),
        room.numel(),
        torch.get_num_threads(),
    )
    library.call("ssimloss_subband_errors", call)
    return found, grad_x, grad_y
