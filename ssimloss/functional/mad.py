"""MAD, Most Apparent Distortion: what the eye detects in good images and what looks different in
bad ones, mixed by how much is visible.

``MAD = d_detect^s d_appear^(1 - s)``, ``s = 1 / (1 + b1 d_detect^b2)``. ``d_detect`` is the root
mean square of local errors, each times how far the local contrast of the error lies above that of
the target. ``d_appear`` compares deviation, skewness and kurtosis of the magnitudes of log-Gabor
subbands. Both use blocks of 16 x 16 pixels at every fourth position.

Larson & Chandler, "Most apparent distortion: full-reference image quality assessment and the role
of strategy", 2010. The original code is ``MAD_index.m`` of the authors, with ``ical_std.c`` and
``ical_stat.c``.
"""

import math
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from ssimloss import _checks
from ssimloss._constants import constant
from ssimloss._constants import planes as constant_planes
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss._references import of_reference
from ssimloss._roots import held_power, root
from ssimloss.functional._block_moments import block_moments, cell_moments
from ssimloss.functional._gradient_similarity import check_colors, check_least_side, luma_of
from ssimloss.functional._log_gabor import angular, radial
from ssimloss.measure import Measure

Array = NDArray[np.float64]
Variant = Literal["larson", "pyiqa"]

_CELL = 4  # pixels between blocks
_CELLS = 4  # of a block along an axis
_MARGIN = 16  # pixels that do not count at a border, one more at the far ones
_LEAST: dict[str, int] = {"larson": 2 * _MARGIN + 2, "pyiqa": _CELL * _CELLS}

_LUMINANCE, _GAMMA = 0.02874, 2.2 / 3  # lightness k I^(2.2 / 3) of codes I from 0 to 255
_DARK = 0.5  # lightness below which nothing is visible
_LEAST_CONTRAST = math.exp(-5)  # of the target, as a mask
_DETECTION_GAIN = 200.0

# A power of two, which rounds nothing. Fourth powers of codes at 1e7 times their range exceed
# float32.
_SHRINK = 2.0**-8
# Deviations of magnitudes up to this, in codes, can come from rounding in float32. float64 uses
# the same bound, so that values do not depend on the dtype.
_STILL = 64 * 255 * 2.0**-23

_ORIENTATIONS = 4
_WAVELENGTHS = (3.0, 9.0, 27.0, 81.0, 243.0)  # pixels
_SCALES = len(_WAVELENGTHS)
_BANDWIDTH = 0.55
_SPREAD = math.pi / _ORIENTATIONS / 1.5
_SCALE_WEIGHTS = tuple(weight / 13.25 for weight in (0.5, 0.75, 1.0, 5.0, 6.0))


class MADOptions(Reduced, Ranged):
    """Options of MAD.

    Args:
        pixels_per_degree: pixels in one degree of the visual field, for the contrast sensitivity.
        blend: ``t1, t2`` of the mixture, ``b1 = exp(-t1 / t2)`` and ``b2 = 1 / (t2 log 10)``.
        reduction: ``"mean"`` or ``"sum"`` over images; ``"image"`` and ``"none"`` return ``(N,)``.
    """

    pixels_per_degree: float = 64.0
    blend: tuple[float, float] = (2.55, 3.35)

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.positive("pixels_per_degree", self.pixels_per_degree)
        if len(_checks.weights("blend", self.blend)) != 2:
            raise ValueError(f"blend must be two numbers, got {self.blend!r}")
        for index, value in enumerate(self.blend):
            _checks.positive(f"blend[{index}]", value)


def _mad(pred: Tensor, target: Tensor, options: MADOptions) -> Scores:
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
    return mad_of(pred, target, options)


