"""Constants of formulas, such as windows, converted once from Python numbers to tensors on the
device of the images.
"""

import functools
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssimloss._torch import has_modes, is_traced, is_transformed

Values = tuple[float, ...] | tuple[tuple[float, ...], ...]
_MOST = 256  # number of cached constants
_MOST_PLANES = 8  # number of cached planes, such as filters of one size


def constant(values: Values, like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Numbers as a tensor on the device of ``like``, in its dtype unless one is given. Callers must
    not change the tensor.

    The first call copies the numbers to the device and waits; later calls return the same tensor.
    While operations are traced or transformed, each call makes a new tensor.
    """
    dtype = like.dtype if dtype is None else dtype
    if torch.compiler.is_compiling() or has_modes() or is_transformed():
        return made(values, dtype, like.device)
    return _kept(values, dtype, like.device)


def planes(build: Callable[..., NDArray[np.float64]], *arguments: int, like: Tensor) -> Tensor:
    """The float64 result of ``build(*arguments)`` on the host, cached like :func:`constant`."""
    if torch.compiler.is_compiling():
        return made(build(*arguments), like.dtype, like.device)
    sizes = tuple(map(int, arguments))  # torch.jit.trace passes tensors
    if has_modes() or is_transformed() or is_traced():
        return made(build(*sizes), like.dtype, like.device)
    return _kept_planes(build, sizes, like.dtype, like.device)


def made(values: Values | NDArray[np.float64], dtype: torch.dtype, device: torch.device) -> Tensor:
    """A new tensor, copied from the host."""
    return torch.tensor(values, dtype=dtype, device=device)


@functools.lru_cache(maxsize=_MOST)
def _kept(values: Values, dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):
        return made(values, dtype, device)


@functools.lru_cache(maxsize=_MOST_PLANES)
def _kept_planes(
    build: Callable[..., NDArray[np.float64]],
    arguments: tuple[int, ...],
    dtype: torch.dtype,
    device: torch.device,
) -> Tensor:
    with torch.inference_mode(False):
        return made(build(*arguments), dtype, device)
