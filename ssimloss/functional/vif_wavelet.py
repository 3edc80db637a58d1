"""VIF in the wavelet domain: the information that the subbands of the distorted image share with
those of the reference.

``VIF = sum log2 |I + g^2 s^2 C / (var_v + N)| / sum log2 |I + s^2 C / N|`` over the blocks of all
subbands. ``C`` is the covariance of the reference's blocks and ``s^2`` the energy of one under it;
``g`` is the gain of the distortion, ``var_v`` its noise and ``N`` the noise of the eye.

Sheikh & Bovik, "Image information and visual quality", 2006. The original implementation is
``vifvec.m`` of the authors, on steerable pyramids of matlabPyrTools (Simoncelli & Freeman 1995,
filters of Karasaridis & Simoncelli 1996). It uses more subbands than the paper.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ssimloss import _checks
from ssimloss._constants import planes as constant_planes
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, product, promote, widened
from ssimloss._reduce import Scores
from ssimloss._references import of_reference
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.filters import pad
from ssimloss.functional._covariances import beside_diagonal, principal
from ssimloss.functional._gradient_similarity import check_colors, check_least_side, luma_of
from ssimloss.functional._inner_products import inner_products
from ssimloss.measure import Measure

Array = NDArray[np.float64]

_SIDE = 3  # of a block
_FLAT = 1e-15  # a variance on a scale of 255
_EMPTY = 1e-10  # information in bits
# Overlapping blocks that are collected at once: on a CPU few, which stay in its cache.
_CHUNK_CPU, _CHUNK_ELSEWHERE = 1 << 14, 1 << 16

# Quarters of the published filters, up to the middle row and column, which are mirrored.
_START = (
    (0.00341614, -0.01551246, -0.03848215),
    (-0.01551246, 0.05586982, 0.15925570),
    (-0.03848215, 0.15925570, 0.40304148),
)
_LOW = (
    (0.00085404, -0.00244917, -0.00387812, -0.00944432, -0.00962054),
    (-0.00244917, -0.00523281, -0.00661117, 0.00410600, 0.01002988),
    (-0.00387812, -0.00661117, 0.01396746, 0.03277038, 0.03981393),
    (-0.00944432, 0.00410600, 0.03277038, 0.06426333, 0.08169618),
    (-0.00962054, 0.01002988, 0.03981393, 0.08169618, 0.10096540),
)
_BAND = (  # of one orientation; it changes its sign at the middle column
    (0.00277643, -0.00986904, -0.01021852, 0.0),
    (0.00496194, -0.00893064, -0.03075356, 0.0),
    (0.01026699, 0.01189859, -0.08226445, 0.0),
    (0.01455399, 0.02755155, -0.11732297, 0.0),
)


class VIFWaveletOptions(Reduced, Ranged):
    """Options of VIF in the wavelet domain.

    Args:
        levels: number of levels of the pyramid. Windows double their size from the coarsest to the
            finest.
        noise: ``N``, the variance of the noise of the eye, for images on a scale of 0 to 255.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    levels: int = 4
    noise: float = 0.4

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.count("levels", self.levels)
        _checks.positive("noise", self.noise)


