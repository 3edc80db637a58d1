"""VSI: similarity of saliency, gradient magnitude and chromaticity, weighted by saliency.

``VSI = sum(S_VS S_G^a S_C^b VS_m) / sum(VS_m)``, ``VS_m`` the larger saliency of both images,
``S`` similarities ``(2 a b + C) / (a^2 + b^2 + C)``, and ``S_C`` the product of those of ``M`` and
``N``. The saliency is ``VS = S_F S_D S_C`` (SDSP): band-passed CIELAB, nearness to the centre and
warmth of the colour.

Zhang, Shen & Li, "VSI: a visual saliency-induced index for perceptual image quality assessment",
2014; saliency: Zhang, Gu & Li, "SDSP: a novel saliency detection method by combining simple
priors", 2013. The original implementation is ``VSI.m`` of the authors.
"""

from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssimloss import _checks
from ssimloss._constants import planes as constant_planes
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss._references import of_reference
from ssimloss._roots import held_power, real_power, root
from ssimloss.color.channels import linear_light
from ssimloss.color.lab import LAB_EXACT, LabCurve, lab_of_xyz
from ssimloss.functional._gradient_similarity import (
    OF_LUMA,
    Rows,
    backend_for,
    channel_means,
    check_colors,
    check_least_side,
    combined,
    factor_to_256,
    gradient_similarity,
    similarity,
)
from ssimloss.functional._log_gabor import radial
from ssimloss.functional._one_by_one import one_by_one
from ssimloss.functional._resizing import corners, points, resized, smooth
from ssimloss.kernels import Backed, BlockBorder
from ssimloss.kernels import Backend as BackendName
from ssimloss.measure import Measure

Array = NDArray[np.float64]
Resizing = Literal["smooth", "points", "none"]
Negative = Literal["real", "magnitude"]

# Luma and the opponent colours M and N, and constants for images from 0 to 255.
_LMN: Rows = ((0.06, 0.63, 0.27), (0.30, 0.04, -0.35), (0.34, -0.60, 0.17))
_C1, _C2, _C3 = 1.27, 386.0, 130.0
_LAB: LabCurve = (0.008856, 903.3 / 116, 16 / 116)
_OMEGA, _SIGMA_F, _SIGMA_D, _SIGMA_C = 0.021, 1.34, 145.0, 0.001
_SIDE = 256  # pixels at which saliency is computed
_LEAST = 3  # pixels

# Linear RGB to X, Y, Z, and what these are divided by: the authors' D50, piq's digits of it, and
# the inverse of D65, as IQA-optimization multiplies by the white.
_SRGB: Rows = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_SHORT: Rows = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_WHITES: dict[str, tuple[Rows, tuple[float, float, float]]] = {
    "d50": (_SRGB, (0.9642, 1.0, 0.8251)),
    "d50_long": (_SRGB, (0.9642119944211994, 1.0, 0.8251882845188288)),
    "d65_inverse": (_SHORT, (1 / 0.950456, 1.0, 1 / 1.088754)),
}


class VSIOptions(Backed, Reduced, Ranged):
    """Options of VSI.

    Args:
        alpha: exponent ``a`` of the similarity of gradients, from 0 to 1.
        beta: exponent ``b`` of the similarity of colours, from 0 to 1.
        backend: ``"auto"``, or one by name, which runs or raises: of L, M, N and saliency, shrunk.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    alpha: float = 0.4
    beta: float = 0.02

    def __post_init__(self) -> None:
        """Check the options; an error names the one at fault."""
        super().__post_init__()
        _checks.fraction("alpha", self.alpha)
        _checks.fraction("beta", self.beta)


def _vsi(pred: Tensor, target: Tensor, options: VSIOptions) -> Scores:
    """Visual saliency-induced index: 1 for equal images, lower for worse ones.

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
    return vsi_of(pred, target, options)


