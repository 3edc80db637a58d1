"""Cycle consistency as a module."""

from collections.abc import Callable

from torch import Tensor

from ssimloss import functional as F
from ssimloss._checks import DataRange
from ssimloss._reduce import Reduction
from ssimloss.functional.cycle_consistency import DistanceWord, Images, check_cycle_options
from ssimloss.losses._bound import ImageLoss


class CycleConsistencyLoss(ImageLoss):
    """Distance of images that went there and back from what they were; options of
    :func:`ssimloss.functional.cycle_consistency_loss`.

    A network given as ``downscale`` or ``distance`` is registered under that name as it is, neither
    copied nor frozen: one that is trained elsewhere stays that one, and one that is not to learn
    from this loss wants ``network.requires_grad_(False)``.
    """

    def __init__(
        self,
        *,
        distance: DistanceWord | Callable[..., Tensor] = "l1",
        identity_weight: float = 0.5,
        downscale: float | Callable[[Tensor], Tensor] | None = None,
        data_range: DataRange = 1.0,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(
            check_cycle_options,
            distance=distance,
            identity_weight=identity_weight,
            downscale=downscale,
            data_range=data_range,
            reduction=reduction,
        )

    def forward(
        self,
        pred: Images,
        target: Images,
        identity: Images | None = None,
        *,
        mask: Images | None = None,
    ) -> Tensor:
        return F.cycle_consistency_loss(pred, target, identity=identity, mask=mask, **self.options)
