"""Distances between spectra: the focal frequency loss and the L1 distance of Fourier magnitudes.

Each is minimised as it stands, so ``focal_frequency`` and ``focal_frequency_loss`` are one function
under two names. The transform is the orthonormal 2-D DFT of each channel. Images are real, so
reduced results are taken from half of the plane, whose columns stand for two frequencies each but
the first and, at even widths, the last. Under ``torch.compile`` the transform runs as in eager, of
which torch warns.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import full_precision, native_dtype, promote
from ssimloss._reduce import Reduction, check_reduction, reduce

Spectrum = Literal["image", "batch_mean"]
SPECTRA: tuple[str, ...] = get_args(Spectrum)
Weighting = Literal["power", "log"]
WEIGHTINGS: tuple[str, ...] = get_args(Weighting)
Peak = Literal["spectrum", "batch"]
PEAKS: tuple[str, ...] = get_args(Peak)


def check_focal_frequency_options(
    *, alpha: float, patch_factor: int, spectrum: str, weighting: str, peak: str, reduction: str
) -> None:
    """Raise for options that ``focal_frequency_loss`` refuses."""
    _checks.non_negative("alpha", alpha)
    _checks.count("patch_factor", patch_factor)
    _checks.choice("spectrum", spectrum, SPECTRA)
    _checks.choice("weighting", weighting, WEIGHTINGS)
    _checks.choice("peak", peak, PEAKS)
    check_reduction(reduction)
    if spectrum == "batch_mean" and reduction == "image":
        raise ValueError(
            'reduction must not be "image" with spectrum="batch_mean", which leaves one spectrum '
            "for the batch"
        )


@full_precision
def focal_frequency_loss(
    pred: Tensor,
    target: Tensor,
    *,
    alpha: float = 1.0,
    patch_factor: int = 1,
    spectrum: Spectrum = "image",
    weighting: Weighting = "power",
    peak: Peak = "spectrum",
    reduction: Reduction = "mean",
) -> Tensor:
    """Focal frequency loss: ``w |Fp - Ft|^2`` over the spectra of the two images,
    ``w = |Fp - Ft|^alpha / max |Fp - Ft|^alpha``.

    The weight turns to the frequencies that are hardest to synthesise; it is held constant, no
    gradient passes through it.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        alpha: how sharply the weight focuses; 0 is the plain mean square.
        patch_factor: each side is cut into this many parts and each patch has its own spectrum;
            must divide H and W.
        spectrum: ``"image"`` compares image by image, ``"batch_mean"`` the spectra averaged over
            the batch.
        weighting: ``"power"`` as above, or ``"log"`` for ``log(1 + |Fp - Ft|^alpha)`` in its place.
        peak: the maximum that the weight is divided by: of each ``"spectrum"`` (image, patch and
            channel) or of the ``"batch"``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` (not with ``"batch_mean"``) or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"`` (``N = 1`` for
        ``"batch_mean"``): the terms by frequency, the lowest in the upper left corner of each
        patch.

    Raises:
        ValueError: shapes or devices differ, sides that are 0 or that ``patch_factor`` does not
            divide, unknown words.
        TypeError: integer tensors.

    Source: Jiang et al. 2021, eq. 8-9. Agrees with the authors' package ``focal-frequency-loss`` to
    float64 rounding: ``ave_spectrum`` is ``spectrum="batch_mean"``, ``log_matrix`` is
    ``weighting="log"``, ``batch_matrix`` is ``peak="batch"``.
    """
    check_focal_frequency_options(
        alpha=alpha,
        patch_factor=patch_factor,
        spectrum=spectrum,
        weighting=weighting,
        peak=peak,
        reduction=reduction,
    )
    _check_sides(pred, target, patch_factor)
    dtype = native_dtype(pred, target)
    pred, target = promote(pred, target)
    difference = pred - target  # the transform is linear: one is enough
    if spectrum == "batch_mean":
        difference = difference.sum(0, keepdim=True) / max(len(difference), 1)
    n, c, h, w = difference.shape
    patches = difference.reshape(
        n, c, patch_factor, h // patch_factor, patch_factor, w // patch_factor
    ).transpose(3, 4)

    values = _focal(torch.view_as_real(_spectra(patches, reduction)), alpha, weighting, peak)
    if reduction == "none":
        return values.transpose(3, 4).reshape(difference.shape).to(dtype)
    return reduce(values, reduction, _multiplicity(patches))


def _spectra(images: Tensor, reduction: Reduction) -> Tensor:
    """Of ``(N, ..., H, W)``: whole for ``"none"``, else the half that a real image's other half
    mirrors.
    """
    transform = torch.fft.fft2 if reduction == "none" else torch.fft.rfft2
    some = (
        images if images.shape[0] else torch.cat((images, images.new_zeros(1, *images.shape[1:])))
    )  # MKL takes no empty batch
    spectra: Tensor = transform(some, norm="ortho")
    return spectra[: images.shape[0]]


def _focal(difference: Tensor, alpha: float, weighting: Weighting, peak: Peak) -> Tensor:
    """``w |d|^2`` of complex ``d`` given as ``(..., 2)`` real and imaginary parts."""
    squared = difference.square().sum(-1)
    weight = squared.detach().sqrt().pow(alpha)
    if weighting == "log":
        weight = weight.log1p()
    largest = weight.amax((-2, -1), keepdim=True)
    if peak == "batch" and len(largest):
        largest = largest.amax()
    return weight / torch.where(largest > 0, largest, 1) * squared


def check_fourier_magnitude_options(*, reduction: str) -> None:
    """Raise for options that ``fourier_magnitude_loss`` refuses."""
    check_reduction(reduction)


@full_precision
def fourier_magnitude_loss(
    pred: Tensor, target: Tensor, *, reduction: Reduction = "mean"
) -> Tensor:
    """L1 distance of Fourier magnitudes, ``| |Fp| - |Ft| |``: how much of each frequency there is,
    wherever it sits.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``, the lowest
        frequency in the upper left corner.

    Raises:
        ValueError: shapes or devices differ, sides that are 0, unknown ``reduction``.
        TypeError: integer tensors.
    """
    check_fourier_magnitude_options(reduction=reduction)
    _check_sides(pred, target)
    dtype = native_dtype(pred, target)
    pred, target = promote(pred, target)
    # abs of a complex number has the gradient 0 at 0
    values: Tensor = (_spectra(pred, reduction).abs() - _spectra(target, reduction).abs()).abs()
    return (
        values.to(dtype) if reduction == "none" else reduce(values, reduction, _multiplicity(pred))
    )


def _multiplicity(images: Tensor) -> Tensor:
    """How many columns of the full plane each column of the half plane stands for:
    ``(W // 2 + 1,)`` of 1, 2, 2, ...
    """
    width = images.shape[-1]
    columns = torch.arange(width // 2 + 1, device=images.device)
    return torch.where((columns == 0) | (2 * columns == width), 1, 2).to(images.dtype)


def _check_sides(pred: Tensor, target: Tensor, patch_factor: int = 1) -> None:
    _checks.images(pred, target)
    height, width = pred.shape[2:]
    if not height or not width:
        raise ValueError(
            f"pred must have sides of at least 1 pixel, got {tuple(pred.shape)}; a spectrum needs "
            "a sample"
        )
    if height % patch_factor or width % patch_factor:
        raise ValueError(
            f"patch_factor must divide both sides {(height, width)}, got {patch_factor}; crop the "
            "images"
        )


focal_frequency = focal_frequency_loss
fourier_magnitude = fourier_magnitude_loss
