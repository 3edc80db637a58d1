"""Two images cropped, scaled to [0, 1], clamped, rounded to 8 bit and made luma, in one pass over
them. There is no gradient: where one is asked for, the equation serves.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss._torch import is_observed
from ssimloss.kernels import library
from ssimloss.kernels.backends import Kernel, Kernels, kernel
from ssimloss.kernels.operators import register_one_by_one
from ssimloss.kernels.prepared_images import cpu
from ssimloss.kernels.prepared_images.steps import Steps

PREPARED_IMAGES: Kernels = {"cpu": Kernel(library.why_not_reading, cpu.prepared_images)}

torch.library.define(
    "ssimloss::prepared_images",
    "(Tensor x, Tensor y, float low, float span, bool clamp, bool quantize, bool round, int crop, "
    "float[] weights, ScalarType dtype, str backend) -> Tensor",
)


def prepared_images(
    x: Tensor,
    y: Tensor,
    steps: Steps,
    dtype: torch.dtype,
    *,
    backend: str,
    room: list[Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Both images, ``(N, C', H', W')`` of ``dtype``, which is float32 or float64.

    Args:
        x, y: ``(N, C, H, W)`` of one shape and dtype, floating point or uint8, on one device.
        backend: one of ``PREPARED_IMAGES``.
        room: for a caller that is done with one pair before it asks for the next: a list, empty at
            first, that keeps the memory of the last pair for the next one. The system hands out
            fresh memory at the price of the pass itself.
    """
    if torch.compiler.is_compiling() or is_observed(x, y) or not x.numel():
        found: Tensor = torch.ops.ssimloss.prepared_images(x, y, *steps, dtype, backend)
    else:
        found = cpu.prepared_images(x, y, steps, dtype, room[0] if room else None)
        if room is not None:
            room[:] = [found]
    return found[0], found[1]


@torch.library.register_fake("ssimloss::prepared_images")
def _empty(x: Tensor, _y: Tensor, *options: Any) -> Tensor:
    *steps, dtype, _backend = options
    return x.new_empty(Steps(*steps).shape(x.shape), dtype=dtype)


@torch.library.impl("ssimloss::prepared_images", "default")
def _prepared_images(x: Tensor, y: Tensor, *options: Any) -> Tensor:
    *given, dtype, backend = options
    steps = Steps(*given)
    run = kernel(PREPARED_IMAGES, backend, x, y).run
    check_steps(x, y, steps)
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"dtype must be torch.float32 or torch.float64, got {dtype}")
    if not x.numel():
        nothing: Tensor = _empty(x, y, *options)
        return nothing
    found: Tensor = run(x, y, steps, dtype)
    return found


def check_steps(x: Tensor, y: Tensor, steps: Steps) -> None:
    """Raise for what a kernel cannot read: it reads memory unasked."""
    if x.ndim != 4 or x.shape != y.shape or x.device != y.device:
        raise ValueError(
            f"x and y must be (N, C, H, W) of one shape on one device, got {tuple(x.shape)} and "
            f"{tuple(y.shape)}"
        )
    if steps.weights and (len(steps.weights) != 4 or x.shape[1] != 3):
        raise ValueError(
            "weights must be those of R, G and B and the offset, of images of 3 channels, got "
            f"{len(steps.weights)} of {x.shape[1]} channels"
        )
    if not 0 <= 2 * steps.crop < min(x.shape[2:]):
        raise ValueError(f"crop={steps.crop} leaves nothing of {tuple(x.shape[2:])} pixels")
    if steps.quantize and not steps.clamp:
        raise ValueError("only clamped images are quantized; pass clamp=True")


register_one_by_one("prepared_images")
