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
from ssimloss.losses.network_output import OutputLoss
from ssimloss.losses.sets import SetLoss
from ssimloss.networks.extractor import FeatureExtractor
from ssimloss.video.svr import SVR

__all__ = [
    "CharbonnierLoss",
    "CIEDE2000Loss",
    "ColorConsistencyLoss",
    "CWSSIMLoss",
    "L1Loss",
    "L2Loss",
    "SSIMLoss",
    "CycleConsistencyLoss",
    "EdgeLoss",
    "FeatureMatchingLoss",
    "FLIPLoss",
    "FocalFrequencyLoss",
    "FourierMagnitudeLoss",
    "FSIMLoss",
    "GMSDLoss",
    "GradientDifferenceLoss",
    "GradientSSIMLoss",
    "HaarPSILoss",
    "MSSSIMLoss",
    "IWSSIMLoss",
    "LDLLoss",
    "MDSILoss",
    "MSGMSDLoss",
    "MSSSIML1Loss",
    "NLPDLoss",
    "SSIML1Loss",
    "SSIMULACRA2Loss",
    "StructureCorrelationLoss",
    "TotalVariationLoss",
    "VIFLoss",
    "VSILoss",
    "WaveletLoss",
    "VMAFLoss",
    "PerceptualLoss",
    "TextureLoss",
    "ContextualLoss",
    "LPIPS",
    "DISTS",
    "DeepPerceptualSimilarity",
    "PriorLoss",
    "LandmarkLoss",
    "AdversarialLoss",
    "FrechetLoss",
    "KernelDistanceLoss",
    "CMMDLoss",
]

