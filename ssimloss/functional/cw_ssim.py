"""CW-SSIM: similarity of complex wavelet coefficients, which changes little under small shifts.

``CW-SSIM = sum(w (2 |sum(c_x conj(c_y))| + K) / (sum(|c_x|^2 + |c_y|^2) + K))``, averaged over
orientations. ``c`` are the coefficients of a steerable pyramid in a window of 7 x 7, ``w`` is a
Gaussian about the middle of the image.

Sampat, Wang, Gupta, Bovik & Markey, "Complex wavelet structural similarity: a new image similarity
index", 2009. The original implementation is ``cwssim_index.m`` of the authors, on pyramids of
matlabPyrTools (Portilla & Simoncelli 2000).
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssimloss import _checks
from ssimloss._constants import planes as constant_planes
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional._gradient_similarity import check_colors, check_least_side, luma_of
from ssimloss.measure import Measure

Array = NDArray[np.float64]

_SIDE = 7  # of a window
_STEPS = 256  # of the tables of the original code, from which it interpolates
_ANGLES = 1024


class CWSSIMOptions(Reduced, Ranged):
    """Options of CW-SSIM.

    Args:
        levels: number of levels of the pyramid; the coarsest is compared.
        orientations: number of orientations, from 1 to 16.
        k: ``K``, for images on a scale of 0 to 255; not negative.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    levels: int = 4
    orientations: int = 8
    k: float = 0.0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.count("levels", self.levels)
        if _checks.count("orientations", self.orientations) > 16:
            raise ValueError(f"orientations must be at most 16, got {self.orientations}")
        _checks.non_negative("k", self.k)


def _cw_ssim(pred: Tensor, target: Tensor, options: CWSSIMOptions) -> Scores:
    """Complex wavelet structural similarity: 1 for equal images, lower for worse ones.

    Gray images are compared as they are. RGB images are converted to the luma
    ``0.299 R + 0.587 G + 0.114 B``, which is not rounded. The value does not depend on brightness,
    on a common contrast, on fine detail or on small shifts: add a pixel loss. Where neither image
    has detail, the similarity is 1.

    Where ``pred`` is flat, the magnitude of a sum has no derivative. The gradient there is that
    towards the phase of ``target``, so that a flat image can learn.

    Args:
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
    check_colors(pred, target)
    levels, orientations = options.levels, options.orientations
    check_least_side(pred, 2 ** (levels + 2), f"for {levels} levels")
    dtype = native_dtype(pred, target)
    x, y = (luma_of(image, options, 255.0) for image in promote(pred, target))
    if not len(x):  # an empty batch has no Fourier transform
        return Scores((x + y).flatten(1).sum(1), None, 1, dtype)
    (re_x, im_x), (re_y, im_y) = (_bands(image, levels, orientations) for image in (x, y))
    # What rounding makes of a flat image counts as flat.
    k = options.k + (64 * 255 * torch.finfo(x.dtype).eps) ** 2
    real = _sums(re_x * re_y + im_x * im_y)
    imaginary = _sums(im_x * re_y - re_x * im_y)
    energy = _sums(re_x * re_x + im_x * im_x + re_y * re_y + im_y * im_y)
    info = torch.finfo(x.dtype)
    corner = (real * real + imaginary * imaginary).detach() < info.tiny / info.eps
    # By hypot: at 1e7 times the range, squares exceed float32.
    magnitude = torch.hypot(torch.where(corner, 1, real), torch.where(corner, 0, imaginary))
    magnitude = torch.where(corner, real, magnitude)
    values = (2 * magnitude + k) / (energy + k)  # (N, orientations, H', W')
    weight = constant_planes(gaussian, values.shape[2], values.shape[3], like=values)
    return Scores((values * weight).flatten(2).sum(2).mean(1), None, 1, dtype)


def _bands(image: Tensor, levels: int, orientations: int) -> tuple[Tensor, Tensor]:
    """Real and imaginary parts of the coefficients at the coarsest level,
    ``(N, orientations, H', W')``.
    """
    h, w = image.shape[2:]
    # The filters are 0 at the mean, whose rounding would give a flat image a phase. Without a pixel
    # first, flat images are exactly 0.
    image = image - image[:, :, :1, :1].detach()
    image = image - image.detach().mean((2, 3), keepdim=True)
    spectrum = torch.fft.fft2(image)
    for axis, size in ((2, h), (3, w)):  # the lowest frequencies, from 0 on
        kept = coarsest(size, levels)
        ends = (
            spectrum.narrow(axis, 0, kept - kept // 2),
            spectrum.narrow(axis, size - kept // 2, kept // 2),
        )
        spectrum = torch.cat(ends, axis)
    filters = constant_planes(steerable_filters, h, w, levels, orientations, like=image)
    z = torch.view_as_real(torch.fft.ifft2(spectrum * filters))
    # The original's filters without the factor (-i)^(orientations - 1), which no magnitude sees.
    return z[..., 0], z[..., 1]


def _sums(planes: Tensor) -> Tensor:
    """Means of 7 x 7 coefficients."""
    for axis in (2, 3):
        length = planes.shape[axis] - _SIDE + 1
        total = planes.narrow(axis, 0, length)
        for shift in range(1, _SIDE):
            total = total + planes.narrow(axis, shift, length)
        planes = total
    return planes / _SIDE**2


def gaussian(h: int, w: int) -> Array:
    """Weights of positions, of sum 1: the deviation is a quarter of the band's rows."""
    rows, columns = np.arange(h) - (h - 1) / 2, np.arange(w) - (w - 1) / 2
    weights = np.exp(-(rows[:, None] ** 2 + columns**2) / (2 * ((h + _SIDE - 1) / 4) ** 2))
    found: Array = weights / weights.sum()
    return found


