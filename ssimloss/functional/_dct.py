"""The orthonormal discrete cosine transform of blocks of 8 x 8 pixels, as a matrix."""

import math

from torch import Tensor

from ssimloss._constants import constant
from ssimloss._precision import product

SIDE = 8
_DCT = [  # frequencies by samples
    [
        math.sqrt((2 if k else 1) / SIDE) * math.cos(math.pi * k * (2 * n + 1) / (2 * SIDE))
        for n in range(SIDE)
    ]
    for k in range(SIDE)
]
FREQUENCIES = [(k, m) for k in range(SIDE) for m in range(SIDE)]  # also the pixels of a block
DCT_2D = tuple(tuple(u * v for u in _DCT[k] for v in _DCT[m]) for k, m in FREQUENCIES)


def blocks_of(image: Tensor) -> Tensor:
    """The whole blocks of ``(N, C, H, W)``, row by row: ``(N, B, 64)``."""
    n, c, h, w = image.shape
    rows, columns = h // SIDE, w // SIDE
    image = image[:, :, : rows * SIDE, : columns * SIDE]
    image = image.reshape(n, c, rows, SIDE, columns, SIDE).transpose(3, 4)
    return image.reshape(n, c * rows * columns, SIDE**2)


def transformed(blocks: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    """The matrix applied to each block: ``(N, B, rows of the matrix)``."""
    return product(blocks, constant(matrix, blocks).mT.expand(len(blocks), -1, -1))
