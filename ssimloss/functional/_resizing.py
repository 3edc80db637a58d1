"""Planes in another size by a matrix for each axis, made on the host: interpolations of MATLAB and
of programs that differ from it. Borders are mirrored, the edge repeated.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssimloss._constants import planes as constant_planes
from ssimloss._precision import product
from ssimloss.resize import keys_cubic

Array = NDArray[np.float64]


def resized(
    image: Tensor, size: tuple[int, int] | torch.Size, build: Callable[[int, int], Array]
) -> Tensor:
    """The image in another size; ``build(length, out_length)`` makes the matrix of an axis."""
    n, c, h, w = image.shape
    rows = constant_planes(build, h, size[0], like=image)
    columns = constant_planes(build, w, size[1], like=image)
    planes = product(image.reshape(1, n * c * h, w), columns.mT[None]).view(n * c, h, size[1])
    return product(rows.expand(n * c, -1, -1), planes).view(n, c, size[0], size[1])


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
