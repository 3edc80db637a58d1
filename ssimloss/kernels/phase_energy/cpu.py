"""The native library's ``phase_energy`` and its backward."""

import struct

import torch
from torch import Tensor

from ssimloss.kernels import library

_CALL = struct.Struct(library.PHASE_CALL)


def phase_energy(responses: Tensor, epsilon: float) -> Tensor:
    """Energy, sum of amplitudes and first amplitude ``(N, 3, H, W)`` of contiguous responses
    ``(N, 4, H, W, 2)`` that are not empty.
    """
    n, _, height, width, _ = responses.shape
    found = responses.new_empty((n, 3, height, width))
    _call(responses, epsilon, found, None, None)
    return found


def phase_energy_backward(upstream: Tensor, responses: Tensor, epsilon: float) -> Tensor:
    """The gradient of the responses."""
    gradient = torch.empty_like(responses)
    _call(responses, epsilon, None, upstream, gradient)
    return gradient


def _call(
    responses: Tensor,
    epsilon: float,
    found: Tensor | None,
    upstream: Tensor | None,
    gradient: Tensor | None,
) -> None:
    n, _, height, width, _ = responses.shape
    addresses = (0 if t is None else t.data_ptr() for t in (responses, found, upstream, gradient))
    call = _CALL.pack(
        n,
        height * width,
        epsilon,
        torch.finfo(responses.dtype).tiny,
        *addresses,
        responses.dtype is torch.float64,
        torch.get_num_threads(),
    )
    library.call("ssimloss_phase_energy", call)
