# Written by tests/generate.py from the measures; edit those.
"""Metrics for evaluation, without gradients: of pairs of images under a protocol, and of whole sets
of images.
"""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Literal

import torch
from torch import Tensor
from torch.distributed.distributed_c10d import ProcessGroup
from torch.nn.modules.module import Module
from typing_extensions import Unpack

from ssimloss.functional.frechet import frechet_distance as frechet_distance
from ssimloss.metrics._image_metric import ImageMetric as ImageMetric
from ssimloss.metrics._image_metric import OfTorchmetrics
from ssimloss.metrics.batches import in_buckets as in_buckets
from ssimloss.metrics.checkpoint import BestCheckpoint as BestCheckpoint
from ssimloss.metrics.derived import MeasureMetric
from ssimloss.metrics.distributions import inception_score as inception_score
from ssimloss.metrics.distributions import kernel_distance as kernel_distance
from ssimloss.metrics.image import FeatureMetric
from ssimloss.metrics.image_measure import ImageMeasure as ImageMeasure
from ssimloss.metrics.inception import InceptionMetrics as InceptionMetrics
from ssimloss.metrics.measures import MEASURES as MEASURES
from ssimloss.metrics.measures import measure as measure
from ssimloss.metrics.protocol import Protocol as Protocol
from ssimloss.metrics.protocols import PROTOCOLS as PROTOCOLS
from ssimloss.metrics.protocols import SuperResolutionProtocol as SuperResolutionProtocol
from ssimloss.metrics.protocols import protocol as protocol
from ssimloss.metrics.rate_distortion import RateCurve as RateCurve
from ssimloss.metrics.rate_distortion import bd_quality as bd_quality
from ssimloss.metrics.rate_distortion import bd_rate as bd_rate
from ssimloss.metrics.scores import EpochScores as EpochScores
from ssimloss.metrics.validator import Validator as Validator
from ssimloss.video.svr import SVR

__all__ = [
    "MEASURES",
    "ImageMeasure",
    "measure",
    "PROTOCOLS",
    "Protocol",
    "SuperResolutionProtocol",
    "protocol",
    "in_buckets",
    "Validator",
    "EpochScores",
    "BestCheckpoint",
    "ImageMetric",
    "LPIPS",
    "DISTS",
    "ADISTS",
    "DeepSimilarity",
    "LossMetric",
    "InceptionMetrics",
    "frechet_distance",
    "kernel_distance",
    "inception_score",
    "RateCurve",
    "bd_rate",
    "bd_quality",
    "Average",
    "Charbonnier",
    "CIEDE2000",
    "Clipped",
    "ColorConsistency",
    "CosineDistance",
    "CWSSIM",
    "L1",
    "L2",
    "SSIM",
    "DSS",
    "Edge",
    "EnhancedSSIM",
    "FFT",
    "FLIP",
    "FocalFrequency",
    "FourierMagnitude",
    "FSIM",
    "GMSD",
    "GradientDifference",
    "GradientSSIM",
    "GradientVariance",
    "HaarPSI",
    "HSLuv",
    "Huber",
    "MSSSIM",
    "IWSSIM",
    "LaplacianPyramid",
    "LDL",
    "MAD",
    "MDSI",
    "MSGMSD",
    "PSNR",
    "MSSSIMDecibel",
    "MSSWD",
    "NCC",
    "NLPD",
    "PSNRHVS",
    "PSNRHVSM",
    "SRSIM",
    "SSIMULACRA2",
    "StructureCorrelation",
    "VIF",
    "VIFWavelet",
    "VSI",
    "Wavelet",
    "VMAF",
    "VMAFNEG",
]

