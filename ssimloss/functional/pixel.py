"""Pixel distances: L1, L2, Charbonnier, and the peak signal-to-noise ratio.

A distance is minimised as it stands, so ``l1`` and ``l1_loss`` are one function under two names.
"""

import math
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange
from ssimloss._precision import full_precision, native_dtype, promote
from ssimloss._reduce import Reduction, check_reduction, reduce
from ssimloss.functional._distance import AtZero as AtZero
from ssimloss.functional._distance import Distance, charbonnier_curve
from ssimloss.functional.local_similarity import distance_mean
from ssimloss.kernels import PIXEL_MEANS, check_backend, pixel_means, select
from ssimloss.kernels import Backend as Backend

AT_ZERO: tuple[str, ...] = get_args(AtZero)
Pooling = Literal["image", "batch"]
POOLINGS: tuple[str, ...] = get_args(Pooling)
LEAST_EPS = 1e-18  # of the Charbonnier distance


def check_pixel_options(*, reduction: str, backend: Backend) -> None:
    """Raise for options that ``l1_loss`` and ``l2_loss`` refuse."""
    check_reduction(reduction)
    check_backend(backend)


@full_precision
def l1_loss(
    pred: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
    backend: Backend = "auto",
) -> Tensor:
    """Absolute error ``|pred - target|``.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        mask: ``(N, 1 or C, H, W)`` weights; the mean is taken over the weight, values under weight
            0 are never looked at.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises; kernels reduce, and know no mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, unknown ``reduction``.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.
    """
    check_pixel_options(reduction=reduction, backend=backend)
    chosen = _chosen(pred, target, mask, reduction, backend)
    if chosen != "eager":
        return _fused(pred, target, "l1", 0.0, reduction, chosen)
    return reduce(
        masked_difference(pred, target, mask).abs(),
        reduction,
        mask,
        dtype=native_dtype(pred, target),
    )


@full_precision
def l2_loss(
    pred: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
    backend: Backend = "auto",
) -> Tensor:
    """Squared error ``(pred - target)^2``; its mean is the MSE.

    Args, Returns, Raises: as for :func:`l1_loss`.
    """
    check_pixel_options(reduction=reduction, backend=backend)
    chosen = _chosen(pred, target, mask, reduction, backend)
    if chosen != "eager":
        return _fused(pred, target, "l2", 0.0, reduction, chosen)
    return reduce(
        masked_difference(pred, target, mask).square(),
        reduction,
        mask,
        dtype=native_dtype(pred, target),
    )


def check_charbonnier_eps(eps: float) -> None:
    """Raise for an ``eps`` whose square vanishes in float32, where the curve would lose its finite
    gradient at 0.
    """
    if _checks.positive("eps", eps) < LEAST_EPS:
        raise ValueError(
            f"eps must be at least {LEAST_EPS} (a smaller one vanishes in float32 when squared), "
            f"got {eps!r}; use l1_loss"
        )


def check_charbonnier_options(
    *, eps: float, at_zero: str, reduction: str, backend: Backend
) -> None:
    """Raise for options that ``charbonnier_loss`` refuses."""
    check_charbonnier_eps(eps)
    _checks.choice("at_zero", at_zero, AT_ZERO)
    check_pixel_options(reduction=reduction, backend=backend)


@full_precision
def charbonnier_loss(
    pred: Tensor,
    target: Tensor,
    *,
    eps: float = 1e-3,
    at_zero: AtZero = "eps",
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
    backend: Backend = "auto",
) -> Tensor:
    """Charbonnier distance, a smooth L1: ``sqrt((pred - target)^2 + eps^2)``.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        eps: where the curve turns from L2 to L1, in the images' own units.
        at_zero: value at zero error: ``"eps"`` (the formula as published) or ``"zero"`` (``eps``
            subtracted; same gradient).
        mask: ``(N, 1 or C, H, W)`` weights; the mean is taken over the weight.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises; kernels reduce, and know neither
            masks nor ``at_zero="zero"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, ``eps`` is not positive or its square vanishes in float32,
            unknown words.
        RuntimeError: a named backend that cannot run.

    Source: Charbonnier et al. 1994; eps as in LapSRN (Lai et al. 2017). BasicSR's ``eps=1e-12`` is
    eps squared, see ``conventions.CHARBONNIER``.
    """
    check_charbonnier_options(eps=eps, at_zero=at_zero, reduction=reduction, backend=backend)
    # Subtracting eps from the mean would cancel where errors are small.
    uncovered = "no kernel knows at_zero='zero'" if at_zero == "zero" else None
    chosen = _chosen(pred, target, mask, reduction, backend, uncovered)
    if chosen != "eager":
        return _fused(pred, target, "charbonnier", eps, reduction, chosen)
    distance = charbonnier_curve(masked_difference(pred, target, mask), eps, at_zero)
    return reduce(distance, reduction, mask, dtype=native_dtype(pred, target))


