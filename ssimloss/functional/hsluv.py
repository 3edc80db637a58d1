"""HSLuv consistency: ``mean(w_H dH min(C_x, C_y) + w_S |C_x - C_y| + w_L |L_x - L_y|)``. ``dH`` is
the angle between the hues, scaled to [0, 1]; ``C = S (1 - |2 L - 1|)`` is the colourfulness.

Boronine, "HSLuv", revision 4; CIE 15 for CIELUV. The form with thresholds is the ``HSLuvLoss`` of
traiNNer-redux.
"""

import math
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss.color.hsluv import clamped_light, hsluv_parts
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute, choice, distance
from ssimloss.conventions.convention import Convention, Table
from ssimloss.conventions.details import with_details
from ssimloss.functional._distance import Distance, check_distance, distance_of
from ssimloss.functional._gradient_similarity import check_colors, without_masked
from ssimloss.measure import Measure

Edges = Literal["continuous", "thresholds"]
EDGES: tuple[str, ...] = get_args(Edges)
WhiteTest = Literal["both", "pred"]

_THRESHOLD = 0.1  # of saturation and lightness
_LEAST_TURN = 1e-4  # of 180 degrees; far below what is visible


class HSLuvOptions(Reduced, Ranged):
    """Options of HSLuv consistency.

    Args:
        hue_weight, saturation_weight, lightness_weight: weights of the three parts, each of which
            is in [0, 1].
        distance: distance of saturation and lightness: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or
            ``"charbonnier"`` ``sqrt(d^2 + eps^2)``. The hue is compared by the angle.
        eps: ``eps`` of Charbonnier; for equal images, a part is ``eps`` times its weight, not 0.
        edges: ``"continuous"`` lets hue and saturation fade towards gray, black and white.
            ``"thresholds"`` is the form of traiNNer-redux, which jumps at a saturation or lightness
            of 0.1 and 0.9.
    """

    hue_weight: float = 1 / 3
    saturation_weight: float = 1 / 3
    lightness_weight: float = 1 / 3
    distance: Distance = "l1"
    eps: float = 1e-3
    edges: Edges = "continuous"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        for name in ("hue_weight", "saturation_weight", "lightness_weight"):
            _checks.non_negative(name, getattr(self, name))
        check_distance(self.distance, self.eps)
        _checks.choice("edges", self.edges, EDGES)


