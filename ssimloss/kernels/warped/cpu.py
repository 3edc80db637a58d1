"""The native library's ``warped`` and its backward."""

import struct

import torch
from torch import Tensor

from ssimloss.kernels import library

_CALL = struct.Struct(library.WARP_CALL)


def warped(images: Tensor, flow: Tensor) -> Tensor:
    """Interpolated images that are not empty, ``(N, C, H, W)``."""
    found = torch.empty_like(images, memory_format=torch.contiguous_format)
    _call(images, flow, None, found, None, None)
    return found


def warped_backward(
    upstream: Tensor, images: Tensor, flow: Tensor, want_images: bool, want_flow: bool
) -> tuple[Tensor | None, Tensor | None]:
    """The requested gradients, at least one, of ``sum(upstream * warped)``."""
    to_images, to_flow = (
        torch.empty_like(given, memory_format=torch.contiguous_format) if want else None
        for given, want in ((images, want_images), (flow, want_flow))
    )
    _call(images, flow, upstream, None, to_images, to_flow)
    return to_images, to_flow


def _call(images: Tensor, flow: Tensor, *others: Tensor | None) -> None:
    fields = [field for tensor in others for field in library.image(tensor)]
    call = _CALL.pack(
        *images.shape,
        *library.image(images),
        *library.image(flow),
        torch.get_num_threads(),
        *fields,
    )
    library.call("ssimloss_warp", call)