def _chosen(
    pred: Tensor,
    target: Tensor,
    mask: Tensor | None,
    reduction: Reduction,
    backend: Backend,
    uncovered: str | None = None,
) -> Backend:
    """The backend that computes the means of the images, which are checked."""
    _checks.images(pred, target)
    _checks.mask(mask, pred)
    if mask is not None:
        uncovered = "no kernel knows masks"
    elif reduction == "none":
        uncovered = "its kernel reduces, and reduction='none' asks for every pixel"
    return select(backend, pred, target, PIXEL_MEANS, uncovered=uncovered)


def _fused(
    pred: Tensor,
    target: Tensor,
    distance: Distance,
    eps: float,
    reduction: Reduction,
    backend: Backend,
) -> Tensor:
    """The distance by a kernel, which computes the means ``(N,)`` of the images."""
    equation = partial(distance_mean, distance=distance, eps=eps)
    means = pixel_means(pred, target, distance, eps, backend=backend, equation=equation)
    if reduction == "sum":
        return means.sum() * math.prod(pred.shape[1:])
    return reduce(means, reduction)


l1 = l1_loss
l2 = l2_loss
charbonnier = charbonnier_loss


@full_precision
def psnr(
    pred: Tensor,
    target: Tensor,
    *,
    data_range: DataRange = 1.0,
    pooling: Pooling = "image",
    eps: float = 0.0,
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Peak signal-to-noise ratio in dB, ``10 log10(L^2 / (MSE + eps L^2))``, infinite for equal
    images (gradient 0).

    Args:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        pooling: ``"image"`` takes one PSNR per image and reduces those, so that the result does not
            depend on the batch size; ``"batch"`` takes the PSNR of the MSE of the whole batch
            (torchmetrics, kornia): one number, whatever the reduction.
        eps: added to the MSE of images scaled to span 1. 0 is the definition; 1e-8 caps at 80 dB
            (pyiqa, piq).
        mask: ``(N, 1 or C, H, W)`` weights of the MSE.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` give ``(N,)``.

    Raises:
        ValueError: shapes differ, unknown words, an empty ``data_range``.

    Agrees with scikit-image, piq (``eps=1e-8``) and kornia (``"batch"``) to float64 rounding, with
    torchmetrics (``"batch"``) to 2e-6 dB.
    """
    check_psnr_options(data_range=data_range, pooling=pooling, eps=eps, reduction=reduction)
    _, span = _checks.data_range(data_range)
    mse = l2_loss(pred, target, mask=mask, reduction="image" if pooling == "image" else "mean")
    error = mse / span**2 + eps
    differs = error != 0  # an infinite PSNR has no slope; its gradient is 0, not NaN
    decibel = torch.where(differs, -10 * torch.log10(torch.where(differs, error, 1)), torch.inf)
    return decibel if pooling == "batch" else reduce(decibel, reduction)


def check_psnr_options(*, data_range: DataRange, pooling: str, eps: float, reduction: str) -> None:
    """Raise for options that ``psnr`` refuses."""
    _checks.data_range(data_range)
    _checks.choice("pooling", pooling, POOLINGS)
    _checks.non_negative("eps", eps)
    check_reduction(reduction)


def masked_difference(pred: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
    """``pred - target`` in the computing dtype, 0 under weight 0 so that no NaN hides there."""
    _checks.images(pred, target)
    _checks.mask(mask, pred)
    pred, target = promote(pred, target)
    difference = pred - target
    return difference if mask is None else torch.where(mask != 0, difference, 0)
