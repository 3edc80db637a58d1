"""Pixel distances as modules: L1, L2, Charbonnier."""

from torch import Tensor

from ssimloss import functional as F
from ssimloss._reduce import Reduction
from ssimloss.functional.pixel import (
    AtZero,
    Backend,
    check_charbonnier_options,
    check_pixel_options,
)
from ssimloss.losses._base import ImageLoss


class L1Loss(ImageLoss):
    """Absolute error; options of :func:`ssimloss.functional.l1_loss`."""

    def __init__(self, *, reduction: Reduction = "mean", backend: Backend = "auto") -> None:
        super().__init__(check_pixel_options, reduction=reduction, backend=backend)

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.l1_loss(pred, target, mask=mask, **self.options)


class L2Loss(ImageLoss):
    """Squared error; options of :func:`ssimloss.functional.l2_loss`."""

    def __init__(self, *, reduction: Reduction = "mean", backend: Backend = "auto") -> None:
        super().__init__(check_pixel_options, reduction=reduction, backend=backend)

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.l2_loss(pred, target, mask=mask, **self.options)


class CharbonnierLoss(ImageLoss):
    """Charbonnier distance, a smooth L1; options of
    :func:`ssimloss.functional.charbonnier_loss`.
    """

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        at_zero: AtZero = "eps",
        reduction: Reduction = "mean",
        backend: Backend = "auto",
    ) -> None:
        super().__init__(
            check_charbonnier_options,
            eps=eps,
            at_zero=at_zero,
            reduction=reduction,
            backend=backend,
        )

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.charbonnier_loss(pred, target, mask=mask, **self.options)
