"""Distances between spectra as modules: focal frequency and Fourier magnitude."""

from torch import Tensor

from ssimloss import functional as F
from ssimloss._reduce import Reduction
from ssimloss.functional.frequency import (
    Peak,
    Spectrum,
    Weighting,
    check_focal_frequency_options,
    check_fourier_magnitude_options,
)
from ssimloss.losses._base import ImageLoss


class FocalFrequencyLoss(ImageLoss):
    """Focal frequency loss; options of :func:`ssimloss.functional.focal_frequency_loss`."""

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        patch_factor: int = 1,
        spectrum: Spectrum = "image",
        weighting: Weighting = "power",
        peak: Peak = "spectrum",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(
            check_focal_frequency_options,
            alpha=alpha,
            patch_factor=patch_factor,
            spectrum=spectrum,
            weighting=weighting,
            peak=peak,
            reduction=reduction,
        )

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return F.focal_frequency_loss(pred, target, **self.options)


class FourierMagnitudeLoss(ImageLoss):
    """L1 distance of Fourier magnitudes; options of
    :func:`ssimloss.functional.fourier_magnitude_loss`.
    """

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        super().__init__(check_fourier_magnitude_options, reduction=reduction)

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return F.fourier_magnitude_loss(pred, target, **self.options)
