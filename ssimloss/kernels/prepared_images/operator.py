"""Crop two images, scale them to [0, 1], clamp, round to 8 bit and convert to luma in one pass. The
operator has no gradient; if one is needed, the equation is used.
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
        room: a list, initially empty, that keeps the memory of one pair for the next, because fresh
            memory from the system costs as much as the pass. Pass it only if each pair is no longer
            used when the next one is prepared.
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
    """Check the images and steps, because kernels read memory without checks."""
    if x.ndim != 4 or x.shape != y.shape or x.device != y.device:
        raise ValueError(
            f"x and y must be (N, C, H, W) of one shape on one device, got {tuple(x.shape)} and "
            f"{tuple(y.shape)}"
        )
    if steps.weights and (len(steps.weights) != 4 or x.shape[1] != 3):
        raise ValueError(
            "weights must be those of R, G and B and the offset, for images of 3 channels, got "
            f"{len(steps.weights)} for {x.shape[1]} channels"
        )
    if not 0 <= 2 * steps.crop < min(x.shape[2:]):
        raise ValueError(f"crop={steps.crop} leaves no pixels of {tuple(x.shape[2:])}")
    if steps.quantize and not steps.clamp:
        raise ValueError("only clamped images are quantized; pass clamp=True")


register_one_by_one("prepared_images")
