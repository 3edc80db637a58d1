"""Focal frequency loss: the squared distance of spectra, weighted by itself.

Jiang, Dai, Wu & Loy 2021.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import reduce
from ssimloss.functional._spectra import check_sides, multiplicity, spectra
from ssimloss.measure import Measure

Spectrum = Literal["image", "batch_mean"]
SPECTRA: tuple[str, ...] = get_args(Spectrum)
Weighting = Literal["power", "log"]
WEIGHTINGS: tuple[str, ...] = get_args(Weighting)
Peak = Literal["spectrum", "batch"]
PEAKS: tuple[str, ...] = get_args(Peak)


class FocalFrequencyOptions(Reduced):
    """Options of the focal frequency loss.

    Args:
        alpha: how sharply the weight focuses; 0 is the plain mean square.
        patch_factor: number of parts of each side; each patch has its own spectrum. It must divide
            H and W.
        spectrum: ``"image"`` compares image by image, ``"batch_mean"`` compares spectra averaged
            over the batch.
        weighting: ``"power"`` as above, or ``"log"`` for ``log(1 + |Fp - Ft|^alpha)``.
        peak: the weight is divided by the maximum over each ``"spectrum"`` (image, patch and
            channel) or over the ``"batch"``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` (not with ``"batch_mean"``) or ``"none"``.
    """

    alpha: float = 1.0
    patch_factor: int = 1
    spectrum: Spectrum = "image"
    weighting: Weighting = "power"
    peak: Peak = "spectrum"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.non_negative("alpha", self.alpha)
        _checks.count("patch_factor", self.patch_factor)
        _checks.choice("spectrum", self.spectrum, SPECTRA)
        _checks.choice("weighting", self.weighting, WEIGHTINGS)
        _checks.choice("peak", self.peak, PEAKS)
        if self.spectrum == "batch_mean" and self.reduction == "image":
            raise ValueError(
                'reduction must not be "image" with spectrum="batch_mean", which leaves one '
                "spectrum for the batch"
            )


def _focal_frequency(pred: Tensor, target: Tensor, options: FocalFrequencyOptions) -> Tensor:
    """Focal frequency loss: ``w |Fp - Ft|^2`` over the spectra of the two images, with
    ``w = |Fp - Ft|^alpha / max |Fp - Ft|^alpha``.

    The weight emphasises the frequencies with the largest error. It is a constant: no gradient
    passes through it.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"`` (``N = 1`` for
        ``"batch_mean"``): the terms by frequency, the lowest in the upper left corner of each
        patch.

    Raises:
        ValueError: shapes or devices differ, sides that are 0 or that ``patch_factor`` does not
            divide, unknown option values.
        TypeError: integer tensors.

    Source: Jiang et al. 2021, eq. 8-9. Agrees with the authors' package ``focal-frequency-loss`` to
    float64 rounding: ``ave_spectrum`` is ``spectrum="batch_mean"``, ``log_matrix`` is
    ``weighting="log"``, ``batch_matrix`` is ``peak="batch"``.
    """
    check_sides(pred, target, options.patch_factor)
    dtype = native_dtype(pred, target)
    pred, target = promote(pred, target)
    difference = pred - target  # the transform is linear: one is enough
    if options.spectrum == "batch_mean":
        difference = difference.sum(0, keepdim=True) / max(len(difference), 1)
    n, c, h, w = difference.shape
    factor = options.patch_factor
    patches = difference.reshape(n, c, factor, h // factor, factor, w // factor).transpose(3, 4)

    found = torch.view_as_real(spectra(patches, whole=options.reduction == "none"))
    values = _focal(found, options.alpha, options.weighting, options.peak)
    if options.reduction == "none":
        return values.transpose(3, 4).reshape(difference.shape).to(dtype)
    return reduce(values, options.reduction, multiplicity(patches.shape[-1], values))


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


FOCAL_FREQUENCY = Measure(
    "focal_frequency",
    "focal frequency",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Jiang et al. 2021",
    _focal_frequency,
    FocalFrequencyOptions,
    formula="mean of w |Fx - Fy|^2 over the orthonormal spectra of images on a scale of [0, 1], "
    "w = |Fx - Fy| over its maximum (Jiang et al. 2021)",
    module="FocalFrequencyLoss",
    metric="FocalFrequency",
    agrees="focal-frequency-loss: 1e-14",
)
focal_frequency = focal_frequency_loss = FOCAL_FREQUENCY.loss
