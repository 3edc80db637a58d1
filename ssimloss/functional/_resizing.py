"""Planes in another size by a matrix for each axis, made on the host: interpolations of MATLAB and
of programs that differ from it. Borders are mirrored, the edge repeated.
"""

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssimloss._constants import planes as constant_planes
from ssimloss._precision import exact, product
from ssimloss.resize import keys_cubic

Array = NDArray[np.float64]
Build = Callable[[int, int], Array]

_BAND = 16  # rows or columns of the smaller side that are computed together


def resized(image: Tensor, size: tuple[int, int] | torch.Size, build: Build) -> Tensor:
    """The image in another size; ``build(length, out_length)`` makes the matrix of an axis."""
    n, c, h, w = image.shape
    planes = _along_columns(image.reshape(n * c, h, w), size[1], build)
    return _along_rows(planes, size[0], build).view(n, c, size[0], size[1])


def _along_columns(planes: Tensor, size: int, build: Build) -> Tensor:
    m, h, w = planes.shape
    if w == size:  # every interpolation keeps the pixels
        return planes
    if _is_banded(planes, w, size):
        found: Tensor = _Banded.apply(planes, 2, (build, w, size), False)
        return found
    columns = constant_planes(build, w, size, like=planes)
    return product(planes.reshape(1, m * h, w), columns.mT[None]).view(m, h, size)


def _along_rows(planes: Tensor, size: int, build: Build) -> Tensor:
    m, h, _ = planes.shape
    if h == size:
        return planes
    if _is_banded(planes, h, size):
        found: Tensor = _Banded.apply(planes, 1, (build, h, size), False)
        return found
    return product(constant_planes(build, h, size, like=planes).expand(m, -1, -1), planes)


def _is_banded(planes: Tensor, length: int, size: int) -> bool:
    """Whether products of bands take less time than one with the whole matrix, most of it zeros."""
    if planes.device.type != "cpu" or torch.compiler.is_compiling():
        return False
    return min(length, size) > 2 * _BAND


class _Banded(torch.autograd.Function):
    """An axis times the matrix of an interpolation, or times its transpose, band by band: the
    derivative of one is the other.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(
        planes: Tensor, axis: int, matrix: tuple[Build, int, int], transposed: bool
    ) -> Tensor:
        build, length, size = matrix
        m, h, w = planes.shape
        weights = constant_planes(build, length, size, like=planes)
        if transposed:
            weights = weights.mT
        if axis == 2:
            planes = planes.reshape(1, m * h, w)
        shape = list(planes.shape)
        shape[axis] = len(weights)
        whole = planes.new_empty(shape)
        with exact(planes):
            for first, last, begin, end in _bands(build, int(length), int(size), transposed):
                taps = weights[first:last, begin:end]
                some = planes.narrow(axis, begin, end - begin)
                factors = (some, taps.mT[None]) if axis == 2 else (taps.expand(m, -1, -1), some)
                whole.narrow(axis, first, last - first).copy_(torch.bmm(*factors))
        return whole.view(m, h, -1) if axis == 2 else whole

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], _output: Tensor) -> None:
        _, *ctx.options, ctx.transposed = inputs

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None, None]:
        return _Banded.apply(upstream, *ctx.options, not ctx.transposed), None, None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: Any) -> Tensor:
        found: Tensor = _Banded.apply(tangent, *ctx.options, ctx.transposed)
        return found


@functools.lru_cache(maxsize=64)
def _bands(
    build: Build, length: int, size: int, transposed: bool
) -> tuple[tuple[int, int, int, int], ...]:
    """Parts of the results, and the part of the samples that each needs: ``first, last, begin,
    end``.
    """
    matrix = build(length, size)
    if transposed:
        matrix = matrix.T
    edges = np.linspace(0, len(matrix), 1 + min(matrix.shape) // _BAND).astype(int).tolist()
    found = []
    for first, last in itertools.pairwise(edges):
        used = np.flatnonzero(matrix[first:last].any(0))
        begin, end = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1)
        found.append((first, last, begin, end))
    return tuple(found)


def smooth(length: int, out_length: int) -> Array:
    """Linear interpolation as MATLAB's ``imresize(..., 'bilinear')``, whose triangle is widened
    where a side shrinks: ``(out_length, length)``.
    """
    return _weights(_middles(length, out_length), length, min(1.0, out_length / length))


def points(length: int, out_length: int) -> Array:
    """Linear interpolation between the two nearest pixels, however much a side shrinks."""
    return _weights(_middles(length, out_length), length, 1.0)


def corners(length: int, out_length: int) -> Array:
    """Linear interpolation with the outermost pixels upon each other."""
    return _weights(np.linspace(0, length - 1, out_length), length, 1.0)


def quarter(length: int, out_length: int) -> Array:
    """Cubic interpolation as MATLAB's ``imresize(..., 0.25)``, of ``ceil(length / 4)`` pixels."""
    return _weights(4 * np.arange(out_length, dtype=np.float64) + 1.5, length, 0.25, keys_cubic, 2)


def cubic(length: int, out_length: int) -> Array:
    """Cubic interpolation as MATLAB's ``imresize(..., [H W])``."""
    centres = _middles(length, out_length)
    return _weights(centres, length, min(1.0, out_length / length), keys_cubic, 2)


def _middles(length: int, out_length: int) -> Array:
    return (np.arange(out_length) + 0.5) * length / out_length - 0.5


def _triangle(x: Array) -> Array:
    values: Array = np.maximum(0.0, 1 - np.abs(x))
    return values


def _weights(
    centres: Array,
    length: int,
    stretch: float,
    kernel: Callable[[Array], Array] = _triangle,
    reach: int = 1,
) -> Array:
    """Weights of a kernel that is 0 from ``reach / stretch`` on; at most ``length`` beyond."""
    beyond = math.ceil(reach / stretch) + 1
    at = np.arange(-beyond, length + beyond)
    weights = kernel((centres[:, None] - at) * stretch)
    first, last = np.flip(weights[:, :beyond], 1), np.flip(weights[:, -beyond:], 1)
    rest = np.zeros((len(weights), length - beyond))
    mirrored = np.concatenate((first, rest), 1) + np.concatenate((rest, last), 1)
    matrix = weights[:, beyond:-beyond] + mirrored
    normalised: Array = matrix / matrix.sum(1, keepdims=True)
    return normalised