def vsi_of(
    pred: Tensor,
    target: Tensor,
    options: VSIOptions,
    *,
    resizing: Resizing = "smooth",
    white: str = "d50",
    blocks: BlockBorder = "zeros",
    negative: Negative = "real",
) -> Scores:
    """VSI with the details in which implementations differ."""
    check_colors(pred, target)
    check_least_side(pred, _LEAST, "for gradients")
    backend = backend_for(options.backend, pred, target, None)
    dtype = native_dtype(pred, target)
    x, y = promote(pred, target)
    if not len(x):  # an empty batch has no Fourier transform
        return Scores((x + y).flatten(1).sum(1), None, 1, dtype)
    short = min(pred.shape[2:])
    factor = factor_to_256(x) if blocks == "zeros" else max(1, round(short / 256))
    how = _Saliency(options.low, options.span, resizing, white, _SIDE, factor, blocks, backend)
    found = one_by_one(partial(_scores, how=how, options=options, negative=negative), x, y)
    return Scores(found.squeeze(1), None, 1, dtype)


class _Saliency(NamedTuple):
    """How saliency is computed, and the blocks whose means are taken."""

    low: float  # of the data range
    span: float
    resizing: Resizing
    white: str
    side: int
    factor: int
    blocks: BlockBorder
    backend: BackendName


def _scores(
    x: Tensor, y: Tensor, how: _Saliency, options: VSIOptions, negative: Negative
) -> Tensor:
    """The similarity of each image, ``(N, 1)``."""
    vs_x, vs_y = _saliency_means(x, how), of_reference(_saliency_means, y, how)
    x, y = (
        channel_means(
            image,
            _LMN,
            how.factor,
            how.backend,
            low=how.low,
            scale=255 / how.span,
            border=how.blocks,
        )
        for image in (x, y)
    )
    s_g = gradient_similarity(x[:, :1], y[:, :1], "scharr", _C2)
    s_mn = similarity(x[:, 1:], y[:, 1:], _C3)
    s_c = s_mn[:, 0:1] * s_mn[:, 1:2]
    values = similarity(vs_x, vs_y, _C1) * held_power(s_g, options.alpha)
    values = values * real_power(s_c if negative == "real" else s_c.abs(), options.beta)
    # Without any saliency, every position counts alike.
    weight = torch.maximum(vs_x, vs_y) + torch.finfo(x.dtype).eps
    return (values * weight).flatten(1).sum(1, True) / weight.flatten(1).sum(1, True)


def _saliency_means(image: Tensor, how: _Saliency) -> Tensor:
    """Means of blocks of the saliency on a scale from its least value to its largest one."""
    vs = _saliency(image, how)
    low, extent = _limits(vs)
    means = channel_means(vs, OF_LUMA, how.factor, how.backend, border=how.blocks)
    if how.blocks == "zeros":  # which lie beyond the border on either scale
        low = low * constant_planes(covered, *vs.shape[2:], how.factor, like=vs)
    return _scaled(means, low, extent)


def _saliency(image: Tensor, how: _Saliency) -> Tensor:
    """SDSP of sRGB images ``(N, 1 or 3, H, W)``: ``(N, 1, H, W)`` on a scale of each image."""
    size, resizing = image.shape[2:], how.resizing
    if resizing != "none":
        sides = (how.side, how.side)
        image = resized(image, sides, smooth if resizing == "smooth" else points)
    if how.low != 0 or how.span != 1:
        image = (image - how.low) / how.span
    lab = _lab(image.expand(-1, 3, -1, -1), how.white)
    h, w = lab.shape[2:]
    s_f = root(_band_passed(lab).square().sum(1, keepdim=True))
    centre = around_centre if resizing != "none" else around_centre_from_0
    s_d = constant_planes(centre, h, w, like=lab)
    warmth = _unit_range(lab[:, 1:]).square().sum(1, keepdim=True)
    s_c = -torch.expm1(-warmth / _SIGMA_C**2)
    vs = s_f * s_d * s_c
    if resizing != "none":
        vs = resized(vs, size, smooth if resizing == "smooth" else corners)
    return vs


def _lab(image: Tensor, white: str) -> Tensor:
    """CIELAB of sRGB in [0, 1]: ``(N, 3, H, W)``."""
    matrix, whites = _WHITES[white]
    rows = [(r / w, g / w, b / w) for (r, g, b), w in zip(matrix, whites, strict=True)]
    curve = LAB_EXACT if white == "d65_inverse" else _LAB
    return lab_of_xyz(combined(linear_light(image), rows), curve)


