"""CIEDE2000: the colour difference of the CIE, pixel by pixel.

``dE^2 = (dL / S_L)^2 + (dC / S_C)^2 + (dH / S_H)^2 + R_T (dC / S_C) (dH / S_H)`` of lightness,
chroma and hue in CIELAB.

CIE 142, "Improvement to industrial colour-difference evaluation", 2001; Sharma, Wu & Dalal, "The
CIEDE2000 color-difference formula: implementation notes, supplementary test data, and mathematical
observations", 2005.
"""

import math
from functools import partial

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores, slope_of
from ssimloss._roots import root
from ssimloss.color.lab import lab_of
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional._corners import length
from ssimloss.functional._gradient_similarity import (
    check_colors,
    without_masked,
)
from ssimloss.functional._pixel import not_reduced
from ssimloss.kernels import COLOR_MEANS, Backed, Colors, color_means, select
from ssimloss.measure import Measure

_GRAY = 1e-6  # a product of chromas; below it, the slope of the hue difference is constant


class CIEDE2000Options(Backed, Reduced, Ranged):
    """Options of CIEDE2000.

    Args:
        k_l, k_c, k_h: tolerances of lightness, chroma and hue; ``k_l=2`` for textiles.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            no mask.
    """

    k_l: float = 1.0
    k_c: float = 1.0
    k_h: float = 1.0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.positive("k_l", self.k_l)
        _checks.positive("k_c", self.k_c)
        _checks.positive("k_h", self.k_h)


def _ciede2000(
    pred: Tensor, target: Tensor, options: CIEDE2000Options, *, mask: Tensor | None = None
) -> Scores:
    """CIEDE2000 colour difference of pixels, in units of about one just noticeable difference.

    Images are sRGB, converted to CIELAB under D65. A gray image counts as RGB with three equal
    channels. Values beyond the range are converted by the same formulas. The formula jumps where
    hues are opposite or a pixel is gray; its gradient is finite there, and 0 where pixels are
    equal.

    Args:
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
    check_colors(pred, target, mask)
    dtype = native_dtype(pred, target)
    uncovered = not_reduced(mask, options.reduction)
    backend = select(options.backend, pred, target, COLOR_MEANS, uncovered=uncovered)
    if backend != "eager":
        numbers = options.low, options.span, options.k_l, options.k_c, options.k_h
        positions = pred.shape[2] * pred.shape[3]
        slope = slope_of(options.reduction, pred.shape[:1])
        if options.reduction == "sum":
            slope *= max(positions, 1)
        equation = partial(_means, options=options)
        colors = Colors(*map(float, numbers))
        means = color_means(pred, target, colors, backend=backend, equation=equation, slope=slope)
        return Scores(means, None, positions, dtype)
    x, y, weight = without_masked(*promote(pred, target), mask, options.low)
    return Scores(_map(x, y, options), weight, 1, dtype)


def _map(x: Tensor, y: Tensor, options: CIEDE2000Options) -> Tensor:
    """The difference of every pixel, ``(N, 1, H, W)``."""
    lab_x, lab_y = (_lab((image - options.low) / options.span) for image in (x, y))
    return _difference(lab_x, lab_y, options)


def _means(x: Tensor, y: Tensor, options: CIEDE2000Options) -> Tensor:
    """The mean of each image, ``(N, 1)``: what the kernel computes."""
    return _map(*promote(x, y), options).flatten(1).mean(1, keepdim=True)


def _lab(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``L, a, b`` of sRGB in [0, 1], each ``(N, 1, H, W)``."""
    if image.shape[1] == 1:
        image = image.expand(-1, 3, -1, -1)
    lab = lab_of(image)
    return lab[:, 0:1], lab[:, 1:2], lab[:, 2:3]