def mad_of(
    pred: Tensor,
    target: Tensor,
    options: MADOptions,
    *,
    blocks: Variant = "larson",
    filters: Variant = "larson",
    channels: Literal["luma", "each"] = "luma",
    white: float = 255.0,
) -> Scores:
    """MAD with the details in which implementations differ.

    Args:
        blocks: which positions and statistics of blocks count.
        filters: the sensitivity, log-Gabor filters and weights of subbands.
        channels: whether to compare the luma or each channel of RGB images; the value is the mean
            over channels.
        white: the largest code; ``d_detect`` clips larger ones.
    """
    check_colors(pred, target)
    check_least_side(pred, _LEAST[blocks], "for blocks of 16 x 16 within the border")
    dtype = native_dtype(pred, target)
    x, y = promote(pred, target)
    if channels == "luma":
        x, y = luma_of(x, options, 255.0), luma_of(y, options, 255.0)
    else:
        x, y = ((image - options.low) * (255 / options.span) for image in (x, y))
    colors = x.shape[1]
    x, y = x.reshape(-1, 1, *x.shape[2:]), y.reshape(-1, 1, *y.shape[2:])
    if not len(x):  # an empty batch has no Fourier transform
        return Scores((x + y).flatten(1).sum(1), None, 1, dtype)
    detect = _detection(x, y, options.pixels_per_degree, blocks, filters, white, colors)
    appear = _appearance(x, y, blocks, filters, colors)
    first, second = options.blend
    visible = held_power(detect, 1 / (math.log(10) * second))
    share = 1 / (1 + math.exp(-first / second) * visible)
    found = held_power(appear, 1 - share) * held_power(detect, share)
    return Scores(found.view(-1, colors).mean(1), None, 1, dtype)


# --- detection ------------------------------------------------------------------------------------


