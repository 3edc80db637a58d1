"""The native library's ``flip_means``."""

import ctypes
import functools
import struct

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Found
from ssimloss.kernels.flip_means.flip import Flip
from ssimloss.kernels.operators import check_images, results_per_image

_CALL = struct.Struct(library.FLIP_CALL)
_numbers = functools.lru_cache(maxsize=64)(library.doubles)


def flip_means(
    x: Tensor, y: Tensor, flip: Flip, want_x: bool, want_y: bool, slope: float = 1.0
) -> Found:
    """Means ``(N, 1)`` of images that are not empty, and the gradients times ``slope``."""
    check_images(x, y)
    found, grad_x, grad_y = results_per_image(x, y, want_x, want_y)
    sensitivity, detection = _numbers(flip.sensitivity), _numbers(flip.detection)
    call = _CALL.pack(
        *x.shape,
        *library.image(x),
        *library.image(y),
        flip.low,
        1 / flip.span,
        ctypes.addressof(sensitivity),
        ctypes.addressof(detection),
        len(detection) // 3,
        slope,
        *library.image(grad_x),
        *library.image(grad_y),
        found.data_ptr(),
        torch.get_num_threads(),
    )
    library.call("ssimloss_flip_means", call)
    return found, grad_x, grad_y