class CharbonnierLoss(MeasureLoss):
    """Charbonnier distance, a smooth L1: ``sqrt((pred - target)^2 + eps^2)``.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises; kernels reduce, and know neither
            masks nor ``at_zero="zero"``.
        eps: where the curve turns from L2 to L1, in the images' own units.
        at_zero: value at zero error: ``"eps"`` (the formula as published) or ``"zero"`` (``eps``
            subtracted; same gradient).

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; the mean is taken over the weight.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes differ, ``eps`` is not positive or its square vanishes in float32,
            unknown words.
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
        k_l, k_c, k_h: tolerances of lightness, chroma and hue; ``k_l=2`` for textiles.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map ``(N, 1, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB, tolerances that are not
            positive.
        TypeError: integer tensors.

    Source: CIE 142-2001; Sharma, Wu & Dalal 2005. Agrees with scikit-image to float64 rounding.
    """

    data_range: float | tuple[float, float]
    k_l: float
    k_c: float
    k_h: float
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        k_l: float = 1.0,
        k_c: float = 1.0,
        k_h: float = 1.0,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
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
        planes: ``"chroma"`` compares the two colour planes, ``"all"`` the lightness too.
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
        length and ``(N, 2 or 3, H, W)`` for ``"l1"``, with sides divided by ``downscale``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or smaller than a block,
            unknown words.
        TypeError: integer tensors.

    Source: CIE 15; Ottosson 2020; ITU-R BT.601. In CIELAB it agrees with scikit-image to 1e-12, in
    YCbCr with the ``ColorLoss`` of traiNNer-redux to 1e-10.
    """

    data_range: float | tuple[float, float]
    space: Literal["cielab", "oklab", "ycbcr"]
    planes: Literal["chroma", "all"]
    distance: Literal["euclidean", "l1"]
    downscale: int
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        space: Literal["cielab", "oklab", "ycbcr"] = "cielab",
        planes: Literal["chroma", "all"] = "chroma",
        distance: Literal["euclidean", "l1"] = "euclidean",
        downscale: int = 1,
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

    Source: Sampat et al. 2009. ``conventions.CW_SSIM["matlab"]`` agrees with the authors' program
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
        backend: ``"auto"``, or one by name, which runs or raises; kernels reduce, and know no mask.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; the mean is taken over the weight, values under weight
            0 are never looked at.

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
        backend: ``"auto"``, or one by name, which runs or raises; kernels reduce, and know no mask.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; the mean is taken over the weight, values under weight
            0 are never looked at.

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

    Alone it leaves brightness and colour loose: add a pixel loss, or use :class:`MSSSIML1Loss`.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; a custom window brings its own.
        sigma: standard deviation of the Gaussian in pixels.
        padding: what lies beyond the border: ``"valid"`` uses whole windows only, ``"reflect"``
            mirrors without repeating the edge, ``"replicate"`` repeats it, ``"zeros"``.
        k1, k2: the stabilising constants, both above 0.
        backend: ``"auto"``, or one by name, which runs or raises.
        exponents: ``(alpha, beta, gamma)`` of luminance, contrast and structure (eq. 12 with
            ``C3 = C2 / 2``). A negative term to a power keeps its sign, ``sign(s) |s|^gamma``; an
            exponent of 0 leaves the term out. The deviation of a flat window has the slope of the
            covariance.
        covariance: ``"population"``, or ``"sample"``: times ``N / (N - 1)`` with N the number of
            window taps over all axes.
        downsample: shrink first: an ``int`` averages blocks of that factor, ``"auto"`` those of
            ``f = max(1, round(min(H, W) / 256))`` (piq), ``"matlab"`` does as ``ssim.m``: the same
            f, a box filter with symmetric border, then every f-th sample.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; each channel is compared by itself. float16 and bfloat16 are computed in
            float32.
        mask: ``(N, 1 or C, H, W)`` weights. Statistics are normalised convolutions over valid
            pixels only; a window counts as much as the mask leaves of it.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images smaller than the window, unknown words, constants that are
            not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Wang et al. 2004. The options of other programs, and how closely each is met, are in
    ``ssimloss.conventions.SSIM``.
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
    """Distance of images that went to another domain and back from what they were.

    A network given as ``downscale`` or ``distance`` is registered under that name and
    used as it is, neither copied nor frozen. Freeze it with ``network.requires_grad_(False)``
    if this loss must not train it.

    Args:
        data_range: of the images, for ``"ssim"``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``, for each direction; the last
            for one direction only.
        distance: ``"l1"``, ``"l2"``, ``"charbonnier"``, ``"ssim"`` (``1 - ssim``), or a callable of
            ``(pred, target)``, such as another loss of this library. A callable gets the images as
            they are and reduces by itself.
        identity_weight: of the identity term, beside a reconstruction of weight 1.
        downscale: how ``pred`` is shrunk before it is compared: a factor (antialiased bicubic,
            :func:`imresize`), or a network or another callable from images to images. A network is
            called as it is, in the user's autocast, and gets a gradient unless frozen.

    ``forward(pred, target, *, identity=None, mask=None)``:
        pred: what came back, ``F(G(x))``; or for super-resolution the enlarged image, with
            ``downscale``. ``(N, C, H, W)``, or a list of one such tensor for each direction, whose
            losses are added.
        target: what was sent, ``x``; the image of low resolution. As many as ``pred``.
        identity: for the identity term, what the generator *into* the target's domain makes of the
            target, ``F(x)``, which is to leave it alone; not shrunk. As many as ``pred``.
        mask: ``(N, 1 or C, H, W)`` weights of the target's pixels; passed on to a ``distance`` of
            your own. As many as ``pred``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` what the distance gives,
        ``(N, C, H, W)`` of the target's size but for ``"ssim"``, whose windows lie inside the
        image.

    Raises:
        ValueError: shapes, devices or numbers of images differ, options out of range, unknown
            words.
        TypeError: integer tensors, options of another type.

    Source: Zhu et al. 2017; their program weighs it 10, and the identity term half of that.
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

class EdgeLoss(MeasureLoss):
    """Distance between edge maps: ``(rho(dx pred - dx target) + rho(dy pred - dy target)) / 2``, or
    ``rho`` of the Laplacians' difference.

    The operators are linear and scaled to derivatives per pixel, so that a loss weight and ``eps``
    mean the same under each of them: a ramp of 1 per pixel reads 1 under Sobel (kernel / 8) and
    Scharr (kernel / 32), and the Laplacian (four neighbours, kernel as published) reads the sum of
    the two second derivatives. Channels are taken one by one, the border is replicated.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        backend: ``"auto"``, or one by name, which runs or raises; kernels reduce, and know no mask.
        operator: ``"sobel"``, ``"scharr"`` or ``"laplacian"``.
        distance: ``rho``: ``"charbonnier"`` ``sqrt(d^2 + eps^2)``, ``"l1"`` ``|d|``, or ``"l2"``
            ``d^2``.
        eps: of Charbonnier, in the images' own units per pixel; the value at equal images is
            ``eps``, not 0.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)``, any range.
        mask: ``(N, 1 or C, H, W)`` weights; a position weighs as much as the smallest weight in its
            3x3 neighbourhood, so no gradient that touches an invalid pixel counts.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, ``eps`` is not positive or its square vanishes in
            float32, unknown words.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Charbonnier distance of edges as in MPRNet (Zamir et al. 2021), which takes the
    Laplacian of a Gaussian pyramid instead. With ``distance="l1"`` and ``"sobel"`` agrees with the
    L1 of kornia's ``spatial_gradient`` to float64 rounding.
    """

    operator: Literal["sobel", "scharr", "laplacian"]
    distance: Literal["charbonnier", "l1", "l2"]
    eps: float
    reduction: Literal["mean", "sum", "image", "none"]
    backend: Literal["auto", "eager", "cpu", "triton"]
    def __init__(
        self,
        *,
        operator: Literal["sobel", "scharr", "laplacian"] = "sobel",
        distance: Literal["charbonnier", "l1", "l2"] = "charbonnier",
        eps: float = 0.001,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
        backend: Literal["auto", "eager", "cpu", "triton"] = "auto",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class FeatureMatchingLoss(MeasureLoss):
    """Distance between a discriminator's feature maps of generated and of real images, layer by
    layer.

    Args:
        reduction: of each map, ``"mean"``, ``"sum"``, ``"image"`` or (of a single map) ``"none"``.
        scales: ``"mean"`` over scales (the program), or ``"sum"`` (the paper).
        distance: ``"l1"`` or ``"l2"`` (squared).
        layers: ``"sum"`` of the layers' distances (the paper; the program multiplies it by
            ``4 / (n_layers_D + 1)``, which is 1 unless changed), or their ``"mean"``.
        detach_target: take the maps of real images as constants, so that no graph of the
            discriminator is kept for them.

    ``forward(pred, target, *, mask=None)``:
        pred, target: maps of the layers, of generated and of real images, ``(N, C, H, W)``, of
            volumes ``(N, C, D, H, W)``, of signals ``(N, C, L)``: a list over layers, or a list
            over scales of such. All are compared: pix2pixHD leaves out the last of each list, which
            are the logits, ``[maps[:-1] for maps in outputs]``.
        mask: ``(N, 1 or C, H, W)`` weights at the resolution of the images, averaged over channels
            and over the area of each position of a map. A position sees pixels beside its area: to
            hide them, make them equal in both images before the discriminator sees these. Maps of
            volumes and signals take none.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map for ``"none"``.

    Raises:
        ValueError: shapes, lengths or devices differ, an empty list, unknown words.
        TypeError: no lists of tensors, integers.

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
        pixels_per_degree: pixels per degree of visual angle: ``d r pi / (180 w)`` for a display
            ``w`` meters and ``r`` pixels wide, seen from ``d`` meters. The default is a 4K display
            of 0.7 meters, seen from 0.7 meters.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the map ``(N, 1, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB, a resolution that is not
            positive.
        TypeError: integer tensors.

    Source: Andersson et al. 2020. Agrees with flip-evaluator 1.7, which computes in float32, to
    1e-6.
    """

    data_range: float | tuple[float, float]
    pixels_per_degree: float
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        pixels_per_degree: float = 67.02064327658225,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class FocalFrequencyLoss(MeasureLoss):
    """Focal frequency loss: ``w |Fp - Ft|^2`` over the spectra of the two images, with
    ``w = |Fp - Ft|^alpha / max |Fp - Ft|^alpha``.

    The weight turns to the frequencies that are hardest to synthesise; it is held constant, no
    gradient passes through it.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` (not with ``"batch_mean"``) or ``"none"``.
        alpha: how sharply the weight focuses; 0 is the plain mean square.
        patch_factor: each side is cut into this many parts and each patch has its own spectrum;
            must divide H and W.
        spectrum: ``"image"`` compares image by image, ``"batch_mean"`` the spectra averaged over
            the batch.
        weighting: ``"power"`` as above, or ``"log"`` for ``log(1 + |Fp - Ft|^alpha)`` in its place.
        peak: the maximum that the weight is divided by: of each ``"spectrum"`` (image, patch and
            channel) or of the ``"batch"``.

    ``forward(pred, target)``:
        pred, target: float images ``(N, C, H, W)``, any range.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"`` (``N = 1`` for
        ``"batch_mean"``): the terms by frequency, the lowest in the upper left corner of each
        patch.

    Raises:
        ValueError: shapes or devices differ, sides that are 0 or that ``patch_factor`` does not
            divide, unknown words.
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
    """L1 distance of Fourier magnitudes, ``| |Fp| - |Ft| |``: how much of each frequency there is,
    wherever it sits.

    Where a frequency of ``pred`` is 0, the slope of its magnitude has no direction. It is taken
    towards the same frequency of ``target``, so that a black image learns.

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
    the authors' program. Phase congruency does not depend on contrast, and its gradient is 0 where
    an image is flat; the gradient of a flat image comes from gradients and colours. If both images
    are flat, all positions have equal weights.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises: of luma, I and Q, shrunk.
        planes: ``"yiq"`` compares the colour planes I and Q of RGB images too (FSIMc); ``"luma"``
            the luma alone.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small,
            unknown words.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Zhang, Zhang, Mou & Zhang 2011. Agrees with the authors' program on five pairs of
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

    Gray images are compared as they are, of RGB images the luma ``0.299 R + 0.587 G + 0.114 B``,
    which is not rounded. Means of 2 x 2 pixels at every second position are compared by their
    Prewitt gradients, with zeros beyond the border. The value of an image depends on how evenly its
    gradients differ, not on how much: weigh it with a pixel loss.

    Where ``pred`` is flat, the slope of its gradient magnitude has no direction. It is taken
    towards the gradient of ``target`` there, so that a flat image learns.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises; kernels know no mask.
        t: the constant ``T`` that keeps the similarity finite, for images on a scale of 0 to 255.
        deviation: ``"sample"`` divides by the number of positions less one, as MATLAB's ``std2``;
            ``"population"`` by their number (piq).

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. A position
            weighs as much as the smallest weight among the pixels that it depends on.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB, unknown words, a ``t`` that
            is not positive.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Xue et al. 2014. Agrees with the authors' program to float64 rounding, with piq as
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
    """Image gradient difference: ``||dx pred| - |dx target||^alpha`` plus the same of dy, of
    neighbour differences.

    Compares the strength of gradients, not their sign, and sharpens where L2 blurs; it does not see
    brightness, so use it beside a pixel loss. Where a difference of ``pred`` is 0, the slope of its
    absolute value is taken towards that of ``target``, so that a flat image learns.

    Args:
        reduction: ``"mean"`` and ``"image"`` are the mean over all dx plus the mean over all dy,
            each over its own count; ``"sum"`` is the paper's sum; ``"none"`` the map.
        backend: ``"auto"``, or one by name, which runs or raises; kernels reduce, and know neither
            masks nor an ``alpha`` other than 1 and 2.
        alpha: exponent, at least 1.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)``, any range.
        mask: ``(N, 1 or C, H, W)`` weights; a difference weighs as the product of its two pixels'
            weights.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``, where each
        pixel holds its differences to the right and lower neighbour and the last column and row
        have no dx and dy.

    Raises:
        ValueError: shapes or devices differ, ``alpha`` below 1, unknown ``reduction``.
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

    The magnitude is ``|Gx| + |Gy|`` of the unnormalised Sobel operator with replicated border. More
    sensitive to blur than SSIM. Where a gradient of ``pred`` is 0, the slope of its absolute value
    is taken towards that of ``target``, so that a flat image learns.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``: SSIM is not shift invariant, so
            ``lo`` is subtracted first.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; a custom window brings its own.
        sigma: standard deviation of the Gaussian in pixels.
        padding: what lies beyond the border: ``"valid"`` uses whole windows only, ``"reflect"``
            mirrors without repeating the edge, ``"replicate"`` repeats it, ``"zeros"``.
        k1, k2: the stabilising constants, both above 0.
        backend: ``"auto"``, or one by name, which runs or raises.
        covariance: ``"population"``, or ``"sample"``: times ``N / (N - 1)`` with N the number of
            window taps over both axes.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``; each channel is
            compared by itself.
        mask: ``(N, 1 or C, H, W)`` weights. A gradient counts where its whole 3 x 3 neighbourhood
            is valid.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images smaller than the window, unknown words, constants that are
            not positive.
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