def _hsluv(
    pred: Tensor, target: Tensor, options: HSLuvOptions, *, mask: Tensor | None = None
) -> Scores:
    """Distance of hue, saturation and lightness in HSLuv.

    Gray has no hue; black and white have neither hue nor saturation. Therefore the colourfulness,
    the saturation times ``1 - |2 L - 1|``, is compared instead of the saturation, and the hue is
    weighted by the smaller colourfulness of the two pixels. The gradient of a gray pixel points to
    the colour of the target, that of a black or white pixel to its lightness.

    Images are sRGB; a gray image counts as RGB with three equal channels. Values beyond the range
    are clamped and have no gradient: add a pixel loss.

    Args:
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
    return _hsluv_of(pred, target, options, mask)


def _hsluv_of(
    pred: Tensor,
    target: Tensor,
    options: HSLuvOptions,
    mask: Tensor | None = None,
    *,
    white_test: WhiteTest = "both",
) -> Scores:
    """HSLuv consistency with the detail in which versions of traiNNer-redux differ."""
    check_colors(pred, target, mask)
    dtype = native_dtype(pred, target)
    x, y, weight = without_masked(*promote(pred, target), mask, options.low)
    x, y = (clamped_light((image - options.low) / options.span) for image in (x, y))
    x, y = x.expand(-1, 3, -1, -1), y.expand(-1, 3, -1, -1)
    hue_x, saturation_x, light_x = hsluv_parts(x, y)
    hue_y, saturation_y, light_y = hsluv_parts(y, x)
    hue = _angle(hue_x, hue_y)
    if options.edges == "continuous":
        colour_x, colour_y = saturation_x * _chord(light_x), saturation_y * _chord(light_y)
        hue = hue * torch.minimum(colour_x, colour_y)
        saturation = distance_of(colour_x - colour_y, options.distance, options.eps)
    else:
        hue = _with_thresholds(hue, saturation_x, saturation_y, light_x, light_y, white_test)
        saturation = distance_of(saturation_x - saturation_y, options.distance, options.eps)
        saturation = saturation * ((_chord(light_x) + _chord(light_y)) / 2)
    lightness = distance_of(light_x - light_y, options.distance, options.eps)
    values = (
        options.hue_weight * hue
        + options.saturation_weight * saturation
        + options.lightness_weight * lightness
    )
    return Scores(values, weight, 1, dtype)


def _angle(x: Tensor, y: Tensor) -> Tensor:
    """The angle between unit vectors ``(N, 2, H, W)`` over 180 degrees; 0 if one of them is 0.

    Near 0 and 180 degrees the slope is that of a parabola, so that rounding of equal and opposite
    hues has no effect on the gradient.
    """
    u_x, v_x, u_y, v_y = x[:, 0:1], x[:, 1:2], y[:, 0:1], y[:, 1:2]
    across, along = u_x * v_y - v_x * u_y, u_x * u_y + v_x * v_y
    none = (across == 0) & (along == 0)
    turn = torch.atan2(across, torch.where(none, 1, along)).abs() / math.pi
    near, far = turn.clamp(max=_LEAST_TURN), (1 - turn).clamp(max=_LEAST_TURN)
    rounded = turn - near + (near.square() - (_LEAST_TURN - far).square()) / (2 * _LEAST_TURN)
    return turn.detach() + (rounded - rounded.detach())


def _chord(lightness: Tensor) -> Tensor:
    """``1 - |2 L - 1|``: 0 at black and white, 1 between them."""
    return 2 * torch.minimum(lightness, 1 - lightness)


def _with_thresholds(
    hue: Tensor,
    saturation_x: Tensor,
    saturation_y: Tensor,
    light_x: Tensor,
    light_y: Tensor,
    white_test: WhiteTest,
) -> Tensor:
    """The difference of hues where both colours have a hue."""
    dull_x, dull_y = saturation_x < _THRESHOLD, saturation_y < _THRESHOLD
    hue = torch.where(dull_x & dull_y, 0, hue)
    hue = torch.where(dull_x ^ dull_y, torch.maximum(saturation_x, saturation_y), hue)
    black = (light_x < _THRESHOLD) & (light_y < _THRESHOLD)
    white = light_x > 1 - _THRESHOLD
    if white_test == "both":
        white = white & (light_y > 1 - _THRESHOLD)
    return torch.where(black | white, 0, hue)


HSLUV = Measure(
    "hsluv",
    "HSLuv consistency",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Boronine 2012; CIE 15",
    _hsluv,
    HSLuvOptions,
    formula="mean over pixels of a third of the differences of hue, colourfulness and lightness in "
    "HSLuv, each from 0 to 1; the hue is weighted by the smaller colourfulness",
    module="HSLuvLoss",
    metric="HSLuv",
    takes_color=True,
    agrees="hsluv's conversion: 1e-8; traiNNer-redux: 1e-8",
)
hsluv = hsluv_loss = HSLUV.loss

# --- conventions ----------------------------------------------------------------------------------


def _parts(state: Any) -> str:
    return ", ".join(f"{state[f'{name}_weight']:.4g} {name}" for name in _PARTS)


_PARTS = ("hue", "saturation", "lightness")
_THRESHOLDS = (
    "The hue difference of a gray and a colourful pixel is weighted by the larger saturation, "
    "so its gradient can only remove colour."
)
CONVENTIONS = Table(
    "HSLUV",
    HSLUV,
    (
        *PREPARATION,
        Attribute("weights", tuple(f"{name}_weight" for name in _PARTS), _parts, _parts),
        choice(
            "edges",
            "edges",
            {
                "continuous": (
                    "continuous",
                    "the saturation times 1 - |2 L - 1|; the hue times the smaller of both",
                ),
                "thresholds": (
                    "thresholds",
                    "the saturation weighted by the lightness of both; the hue where saturation "
                    "and lightness pass thresholds",
                ),
            },
        ),
        choice(
            "test of white",
            "white_test",
            {
                "both": ("of both images", ""),
                "pred": ("of pred", "no hue wherever pred is lighter than 0.9"),
            },
        ),
        distance("mean {} of saturation and lightness"),
        OVER_BATCH,
    ),
    Convention("continuous", "without jumps", "the equations", "tests/reference.py", 1e-10),
    Convention(
        "trainner",
        "traiNNer-redux with its defaults",
        "sum(HSLuvLoss(1.0)(pred, target).values())",
        p.TRAINNER,
        1e-8,
        "it bounds divisors from below, and counts a chroma below 0.029 as gray",
        options={"edges": "thresholds"},
        notes=(_THRESHOLDS,),
    ),
    Convention(
        "trainner_charbonnier",
        "traiNNer-redux as in its templates",
        'sum(HSLuvLoss(1.0, criterion="charbonnier")(pred, target).values())',
        p.TRAINNER,
        1e-8,
        "it bounds divisors from below, and counts a chroma below 0.029 as gray",
        options={"edges": "thresholds", "distance": "charbonnier", "eps": 1e-6},
        notes=(_THRESHOLDS,),
    ),
    Convention(
        "trainner_2025",
        "traiNNer-redux before January 2026",
        "sum(HSLuvLoss(1.0)(pred, target).values())",
        "traiNNer-redux before af64694",
        1e-8,
        "it bounds divisors from below, and counts a chroma below 0.029 as gray",
        options={"edges": "thresholds", "white_test": "pred"},
        notes=(
            _THRESHOLDS,
            "It tests lightness > 0.1 - 1 of the target, which is always true: the hue has no "
            "gradient wherever pred is light.",
        ),
    ),
    function=with_details(HSLUV, _hsluv_of),
)