def _vif_wavelet(pred: Tensor, target: Tensor, options: VIFWaveletOptions) -> Scores:
    """Visual information fidelity in the wavelet domain: 1 for equal images, lower for worse ones,
    above 1 for an image of more contrast than the reference.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. What is shared rises with the square of
    the shared detail, so a flat image, or the negative of the target, has the gradient 0: add a
    pixel loss. If the target is flat, the score is 1, where the authors' code returns NaN.
    Subbands count as flat if rounding can have made their variance. On a GPU, the host waits for
    the eigenvalues of small matrices, once per level.

    Args:
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
    check_colors(pred, target)
    levels = options.levels
    check_least_side(pred, _SIDE**2 * 2 ** (levels - 1), f"for {levels} levels")
    dtype = native_dtype(pred, target)
    x, y = (luma_of(image, options, 255.0) for image in promote(pred, target))
    if not len(x):  # an empty batch has no eigenvalues
        return Scores((x + y).flatten(1).sum(1), None, 1, dtype)
    pairs = zip(_bands(x, levels), of_reference(_bands, y, levels), strict=True)
    found = [
        _information(*bands, 2 ** (levels - 1 - level), options.noise)
        for level, bands in enumerate(pairs)
    ]
    shared, whole = torch.stack(found).sum(0)
    return Scores((shared + _EMPTY) / (whole + _EMPTY), None, 1, dtype)


def _bands(image: Tensor, levels: int) -> list[Tensor]:
    """The subbands of two of six orientations at each level, finest first, ``(N, 2, H', W')``."""
    # The filters of subbands are 0 at the first frequency; the rest keeps more digits.
    image = image - image.detach().mean((2, 3), keepdim=True)
    start, low, band = (constant_planes(steerable_filter, k, like=image) for k in range(3))
    image = inner_products(pad(image, 2, "reflect"), start, 1)
    bands: list[Tensor] = []
    while True:
        wide = pad(image, 4, "reflect")
        bands.append(inner_products(wide[..., 1:-1, 1:-1], band, 1))
        if len(bands) == levels:
            return bands
        image = inner_products(wide, low, 2)


def steerable_filter(kind: int) -> Array:
    """Taps of the first low-pass filter, of that between levels, or of both subbands:
    ``(1 or 2, 1, taps, taps)``.
    """
    quarter = np.array((_START, _LOW, _BAND)[kind])
    sign = -1 if kind == 2 else 1
    rows = np.concatenate((quarter, sign * quarter[:, -2::-1]), 1)
    whole = np.concatenate((rows, rows[-2::-1]))
    if kind == 2:
        return np.stack((whole, whole.T))[:, None]
    found: Array = (2 * whole if kind == 1 else whole)[None, None]  # amplitudes double
    return found


def _information(x: Tensor, y: Tensor, half: int, noise: float) -> Tensor:
    """What the subbands share and what those of the reference hold, in bits, ``(2, N)``.

    Windows of ``2 half + 1`` coefficients about blocks of 3 x 3 lie within the subband.
    """
    n = len(y)
    # What rounding can make of a flat image.
    least = max(_FLAT, (64 * 255 * torch.finfo(y.dtype).eps) ** 2)
    x, y = x.flatten(0, 1)[:, None], y.flatten(0, 1)[:, None]
    energy, rotated = of_reference(_mixture, y, half, least)
    var_x, var_y, cov_xy = _moments(x, y, half)
    hidden = (var_x < least) | (var_y < least) | (cov_xy <= 0)  # NaN is not hidden
    g = torch.where(hidden, 0, cov_xy) / (var_y + _FLAT)
    var_v = (var_x - g * cov_xy).clamp(min=_FLAT)
    shared = _log_determinants(g * g * energy / (var_v + noise), rotated)
    whole = of_reference(_log_determinants, energy / noise, rotated)
    return torch.stack((shared, whole)).view(2, n, -1).sum(2)


def _log_determinants(rate: Tensor, rotated: Tensor) -> Tensor:
    """Sums of ``log2 |I + rate C|`` over the rates ``(N, 1, h, w)`` of each matrix: ``(N,)``."""
    rate = rate.flatten(1)[:, None]
    rotated = rotated.to(rate.dtype)
    factors = rate * rotated.diagonal(dim1=-2, dim2=-1)[..., None]
    found = torch.log1p(factors).sum(1) - beside_diagonal(rotated, rate)
    return found.sum(1) / math.log(2)


def _moments(x: Tensor, y: Tensor, half: int) -> tuple[Tensor, Tensor, Tensor]:
    """Variances and covariance of the windows about the blocks that count."""
    mu_x, mu_y = _window_mean(x, half), _window_mean(y, half)
    var_x = (_window_mean(x * x, half) - mu_x * mu_x).clamp(min=0)
    var_y = (_window_mean(y * y, half) - mu_y * mu_y).clamp(min=0)
    return var_x, var_y, _window_mean(x * y, half) - mu_x * mu_y


def _window_mean(image: Tensor, half: int) -> Tensor:
    """Means of ``2 half + 1`` coefficients about the blocks that count."""
    taps, left_out = 2 * half + 1, _blocks_left_out(half)
    for axis, window, steps in ((2, (taps, 1), (_SIDE, 1)), (3, (1, taps), (1, _SIDE))):
        first = _SIDE * left_out + 1 - half
        kept = image.shape[axis] // _SIDE - 2 * left_out
        image = image.narrow(axis, first, _SIDE * (kept - 1) + taps)
        image = avg_pool2d(image, window, steps)
    return image


def _blocks_left_out(half: int) -> int:
    """At each border, so that windows lie within the subband."""
    return -(-half // _SIDE)


def _mixture(y: Tensor, half: int, flat: float) -> tuple[Tensor, Tensor]:
    """``s^2`` of each block that counts, ``(N, 1, h, w)``, and the covariance of blocks, rotated to
    a diagonal, ``(N, 9, 9)``.
    """
    h, w = (_SIDE * (side // _SIDE) for side in y.shape[2:])
    y = y[..., :h, :w]
    covariance = _covariance(y - y.detach().mean((2, 3), keepdim=True))
    rotated, factor = principal(covariance, flat)
    border = _SIDE * _blocks_left_out(half)
    y = y[..., border : h - border, border : w - border]
    rows, columns = y.shape[2] // _SIDE, y.shape[3] // _SIDE
    blocks = y.reshape(-1, rows, _SIDE, columns, _SIDE).permute(0, 2, 4, 1, 3)
    blocks = blocks.reshape(-1, _SIDE**2, rows * columns)
    energy = product(factor.to(y.dtype), blocks).square().sum(1) / _SIDE**2
    return energy.view(-1, 1, rows, columns), rotated


def _covariance(y: Tensor) -> Tensor:
    """The covariance of all overlapping blocks of 3 x 3, ``(N, 9, 9)``, in the widest dtype."""
    h, w = (side - _SIDE + 1 for side in y.shape[2:])
    chunk = _CHUNK_CPU if y.device.type == "cpu" else _CHUNK_ELSEWHERE
    rows = max(1, chunk // w)
    products, sums = [], []
    for first in range(0, h, rows):
        count = min(rows, h - first)
        parts = [
            y[:, :, first + i : first + i + count, j : j + w]
            for i in range(_SIDE)
            for j in range(_SIDE)
        ]
        blocks = widened(torch.cat(parts, 1).flatten(2))
        products.append(product(blocks, blocks.mT))
        sums.append(blocks.sum(2, keepdim=True))
    mean = torch.stack(sums).sum(0) / (h * w)
    return torch.stack(products).sum(0) / (h * w) - mean * mean.mT


VIF_WAVELET = Measure(
    "vif_wavelet",
    "VIF, wavelet domain",
    "",
    "higher",
    1.0,
    (0.0, float("inf")),
    "Sheikh & Bovik 2006",
    _vif_wavelet,
    VIFWaveletOptions,
    formula="luma 0.299 R + 0.587 G + 0.114 B of colour images, information shared by blocks of "
    "3 x 3 coefficients in two of six orientations of a steerable pyramid of four levels, noise of "
    "0.4 on a scale of 255 (Sheikh & Bovik 2006, vifvec.m)",
    module="VIFWaveletLoss",
    metric="VIFWavelet",
    takes_color=True,
    agrees="the authors' vifvec.m under GNU Octave: 1e-12",
)
vif_wavelet, vif_wavelet_loss = VIF_WAVELET.score, VIF_WAVELET.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "VIF_WAVELET",
    VIF_WAVELET,
    (
        *PREPARATION,
        Attribute(
            "pyramid",
            ("levels",),
            lambda s: f"{s['levels']} levels",
            lambda s: (
                f"two of six orientations of a steerable pyramid of {s['levels']} levels, blocks "
                "of 3 x 3 coefficients"
            ),
        ),
        Attribute(
            "noise",
            ("noise",),
            lambda s: f"{s['noise']:g}",
            lambda s: f"noise of {s['noise']:g} on a scale of 255",
        ),
        OVER_BATCH,
    ),
    Convention(
        "sheikh2006",
        "the authors' code on gray images, or on the unrounded luma of RGB",
        "vifvec.m on doubles",
        p.OCTAVE,
        1e-10,
        notes=("The original returns NaN where the reference is flat.",),
    ),
    Convention(
        "matlab",
        "gray 8-bit images in MATLAB",
        "vifvec.m on double(rgb2gray(uint8))",
        p.OCTAVE,
        1e-10,
        preparation=p.MATLAB_GRAY,
        gray="sheikh2006",
    ),
)