class HaarPSILoss(MeasureLoss):
    """``1 - haarpsi``, taken before the reduction.

    Haar wavelet-based perceptual similarity: 1 for equal images, lower for worse ones.

    RGB images are compared in luma, I and Q of YIQ, not rounded. Gray images are compared as they
    are. Images are first halved, as in the authors' program for the usual viewing distance. If both
    images are flat, all positions have equal weights.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises: of luma, I and Q at half size.
            Kernels know no mask.
        c: the constant ``C`` that keeps the similarity finite, for images on a scale of 0 to 255.
        alpha: how much low similarities count more than high ones.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            16 pixels on the short side.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. A position
            weighs as much as the smallest weight among the pixels that it depends on.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small,
            a constant that is not positive.
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

class MSSSIMLoss(MeasureLoss):
    """``1 - ms_ssim``, taken before the reduction.

    Multi-scale structural similarity, 1 for equal images.

    Crops below 176 pixels need ``min_size="fewer_scales"``.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        backend: ``"auto"``, or one by name, which runs or raises.
        window_size, sigma: the Gaussian window at every scale; ``window_size`` odd unless
            ``coarsest_padding="valid"``.
        scale_weights: exponent of each scale, finest first; their number is the number of scales.
        negative: what becomes of a mean t that is not positive, which a fractional power cannot
            take. ``"clamp"``: below 1e-3 it is replaced by ``1e-6 / (2e-3 - t)``, positive and
            rising. The value is then nearly 0 and nearly flat, so the gradient there is not its
            derivative: it rises with t as it does at ``2e-3 - t``. ``"relu"``: 0, which takes
            the whole channel's gradient with it; ``"relu_map"``: 0 at every position before the
            mean is taken, which raises t (pyiqa); ``"shift"``: every t becomes ``(t + 1) / 2``,
            another measure.
        min_size: for images too small for all scales: ``"error"``, or ``"fewer_scales"``, which
            uses those that fit with their weights renormalised to sum to 1.
        pooling: halving at odd sizes: ``"floor"`` drops the last row, ``"zeros"`` adds rows of
            zeros and counts them (pytorch-msssim), ``"replicate"`` repeats the first row and column
            if either size is odd (piq), ``"symmetric"`` repeats the last row of an odd size
            (TensorFlow, MATLAB).
        combination: ``"product"`` of powers, or ``"weighted_sum"``, whose weights are divided by
            their sum (``wtd_sum`` of ``msssim.m``).
        channels: ``"separate"`` multiplies per channel and then averages; ``"joint"`` averages over
            channels first (torchmetrics, MONAI).
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
        ValueError: images too small, shapes differ, unknown words.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Wang, Simoncelli & Bovik 2003. The options of other programs are in
    ``ssimloss.conventions.MS_SSIM``.
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

