"""The SSIM family as modules."""

from torch import Tensor

from ssimloss import functional as F
from ssimloss._checks import DataRange
from ssimloss._reduce import Reduction
from ssimloss.functional.mixed import ZHAO_2017, MSSSIML1Options, SSIML1Options
from ssimloss.functional.multiscale import (
    WANG_2003,
    Channels,
    CoarsestPadding,
    Combination,
    MinSize,
    MSSSIMOptions,
    Negative,
    PyramidPooling,
)
from ssimloss.functional.structure import (
    Backend,
    Covariance,
    Downsample,
    Exponents,
    Padding,
    SSIMOptions,
    WindowName,
)
from ssimloss.losses._base import ImageLoss


class SSIMLoss(ImageLoss):
    """``1 - SSIM``; options of :func:`ssimloss.functional.ssim_loss`.

    Alone it leaves brightness and colour loose: add a pixel loss, or use :class:`MSSSIML1Loss`.
    """

    def __init__(
        self,
        *,
        data_range: DataRange = 1.0,
        window: WindowName | Tensor = "gaussian",
        window_size: int = 11,
        sigma: float = 1.5,
        k1: float = 0.01,
        k2: float = 0.03,
        exponents: Exponents = (1.0, 1.0, 1.0),
        padding: Padding = "valid",
        covariance: Covariance = "population",
        downsample: Downsample = None,
        reduction: Reduction = "mean",
        backend: Backend = "auto",
    ) -> None:
        super().__init__(
            SSIMOptions,
            data_range=data_range,
            window=window,
            window_size=window_size,
            sigma=sigma,
            k1=k1,
            k2=k2,
            exponents=exponents,
            padding=padding,
            covariance=covariance,
            downsample=downsample,
            reduction=reduction,
            backend=backend,
        )

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.ssim_loss(pred, target, mask=mask, **self.options)


class MSSSIMLoss(ImageLoss):
    """``1 - MS-SSIM``; options of :func:`ssimloss.functional.ms_ssim_loss`. Crops below 176 pixels
    want ``min_size="fewer_scales"``.
    """

    def __init__(
        self,
        *,
        data_range: DataRange = 1.0,
        window_size: int = 11,
        sigma: float = 1.5,
        k1: float = 0.01,
        k2: float = 0.03,
        scale_weights: tuple[float, ...] = WANG_2003,
        negative: Negative = "clamp",
        min_size: MinSize = "error",
        pooling: PyramidPooling = "floor",
        combination: Combination = "product",
        channels: Channels = "separate",
        coarsest_padding: CoarsestPadding = "valid",
        reduction: Reduction = "mean",
        backend: Backend = "auto",
    ) -> None:
        super().__init__(
            MSSSIMOptions,
            data_range=data_range,
            window_size=window_size,
            sigma=sigma,
            k1=k1,
            k2=k2,
            scale_weights=scale_weights,
            negative=negative,
            min_size=min_size,
            pooling=pooling,
            combination=combination,
            channels=channels,
            coarsest_padding=coarsest_padding,
            reduction=reduction,
            backend=backend,
        )

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.ms_ssim_loss(pred, target, mask=mask, **self.options)


class MSSSIML1Loss(ImageLoss):
    """MS-SSIM mixed with Gaussian-weighted L1 (Zhao et al. 2017); options of
    :func:`ssimloss.functional.ms_ssim_l1_loss`.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.84,
        data_range: DataRange = 1.0,
        sigmas: tuple[float, ...] = ZHAO_2017,
        window_size: int = 33,
        k1: float = 0.01,
        k2: float = 0.03,
        padding: Padding = "reflect",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(
            MSSSIML1Options,
            alpha=alpha,
            data_range=data_range,
            sigmas=sigmas,
            window_size=window_size,
            k1=k1,
            k2=k2,
            padding=padding,
            reduction=reduction,
        )

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.ms_ssim_l1_loss(pred, target, mask=mask, **self.options)


class SSIML1Loss(ImageLoss):
    """SSIM mixed with L1, as in Gaussian splatting; options of
    :func:`ssimloss.functional.ssim_l1_loss`.
    """

    def __init__(
        self,
        *,
        weight: float = 0.2,
        eps: float | None = None,
        data_range: DataRange = 1.0,
        window_size: int = 11,
        sigma: float = 1.5,
        k1: float = 0.01,
        k2: float = 0.03,
        padding: Padding = "zeros",
        reduction: Reduction = "mean",
        backend: Backend = "auto",
    ) -> None:
        super().__init__(
            SSIML1Options,
            weight=weight,
            eps=eps,
            data_range=data_range,
            window_size=window_size,
            sigma=sigma,
            k1=k1,
            k2=k2,
            padding=padding,
            reduction=reduction,
            backend=backend,
        )

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.ssim_l1_loss(pred, target, mask=mask, **self.options)


class GradientSSIMLoss(ImageLoss):
    """``1 - G-SSIM``; options of :func:`ssimloss.functional.gradient_ssim_loss`."""

    def __init__(
        self,
        *,
        data_range: DataRange = 1.0,
        window: WindowName | Tensor = "gaussian",
        window_size: int = 11,
        sigma: float = 1.5,
        k1: float = 0.01,
        k2: float = 0.03,
        padding: Padding = "valid",
        covariance: Covariance = "population",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(
            SSIMOptions,
            data_range=data_range,
            window=window,
            window_size=window_size,
            sigma=sigma,
            k1=k1,
            k2=k2,
            padding=padding,
            covariance=covariance,
            reduction=reduction,
        )

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.gradient_ssim_loss(pred, target, mask=mask, **self.options)


class StructureCorrelationLoss(ImageLoss):
    """``1 - r*``; options of :func:`ssimloss.functional.structure_correlation_loss`."""

    def __init__(
        self,
        *,
        data_range: DataRange = 1.0,
        window: WindowName | Tensor = "gaussian",
        window_size: int = 11,
        sigma: float = 1.5,
        padding: Padding = "valid",
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(
            SSIMOptions,
            data_range=data_range,
            window=window,
            window_size=window_size,
            sigma=sigma,
            padding=padding,
            reduction=reduction,
        )

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.structure_correlation_loss(pred, target, mask=mask, **self.options)
