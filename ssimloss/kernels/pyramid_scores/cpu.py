"""The native library's ``pyramid_scores``."""

import ctypes
import functools
import struct
from typing import NamedTuple

from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Found
from ssimloss.kernels.comparison import Comparison
from ssimloss.kernels.operators import check_images, computing_dtype, least_size
from ssimloss.kernels.pyramid_scores.shapes import Pyramid, Scales, pyramid_shapes

_CALL = struct.Struct(library.PYRAMID_CALL)
_HALVING = struct.Struct(library.HALVING)
_OUTSIDE = {"none": 0, "zeros": 1, "edge": 2}
_COMBINATIONS = {"product": 0, "weighted_sum": 1}
_NEGATIVES = {"clamp": 0, "relu": 1, "shift": 2}


def pyramid_scores(
    x: Tensor,
    y: Tensor,
    finest: Comparison,
    scales: Scales,
    want_x: bool,
    want_y: bool,
    _slope: float = 1.0,
) -> Found:
    """Scores ``(N, C)``, or ``(N, 1)`` for joint channels, of images that are not empty, and the
    requested gradients.
    """
    finest = finest._replace(part="ssim", padding="valid")
    check_images(x, y)
    n, c, height, width = x.shape
    count = len(scales.weights)
    shapes = pyramid_shapes(height, width, count, scales.pooling)
    if count > library.MAX_SCALES or min(shapes.sizes[-1]) < least_size(finest):
        raise ValueError(
            f"kernels have pyramids of 1 to {library.MAX_SCALES} scales that fit the window, got "
            f"{count} scales of {shapes.sizes}"
        )
    joint = scales.channels == "joint"
    scores = x.new_empty((n, 1 if joint else c), dtype=computing_dtype(x, y))
    grad_x = scores.new_empty(x.shape) if want_x else None
    grad_y = scores.new_empty(y.shape) if want_y else None
    gradients = grad_x, grad_y
    if want_y and not want_x:  # the library's first image is the one that needs a gradient
        x, y, gradients = y, x, (grad_y, None)
    constants = library.constants(finest)
    arrays = _arrays(shapes, scales)
    call = _CALL.pack(
        *library.pair(x, y, constants),
        count,
        joint,
        _COMBINATIONS[scales.combination],
        _NEGATIVES[scales.negative],
        *(ctypes.addressof(array) for array in arrays),
        scores.data_ptr(),
        *library.image(gradients[0]),
        *library.image(gradients[1]),
    )
    library.call("ssimloss_pyramid", call)
    return scores, grad_x, grad_y


class _Arrays(NamedTuple):
    """The memory that a call points to; keep it until the call ends."""

    halvings: "ctypes.Array[ctypes.c_char]"
    sizes: "ctypes.Array[ctypes.c_int64]"
    weights: "ctypes.Array[ctypes.c_double]"


@functools.lru_cache(maxsize=64)
def _arrays(shapes: Pyramid, scales: Scales) -> _Arrays:
    outside = _OUTSIDE[shapes.outside]
    halvings = b"".join(
        _HALVING.pack(*fine, *before, outside)
        for fine, before in zip(shapes.sizes[:-1], shapes.before, strict=True)
    )
    lengths = [length for size in shapes.sizes for length in size]
    return _Arrays(
        ctypes.create_string_buffer(halvings, max(1, len(halvings))),
        (ctypes.c_int64 * len(lengths))(*lengths),
        library.doubles(scales.weights),
    )
