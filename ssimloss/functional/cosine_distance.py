"""Cosine distance of colours: ``1 - cos(pred + o, target + o)``, where ``cos`` is the cosine of the
angle between the channel vectors of a pixel.
"""

from typing import Any

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._options import Ranged, Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import Scores
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, PREPARATION, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.conventions.preparation import Preparation
from ssimloss.functional._gradient_similarity import without_masked
from ssimloss.measure import Measure

_LEAST_OFFSET = 1e-15  # a smaller one vanishes in float32 when squared


class CosineDistanceOptions(Reduced, Ranged):
    """Options of the cosine distance.

    Args:
        offset: added to every channel, in units of the range. Black then counts as dark gray, and
            the gradient of dark pixels is bounded, also below the range.
    """

    offset: float = 0.01

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        if _checks.positive("offset", self.offset) < _LEAST_OFFSET:
            raise ValueError(f"offset must be at least {_LEAST_OFFSET}, got {self.offset!r}")


def _cosine_distance(
    pred: Tensor, target: Tensor, options: CosineDistanceOptions, *, mask: Tensor | None = None
) -> Scores:
    """Cosine distance of colours: it compares hue and saturation, and ignores brightness.

    Two grays of any brightness have the distance 0: add a pixel loss.

    Args:
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
    _checks.images(pred, target)
    _checks.mask(mask, pred)
    if pred.shape[1] < 2:
        raise ValueError(
            "pred must have at least two channels, since vectors of one channel are parallel, got "
            f"{tuple(pred.shape)}; use l1_loss for gray images"
        )
    dtype = native_dtype(pred, target)
    x, y, weight = without_masked(*promote(pred, target), mask, options.low)
    x, y = (
        _direction((image - options.low) / options.span + options.offset, options.offset)
        for image in (x, y)
    )
    return Scores((x - y).square().sum(1, keepdim=True) / 2, weight, 1, dtype)


def _direction(image: Tensor, least: float) -> Tensor:
    """Unit vectors of the channels; 0 for 0. Vectors shorter than ``least`` lie beyond the range;
    they get the slope of a vector of that length.
    """
    squares = image.square().sum(1, keepdim=True)
    info = torch.finfo(image.dtype)
    none = squares < info.tiny / info.eps
    length = torch.where(none, 1, squares).sqrt()
    unit = torch.where(none, 0, image / length)
    share = (length.detach() / least).clamp(max=1)
    return unit.detach() + share * (unit - unit.detach())


COSINE_DISTANCE = Measure(
    "cosine_distance",
    "cosine distance",
    "",
    "lower",
    0.0,
    (0.0, 2.0),
    "Marnerides et al. 2018",
    _cosine_distance,
    CosineDistanceOptions,
    formula="mean over pixels of 1 minus the cosine of the angle between the vectors of channels, "
    "of images on a scale of [0, 1] plus 0.01",
    module="CosineDistanceLoss",
    metric="CosineDistance",
    takes_color=True,
    agrees="torch: 1e-14; traiNNer-redux: 1e-10",
)
cosine_distance = cosine_distance_loss = COSINE_DISTANCE.loss

# --- conventions ----------------------------------------------------------------------------------


def _of_a_program(pred: Tensor, target: Tensor, *, factor: float = 1.0, **options: Any) -> Tensor:
    return factor * cosine_distance(pred, target, **options)


CONVENTIONS = Table(
    "COSINE_DISTANCE",
    COSINE_DISTANCE,
    (
        *PREPARATION,
        Attribute(
            "offset",
            ("offset",),
            lambda s: f"{s['offset']:g}",
            lambda s: (
                f"1 - cosine of the vectors of channels plus {s['offset']:g}, mean over pixels"
            ),
        ),
        Attribute(
            "factor",
            ("factor",),
            lambda s: f"{s['factor']:g}",
            lambda s: f"times {s['factor']:g}" if s["factor"] != 1 else "",
        ),
        OVER_BATCH,
    ),
    Convention("offset", "dark pixels count as gray", "the equations", "tests/reference.py", 1e-14),
    Convention(
        "trainner",
        "traiNNer-redux with its defaults",
        "CosimLoss(1.0)",
        p.TRAINNER,
        1e-10,
        "it raises values below 1e-12 to it instead of adding it",
        options={"offset": 1e-12, "factor": 5.0},
        preparation=Preparation(clamp=True),
        notes=(
            "The gradient of the original grows like 1 / value towards black, and is 0 at black "
            "itself; with the default offset here it is bounded.",
        ),
    ),
    function=_of_a_program,
)