class LPIPS(FeatureMetric):
    """Mean over images of LPIPS (Zhang et al. 2018), as :class:`ssimloss.LPIPS` computes it.

    This metric has no gradient: train with :class:`ssimloss.LPIPS`.

    Args:
        network: ``"alexnet"`` (reported in most papers), ``"vgg16"`` (used in most trainings),
            ``"squeezenet1_1"``, or the short names of the package ``lpips``: ``"alex"``, ``"vgg"``,
            ``"squeeze"``.
        weights: of the network: ``"imagenet"`` as in the published LPIPS (those of ``"alexnet"``
            and ``"squeezenet1_1"`` are part of the package), a path, a state dict in torchvision's
            layout, or ``"random"``, which is the same random numbers every time and leaves the
            global random generators alone.
        data_range: ``L`` for images in ``[0, L]``, or ``(lo, hi)``; the package's own is
            ``(-1, 1)``.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        dtype: dtype of the convolutions, for example ``torch.bfloat16``. ``None`` means float64 for
            float64 images and float32 otherwise. ``torch.float16`` raises, because small gradients
            underflow in it.
        channels_last: whether the convolutions run in this memory format.
        heads: ``"v0.1"``, which is part of the package, or one 1-D tensor per layer.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        network: Literal["alexnet", "vgg16", "squeezenet1_1", "alex", "vgg", "squeeze"] = "alexnet",
        *,
        weights: str | PathLike[str] | Mapping[str, Tensor] = "imagenet",
        data_range: float | tuple[float, float] = 1.0,
        gray: Literal["repeat", "error"] = "repeat",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        heads: str | Sequence[Tensor] = "v0.1",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class DISTS(FeatureMetric):
    """Mean over images of DISTS (Ding et al. 2020), as :class:`ssimloss.DISTS` computes it.

    This metric has no gradient: train with :class:`ssimloss.DISTS`.

    Args:
        weights: of the network: ``"imagenet"`` as in the published DISTS, a path, a state dict in
            torchvision's layout, or ``"random"``, which is the same random numbers every time and
            leaves the global random generators alone.
        data_range: the range of the image's values: ``L`` for ``[0, L]``, or ``(lo, hi)``. The
            image is scaled to [0, 1] first.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        dtype: dtype of the convolutions, for example ``torch.bfloat16``. ``None`` means float64 for
            float64 images and float32 otherwise. ``torch.float16`` raises, because small gradients
            underflow in it.
        channels_last: whether the convolutions run in this memory format.
        alpha, beta: weights of texture and structure: one 1-D tensor for the image's channels and
            one for each of five layers, or one tensor with all 1475 weights. The default is the
            published weights, which are part of the package.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        weights: str | PathLike[str] | Mapping[str, Tensor] = "imagenet",
        data_range: float | tuple[float, float] = 1.0,
        gray: Literal["repeat", "error"] = "repeat",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        alpha: Tensor | Sequence[Tensor] | None = None,
        beta: Tensor | Sequence[Tensor] | None = None,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class ADISTS(FeatureMetric):
    """Mean over images of A-DISTS (Ding et al. 2021), as :class:`ssimloss.ADISTS` computes it.

    This metric has no gradient: train with :class:`ssimloss.ADISTS`.

    Args:
        window_size: side of the Gaussian window of local statistics, an odd number of positions of
            each layer; its standard deviation is a third of that.
        adapts_to: the image whose content decides: ``"target"`` as in the authors' example, which
            passes the reference first, or ``"pred"`` as in traiNNer-redux.
        weights: of the network: ``"imagenet"`` as in the published A-DISTS, a path, a state dict in
            torchvision's layout, or ``"random"``, which is the same random numbers every time and
            leaves the global random generators alone.
        data_range: the range of the image's values: ``L`` for ``[0, L]``, or ``(lo, hi)``. The
            image is scaled to [0, 1] first.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        dtype: dtype of the convolutions, for example ``torch.bfloat16``. ``None`` means float64 for
            float64 images and float32 otherwise. ``torch.float16`` raises, because small gradients
            underflow in it.
        channels_last: whether the convolutions run in this memory format.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        window_size: int = 21,
        adapts_to: Literal["target", "pred"] = "target",
        weights: str | PathLike[str] | Mapping[str, Tensor] = "imagenet",
        data_range: float | tuple[float, float] = 1.0,
        gray: Literal["repeat", "error"] = "repeat",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class DeepSimilarity(FeatureMetric):
    """Mean over images of :func:`ssimloss.functional.deep_similarity` on any network, as
    :class:`ssimloss.DeepPerceptualSimilarity` computes it.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        layers: weights by layer name. The default for a VGG, AlexNet or SqueezeNet 1.1 is the
            layers of LPIPS, one or more per stage; for another network, the last layer of each
            stage up to stride 16. Layers of weight 0 are left out.
        distance: between two vectors, summed over channels: ``"l1"`` is ``|p - t|``, ``"l2"`` is
            ``(p - t)^2``, ``"normalized_l2"`` is ``"l2"`` of unit vectors as in LPIPS, and
            ``"cosine"`` is half of that, one minus the cosine (0 for two zero vectors).
        weights: ``"imagenet"``, another of torchvision's names, a path, a state dict in
            torchvision's layout, or ``"random"``, which is the same random numbers every time and
            leaves the global random generators alone. For ``"embedded"`` the default loads its own
            weights. Leave it out if ``network`` is a module.
        data_range: the range of the image's values: ``L`` for ``[0, L]``, or ``(lo, hi)``. The
            image is scaled to [0, 1] first.
        normalization: applied to the image in [0, 1]. ``"imagenet"`` subtracts ImageNet's mean and
            divides by its standard deviation, ``"none"`` does nothing. ``(mean, std)`` has one
            number per channel, which sets the number of channels.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        pooling: replaces the network's ``nn.MaxPool2d``: ``"max"`` keeps it, ``"average"`` averages
            the same windows, ``"l2"`` pools as DISTS does.
        dtype: dtype of the convolutions, for example ``torch.bfloat16``. ``None`` means float64 for
            float64 images and float32 otherwise. ``torch.float16`` raises, because small gradients
            underflow in it.
        channels_last: whether the convolutions run in this memory format.
        heads: one 1-D tensor per layer with the weights of its channels; 1 by default. Training a
            model does not change them. The attribute ``heads`` returns them.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        network: str | Module = "vgg16",
        *,
        layers: Mapping[str, float] | None = None,
        distance: Literal["l1", "l2", "cosine", "normalized_l2"] = "normalized_l2",
        weights: str | PathLike[str] | Mapping[str, Tensor] = "imagenet",
        data_range: float | tuple[float, float] = 1.0,
        normalization: Literal["imagenet", "none"]
        | tuple[Sequence[float], Sequence[float]] = "imagenet",
        gray: Literal["repeat", "error"] = "repeat",
        pooling: Literal["max", "average", "l2"] = "max",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        heads: Sequence[Tensor] | None = None,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class LossMetric(ImageMetric):
    """Mean over images of any loss or function of two images.

    A function that returns a scalar, as losses do with ``reduction="mean"``, is called once per
    image. One that returns ``(N,)``, such as a loss with ``reduction="image"`` or a
    :func:`measure`, is called once per batch. The very first image is passed alone to find out.

    Args:
        function: ``(pred, target) -> (N,)``, a scalar tensor or a number; one whose only positional
            parameter is ``pred`` is called with ``pred`` alone. A module or a measure moves with
            the metric.
        higher_is_better: which direction is better, for torchmetrics and Lightning.
        keep_values, process_group: as in the other metrics.
        of_torchmetrics: keyword arguments of every ``torchmetrics.Metric``.

    Raises:
        TypeError: ``function`` cannot be called like that.
    """

    def __init__(
        self,
        function: Callable[..., Tensor],
        *,
        higher_is_better: bool = False,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...
    def extra_repr(self) -> str:
        """Show the function; a module is shown as a child."""

    def measured(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``."""

class Average(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Distance of downscaled images: it compares colour and brightness but ignores detail.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        downscale: the divisor of the sides; results are rounded down.
        filter: ``"area"`` takes means of ``downscale`` x ``downscale`` pixels and drops incomplete
            blocks at the lower and right border. ``"bilinear"`` and ``"bicubic"`` resample with
            antialiasing.
        distance: ``rho``: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``.
        eps: ``eps`` of Charbonnier, in the images' own units.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        downscale: int = 4,
        filter: Literal["area", "bilinear", "bicubic"] = "area",
        distance: Literal["l1", "l2", "charbonnier"] = "l1",
        eps: float = 0.001,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class Charbonnier(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Charbonnier distance, a smooth L1: ``sqrt((pred - target)^2 + eps^2)``.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        eps: the error at which the curve changes from L2 to L1, in the images' own units.
        at_zero: value at zero error: ``"eps"`` (the formula as published) or ``"zero"`` (``eps``
            subtracted; same gradient).
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        eps: float = 0.001,
        at_zero: Literal["eps", "zero"] = "eps",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class CIEDE2000(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    CIEDE2000 colour difference of pixels, in units of about one just noticeable difference.

    Images are sRGB, converted to CIELAB under D65. A gray image counts as RGB with three equal
    channels. Values beyond the range are converted by the same formulas. The formula jumps where
    hues are opposite or a pixel is gray; its gradient is finite there, and 0 where pixels are
    equal.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k_l, k_c, k_h: tolerances of lightness, chroma and hue; ``k_l=2`` for textiles.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        k_l: float = 1.0,
        k_c: float = 1.0,
        k_h: float = 1.0,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class Clipped(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Clipped distance: pixels with an error below ``low`` have no gradient.

    For equal images the value is ``low``, not 0.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        distance: ``rho``: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``, which neosr calls pseudo-Huber.
        eps: ``eps`` of Charbonnier, in the images' own units.
        low: the smallest value. Pixels below it count as learned and have no gradient. The default
            is one level of 8-bit images in [0, 1].
        high: the largest value. Pixels above it count as noise and have no gradient. By default
            there is no limit, so that every wrong pixel is corrected, infinite errors included.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        distance: Literal["l1", "l2", "charbonnier"] = "l1",
        eps: float = 0.001,
        low: float = 0.00392156862745098,
        high: float | None = None,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class ColorConsistency(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Distance of colours in CIELAB, Oklab or YCbCr, with or without their lightness.

    With ``planes="chroma"`` the value does not depend on the lightness: add a pixel loss. With
    ``planes="all"``, CIELAB is the colour difference of 1976. Images are sRGB; a gray image is
    treated as RGB with three equal channels, and has no chroma. Values beyond the range are
    converted by the same formulas. The gradient is finite at gray, black and white. In Oklab, the
    chroma of dark pixels changes fast, by 0.1 for a step of 0.02; below a response of 1e-4 its cube
    root has the slope at 1e-4. Where colours are equal, the gradient is 0.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        space: ``"cielab"``, ``"oklab"``, or ``"ycbcr"`` of ITU-R BT.601 in studio range. The value
            is in the units of the space: lightness to 100 in CIELAB, to 1 in Oklab, to 235 / 255 in
            YCbCr.
        planes: ``"chroma"`` compares the two colour planes, ``"lightness"`` the other one,
            ``"all"`` the three.
        distance: ``"euclidean"``, the length of the difference of two colours, or ``"l1"``, the
            mean of ``|d|`` over planes.
        downscale: side of the blocks of pixels whose means are compared; incomplete blocks at the
            lower and right border are dropped.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        space: Literal["cielab", "oklab", "ycbcr"] = "cielab",
        planes: Literal["chroma", "lightness", "all"] = "chroma",
        distance: Literal["euclidean", "l1"] = "euclidean",
        downscale: int = 1,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class CosineDistance(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Cosine distance of colours: it compares hue and saturation, and ignores brightness.

    Two grays of any brightness have the distance 0: add a pixel loss.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        offset: added to every channel, in units of the range. Black then counts as dark gray, and
            the gradient of dark pixels is bounded, also below the range.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        offset: float = 0.01,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class CWSSIM(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Complex wavelet structural similarity: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The value does not depend on brightness,
    on a common contrast, on fine detail or on small shifts: add a pixel loss. Where neither image
    has detail, the similarity is 1.

    Where ``pred`` is flat, the magnitude of a sum has no derivative. The gradient there is that
    towards the phase of ``target``, so that a flat image can learn.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        levels: number of levels of the pyramid; the coarsest is compared.
        orientations: number of orientations, from 1 to 16.
        k: ``K``, for images on a scale of 0 to 255; not negative.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        levels: int = 4,
        orientations: int = 8,
        k: float = 0.0,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class L1(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Absolute error ``|pred - target|``.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class L2(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Squared error ``(pred - target)^2``; its mean is the MSE.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class SSIM(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Structural similarity: 1 for equal images, in [-1, 1] for images of non-negative values.

    ``(2 mu_x mu_y + C1) (2 cov_xy + C2) / ((mu_x^2 + mu_y^2 + C1) (var_x + var_y + C2))`` with
    ``C = (k L)^2``.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; not used with a custom window.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors without
            repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        k1, k2: the stabilising constants, both above 0.
        exponents: ``(alpha, beta, gamma)`` of luminance, contrast and structure (eq. 12 with
            ``C3 = C2 / 2``). A power of a negative term keeps its sign, ``sign(s) |s|^gamma``. An
            exponent of 0 leaves the term out. The gradient of a flat window's deviation is that of
            the covariance.
        covariance: ``"population"``, or ``"sample"``, which multiplies by ``N / (N - 1)`` with N
            the number of window taps over all axes.
        downsample: shrink the images first. An ``int`` averages blocks of that factor, ``"auto"``
            blocks of ``f = max(1, round(min(H, W) / 256))`` (piq). ``"matlab"`` does the same as
            ``ssim.m``: a box filter of that f with symmetric border, then every f-th sample.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        window: Literal["gaussian", "uniform"] | Tensor = "gaussian",
        window_size: int = 11,
        sigma: float = 1.5,
        padding: Literal["valid", "reflect", "replicate", "zeros"] = "valid",
        k1: float = 0.01,
        k2: float = 0.03,
        exponents: tuple[float, float, float] = (1.0, 1.0, 1.0),
        covariance: Literal["population", "sample"] = "population",
        downsample: int | Literal["auto", "matlab"] | None = None,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class DSS(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    DCT subband similarity: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Rows and columns that do not
    fill a block of 8 x 8 pixels are left out. Only the worst positions of each subband have a
    gradient, so a step improves few blocks: add a pixel loss.

    The deviation of a flat neighbourhood has no slope. There, the gradient of the covariance is
    used, so that a flat image learns the contrast of the other image.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        sigma: of the Gaussian that weights frequencies, in frequencies of 8 x 8 blocks.
            Frequencies with a weight below 0.01 are left out.
        worst: the share of positions that count in each subband: the worst ones.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        sigma: float = 1.55,
        worst: float = 0.05,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class Edge(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Distance between edge maps: ``(rho(dx pred - dx target) + rho(dy pred - dy target)) / 2``, or
    ``rho`` of the Laplacians' difference.

    The operators are linear and scaled to derivatives per pixel, so that a loss weight and ``eps``
    have the same meaning for each. A ramp of 1 per pixel has the value 1 for Sobel (kernel / 8) and
    Scharr (kernel / 32). The Laplacian (four neighbours, kernel as published) is the sum of both
    second derivatives. Each channel is filtered separately, and the border is replicated.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        operator: ``"sobel"``, ``"scharr"`` or ``"laplacian"``.
        distance: ``rho``: ``"charbonnier"`` for ``sqrt(d^2 + eps^2)``, ``"l1"`` for ``|d|``, or
            ``"l2"`` for ``d^2``.
        eps: ``eps`` of Charbonnier, in the images' own units per pixel; the value for equal images
            is ``eps``, not 0.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        operator: Literal["sobel", "scharr", "laplacian"] = "sobel",
        distance: Literal["l1", "l2", "charbonnier"] = "charbonnier",
        eps: float = 0.001,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class EnhancedSSIM(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Enhanced SSIM, pooled by its coefficient of variation: 0 for equal images, larger for worse
    ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The value depends on how unevenly images
    differ, not on how much: an image that is equally bad everywhere, such as a black one, is near
    0. Combine it with a pixel loss.

    The quotient jumps to infinity and becomes negative if the mean of SSIM does. Below a mean of
    0.01 its reciprocal continues along the tangent, so that worse images keep larger values. The
    deviation has the slope 0 where it is 0.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        window_size: side of the square window, in pixels of the shrunken image.
        stride: distance between windows, in the same pixels.
        viewing_distance: in heights of the image. Images are shrunk by
            ``round(viewing_distance / 1.618)``; up to 2.4 heights they keep their size.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        k1: float = 0.01,
        k2: float = 0.03,
        window_size: int = 11,
        stride: int = 1,
        viewing_distance: float = 6.0,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class FFT(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    FFT loss, ``(|Re(Fp - Ft)| + |Im(Fp - Ft)|) / 2`` for each frequency.

    Its gradient is as strong at a frequency with a small error as at one with a large error. The
    usual weight beside a pixel loss is 0.05 to 0.1 for images in [0, 1]. With the default ``norm``
    the value grows with the size of the crops.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        norm: as in ``torch.fft``. ``"backward"`` does not scale the transform, so that the value
            grows with the root of the number of pixels. ``"ortho"`` divides by this root.
        onesided: count the columns of ``torch.fft.rfft2`` alone. By default the whole plane counts,
            in which all columns but the first and, for an even width, the last of these are there
            twice.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        norm: Literal["backward", "ortho"] = "backward",
        onesided: bool = False,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class FLIP(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    FLIP of images of low dynamic range: 0 for equal images, at most 1.

    Images are sRGB. A gray image is treated as RGB with three equal channels. Values beyond the
    range are clamped as in the original and have the gradient 0: add a pixel loss. Border pixels
    are repeated.

    Powers below 1 are infinitely steep where colours or features are equal. Below a difference of
    1e-4 (colours) and 1e-6 (features) they have the slope at that difference. The gradient is 0 for
    equal images.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        pixels_per_degree: pixels per degree of visual angle: ``d r pi / (180 w)`` for a display
            ``w`` meters and ``r`` pixels wide, seen from ``d`` meters. The default is a 4K display
            of 0.7 meters, seen from 0.7 meters.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        pixels_per_degree: float = 67.02064327658225,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class FocalFrequency(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Focal frequency loss: ``w |Fp - Ft|^2`` over the spectra of the two images, with
    ``w = |Fp - Ft|^alpha / max |Fp - Ft|^alpha``.

    The weight emphasises the frequencies with the largest error. It is a constant: no gradient
    passes through it.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        alpha: how sharply the weight focuses; 0 is the plain mean square.
        patch_factor: number of parts of each side; each patch has its own spectrum. It must divide
            H and W.
        spectrum: ``"image"`` compares image by image, ``"batch_mean"`` compares spectra averaged
            over the batch.
        weighting: ``"power"`` as above, or ``"log"`` for ``log(1 + |Fp - Ft|^alpha)``.
        peak: the weight is divided by the maximum over each ``"spectrum"`` (image, patch and
            channel) or over the ``"batch"``.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        alpha: float = 1.0,
        patch_factor: int = 1,
        spectrum: Literal["image", "batch_mean"] = "image",
        weighting: Literal["power", "log"] = "power",
        peak: Literal["spectrum", "batch"] = "spectrum",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class FourierMagnitude(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    L1 distance of Fourier magnitudes, ``| |Fp| - |Ft| |``: the amount of each frequency,
    independent of its position.

    Where a frequency of ``pred`` is 0 to rounding, its magnitude has no derivative. The gradient
    used there points towards the same frequency of ``target``, so that flat images get a gradient.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class FSIM(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Feature similarity index: 1 for equal images, lower for worse ones.

    For RGB images this is FSIMc: luma, I and Q of YIQ, not rounded. Gray images are compared as
    they are. Images of more than 384 pixels on the short side are first shrunk to about 256, as in
    the authors' code. Phase congruency does not depend on contrast, and its gradient is 0 where
    an image is flat; the gradient of a flat image comes from gradients and colours. If both images
    are flat, all positions have equal weights.

    By definition, the gradient is many times as large on faint crops as on others, since phase
    congruency is relative to the amplitude. The similarity of the colours is raised to 0.03, which
    is infinitely steep at 0. Below 1e-4 its slope is that at 1e-4, so gradients of colours that
    differ much are smaller than the derivative.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        planes: ``"yiq"`` also compares the colour planes I and Q of RGB images (FSIMc); ``"luma"``
            compares the luma alone.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        planes: Literal["yiq", "luma"] = "yiq",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class GMSD(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Gradient magnitude similarity deviation: 0 for equal images, larger for worse ones.

    Gray images are compared as they are, RGB images by their luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Images are halved by means of 2 x 2
    pixels, and their Prewitt gradients are compared with zero padding. The value depends on how
    unevenly the gradients differ, not on how much, so combine it with a pixel loss.

    Where ``pred`` is flat, its gradient magnitude has no derivative. The gradient used there points
    towards the image gradient of ``target``, so that flat images get a gradient.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        t: the constant ``T`` that keeps the similarity finite, for images on a scale of 0 to 255.
        deviation: ``"sample"`` divides by the number of positions minus one, as MATLAB's ``std2``;
            ``"population"`` divides by their number (piq).
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        t: float = 170.0,
        deviation: Literal["sample", "population"] = "sample",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class GradientDifference(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Image gradient difference: ``||dx pred| - |dx target||^alpha`` plus the same for dy, where dx
    and dy are differences of neighbours.

    It compares the strength of gradients, not their sign, and sharpens where L2 blurs. It does not
    depend on brightness, so combine it with a pixel loss. Where a difference of ``pred`` is 0, the
    gradient points towards that of ``target``, so that flat images get a gradient.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        alpha: exponent, at least 1.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        alpha: float = 1.0,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class GradientSSIM(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    G-SSIM: luminance of the images times contrast and structure of their gradient magnitudes.

    The magnitude is ``|Gx| + |Gy|`` of the unnormalised Sobel operator with a replicated border.
    G-SSIM is more sensitive to blur than SSIM. Where an image gradient of ``pred`` is 0, the
    derivative points towards that of ``target``, so that flat images get a gradient.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; not used with a custom window.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors without
            repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        k1, k2: the stabilising constants, both above 0.
        covariance: ``"population"``, or ``"sample"``, which multiplies by ``N / (N - 1)`` with N
            the number of window taps over both axes.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        window: Literal["gaussian", "uniform"] | Tensor = "gaussian",
        window_size: int = 11,
        sigma: float = 1.5,
        padding: Literal["valid", "reflect", "replicate", "zeros"] = "valid",
        k1: float = 0.01,
        k2: float = 0.03,
        covariance: Literal["population", "sample"] = "population",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class GradientVariance(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Distance of the variances of Sobel gradients in patches: it rewards sharp edges.

    RGB images are converted to the luma ``0.2989 R + 0.587 G + 0.114 B``. The border is padded
    with black. A variance is stationary where gradients are constant, so a flat patch has no
    gradient: add a pixel loss.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        patch_size: side of the patches; incomplete ones at the lower and right border are dropped.
        distance: distance of variances: ``"l2"`` ``d^2``, ``"l1"`` ``|d|``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``.
        eps: ``eps`` of Charbonnier; for equal images the value is ``2 eps``, not 0.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        patch_size: int = 8,
        distance: Literal["l1", "l2", "charbonnier"] = "l2",
        eps: float = 0.001,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class HaarPSI(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Haar wavelet-based perceptual similarity: 1 for equal images, lower for worse ones.

    RGB images are compared in luma, I and Q of YIQ, not rounded. Gray images are compared as they
    are. Images are first halved, as in the authors' code for the usual viewing distance. If both
    images are flat, all positions have equal weights.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        c: the constant ``C`` that keeps the similarity finite, for images on a scale of 0 to 255.
        alpha: how much more low similarities count than high ones, at most 40.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        c: float = 30.0,
        alpha: float = 4.2,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class HSLuv(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Distance of hue, saturation and lightness in HSLuv.

    Gray has no hue; black and white have neither hue nor saturation. Therefore the colourfulness,
    the saturation times ``1 - |2 L - 1|``, is compared instead of the saturation, and the hue is
    weighted by the smaller colourfulness of the two pixels. The gradient of a gray pixel points to
    the colour of the target, that of a black or white pixel to its lightness.

    Images are sRGB; a gray image counts as RGB with three equal channels. Values beyond the range
    are clamped and have no gradient: add a pixel loss.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        hue_weight, saturation_weight, lightness_weight: weights of the three parts, each of which
            is in [0, 1].
        distance: distance of saturation and lightness: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or
            ``"charbonnier"`` ``sqrt(d^2 + eps^2)``. The hue is compared by the angle.
        eps: ``eps`` of Charbonnier; for equal images, a part is ``eps`` times its weight, not 0.
        edges: ``"continuous"`` lets hue and saturation fade towards gray, black and white.
            ``"thresholds"`` is the form of traiNNer-redux, which jumps at a saturation or lightness
            of 0.1 and 0.9.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        hue_weight: float = 0.3333333333333333,
        saturation_weight: float = 0.3333333333333333,
        lightness_weight: float = 0.3333333333333333,
        distance: Literal["l1", "l2", "charbonnier"] = "l1",
        eps: float = 0.001,
        edges: Literal["continuous", "thresholds"] = "continuous",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class Huber(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Huber distance: L2 for small errors, L1 for large ones.

    With ``delta=1``, images in [0, 1] have no large errors, and the value is half of L2.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        delta: where the curve turns from L2 to L1, in the images' own units.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        delta: float = 1.0,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class MSSSIM(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Multi-scale structural similarity, 1 for equal images.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        window_size, sigma: the Gaussian window at every scale; ``window_size`` odd unless
            ``coarsest_padding="valid"``.
        scale_weights: exponent of each scale, finest first; their number is the number of scales.
        negative: the treatment of a mean t that is not positive, for which a fractional power is
            not defined. ``"clamp"`` replaces values below 1e-3 by ``1e-6 / (2e-3 - t)``, which is
            positive and rising. This is nearly 0 and nearly flat, so the gradient used there is not
            its derivative, but the gradient at ``2e-3 - t``. ``"relu"`` replaces t by 0; the
            gradient of the whole channel is then 0. ``"relu_map"`` clamps every position at 0
            before the mean, which raises t (pyiqa). ``"shift"`` replaces every t by
            ``(t + 1) / 2``, which is another measure.
        min_size: for images too small for all scales: ``"error"``, or ``"fewer_scales"``, which
            uses the scales that fit, with their weights normalised to sum to 1.
        pooling: halving of odd sizes: ``"floor"`` drops the last row, ``"zeros"`` adds rows of
            zeros and counts them (pytorch-msssim), ``"replicate"`` repeats the first row and column
            if either size is odd (piq), ``"symmetric"`` repeats the last row of an odd size
            (TensorFlow, MATLAB).
        combination: ``"product"`` of powers, or ``"weighted_sum"``, whose weights are divided by
            their sum (``wtd_sum`` of ``msssim.m``).
        channels: ``"separate"`` multiplies per channel and then averages over channels; ``"joint"``
            averages over channels first (torchmetrics, MONAI).
        coarsest_padding: border of the coarsest scale: ``"valid"``, or ``"reflect"``
            (torchmetrics).
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        k1: float = 0.01,
        k2: float = 0.03,
        window_size: int = 11,
        sigma: float = 1.5,
        scale_weights: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
        negative: Literal["clamp", "relu", "relu_map", "shift"] = "clamp",
        min_size: Literal["error", "fewer_scales"] = "error",
        pooling: Literal["floor", "zeros", "replicate", "symmetric"] = "floor",
        combination: Literal["product", "weighted_sum"] = "product",
        channels: Literal["separate", "joint"] = "separate",
        coarsest_padding: Literal["valid", "reflect"] = "valid",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class IWSSIM(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Information content weighted SSIM: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. If neither image holds information, all
    positions have equal weights. The weighted mean of a scale can be negative: below 1e-3 the value
    and its gradient are those of MS-SSIM with ``negative="clamp"``. On a GPU, the host waits for
    the eigenvalues of four small matrices.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        scale_weights: ``beta_j``, from the finest scale to the coarsest, divided by their sum;
            their number is the number of scales.
        noise: ``s_n^2``, the variance of the noise of the eye, for images on a scale of 0 to 255.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        scale_weights: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
        noise: float = 0.4,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class LaplacianPyramid(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Distance of Laplacian pyramids: edges count at every scale.

    The paper sums the absolute values of band ``j`` with the weight ``2^(2 j)``. Band ``j`` has
    ``2^(2 j)`` times fewer pixels than the image, so this equals the sum of the means of the bands
    times the number of pixels. The default is the sum of the means.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        level_weights: one weight for each band, finest first; the last band is the low-pass image
            that remains.
        distance: ``rho``: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``.
        eps: ``eps`` of Charbonnier, in the images' own units; for equal images, the mean of a band
            is ``eps``, not 0.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        level_weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0),
        distance: Literal["l1", "l2", "charbonnier"] = "l1",
        eps: float = 0.001,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class LDL(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Locally discriminative learning: the distance of images, weighted by the variance of their
    residual, which is high at artifacts.

    The weight is the variance of the residual in a window times a power of its variance in the
    image; the residual is the sum of ``|pred - target|`` over channels, mirrored at the border. The
    gradient passes through the weight, as in the authors' code. It is finite where the residual
    is constant, where the power is infinitely steep. The value is small: 1e-5 to 3e-4 for
    degraded photographs.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        window_size: side of the window of the local variance, odd and at least 3.
        exponent: exponent of the variance of the image, positive; 1/5 in the paper.
        distance: ``"l1"`` ``|w d|``, or ``"l2"`` ``(w d)^2``.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        window_size: int = 7,
        exponent: float = 0.2,
        distance: Literal["l1", "l2"] = "l1",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class MAD(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Most Apparent Distortion: 0 for equal images, larger for worse ones, about 200 for very bad
    ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The outermost 16 pixels do not count.
    Errors count where they have more contrast than the target. If no error is visible, as after a
    change of brightness or against a black target, the value and the gradient are 0: add a pixel
    loss. The measure is not symmetric.

    Blocks of a subband that deviate by less than 0.002 codes, which can be rounding in float32,
    count as flat in every dtype. The roots have the slope 0 at 0, and both powers a held slope
    below 1e-4.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        pixels_per_degree: pixels in one degree of the visual field, for the contrast sensitivity.
        blend: ``t1, t2`` of the mixture, ``b1 = exp(-t1 / t2)`` and ``b2 = 1 / (t2 log 10)``.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        pixels_per_degree: float = 64.0,
        blend: tuple[float, float] = (2.55, 3.35),
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class MDSI(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Mean deviation similarity index: 0 for equal images, larger for worse ones.

    A gray image counts as RGB with three equal channels. Images of more than 384 pixels on the
    short side are shrunk to about 256 first, as in the authors' code. The value depends
    on how unevenly the images differ, not on how much, so combine it with a pixel loss.

    The fourth root has an infinite derivative where the similarity is 0. Below 1e-4, the derivative
    at 1e-4 is used; it is 0 for equal images. Where ``pred`` is flat, the gradient points towards
    the image gradient of ``target``.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        alpha: weight of the gradients, from 0 to 1; the weight of the colours is ``1 - alpha``.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        alpha: float = 0.6,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class MSGMSD(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Gradient magnitude similarity deviation on several scales: 0 for equal images.

    Gray images are compared as they are, RGB images by their luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The first scale is the image itself; each
    further scale has means of 2 x 2 pixels. As for GMSD, the value depends on how unevenly
    gradients differ, not on how much, so combine it with a pixel loss.

    Where ``pred`` is flat, its gradient magnitude has no derivative. The gradient used there points
    towards the image gradient of ``target``, so that flat images get a gradient.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        scale_weights: ``w_j``, from the images' own size to the coarsest scale, divided by
            their sum.
        t: the constant ``T`` that keeps the similarity finite, for images on a scale of 0 to 255.
        masking: ``a``, how much strong gradients mask differences; 0 is the similarity of GMSD.
        planes: ``"luma"``, or ``"yiq"`` for MS-GMSDc, which adds the difference of the colour
            planes I and Q of RGB images; ``"yiq_coarsest"`` adds it at the last scale (piq).
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        scale_weights: tuple[float, ...] = (0.096, 0.596, 0.289, 0.019),
        t: float = 170.0,
        masking: float = 0.5,
        planes: Literal["luma", "yiq", "yiq_coarsest"] = "luma",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class PSNR(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Peak signal-to-noise ratio in dB, ``10 log10(L^2 / (MSE + eps L^2))``.

    It is infinite for equal images, with gradient 0.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        pooling: ``"image"`` computes one PSNR per image and reduces them, so that the result does
            not depend on the batch size. ``"batch"`` computes the PSNR of the MSE over the whole
            batch (torchmetrics, kornia): a single number for any reduction.
        eps: added to the MSE of images with a range of length 1. 0 is the definition; 1e-8 caps
            the PSNR at 80 dB (pyiqa, piq).
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        pooling: Literal["image", "batch"] = "image",
        eps: float = 0.0,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class MSSSIMDecibel(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    MS-SSIM of each image in dB, ``-10 log10(1 - MS-SSIM)``: 10 dB for 0.9, 20 dB for 0.99.

    It is infinite for equal images, with gradient 0. The mean is taken over decibels.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        window_size, sigma: the Gaussian window at every scale; ``window_size`` odd unless
            ``coarsest_padding="valid"``.
        scale_weights: exponent of each scale, finest first; their number is the number of scales.
        negative: the treatment of a mean t that is not positive, for which a fractional power is
            not defined. ``"clamp"`` replaces values below 1e-3 by ``1e-6 / (2e-3 - t)``, which is
            positive and rising. This is nearly 0 and nearly flat, so the gradient used there is not
            its derivative, but the gradient at ``2e-3 - t``. ``"relu"`` replaces t by 0; the
            gradient of the whole channel is then 0. ``"relu_map"`` clamps every position at 0
            before the mean, which raises t (pyiqa). ``"shift"`` replaces every t by
            ``(t + 1) / 2``, which is another measure.
        min_size: for images too small for all scales: ``"error"``, or ``"fewer_scales"``, which
            uses the scales that fit, with their weights normalised to sum to 1.
        pooling: halving of odd sizes: ``"floor"`` drops the last row, ``"zeros"`` adds rows of
            zeros and counts them (pytorch-msssim), ``"replicate"`` repeats the first row and column
            if either size is odd (piq), ``"symmetric"`` repeats the last row of an odd size
            (TensorFlow, MATLAB).
        combination: ``"product"`` of powers, or ``"weighted_sum"``, whose weights are divided by
            their sum (``wtd_sum`` of ``msssim.m``).
        channels: ``"separate"`` multiplies per channel and then averages over channels; ``"joint"``
            averages over channels first (torchmetrics, MONAI).
        coarsest_padding: border of the coarsest scale: ``"valid"``, or ``"reflect"``
            (torchmetrics).
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        k1: float = 0.01,
        k2: float = 0.03,
        window_size: int = 11,
        sigma: float = 1.5,
        scale_weights: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
        negative: Literal["clamp", "relu", "relu_map", "shift"] = "clamp",
        min_size: Literal["error", "fewer_scales"] = "error",
        pooling: Literal["floor", "zeros", "replicate", "symmetric"] = "floor",
        combination: Literal["product", "weighted_sum"] = "product",
        channels: Literal["separate", "joint"] = "separate",
        coarsest_padding: Literal["valid", "reflect"] = "valid",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class MSSWD(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Multi-scale sliced Wasserstein distance: 0 for equal images, larger for other colours.

    Images are sRGB. A gray image is treated as RGB with three equal channels. Values beyond the
    range are converted by the same formulas. Patches are compared as sets, so a shift changes the
    value little: add a pixel loss if positions matter. The authors' command shrinks images to 256
    pixels on the short side first; their module and this function do not.

    The order of equal patches is arbitrary, so a flat image learns the colours of the target, not
    their places. Projections are taken in steps of bounded memory.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        scales: number of scales, each half as large as the one before.
        projections: number of random directions at each scale.
        patch_size: side of the patches in pixels, odd.
        seed: seed of the directions, which are the same in every call. The value depends on the
            seed; with more projections, it depends less.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        scales: int = 5,
        projections: int = 128,
        patch_size: int = 11,
        seed: int = 0,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class NCC(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Normalised cross-correlation of whole planes, in [-1, 1].

    It ignores brightness and contrast: add a pixel loss. The correlation under a
    sliding window is ``structure_correlation``.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k: the constant ``C`` is ``(k L)^2``, which bounds the gradient of flat images. Two flat
            images have the correlation 1.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        k: float = 0.01,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class NLPD(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Normalised Laplacian pyramid distance: 0 for equal images, larger for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Both are scaled to [0, 1]. The last of
    six bands is the low-pass rest.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class PSNRHVS(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    PSNR weighted by the sensitivity of the eye, in dB: larger for better images.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Rows and columns beyond the last whole
    block of 8 x 8 pixels are ignored. The value is infinite for equal images, with the gradient 0;
    the authors' code returns 100000 there.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class PSNRHVSM(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    PSNR weighted by the sensitivity of the eye, without differences that the block masks, in dB:
    larger for better images.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Rows and columns beyond the last whole
    block of 8 x 8 pixels are ignored. The value is infinite if all differences are masked, with the
    gradient 0; the authors' code returns 100000 there. Masked differences have the gradient 0:
    add a pixel loss.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class SRSIM(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Spectral residual based similarity: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Images of more than 384 pixels on the
    short side are shrunk to about 256 first, as in the authors' code. Saliency is computed at a
    quarter of that size and interpolated, so it may lie slightly outside [0, 1].

    The logarithm of a spectrum is infinite where the spectrum is 0. Magnitudes are therefore
    bounded below by the rounding of a transform in float32, in every dtype. Below a hundredth of a
    code, the slopes of the logarithm and of the division are constant: flat images have a saliency
    and a gradient. A black image has no saliency; for two black images, all positions have equal
    weight.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        planes: ``"luma"`` compares the luma only; ``"yiq"`` also compares the colour planes I and Q
            of RGB images, as FSIMc does.
        alpha: exponent of the similarity of gradients.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        planes: Literal["luma", "yiq"] = "luma",
        alpha: float = 0.5,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class SSIMULACRA2(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    SSIMULACRA 2 (version 2.1): 100 for equal images, about 90 if no difference is visible, 70
    for high quality, 50 for medium, 30 for low, and no lower limit.

    Images are sRGB. A gray image is treated as RGB with three equal channels. The filter has the
    response of the original's recursive filter (sigma 1.5, zeros beyond the border). The original
    runs it in float32, whose rounding moves its score by up to 0.02. With the filter replaced by
    its response, the original's score differs from this one by at most 0.001.

    Below black, the curves of the colour space continue as lines. The score is infinitely steep at
    100. Where the weighted error is below 1e-4, it has the slope at 1e-4. The gradient is 0 for
    equal images.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        min_size: for images of fewer than 113 pixels on a side, which have no six scales:
            ``"error"``, or ``"fewer_scales"`` as the original computes them from 8 pixels on. It
            then counts the weights off from the first, so that they belong to other planes and
            scales than those they were fitted to.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        min_size: Literal["error", "fewer_scales"] = "error",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class StructureCorrelation(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Structure term without constants, ``r* = cov_xy / (sigma_x sigma_y)``, in [-1, 1].

    It is 1 where both windows are flat, and 0 where only one is. Flat means a variance below
    ``4 eps L^2``, which float rounding can cause (a deviation of 1/1450 of the range in float32).
    Where only one image is flat, the gradient of the definition is infinite; the gradient used
    there is that for a deviation of 0.03 of the range. The measure ignores brightness and contrast,
    so combine it with a pixel loss.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; not used with a custom window.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors without
            repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        window: Literal["gaussian", "uniform"] | Tensor = "gaussian",
        window_size: int = 11,
        sigma: float = 1.5,
        padding: Literal["valid", "reflect", "replicate", "zeros"] = "valid",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class VIF(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Visual information fidelity in the pixel domain: 1 for equal images, lower for worse ones,
    above 1 for an image of more contrast than the reference.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Windows are whole. What is shared rises
    with the square of the shared detail, so a flat image, or the negative of the target, has the
    gradient 0: add a pixel loss. If the target is flat, the score is 1. Windows count as flat if
    rounding can have made their variance. The information of the target is the denominator, so that
    by definition, the gradient against a nearly flat crop can be hundreds of times as large as
    against most crops. In a sum of losses, ``GradientShare`` bounds it.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        noise: ``N``, the variance of the noise of the eye, for images on a scale of 0 to 255.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        noise: float = 2.0,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class VIFWavelet(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Visual information fidelity in the wavelet domain: 1 for equal images, lower for worse ones,
    above 1 for an image of more contrast than the reference.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. What is shared rises with the square of
    the shared detail, so a flat image, or the negative of the target, has the gradient 0: add a
    pixel loss. If the target is flat, the score is 1, where the authors' code returns NaN.
    Subbands count as flat if rounding can have made their variance. On a GPU, the host waits for
    the eigenvalues of small matrices, once per level.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        levels: number of levels of the pyramid. Windows double their size from the coarsest to the
            finest.
        noise: ``N``, the variance of the noise of the eye, for images on a scale of 0 to 255.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        levels: int = 4,
        noise: float = 0.4,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class VSI(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Visual saliency-induced index: 1 for equal images, lower for worse ones.

    RGB images are sRGB; a gray image is treated as RGB with three equal channels. Images of more
    than 384 pixels on the short side are first shrunk to about 256, as in the authors' code.
    Saliency is always computed at 256 x 256 pixels, so that a small crop costs as much as an image
    of that size.

    Saliency is scaled to [0, 1] in each image. It is 0 in an image without detail or without
    differences of colour; the gradient of such an image comes from gradients and colours. If both
    images have no saliency, all positions have equal weights. On crops of low contrast or with
    hardly any saliency, the gradient is by definition many times as large as on most, and nearly
    all of it is at a few pixels. In a sum of losses, ``GradientShare`` bounds it.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        alpha: exponent ``a`` of the similarity of gradients, from 0 to 1.
        beta: exponent ``b`` of the similarity of colours, from 0 to 1.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        alpha: float = 0.4,
        beta: float = 0.02,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class Wavelet(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    Distance of wavelet coefficients: the weighted sum over levels and sub-bands of the mean
    ``rho(W pred - W target)``.

    Filters of orthonormal wavelets have the norm 1: white noise is equally large in every band,
    smooth errors grow with the level. Each channel is transformed by itself. Images continue
    periodically, as in PyWavelets' ``swt2`` and its mode ``periodization``.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        wavelet: ``"haar"``, ``"db2"``, ``"db4"`` (Daubechies; their number is that of vanishing
            moments), ``"sym7"``, ``"sym19"`` (the most symmetric of them), or ``"cdf97"``, the
            pair 9/7 of JPEG 2000.
        transform: ``"stationary"`` has a coefficient at every pixel, so that a shifted error costs
            the same; ``"decimated"`` halves each level.
        level_weights: weights of the levels, finest first; their number is the number of levels.
        band_weights: weights of the details of each level: LH (horizontal edges), HL (vertical
            edges) and HH (diagonals). At least one must not be 0.
        approximation_weight: weight of LL, the low-pass rest after the last level.
        distance: ``rho``: ``"charbonnier"`` ``sqrt(d^2 + eps^2)``, ``"l1"`` ``|d|``, or ``"l2"``
            ``d^2``.
        eps: of Charbonnier, in the images' own units; the mean of a band is ``eps``, not 0, at
            equal images.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        wavelet: Literal["haar", "db2", "db4", "sym7", "sym19", "cdf97"] = "haar",
        transform: Literal["stationary", "decimated"] = "stationary",
        level_weights: tuple[float, ...] = (1.0, 1.0, 1.0),
        band_weights: tuple[float, ...] = (1.0, 1.0, 1.0),
        approximation_weight: float = 1.0,
        distance: Literal["l1", "l2", "charbonnier"] = "charbonnier",
        eps: float = 0.001,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class VMAF(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    VMAF v0.6.1 of the luma of images or clips: 0 to 100, higher is better. The loss is
    ``100 - VMAF``, not clipped, so that its gradient does not vanish at a score of 100.

    Images are frames without motion; clips have the motion of ``target``. Equal frames without
    motion score 97.43, not 100. VMAF rewards sharpening: train with ``model="v0.6.1neg"`` or add a
    pixel loss, and see ``docs/vmaf.md``.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: black and white of RGB. For
            gray images, 255, 1023, 4095 and 65535 mean codes of 8, 10, 12 and 16 bits, which are
            divided by ``2^(bits - 8)`` as in libvmaf; any other range is scaled to 255.
        matrix: the luma of RGB images: ``"bt709"`` or ``"bt601"``.
        luma_range: the luma codes of RGB images: ``"limited"`` from 16 to 235, as videos are
            stored, or ``"full"`` from 0 to 255. Gray images are compared as they are.
        model: ``"v0.6.1"``; ``"v0.6.1neg"``, which does not reward sharpening and added contrast;
            or a :class:`ssimloss.video.SVR`.
        feature_weights: weights by name of the features ``vif_scale0`` .. ``vif_scale3``,
            ``adm2``, ``adm_scale0`` .. ``adm_scale3``. The score is then 100 times their weighted
            mean instead of the regression.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        matrix: Literal["bt709", "bt601"] = "bt709",
        luma_range: Literal["limited", "full"] = "limited",
        model: Literal["v0.6.1", "v0.6.1neg"] | SVR = "v0.6.1",
        feature_weights: Mapping[str, float] | None = None,
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...

class VMAFNEG(MeasureMetric):
    """Mean over images, as a torchmetrics metric.

    VMAF with the model ``v0.6.1neg``, which does not reward sharpening and added contrast: 0 to
    100, higher is better. The loss is ``VMAFLoss(model="v0.6.1neg")``.

    Args:
        protocol: the definition of a protocol or its name instead, such as ``'basicsr'`` with
            ``scale=4`` for the PSNR-Y of papers; in float64. Only ``data_range`` may go with it.
        scale: the factor of enlargement, for the name of a protocol.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: black and white of RGB. For
            gray images, 255, 1023, 4095 and 65535 mean codes of 8, 10, 12 and 16 bits, which are
            divided by ``2^(bits - 8)`` as in libvmaf; any other range is scaled to 255.
        matrix: the luma of RGB images: ``"bt709"`` or ``"bt601"``.
        luma_range: the luma codes of RGB images: ``"limited"`` from 16 to 235, as videos are
            stored, or ``"full"`` from 0 to 255. Gray images are compared as they are.
        keep_values: keep the value of each image for ``values()``.
        process_group: of ``torch.distributed``.
        of_torchmetrics: keyword arguments of ``torchmetrics.Metric``: ``sync_on_compute``, ...
    """

    def __init__(
        self,
        *,
        protocol: str | Protocol | None = None,
        scale: int | None = None,
        data_range: float | tuple[float, float] = 1.0,
        matrix: Literal["bt709", "bt601"] = "bt709",
        luma_range: Literal["limited", "full"] = "limited",
        keep_values: bool = False,
        process_group: ProcessGroup | None = None,
        **of_torchmetrics: Unpack[OfTorchmetrics],
    ) -> None: ...
