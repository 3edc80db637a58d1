"""IW-SSIM: SSIM over the scales of a Laplacian pyramid, each position weighted by the information
that it holds.

``IW-SSIM = prod_j (sum(w_j cs_j) / sum(w_j)) ^ beta_j``, with the contrast and structure ``cs_j``
of band ``j``. The weight
``w = sum_k log2(1 + ((s_v^2 + (1 + g^2) s_n^2) s^2 lambda_k + s_n^2 s_v^2) / s_n^4)`` is the
information of both images at a position (equation 28 of the paper). The coarsest scale is the
unweighted mean of SSIM.

Wang & Li, "Information content weighting for perceptual image quality assessment", 2011. The
original implementation is ``iwssim.m`` of the authors, on pyramids of matlabPyrTools.
"""

import math
from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssimloss import _checks
from ssimloss._constants import planes as constant_planes
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, product, promote, widened
from ssimloss._reduce import Scores
from ssimloss._references import of_reference
from ssimloss._torch import is_forward_mode
from ssimloss.filters import window_weights
from ssimloss.functional._covariances import beside_diagonal, principal
from ssimloss.functional._equations import MAP, similarity
from ssimloss.functional._gradient_similarity import check_colors, check_least_side, luma_of
from ssimloss.functional._powers import product_of_powers
from ssimloss.functional._pyramids import Beyond, expanded, interleaved, reduced
from ssimloss.functional.ms_ssim import WANG_2003
from ssimloss.kernels import (
    INFORMATION_MAP,
    SIMILARITY_MAP,
    Backend,
    Comparison,
    Part,
    information_map,
    neighbour_products,
    select,
    similarity_map,
    use,
)
from ssimloss.measure import Measure

Array = NDArray[np.float64]
Negative = Literal["clamp", "magnitude", "zero"]

_WINDOW = window_weights("gaussian", 11, 1.5)
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_OUTER = 1 / 16  # of the binomial taps 1/16, 4/16, 6/16, 4/16, 1/16
FLAT = 1e-15  # a variance on a scale of 255
# Positions whose neighbourhoods are collected at once: on a CPU few, which stay in its cache.
_CHUNK_CPU, _CHUNK_ELSEWHERE = 1 << 14, 1 << 16


class IWSSIMOptions(Reduced, Ranged):
    """Options of IW-SSIM.

    Args:
        scale_weights: ``beta_j``, from the finest scale to the coarsest, divided by their sum;
            their number is the number of scales.
        noise: ``s_n^2``, the variance of the noise of the eye, for images on a scale of 0 to 255.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    scale_weights: tuple[float, ...] = WANG_2003
    noise: float = 0.4

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.weights("scale_weights", self.scale_weights)
        _checks.positive("noise", self.noise)


def _iw_ssim(pred: Tensor, target: Tensor, options: IWSSIMOptions) -> Scores:
    """Information content weighted SSIM: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. If neither image holds information, all
    positions have equal weights. The weighted mean of a scale can be negative: below 1e-3 the value
    and its gradient are those of MS-SSIM with ``negative="clamp"``. On a GPU, the host waits for
    the eigenvalues of four small matrices.

    Args:
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
    return iw_ssim_of(pred, target, options)


