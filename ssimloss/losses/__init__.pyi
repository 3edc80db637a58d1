# Written by tests/generate.py from the measures; edit those.
"""Losses as modules: one for every registered measure, and those with a network or other state."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn.modules.module import Module

from ssimloss.functional.deep_similarity import DeepSimilarityOptions
from ssimloss.judgements import Fit
from ssimloss.losses._base import ImageLoss
from ssimloss.losses._deep import LayeredLoss, MaskedLoss
from ssimloss.losses.derived import MeasureLoss
from ssimloss.losses.distributions import ProjectedLoss
from ssimloss.losses.dists import ImageAndFeatures
from ssimloss.losses.network_output import OutputLoss
from ssimloss.losses.sets import SetLoss
from ssimloss.networks.extractor import FeatureExtractor
from ssimloss.video.svr import SVR

__all__ = [
    "AverageLoss",
    "CharbonnierLoss",
    "CIEDE2000Loss",
    "ClippedLoss",
    "ColorConsistencyLoss",
    "CosineDistanceLoss",
    "CWSSIMLoss",
    "L1Loss",
    "L2Loss",
    "SSIMLoss",
    "CycleConsistencyLoss",
    "DSSLoss",
    "EdgeLoss",
    "EnhancedSSIMLoss",
    "FeatureMatchingLoss",
    "FFTLoss",
    "FLIPLoss",
    "FocalFrequencyLoss",
    "FourierMagnitudeLoss",
    "FSIMLoss",
    "GMSDLoss",
    "GradientDifferenceLoss",
    "GradientSSIMLoss",
    "GradientVarianceLoss",
    "HaarPSILoss",
    "HSLuvLoss",
    "HuberLoss",
    "MSSSIMLoss",
    "IWSSIMLoss",
    "LaplacianPyramidLoss",
    "LDLLoss",
    "MADLoss",
    "MDSILoss",
    "MSGMSDLoss",
    "MSSSIML1Loss",
    "MSSWDLoss",
    "NCCLoss",
    "NLPDLoss",
    "SRSIMLoss",
    "SSIML1Loss",
    "SSIMULACRA2Loss",
    "StructureCorrelationLoss",
    "TemporalDifferenceLoss",
    "TotalVariationLoss",
    "VIFLoss",
    "VIFWaveletLoss",
    "VSILoss",
    "WarpingErrorLoss",
    "WaveletLoss",
    "VMAFLoss",
    "PerceptualLoss",
    "TextureLoss",
    "ContextualLoss",
    "ContextualBilateralLoss",
    "FDLLoss",
    "SlicedWassersteinLoss",
    "ProjectedDistributionLoss",
    "LPIPS",
    "DISTS",
    "ADISTS",
    "DeepPerceptualSimilarity",
    "PriorLoss",
    "LandmarkLoss",
    "AdversarialLoss",
    "FrechetLoss",
    "KernelDistanceLoss",
    "CMMDLoss",
]

class AverageLoss(MeasureLoss):
    """Distance of downscaled images: it compares colour and brightness but ignores detail.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        downscale: the divisor of the sides; results are rounded down.
        filter: ``"area"`` takes means of ``downscale`` x ``downscale`` pixels and drops incomplete
            blocks at the lower and right border. ``"bilinear"`` and ``"bicubic"`` resample with
            antialiasing.
        distance: ``rho``: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``.
        eps: ``eps`` of Charbonnier, in the images' own units.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)``, any range, at least ``downscale`` pixels on the
            short side.
        mask: ``(N, 1 or C, H, W)`` weights, for ``filter="area"`` only: the mean of a block is a
            weighted mean.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"``, ``(N, C, H', W')`` with sides
        divided by ``downscale``.

    Raises:
        ValueError: shapes differ, images are smaller than a block, a mask is given for a filter
            other than ``"area"``, or an option value is unknown.
        TypeError: integer tensors.

    Source: agrees with ``AverageLoss`` and ``BicubicLoss`` of traiNNer-redux to 1e-12, and with
    ``interpolate(antialias=True)`` of PyTorch.
    """

    downscale: int
    filter: Literal["area", "bilinear", "bicubic"]
    distance: Literal["l1", "l2", "charbonnier"]
    eps: float
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        downscale: int = 4,
        filter: Literal["area", "bilinear", "bicubic"] = "area",
        distance: Literal["l1", "l2", "charbonnier"] = "l1",
        eps: float = 0.001,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class CharbonnierLoss(MeasureLoss):
    """Charbonnier distance, a smooth L1: ``sqrt((pred - target)^2 + eps^2)``.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            neither masks nor ``at_zero="zero"``.
        eps: the error at which the curve changes from L2 to L1, in the images' own units.
        at_zero: value at zero error: ``"eps"`` (the formula as published) or ``"zero"`` (``eps``
            subtracted; same gradient).

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; the mean is weighted.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes differ, ``eps`` is not positive or its square vanishes in float32,
            unknown option values.
        RuntimeError: a named backend that cannot run.

    Source: Charbonnier et al. 1994; eps as in LapSRN (Lai et al. 2017). BasicSR's ``eps=1e-12`` is
    eps squared, see ``conventions.CHARBONNIER``.
    """

    eps: float
    at_zero: Literal["eps", "zero"]
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        eps: float = 0.001,
        at_zero: Literal["eps", "zero"] = "eps",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class CIEDE2000Loss(MeasureLoss):
    """CIEDE2000 colour difference of pixels, in units of about one just noticeable difference.

    Images are sRGB, converted to CIELAB under D65. A gray image counts as RGB with three equal
    channels. Values beyond the range are converted by the same formulas. The formula jumps where
    hues are opposite or a pixel is gray; its gradient is finite there, and 0 where pixels are
    equal.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.
        k_l, k_c, k_h: tolerances of lightness, chroma and hue; ``k_l=2`` for textiles.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map ``(N, 1, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB, or tolerances are not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: CIE 142-2001; Sharma, Wu & Dalal 2005. Agrees with scikit-image to float64 rounding.
    """

    data_range: float | tuple[float, float]
    k_l: float
    k_c: float
    k_h: float
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        k_l: float = 1.0,
        k_c: float = 1.0,
        k_h: float = 1.0,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class ClippedLoss(MeasureLoss):
    """Clipped distance: pixels with an error below ``low`` have no gradient.

    For equal images the value is ``low``, not 0.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.
        distance: ``rho``: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``, which neosr calls pseudo-Huber.
        eps: ``eps`` of Charbonnier, in the images' own units.
        low: the smallest value. Pixels below it count as learned and have no gradient. The default
            is one level of 8-bit images in [0, 1].
        high: the largest value. Pixels above it count as noise and have no gradient. By default
            there is no limit, so that every wrong pixel is corrected, infinite errors included.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; the mean is taken over the weight.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes differ, ``high`` is not larger than ``low``, or an option value is
            unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: ``chc_loss`` of neosr without its cosine term.
    """

    distance: Literal["l1", "l2", "charbonnier"]
    eps: float
    low: float
    high: float | None
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        distance: Literal["l1", "l2", "charbonnier"] = "l1",
        eps: float = 0.001,
        low: float = 0.00392156862745098,
        high: float | None = None,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class ColorConsistencyLoss(MeasureLoss):
    """Distance of colours in CIELAB, Oklab or YCbCr, with or without their lightness.

    With ``planes="chroma"`` the value does not depend on the lightness: add a pixel loss. With
    ``planes="all"``, CIELAB is the colour difference of 1976. Images are sRGB; a gray image is
    treated as RGB with three equal channels, and has no chroma. Values beyond the range are
    converted by the same formulas. The gradient is finite at gray, black and white. In Oklab, the
    chroma of dark pixels changes fast, by 0.1 for a step of 0.02; below a response of 1e-4 its cube
    root has the slope at 1e-4. Where colours are equal, the gradient is 0.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        space: ``"cielab"``, ``"oklab"``, or ``"ycbcr"`` of ITU-R BT.601 in studio range. The value
            is in the units of the space: lightness to 100 in CIELAB, to 1 in Oklab, to 235 / 255 in
            YCbCr.
        planes: ``"chroma"`` compares the two colour planes, ``"lightness"`` the other one,
            ``"all"`` the three.
        distance: ``"euclidean"``, the length of the difference of two colours, or ``"l1"``, the
            mean of ``|d|`` over planes.
        downscale: side of the blocks of pixels whose means are compared; incomplete blocks at the
            lower and right border are dropped.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``downscale`` pixels on the short side.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The mean
            of a block is taken over the weights.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"``, ``(N, 1, H, W)`` for the
        length and one channel per plane for ``"l1"``, with sides divided by ``downscale``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or smaller than a block, or an
            option value is unknown.
        TypeError: integer tensors.

    Source: CIE 15; Ottosson 2020; ITU-R BT.601. In CIELAB it agrees with scikit-image to 1e-12, in
    YCbCr with the ``ColorLoss`` of traiNNer-redux to 1e-10.
    """

    data_range: float | tuple[float, float]
    space: Literal["cielab", "oklab", "ycbcr"]
    planes: Literal["chroma", "lightness", "all"]
    distance: Literal["euclidean", "l1"]
    downscale: int
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        space: Literal["cielab", "oklab", "ycbcr"] = "cielab",
        planes: Literal["chroma", "lightness", "all"] = "chroma",
        distance: Literal["euclidean", "l1"] = "euclidean",
        downscale: int = 1,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class CosineDistanceLoss(MeasureLoss):
    """Cosine distance of colours: it compares hue and saturation, and ignores brightness.

    Two grays of any brightness have the distance 0: add a pixel loss.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        offset: added to every channel, in units of the range. Black then counts as dark gray, and
            the gradient of dark pixels is bounded, also below the range.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` of at least two channels, with values in
            ``data_range``.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, 1, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images have one channel, ``offset`` is not positive, or
            ``reduction`` is unknown.
        TypeError: integer tensors.

    Source: the cosine term of ExpandNet (Marnerides et al. 2018), computed so that equal colours
    have the distance 0. ``conventions.COSINE_DISTANCE["trainner"]`` is the ``CosimLoss`` of
    traiNNer-redux.
    """

    data_range: float | tuple[float, float]
    offset: float
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        offset: float = 0.01,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class CWSSIMLoss(MeasureLoss):
    """``1 - cw_ssim``, taken before the reduction.

    Complex wavelet structural similarity: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The value does not depend on brightness,
    on a common contrast, on fine detail or on small shifts: add a pixel loss. Where neither image
    has detail, the similarity is 1.

    Where ``pred`` is flat, the magnitude of a sum has no derivative. The gradient there is that
    towards the phase of ``target``, so that a flat image can learn.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        levels: number of levels of the pyramid; the coarsest is compared.
        orientations: number of orientations, from 1 to 16.
        k: ``K``, for images on a scale of 0 to 255; not negative.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``2^(levels + 2)`` pixels on the short side, 64 by default.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, options out of
            range.
        TypeError: integer tensors.

    Source: Sampat et al. 2009. ``conventions.CW_SSIM["matlab"]`` agrees with the authors' code
    on five pairs of TID2013 to the four digits that it printed.
    """

    data_range: float | tuple[float, float]
    levels: int
    orientations: int
    k: float
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        levels: int = 4,
        orientations: int = 8,
        k: float = 0.0,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class L1Loss(MeasureLoss):
    """Absolute error ``|pred - target|``.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; the mean is weighted, and values of weight
            0 are ignored.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, unknown ``reduction``.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.
    """

    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class L2Loss(MeasureLoss):
    """Squared error ``(pred - target)^2``; its mean is the MSE.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; the mean is weighted, and values of weight
            0 are ignored.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, unknown ``reduction``.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.
    """

    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class SSIMLoss(MeasureLoss):
    """``1 - ssim``, taken before the reduction.

    Structural similarity: 1 for equal images, in [-1, 1] for images of non-negative values.

    ``(2 mu_x mu_y + C1) (2 cov_xy + C2) / ((mu_x^2 + mu_y^2 + C1) (var_x + var_y + C2))`` with
    ``C = (k L)^2``.

    Alone it hardly constrains brightness and colour: add a pixel loss or use :class:`MSSSIML1Loss`.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; not used with a custom window.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors without
            repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        k1, k2: the stabilising constants, both above 0.
        backend: ``"auto"``, or the name of one, which runs or raises.
        exponents: ``(alpha, beta, gamma)`` of luminance, contrast and structure (eq. 12 with
            ``C3 = C2 / 2``). A power of a negative term keeps its sign, ``sign(s) |s|^gamma``. An
            exponent of 0 leaves the term out. The gradient of a flat window's deviation is that of
            the covariance.
        covariance: ``"population"``, or ``"sample"``, which multiplies by ``N / (N - 1)`` with N
            the number of window taps over all axes.
        downsample: shrink the images first. An ``int`` averages blocks of that factor, ``"auto"``
            blocks of ``f = max(1, round(min(H, W) / 256))`` (piq). ``"matlab"`` does the same as
            ``ssim.m``: a box filter of that f with symmetric border, then every f-th sample.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; channels are compared separately. float16 and bfloat16 are computed in
            float32.
        mask: ``(N, 1 or C, H, W)`` weights. Statistics are normalised convolutions over valid
            pixels only; the weight of a window is its share of valid pixels.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images are smaller than the window, an option value is unknown,
            or constants are not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend cannot run.

    Source: Wang et al. 2004. ``ssimloss.conventions.SSIM`` has the options of other libraries, and
    how closely each agrees.
    """

    data_range: float | tuple[float, float]
    window: Literal["gaussian", "uniform"] | Tensor
    window_size: int
    sigma: float
    padding: Literal["valid", "reflect", "replicate", "zeros"]
    k1: float
    k2: float
    exponents: tuple[float, float, float]
    covariance: Literal["population", "sample"]
    downsample: int | Literal["auto", "matlab"] | None
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
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
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class CycleConsistencyLoss(MeasureLoss):
    """Distance between original images and those translated to another domain and back.

    A network given as ``downscale`` or ``distance`` is registered under that name and
    used as it is, neither copied nor frozen. Freeze it with ``network.requires_grad_(False)``
    if this loss must not train it.

    Args:
        data_range: data range of the images, for ``"ssim"``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``, for each direction; ``"none"``
            only for a single direction.
        distance: ``"l1"``, ``"l2"``, ``"charbonnier"``, ``"ssim"`` (``1 - ssim``), or a callable of
            ``(pred, target)``, such as another loss of this library. A callable gets the images
            unchanged, and reduces by itself.
        identity_weight: weight of the identity term; the reconstruction has the weight 1.
        downscale: shrinks ``pred`` before the comparison: a factor (antialiased bicubic,
            :func:`imresize`), or a network or another callable from images to images. A network is
            called as it is, under the user's autocast, and gets a gradient unless it is frozen.

    ``forward(pred, target, *, identity=None, mask=None)``:
        pred: the images translated back, ``F(G(x))``; for super-resolution with ``downscale``, the
            enlarged image. ``(N, C, H, W)``, or a list with one tensor per direction, whose losses
            are added.
        target: the originals ``x``; for super-resolution, the image of low resolution. As many as
            ``pred``.
        identity: for the identity term, ``F(x)``: the target passed through the generator *into*
            its own domain, which should not change it. Not shrunk. As many as ``pred``.
        mask: ``(N, 1 or C, H, W)`` weights of the target's pixels, which are passed on to a
            callable ``distance``. As many as ``pred``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` the map of the distance:
        ``(N, C, H, W)`` with the target's size, or smaller for ``"ssim"``, which uses whole
        windows.

    Raises:
        ValueError: shapes, devices or numbers of images differ, or an option is out of range or
            unknown.
        TypeError: integer tensors, options of another type.

    Source: Zhu et al. 2017, whose weight is 10, and half of that for the identity term.
    """

    data_range: float | tuple[float, float]
    distance: Literal["l1", "l2", "charbonnier", "ssim"] | Callable[..., Tensor]
    identity_weight: float
    downscale: float | Callable[[Tensor], Tensor] | None
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        distance: Literal["l1", "l2", "charbonnier", "ssim"] | Callable[..., Tensor] = "l1",
        identity_weight: float = 0.5,
        downscale: float | Callable[[Tensor], Tensor] | None = None,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(
        self,
        pred: Tensor | Sequence[Tensor],
        target: Tensor | Sequence[Tensor],
        *,
        identity: Tensor | Sequence[Tensor] | None = None,
        mask: Tensor | Sequence[Tensor] | None = None,
    ) -> Tensor: ...
    def __call__(
        self,
        pred: Tensor | Sequence[Tensor],
        target: Tensor | Sequence[Tensor],
        *,
        identity: Tensor | Sequence[Tensor] | None = None,
        mask: Tensor | Sequence[Tensor] | None = None,
    ) -> Tensor: ...

class DSSLoss(MeasureLoss):
    """``1 - dss``, taken before the reduction.

    DCT subband similarity: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Rows and columns that do not
    fill a block of 8 x 8 pixels are left out. Only the worst positions of each subband have a
    gradient, so a step improves few blocks: add a pixel loss.

    The deviation of a flat neighbourhood has no slope. There, the gradient of the covariance is
    used, so that a flat image learns the contrast of the other image.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises.
        sigma: of the Gaussian that weights frequencies, in frequencies of 8 x 8 blocks.
            Frequencies with a weight below 0.01 are left out.
        worst: the share of positions that count in each subband: the worst ones.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 8
            pixels on the short side. With fewer than 10 blocks, only the worst one counts.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, ``sigma`` leaves
            no frequency, or ``worst`` is outside (0, 1].
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Balanov et al. 2015. Agrees with piq as ``conventions.DSS["piq"]``.
    """

    data_range: float | tuple[float, float]
    sigma: float
    worst: float
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        sigma: float = 1.55,
        worst: float = 0.05,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class EdgeLoss(MeasureLoss):
    """Distance between edge maps: ``(rho(dx pred - dx target) + rho(dy pred - dy target)) / 2``, or
    ``rho`` of the Laplacians' difference.

    The operators are linear and scaled to derivatives per pixel, so that a loss weight and ``eps``
    have the same meaning for each. A ramp of 1 per pixel has the value 1 for Sobel (kernel / 8) and
    Scharr (kernel / 32). The Laplacian (four neighbours, kernel as published) is the sum of both
    second derivatives. Each channel is filtered separately, and the border is replicated.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.
        operator: ``"sobel"``, ``"scharr"`` or ``"laplacian"``.
        distance: ``rho``: ``"charbonnier"`` for ``sqrt(d^2 + eps^2)``, ``"l1"`` for ``|d|``, or
            ``"l2"`` for ``d^2``.
        eps: ``eps`` of Charbonnier, in the images' own units per pixel; the value for equal images
            is ``eps``, not 0.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)``, any range.
        mask: ``(N, 1 or C, H, W)`` weights. The weight of a position is the smallest one in its 3x3
            neighbourhood, so that gradients next to invalid pixels do not count.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, images of one pixel, ``eps`` is not positive or its
            square vanishes in float32, unknown option values.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Charbonnier distance of edges as in MPRNet (Zamir et al. 2021), which uses the Laplacian
    of a Gaussian pyramid instead. With ``distance="l1"`` and ``"sobel"``, it agrees with the L1
    of kornia's ``spatial_gradient`` to float64 rounding.
    """

    operator: Literal["sobel", "scharr", "laplacian"]
    distance: Literal["l1", "l2", "charbonnier"]
    eps: float
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        operator: Literal["sobel", "scharr", "laplacian"] = "sobel",
        distance: Literal["l1", "l2", "charbonnier"] = "charbonnier",
        eps: float = 0.001,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class EnhancedSSIMLoss(MeasureLoss):
    """Enhanced SSIM, pooled by its coefficient of variation: 0 for equal images, larger for worse
    ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The value depends on how unevenly images
    differ, not on how much: an image that is equally bad everywhere, such as a black one, is near
    0. Combine it with a pixel loss.

    The quotient jumps to infinity and becomes negative if the mean of SSIM does. Below a mean of
    0.01 its reciprocal continues along the tangent, so that worse images keep larger values. The
    deviation has the slope 0 where it is 0.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        window_size: side of the square window, in pixels of the shrunken image.
        stride: distance between windows, in the same pixels.
        viewing_distance: in heights of the image. Images are shrunk by
            ``round(viewing_distance / 1.618)``; up to 2.4 heights they keep their size.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``. The shrunken
            image must hold a window: by default, 44 pixels on the short side do.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. Statistics
            are normalised convolutions over valid pixels only; the weight of a window is its share
            of valid pixels.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or smaller than a window, or an
            option is not positive.
        TypeError: integer tensors.

    Source: Venkataramanan et al. 2021. Agrees with the authors' code to 3e-6, the rounding of
    its float32 sums.
    """

    data_range: float | tuple[float, float]
    k1: float
    k2: float
    window_size: int
    stride: int
    viewing_distance: float
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        k1: float = 0.01,
        k2: float = 0.03,
        window_size: int = 11,
        stride: int = 1,
        viewing_distance: float = 6.0,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class FeatureMatchingLoss(MeasureLoss):
    """Distance between a discriminator's feature maps of generated and of real images, layer by
    layer.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"`` of each map; ``"none"`` only for
            a single map.
        scales: ``"mean"`` over scales (the code), or ``"sum"`` (the paper).
        distance: ``"l1"`` or ``"l2"`` (squared).
        layers: ``"sum"`` of the layers' distances (the paper; the code multiplies it by
            ``4 / (n_layers_D + 1)``, which is 1 by default), or their ``"mean"``.
        detach_target: treat the maps of real images as constants, so that no graph of the
            discriminator is kept for them.

    ``forward(pred, target, *, mask=None)``:
        pred, target: feature maps of generated and of real images: ``(N, C, H, W)``, of volumes
            ``(N, C, D, H, W)``, or of signals ``(N, C, L)``, in a list over layers or a list of
            such lists over scales. All maps are compared. pix2pixHD leaves out the last one of each
            list, the logits: ``[maps[:-1] for maps in outputs]``.
        mask: ``(N, 1 or C, H, W)`` weights at the resolution of the images, averaged over channels
            and over the area of each position of a map. A position also depends on pixels outside
            its area. To hide pixels completely, make them equal in both images before the
            discriminator. Maps of volumes and signals do not support a mask.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map for ``"none"``.

    Raises:
        ValueError: shapes, lengths or devices differ, a list is empty, or an option value is
            unknown.
        TypeError: the inputs are not lists of tensors, or tensors have integers.

    Source: Wang et al. 2018 (pix2pixHD), equation 4.
    """

    scales: Literal["mean", "sum"]
    distance: Literal["l1", "l2"]
    layers: Literal["sum", "mean"]
    detach_target: bool
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        scales: Literal["mean", "sum"] = "mean",
        distance: Literal["l1", "l2"] = "l1",
        layers: Literal["sum", "mean"] = "sum",
        detach_target: bool = True,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(
        self,
        pred: Sequence[Tensor] | Sequence[Sequence[Tensor]],
        target: Sequence[Tensor] | Sequence[Sequence[Tensor]],
        *,
        mask: Tensor | None = None,
    ) -> Tensor: ...
    def __call__(
        self,
        pred: Sequence[Tensor] | Sequence[Sequence[Tensor]],
        target: Sequence[Tensor] | Sequence[Sequence[Tensor]],
        *,
        mask: Tensor | None = None,
    ) -> Tensor: ...

class FFTLoss(MeasureLoss):
    """FFT loss, ``(|Re(Fp - Ft)| + |Im(Fp - Ft)|) / 2`` for each frequency.

    Its gradient is as strong at a frequency with a small error as at one with a large error. The
    usual weight beside a pixel loss is 0.05 to 0.1 for images in [0, 1]. With the default ``norm``
    the value grows with the size of the crops.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``, over frequencies. The value of
            a frequency is the mean of its two parts.
        norm: as in ``torch.fft``. ``"backward"`` does not scale the transform, so that the value
            grows with the root of the number of pixels. ``"ortho"`` divides by this root.
        onesided: count the columns of ``torch.fft.rfft2`` alone. By default the whole plane counts,
            in which all columns but the first and, for an even width, the last of these are there
            twice.

    ``forward(pred, target)``:
        pred, target: float images ``(N, C, H, W)``, any range.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``, or
        ``(N, C, H, W // 2 + 1)`` with ``onesided``, the lowest frequency in the upper left corner.

    Raises:
        ValueError: shapes or devices differ, sides that are 0, unknown ``norm`` or ``reduction``.
        TypeError: integer tensors.

    Source: Cho et al. 2021, eq. 8, at one scale. Agrees with ``L1Loss`` of stacked real and
    imaginary parts, the ``FFTLoss`` of many programs, to 1e-13.
    """

    norm: Literal["backward", "ortho"]
    onesided: bool
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        norm: Literal["backward", "ortho"] = "backward",
        onesided: bool = False,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class FLIPLoss(MeasureLoss):
    """FLIP of images of low dynamic range: 0 for equal images, at most 1.

    Images are sRGB. A gray image is treated as RGB with three equal channels. Values beyond the
    range are clamped as in the original and have the gradient 0: add a pixel loss. Border pixels
    are repeated.

    Powers below 1 are infinitely steep where colours or features are equal. Below a difference of
    1e-4 (colours) and 1e-6 (features) they have the slope at that difference. The gradient is 0 for
    equal images.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. The kernel reduces.
        pixels_per_degree: pixels per degree of visual angle: ``d r pi / (180 w)`` for a display
            ``w`` meters and ``r`` pixels wide, seen from ``d`` meters. The default is a 4K display
            of 0.7 meters, seen from 0.7 meters.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map ``(N, 1, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB, a resolution below one
            pixel per degree.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Andersson et al. 2020. Agrees with flip-evaluator 1.7, which computes in float32, to
    1e-6.
    """

    data_range: float | tuple[float, float]
    pixels_per_degree: float
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        pixels_per_degree: float = 67.02064327658225,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class FocalFrequencyLoss(MeasureLoss):
    """Focal frequency loss: ``w |Fp - Ft|^2`` over the spectra of the two images, with
    ``w = |Fp - Ft|^alpha / max |Fp - Ft|^alpha``.

    The weight emphasises the frequencies with the largest error. It is a constant: no gradient
    passes through it.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` (not with ``"batch_mean"``) or ``"none"``.
        alpha: how sharply the weight focuses; 0 is the plain mean square.
        patch_factor: number of parts of each side; each patch has its own spectrum. It must divide
            H and W.
        spectrum: ``"image"`` compares image by image, ``"batch_mean"`` compares spectra averaged
            over the batch.
        weighting: ``"power"`` as above, or ``"log"`` for ``log(1 + |Fp - Ft|^alpha)``.
        peak: the weight is divided by the maximum over each ``"spectrum"`` (image, patch and
            channel) or over the ``"batch"``.

    ``forward(pred, target)``:
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

    alpha: float
    patch_factor: int
    spectrum: Literal["image", "batch_mean"]
    weighting: Literal["power", "log"]
    peak: Literal["spectrum", "batch"]
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        alpha: float = 1.0,
        patch_factor: int = 1,
        spectrum: Literal["image", "batch_mean"] = "image",
        weighting: Literal["power", "log"] = "power",
        peak: Literal["spectrum", "batch"] = "spectrum",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class FourierMagnitudeLoss(MeasureLoss):
    """L1 distance of Fourier magnitudes, ``| |Fp| - |Ft| |``: the amount of each frequency,
    independent of its position.

    Where a frequency of ``pred`` is 0 to rounding, its magnitude has no derivative. The gradient
    used there points towards the same frequency of ``target``, so that flat images get a gradient.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    ``forward(pred, target)``:
        pred, target: float images ``(N, C, H, W)``, any range.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``, the lowest
        frequency in the upper left corner.

    Raises:
        ValueError: shapes or devices differ, sides that are 0, unknown ``reduction``.
        TypeError: integer tensors.
    """

    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(self, *, reduction: Literal["mean", "sum", "image", "none"] = "mean") -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class FSIMLoss(MeasureLoss):
    """``1 - fsim``, taken before the reduction.

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
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels compute the shrunk
            luma, I and Q, and phase congruency.
        planes: ``"yiq"`` also compares the colour planes I and Q of RGB images (FSIMc); ``"luma"``
            compares the luma alone.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small,
            unknown option values.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang, Zhang, Mou & Zhang 2011. Agrees with the authors' code on five pairs of
    TID2013 to the four digits that it printed. ``conventions.FSIM["piq"]`` agrees with piq to 1e-12
    in float64.
    """

    data_range: float | tuple[float, float]
    planes: Literal["yiq", "luma"]
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        planes: Literal["yiq", "luma"] = "yiq",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class GMSDLoss(MeasureLoss):
    """Gradient magnitude similarity deviation: 0 for equal images, larger for worse ones.

    Gray images are compared as they are, RGB images by their luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Images are halved by means of 2 x 2
    pixels, and their Prewitt gradients are compared with zero padding. The value depends on how
    unevenly the gradients differ, not on how much, so combine it with a pixel loss.

    Where ``pred`` is flat, its gradient magnitude has no derivative. The gradient used there points
    towards the image gradient of ``target``, so that flat images get a gradient.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises; kernels support no mask.
        t: the constant ``T`` that keeps the similarity finite, for images on a scale of 0 to 255.
        deviation: ``"sample"`` divides by the number of positions minus one, as MATLAB's ``std2``;
            ``"population"`` divides by their number (piq).

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 3
            pixels on the long side.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The weight
            of a position is the smallest one among the pixels that it depends on.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, an option value is
            unknown, or ``t`` is not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Xue et al. 2014. Agrees with the authors' code to float64 rounding, with piq as
    ``conventions.GMSD["piq"]``.
    """

    data_range: float | tuple[float, float]
    t: float
    deviation: Literal["sample", "population"]
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        t: float = 170.0,
        deviation: Literal["sample", "population"] = "sample",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class GradientDifferenceLoss(MeasureLoss):
    """Image gradient difference: ``||dx pred| - |dx target||^alpha`` plus the same for dy, where dx
    and dy are differences of neighbours.

    It compares the strength of gradients, not their sign, and sharpens where L2 blurs. It does not
    depend on brightness, so combine it with a pixel loss. Where a difference of ``pred`` is 0, the
    gradient points towards that of ``target``, so that flat images get a gradient.

    Args:
        reduction: ``"mean"`` and ``"image"`` are the mean over all dx plus the mean over all dy;
            ``"sum"`` is the paper's sum; ``"none"`` is the map.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            neither masks nor an ``alpha`` other than 1 and 2.
        alpha: exponent, at least 1.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)``, any range.
        mask: ``(N, 1 or C, H, W)`` weights; the weight of a difference is the product of its two
            pixels' weights.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``, where each
        pixel holds its differences to the right and lower neighbour and the last column and row
        have no dx and dy.

    Raises:
        ValueError: shapes or devices differ, images of one pixel, ``alpha`` below 1, unknown
            ``reduction``.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Mathieu, Couprie & LeCun 2016, eq. 6.
    """

    alpha: float
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        alpha: float = 1.0,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class GradientSSIMLoss(MeasureLoss):
    """``1 - gradient_ssim``, taken before the reduction.

    G-SSIM: luminance of the images times contrast and structure of their gradient magnitudes.

    The magnitude is ``|Gx| + |Gy|`` of the unnormalised Sobel operator with a replicated border.
    G-SSIM is more sensitive to blur than SSIM. Where an image gradient of ``pred`` is 0, the
    derivative points towards that of ``target``, so that flat images get a gradient.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; not used with a custom window.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors without
            repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        k1, k2: the stabilising constants, both above 0.
        backend: ``"auto"``, or the name of one, which runs or raises.
        covariance: ``"population"``, or ``"sample"``, which multiplies by ``N / (N - 1)`` with N
            the number of window taps over both axes.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; channels are
            compared separately.
        mask: ``(N, 1 or C, H, W)`` weights. An image gradient counts if its whole 3 x 3
            neighbourhood is valid.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images are smaller than the window, an option value is unknown,
            or constants are not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Chen, Yang & Xie 2006.
    """

    data_range: float | tuple[float, float]
    window: Literal["gaussian", "uniform"] | Tensor
    window_size: int
    sigma: float
    padding: Literal["valid", "reflect", "replicate", "zeros"]
    k1: float
    k2: float
    covariance: Literal["population", "sample"]
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        window: Literal["gaussian", "uniform"] | Tensor = "gaussian",
        window_size: int = 11,
        sigma: float = 1.5,
        padding: Literal["valid", "reflect", "replicate", "zeros"] = "valid",
        k1: float = 0.01,
        k2: float = 0.03,
        covariance: Literal["population", "sample"] = "population",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class GradientVarianceLoss(MeasureLoss):
    """Distance of the variances of Sobel gradients in patches: it rewards sharp edges.

    RGB images are converted to the luma ``0.2989 R + 0.587 G + 0.114 B``. The border is padded
    with black. A variance is stationary where gradients are constant, so a flat patch has no
    gradient: add a pixel loss.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        patch_size: side of the patches; incomplete ones at the lower and right border are dropped.
        distance: distance of variances: ``"l2"`` ``d^2``, ``"l1"`` ``|d|``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``.
        eps: ``eps`` of Charbonnier; for equal images the value is ``2 eps``, not 0.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``patch_size`` pixels on the short side.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. A gradient
            has the smallest weight of its 3 x 3 pixels, a patch the mean weight of its gradients.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"``, ``(N, 1, H', W')`` with sides
        divided by ``patch_size``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or smaller than a patch, or an
            option value is unknown.
        TypeError: integer tensors.

    Source: Abrahamyan et al. 2022. Agrees with the authors' code and with the
    ``GradientVarianceLoss`` of traiNNer-redux to 1e-10.
    """

    data_range: float | tuple[float, float]
    patch_size: int
    distance: Literal["l1", "l2", "charbonnier"]
    eps: float
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        patch_size: int = 8,
        distance: Literal["l1", "l2", "charbonnier"] = "l2",
        eps: float = 0.001,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class HaarPSILoss(MeasureLoss):
    """``1 - haarpsi``, taken before the reduction.

    Haar wavelet-based perceptual similarity: 1 for equal images, lower for worse ones.

    RGB images are compared in luma, I and Q of YIQ, not rounded. Gray images are compared as they
    are. Images are first halved, as in the authors' code for the usual viewing distance. If both
    images are flat, all positions have equal weights.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises. No kernel supports a mask.
        c: the constant ``C`` that keeps the similarity finite, for images on a scale of 0 to 255.
        alpha: how much more low similarities count than high ones, at most 40.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The weight
            of a position is the smallest one among the pixels that it depends on.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small,
            a constant that is not positive, an ``alpha`` above 40.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Reisenhofer et al. 2018. ``conventions.HAARPSI["piq"]`` agrees with piq to 1e-12 in
    float64.
    """

    data_range: float | tuple[float, float]
    c: float
    alpha: float
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        c: float = 30.0,
        alpha: float = 4.2,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class HSLuvLoss(MeasureLoss):
    """Distance of hue, saturation and lightness in HSLuv.

    Gray has no hue; black and white have neither hue nor saturation. Therefore the colourfulness,
    the saturation times ``1 - |2 L - 1|``, is compared instead of the saturation, and the hue is
    weighted by the smaller colourfulness of the two pixels. The gradient of a gray pixel points to
    the colour of the target, that of a black or white pixel to its lightness.

    Images are sRGB; a gray image counts as RGB with three equal channels. Values beyond the range
    are clamped and have no gradient: add a pixel loss.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        hue_weight, saturation_weight, lightness_weight: weights of the three parts, each of which
            is in [0, 1].
        distance: distance of saturation and lightness: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or
            ``"charbonnier"`` ``sqrt(d^2 + eps^2)``. The hue is compared by the angle.
        eps: ``eps`` of Charbonnier; for equal images, a part is ``eps`` times its weight, not 0.
        edges: ``"continuous"`` lets hue and saturation fade towards gray, black and white.
            ``"thresholds"`` is the form of traiNNer-redux, which jumps at a saturation or lightness
            of 0.1 and 0.9.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, 1, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB, a weight is negative, or an
            option value is unknown.
        TypeError: integer tensors.

    Source: HSLuv 4; CIE 15. ``edges="thresholds"`` agrees with the ``HSLuvLoss`` of traiNNer-redux
    to 1e-8.
    """

    data_range: float | tuple[float, float]
    hue_weight: float
    saturation_weight: float
    lightness_weight: float
    distance: Literal["l1", "l2", "charbonnier"]
    eps: float
    edges: Literal["continuous", "thresholds"]
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        hue_weight: float = 0.3333333333333333,
        saturation_weight: float = 0.3333333333333333,
        lightness_weight: float = 0.3333333333333333,
        distance: Literal["l1", "l2", "charbonnier"] = "l1",
        eps: float = 0.001,
        edges: Literal["continuous", "thresholds"] = "continuous",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class HuberLoss(MeasureLoss):
    """Huber distance: L2 for small errors, L1 for large ones.

    With ``delta=1``, images in [0, 1] have no large errors, and the value is half of L2.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.
        delta: where the curve turns from L2 to L1, in the images' own units.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; the mean is taken over the weight.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes differ, ``delta`` is not positive, unknown ``reduction``.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Huber 1964. Agrees with ``huber_loss`` of PyTorch; ``smooth_l1_loss(beta=delta)`` is
    this value divided by ``delta``.
    """

    delta: float
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        delta: float = 1.0,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class MSSSIMLoss(MeasureLoss):
    """``1 - ms_ssim``, taken before the reduction.

    Multi-scale structural similarity, 1 for equal images.

    Crops below 176 pixels need ``min_size="fewer_scales"``.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        backend: ``"auto"``, or the name of one, which runs or raises.
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

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``. Five scales of an
            11 pixel window need 176 pixels.
        mask: ``(N, 1 or C, H, W)`` weights, pooled along with the images. Images without a valid
            pixel do not count in the mean.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; ``(N, C)`` for ``"none"``, ``(N, 1)`` with
        ``channels="joint"``.

    Raises:
        ValueError: images are too small, shapes differ, or an option value is unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend cannot run.

    Source: Wang, Simoncelli & Bovik 2003. ``ssimloss.conventions.MS_SSIM`` has the options of other
    programs.
    """

    data_range: float | tuple[float, float]
    k1: float
    k2: float
    window_size: int
    sigma: float
    scale_weights: tuple[float, ...]
    negative: Literal["clamp", "relu", "relu_map", "shift"]
    min_size: Literal["error", "fewer_scales"]
    pooling: Literal["floor", "zeros", "replicate", "symmetric"]
    combination: Literal["product", "weighted_sum"]
    channels: Literal["separate", "joint"]
    coarsest_padding: Literal["valid", "reflect"]
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
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
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class IWSSIMLoss(MeasureLoss):
    """``1 - iw_ssim``, taken before the reduction.

    Information content weighted SSIM: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. If neither image holds information, all
    positions have equal weights. The weighted mean of a scale can be negative: below 1e-3 the value
    and its gradient are those of MS-SSIM with ``negative="clamp"``. On a GPU, the host waits for
    the eigenvalues of four small matrices.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        scale_weights: ``beta_j``, from the finest scale to the coarsest, divided by their sum;
            their number is the number of scales.
        noise: ``s_n^2``, the variance of the noise of the eye, for images on a scale of 0 to 255.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            161 pixels on the short side for five scales. The measure is not symmetric.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, weights that
            are negative or all 0, noise that is not positive.
        TypeError: integer tensors.

    Source: Wang & Li 2011. ``conventions.IW_SSIM["piq"]`` and ``["frame_analytics"]`` agree with
    piq and frame-analytics to 1e-12 in float64.
    """

    data_range: float | tuple[float, float]
    scale_weights: tuple[float, ...]
    noise: float
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        scale_weights: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
        noise: float = 0.4,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class LaplacianPyramidLoss(MeasureLoss):
    """Distance of Laplacian pyramids: edges count at every scale.

    The paper sums the absolute values of band ``j`` with the weight ``2^(2 j)``. Band ``j`` has
    ``2^(2 j)`` times fewer pixels than the image, so this equals the sum of the means of the bands
    times the number of pixels. The default is the sum of the means.

    Args:
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        level_weights: one weight for each band, finest first; the last band is the low-pass image
            that remains.
        distance: ``rho``: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``.
        eps: ``eps`` of Charbonnier, in the images' own units; for equal images, the mean of a band
            is ``eps``, not 0.

    ``forward(pred, target)``:
        pred, target: float images ``(N, C, H, W)``, any range, at least
            ``2^(levels - 1) + 1`` pixels on the short side: 17 for five bands.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are too small, weights are negative or all 0, or an
            option value is unknown.
        TypeError: integer tensors.

    Source: Bojanowski et al. 2018; five bands with halved weights are those of Niklaus & Liu 2018.
    """

    level_weights: tuple[float, ...]
    distance: Literal["l1", "l2", "charbonnier"]
    eps: float
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        level_weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0),
        distance: Literal["l1", "l2", "charbonnier"] = "l1",
        eps: float = 0.001,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class LDLLoss(MeasureLoss):
    """Locally discriminative learning: the distance of images, weighted by the variance of their
    residual, which is high at artifacts.

    The weight is the variance of the residual in a window times a power of its variance in the
    image; the residual is the sum of ``|pred - target|`` over channels, mirrored at the border. The
    gradient passes through the weight, as in the authors' code. It is finite where the residual
    is constant, where the power is infinitely steep. The value is small: 1e-5 to 3e-4 for
    degraded photographs.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        window_size: side of the window of the local variance, odd and at least 3.
        exponent: exponent of the variance of the image, positive; 1/5 in the paper.
        distance: ``"l1"`` ``|w d|``, or ``"l2"`` ``(w d)^2``.

    ``forward(pred, target, *, pred_ema=None, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``, larger than half
            the window on both sides.
        pred_ema: what the moving average of the network returns for the same input,
            ``(N, C, H, W)``. Where it is farther from the target than ``pred``, the weight is 0:
            ``pred`` improves there. It receives no gradient. Without it, no weight is set to 0.
        mask: ``(N, 1 or C, H, W)`` weights; the variances count each pixel by the smallest weight
            of its channels.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, images are too small to be mirrored, ``window_size``
            is even, ``exponent`` is not positive, or an option value is unknown.
        TypeError: integer tensors.

    Source: Liang, Zeng & Zhang 2022, eq. 3-6. Agrees with BasicSR, neosr and traiNNer-redux to
    1e-14 in float64; neosr has no ``pred_ema``.
    """

    data_range: float | tuple[float, float]
    window_size: int
    exponent: float
    distance: Literal["l1", "l2"]
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        window_size: int = 7,
        exponent: float = 0.2,
        distance: Literal["l1", "l2"] = "l1",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        *,
        pred_ema: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor: ...
    def __call__(
        self,
        pred: Tensor,
        target: Tensor,
        *,
        pred_ema: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor: ...

class MADLoss(MeasureLoss):
    """Most Apparent Distortion: 0 for equal images, larger for worse ones, about 200 for very bad
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
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        pixels_per_degree: pixels in one degree of the visual field, for the contrast sensitivity.
        blend: ``t1, t2`` of the mixture, ``b1 = exp(-t1 / t2)`` and ``b2 = 1 / (t2 log 10)``.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 34
            pixels on the short side.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, options that
            are not positive.
        TypeError: integer tensors.

    Source: Larson & Chandler 2010. Agrees with the authors' code under GNU Octave to 1e-12.
    ``conventions.MAD["pyiqa"]`` agrees with the numbers of IQA-PyTorch on five pairs of TID2013 to
    the four digits that it printed.
    """

    data_range: float | tuple[float, float]
    pixels_per_degree: float
    blend: tuple[float, float]
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        pixels_per_degree: float = 64.0,
        blend: tuple[float, float] = (2.55, 3.35),
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class MDSILoss(MeasureLoss):
    """Mean deviation similarity index: 0 for equal images, larger for worse ones.

    A gray image counts as RGB with three equal channels. Images of more than 384 pixels on the
    short side are shrunk to about 256 first, as in the authors' code. The value depends
    on how unevenly the images differ, not on how much, so combine it with a pixel loss.

    The fourth root has an infinite derivative where the similarity is 0. Below 1e-4, the derivative
    at 1e-4 is used; it is 0 for equal images. Where ``pred`` is flat, the gradient points towards
    the image gradient of ``target``.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises. No kernel supports a mask.
        alpha: weight of the gradients, from 0 to 1; the weight of the colours is ``1 - alpha``.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            3 pixels on the short side. ``pred`` is the distorted image: the measure is not
            symmetric.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The weight
            of a position is the smallest one among the pixels that it depends on.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, or ``alpha`` is
            outside [0, 1].
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Nafchi et al. 2016. Agrees with piq to float64 rounding.
    """

    data_range: float | tuple[float, float]
    alpha: float
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        alpha: float = 0.6,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class MSGMSDLoss(MeasureLoss):
    """Gradient magnitude similarity deviation on several scales: 0 for equal images.

    Gray images are compared as they are, RGB images by their luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The first scale is the image itself; each
    further scale has means of 2 x 2 pixels. As for GMSD, the value depends on how unevenly
    gradients differ, not on how much, so combine it with a pixel loss.

    Where ``pred`` is flat, its gradient magnitude has no derivative. The gradient used there points
    towards the image gradient of ``target``, so that flat images get a gradient.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises; kernels support no mask.
        scale_weights: ``w_j``, from the images' own size to the coarsest scale, divided by
            their sum.
        t: the constant ``T`` that keeps the similarity finite, for images on a scale of 0 to 255.
        masking: ``a``, how much strong gradients mask differences; 0 is the similarity of GMSD.
        planes: ``"luma"``, or ``"yiq"`` for MS-GMSDc, which adds the difference of the colour
            planes I and Q of RGB images; ``"yiq_coarsest"`` adds it at the last scale (piq).

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``2^scales`` pixels on the short side, 16 by default.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. The weight
            of a position is the smallest one among the pixels that it depends on.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, an option value is
            unknown, or ``t`` is not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang, Sander & Bermak 2017. Agrees with piq as ``conventions.MS_GMSD["piq"]``.
    """

    data_range: float | tuple[float, float]
    scale_weights: tuple[float, ...]
    t: float
    masking: float
    planes: Literal["luma", "yiq", "yiq_coarsest"]
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        scale_weights: tuple[float, ...] = (0.096, 0.596, 0.289, 0.019),
        t: float = 170.0,
        masking: float = 0.5,
        planes: Literal["luma", "yiq", "yiq_coarsest"] = "luma",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class MSSSIML1Loss(MeasureLoss):
    """``alpha * (1 - MS-SSIM) + (1 - alpha) * G |pred - target|``: restores contrast and colour.

    Its MS-SSIM has no pyramid: the scales are Gaussians of growing width at full resolution. It is
    ``luminance_M * prod_j contrast_structure_j`` at every pixel of each channel. G is a blur by the
    widest Gaussian.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``; the L1 part is divided by its
            span.
        k1, k2: the stabilising constants, both above 0.
        backend: ``"auto"``, or the name of one, which runs or raises.
        alpha: weight of MS-SSIM against L1.
        sigmas: standard deviations of the scales in pixels, finest first.
        window_size: taps of the widest window, odd; narrow Gaussians are truncated at float
            rounding.
        padding: the border: ``"valid"`` uses only whole windows, ``"replicate"`` repeats the edge,
            ``"zeros"`` adds zeros. ``"reflect"`` mirrors without repeating the edge, and needs
            images larger than half a window.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``.

    Raises:
        ValueError: images too small for the window, shapes differ, unknown option values.
        RuntimeError: a named backend that cannot run.

    Source: Zhao, Gallo, Frosio & Kautz 2017. With ``padding="valid"`` and a window the size of an
    odd patch it is the authors' layer.
    """

    data_range: float | tuple[float, float]
    k1: float
    k2: float
    alpha: float
    sigmas: tuple[float, ...]
    window_size: int
    padding: Literal["valid", "reflect", "replicate", "zeros"]
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        k1: float = 0.01,
        k2: float = 0.03,
        alpha: float = 0.84,
        sigmas: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0),
        window_size: int = 33,
        padding: Literal["valid", "reflect", "replicate", "zeros"] = "reflect",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class MSSWDLoss(MeasureLoss):
    """Multi-scale sliced Wasserstein distance: 0 for equal images, larger for other colours.

    Images are sRGB. A gray image is treated as RGB with three equal channels. Values beyond the
    range are converted by the same formulas. Patches are compared as sets, so a shift changes the
    value little: add a pixel loss if positions matter. The authors' command shrinks images to 256
    pixels on the short side first; their module and this function do not.

    The order of equal patches is arbitrary, so a flat image learns the colours of the target, not
    their places. Projections are taken in steps of bounded memory.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises.
        scales: number of scales, each half as large as the one before.
        projections: number of random directions at each scale.
        patch_size: side of the patches in pixels, odd.
        seed: seed of the directions, which are the same in every call. The value depends on the
            seed; with more projections, it depends less.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, more than
            ``patch_size // 2 * 2 ** (scales - 1)`` pixels on the short side: 81 by default.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, ``patch_size`` is
            even, a count is below 1, or ``seed`` is negative.
        TypeError: integer tensors.

    Source: He et al. 2024, without its learned form. Given the same directions, it agrees with the
    authors' code to 1e-7, the rounding of its white point.
    """

    data_range: float | tuple[float, float]
    scales: int
    projections: int
    patch_size: int
    seed: int
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        scales: int = 5,
        projections: int = 128,
        patch_size: int = 11,
        seed: int = 0,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class NCCLoss(MeasureLoss):
    """``1 - ncc``, taken before the reduction.

    Normalised cross-correlation of whole planes, in [-1, 1].

    It ignores brightness and contrast: add a pixel loss. The correlation under a
    sliding window is ``structure_correlation``.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over planes; ``"image"`` returns one value per image,
            ``"none"`` one per plane.
        k: the constant ``C`` is ``(k L)^2``, which bounds the gradient of flat images. Two flat
            images have the correlation 1.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; each channel is
            compared separately.
        mask: ``(N, 1 or C, H, W)`` weights of the pixels.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images of one pixel, ``k`` is below 1e-12, or ``reduction``
            is unknown.
        TypeError: integer tensors.

    Source: the correlation coefficient; with a small ``k``, that of SciPy and, for one image, of
    ``ncc_loss`` of neosr and ``NCCLoss`` of traiNNer-redux, to 1e-12.
    """

    data_range: float | tuple[float, float]
    k: float
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        k: float = 0.01,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class NLPDLoss(MeasureLoss):
    """Normalised Laplacian pyramid distance: 0 for equal images, larger for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. Both are scaled to [0, 1]. The last of
    six bands is the low-pass rest.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least 17
            pixels on the short side.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.

    Source: Laparra et al. 2016. ``conventions.NLPD["matlab"]`` agrees with the authors' code on
    five pairs of TID2013 to the fifteen digits that it printed.
    """

    data_range: float | tuple[float, float]
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class SRSIMLoss(MeasureLoss):
    """``1 - sr_sim``, taken before the reduction.

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
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: computes luma, I and Q of the shrunk images; ``"auto"``, or a name, which runs or
            raises.
        planes: ``"luma"`` compares the luma only; ``"yiq"`` also compares the colour planes I and Q
            of RGB images, as FSIMc does.
        alpha: exponent of the similarity of gradients.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB or too small, ``alpha`` is
            outside [0, 1], or an option value is unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang & Li 2012; ``planes="yiq"`` as piq has it. Agrees with piq as
    ``conventions.SR_SIM["piq"]``.
    """

    data_range: float | tuple[float, float]
    planes: Literal["luma", "yiq"]
    alpha: float
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        planes: Literal["luma", "yiq"] = "luma",
        alpha: float = 0.5,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class SSIML1Loss(MeasureLoss):
    """``(1 - weight) * L1 + weight * (1 - SSIM)``, the loss of Gaussian splatting, in one pass.

    Each part is reduced separately, as in ``l1_loss`` and ``ssim_loss``. The L1 part is that of
    images whose range has length 1.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels compute ``"mean"``
            and ``"image"`` in one pass.
        weight: weight of ``1 - SSIM``, in [0, 1].
        eps: ``None`` for L1; with a number, the Charbonnier distance replaces L1, with ``eps`` in
            units of the data range.
        window_size: number of taps of the Gaussian, odd unless ``padding="valid"``.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border for SSIM: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors
            without repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        mask: ``(N, 1 or C, H, W)`` weights of both parts.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, unknown option values, ``reduction="none"`` with valid borders.
        RuntimeError: a named backend that cannot run.

    Source: Kerbl, Kopanas, Leimkühler & Drettakis, "3D Gaussian splatting for real-time radiance
    field rendering", 2023: weight 0.2.
    """

    data_range: float | tuple[float, float]
    k1: float
    k2: float
    weight: float
    eps: float | None
    window_size: int
    sigma: float
    padding: Literal["valid", "reflect", "replicate", "zeros"]
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        k1: float = 0.01,
        k2: float = 0.03,
        weight: float = 0.2,
        eps: float | None = None,
        window_size: int = 11,
        sigma: float = 1.5,
        padding: Literal["valid", "reflect", "replicate", "zeros"] = "zeros",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class SSIMULACRA2Loss(MeasureLoss):
    """``100 - ssimulacra2``, taken before the reduction.

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
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises.
        min_size: for images of fewer than 113 pixels on a side, which have no six scales:
            ``"error"``, or ``"fewer_scales"`` as the original computes them from 8 pixels on. It
            then counts the weights off from the first, so that they belong to other planes and
            scales than those they were fitted to.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            113 pixels on the short side, or 8 with ``min_size="fewer_scales"``. ``pred`` is the
            distorted image: the measure is not symmetric.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Sneyers, ``ssimulacra2.cc`` of cloudinary/ssimulacra2. Agrees with it to 0.02, and with
    frame-analytics to 1e-9 in float64.
    """

    data_range: float | tuple[float, float]
    min_size: Literal["error", "fewer_scales"]
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        min_size: Literal["error", "fewer_scales"] = "error",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class StructureCorrelationLoss(MeasureLoss):
    """``1 - structure_correlation``, taken before the reduction.

    Structure term without constants, ``r* = cov_xy / (sigma_x sigma_y)``, in [-1, 1].

    It is 1 where both windows are flat, and 0 where only one is. Flat means a variance below
    ``4 eps L^2``, which float rounding can cause (a deviation of 1/1450 of the range in float32).
    Where only one image is flat, the gradient of the definition is infinite; the gradient used
    there is that for a deviation of 0.03 of the range. The measure ignores brightness and contrast,
    so combine it with a pixel loss.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; not used with a custom window.
        sigma: standard deviation of the Gaussian in pixels.
        padding: the border: ``"valid"`` uses only whole windows, ``"reflect"`` mirrors without
            repeating the edge, ``"replicate"`` repeats the edge, ``"zeros"`` adds zeros.
        backend: ``"auto"``, or the name of one, which runs or raises.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; channels are compared separately.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images are smaller than the window, or an option value is
            unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Rouse & Hemami 2008.
    """

    data_range: float | tuple[float, float]
    window: Literal["gaussian", "uniform"] | Tensor
    window_size: int
    sigma: float
    padding: Literal["valid", "reflect", "replicate", "zeros"]
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        window: Literal["gaussian", "uniform"] | Tensor = "gaussian",
        window_size: int = 11,
        sigma: float = 1.5,
        padding: Literal["valid", "reflect", "replicate", "zeros"] = "valid",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class TemporalDifferenceLoss(MeasureLoss):
    """Temporal difference, ``d(p_{t+1} - p_t, q_{t+1} - q_t)`` of neighbouring frames: flicker that
    the target does not have, and motion that the prediction lacks.

    An error that is the same in each frame costs nothing, so add a loss on frames. It needs no
    optical flow. As a measure, ``reduction="image"`` returns a value per clip.

    Args:
        reduction: ``"mean"`` or ``"sum"`` over all pixels; ``"image"`` the mean of each clip
            ``(N,)``; ``"none"`` a value per pixel of each pair of neighbouring frames.
        distance: per pixel, ``"l1"``, ``"l2"`` (squared) or ``"charbonnier"``.
        eps: of ``"charbonnier"``, in the frames' own units.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float clips ``(N, T, C, H, W)``, or one clip ``(T, C, H, W)``, of at least two
            frames, any range.
        mask: weights ``(N, T - 1, 1 or C, H, W)`` of the pairs of neighbouring frames.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``, where one clip has ``N = 1``; for ``"none"``
        ``(N, T - 1, C, H, W)``, or ``(T - 1, C, H, W)`` of one clip.

    Raises:
        ValueError: shapes or devices differ, there are fewer than two frames, or an option value is
            unknown.
        TypeError: integer tensors.
    """

    distance: Literal["l1", "l2", "charbonnier"]
    eps: float
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        distance: Literal["l1", "l2", "charbonnier"] = "l1",
        eps: float = 0.001,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class TotalVariationLoss(MeasureLoss):
    """Total variation of an image: the differences ``dx``, ``dy`` of each pixel to its right and
    lower neighbour; for a volume, also ``dz`` to the next slice.

    Args:
        reduction: ``"image"`` returns the values of the images ``(N,)``, ``"mean"`` their mean.
            With a mask, the mean of means is weighted over the batch, so that images without valid
            pixels do not count. ``"sum"`` adds all terms of the batch for any ``within_image``
            (for ``"image_l2"``, the values of the images). ``"none"`` is the map.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce images, and
            support neither masks nor volumes.
        norm: ``"anisotropic"`` is ``|dx| + |dy|``; ``"isotropic"`` is ``sqrt(dx^2 + dy^2)`` at each
            pixel, with differences of 0 across the far border; ``"squared"`` is ``dx^2 + dy^2``;
            ``"image_l2"`` is the root of the ``"squared"`` total of each image. Volumes add ``dz``.
        within_image: the value of one image. ``"mean"`` is the mean over its dx plus the mean over
            its dy (for ``"isotropic"``, the mean over its pixels), which does not grow with the
            size of the image. ``"sum"`` adds all of them.

    ``forward(pred, *, mask=None)``:
        pred: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights. The weight of a difference is the product of its two
            pixels' weights. For ``"isotropic"``, each pixel has its own weight, and differences to
            invalid pixels are 0. With a mask of a rectangle, the result is the total variation of
            that rectangle.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``. For ``"none"``, the unscaled terms at each
        pixel, with the shape of ``pred``, without dx in the last column and dy in the last row.
        ``norm="image_l2"`` has no map: ``"none"`` returns ``(N,)``.

    Raises:
        ValueError: ``pred`` does not have four or five dimensions, or an option value is unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Rudin, Osher & Fatemi 1992 (``"isotropic"``). Agrees to float64 rounding with BasicSR
    and kornia's mean (``"mean"``); torchmetrics, TensorFlow, piq's ``l1`` and, added over channels,
    kornia (``"sum"``); piq's ``l2_squared`` (``"squared"``, ``"sum"``) and ``l2`` (``"image_l2"``,
    ``"sum"``).
    """

    norm: Literal["anisotropic", "isotropic", "squared", "image_l2"]
    within_image: Literal["mean", "sum"]
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        norm: Literal["anisotropic", "isotropic", "squared", "image_l2"] = "anisotropic",
        within_image: Literal["mean", "sum"] = "mean",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class VIFLoss(MeasureLoss):
    """``1 - vif``, taken before the reduction.

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
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or the name of one, which runs or raises.
        noise: ``N``, the variance of the noise of the eye, for images on a scale of 0 to 255.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            41 pixels on the short side. The measure is not symmetric.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, noise that is
            not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Sheikh & Bovik 2006. Agrees with piq as ``conventions.VIF["piq"]``.
    """

    data_range: float | tuple[float, float]
    noise: float
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        noise: float = 2.0,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class VIFWaveletLoss(MeasureLoss):
    """``1 - vif_wavelet``, taken before the reduction.

    Visual information fidelity in the wavelet domain: 1 for equal images, lower for worse ones,
    above 1 for an image of more contrast than the reference.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. What is shared rises with the square of
    the shared detail, so a flat image, or the negative of the target, has the gradient 0: add a
    pixel loss. If the target is flat, the score is 1, where the authors' code returns NaN.
    Subbands count as flat if rounding can have made their variance. On a GPU, the host waits for
    the eigenvalues of small matrices, once per level.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        levels: number of levels of the pyramid. Windows double their size from the coarsest to the
            finest.
        noise: ``N``, the variance of the noise of the eye, for images on a scale of 0 to 255.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``9 * 2^(levels - 1)`` pixels on the short side, 72 by default. The measure is not
            symmetric.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, options that
            are not positive.
        TypeError: integer tensors.

    Source: Sheikh & Bovik 2006. Agrees with the authors' code under GNU Octave to 1e-12.
    """

    data_range: float | tuple[float, float]
    levels: int
    noise: float
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        levels: int = 4,
        noise: float = 0.4,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class VSILoss(MeasureLoss):
    """``1 - vsi``, taken before the reduction.

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
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises: of L, M, N and saliency, shrunk.
        alpha: exponent ``a`` of the similarity of gradients, from 0 to 1.
        beta: exponent ``b`` of the similarity of colours, from 0 to 1.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            3 pixels on the short side.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, exponents
            outside [0, 1].
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang, Shen & Li 2014, with the constants of the authors' code.
    ``conventions.VSI["piq"]`` agrees with piq to 1e-12 in float64.
    """

    data_range: float | tuple[float, float]
    alpha: float
    beta: float
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        alpha: float = 0.4,
        beta: float = 0.02,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class WarpingErrorLoss(MeasureLoss):
    """Warping error, ``d(p_{t+1}(x, y), p_t(x + u, y + v))`` of neighbouring frames for the flow
    ``(u, v)``: a point should look the same wherever it moves.

    The other frame is interpolated bilinearly. Points that come from outside of it have no weight.
    Without a target, a clip of one colour is perfect: this is a term beside a loss of the frames,
    or, with ``reduction="image"``, a measure of the consistency of a clip.

    Args:
        reduction: ``"mean"`` or ``"sum"`` over all pixels; ``"image"`` the mean of each clip
            ``(N,)``; ``"none"`` a value per pixel of each pair of neighbouring frames.
        distance: per pixel, ``"l1"``, ``"l2"`` (squared) or ``"charbonnier"``.
        eps: of ``"charbonnier"``, in the frames' own units.
        backend: ``"auto"``, or the name of one, which runs or raises.
        direction: ``"backward"``: the flow of frame ``t + 1`` to frame ``t``, which is warped to
            frame ``t + 1``; ``"forward"``: the flow of frame ``t`` to frame ``t + 1``, which is
            warped to frame ``t``. An estimator called with (first, second) returns the flow of the
            first.

    ``forward(pred, *, flow=None, mask=None)``:
        pred: float clips ``(N, T, C, H, W)``, or one clip ``(T, C, H, W)``, of at least two frames,
            any range.
        flow: ``(N, T - 1, 2, H, W)``, or ``(T - 1, 2, H, W)`` of one clip, in pixels: first to the
            right, then down. Usually that of the target, which does not move while training.
        mask: weights ``(N, T - 1, 1 or C, H, W)`` of the pixels of the frame that is not warped; 0
            where something covers or uncovers them.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``, where one clip has ``N = 1``; for ``"none"``
        ``(N, T - 1, C, H, W)``, or ``(T - 1, C, H, W)`` of one clip, weighted. Means are over the
        weights; the mean over no weight is 0. Gradients reach the frames and the flow.

    Raises:
        ValueError: there are fewer than two frames, the flow or the mask has another shape or
            device, or an option value is unknown.
        TypeError: integer tensors.

    Source: Lai et al. 2018, eq. 2 and 11, who square the differences, ``distance="l2"``, of images
    in [0, 1], and weigh with a mask of occlusions.
    """

    distance: Literal["l1", "l2", "charbonnier"]
    eps: float
    direction: Literal["backward", "forward"]
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        distance: Literal["l1", "l2", "charbonnier"] = "l1",
        eps: float = 0.001,
        direction: Literal["backward", "forward"] = "backward",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, *, flow: Tensor, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, *, flow: Tensor, mask: Tensor | None = None) -> Tensor: ...

class WaveletLoss(MeasureLoss):
    """Distance of wavelet coefficients: the weighted sum over levels and sub-bands of the mean
    ``rho(W pred - W target)``.

    Filters of orthonormal wavelets have the norm 1: white noise is equally large in every band,
    smooth errors grow with the level. Each channel is transformed by itself. Images continue
    periodically, as in PyWavelets' ``swt2`` and its mode ``periodization``.

    Args:
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
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

    ``forward(pred, target)``:
        pred, target: float images ``(N, C, H, W)``, any range. With weights for ``K`` levels, both
            sides have more than ``2^(K - 1)`` pixels: smaller images have no details at level
            ``K``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes or devices differ, images are too small, there are not three band
            weights, all weights are 0, or an option value is unknown.
        TypeError: integer tensors.

    Source: Korkmaz, Tekalp & Dogan 2024, eq. 5, which is ``conventions.WAVELET["korkmaz2024"]``.
    Coefficients agree with PyWavelets 1.9 to 1e-12 in float64.
    """

    wavelet: Literal["haar", "db2", "db4", "sym7", "sym19", "cdf97"]
    transform: Literal["stationary", "decimated"]
    level_weights: tuple[float, ...]
    band_weights: tuple[float, ...]
    approximation_weight: float
    distance: Literal["l1", "l2", "charbonnier"]
    eps: float
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        wavelet: Literal["haar", "db2", "db4", "sym7", "sym19", "cdf97"] = "haar",
        transform: Literal["stationary", "decimated"] = "stationary",
        level_weights: tuple[float, ...] = (1.0, 1.0, 1.0),
        band_weights: tuple[float, ...] = (1.0, 1.0, 1.0),
        approximation_weight: float = 1.0,
        distance: Literal["l1", "l2", "charbonnier"] = "charbonnier",
        eps: float = 0.001,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class VMAFLoss(MeasureLoss):
    """``100 - vmaf``, taken before the reduction.

    VMAF v0.6.1 of the luma of images or clips: 0 to 100, higher is better. The loss is
    ``100 - VMAF``, not clipped, so that its gradient does not vanish at a score of 100.

    Images are frames without motion; clips have the motion of ``target``. Equal frames without
    motion score 97.43, not 100. VMAF rewards sharpening: train with ``model="v0.6.1neg"`` or add a
    pixel loss, and see ``docs/vmaf.md``.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: black and white of RGB. For
            gray images, 255, 1023, 4095 and 65535 mean codes of 8, 10, 12 and 16 bits, which are
            divided by ``2^(bits - 8)`` as in libvmaf; any other range is scaled to 255.
        reduction: ``"mean"`` or ``"sum"`` over frames, ``"image"`` for the mean of each clip
            ``(N,)``, ``"none"`` for one value per frame.
        backend: ``"auto"``, or the name of one, which runs or raises.
        matrix: the luma of RGB images: ``"bt709"`` or ``"bt601"``.
        luma_range: the luma codes of RGB images: ``"limited"`` from 16 to 235, as videos are
            stored, or ``"full"`` from 0 to 255. Gray images are compared as they are.
        model: ``"v0.6.1"``; ``"v0.6.1neg"``, which does not reward sharpening and added contrast;
            or a :class:`ssimloss.video.SVR`.
        feature_weights: weights by name of the features ``vif_scale0`` .. ``vif_scale3``,
            ``adm2``, ``adm_scale0`` .. ``adm_scale3``. The score is then 100 times their weighted
            mean instead of the regression.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` or clips ``(N, T, 1 or 3, H, W)`` with
            values in ``data_range``, at least 16 pixels a side.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N,)`` or ``(N, T)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images are neither gray nor RGB, a side has fewer than 16 pixels,
            or an option has an unknown value.
        TypeError: tensors have integers.

    Source: Li et al. 2016. Agrees with libvmaf 3, whose order is ``(reference, distorted)``, to
    0.03.
    """

    data_range: float | tuple[float, float]
    matrix: Literal["bt709", "bt601"]
    luma_range: Literal["limited", "full"]
    model: Literal["v0.6.1", "v0.6.1neg"] | SVR
    feature_weights: Mapping[str, float] | None
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        matrix: Literal["bt709", "bt601"] = "bt709",
        luma_range: Literal["limited", "full"] = "limited",
        model: Literal["v0.6.1", "v0.6.1neg"] | SVR = "v0.6.1",
        feature_weights: Mapping[str, float] | None = None,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class PerceptualLoss(MaskedLoss, LayeredLoss):
    """Distance between deep features of two images (content loss).

    ``conventions.CONTENT`` holds the settings of well-known implementations:
    ``PerceptualLoss(**conventions.CONTENT["esrgan"])``.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        layers: weights by layer name. ``conv5_4`` is before the activation, ``relu5_4`` after it.
            The default is the deepest layer of stride 16, before its activation if that has a
            name: ``conv5_4`` of VGG19, ``layer3`` of a ResNet. Layers of weight 0 are left out,
            also of the result for ``reduction="none"``.
        distance: ``"l1"``, ``"l2"`` (squared) or ``"charbonnier"``, averaged over channels and
            positions; or ``"cosine"``: one minus the cosine between the vectors at a position,
            averaged over positions. The cosine distance is 0 for two zero vectors and 1/2 for one.
        eps: ``eps`` of ``"charbonnier"``, in units of the scaled features.
        feature_norm: ``"none"``; ``"unit"`` normalises the vector at each position, as in LPIPS;
            ``"rms"`` divides the features of both images by the root mean square of the target's,
            so that layers of different scale have the same weight. A root mean square below 1e-6,
            as in a layer without activations, is not used.
        feature_scale: factor of the (normalised) features; 1 / 12.75 in SRGAN.
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
        checkpoint: whether to keep no activations. The backward pass then runs the network again.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.

    ``forward(pred, target, *, mask=None)`` takes images ``(N, C, H, W)``; ``target`` may be what
    :meth:`extract` returned. ``mask`` holds weights ``(N, 1 or C, H, W)``. Pixels of weight 0 are
    set to gray in both images, so that they do not influence features nearby.
    """

    layers: Mapping[str, float]
    distance: Literal["l1", "l2", "charbonnier", "cosine"]
    eps: float
    feature_norm: Literal["none", "unit", "rms"]
    feature_scale: float
    weights: str | PathLike[str] | Mapping[str, Tensor]
    data_range: float | tuple[float, float]
    normalization: Literal["imagenet", "none"] | tuple[Sequence[float], Sequence[float]]
    gray: Literal["repeat", "error"]
    pooling: Literal["max", "average", "l2"]
    dtype: torch.dtype | None
    channels_last: bool
    checkpoint: bool
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        network: str | Module = "vgg19",
        *,
        layers: Mapping[str, float] | None = None,
        distance: Literal["l1", "l2", "charbonnier", "cosine"] = "l1",
        eps: float = 0.001,
        feature_norm: Literal["none", "unit", "rms"] = "none",
        feature_scale: float = 1.0,
        weights: str | PathLike[str] | Mapping[str, Tensor] = "imagenet",
        data_range: float | tuple[float, float] = 1.0,
        normalization: Literal["imagenet", "none"]
        | tuple[Sequence[float], Sequence[float]] = "imagenet",
        gray: Literal["repeat", "error"] = "repeat",
        pooling: Literal["max", "average", "l2"] = "max",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...

class TextureLoss(LayeredLoss):
    """Distance between Gram matrices of deep features of two images (texture, or style, loss).

    ``conventions.GRAM`` holds the settings of well-known implementations:
    ``TextureLoss(**conventions.GRAM["basicsr"])``.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        layers: weights by layer name. The default for a VGG is the layers of Johnson et al. 2016,
            ``relu1_2`` to ``relu4_3``; for another network, the last layer of each stage up to
            stride 8, like these. Layers of weight 0 are left out.
        gram: normalisation of :func:`gram_matrix`. ``"bchw"`` makes one matrix of the whole batch.
        distance: over the elements of a matrix: mean of ``"l1"`` or ``"l2"`` (squared),
            ``"frobenius"`` (the root of the sum of squares) or ``"squared_frobenius"`` (the sum).
        patch_size: compare patches of this side in positions of the layer: one number for all
            layers, or one per layer. EnhanceNet's patches of 16 x 16 image pixels are
            ``{"relu1_1": 16, "relu2_1": 8, "relu3_1": 4}`` in VGG, whose sides halve between these
            layers. The loss of an image is the mean over its patches.
        stride: distance between patches, ``patch_size`` by default. Positions left over at the far
            borders are in no patch.
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
        checkpoint: whether to keep no activations. The backward pass then runs the network again.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned.
    """

    layers: Mapping[str, float]
    gram: Literal["chw", "hw", "none", "bchw", "gatys"]
    distance: Literal["l1", "l2", "frobenius", "squared_frobenius"]
    patch_size: int | Mapping[str, int] | None
    stride: int | Mapping[str, int] | None
    weights: str | PathLike[str] | Mapping[str, Tensor]
    data_range: float | tuple[float, float]
    normalization: Literal["imagenet", "none"] | tuple[Sequence[float], Sequence[float]]
    gray: Literal["repeat", "error"]
    pooling: Literal["max", "average", "l2"]
    dtype: torch.dtype | None
    channels_last: bool
    checkpoint: bool
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        network: str | Module = "vgg19",
        *,
        layers: Mapping[str, float] | None = None,
        gram: Literal["chw", "hw", "none", "bchw", "gatys"] = "chw",
        distance: Literal["l1", "l2", "frobenius", "squared_frobenius"] = "l1",
        patch_size: int | Mapping[str, int] | None = None,
        stride: int | Mapping[str, int] | None = None,
        weights: str | PathLike[str] | Mapping[str, Tensor] = "imagenet",
        data_range: float | tuple[float, float] = 1.0,
        normalization: Literal["imagenet", "none"]
        | tuple[Sequence[float], Sequence[float]] = "imagenet",
        gray: Literal["repeat", "error"] = "repeat",
        pooling: Literal["max", "average", "l2"] = "max",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...

class ContextualLoss(LayeredLoss):
    """Contextual loss between two images, which need not be aligned.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        layers: weights by layer name. The default for a VGG is ``relu3_2`` and ``relu4_2``, as in
            the original code; for another network, the last layers of stride 4 and 8, which are
            the strides of those two. Layers of weight 0 are left out.
        bandwidth: ``h``, the scale of relative distances that count as similar.
        distance: ``"cosine"`` is ``(1 - cos) / 2`` between features minus the target's mean over
            positions; ``"l2"`` is the squared distance.
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
        checkpoint: whether to keep no activations. The backward pass then runs the network again.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned. Time grows with the square of the number of positions: use layers of low resolution,
    or crops.
    """

    layers: Mapping[str, float]
    bandwidth: float
    distance: Literal["cosine", "l2"]
    weights: str | PathLike[str] | Mapping[str, Tensor]
    data_range: float | tuple[float, float]
    normalization: Literal["imagenet", "none"] | tuple[Sequence[float], Sequence[float]]
    gray: Literal["repeat", "error"]
    pooling: Literal["max", "average", "l2"]
    dtype: torch.dtype | None
    channels_last: bool
    checkpoint: bool
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        network: str | Module = "vgg19",
        *,
        layers: Mapping[str, float] | None = None,
        bandwidth: float = 0.5,
        distance: Literal["cosine", "l2"] = "cosine",
        weights: str | PathLike[str] | Mapping[str, Tensor] = "imagenet",
        data_range: float | tuple[float, float] = 1.0,
        normalization: Literal["imagenet", "none"]
        | tuple[Sequence[float], Sequence[float]] = "imagenet",
        gray: Literal["repeat", "error"] = "repeat",
        pooling: Literal["max", "average", "l2"] = "max",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...

class ContextualBilateralLoss(LayeredLoss):
    """Contextual bilateral loss (CoBi) of two images, which may be slightly misaligned.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        layers: weights by layer name. The default is that of :class:`ContextualLoss`; the paper
            compares ``conv1_2``, ``conv2_2`` and ``conv3_2`` of VGG19. Layers of weight 0 are left
            out.
        spatial_weight: ``w``, the cost of a match from one border of the image to the opposite one,
            added to the distance of features. With 0, positions do not matter.
        distance: ``"cosine"``: ``(1 - cos) / 2`` between features from which the target's mean over
            positions was subtracted; or ``"l2"``, the squared distance.
        form: ``"nearest"`` as in the paper, or ``"similarity"`` as in the authors' code.
        bandwidth: of ``"similarity"``: ``h``, the scale of relative distances that count as
            similar.
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
        checkpoint: whether to keep no activations. The backward pass then runs the network again.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned. Time grows with the square of the number of positions: use layers of low
    resolution, or crops.
    """

    layers: Mapping[str, float]
    spatial_weight: float
    distance: Literal["cosine", "l2"]
    form: Literal["nearest", "similarity"]
    bandwidth: float
    weights: str | PathLike[str] | Mapping[str, Tensor]
    data_range: float | tuple[float, float]
    normalization: Literal["imagenet", "none"] | tuple[Sequence[float], Sequence[float]]
    gray: Literal["repeat", "error"]
    pooling: Literal["max", "average", "l2"]
    dtype: torch.dtype | None
    channels_last: bool
    checkpoint: bool
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        network: str | Module = "vgg19",
        *,
        layers: Mapping[str, float] | None = None,
        spatial_weight: float = 0.1,
        distance: Literal["cosine", "l2"] = "cosine",
        form: Literal["nearest", "similarity"] = "nearest",
        bandwidth: float = 0.5,
        weights: str | PathLike[str] | Mapping[str, Tensor] = "imagenet",
        data_range: float | tuple[float, float] = 1.0,
        normalization: Literal["imagenet", "none"]
        | tuple[Sequence[float], Sequence[float]] = "imagenet",
        gray: Literal["repeat", "error"] = "repeat",
        pooling: Literal["max", "average", "l2"] = "max",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...

class FDLLoss(ProjectedLoss):
    """Frequency distribution loss of two images, which need not be aligned.

    ``FDLLoss(**conventions.FDL["neosr"])`` has fewer and smaller projections than the original, and
    takes a fraction of its time.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        layers: weights by layer name. The default is the layers of the authors' code in a
            VGG, the last of each block; in another network the last layer of each stage of stride
            2 to 16. Layers of weight 0 are left out.
        seed: seed of the directions, which are the same in every call, process and run.
        projections: random directions for each layer.
        patch_size: sides of the patches of the spectrum that are projected.
        stride: from patch to patch.
        phase_weight: factor of the distance of phases; that of amplitudes has the factor 1.
        weighted: the weights of ``layers`` multiply the distances of ``"both"``, or of the
            ``"amplitude"`` only, which equals multiplying the features.
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
        checkpoint: whether to keep no activations. The backward pass then runs the network again.
        renew: whether each call in training mode draws new directions, from PyTorch's generator of
            the device; otherwise they follow from ``seed``.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned. The deepest layer needs ``patch_size`` positions a side, 80 pixels by default.
    """

    layers: Mapping[str, float]
    seed: int
    projections: int
    patch_size: int
    stride: int
    phase_weight: float
    weighted: Literal["both", "amplitude"]
    weights: str | PathLike[str] | Mapping[str, Tensor]
    data_range: float | tuple[float, float]
    normalization: Literal["imagenet", "none"] | tuple[Sequence[float], Sequence[float]]
    gray: Literal["repeat", "error"]
    pooling: Literal["max", "average", "l2"]
    dtype: torch.dtype | None
    channels_last: bool
    checkpoint: bool
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        network: str | Module = "vgg19",
        *,
        layers: Mapping[str, float] | None = None,
        seed: int = 0,
        projections: int = 256,
        patch_size: int = 5,
        stride: int = 1,
        phase_weight: float = 1.0,
        weighted: Literal["both", "amplitude"] = "both",
        weights: str | PathLike[str] | Mapping[str, Tensor] = "imagenet",
        data_range: float | tuple[float, float] = 1.0,
        normalization: Literal["imagenet", "none"]
        | tuple[Sequence[float], Sequence[float]] = "imagenet",
        gray: Literal["repeat", "error"] = "repeat",
        pooling: Literal["max", "average", "l2"] = "max",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        renew: bool = False,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...

class SlicedWassersteinLoss(ProjectedLoss):
    """Sliced Wasserstein distance of the deep features of two images: texture, at any position.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        layers: weights by layer name. The default is the layers of :class:`TextureLoss`; the
            authors' code compares all activations of the first four blocks of VGG19 with
            average pooling. Layers of weight 0 are left out.
        seed: seed of the directions, which are the same in every call, process and run.
        projections: number of random directions for each layer; None takes as many as the layer
            has channels, as in the paper.
        power: exponent of the differences of sorted values: 2, or 1 for the Wasserstein-1 distance.
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
        checkpoint: whether to keep no activations. The backward pass then runs the network again.
        renew: whether each call in training mode draws new directions, from PyTorch's generator of
            the device, as the paper does; otherwise they follow from ``seed``.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned.
    """

    layers: Mapping[str, float]
    seed: int
    projections: int | None
    power: int
    weights: str | PathLike[str] | Mapping[str, Tensor]
    data_range: float | tuple[float, float]
    normalization: Literal["imagenet", "none"] | tuple[Sequence[float], Sequence[float]]
    gray: Literal["repeat", "error"]
    pooling: Literal["max", "average", "l2"]
    dtype: torch.dtype | None
    channels_last: bool
    checkpoint: bool
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        network: str | Module = "vgg19",
        *,
        layers: Mapping[str, float] | None = None,
        seed: int = 0,
        projections: int | None = None,
        power: int = 2,
        weights: str | PathLike[str] | Mapping[str, Tensor] = "imagenet",
        data_range: float | tuple[float, float] = 1.0,
        normalization: Literal["imagenet", "none"]
        | tuple[Sequence[float], Sequence[float]] = "imagenet",
        gray: Literal["repeat", "error"] = "repeat",
        pooling: Literal["max", "average", "l2"] = "max",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        renew: bool = False,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...

class ProjectedDistributionLoss(LayeredLoss):
    """Projected distribution loss (PDL) of two images: the distribution of each deep feature.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        layers: weights by layer name. The default is the layers of :class:`TextureLoss`. Layers
            of weight 0 are left out.
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
        checkpoint: whether to keep no activations. The backward pass then runs the network again.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or the name of one, which runs or raises.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned.
    """

    layers: Mapping[str, float]
    weights: str | PathLike[str] | Mapping[str, Tensor]
    data_range: float | tuple[float, float]
    normalization: Literal["imagenet", "none"] | tuple[Sequence[float], Sequence[float]]
    gray: Literal["repeat", "error"]
    pooling: Literal["max", "average", "l2"]
    dtype: torch.dtype | None
    channels_last: bool
    checkpoint: bool
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        network: str | Module = "vgg19",
        *,
        layers: Mapping[str, float] | None = None,
        weights: str | PathLike[str] | Mapping[str, Tensor] = "imagenet",
        data_range: float | tuple[float, float] = 1.0,
        normalization: Literal["imagenet", "none"]
        | tuple[Sequence[float], Sequence[float]] = "imagenet",
        gray: Literal["repeat", "error"] = "repeat",
        pooling: Literal["max", "average", "l2"] = "max",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...

class LPIPS(MaskedLoss):
    """LPIPS of two images (Zhang et al. 2018), equal to the package ``lpips``, but with a gradient
    that is finite everywhere.

    :class:`ssimloss.metrics.LPIPS` is a torchmetrics metric of the same values, without a gradient.

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
        checkpoint: whether to keep no activations. The backward pass then runs the network again.
        heads: ``"v0.1"``, which is part of the package, or one 1-D tensor per layer.
        spatial: compute a map of distances, resized to the images and summed over layers. The
            reduction then applies to the map.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``: ``(N,)``, or the map
            ``(N, 1, H, W)``.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.

    ``forward(pred, target, *, mask=None)`` takes images ``(N, C, H, W)``; ``target`` may be what
    :meth:`extract` returned. ``mask`` holds weights ``(N, 1 or C, H, W)``; pixels of weight 0 have
    no influence.
    """

    weights: str | PathLike[str] | Mapping[str, Tensor]
    data_range: float | tuple[float, float]
    gray: Literal["repeat", "error"]
    dtype: torch.dtype | None
    channels_last: bool
    checkpoint: bool
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        network: Literal["alexnet", "vgg16", "squeezenet1_1", "alex", "vgg", "squeeze"] = "alexnet",
        *,
        weights: str | PathLike[str] | Mapping[str, Tensor] = "imagenet",
        data_range: float | tuple[float, float] = 1.0,
        gray: Literal["repeat", "error"] = "repeat",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        heads: str | Sequence[Tensor] = "v0.1",
        spatial: bool = False,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    @property
    def heads(self) -> list[Tensor]:
        """The weights of the channels, one 1-D tensor per layer."""

class DISTS(ImageAndFeatures, MaskedLoss):
    """DISTS of two images (Ding et al. 2020), equal to the package ``DISTS_pytorch``. It compares
    texture by its statistics and structure position by position.

    With the published weights, values lie in [0, 1.124]. They exceed 1 only for opposite
    structures: their similarity is negative and has a weight of 0.124.

    :class:`ssimloss.metrics.DISTS` is a torchmetrics metric of the same values, without a gradient.

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
        checkpoint: whether to keep no activations. The backward pass then runs the network again.
        alpha, beta: weights of texture and structure: one 1-D tensor for the image's channels and
            one for each of five layers, or one tensor with all 1475 weights. The default is the
            published weights, which are part of the package.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``. The last two return ``(N,)``.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.

    ``forward(pred, target, *, mask=None)`` takes images ``(N, C, H, W)``; ``target`` may be what
    :meth:`extract` returned. ``mask`` holds weights ``(N, 1 or C, H, W)`` of all statistics; pixels
    of weight 0 have no influence. Published results resize images to 256 pixels on the shorter
    side; this module does not resize.
    """

    weights: str | PathLike[str] | Mapping[str, Tensor]
    data_range: float | tuple[float, float]
    gray: Literal["repeat", "error"]
    dtype: torch.dtype | None
    channels_last: bool
    checkpoint: bool
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        weights: str | PathLike[str] | Mapping[str, Tensor] = "imagenet",
        data_range: float | tuple[float, float] = 1.0,
        gray: Literal["repeat", "error"] = "repeat",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        alpha: Tensor | Sequence[Tensor] | None = None,
        beta: Tensor | Sequence[Tensor] | None = None,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    @property
    def alpha(self) -> list[Tensor]:
        """Weights of texture, one 1-D tensor for the image and for each layer."""

    @property
    def beta(self) -> list[Tensor]:
        """Weights of structure, one 1-D tensor for the image and for each layer."""

class ADISTS(ImageAndFeatures):
    """A-DISTS of two images (Ding et al. 2021), equal to the authors' code: DISTS with local
    statistics, which compares edges by structure and texture by its statistics.

    There are no learned weights beside those of the network. The content of one image decides how
    positions and channels are weighted, so ``pred`` and ``target`` must not be exchanged.

    :class:`ssimloss.metrics.ADISTS` is a torchmetrics metric of the same values, without a
    gradient.

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
        checkpoint: whether to keep no activations. The backward pass then runs the network again.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``. The last two return ``(N,)``.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned. Layers smaller than the window, such as all layers of images below 21 pixels, are
    compared as a whole. The authors' code scales larger images to 256 pixels on the shorter
    side; this module does not resize. A mask is not supported, because the weights are relative to
    the content of the whole image.
    """

    window_size: int
    adapts_to: Literal["target", "pred"]
    weights: str | PathLike[str] | Mapping[str, Tensor]
    data_range: float | tuple[float, float]
    gray: Literal["repeat", "error"]
    dtype: torch.dtype | None
    channels_last: bool
    checkpoint: bool
    reduction: Literal["mean", "sum", "image", "none"]
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
        checkpoint: bool = False,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...

class DeepPerceptualSimilarity(MaskedLoss, LayeredLoss):
    """Distance between deep features of two images at each position, for any network, layers and
    distance, with or without learned heads.

    LPIPS is one member of this family: ``normalized_l2`` at five layers of a VGG, with heads. Which
    network and distance agree best with people depends on the data set (Khatami &
    Mahmoudi-Aznaveh 2023): compare them on yours, or fit the channel weights by :meth:`fit_heads`.

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
        checkpoint: whether to keep no activations. The backward pass then runs the network again.
        heads: one 1-D tensor per layer with the weights of its channels; 1 by default. Training a
            model does not change them. The attribute ``heads`` returns them.
        spatial: compute a map of distances, resized to the images and summed over layers. The
            reduction then applies to the map.
        reduction: ``"mean"`` and ``"sum"`` over images, or over the map; ``"image"`` or ``"none"``.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.

    ``forward(pred, target, *, mask=None)`` takes images ``(N, C, H, W)``; ``target`` may be what
    :meth:`extract` returned. ``mask`` holds weights ``(N, 1 or C, H, W)``; pixels of weight 0 have
    no influence.
    """

    layers: Mapping[str, float]
    distance: Literal["l1", "l2", "cosine", "normalized_l2"]
    weights: str | PathLike[str] | Mapping[str, Tensor]
    data_range: float | tuple[float, float]
    normalization: Literal["imagenet", "none"] | tuple[Sequence[float], Sequence[float]]
    gray: Literal["repeat", "error"]
    pooling: Literal["max", "average", "l2"]
    dtype: torch.dtype | None
    channels_last: bool
    checkpoint: bool
    reduction: Literal["mean", "sum", "image", "none"]
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
        checkpoint: bool = False,
        heads: Sequence[Tensor] | None = None,
        spatial: bool = False,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    @property
    def heads(self) -> list[Tensor] | None:
        """The weights of the channels, one 1-D tensor per layer; ``None`` for weights of 1."""

    def fit_heads(
        self,
        judgements: Iterable[Sequence[Tensor]],
        *,
        better: Literal["high", "low"] = "high",
        regularization: float = 0.001,
        steps: int = 2000,
    ) -> Fit:
        """Set ``heads`` to the non-negative weights that agree best with human judgements.

        The distance is linear in its heads, so the fit is convex and has one result. Features are
        computed once, and nothing is random.

        Args:
            judgements: batches, for example a ``DataLoader``, all of the same one of two kinds.
                ``(reference, a, b, preference)``: three images ``(n, C, H, W)`` and the share
                ``(n,)`` of people who found ``b`` nearer to the reference.
                ``(reference, image, score)``: two images and a mean opinion score ``(n,)``.
            better: whether a ``"high"`` (MOS) or a ``"low"`` score (DMOS) is better. Used for
                scores only.
            regularization: weight of half the squared norm of the heads, in units of each channel's
                spread. Fewer judgements need more.
            steps: number of descent steps. The fit has converged if more steps change nothing.

        Returns:
            How well distances agreed with the judgements ``before`` and ``after`` the fit: the
            share of people agreed with, or the correlation of distances with scores.

        Raises:
            ValueError: there are no judgements; batches are of neither kind or of both; an image
                has no finite number; preferences are outside [0, 1]; all scores are equal; or no
                channel agrees with the judgements. The heads then stay as they were.
        """

    @property
    def _compared(self) -> DeepSimilarityOptions: ...

class PriorLoss(OutputLoss):
    """Distance between a frozen network's outputs for two images, such as face embeddings, logits,
    segmentations or depth maps.

    Args:
        network: an ``nn.Module`` of images ``(N, C, H, W)``, of which a frozen copy is made. Its
            output is a floating point tensor ``(N, C, ...)``, or holds one.
        distance: ``"l1"`` or ``"l2"`` (squared) of each element, or ``"cosine"``: one minus the
            cosine of two vectors along dimension 1 (0 for two zero vectors, 1/2 for one).
        data_range: ``L`` for images in ``[0, L]``, or ``(lo, hi)``; the network sees them on a
            scale of [0, 1], then normalised.
        normalization: what the network was trained with: ``"none"``, ``"imagenet"``, or mean and
            standard deviation of each channel, on a scale of [0, 1]; ``((0.5,) * 3, (0.5,) * 3)``
            for a network of images in [-1, 1].
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        dtype: dtype of the convolutions, for example ``torch.bfloat16``. ``None`` means float64 for
            float64 images and float32 otherwise. ``torch.float16`` raises, because small gradients
            underflow in it.
        channels_last: whether the convolutions run in this memory format.
        checkpoint: whether to keep no activations. The backward pass then runs the network again.
        output: the part to compare if the network returns a list, a tuple or a dictionary: ``-1``
            for the last of several stages, ``"out"`` for that entry.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``. The last one returns one value
            per element of the output, or per vector for ``"cosine"``.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned.
    """

    distance: Literal["l1", "l2", "cosine"]
    data_range: float | tuple[float, float]
    normalization: Literal["imagenet", "none"] | tuple[Sequence[float], Sequence[float]]
    gray: Literal["repeat", "error"]
    dtype: torch.dtype | None
    channels_last: bool
    checkpoint: bool
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        network: Module,
        *,
        distance: Literal["l1", "l2", "cosine"] = "l2",
        data_range: float | tuple[float, float] = 1.0,
        normalization: Literal["imagenet", "none"]
        | tuple[Sequence[float], Sequence[float]] = "none",
        gray: Literal["repeat", "error"] = "repeat",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        output: int | str | None = None,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...

class LandmarkLoss(OutputLoss):
    """Distance between the landmarks that a frozen heatmap network finds in two images (Bulat &
    Tzimiropoulos 2018).

    Args:
        network: an ``nn.Module`` from images ``(N, C, H, W)`` to heatmaps ``(N, K, H', W')``, of
            which a frozen copy is made.
        compare: ``"heatmaps"`` is the squared difference, averaged over positions.
            ``"coordinates"`` is the squared distance between the :func:`soft_argmax` of both, where
            each side of a map has length 1.
        sharpness: sharpness of the soft-argmax.
        data_range: ``L`` for images in ``[0, L]``, or ``(lo, hi)``; the network sees them on a
            scale of [0, 1], then normalised.
        normalization: what the network was trained with, as in :class:`PriorLoss`.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        dtype: dtype of the convolutions, for example ``torch.bfloat16``. ``None`` means float64 for
            float64 images and float32 otherwise. ``torch.float16`` raises, because small gradients
            underflow in it.
        channels_last: whether the convolutions run in this memory format.
        checkpoint: whether to keep no activations. The backward pass then runs the network again.
        output: the part to compare if the network returns a list or a tuple of stages, or a
            dictionary: ``-1`` for the last stage.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``: one value per landmark
            ``(N, K)``.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned.
    """

    compare: Literal["heatmaps", "coordinates"]
    sharpness: float
    data_range: float | tuple[float, float]
    normalization: Literal["imagenet", "none"] | tuple[Sequence[float], Sequence[float]]
    gray: Literal["repeat", "error"]
    dtype: torch.dtype | None
    channels_last: bool
    checkpoint: bool
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        network: Module,
        *,
        compare: Literal["heatmaps", "coordinates"] = "heatmaps",
        sharpness: float = 50.0,
        data_range: float | tuple[float, float] = 1.0,
        normalization: Literal["imagenet", "none"]
        | tuple[Sequence[float], Sequence[float]] = "none",
        gray: Literal["repeat", "error"] = "repeat",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        output: int | str | None = None,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...

class AdversarialLoss(ImageLoss):
    """The losses of a generator and of its discriminator, computed from the discriminator's logits.

    It has no ``forward``: call :meth:`discriminator_loss` in the step of the discriminator and
    :meth:`generator_loss` in that of the generator. In a ``CombinedLoss`` the term is
    ``Term(AdversarialLoss("hinge").generator_loss, 5e-3, inputs=("fake_logits",))``.
    ``conventions.ADVERSARIAL`` holds the choices of papers and implementations:
    ``AdversarialLoss(**conventions.ADVERSARIAL["esrgan"])``.

    Only the generator uses ``saturating`` and ``detach_real``. Only the discriminator uses
    ``label_smoothing``, ``smoothed``, ``flip_probability`` and ``detach_average``.

    Args:
        kind: ``"cross_entropy"``, ``"least_squares"``, ``"hinge"``, ``"wasserstein"``, or
            ``"softplus"``, which is cross entropy as in StyleGAN, without labels.
        relativistic: None, ``"average"`` (relative to the mean of the other side, over batch and
            patches of this process) or ``"paired"`` (image by image).
        targets: targets of least squares for fake, real and the generator: ``a, b, c`` of the
            paper. None means ``(0, 1, 1)``, and in relativistic forms ``(-1, 1, 1)``, as published.
        square_weight: factor of the squares. None means 0.5 as in the paper, and 1 in relativistic
            forms; CycleGAN has 1 everywhere.
        scales: ``"mean"`` or ``"sum"`` (pix2pixHD) of the entries of lists.
        total: ``"sum"`` or ``"mean"`` of the parts for real and for fake logits (``"mean"``:
            CycleGAN, ESRGAN). For the generator, only the relativistic average has both parts.
        synchronize: compute the average over all processes of ``torch.distributed`` instead of each
            alone (as other libraries do). All processes need equal batches, and each must call the
            loss and its backward pass.
        check_finite: raise for logits that are not finite. This reads values: it waits for the
            device, and does not compile.
        label_smoothing: how far the label of real moves towards that of fake, at most 0.5; for
            cross entropy and least squares.
        smoothed: smooth the ``"real"`` labels only (one-sided, Salimans et al. 2016), or ``"both"``
            labels.
        flip_probability: probability that the label of an image (in the paired form, of a pair) is
            flipped.
        detach_average: treat the average of the other side as a constant (BasicSR's ESRGAN), unlike
            the paper.
        saturating: for cross entropy and softplus, minimise minus the discriminator's loss (the
            minimax game) instead of the loss with labels exchanged. Its gradient vanishes where the
            discriminator is confident.
        detach_real: treat the real logits as constants (ESRGAN), so that no graph of the
            discriminator is kept for them. This does not change the gradient of a generator,
            unless real logits depend on the generator.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"`` of each tensor of logits;
            ``"none"`` only for a single tensor.
    """

    kind: Literal["cross_entropy", "least_squares", "hinge", "wasserstein", "softplus"]
    relativistic: Literal["average", "paired"] | None
    targets: tuple[float, float, float] | None
    square_weight: float | None
    scales: Literal["mean", "sum"]
    total: Literal["sum", "mean"]
    synchronize: bool
    check_finite: bool
    label_smoothing: float
    smoothed: Literal["real", "both"]
    flip_probability: float
    detach_average: bool
    saturating: bool
    detach_real: bool
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        kind: Literal["cross_entropy", "least_squares", "hinge", "wasserstein", "softplus"],
        relativistic: Literal["average", "paired"] | None = None,
        *,
        targets: tuple[float, float, float] | None = None,
        square_weight: float | None = None,
        scales: Literal["mean", "sum"] = "mean",
        total: Literal["sum", "mean"] = "sum",
        synchronize: bool = False,
        check_finite: bool = False,
        label_smoothing: float = 0.0,
        smoothed: Literal["real", "both"] = "real",
        flip_probability: float = 0.0,
        detach_average: bool = False,
        saturating: bool = False,
        detach_real: bool = True,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def generator_loss(
        self,
        fake_logits: Tensor | Sequence[Tensor] | Sequence[Sequence[Tensor]],
        *,
        real_logits: Tensor | Sequence[Tensor] | Sequence[Sequence[Tensor]] | None = None,
        labels: Tensor | None = None,
    ) -> Tensor:
        """The generator's loss: :func:`ssimloss.functional.adversarial_generator_loss`."""

    def discriminator_loss(
        self,
        real_logits: Tensor | Sequence[Tensor] | Sequence[Sequence[Tensor]],
        fake_logits: Tensor | Sequence[Tensor] | Sequence[Sequence[Tensor]],
        *,
        labels: Tensor | None = None,
        rng: Generator | None = None,
    ) -> Tensor:
        """The discriminator's loss: :func:`ssimloss.functional.adversarial_discriminator_loss`."""

class FrechetLoss(SetLoss):
    """Frechet distance of the features of generated and of real images: FID as a loss.

    Args:
        extractor: computes features of images; their means over positions are compared. Without it,
            the loss takes features.
        memory: number of past feature rows of ``pred`` that each call adds to the batch, without a
            gradient. A distance of few rows is noisy, and the Frechet distance is biased upwards.
        target_memory: the same for ``target``; None means the value of ``memory``. Pass 0 if every
            call has the features of the whole data set as ``target``.

    ``forward(pred, target)`` takes features ``(N, D)``, or images with an extractor, of two sets
    that need not be paired. The gradient reaches the rows of the batch only, and is as
    :func:`ssimloss.functional.frechet_distance` documents. If features are not finite, value and
    gradient are NaN.
    """

    memory: int
    target_memory: int | None
    def __init__(
        self,
        extractor: FeatureExtractor | None = None,
        *,
        memory: int = 0,
        target_memory: int | None = None,
    ) -> None: ...

class KernelDistanceLoss(SetLoss):
    """KID of the features of generated and of real images as a loss: unbiased for few rows.

    Args:
        extractor: computes features of images; their means over positions are compared. Without it,
            the loss takes features.
        memory: number of past feature rows of ``pred`` that each call adds to the batch, without a
            gradient. A distance of few rows is noisy, and the Frechet distance is biased upwards.
        target_memory: the same for ``target``; None means the value of ``memory``. Pass 0 if every
            call has the features of the whole data set as ``target``.
        degree: degree of the polynomial, at least 1.
        gamma: factor of the inner product, positive; ``1 / D`` for None.
        coef0: constant that is added to the product.

    ``forward(pred, target)`` takes features ``(N, D)``, or images with an extractor, of two sets
    that need not be paired. :func:`ssimloss.functional.kernel_distance_loss` is the equation.
    """

    memory: int
    target_memory: int | None
    degree: int
    gamma: float | None
    coef0: float
    def __init__(
        self,
        extractor: FeatureExtractor | None = None,
        *,
        memory: int = 0,
        target_memory: int | None = None,
        degree: int = 3,
        gamma: float | None = None,
        coef0: float = 1.0,
    ) -> None: ...

class CMMDLoss(SetLoss):
    """CMMD of the features of generated and of real images as a loss.

    Args:
        extractor: computes features of images; their means over positions are compared. Without it,
            the loss takes features.
        memory: number of past feature rows of ``pred`` that each call adds to the batch, without a
            gradient. A distance of few rows is noisy, and the Frechet distance is biased upwards.
        target_memory: the same for ``target``; None means the value of ``memory``. Pass 0 if every
            call has the features of the whole data set as ``target``.
        sigma: width of the kernel, in the features' own units; positive.
        scale: factor of the result, positive.

    ``forward(pred, target)`` takes features ``(N, D)``, or images with an extractor, of two sets
    that need not be paired. :func:`ssimloss.functional.cmmd_loss` is the equation.
    """

    memory: int
    target_memory: int | None
    sigma: float
    scale: float
    def __init__(
        self,
        extractor: FeatureExtractor | None = None,
        *,
        memory: int = 0,
        target_memory: int | None = None,
        sigma: float = 10.0,
        scale: float = 1000.0,
    ) -> None: ...
