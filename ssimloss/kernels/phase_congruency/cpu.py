"""The native library's ``phase_congruency`` and its backward."""

import struct

import torch
from torch import Tensor

from ssimloss.kernels import library

_CALL = struct.Struct(library.PHASE_CALL)
ROUNDING = 4096  # units of rounding that are added to the sum of amplitudes
NOISE = 5  # numbers of an orientation, see native/engine.h

Maps = tuple[Tensor, Tensor, Tensor, Tensor]  # congruency, amplitude, above, noise


def phase_congruency(
    gray: Tensor, filters: Tensor, factors: Tensor, epsilon: float, lower_median: bool
) -> Maps:
    """The maps of contiguous images ``(N, 1, H, W)`` that are not empty."""
    n, orientations = gray.shape[0], factors.numel()
    maps = (
        torch.empty_like(gray),
        torch.empty_like(gray),
        torch.empty_like(gray, dtype=torch.uint8),
        gray.new_empty((n, orientations, NOISE), dtype=torch.float64),
    )
    _call(gray, filters, factors, epsilon, lower_median, maps, None, None)
    return maps


def phase_congruency_backward(
    upstream: Tensor,
    gray: Tensor,
    filters: Tensor,
    factors: Tensor,
    maps: Maps,
    epsilon: float,
    lower_median: bool,
) -> Tensor:
    """The gradient of the images from that of the congruency; all tensors are contiguous."""
    gradient = torch.empty_like(gray)
    _call(gray, filters, factors, epsilon, lower_median, maps, upstream, gradient)
    return gradient


def _call(
    gray: Tensor,
    filters: Tensor,
    factors: Tensor,
    epsilon: float,
    lower_median: bool,
    maps: Maps,
    upstream: Tensor | None,
    gradient: Tensor | None,
) -> None:
    n, _, height, width = gray.shape
    number = torch.finfo(gray.dtype)
    call = _CALL.pack(
        n,
        height,
        width,
        *(each.data_ptr() for each in (gray, filters, factors)),
        epsilon,
        number.tiny,
        ROUNDING * number.eps,
        *(0 if each is None else each.data_ptr() for each in (*maps, upstream, gradient)),
        lower_median,
        gray.dtype is torch.float64,
        torch.get_num_threads(),
    )
    library.call("ssimloss_phase_congruency", call)