def iw_ssim_of(
    pred: Tensor,
    target: Tensor,
    options: IWSSIMOptions,
    *,
    channels: Literal["luma", "each"] = "luma",
    border: Beyond = "reflect",
    exponents: Literal["of sum 1", "as given"] = "of sum 1",
    negative: Negative = "clamp",
    flat: float = FLAT,
) -> Scores:
    """IW-SSIM with the details in which implementations differ."""
    check_colors(pred, target)
    count = len(options.scale_weights)
    check_least_side(
        pred, 10 * 2 ** (count - 1) + 1, f"for {count} scales under windows of 11 pixels"
    )
    dtype = native_dtype(pred, target)
    x, y = promote(pred, target)
    if channels == "luma":
        x, y = luma_of(x, options, 255.0), luma_of(y, options, 255.0)
    else:
        x, y = ((image - options.low) * (255 / options.span) for image in (x, y))
    colors = x.shape[1]
    x, y = x.reshape(-1, 1, *x.shape[2:]), y.reshape(-1, 1, *y.shape[2:])
    bands_x, bands_y = _laplacian(x, count, border), _laplacian(y, count, border)
    terms = []
    for scale, (x, y) in enumerate(zip(bands_x, bands_y, strict=True)):
        if scale == count - 1:
            terms.append(_similarity(x, y, "ssim").flatten(1).mean(1))
            continue
        parent = bands_y[scale + 1] if scale < count - 2 else None
        weight = _information(x, y, parent, options.noise, flat).flatten(1)
        weight = weight + torch.finfo(x.dtype).eps  # without information, positions count alike
        values = _similarity(x, y, "contrast_structure").flatten(1)
        terms.append((weight * values).sum(1) / weight.sum(1))
    total = sum(options.scale_weights) if exponents == "of sum 1" else 1.0
    powers = [weight / total for weight in options.scale_weights]
    means = torch.stack(terms)
    if negative == "magnitude":
        means = means.abs()
    scores = product_of_powers(means, powers, "clamp" if negative == "clamp" else "relu")
    return Scores(scores.view(len(pred), colors).mean(1), None, 1, dtype)


def _laplacian(image: Tensor, count: int, border: Beyond) -> list[Tensor]:
    """The bands of a Laplacian pyramid, finest first; the last is what remains.

    The original's filter is ``sqrt(2)`` times one of sum 1: each reduction doubles what it keeps.
    """
    bands = []
    for scale in range(count - 1):
        coarse = reduced(image, _OUTER, "reflect")
        fine = expanded(coarse, _OUTER, image.shape[2:], border)
        bands.append(2**scale * (image - fine))
        image = coarse
    return [*bands, 2 ** (count - 1) * image]


def _similarity(x: Tensor, y: Tensor, part: Part) -> Tensor:
    """The map ``(N, 1, H - 10, W - 10)`` of SSIM, or of contrast and structure."""
    comparison = Comparison(_WINDOW, _C1, _C2, 0.0, part, "valid")
    backend = select(
        "auto", x, y, SIMILARITY_MAP, uses=lambda: [use(x, y, (comparison,), MAP, promoted=True)]
    )
    if backend == "eager":
        return similarity(x, y, comparison)
    equation = partial(similarity, comparison=comparison)
    return similarity_map(x, y, comparison, backend=backend, equation=equation)


def _information(x: Tensor, y: Tensor, parent: Tensor | None, noise: float, flat: float) -> Tensor:
    """The information of both bands at the middle of each window of 11 pixels,
    ``(N, 1, H - 10, W - 10)``.

    ``y`` is the reference, a Gaussian scale mixture over neighbourhoods of 3 x 3 pixels and the
    ``parent``, the next coarser band; ``x = g y + v`` within 3 x 3 pixels.
    """
    least = max(flat, (2 * 255 * torch.finfo(y.dtype).eps) ** 2)  # what rounding can make
    if parent is not None:
        parent = _enlarged(parent)[..., 1 : y.shape[2] - 1, 1 : y.shape[3] - 1]
    backend = _backend(x, y, parent)
    rotated, factor = of_reference(_mixture, y, parent, least, backend)
    equation = partial(
        _bits,
        y=y,
        parent=parent,
        rotated=rotated,
        factor=factor,
        noise=noise,
        flat=flat,
        least=least,
    )
    if backend == "eager":
        return equation(x)
    return information_map(
        x,
        y,
        parent,
        factor,
        rotated.diagonal(dim1=-2, dim2=-1),
        noise=noise,
        flat=flat,
        least=least,
        backend=backend,
        equation=equation,
    )


