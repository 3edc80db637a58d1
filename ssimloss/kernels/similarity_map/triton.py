"""The Triton kernel's ``similarity_map`` and its backward."""

import torch
from torch import Tensor

from ssimloss.kernels.comparison import SIMILARITY_ALONE, Comparison
from ssimloss.kernels.triton_launch import empty_gradients, launch


def similarity_map(x: Tensor, y: Tensor, comparison: Comparison) -> Tensor:
    """The map ``(N, C, H', W')`` of images that are not empty, in float32."""
    map_h, map_w = comparison.map_size(*x.shape[2:])
    found = x.new_empty((*x.shape[:2], map_h, map_w), dtype=torch.float32)
    launch(x, y, (None, None), comparison, SIMILARITY_ALONE, columns=map_w, similarity=found)
    return found


def similarity_map_backward(
    upstream: Tensor, x: Tensor, y: Tensor, comparison: Comparison, want_x: bool, want_y: bool
) -> tuple[Tensor | None, Tensor | None]:
    """The gradients that are wanted, at least one, of ``sum(upstream * map)``; ``upstream`` is
    float32 with any strides.
    """
    gradients = empty_gradients(x, y, want_x, want_y)
    launch(x, y, gradients, comparison, SIMILARITY_ALONE, columns=x.shape[3], upstream=upstream)
    return gradients