class LDLLoss(MeasureLoss):
    """Locally discriminative learning: the distance of images, weighted by the variance of their
    residual, which is high at artifacts.

    The weight is the variance of the residual in a window times a power of its variance in the
    image; the residual is the sum of ``|pred - target|`` over channels, mirrored at the border. The
    gradient passes through the weight, as in the authors' program. It is finite where the residual
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
        ValueError: shapes or devices differ, images too small to be mirrored, an even
            ``window_size``, an ``exponent`` that is not positive, unknown words.
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

class MDSILoss(MeasureLoss):
    """Mean deviation similarity index: 0 for equal images, larger for worse ones.

    A gray image counts as RGB with three equal channels. Images of more than 384 pixels on the
    short side are shrunk to about 256 first, as in the authors' program. The value tells how
    unevenly the images differ, not by how much: weigh it with a pixel loss.

    The fourth root is infinitely steep where the similarity is 0. Its slope is held below 1e-4, and
    is 0 for equal images. Where ``pred`` is flat, the slope of its gradient magnitude is taken
    towards the gradient of ``target``.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        alpha: weight of the gradients, from 0 to 1; the rest is that of the colours.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            3 pixels on the short side. ``pred`` is the distorted image: the measure is not
            symmetric.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. A position
            weighs as much as the smallest weight among the pixels that it depends on.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small, an ``alpha``
            outside [0, 1].
        TypeError: integer tensors.

    Source: Nafchi et al. 2016. Agrees with piq to float64 rounding.
    """

    data_range: float | tuple[float, float]
    alpha: float
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        alpha: float = 0.6,
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor: ...

class MSGMSDLoss(MeasureLoss):
    """Gradient magnitude similarity deviation on several scales: 0 for equal images.

    Gray images are compared as they are, of RGB images the luma ``0.299 R + 0.587 G + 0.114 B``,
    which is not rounded. The first scale is the image itself, each further one the means of 2 x 2
    pixels. Like GMSD it counts how evenly gradients differ, not by how much: weigh it with a pixel
    loss.

    Where ``pred`` is flat, the slope of its gradient magnitude has no direction. It is taken
    towards the gradient of ``target`` there, so that a flat image learns.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises; kernels know no mask.
        scale_weights: ``w_j``, from the images' own size to the coarsest scale, divided by
            their sum.
        t: the constant ``T`` that keeps the similarity finite, for images on a scale of 0 to 255.
        masking: ``a``, by how much strong gradients mask differences; 0 is the similarity of GMSD.
        planes: ``"luma"``, or ``"yiq"`` for MS-GMSDc, which adds the difference of the colour
            planes I and Q of RGB images; ``"yiq_coarsest"`` takes that at the last scale (piq).

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` with values in ``data_range``, at least
            ``2^scales`` pixels on the short side, 16 by default.
        mask: ``(N, 1, H, W)`` weights, or one per channel, of which the smallest counts. A position
            weighs as much as the smallest weight among the pixels that it depends on.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"`` and ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB or too small,
            unknown words, a ``t`` that is not positive.
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

    Its MS-SSIM has no pyramid: the scales are Gaussians of growing width at full resolution,
    ``luminance_M * prod_j contrast_structure_j`` at every pixel, each channel by itself, and G is
    the widest of them.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``; the L1 part is divided by its
            span.
        k1, k2: the stabilising constants, both above 0.
        backend: ``"auto"``, or one by name, which runs or raises.
        alpha: weight of MS-SSIM against L1.
        sigmas: standard deviations of the scales in pixels, finest first.
        window_size: taps of the widest window, odd; narrow Gaussians are cut where they vanish.
        padding: what lies beyond the border: ``"valid"`` uses whole windows only, ``"replicate"``
            repeats the edge, ``"zeros"``; ``"reflect"`` mirrors without repeating the edge, and
            needs images larger than half a window.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``.

    Raises:
        ValueError: images too small for the window, shapes differ, unknown words.
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

    Source: Laparra et al. 2016. ``conventions.NLPD["matlab"]`` agrees with the authors' program on
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

class SSIML1Loss(MeasureLoss):
    """``(1 - weight) * L1 + weight * (1 - SSIM)``, the loss of Gaussian splatting, in one pass.

    Each part is reduced by itself, as ``l1_loss`` and ``ssim_loss`` do; the difference is taken of
    images whose range has length 1.

    Args:
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        k1, k2: the stabilising constants, both above 0.
        backend: ``"auto"``, or one by name, which runs or raises; one pass serves ``"mean"`` and
            ``"image"``.
        weight: of ``1 - SSIM``, in [0, 1].
        eps: ``None`` for L1; a number puts the Charbonnier distance in its place, ``eps`` in units
            of the data range.
        window_size: number of taps of the Gaussian, odd unless ``padding="valid"``.
        sigma: standard deviation of the Gaussian in pixels.
        padding: of SSIM, what lies beyond the border: ``"valid"`` uses whole windows only,
            ``"reflect"`` mirrors without repeating the edge, ``"replicate"`` repeats it,
            ``"zeros"``.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` with values in ``data_range``.
        mask: ``(N, 1 or C, H, W)`` weights of both parts.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, unknown words, ``reduction="none"`` with valid borders.
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

    Source: Sneyers, ``ssimulacra2.cc`` of cloudinary/ssimulacra2. Agrees with it to 0.02, and with
    frame-analytics to 1e-9 in float64.
    """

    data_range: float | tuple[float, float]
    min_size: Literal["error", "fewer_scales"]
    reduction: Literal["mean", "sum", "image", "none"]
    def __init__(
        self,
        *,
        data_range: float | tuple[float, float] = 1.0,
        min_size: Literal["error", "fewer_scales"] = "error",
        reduction: Literal["mean", "sum", "image", "none"] = "mean",
    ) -> None: ...
    def forward(self, pred: Tensor, target: Tensor) -> Tensor: ...
    def __call__(self, pred: Tensor, target: Tensor) -> Tensor: ...

class StructureCorrelationLoss(MeasureLoss):
    """``1 - structure_correlation``, taken before the reduction.

    Structure term without constants, ``r* = cov_xy / (sigma_x sigma_y)``, in [-1, 1].

    1 where both windows are flat, 0 where only one is; flat means a variance that float rounding
    could have made, below ``4 eps L^2`` (a deviation of 1/1450 of the range in float32). The
    gradient of a window where only one image is flat is that of a deviation of 0.03 of the range,
    not the infinite one of the definition. Blind to brightness and contrast: weigh it with a pixel
    loss.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.
        window: ``"gaussian"``, ``"uniform"`` or a 1-D tensor of weights, applied along every axis
            and normalised to unit sum.
        window_size: number of taps, odd unless ``padding="valid"``; a custom window brings its own.
        sigma: standard deviation of the Gaussian in pixels.
        padding: what lies beyond the border: ``"valid"`` uses whole windows only, ``"reflect"``
            mirrors without repeating the edge, ``"replicate"`` repeats it, ``"zeros"``.
        backend: ``"auto"``, or one by name, which runs or raises.

    ``forward(pred, target, *, mask=None)``:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)`` with values in
            ``data_range``; each channel is compared by itself.
        mask: ``(N, 1 or C, H, W)`` weights, by normalised convolution.

    Returns:
        A scalar; ``(N,)`` for ``"image"``; the map ``(N, C, H', W')`` for ``"none"``,
        ``window_size - 1`` smaller with valid borders.

    Raises:
        ValueError: shapes differ, images smaller than the window, unknown words.
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