def _mixture(
    y: Tensor, parent: Tensor | None, least: float, backend: Backend
) -> tuple[Tensor, Tensor]:
    """The covariance of neighbourhoods in its principal axes, and the factor of its inverse."""
    if backend == "eager":
        products = _products(y, parent)
    else:
        products = neighbour_products(y, parent, backend=backend)
    rotated, factor = (each.to(y.dtype) for each in principal(products, least))
    return rotated, factor


def _backend(x: Tensor, y: Tensor, parent: Tensor | None) -> Backend:
    """Kernels have no gradient of the reference."""
    if torch.is_grad_enabled() and (
        y.requires_grad or (parent is not None and parent.requires_grad)
    ):
        return "eager"
    return select("auto", x, y, INFORMATION_MAP)


def _bits(
    x: Tensor,
    *,
    y: Tensor,
    parent: Tensor | None,
    rotated: Tensor,
    factor: Tensor,
    noise: float,
    flat: float,
    least: float,
) -> Tensor:
    """The information of bands, from the mixture of the reference."""
    energy = _energies(y, parent, factor)
    variances = rotated.diagonal(dim1=-2, dim2=-1)
    var_x, var_y, cov_xy = _moments(x[..., 4:-4, 4:-4], y[..., 4:-4, 4:-4])
    flat_x, flat_y = var_x < least, var_y < least  # NaN is neither flat nor hidden
    g = torch.where(flat_x | flat_y, 0, cov_xy) / (var_y + flat)
    var_v = torch.where(flat_x, 0, (var_x - g * cov_xy).clamp(min=0))
    base = 1 + var_v / noise
    rate = (var_v + (1 + g * g) * noise) * energy / (noise * noise * base)
    # Of n factors 1 + rate lambda, the largest with the smallest: products that float32 holds. At
    # 1e7 times the range it does not; the information of two factors then ends at 128 bits.
    most = torch.finfo(y.dtype).max
    found = variances.shape[1] * torch.log2(base)
    for k in range(variances.shape[1] // 2):
        one, other = variances[:, k, None, None, None], variances[:, -1 - k, None, None, None]
        found = found + torch.log2(((1 + rate * one) * (1 + rate * other)).clamp(max=most))
    if variances.shape[1] % 2:
        middle = variances[:, variances.shape[1] // 2, None, None, None]
        found = found + torch.log2(1 + rate * middle)
    if rotated.requires_grad or is_forward_mode():
        beside = beside_diagonal(rotated, rate.flatten(1)[:, None])
        found = found - beside.view_as(rate) / math.log(2)
    return found


def _moments(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Variances and covariance within 3 x 3 pixels."""
    mu_x, mu_y = _mean(x), _mean(y)
    var_x = (_mean(x * x) - mu_x * mu_x).clamp(min=0)
    var_y = (_mean(y * y) - mu_y * mu_y).clamp(min=0)
    return var_x, var_y, _mean(x * y) - mu_x * mu_y


def _mean(image: Tensor) -> Tensor:
    """Means of 3 x 3 pixels."""
    h, w = image.shape[2] - 2, image.shape[3] - 2
    image = image[:, :, :h] + image[:, :, 1:-1] + image[:, :, 2:]
    return (image[..., :w] + image[..., 1:-1] + image[..., 2:]) / 9


def _products(y: Tensor, parent: Tensor | None) -> Tensor:
    """The covariance of the pixels of neighbourhoods, ``(N, K, K)``."""
    planes, h, w = _around(y, parent), y.shape[2] - 2, y.shape[3] - 2
    rows = _rows_at_once(y)
    products = []
    for first in range(0, h, rows):
        around = widened(_neighbourhoods(planes, first, min(rows, h - first), 0))
        products.append(product(around, around.mT))
    return torch.stack(products).sum(0) / (h * w)


def _energies(y: Tensor, parent: Tensor | None, factor: Tensor) -> Tensor:
    """``s^2`` at every position that weighs, ``(N, 1, H - 10, W - 10)``."""
    planes, h, w = _around(y, parent), y.shape[2] - 2, y.shape[3] - 2
    rows = _rows_at_once(y)
    energies = []
    for first in range(4, h - 4, rows):
        height = min(rows, h - 4 - first)
        energy = product(factor, _neighbourhoods(planes, first, height, 4)).square().sum(1)
        energies.append(energy.view(-1, 1, height, w - 8))
    return torch.cat(energies, 2) / len(planes)


def _around(y: Tensor, parent: Tensor | None) -> list[Tensor]:
    """The ``K`` pixels of each neighbourhood as planes ``(N, 1, H - 2, W - 2)``."""
    h, w = y.shape[2] - 2, y.shape[3] - 2
    planes = [y[..., i : i + h, j : j + w] for i in range(3) for j in range(3)]
    return planes if parent is None else [*planes, parent]


def _rows_at_once(y: Tensor) -> int:
    chunk = _CHUNK_CPU if y.device.type == "cpu" else _CHUNK_ELSEWHERE
    return max(1, chunk // (y.shape[3] - 2))


def _neighbourhoods(planes: list[Tensor], first: int, height: int, margin: int) -> Tensor:
    """The same rows of all planes, without a margin of columns: ``(N, K, positions)``."""
    width = planes[0].shape[3] - 2 * margin
    parts = [plane.narrow(2, first, height).narrow(3, margin, width) for plane in planes]
    return torch.cat(parts, 1).flatten(2)


def _enlarged(band: Tensor) -> Tensor:
    """Twice the size, by the bilinear interpolation of the authors' ``imenlarge2.m``."""
    for axis in (2, 3):
        size = band.shape[axis]
        shape = [1] * 4
        shape[axis] = size
        weights = constant_planes(enlargement, size, like=band)  # (2, 3, size)
        border = torch.zeros_like(band.narrow(axis, 0, 1))
        wide = torch.cat((border, band, border), axis)
        around = [wide.narrow(axis, shift, size) for shift in range(3)]
        phases = [
            sum(weight.view(shape) * each for weight, each in zip(taps, around, strict=True))
            for taps in weights
        ]
        band = interleaved(phases[0], phases[1], axis)
    return band


def enlargement(size: int) -> Array:
    """Weights of the samples ``k - 1``, ``k`` and ``k + 1`` in those at ``2 k`` and ``2 k + 1``:
    ``(2, 3, size)``.

    ``imresize`` to ``4 size - 3`` samples, one more at both ends on the line through its two
    neighbours, and every second of these.
    """
    wanted = 4 * size - 3
    at = ((np.arange(wanted) + 0.5) * size / wanted - 0.5).clip(0, size - 1)
    hats = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(size)))  # (4 size - 3, size)
    ends = 2 * hats[[0, -1]] - hats[[1, -2]]
    rows = np.concatenate((ends[:1], hats, ends[1:]))[::2]  # (2 size, size)
    wide = np.zeros((2 * size, size + 2))
    wide[:, 1:-1] = rows
    weights, k = np.empty((2, 3, size)), np.arange(size)
    for phase in (0, 1):
        for shift in range(3):
            weights[phase, shift] = wide[2 * k + phase, k + shift]
    return weights


IW_SSIM = Measure(
    "iw_ssim",
    "IW-SSIM",
    "",
    "higher",
    1.0,
    (0.0, 1.0),
    "Wang & Li 2011",
    _iw_ssim,
    IWSSIMOptions,
    formula="luma 0.299 R + 0.587 G + 0.114 B of colour images, contrast and structure under a "
    "Gaussian window of 11 on the bands of a Laplacian pyramid of five scales, weighted by the "
    "information of neighbourhoods of 3 x 3 and their parent with noise of 0.4 on a scale of 255 "
    "(Wang & Li 2011, iwssim.m)",
    module="IWSSIMLoss",
    metric="IWSSIM",
    takes_color=True,
    agrees="piq: 1e-12, frame-analytics: 1e-12",
)
iw_ssim, iw_ssim_loss = IW_SSIM.score, IW_SSIM.loss