def coarsest(size: int, levels: int) -> int:
    """Samples along an axis at the coarsest level."""
    for _ in range(levels - 1):
        size = (size + 1) // 2
    return size


def steerable_filters(h: int, w: int, levels: int, orientations: int) -> Array:
    """Transfer functions of the coarsest level, one-sided in the angle: ``(O, H', W')``."""
    v, u = np.meshgrid(_frequencies(h, levels), _frequencies(w, levels), indexing="ij")
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    radius[0, 0] = 2 / w
    octave = np.log2(radius)
    radial = _interpolated(_high_pass, (octave + levels) * _STEPS)
    for level in range(levels):
        radial = radial * _interpolated(_low_pass, (octave + level) * _STEPS)
    order = orientations - 1
    gain = 2 ** (order + 1) * math.factorial(order)
    gain /= math.sqrt(orientations * math.factorial(2 * order))
    filters = np.empty((orientations, *radius.shape))
    for o in range(orientations):
        turned = angle * (_ANGLES / math.pi) - o * (_ANGLES / orientations)
        filters[o] = gain * radial * _interpolated(_lobe, turned, order)
    return filters


def _frequencies(size: int, levels: int) -> Array:
    """Frequencies of the kept part of a discrete Fourier transform; the highest one is 1."""
    kept = coarsest(size, levels)
    steps = np.arange(kept, dtype=np.float64)
    steps[kept - kept // 2 :] -= kept
    return steps * (2 / size)


def _interpolated(table: Callable[..., Array], at: Array, *given: int) -> Array:
    """The table between its entries at whole numbers, as the original code looks it up."""
    below = np.floor(at)
    share = at - below
    return (1 - share) * table(below, *given) + share * table(below + 1, *given)


def _high_pass(step: Array) -> Array:
    """A raised cosine over one octave, which ends at 0."""
    return np.cos(np.clip(step, -_STEPS, 0) * (math.pi / (2 * _STEPS)))


def _low_pass(step: Array) -> Array:
    return -np.sin(np.clip(step, -_STEPS, 0) * (math.pi / (2 * _STEPS)))


def _lobe(step: Array, order: int) -> Array:
    """A power of the cosine, restricted to the lobe about 0."""
    wrapped = (step + _ANGLES) % (2 * _ANGLES) - _ANGLES
    lobe = np.cos(wrapped * (math.pi / _ANGLES)) ** order
    return np.where(np.abs(wrapped) < _ANGLES // 2, lobe, 0.0)


CW_SSIM = Measure(
    "cw_ssim",
    "CW-SSIM",
    "",
    "higher",
    1.0,
    (0.0, 1.0),
    "Sampat, Wang, Gupta, Bovik & Markey 2009",
    _cw_ssim,
    CWSSIMOptions,
    formula="luma 0.299 R + 0.587 G + 0.114 B of colour images, coefficients of the coarsest of "
    "four levels and eight orientations of a complex steerable pyramid, similarity of their phases "
    "under windows of 7 x 7, weighted by a Gaussian about the middle (Sampat et al. 2009, "
    "cwssim_index.m)",
    module="CWSSIMLoss",
    metric="CWSSIM",
    takes_color=True,
    agrees="the authors' cwssim_index.m: its four printed digits",
)
cw_ssim, cw_ssim_loss = CW_SSIM.score, CW_SSIM.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "CW_SSIM",
    CW_SSIM,
    (
        *PREPARATION,
        Attribute(
            "pyramid",
            ("levels", "orientations"),
            lambda s: f"{s['levels']} levels, {s['orientations']} orientations",
            lambda s: (
                f"the coarsest of {s['levels']} levels and {s['orientations']} orientations of a "
                "complex steerable pyramid, windows of 7 x 7"
            ),
        ),
        Attribute(
            "constant",
            ("k",),
            lambda s: f"K = {s['k']:g}",
            lambda s: f"2 |sum(x conj(y))| + K over the sum of squares + K with K = {s['k']:g}",
        ),
        OVER_BATCH,
    ),
    Convention(
        "sampat2009",
        "the authors' code on gray images, or on the unrounded luma of RGB",
        "cwssim_index.m (4 levels, 8 orientations)",
        "tests/reference.py",
        1e-10,
        notes=("The original returns NaN where both images are flat.",),
    ),
    Convention(
        "matlab",
        "gray 8-bit images in MATLAB",
        "cwssim_index.m on rgb2gray(uint8)",
        "tests/reference.py",
        1e-10,
        preparation=p.MATLAB_GRAY,
        gray="sampat2009",
    ),
)
