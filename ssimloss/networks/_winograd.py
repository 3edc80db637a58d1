"""3x3 convolutions in a quarter of the multiplications, on a CPU: F(4x4, 3x3) of Lavin & Gray 2016,
after Winograd.

A tile of 4x4 outputs needs 6x6 inputs. ``Y = A^T [(G g G^T) * (B^T d B)] A`` computes it with 36
multiplications per pair of channels instead of 144. Over channels and tiles, these are 36 matrix
products. The matrices ``A``, ``B``, ``G`` are those of interpolation at 0, +-sqrt(1/2), +-sqrt(2)
and infinity. Of the points tried, including the usual 0, +-1, +-2, these have the smallest rounding
error: 1.5 to 2.2 times that of PyTorch's convolution in the same memory layout.
"""

import math
from collections.abc import Iterator
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from ssimloss._precision import in_ieee

TILE: Final = 4
WINDOW: Final = TILE + 2
TILES: Final = 256  # at a time
FILTERS: Final = 64  # at a time: each call transforms them again, in memory that stays in the cache
LEAST_CHANNELS: Final = (
    128  # in and out; with fewer, moving tiles costs what the multiplications save
)
LEAST_FILTERS: Final = 128 * 256  # pairs of channels, likewise
LEAST_TILES: Final = 16  # of an image; with fewer, transforming the filters costs what they save

_A, _B = math.sqrt(1 / 2), math.sqrt(2)  # the points; their squares are p and q, and p q = 1
_P, _Q = 1 / 2, 2
_INPUT = (  # B^T
    (1, 0, -_P - _Q, 0, 1, 0),
    (0, -_A * _Q, -_Q, _A, 1, 0),
    (0, _A * _Q, -_Q, -_A, 1, 0),
    (0, -_B * _P, -_P, _B, 1, 0),
    (0, _B * _P, -_P, -_B, 1, 0),
    (0, 1, 0, -_P - _Q, 0, 1),
)
# Products of the distances from each point to the others.
_AT_A, _AT_B = 2 * _P * (_P - _Q), 2 * _Q * (_Q - _P)
_FILTER = (  # G
    (1, 0, 0),
    (1 / _AT_A, _A / _AT_A, _P / _AT_A),
    (1 / _AT_A, -_A / _AT_A, _P / _AT_A),
    (1 / _AT_B, _B / _AT_B, _Q / _AT_B),
    (1 / _AT_B, -_B / _AT_B, _Q / _AT_B),
    (0, 0, 1),
)
_OUTPUT = (  # A^T
    (1, 1, 1, 1, 1, 0),
    (0, _A, -_A, _B, -_B, 0),
    (0, _P, _P, _Q, _Q, 0),
    (0, _A * _P, -_A * _P, _B * _Q, -_B * _Q, 1),
)


def _twice(matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    """The transform of a flattened square along rows and columns at once."""
    rows = torch.tensor(matrix, dtype=torch.float64, device="cpu")
    return torch.kron(rows, rows).float()


def _has_mkl() -> bool:
    return bool(torch.backends.mkl.is_available())  # type: ignore[no-untyped-call]


def pays(x: Tensor, weight: Tensor) -> bool:
    """Whether Winograd is faster for ``x`` convolved with 3x3 ``weight``, or its transpose. It is
    for wide float32 layers on a CPU with MKL.

    The number of images does not matter, so that the result of an image does not depend on its
    batch.
    """
    if x.device.type != "cpu" or not x.dtype == weight.dtype == torch.float32 or not _has_mkl():
        return False
    filters, channels = weight.shape[:2]
    tiles = -(-x.shape[2] // TILE) * -(-x.shape[3] // TILE)
    return (
        min(filters, channels) >= LEAST_CHANNELS
        and filters * channels >= LEAST_FILTERS
        and tiles >= LEAST_TILES
    )


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``conv2d(x, weight, bias, padding=1)`` without a graph, ``(N, C', H, W)`` in
    ``channels_last``.
    """
    return _tile_by_tile(x, weight.permute(2, 3, 1, 0), bias)


def convolve_transposed(gradient: Tensor, weight: Tensor) -> Tensor:
    """``conv_transpose2d(gradient, weight, padding=1)``, the gradient to the input of
    :func:`convolve`, likewise.
    """
    return _tile_by_tile(gradient, weight.permute(2, 3, 0, 1).flip(0, 1), None)


# Flags that allow TF32 in matrix products do not apply to convolutions. TF32 would lose more digits
# here than in a convolution.
@in_ieee
def _tile_by_tile(x: Tensor, filters: Tensor, bias: Tensor | None) -> Tensor:
    """``filters`` are ``(3, 3, C, C')``."""
    n, c, height, width = x.shape
    down, across, outputs = -(-height // TILE), -(-width // TILE), filters.shape[3]
    padded = F.pad(
        x.permute(0, 2, 3, 1), (0, 0, 1, across * TILE - width + 1, 1, down * TILE - height + 1)
    )
    # (6, 6, N, down, across, C)
    windows = padded.unfold(1, WINDOW, TILE).unfold(2, WINDOW, TILE).permute(4, 5, 0, 1, 2, 3)
    y = x.new_empty(n, down * TILE, across * TILE, outputs)
    # (4, 4, N, down, across, C')
    tiles = y.view(n, down, TILE, across, TILE, outputs).permute(2, 4, 0, 1, 3, 5)
    of_input, of_filter, to_output = _twice(_INPUT), _twice(_FILTER), _twice(_OUTPUT)
    for image in _parts(n, TILES // (down * across)):
        for row in _parts(down, TILES // across):
            window = windows[:, :, image, row].reshape(WINDOW**2, -1)
            inputs = (of_input @ window).view(WINDOW**2, -1, c)
            for some in _parts(outputs, FILTERS):
                kernels = (of_filter @ filters[..., some].reshape(9, -1)).view(WINDOW**2, c, -1)
                products = torch.bmm(inputs, kernels).view(WINDOW**2, -1)
                target = tiles[:, :, image, row, :, some]
                target.copy_((to_output @ products).view(target.shape))
    return (y if bias is None else y.add_(bias))[:, :height, :width].permute(0, 3, 1, 2)


def _parts(length: int, size: int) -> Iterator[slice]:
    return (slice(start, start + max(1, size)) for start in range(0, length, max(1, size)))
