"""Colour consistency: ``mean |c(pred) - c(target)|``, the length of the difference of the colour
planes ``c`` of CIELAB, Oklab or YCbCr, optionally of means of blocks.

CIE 15 for CIELAB; Ottosson, "A perceptual color space for image processing", 2020, for Oklab;
ITU-R BT.601 for YCbCr.
"""

import math
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._constants import constant
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, product, promote
from ssimloss._reduce import Scores
from ssimloss._roots import root
from ssimloss.color.lab import lab_of, oklab_of
from ssimloss.color.luma import YCBCR
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute, choice
from ssimloss.conventions.convention import Convention, Table
from ssimloss.filters import average_pool
from ssimloss.functional._gradient_similarity import (
    check_colors,
    check_least_side,
    without_masked,
)
from ssimloss.measure import Measure

Space = Literal["cielab", "oklab", "ycbcr"]
SPACES: tuple[str, ...] = get_args(Space)
Planes = Literal["chroma", "lightness", "all"]
PLANES: tuple[str, ...] = get_args(Planes)
Distance = Literal["euclidean", "l1"]
DISTANCES: tuple[str, ...] = get_args(Distance)
_LEAST = {"cielab": 1e-3, "oklab": 1e-5, "ycbcr": 1e-5}  # far less than can be seen
_CONVERT = {"oklab": oklab_of, "cielab": lab_of}
_CHOSEN = {"chroma": slice(1, 3), "lightness": slice(1), "all": slice(3)}


class ColorConsistencyOptions(Reduced, Ranged):
    """Options of colour consistency.

    Args:
        space: ``"cielab"``, ``"oklab"``, or ``"ycbcr"`` of ITU-R BT.601 in studio range. The value
            is in the units of the space: lightness to 100 in CIELAB, to 1 in Oklab, to 235 / 255 in
            YCbCr.
        planes: ``"chroma"`` compares the two colour planes, ``"lightness"`` the other one,
            ``"all"`` the three.
        distance: ``"euclidean"``, the length of the difference of two colours, or ``"l1"``, the
            mean of ``|d|`` over planes.
        downscale: side of the blocks of pixels whose means are compared; incomplete blocks at the
            lower and right border are dropped.
    """

    space: Space = "cielab"
    planes: Planes = "chroma"
    distance: Distance = "euclidean"
    downscale: int = 1

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("space", self.space, SPACES)
        _checks.choice("planes", self.planes, PLANES)
        _checks.choice("distance", self.distance, DISTANCES)
        _checks.count("downscale", self.downscale)


