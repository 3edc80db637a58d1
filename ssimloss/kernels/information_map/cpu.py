"""The native library's ``neighbour_products`` and ``information_map``."""

import struct

import torch
from torch import Tensor

from ssimloss.kernels import library

_CALL = struct.Struct(library.MIXTURE_CALL)
Numbers = tuple[float, float, float]  # noise, flat, least


def neighbour_products(y: Tensor, parent: Tensor | None) -> Tensor:
    """The products of a contiguous band that is not empty, ``(N, K, K)`` of float64."""
    pixels = 9 if parent is None else 10
    found = y.new_empty((len(y), pixels, pixels), dtype=torch.float64)
    _call("ssimloss_neighbour_products", (None, y, parent, None, None, None, found), (0, 0, 0))
    return found


def information_map(
    x: Tensor,
    y: Tensor,
    parent: Tensor | None,
    factor: Tensor,
    variances: Tensor,
    numbers: Numbers,
) -> Tensor:
    """The map of contiguous bands that are not empty."""
    found = x.new_empty((len(x), 1, x.shape[2] - 10, x.shape[3] - 10))
    _call("ssimloss_information_map", (x, y, parent, factor, variances, None, found), numbers)
    return found


def information_map_backward(
    upstream: Tensor,
    x: Tensor,
    y: Tensor,
    parent: Tensor | None,
    factor: Tensor,
    variances: Tensor,
    numbers: Numbers,
) -> Tensor:
    """The gradient of ``x`` from that of the map; all tensors are contiguous."""
    found = torch.empty_like(x)
    _call("ssimloss_information_map", (x, y, parent, factor, variances, upstream, found), numbers)
    return found


def _call(function: str, tensors: tuple[Tensor | None, ...], numbers: Numbers) -> None:
    y = tensors[1]
    assert y is not None
    call = _CALL.pack(
        y.shape[0],
        *y.shape[2:],
        *(0 if each is None else each.data_ptr() for each in tensors),
        *numbers,
        y.dtype is torch.float64,
        torch.get_num_threads(),
    )
    library.call(function, call)
