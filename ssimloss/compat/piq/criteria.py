"""The losses of piq over SSIM, MS-SSIM, GMSD and total variation."""

from collections.abc import Sequence

from torch import Tensor

from ssimloss import functional as F
from ssimloss.compat._arguments import check_odd
from ssimloss.compat._modules import WithOptions
from ssimloss.compat.piq.measures import gmsd, of_ms_ssim, of_ssim, total_variation
from ssimloss.compat.piq.reductions import Reduction, check_reduction
from ssimloss.functional.ms_ssim import WANG_2003


class SSIMLoss(WithOptions):
    """One minus SSIM, with the options of :func:`ssim`.

    ``reduction="sum"`` adds the losses of the images. piq subtracts the sum of the scores from 1,
    which has the same gradient.
    """

    def __init__(
        self,
        kernel_size: int = 11,
        kernel_sigma: float = 1.5,
        k1: float = 0.01,
        k2: float = 0.03,
        downsample: bool = True,
        reduction: Reduction = "mean",
        data_range: float = 1.0,
    ) -> None:
        """Check and keep the options; see the class."""
        check_odd("kernel_size", kernel_size)
        check_reduction(reduction)
        super().__init__(
            kernel_size=kernel_size,
            kernel_sigma=kernel_sigma,
            k1=k1,
            k2=k2,
            downsample=downsample,
            reduction=reduction,
            data_range=data_range,
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss of images ``(N, C, H, W)``."""
        return of_ssim(F.ssim_loss, x, y, **self.options)


class MultiScaleSSIMLoss(WithOptions):
    """One minus MS-SSIM, with the options of :func:`multi_scale_ssim`.

    As in piq, this class also divides the default ``scale_weights`` by their sum, so that the loss
    is not exactly one minus the function's score. ``reduction="sum"`` is that of :class:`SSIMLoss`.
    """

    def __init__(
        self,
        kernel_size: int = 11,
        kernel_sigma: float = 1.5,
        k1: float = 0.01,
        k2: float = 0.03,
        scale_weights: Tensor | Sequence[float] | None = None,
        reduction: Reduction = "mean",
        data_range: float = 1.0,
    ) -> None:
        """Check and keep the options; see the class."""
        check_odd("kernel_size", kernel_size)
        check_reduction(reduction)
        if isinstance(scale_weights, Tensor):
            scale_weights = scale_weights.tolist()
        super().__init__(
            kernel_size=kernel_size,
            kernel_sigma=kernel_sigma,
            k1=k1,
            k2=k2,
            scale_weights=tuple(WANG_2003 if scale_weights is None else scale_weights),
            reduction=reduction,
            data_range=data_range,
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss of images ``(N, C, H, W)``."""
        return of_ms_ssim(F.ms_ssim_loss, x, y, **self.options)


class GMSDLoss(WithOptions):
    """GMSD, with the options of :func:`gmsd`."""

    def __init__(
        self, reduction: Reduction = "mean", data_range: float = 1.0, t: float = 170 / 255.0**2
    ) -> None:
        """Check and keep the options; see the class."""
        check_reduction(reduction)
        super().__init__(reduction=reduction, data_range=data_range, t=t)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss of images ``(N, 1 or 3, H, W)``."""
        return gmsd(x, y, **self.options)


class TVLoss(WithOptions):
    """Total variation, with the options of :func:`total_variation`."""

    def __init__(self, norm_type: str = "l2", reduction: Reduction = "mean") -> None:
        """Check and keep the options; see the class."""
        check_reduction(reduction)
        super().__init__(norm_type=norm_type, reduction=reduction)

    def forward(self, x: Tensor) -> Tensor:
        """The loss of images ``(N, C, H, W)``."""
        return total_variation(x, **self.options)
