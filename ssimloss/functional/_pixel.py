"""Shared by distances per pixel: the difference under a mask, and the call of their kernel."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Reduction, Scores, slope_of
from ssimloss.kernels import PIXEL_MEANS, Backed, Pixelwise, pixel_means, select


class PixelOptions(Backed, Reduced):
    """Options of a distance per pixel.

    Args:
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.
    """


def not_reduced(mask: Tensor | None, reduction: Reduction) -> str | None:
    """Why a kernel that reduces, and supports no mask, does not support a call; None if it does."""
    if mask is not None:
        return "no kernel supports masks"
    if reduction == "none":
        return "its kernel reduces, and reduction='none' needs every pixel"
    return None


def distances(
    pred: Tensor,
    target: Tensor,
    options: PixelOptions,
    mask: Tensor | None,
    distance: Pixelwise,
    curve: Callable[[Tensor], Tensor],
    *,
    uncovered: str | None = None,
) -> Scores:
    """Distances of images: means from the kernel of ``distance``, or ``curve(pred - target)``."""
    _checks.images(pred, target, ndim=_checks.VOLUMES)
    _checks.mask(mask, pred)
    if pred.ndim == 5 and options.reduction != "none":  # a kernel reads planes
        pred, target = pred.flatten(2, 3), target.flatten(2, 3)
        mask = None if mask is None else mask.flatten(2, 3)
    uncovered = not_reduced(mask, options.reduction) or uncovered
    dtype = native_dtype(pred, target)
    backend = select(options.backend, pred, target, PIXEL_MEANS, uncovered=uncovered)
    if backend != "eager":
        equation = partial(_mean, curve=curve)
        positions = math.prod(pred.shape[1:])
        is_sum = options.reduction == "sum"
        slope = positions if is_sum else slope_of(options.reduction, pred.shape[:1])
        means = pixel_means(pred, target, distance, backend=backend, equation=equation, slope=slope)
        return Scores(means, None, positions, dtype)
    return Scores(curve(masked_difference(pred, target, mask)), mask, 1, dtype)


def _mean(x: Tensor, y: Tensor, curve: Callable[[Tensor], Tensor]) -> Tensor:
    """The mean of each image, ``(N,)``, as the kernel computes it."""
    return curve(masked_difference(x, y, None)).mean((1, 2, 3))


def masked_difference(pred: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
    """``pred - target`` in the computing dtype; 0 where the weight is 0, even for NaN."""
    pred, target = promote(pred, target)
    difference = pred - target
    return difference if mask is None else torch.where(mask != 0, difference, 0)