def _band_passed(lab: Tensor) -> Tensor:
    """``L, a, b`` through the log-Gabor filter."""
    centred = lab - lab.mean((2, 3), keepdim=True)  # the filter is 0 there; less is rounded
    if torch.compiler.is_compiling():
        return _filtered(centred)
    found: Tensor = _BandPassed.apply(centred)
    return found


def _filtered(planes: Tensor) -> Tensor:
    h, w = planes.shape[2:]
    transfer = constant_planes(log_gabor, h, w, like=planes)
    found: Tensor = torch.fft.irfft2(torch.fft.rfft2(planes) * transfer, s=(h, w))
    return found


class _BandPassed(torch.autograd.Function):
    """The filter, which is its own transpose: its transfer function is real and symmetric. PyTorch
    would differentiate each transform by one of the whole plane of complex numbers.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(planes: Tensor) -> Tensor:
        return _filtered(planes)

    @staticmethod
    def setup_context(_ctx: Any, _inputs: tuple[Tensor], _output: Tensor) -> None:
        pass

    @staticmethod
    def backward(_ctx: Any, upstream: Tensor) -> Tensor:
        found: Tensor = _BandPassed.apply(upstream)
        return found

    @staticmethod
    def jvp(_ctx: Any, tangent: Tensor) -> Tensor:
        found: Tensor = _BandPassed.apply(tangent)
        return found


def _unit_range(planes: Tensor) -> Tensor:
    """Each plane, from its least value 0 to its largest 1; 0 where they differ by rounding only."""
    return _scaled(planes, *_limits(planes))


def _limits(planes: Tensor) -> tuple[Tensor, Tensor]:
    """The least value of each plane, and how far the largest is above it."""
    low = planes.amin((2, 3), keepdim=True)
    return low, planes.amax((2, 3), keepdim=True) - low


def _scaled(values: Tensor, low: Tensor, extent: Tensor) -> Tensor:
    flat = extent < 4096 * torch.finfo(values.dtype).eps  # CIELAB reaches hundreds
    return torch.where(flat, 0, (values - low) / torch.where(flat, 1, extent))


def log_gabor(h: int, w: int) -> Array:
    """The transfer function of half of the spectrum, ``(h, w // 2 + 1)``; 0 beyond 1/2."""
    v = (np.arange(h) - h // 2) / (h - h % 2)
    u = np.arange(w // 2 + 1) / (w - w % 2)
    radius = np.hypot(np.fft.ifftshift(v)[:, None], u)
    inside = (radius > 0) & (radius <= 0.5)
    return np.where(inside, radial(np.where(inside, radius, 1.0), 1 / _OMEGA, _SIGMA_F), 0.0)


def covered(h: int, w: int, factor: int) -> Array:
    """How much of each block of MATLAB's is inside the image."""

    def shares(length: int) -> Array:
        first = np.arange(0, length, factor) - (factor - 1) // 2
        inside: Array = (np.minimum(first + factor, length) - np.maximum(first, 0)) / factor
        return inside

    return np.outer(shares(h), shares(w))


def around_centre(h: int, w: int) -> Array:
    """A Gaussian about the last pixel of the first half, as the authors count from 1."""
    return _bell(h, w, 1)


def around_centre_from_0(h: int, w: int) -> Array:
    """A Gaussian about the first pixel of the second half."""
    return _bell(h, w, 0)


def _bell(h: int, w: int, first: int) -> Array:
    down = np.arange(h, dtype=np.float64) + (first - h / 2)
    right = np.arange(w, dtype=np.float64) + (first - w / 2)
    bell: Array = np.exp(-(down[:, None] ** 2 + right**2) / _SIGMA_D**2)
    return bell


VSI = Measure(
    "vsi",
    "VSI",
    "",
    "higher",
    1.0,
    (0.0, 1.0),
    "Zhang, Shen & Li 2014",
    _vsi,
    VSIOptions,
    formula="images shrunk to about 256 pixels, similarity of SDSP saliency (C1 = 1.27), Scharr "
    "gradient magnitude (C2 = 386, power 0.4) and opponent colours (C3 = 130, power 0.02), "
    "weighted by saliency (Zhang, Shen & Li 2014)",
    module="VSILoss",
    metric="VSI",
    takes_color=True,
    agrees="piq: 1e-12",
)
vsi, vsi_loss = VSI.score, VSI.loss
