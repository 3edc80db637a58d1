"""Clipped distance: ``min(max(rho(d), low), high)``; only values between have a gradient."""

import math
from functools import partial

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._reduce import Scores
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, Attribute, distance
from ssimloss.conventions.convention import Convention, Table
from ssimloss.functional._distance import Distance, check_distance, distance_of
from ssimloss.functional._pixel import PixelOptions, distances
from ssimloss.kernels import Pixelwise
from ssimloss.measure import Measure


class ClippedOptions(PixelOptions):
    """Options of the clipped distance.

    Args:
        distance: ``rho``: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``, which neosr calls pseudo-Huber.
        eps: ``eps`` of Charbonnier, in the images' own units.
        low: the smallest value. Pixels below it count as learned and have no gradient. The default
            is one level of 8-bit images in [0, 1].
        high: the largest value. Pixels above it count as noise and have no gradient. By default
            there is no limit, so that every wrong pixel is corrected, infinite errors included.
    """

    distance: Distance = "l1"
    eps: float = 1e-3
    low: float = 1 / 255
    high: float | None = None

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        check_distance(self.distance, self.eps)
        _checks.non_negative("low", self.low)
        if self.high is not None and _checks.positive("high", self.high) <= self.low:
            raise ValueError(
                f"high must be larger than low, got high={self.high!r} and low={self.low!r}; "
                "high=None clips nothing"
            )


def _clipped(
    pred: Tensor, target: Tensor, options: ClippedOptions, *, mask: Tensor | None = None
) -> Scores:
    """Clipped distance: pixels with an error below ``low`` have no gradient.

    For equal images the value is ``low``, not 0.

    Args:
        pred, target: float images ``(N, C, H, W)`` or volumes ``(N, C, D, H, W)``, any range.
        mask: ``(N, 1 or C, ...)`` weights; the mean is taken over the weight.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; the shape of ``pred`` for ``"none"``.

    Raises:
        ValueError: shapes differ, ``high`` is not larger than ``low``, or an option value is
            unknown.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: ``chc_loss`` of neosr without its cosine term.
    """
    high = math.inf if options.high is None else options.high
    distance = Pixelwise(options.distance, options.eps, options.low, high)
    return distances(pred, target, options, mask, distance, partial(_curve, options=options))


def _curve(difference: Tensor, options: ClippedOptions) -> Tensor:
    """Per element."""
    values = distance_of(difference, options.distance, options.eps)
    between = values > options.low  # by PyTorch's version, clamp may have a gradient at its bounds
    if options.high is not None:
        between = between & (values < options.high)
    return torch.where(between, values, values.detach().clamp(options.low, options.high))


CLIPPED = Measure(
    "clipped",
    "clipped distance",
    "",
    "lower",
    None,
    (0.0, float("inf")),
    "neosr",
    _clipped,
    ClippedOptions,
    formula="mean of |x - y|, at least 1/255, of images on a scale of [0, 1]",
    module="ClippedLoss",
    metric="Clipped",
    agrees="neosr: 1e-14",
)
clipped = clipped_loss = CLIPPED.loss

# --- conventions ----------------------------------------------------------------------------------

_LARGE = (
    "Errors above 0.996078 have no gradient: a black pixel that should be white stays black.",
    "Its loss_lambda adds a multiple of the cosine distance before it clips; by default it is 0.",
)
CONVENTIONS = Table(
    "CLIPPED",
    CLIPPED,
    (
        distance("{} at every pixel"),
        Attribute(
            "limits",
            ("low", "high"),
            lambda s: (
                f"at least {s['low']:g}" if s["high"] is None else f"{s['low']:g} to {s['high']:g}"
            ),
            lambda s: (
                f"at least {s['low']:g}" + ("" if s["high"] is None else f", at most {s['high']:g}")
            ),
        ),
        OVER_BATCH,
    ),
    Convention(
        "neosr",
        "neosr with its defaults",
        "chc_loss()",
        p.NEOSR,
        1e-14,
        options={"distance": "charbonnier", "eps": 1e-6, "low": 0.003921, "high": 0.996078},
        notes=_LARGE,
    ),
    Convention(
        "neosr_l1",
        "neosr with absolute errors",
        'chc_loss(criterion="l1")',
        p.NEOSR,
        1e-14,
        options={"low": 0.003921, "high": 0.996078},
        notes=_LARGE,
    ),
)
