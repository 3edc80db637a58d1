"""The native library's ``hvs_errors``."""

import ctypes
import functools
import struct

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Found
from ssimloss.kernels.hvs_errors.hvs import HVS
from ssimloss.kernels.operators import check_images, results_per_image

SIDE = 8
_CALL = struct.Struct(library.HVS_CALL)
_numbers = functools.lru_cache(maxsize=64)(library.doubles)


def hvs_errors(
    x: Tensor, y: Tensor, hvs: HVS, want_x: bool, want_y: bool, slope: float = 1.0
) -> Found:
    """Errors ``(N, 1)`` of images that are not empty, and the gradients times ``slope``."""
    check_images(x, y, SIDE)
    found, grad_x, grad_y = results_per_image(x, y, want_x, want_y, SIDE)
    tables = [_numbers(numbers) for numbers in hvs]  # alive until the call ends
    call = _CALL.pack(
        *x.shape,
        *library.image(x),
        *library.image(y),
        *(ctypes.addressof(table) if len(table) else 0 for table in tables),
        slope,
        *library.image(grad_x),
        *library.image(grad_y),
        found.data_ptr(),
        torch.get_num_threads(),
    )
    library.call("ssimloss_hvs_errors", call)
    return found, grad_x, grad_y
