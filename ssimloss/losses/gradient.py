"""Distances between image gradients as modules: edges and the image gradient difference."""

from torch import Tensor

from ssimloss import functional as F
from ssimloss._reduce import Reduction
from ssimloss.functional.gradient import (
    Distance,
    EdgeOperator,
    check_edge_options,
    check_gradient_difference_options,
)
from ssimloss.losses._base import ImageLoss


class EdgeLoss(ImageLoss):
    """Distance between edge maps; options of :func:`ssimloss.functional.edge_loss`."""

    def __init__(
        self,
        *,
        operator: EdgeOperator = "sobel",
        distance: Distance = "charbonnier",
        eps: float = 1e-3,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(
            check_edge_options, operator=operator, distance=distance, eps=eps, reduction=reduction
        )

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.edge_loss(pred, target, mask=mask, **self.options)


class GradientDifferenceLoss(ImageLoss):
    """Image gradient difference; options of
    :func:`ssimloss.functional.gradient_difference_loss`.
    """

    def __init__(self, *, alpha: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(check_gradient_difference_options, alpha=alpha, reduction=reduction)

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.gradient_difference_loss(pred, target, mask=mask, **self.options)