class TotalVariationLoss(MeasureLoss):
    """Total variation of an image: the differences ``dx``, ``dy`` of each pixel to its right and
    lower neighbour; of a volume, ``dz`` to the next slice too.

    Args:
        reduction: ``"image"`` returns the images' numbers ``(N,)``, ``"mean"`` their mean; under a
            mask the mean of means is taken over the weight of the batch, so that an image without
            valid pixels does not count. ``"sum"`` adds all terms of the batch, whatever
            ``within_image`` (``"image_l2"``: the images' numbers). ``"none"`` is the map.
        backend: ``"auto"``, or one by name, which runs or raises; kernels reduce images, and know
            neither masks nor volumes.
        norm: ``"anisotropic"`` ``|dx| + |dy|``; ``"isotropic"`` ``sqrt(dx^2 + dy^2)`` at each
            pixel, a difference across the far border being 0; ``"squared"`` ``dx^2 + dy^2``;
            ``"image_l2"`` one root per image, of the ``"squared"`` total. Volumes add ``dz``.
        within_image: the number of one image: ``"mean"`` is the mean over its dx plus the mean over
            its dy, each over its own count (``"isotropic"``: the mean over its pixels), which does
            not grow with the image; ``"sum"`` adds all of them.

    ``forward(pred, *, mask=None)``:
        pred: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; a difference weighs as the product of its two pixels'
            weights (``"isotropic"``: a pixel weighs as itself, its differences to invalid pixels
            are 0). Masking all but a rectangle is the total variation of that rectangle.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``: the
        unscaled terms at each pixel, no dx in the last column and no dy in the last row. With
        ``norm="image_l2"`` there is no map: ``"none"`` returns ``(N,)``.

    Raises:
        ValueError: not four or five dimensions, unknown words.
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

    Gray images are compared as they are, of RGB images the luma ``0.299 R + 0.587 G + 0.114 B``,
    which is not rounded. Windows are whole. What is shared rises with the square of the shared
    detail, so a flat image, or the negative of the target, has the gradient 0: add a pixel loss.
    A flat target has no information, and counts 1. Windows count as flat if rounding can have
    made their variance.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
        backend: ``"auto"``, or one by name, which runs or raises.
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

class VSILoss(MeasureLoss):
    """``1 - vsi``, taken before the reduction.

    Visual saliency-induced index: 1 for equal images, lower for worse ones.

    RGB images are sRGB; a gray image is treated as RGB with three equal channels. Images of more
    than 384 pixels on the short side are first shrunk to about 256, as in the authors' program.
    Saliency is always computed at 256 x 256 pixels, so that a small crop costs as much as an image
    of that size.

    Saliency is scaled to [0, 1] in each image. It is 0 in an image without detail or without
    differences of colour; the gradient of such an image comes from gradients and colours. If both
    images have no saliency, all positions have equal weights.

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

    Source: Zhang, Shen & Li 2014, with the constants of the authors' program.
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
        ValueError: shapes or devices differ, images too small, other than three band weights,
            weights that are all 0, unknown words.
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

    VMAF v0.6.1 of images or clips, of their luma: 0 to 100, higher is better. The loss is
    ``100 - VMAF``, not cut, so that its gradient does not end at 100.

    Images are frames without motion; clips have the motion of ``target``. Equal frames that do not
    move score 97.43, not 100. VMAF rewards sharpening: train with ``model="v0.6.1neg"`` or beside a
    pixel loss, and see ``docs/vmaf.md``.

    Args:
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``; black and white of RGB. Of gray
            images, 255, 1023, 4095 and 65535 are codes of 8, 10, 12 and 16 bits, which are divided
            by ``2^(bits - 8)`` as in libvmaf; any other range is scaled to 255.
        reduction: ``"mean"`` or ``"sum"`` over frames; ``"image"`` the mean of each clip ``(N,)``;
            ``"none"`` a value per frame.
        backend: ``"auto"``, or one by name, which runs or raises.
        matrix: luma of RGB images: ``"bt709"``, or ``"bt601"``.
        luma_range: codes of the luma of RGB images: ``"limited"`` from 16 to 235, as videos are
            stored, or ``"full"`` from 0 to 255. Gray images are compared as they are.
        model: ``"v0.6.1"``; ``"v0.6.1neg"``, which does not reward sharpening and added contrast;
            or a :class:`ssimloss.video.SVR`.
        feature_weights: weights by the names of features, ``vif_scale0`` .. ``vif_scale3``,
            ``adm2``, ``adm_scale0`` .. ``adm_scale3``; the score is then 100 times their weighted
            mean in place of the regression.

    ``forward(pred, target)``:
        pred, target: float images ``(N, 1 or 3, H, W)`` or clips ``(N, T, 1 or 3, H, W)`` with
            values in ``data_range``, at least 16 pixels a side.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N,)`` or ``(N, T)`` for ``"none"``.

    Raises:
        ValueError: shapes differ, images that are neither gray nor RGB, less than 16 pixels a side,
            unknown words.
        TypeError: integer tensors.

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

    What the well-known programs compare is in ``conventions.CONTENT``:
    ``PerceptualLoss(**conventions.CONTENT["esrgan"])``.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is taken.
        layers: weights by name of the layer. ``conv5_4`` is before the activation, ``relu5_4``
            after it. By default the deepest layer of stride 16, before its activation if that has
            a name: ``conv5_4`` of VGG19, ``layer3`` of a ResNet. Layers of weight 0 are left out,
            also of ``reduction="none"``.
        distance: ``"l1"``, ``"l2"`` (squared), ``"charbonnier"``, each averaged over channels and
            positions; or ``"cosine"``: one minus the cosine between the two vectors at a position,
            averaged over positions, 0 for two zero vectors and 1/2 for one.
        eps: of ``"charbonnier"``, in units of the scaled features.
        feature_norm: ``"none"``; ``"unit"`` makes each position's vector a unit vector, as LPIPS
            does; ``"rms"`` divides both images' features by the root mean square of the target's,
            so that layers of different scale weigh alike; by 1 where that is below 1e-6, as of a
            layer in which the target has nothing.
        feature_scale: factor on the (normalised) features; SRGAN has 1 / 12.75.
        weights: ``"imagenet"``, another of torchvision's names, a path, a state dict in
            torchvision's layout, or ``"random"``: the same random numbers every time, and the
            process's random generators are left alone. ``"embedded"`` has weights of its own, which
            the default loads. Leave it out if ``network`` is a module.
        data_range: the range of the image's values: ``L`` for ``[0, L]``, or ``(lo, hi)``. The
            image is scaled to [0, 1] first.
        normalization: applied to the image in [0, 1]. ``"imagenet"`` subtracts ImageNet's mean and
            divides by its standard deviation, ``"none"`` does nothing, ``(mean, std)`` has one
            number per channel and so sets the number of channels.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        pooling: what replaces the network's ``nn.MaxPool2d``: ``"max"`` keeps it, ``"average"``
            averages the same windows, ``"l2"`` pools as DISTS does.
        dtype: of the convolutions, for example ``torch.bfloat16``. ``None``: float32, and float64
            for float64 images. ``torch.float16`` raises, because small gradients vanish in it.
        channels_last: whether the convolutions run in this memory format.
        checkpoint: whether nothing is kept between the layers for the backward pass, which then
            runs the network again.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Raises:
        TypeError, ValueError: arguments of wrong type; unknown names and layers; weights of another
            architecture.
        RuntimeError: a file of weights that is missing or damaged; it names the file and how to get
            it.

    ``forward(pred, target, *, mask=None)`` takes images ``(N, C, H, W)``; ``target`` may be what
    :meth:`extract` returned. ``mask`` holds weights ``(N, 1 or C, H, W)``. Pixels of weight 0 are
    gray in both images, so that what stands there has no part in features nearby.
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

    How the well-known programs normalise and compare is in ``conventions.GRAM``:
    ``TextureLoss(**conventions.GRAM["basicsr"])``.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is taken.
        layers: weights by name of the layer. By default the layers of Johnson et al. 2016 in a VGG,
            ``relu1_2`` to ``relu4_3``; in another network the last layer of each stage up to stride
            8, as these are. Layers of weight 0 are left out.
        gram: normalisation of :func:`gram_matrix`. ``"bchw"`` makes one matrix of the whole batch.
        distance: over the elements of a matrix: mean of ``"l1"`` or ``"l2"`` (squared),
            ``"frobenius"`` (the root of the sum of squares) or ``"squared_frobenius"`` (the sum).
        patch_size: compare patch by patch, in positions of the layer: one number for all layers, or
            one per layer. The patches of 16 x 16 image pixels of EnhanceNet are
            ``{"relu1_1": 16, "relu2_1": 8, "relu3_1": 4}`` in VGG, whose sides halve between these.
            The loss of an image is the mean over its patches.
        stride: from patch to patch, ``patch_size`` unless given; what is left over at the far
            borders is in no patch.
        weights: ``"imagenet"``, another of torchvision's names, a path, a state dict in
            torchvision's layout, or ``"random"``: the same random numbers every time, and the
            process's random generators are left alone. ``"embedded"`` has weights of its own, which
            the default loads. Leave it out if ``network`` is a module.
        data_range: the range of the image's values: ``L`` for ``[0, L]``, or ``(lo, hi)``. The
            image is scaled to [0, 1] first.
        normalization: applied to the image in [0, 1]. ``"imagenet"`` subtracts ImageNet's mean and
            divides by its standard deviation, ``"none"`` does nothing, ``(mean, std)`` has one
            number per channel and so sets the number of channels.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        pooling: what replaces the network's ``nn.MaxPool2d``: ``"max"`` keeps it, ``"average"``
            averages the same windows, ``"l2"`` pools as DISTS does.
        dtype: of the convolutions, for example ``torch.bfloat16``. ``None``: float32, and float64
            for float64 images. ``torch.float16`` raises, because small gradients vanish in it.
        channels_last: whether the convolutions run in this memory format.
        checkpoint: whether nothing is kept between the layers for the backward pass, which then
            runs the network again.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Raises:
        TypeError, ValueError: arguments of wrong type; unknown names and layers; weights of another
            architecture.
        RuntimeError: a file of weights that is missing or damaged; it names the file and how to get
            it.

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
    """Contextual loss of two images, which need not be aligned.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is taken.
        layers: weights by name of the layer. By default the layers of the original program in a
            VGG, ``relu3_2`` and ``relu4_2``; in another network the last layers of stride 4 and 8,
            as these are. Layers of weight 0 are left out.
        bandwidth: ``h``, how much nearer counts as similar.
        distance: ``"cosine"``: ``(1 - cos) / 2`` between features from which the target's mean over
            positions was subtracted; or ``"l2"``, the squared distance.
        weights: ``"imagenet"``, another of torchvision's names, a path, a state dict in
            torchvision's layout, or ``"random"``: the same random numbers every time, and the
            process's random generators are left alone. ``"embedded"`` has weights of its own, which
            the default loads. Leave it out if ``network`` is a module.
        data_range: the range of the image's values: ``L`` for ``[0, L]``, or ``(lo, hi)``. The
            image is scaled to [0, 1] first.
        normalization: applied to the image in [0, 1]. ``"imagenet"`` subtracts ImageNet's mean and
            divides by its standard deviation, ``"none"`` does nothing, ``(mean, std)`` has one
            number per channel and so sets the number of channels.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        pooling: what replaces the network's ``nn.MaxPool2d``: ``"max"`` keeps it, ``"average"``
            averages the same windows, ``"l2"`` pools as DISTS does.
        dtype: of the convolutions, for example ``torch.bfloat16``. ``None``: float32, and float64
            for float64 images. ``torch.float16`` raises, because small gradients vanish in it.
        channels_last: whether the convolutions run in this memory format.
        checkpoint: whether nothing is kept between the layers for the backward pass, which then
            runs the network again.
        reduction: ``"mean"`` and ``"sum"`` over images, ``"image"`` or ``"none"``.

    Raises:
        TypeError, ValueError: arguments of wrong type; unknown names and layers; weights of another
            architecture.
        RuntimeError: a file of weights that is missing or damaged; it names the file and how to get
            it.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned. Time grows with the square of the number of positions: take layers of a low
    resolution, or crops.
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

class LPIPS(MaskedLoss):
    """LPIPS of two images (Zhang et al. 2018): equal to the package ``lpips``, with a finite
    gradient everywhere.

    :class:`ssimloss.metrics.LPIPS` is a torchmetrics metric of the same values, without a gradient.

    Args:
        network: ``"alexnet"`` (what papers report), ``"vgg16"`` (what is mostly trained with) or
            ``"squeezenet1_1"``, or the short names of the package ``lpips``: ``"alex"``, ``"vgg"``,
            ``"squeeze"``.
        weights: of the network: ``"imagenet"``, as in the published LPIPS (those of
            ``"alexnet"`` travel with the package), a path, a state dict in
            torchvision's layout, or ``"random"``: the same random numbers every time, and the
            process's random generators are left alone.
        data_range: ``L`` for images in ``[0, L]``, or ``(lo, hi)``; the package's own is
            ``(-1, 1)``.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        dtype: of the convolutions, for example ``torch.bfloat16``. ``None``: float32, and float64
            for float64 images. ``torch.float16`` raises, because small gradients vanish in it.
        channels_last: whether the convolutions run in this memory format.
        checkpoint: whether nothing is kept between the layers for the backward pass, which then
            runs the network again.
        heads: ``"v0.1"``, which travel with the package, or one 1-D tensor per layer.
        spatial: a map of distances, resized to the images and added up over layers; reductions are
            then over the map.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``: ``(N,)``, or the map
            ``(N, 1, H, W)``.

    Raises:
        TypeError, ValueError: arguments of wrong type; unknown names and layers; weights of another
            architecture.
        RuntimeError: a file of weights that is missing or damaged; it names the file and how to get
            it.

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

