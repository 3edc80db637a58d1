"""The native library's ``similarity_map`` and its backward."""

import struct

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.comparison import Comparison
from ssimloss.kernels.operators import check_images, computing_dtype, least_size

_CALL = struct.Struct(library.MAP_CALL)


def similarity_map(x: Tensor, y: Tensor, comparison: Comparison) -> Tensor:
    """The map ``(N, C, H', W')`` of images that are not empty."""
    check_images(x, y, least_size(comparison))
    found = x.new_empty(
        (*x.shape[:2], *comparison.map_size(*x.shape[2:])), dtype=computing_dtype(x, y)
    )
    constants = library.constants(comparison)
    call = _CALL.pack(*library.pair(x, y, constants), *library.image(found), *library.NO_IMAGE * 3)
    library.call("ssimloss_similarity_map", call)
    return found


def similarity_map_backward(
    upstream: Tensor, x: Tensor, y: Tensor, comparison: Comparison, want_x: bool, want_y: bool
) -> tuple[Tensor | None, Tensor | None]:
    """The requested gradients, at least one, of ``sum(upstream * map)``."""
    check_images(x, y, least_size(comparison))
    dtype = computing_dtype(x, y)
    grad_x = torch.empty_like(x, dtype=dtype) if want_x else None
    grad_y = torch.empty_like(y, dtype=dtype) if want_y else None
    gradients = grad_x, grad_y
    if not want_x:  # the library's first image is the one that needs a gradient
        x, y, gradients = y, x, (grad_y, None)
    constants = library.constants(comparison)
    call = _CALL.pack(
        *library.pair(x, y, constants),
        *library.NO_IMAGE,
        *library.image(upstream),
        *library.image(gradients[0]),
        *library.image(gradients[1]),
    )
    library.call("ssimloss_similarity_map", call)
    return grad_x, grad_y
