"""The native library's ``prepare``."""

import ctypes
import struct

import torch
from torch import Tensor

from ssimloss.kernels import library
from ssimloss.kernels.prepared_images.steps import Steps

_CALL = struct.Struct(library.PREPARATION_CALL)


def prepared_images(
    x: Tensor, y: Tensor, steps: Steps, dtype: torch.dtype, room: Tensor | None = None
) -> Tensor:
    """Both images, ``(2, N, C', H', W')``; neither is empty.

    Args:
        room: an earlier result, which is overwritten if it has the right shape and dtype.
    """
    shape = steps.shape(x.shape)
    if room is not None and room.shape == shape and room.dtype is dtype:
        found = room
    else:
        found = torch.empty(shape, dtype=dtype, device=x.device)
    weights = library.doubles(steps.weights)
    library.call("ssimloss_prepare", packed(x, y, steps, weights, found))
    return found


def packed(
    x: Tensor, y: Tensor, steps: Steps, weights: "ctypes.Array[ctypes.c_double]", found: Tensor
) -> bytes:
    """The ``PreparationCall`` that writes its result to ``found``.

    Args:
        weights: the weights of the steps; keep them until the call ends.
    """
    return _CALL.pack(
        *x.shape,
        *library.image(x),
        *library.image(y),
        steps.crop,
        steps.low,
        steps.span,
        steps.clamp,
        steps.quantize,
        steps.round,
        found.dtype is torch.float64,
        torch.get_num_threads(),
        ctypes.addressof(weights) if steps.weights else 0,
        found.data_ptr(),
    )