class DISTS(MaskedLoss):
    """DISTS of two images (Ding et al. 2020): equal to the package ``DISTS_pytorch``. Texture may
    differ in place, structure may not.

    It is in [0, 1.124] with the published weights: above 1 where structures are opposite, whose
    similarity is negative and weighs 0.124.

    :class:`ssimloss.metrics.DISTS` is a torchmetrics metric of the same values, without a gradient.

    Args:
        weights: of the network: ``"imagenet"``, as in the published DISTS, a path, a state dict in
            torchvision's layout, or ``"random"``: the same random numbers every time, and the
            process's random generators are left alone.
        data_range: the range of the image's values: ``L`` for ``[0, L]``, or ``(lo, hi)``. The
            image is scaled to [0, 1] first.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        dtype: of the convolutions, for example ``torch.bfloat16``. ``None``: float32, and float64
            for float64 images. ``torch.float16`` raises, because small gradients vanish in it.
        channels_last: whether the convolutions run in this memory format.
        checkpoint: whether nothing is kept between the layers for the backward pass, which then
            runs the network again.
        alpha, beta: weights of texture and structure, one 1-D tensor for the image's channels and
            for each of five layers, or all 1475 in one tensor; the published ones, which travel
            with the package, unless given.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``, which both give ``(N,)``.

    Raises:
        TypeError, ValueError: arguments of wrong type; unknown names and layers; weights of another
            architecture.
        RuntimeError: a file of weights that is missing or damaged; it names the file and how to get
            it.

    ``forward(pred, target, *, mask=None)`` takes images ``(N, C, H, W)``; ``target`` may be what
    :meth:`extract` returned. ``mask`` holds weights ``(N, 1 or C, H, W)`` of all statistics; pixels
    of weight 0 have no influence. The published numbers are of images with 256 pixels on the
    shorter side; nothing is resized here.
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

class DeepPerceptualSimilarity(MaskedLoss, LayeredLoss):
    """Distance between deep features of two images at each position, of any network, layers and
    distance, with or without learned heads.

    LPIPS is one of the family: ``normalized_l2`` at five layers of a VGG, with heads. Which network
    and distance agree with people is not the same in each data set (Khatami & Mahmoudi-Aznaveh
    2023): measure it on yours, or let :meth:`fit_heads` weigh the channels.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is taken.
        layers: weights by name of the layer. By default those of LPIPS in a VGG, AlexNet or
            SqueezeNet 1.1, one or more for each stage; in another network the last layer of each
            stage up to stride 16. Layers of weight 0 are left out.
        distance: between two vectors, the sum over channels of ``"l1"``: ``|p - t|``; ``"l2"``:
            ``(p - t)^2``; ``"normalized_l2"``: the same of unit vectors, as in LPIPS; ``"cosine"``:
            half of that, which is one minus the cosine (0 for two zero vectors).
        weights: ``"imagenet"``, another of torchvision's names, a path, a state dict in
            torchvision's layout, or ``"random"``: the same random numbers every time, and the
            process's random generators are left alone. ``"embedded"`` has weights of its own, which
            the default loads. Leave it out if ``network`` is a module.
        data_range: the range of the image's values: ``L`` for ``[0, L]``, or ``(lo, hi)``. The
            image is scaled to [0, 1] first.
        normalization: applied to the image in [0, 1]. ``"imagenet"`` subtracts ImageNet's mean and
            divides by its standard deviation, ``"none"`` does nothing, ``(mean, std)`` has one
            number per channel and so sets the number of channels.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        pooling: what replaces the network's ``nn.MaxPool2d``: ``"max"`` keeps it, ``"average"``
            averages the same windows, ``"l2"`` pools as DISTS does.
        dtype: of the convolutions, for example ``torch.bfloat16``. ``None``: float32, and float64
            for float64 images. ``torch.float16`` raises, because small gradients vanish in it.
        channels_last: whether the convolutions run in this memory format.
        checkpoint: whether nothing is kept between the layers for the backward pass, which then
            runs the network again.
        heads: one 1-D tensor per layer, weights of its channels; 1 unless given. They are not
            trained with a model; ``heads`` returns them.
        spatial: a map of distances, resized to the images and added up over layers; reductions are
            then over the map.
        reduction: ``"mean"`` and ``"sum"`` over images, or over the map; ``"image"`` or ``"none"``.

    Raises:
        TypeError, ValueError: arguments of wrong type; unknown names and layers; weights of another
            architecture.
        RuntimeError: a file of weights that is missing or damaged; it names the file and how to get
            it.

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
        """Set ``heads`` to the non-negative weights that agree best with people's judgements.

        The distance is linear in its heads, so this is a convex fit with one result: features are
        computed once, nothing is random.

        Args:
            judgements: batches, such as a ``DataLoader`` gives, all of one of two kinds.
                ``(reference, a, b, preference)``: three images ``(n, C, H, W)`` and the share
                ``(n,)`` of people who found ``b`` nearer to the reference.
                ``(reference, image, score)``: two images and a mean opinion score ``(n,)``.
            better: whether a ``"high"`` score is better (MOS), or a ``"low"`` one (DMOS); of scores
                only.
            regularization: weight of half the squared norm of the heads in units of each channel's
                spread; more for fewer judgements.
            steps: of the descent; it has converged when more change nothing.

        Returns:
            How well distances agreed with the judgements ``before`` and ``after``: the share of
            people agreed with, or the correlation of distances with scores.

        Raises:
            ValueError: no judgement, batches of neither kind or of both, not one finite number for
                each image, preferences that are no shares, scores that are all the same, judgements
                that no channel agrees with. The heads stay as they were.
        """

    @property
    def _compared(self) -> DeepSimilarityOptions: ...