def _detection(
    x: Tensor,
    y: Tensor,
    degree: float,
    blocks: Variant,
    filters: Variant,
    white: float,
    colors: int,
) -> Tensor:
    """``d_detect`` of each plane, ``(N,)``; ``colors`` planes belong to an image."""
    h, w = x.shape[2:]
    light_x, light_y = _lightness(x, white), _lightness(y, white)
    sensitivity = constant_planes(
        contrast_sensitivity, h, w, float(degree), int(filters == "pyiqa"), like=x
    )
    # Without their means, spectra keep more digits. A constant only meets the first frequency.
    error = light_x - light_y
    level = light_y.detach().mean((2, 3), keepdim=True)
    parts = torch.cat((light_y - level, error - error.detach().mean((2, 3), keepdim=True)), 1)
    seen, error = torch.fft.irfft2(torch.fft.rfft2(parts) * sensitivity, s=(h, w)).split(1, 1)
    mean, var_seen = block_moments(cell_moments(seen, _CELL, 2), _CELLS)
    mean = mean + level * sensitivity[0, 0]
    var_error = block_moments(cell_moments(error, _CELL, 2), _CELLS)[1]
    squares = ((x - y) * _SHRINK).square()
    if blocks == "larson":
        # Deviations over N - 1, as MATLAB has them, of 8 x 8 pixels within the block.
        small = block_moments(cell_moments(seen, _CELL, 2), _CELLS // 2)[1] * (64 / 63)
        var_error = var_error * (256 / 255)
        for axis in (2, 3):
            small = _smaller_of_two(small, axis, x.shape[axis])
            mean, var_error = (_counted(part, axis, x.shape[axis]) for part in (mean, var_error))
        errors = _within(_running_mean(squares).square())
    else:
        mean, var_error, small = (_mixed(part, colors) for part in (mean, var_error, var_seen))
        for axis in (2, 3):  # of the block and those before it
            before = small.narrow(axis, 0, 1)
            shifted = torch.cat((before, small.narrow(axis, 0, small.shape[axis] - 1)), axis)
            small = torch.minimum(small, shifted)
        small = small / 4
        errors = avg_pool2d(squares, _CELL * _CELLS, _CELL).square()
    mask = torch.maximum(small, (_LEAST_CONTRAST * mean).square())
    hidden = mean < _DARK
    ratio = var_error / torch.where(hidden, 1, mask)
    above = torch.where(hidden, 0, 0.5 * ratio.clamp(min=1).log())
    found = root(_mean(above.square(), errors, x.shape, blocks))
    return _DETECTION_GAIN / _SHRINK**2 * found


def _lightness(image: Tensor, white: float) -> Tensor:
    """``k I^(2.2 / 3)``, odd in ``I``, so that negative values keep a gradient."""
    if white < 255:
        image = image.clamp(max=white)
    negative = image < 0
    power = held_power(torch.where(negative, -image, image), _GAMMA, 1e-2)
    return _LUMINANCE * torch.where(negative, -power, power)


def contrast_sensitivity(h: int, w: int, degree: float, transposed: int) -> Array:
    """The sensitivity at the frequencies of ``rfft2``, ``(H, W // 2 + 1)``.

    The authors' code samples it half a step off the frequencies, in cycles per width on both axes.
    Only the even part has an effect on a real result. ``transposed`` stores the plane column by
    column and reads it row by row, as pyiqa does: they differ unless ``H = W``.
    """
    rows, columns = np.arange(h) - (h - 1) / 2, np.arange(w) - (w - 1) / 2
    u, v = np.meshgrid(rows, columns, indexing="ij")
    radius, angle = np.hypot(u, v) / w * degree, np.arctan2(v, u)
    radius /= 0.15 * np.cos(4 * angle) + 0.85
    plane = 2.6 * (0.0192 + 0.114 * radius) * np.exp(-((0.114 * radius) ** 1.1))
    plane[radius < 7.8909] = 0.9809
    if transposed:
        plane = plane.T.reshape(h, w)
    plane = np.fft.ifftshift(plane)
    mirrored = np.roll(np.flip(plane), 1, (0, 1))
    half: Array = (plane + mirrored)[:, : w // 2 + 1] / 2
    return half


def _running_mean(image: Tensor) -> Tensor:
    """Means of 16 x 16 pixels about those that count; of an even window, one more lies behind."""
    for axis in (2, 3):
        image = image.narrow(axis, _MARGIN - 7, image.shape[axis] - 2 * _MARGIN + 14)
        for step in (1, 2, 4, 8):
            length = image.shape[axis] - step
            image = image.narrow(axis, 0, length) + image.narrow(axis, step, length)
    return image / 256


def _within(image: Tensor) -> Tensor:
    """Sums of the pixels of each cell that counts."""
    bottom, right = (-side % _CELL for side in image.shape[2:])
    return avg_pool2d(pad(image, (0, right, 0, bottom)), _CELL) * _CELL**2


# --- appearance -----------------------------------------------------------------------------------


def _appearance(x: Tensor, y: Tensor, blocks: Variant, filters: Variant, colors: int) -> Tensor:
    """``d_appear`` of each plane, ``(N,)``."""
    h, w = x.shape[2:]
    parts = constant_planes(log_gabor, h, w, int(filters == "pyiqa"), like=x)
    radial, angular = parts[:_SCALES], parts[_SCALES:]
    if filters == "larson":  # whose filters are 0 there; the rest keeps more digits
        x, y = (image - image.detach().mean((2, 3), keepdim=True) for image in (x, y))
    spectrum_x, spectrum_y = torch.fft.fft2(x * _SHRINK), torch.fft.fft2(y * _SHRINK)
    weights = constant(_SCALE_WEIGHTS, x)
    total: Tensor | None = None
    for o in range(_ORIENTATIONS):  # one at a time: memory that fits is used again
        transfer = radial * angular[o]
        one = _statistics(spectrum_x, transfer, blocks)
        other = of_reference(_statistics, spectrum_y, transfer, blocks)
        differences = [(a - b).abs() for a, b in zip(one, other, strict=True)]
        change = differences[0] + 2 * differences[1] + differences[2]  # (N, S, H', W')
        of_scale = weights if filters == "larson" else weights[o].expand(_SCALES)
        part = (change * of_scale.view(-1, 1, 1)).sum(1, keepdim=True)
        total = part if total is None else total + part
    assert total is not None
    if blocks == "pyiqa":
        total = _mixed(total, colors)
    return root(_mean(total.square(), None, x.shape, blocks))


def _statistics(
    spectrum: Tensor, transfer: Tensor, blocks: Variant
) -> tuple[Tensor, Tensor, Tensor]:
    """Deviation, skewness and kurtosis of the magnitudes of subbands in each block, from spectra of
    codes times ``_SHRINK``.
    """
    squares = torch.view_as_real(torch.fft.ifft2(spectrum * transfer)).square().sum(-1)
    magnitude = root(squares)
    _, m2, m3, m4 = block_moments(cell_moments(magnitude, _CELL, 4), _CELLS)
    sample = 1.0
    if blocks == "larson":
        sample = math.sqrt(256 / 255)
        for axis in (2, 3):
            m2, m3, m4 = (_counted(m, axis, spectrum.shape[axis]) for m in (m2, m3, m4))
    # What rounding makes of a flat image counts as flat.
    still = m2 <= (_STILL * _SHRINK) ** 2
    m2 = torch.where(still, 1, m2)
    deviation = m2.sqrt()
    moments = (sample / _SHRINK * deviation, m3 / (m2 * deviation), m4 / (m2 * m2))
    found = [torch.where(still, 0, moment) for moment in moments]
    return found[0], found[1], found[2]


def log_gabor(h: int, w: int, shifted: int) -> Array:
    """Factors of one-sided log-Gabor filters in the order of ``fft2``: five radial ones, the finest
    first, and four angular ones, ``(9, H, W)``.

    ``shifted`` also sets the radius of one other frequency to 1, as pyiqa does.
    """
    v, u = np.meshgrid(
        (np.arange(h) - h / 2) / (h / 2), (np.arange(w) - w / 2) / (w / 2), indexing="ij"
    )
    radius, angle = np.hypot(u, v), np.arctan2(-v, u)
    middle = tuple(math.floor(side / 2 + 0.5) for side in (h, w))  # halves up, as MATLAB rounds
    if shifted:
        middle = (round(h / 2), round(w / 2))
        radius[round(h / 2 + 1), round(w / 2 + 1)] = 1.0
        radius += 1e-12
    else:
        radius[middle] = 1.0
    filters = np.empty((_SCALES + _ORIENTATIONS, h, w))
    for s, wavelength in enumerate(_WAVELENGTHS):
        filters[s] = radial(radius / 2, wavelength, math.log(_BANDWIDTH))
        filters[s][middle] = 0.0
    for o in range(_ORIENTATIONS):
        filters[_SCALES + o] = angular(angle, o * math.pi / _ORIENTATIONS, _SPREAD)
    return np.fft.fftshift(filters, (1, 2))


# --- statistics of blocks -------------------------------------------------------------------------


def _last(side: int) -> int:
    """The last block of an axis with a pixel that counts; the first is ``_MARGIN / _CELL``."""
    return (side - _MARGIN - 2) // _CELL


def _counted(values: Tensor, axis: int, side: int) -> Tensor:
    """The blocks with pixels that count."""
    first = _MARGIN // _CELL
    return values.narrow(axis, first, _last(side) - first + 1)


def _smaller_of_two(values: Tensor, axis: int, side: int) -> Tensor:
    """The smaller of each block and the next one. The authors' code looks for the next one
    a pixel too far, so that the last block has none on most sides.
    """
    first, last = _MARGIN // _CELL, _last(side)
    own = values.narrow(axis, first, last - first + 1)
    if _CELL * last + _CELL + 1 <= side - _MARGIN:
        return torch.minimum(own, values.narrow(axis, first + 1, last - first + 1))
    following = torch.cat(
        (values.narrow(axis, first + 1, last - first), values.narrow(axis, last, 1)), axis
    )
    return torch.minimum(own, following)


def _mixed(values: Tensor, colors: int) -> Tensor:
    """Statistics of blocks as pyiqa reads them: stored with the channel last, read with the channel
    first.
    """
    planes, _, h, w = values.shape
    stored = values.view(planes // colors, colors, h, w).permute(0, 2, 3, 1)
    return stored.reshape(planes, 1, h, w)


def _mean(values: Tensor, sums: Tensor | None, shape: torch.Size, blocks: Variant) -> Tensor:
    """The mean of each image over the pixels that count of ``values`` of blocks, or of their
    product with ``sums`` over the pixels of a block.
    """
    if blocks == "pyiqa":
        return (values if sums is None else values * sums).flatten(1).mean(1)
    h, w = (side - 2 * _MARGIN - 1 for side in shape[2:])
    if sums is None:
        tall, wide = (
            constant(
                (float(_CELL),) * ((side - 1) // _CELL) + (float((side - 1) % _CELL + 1),), values
            )
            for side in (h, w)
        )
        sums = tall.view(-1, 1) * wide
    return (values * sums).flatten(1).sum(1) / (h * w)


MAD = Measure(
    "mad",
    "MAD",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Larson & Chandler 2010",
    _mad,
    MADOptions,
    formula="luma 0.299 R + 0.587 G + 0.114 B of colour images; local errors of 16 x 16 pixels "
    "times the logarithm of their contrast over that of the target, after a contrast sensitivity "
    "at 64 pixels per degree; differences of deviation, skewness and kurtosis of log-Gabor "
    "magnitudes; both mixed by a sigmoid of the first (Larson & Chandler 2010, MAD_index.m)",
    module="MADLoss",
    metric="MAD",
    takes_color=True,
    agrees="the authors' MAD_index.m under GNU Octave: 1e-12; pyiqa: its four printed digits",
)
mad = mad_loss = MAD.loss
