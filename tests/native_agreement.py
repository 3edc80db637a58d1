"""How far results of the native library may be from the equation, and images in other strides."""

from __future__ import annotations

import torch
from torch import Tensor


def off(found: Tensor, expected: Tensor) -> float:
    """The relative L2 norm of the difference."""
    difference = (found.double() - expected.double()).norm()
    return float(difference / expected.double().norm().clamp(min=1e-30))


def agree(
    found: list[Tensor],
    eager: list[Tensor],
    exact: list[Tensor],
    *,
    case: object,
    perfect: float = 0.0,
) -> None:
    """Values and gradients are no worse than twice the equation's, and a few roundings.

    A mean of four pixels of three channels has a dozen, and slopes of similarities are about as
    large as their constant, 0.05. A score whose ``perfect`` value is 100 is 100 less an error: a
    rounding of it counts as one of 100. Errors name the ``case``.
    """
    for ours, theirs, wanted in zip(found, eager, exact, strict=True):
        scale = 1.0
        if perfect and wanted.ndim == 1:  # values of images, not gradients
            scale = max(1.0, perfect / float(wanted.abs().max()))
        floor = 32 * torch.finfo(ours.dtype).eps * scale
        error = off(ours, wanted)
        assert error <= 2 * off(theirs, wanted) + floor, (case, error, off(theirs, wanted))


def strided(image: Tensor) -> Tensor:
    """The image as every second one, and every second column, of a tensor that is NaN beside it."""
    n, c, h, w = image.shape
    wide = image.new_full((2 * n, c, h, 2 * w), torch.nan)
    wide[::2, :, :, ::2] = image
    return wide[::2, :, :, ::2]