class PriorLoss(OutputLoss):
    """Distance between what a frozen network says of two images: an embedding of a face, logits, a
    segmentation, a depth map.

    Args:
        network: an ``nn.Module`` of images ``(N, C, H, W)``, of which a frozen copy is taken. Its
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
        dtype: of the convolutions, for example ``torch.bfloat16``. ``None``: float32, and float64
            for float64 images. ``torch.float16`` raises, because small gradients vanish in it.
        channels_last: whether the convolutions run in this memory format.
        checkpoint: whether nothing is kept between the layers for the backward pass, which then
            runs the network again.
        output: which part of the output is compared, where it is a list, a tuple or a dictionary:
            ``-1`` for the last of several stages, ``"out"`` for that entry.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``: each element of the output, or
            each vector for ``"cosine"``.

    Raises:
        TypeError, ValueError: arguments of wrong type; unknown names and layers; weights of another
            architecture.
        RuntimeError: a file of weights that is missing or damaged; it names the file and how to get
            it.

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
            which a frozen copy is taken.
        compare: ``"heatmaps"``: the squared difference, averaged over positions; ``"coordinates"``:
            the squared distance between the :func:`soft_argmax` of the two, a side of the map being
            1.
        sharpness: of the soft-argmax.
        data_range: ``L`` for images in ``[0, L]``, or ``(lo, hi)``; the network sees them on a
            scale of [0, 1], then normalised.
        normalization: what the network was trained with, as in :class:`PriorLoss`.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        dtype: of the convolutions, for example ``torch.bfloat16``. ``None``: float32, and float64
            for float64 images. ``torch.float16`` raises, because small gradients vanish in it.
        channels_last: whether the convolutions run in this memory format.
        checkpoint: whether nothing is kept between the layers for the backward pass, which then
            runs the network again.
        output: which part of the output is compared, where it is a list or a tuple of stages, or a
            dictionary: ``-1`` for the last stage.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``: one value per landmark
            ``(N, K)``.

    Raises:
        TypeError, ValueError: arguments of wrong type; unknown names and layers; weights of another
            architecture.
        RuntimeError: a file of weights that is missing or damaged; it names the file and how to get
            it.

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
    """What a generator and a discriminator minimise, of the discriminator's logits.

    It has no ``forward``: :meth:`discriminator_loss` is for the step of the discriminator,
    :meth:`generator_loss` for that of the generator, also as a term,
    ``Term(AdversarialLoss("hinge").generator_loss, 5e-3, inputs=("fake_logits",))``. What papers
    and programs choose is in ``conventions.ADVERSARIAL``:
    ``AdversarialLoss(**conventions.ADVERSARIAL["esrgan"])``.

    Only the generator uses ``saturating`` and ``detach_real``. Only the discriminator uses
    ``label_smoothing``, ``smoothed``, ``flip_probability`` and ``detach_average``.

    Args:
        kind: ``"cross_entropy"``, ``"least_squares"``, ``"hinge"``, ``"wasserstein"``, or
            ``"softplus"``: cross entropy as StyleGAN writes it, without labels.
        relativistic: None, ``"average"`` (against the mean of the other side, over batch and
            patches of this process) or ``"paired"`` (image by image).
        targets: of least squares, for fake, real and the generator: ``a, b, c`` of the paper. None
            means ``(0, 1, 1)``, and in relativistic forms ``(-1, 1, 1)``, as published.
        square_weight: factor of the squares. None means 0.5 as in the paper, and 1 in relativistic
            forms; CycleGAN has 1 everywhere.
        scales: of lists, ``"mean"`` or ``"sum"`` (pix2pixHD) of their entries.
        total: of the part of real and the part of fake logits, ``"sum"``, or ``"mean"`` (half each:
            CycleGAN, ESRGAN). The generator has both parts in the relativistic average only.
        synchronize: take the average over all processes of ``torch.distributed``, which must hold
            equal batches, and not of each alone (as programs do). Every process has to call the
            loss, and its backward pass.
        check_finite: raise for logits that are not finite. Reads the values: it waits for the
            device, and does not compile.
        label_smoothing: how far the label of real moves towards that of fake (of cross entropy and
            least squares), at most 0.5.
        smoothed: ``"real"`` only (one-sided, Salimans et al. 2016), or the labels of ``"both"``.
        flip_probability: probability with which an image (in the paired form, a pair) is taken for
            one of the other side.
        detach_average: take the average of the other side as a constant (BasicSR's ESRGAN); the
            paper does not.
        saturating: of cross entropy and softplus, minus the discriminator's loss (the minimax game)
            and not the loss with the roles exchanged. Its gradient vanishes where the discriminator
            is sure.
        detach_real: take the real logits as constants (ESRGAN), so that no graph of the
            discriminator is kept for them. The gradient of a generator does not depend on it,
            unless real logits depend on the generator.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"`` (of one tensor) of each tensor
            of logits.
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
        """What the generator minimises: :func:`ssimloss.functional.adversarial_generator_loss`."""

    def discriminator_loss(
        self,
        real_logits: Tensor | Sequence[Tensor] | Sequence[Sequence[Tensor]],
        fake_logits: Tensor | Sequence[Tensor] | Sequence[Sequence[Tensor]],
        *,
        labels: Tensor | None = None,
        rng: Generator | None = None,
    ) -> Tensor:
        """What the discriminator minimises:
        :func:`ssimloss.functional.adversarial_discriminator_loss`.
        """

class FrechetLoss(SetLoss):
    """Frechet distance of the features of generated and of real images: FID as a loss.

    Args:
        extractor: makes features of images, whose means over positions are compared; without it the
            loss takes features.
        memory: rows of past features of ``pred`` that each call compares beside the batch, without
            a gradient. A distance of few rows is noisy, and the Frechet distance biased upwards.
        target_memory: the same of ``target``; ``memory`` for None. Pass 0 if every call has the
            features of the whole data set for ``target``.

    ``forward(pred, target)`` takes features ``(N, D)``, or images with an extractor, of two sets
    that need not belong together. The gradient reaches the rows of the batch only, and is as
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
        extractor: makes features of images, whose means over positions are compared; without it the
            loss takes features.
        memory: rows of past features of ``pred`` that each call compares beside the batch, without
            a gradient. A distance of few rows is noisy, and the Frechet distance biased upwards.
        target_memory: the same of ``target``; ``memory`` for None. Pass 0 if every call has the
            features of the whole data set for ``target``.
        degree: degree of the polynomial, at least 1.
        gamma: factor of the inner product, positive; ``1 / D`` for None.
        coef0: constant that is added to the product.

    ``forward(pred, target)`` takes features ``(N, D)``, or images with an extractor, of two sets
    that need not belong together. :func:`ssimloss.functional.kernel_distance_loss` is the equation.
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
        extractor: makes features of images, whose means over positions are compared; without it the
            loss takes features.
        memory: rows of past features of ``pred`` that each call compares beside the batch, without
            a gradient. A distance of few rows is noisy, and the Frechet distance biased upwards.
        target_memory: the same of ``target``; ``memory`` for None. Pass 0 if every call has the
            features of the whole data set for ``target``.
        sigma: width of the kernel, in the features' own units; positive.
        scale: factor of the result, positive.

    ``forward(pred, target)`` takes features ``(N, D)``, or images with an extractor, of two sets
    that need not belong together. :func:`ssimloss.functional.cmmd_loss` is the equation.
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
