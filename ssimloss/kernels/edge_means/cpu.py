"""The native library's ``edge_means``."""

import struct

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.autograd import Found
from ssimloss.kernels.edge_means.edges import COMPARING, CURVES, FILTERS, POOLINGS, Edges
from ssimloss.kernels.operators import check_images, computing_dtype

_CALL = struct.Struct(library.EDGE_CALL)
_FILTERS = {name: index for index, name in enumerate(FILTERS)}
_CURVES = {name: index for index, name in enumerate(CURVES)}
_POOLINGS = {name: index for index, name in enumerate(POOLINGS)}


def edge_means(
    x: Tensor, y: Tensor, edges: Edges, want_x: bool, want_y: bool, slope: float = 1.0
) -> Found:
    """Pooled values ``(N, C)`` of images that are not empty, and the requested gradients times
    ``slope``.
    """
    check_images(x, y)
    if want_y and not edges.differs and edges.curve not in COMPARING:
        raise ValueError(f"curve {edges.curve!r} of x alone has no gradient for y")
    dtype = computing_dtype(x, y)
    pooled = x.new_empty(x.shape[:2], dtype=dtype)
    grad_x = torch.empty_like(x, dtype=dtype) if want_x else None
    grad_y = torch.empty_like(y, dtype=dtype) if want_y else None
    call = _CALL.pack(
        *x.shape,
        *library.image(x),
        *library.image(y),
        _FILTERS[edges.filter],
        library.BORDERS[edges.border],
        _CURVES[edges.curve],
        edges.differs,
        _POOLINGS[edges.pooling],
        torch.get_num_threads(),
        edges.unit,
        *edges.numbers,
        *edges.weights,
        slope,
        *library.image(grad_x),
        *library.image(grad_y),
        pooled.data_ptr(),
    )
    library.call("ssimloss_edge_means", call)
    return pooled, grad_x, grad_y
