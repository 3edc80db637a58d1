"""L1 distance of Fourier magnitudes: ``| |Fp| - |Ft| |``."""

import torch
from torch import Tensor

from ssimloss._options import Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import reduce
from ssimloss.functional._corners import modulus
from ssimloss.functional._spectra import check_sides, multiplicity, spectra, with_mean
from ssimloss.measure import Measure

# Magnitudes up to this multiple of the largest pixel can come from rounding in float32. float64
# uses the same bound, so that gradients do not depend on the dtype.
_ROUNDING = 64 * 2.0**-23


class FourierMagnitudeOptions(Reduced):
    """Options of the distance of Fourier magnitudes."""


def _fourier_magnitude(pred: Tensor, target: Tensor, options: FourierMagnitudeOptions) -> Tensor:
    """L1 distance of Fourier magnitudes, ``| |Fp| - |Ft| |``: the amount of each frequency,
    independent of its position.

    Where a frequency of ``pred`` is 0 to rounding, its magnitude has no derivative. The gradient
    used there points towards the same frequency of ``target``, so that flat images get a gradient.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``, the lowest
        frequency in the upper left corner.

    Raises:
        ValueError: shapes or devices differ, sides that are 0, unknown ``reduction``.
        TypeError: integer tensors.
    """
    check_sides(pred, target)
    dtype = native_dtype(pred, target)
    pred, target = promote(pred, target)
    reduction = options.reduction
    of_pred, of_target = (_spectra(image, reduction == "none") for image in (pred, target))
    largest = torch.maximum(*(i.detach().abs().amax((2, 3), keepdim=True) for i in (pred, target)))
    least = _ROUNDING * largest
    values = (modulus(of_pred, of_target, least) - modulus(of_target, of_pred, least)).abs()
    if reduction == "none":
        return values.to(dtype)
    return reduce(values, reduction, multiplicity(pred.shape[3], values))


def _spectra(images: Tensor, whole: bool) -> Tensor:
    mean = images.detach().mean((2, 3), keepdim=True)
    return with_mean(spectra(images - mean, whole=whole), mean, images.shape[2] * images.shape[3])


FOURIER_MAGNITUDE = Measure(
    "fourier_magnitude",
    "Fourier magnitude",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "",
    _fourier_magnitude,
    FourierMagnitudeOptions,
    formula="mean of ||Fx| - |Fy|| over the orthonormal spectra of images on a scale of [0, 1]",
    module="FourierMagnitudeLoss",
    metric="FourierMagnitude",
    agrees="NumPy: 1e-12",
)
fourier_magnitude = fourier_magnitude_loss = FOURIER_MAGNITUDE.loss