def _color_consistency(
    pred: Tensor, target: Tensor, options: ColorConsistencyOptions, *, mask: Tensor | None = None
) -> Scores:
    """Distance of colours in CIELAB, Oklab or YCbCr, with or without their lightness.

    With ``planes="chroma"`` the value does not depend on the lightness: add a pixel loss. With
    ``planes="all"``, CIELAB is the colour difference of 1976. Images are sRGB; a gray image is
    treated as RGB with three equal channels, and has no chroma. Values beyond the range are
    converted by the same formulas. The gradient is finite at gray, black and white. In Oklab, the
    chroma of dark pixels changes fast, by 0.1 for a step of 0.02; below a response of 1e-4 its cube
    root has the slope at 1e-4. Where colours are equal, the gradient is 0.

    Args:
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
    check_colors(pred, target, mask)
    size = options.downscale
    check_least_side(pred, size, f"for blocks of {size} pixels")
    dtype = native_dtype(pred, target)
    x, y, weight = without_masked(*promote(pred, target), mask, options.low)
    if options.space == "ycbcr":
        difference = _of_ycbcr(x - y, options)  # linear: one conversion is enough
    else:
        difference = _planes(x, options) - _planes(y, options)
    if size > 1:
        if weight is None:
            difference = average_pool(difference, size)
        else:
            mass = average_pool(weight, size)
            total = average_pool(difference * weight, size)
            difference, weight = total / torch.where(mass > 0, mass, 1), mass
    if options.distance == "l1":
        return Scores(difference.abs(), weight, 1, dtype)
    return Scores(_length(difference, _LEAST[options.space]), weight, 1, dtype)


def _length(difference: Tensor, least: float) -> Tensor:
    """The length of vectors of planes; below ``least`` with the slope of a parabola, so that the
    rounding of equal chromas has no direction.
    """
    fixed = difference.detach()
    found = root(fixed.square().sum(1, keepdim=True))
    near = found < least
    moved = ((difference - fixed) * (fixed / least)).sum(1, keepdim=True)
    far = torch.where(near, 1, difference).square().sum(1, keepdim=True).sqrt()
    return torch.where(near, found + moved, far)


def _planes(image: Tensor, options: ColorConsistencyOptions) -> Tensor:
    unit = ((image - options.low) / options.span).expand(-1, 3, -1, -1)
    planes = _CONVERT[options.space](unit)
    return planes[:, _CHOSEN[options.planes]]


def _of_ycbcr(difference: Tensor, options: ColorConsistencyOptions) -> Tensor:
    """The planes of a difference of images, by one product.

    Of ``R - G``, ``G`` and ``B - G``, so that the chroma of gray is exactly 0.
    """
    rows = tuple(_less_green(row, options.span) for row in YCBCR[_CHOSEN[options.planes]])
    weights = constant(rows, difference).expand(len(difference), -1, -1)
    red, green, blue = torch.split(difference.expand(-1, 3, -1, -1), 1, 1)
    pixels = torch.cat((red - green, green, blue - green), 1).flatten(2)
    return product(weights, pixels).view(len(pixels), len(rows), *difference.shape[2:])


def _less_green(row: Sequence[float], span: float) -> tuple[float, ...]:
    """The weights of ``R - G``, ``G`` and ``B - G``; chroma has none of green."""
    red, _, blue = row
    gray = math.fsum(row)
    return red / span, (gray if abs(gray) > 1e-9 else 0.0) / span, blue / span


COLOR_CONSISTENCY = Measure(
    "color_consistency",
    "colour consistency",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "CIE 15; Ottosson 2020",
    _color_consistency,
    ColorConsistencyOptions,
    formula="mean distance of the a and b of sRGB colours in CIELAB under D65 (CIE 15)",
    module="ColorConsistencyLoss",
    metric="ColorConsistency",
    takes_color=True,
    agrees="scikit-image: 1e-12; traiNNer-redux (YCbCr): 1e-10",
)
color_consistency = color_consistency_loss = COLOR_CONSISTENCY.loss

# --- conventions ----------------------------------------------------------------------------------

CONVENTIONS = Table(
    "COLOR_CONSISTENCY",
    COLOR_CONSISTENCY,
    (
        *PREPARATION,
        choice(
            "space",
            "space",
            {
                "oklab": ("Oklab", "Oklab of sRGB colours"),
                "cielab": ("CIELAB", "CIELAB of sRGB colours under D65"),
                "ycbcr": ("YCbCr", "YCbCr of ITU-R BT.601 in studio range, over 255"),
            },
        ),
        choice(
            "planes",
            "planes",
            {
                "chroma": ("chroma", "the two colour planes"),
                "lightness": ("lightness", "the lightness"),
                "all": ("all", "lightness and both colour planes"),
            },
        ),
        Attribute(
            "downscale",
            ("downscale",),
            lambda s: f"{s['downscale']}",
            lambda s: (
                f"means of {s['downscale']} x {s['downscale']} pixels" if s["downscale"] > 1 else ""
            ),
        ),
        choice(
            "distance",
            "distance",
            {
                "euclidean": ("length", "mean length of the difference over pixels"),
                "l1": ("L1", "mean absolute difference over pixels and planes"),
            },
        ),
        OVER_BATCH,
    ),
    Convention("cielab", "chroma of CIELAB", "the equations", "tests/reference.py", 1e-10),
    Convention(
        "cie1976",
        "the colour difference of 1976, as scikit-image has it",
        "deltaE_cie76(rgb2lab(x), rgb2lab(y)).mean()",
        p.SKIMAGE,
        1e-10,
        options={"planes": "all"},
    ),
    Convention(
        "ottosson2020",
        "chroma of Oklab",
        "the equations",
        "tests/reference.py",
        1e-12,
        options={"space": "oklab"},
    ),
    Convention(
        "trainner",
        "traiNNer-redux with its defaults",
        'ColorLoss(criterion="l1", scale=4)',
        p.TRAINNER,
        1e-9,
        "the original code rounds its matrix to float32",
        options={"space": "ycbcr", "distance": "l1", "downscale": 4},
        notes=("The original code compares images of three channels only.",),
    ),
)
