"""The native library's ``block_means`` and its transpose."""

import ctypes
import functools
import struct
from collections.abc import Sequence

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.block_means.blocks import Blocks
from ssimloss.kernels.operators import computing_dtype

_CALL = struct.Struct(library.BLOCKS_CALL)
_weights = functools.lru_cache(maxsize=64)(library.doubles)


def block_means(image: Tensor, blocks: Blocks) -> Tensor:
    """The means ``(N, rows, H', W')`` of an image that is not empty."""
    n, channels, height, width = image.shape
    rows = len(blocks.weights) // channels
    out = image.new_empty(
        (n, rows, blocks.size(height), blocks.size(width)), dtype=computing_dtype(image, image)
    )
    _call(image.shape, image, out, blocks, transposed=False)
    return out


def block_means_backward(upstream: Tensor, blocks: Blocks, shape: Sequence[int]) -> Tensor:
    """The gradient of an image of this shape."""
    gradient = upstream.new_empty(shape, dtype=computing_dtype(upstream, upstream))
    _call(shape, gradient, upstream, blocks, transposed=True)
    return gradient


def _call(
    shape: Sequence[int], image: Tensor, means: Tensor, blocks: Blocks, *, transposed: bool
) -> None:
    weights = _weights(blocks.weights)
    call = _CALL.pack(
        *shape,
        *library.image(image),
        *library.image(means),
        means.shape[1],
        blocks.factor,
        blocks.before,
        *means.shape[2:],
        ctypes.addressof(weights),
        blocks.low,
        blocks.border == "replicate",
        transposed,
        torch.get_num_threads(),
    )
    library.call("ssimloss_block_means", call)