def _difference(
    x: tuple[Tensor, Tensor, Tensor], y: tuple[Tensor, Tensor, Tensor], options: CIEDE2000Options
) -> Tensor:
    """``dE`` of two colours in CIELAB."""
    (l_x, a_x, b_x), (l_y, a_y, b_y) = x, y
    chroma = (length(a_x, b_x, towards=(a_y, b_y)) + length(a_y, b_y, towards=(a_x, b_x))) / 2
    stretch = 1.5 - 0.5 * _saturation(chroma)
    a_x, a_y = stretch * a_x, stretch * a_y
    c_x, c_y = length(a_x, b_x, towards=(a_y, b_y)), length(a_y, b_y, towards=(a_x, b_x))
    d_l, d_c, chroma = l_x - l_y, c_x - c_y, (c_x + c_y) / 2
    hue = _mean_hue(_hue(a_x, b_x), _hue(a_y, b_y), c_x * c_y == 0)

    far = ((l_x + l_y) / 2 - 50).square()
    s_l = 1 + 0.015 * far / (20 + far).sqrt()
    s_c = 1 + 0.045 * chroma
    t = (
        1
        - 0.17 * torch.cos(hue - math.radians(30))
        + 0.24 * torch.cos(2 * hue)
        + 0.32 * torch.cos(3 * hue + math.radians(6))
        - 0.20 * torch.cos(4 * hue - math.radians(63))
    )
    s_h = 1 + 0.015 * chroma * t
    turn = math.radians(60) * torch.exp(-((torch.rad2deg(hue) - 275) / 25).square())
    r_t = -2 * torch.sin(turn) * _saturation(chroma)

    d_a, d_b = a_x - a_y, b_x - b_y
    d_h2 = (
        d_a * d_a + d_b * d_b - d_c * d_c
    )  # 2 (C_x C_y - a_x a_y - b_x b_y), without its rounding
    d_h = _hue_difference(a_x, b_x, a_y, b_y, c_x * c_y, d_h2)
    lightness = d_l / (options.k_l * s_l)
    chromatic = d_c / (options.k_c * s_c)
    hue_scale = options.k_h * s_h
    total = lightness * lightness + chromatic * chromatic + d_h2 / (hue_scale * hue_scale)
    return root((total + r_t * chromatic * d_h / hue_scale).clamp(min=0))


def _saturation(chroma: Tensor) -> Tensor:
    """``sqrt(C^7 / (C^7 + 25^7))``, with the slope 0 at 0."""
    power = (chroma / 25).clamp(max=1e3) ** 3.5  # beyond, the result is 1 and the square overflows
    return power / (1 + power * power).sqrt()


def _hue(a: Tensor, b: Tensor) -> Tensor:
    """The angle in [0, 2 pi); 0 for gray."""
    gray = (a == 0) & (b == 0)
    return torch.atan2(b, torch.where(gray, 1, a)).remainder(2 * math.pi)


def _mean_hue(h_x: Tensor, h_y: Tensor, gray: Tensor) -> Tensor:
    """The middle of the shorter arc; the other hue where one pixel is gray."""
    total = h_x + h_y
    around = ((h_x - h_y).abs() > math.pi) & ~gray
    turned = torch.where(total < 2 * math.pi, total + 2 * math.pi, total - 2 * math.pi)
    return torch.where(gray, total, torch.where(around, turned, total) / 2)


def _hue_difference(
    a_x: Tensor, b_x: Tensor, a_y: Tensor, b_y: Tensor, product: Tensor, d_h2: Tensor
) -> Tensor:
    """``2 sqrt(C_x C_y) sin((h_x - h_y) / 2)``."""
    cross, dot = a_y * b_x - a_x * b_y, a_x * a_y + b_x * b_y
    near = dot >= 0  # there, the sine by the double angle is smooth
    by_angle = cross / torch.where(near, (product + dot) / 2, 1).clamp(min=_GRAY).sqrt()
    return torch.where(near, by_angle, cross.sign() * root(torch.where(near, 0, d_h2).clamp(min=0)))


CIEDE2000 = Measure(
    "ciede2000",
    "CIEDE2000",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "CIE 142-2001; Sharma, Wu & Dalal 2005",
    _ciede2000,
    CIEDE2000Options,
    formula="mean over pixels of the CIEDE2000 difference of sRGB colours under D65 (CIE 142-2001; "
    "Sharma, Wu & Dalal 2005)",
    module="CIEDE2000Loss",
    metric="CIEDE2000",
    takes_color=True,
    agrees="scikit-image: 1e-12",
)
ciede2000 = ciede2000_loss = CIEDE2000.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "CIEDE2000",
    CIEDE2000,
    (
        *PREPARATION,
        Attribute(
            "tolerances",
            ("k_l", "k_c", "k_h"),
            lambda s: f"{s['k_l']:g} : {s['k_c']:g} : {s['k_h']:g}",
            lambda s: (
                "CIEDE2000 of sRGB colours under D65, with tolerances of lightness, chroma and hue "
                f"of {s['k_l']:g} : {s['k_c']:g} : {s['k_h']:g}; mean over pixels"
            ),
        ),
        OVER_BATCH,
    ),
    Convention("cie2001", "the standard", "the equations", "tests/reference.py", 1e-10),
    Convention(
        "skimage",
        "scikit-image with its defaults, the mean of its map",
        "deltaE_ciede2000(rgb2lab(x), rgb2lab(y)).mean()",
        p.SKIMAGE,
        1e-10,
        same_as="cie2001",
    ),
)
