"""Smoothness as a module: total variation."""

from torch import Tensor

from ssimloss import functional as F
from ssimloss._reduce import Reduction
from ssimloss.functional.smoothness import VariationNorm, WithinImage, check_total_variation_options
from ssimloss.losses._base import ImageLoss


class TotalVariationLoss(ImageLoss):
    """Total variation of one image; options of :func:`ssimloss.functional.total_variation_loss`."""

    def __init__(
        self,
        *,
        norm: VariationNorm = "anisotropic",
        within_image: WithinImage = "mean",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(
            check_total_variation_options, norm=norm, within_image=within_image, reduction=reduction
        )

    def forward(self, pred: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.total_variation_loss(pred, mask=mask, **self.options)
