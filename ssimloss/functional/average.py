"""Distance of downscaled images: ``mean rho(D(pred - target))``, where ``D`` takes means of blocks
or resamples. It leaves detail to the other terms of a loss.
"""

import functools
import math
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import pad

from ssimloss import _checks
from ssimloss._constants import constant
from ssimloss._options import Reduced
from ssimloss._precision import native_dtype, product, promote
from ssimloss._reduce import Scores
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, Attribute
from ssimloss.conventions.convention import Convention, Table
from ssimloss.filters import average_pool
from ssimloss.functional._distance import Distance, distance_of
from ssimloss.functional._gradient_similarity import check_least_side
from ssimloss.functional.charbonnier import check_charbonnier_eps
from ssimloss.measure import Measure

Filter = Literal["area", "bilinear", "bicubic"]
FILTERS: tuple[str, ...] = get_args(Filter)
DISTANCES: tuple[str, ...] = get_args(Distance)


class AverageOptions(Reduced):
    """Options of the distance of downscaled images.

    Args:
        downscale: by how much sides are divided, rounded down.
        filter: ``"area"``, means of ``downscale`` x ``downscale`` pixels, of which incomplete ones
            at the lower and right border are dropped; ``"bilinear"`` or ``"bicubic"``, with
            antialiasing.
        distance: ``rho``: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``.
        eps: of Charbonnier, in the images' own units.
    """

    downscale: int = 4
    filter: Filter = "area"
    distance: Distance = "l1"
    eps: float = 1e-3

    def __post_init__(self) -> None:
        """Raise for what cannot be computed, naming the option."""
        super().__post_init__()
        _checks.count("downscale", self.downscale)
        _checks.choice("filter", self.filter, FILTERS)
        _checks.choice("distance", self.distance, DISTANCES)
        check_charbonnier_eps(self.eps)


def _average(
    pred: Tensor, target: Tensor, options: AverageOptions, *, mask: Tensor | None = None
) -> Scores:
    """Distance of downscaled images, which sees colour and brightness but no detail.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range, at least ``downscale`` pixels on the
            short side.
        mask: ``(N, 1 or C, H, W)`` weights, for ``filter="area"``: the mean of a block is taken
            over the weights.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"``, ``(N, C, H', W')`` with sides
        divided by ``downscale``.

    Raises:
        ValueError: shapes differ, images smaller than a block, a mask for a filter that is not
            ``"area"``, unknown words.
        TypeError: integer tensors.

    Source: agrees with ``AverageLoss`` and ``BicubicLoss`` of traiNNer-redux to 1e-12, and with
    ``interpolate(antialias=True)`` of PyTorch.
    """
    _checks.images(pred, target)
    _checks.mask(mask, pred)
    size = options.downscale
    check_least_side(pred, size, f"for blocks of {size} pixels")
    if mask is not None and options.filter != "area":
        raise ValueError(
            f"mask must be None for filter={options.filter!r}, whose weights overlap and may be "
            "negative; use filter='area'"
        )
    dtype = native_dtype(pred, target)
    pred, target = promote(pred, target)
    difference = pred - target  # filters are linear: one is enough
    weight = None
    if options.filter != "area":
        for _ in range(2):
            difference = _shrunk(difference, size, options.filter).transpose(2, 3)
    elif mask is None:
        difference = average_pool(difference, size)
    else:
        share = mask.to(difference.dtype)
        weight = average_pool(share, size)
        total = average_pool(torch.where(mask != 0, difference * share, 0), size)
        difference = total / torch.where(weight > 0, weight, 1)
    return Scores(distance_of(difference, options.distance, options.eps), weight, 1, dtype)


def _shrunk(image: Tensor, factor: int, kernel: str) -> Tensor:
    """The last axis of ``(N, C, H, W)`` resampled; taps beyond the border are left out.

    An output is a sum over blocks of ``factor`` samples, with the same taps for all outputs.
    """
    taps, width = _taps(factor, kernel), image.shape[3]
    reach, kept = len(taps) // factor // 2, width // factor
    by_block = constant(taps, image).view(-1, factor).T.unsqueeze(0)  # (1, factor, blocks)
    amounts = (reach * factor, (kept + reach) * factor - width)

    def summed(rows: Tensor) -> Tensor:
        parts = product(pad(rows, amounts).reshape(1, -1, factor), by_block)
        parts = parts.view(*rows.shape[:3], kept + 2 * reach, 2 * reach + 1)
        each = [parts[:, :, :, k : k + kept, k] for k in range(2 * reach + 1)]
        return sum(each[1:], each[0])

    return summed(image) / summed(image.new_ones(1, 1, 1, width))


@functools.lru_cache(maxsize=64)
def _taps(factor: int, kernel: str) -> tuple[float, ...]:
    """Of an odd number of blocks around an output's own, of sum 1."""
    reach = 2 if kernel == "bicubic" else 1
    weights = []
    for place in range(-reach * factor, (reach + 1) * factor):
        t = abs((place + 0.5) / factor - 0.5)
        if kernel == "bilinear":
            weights.append(max(1 - t, 0.0))
        elif t <= 1:  # Keys 1981 with a = -1/2
            weights.append((1.5 * t - 2.5) * t * t + 1)
        else:
            weights.append(((2.5 - 0.5 * t) * t - 4) * t + 2 if t < 2 else 0.0)
    total = math.fsum(weights)
    return tuple([weight / total for weight in weights])


AVERAGE = Measure(
    "average",
    "distance of downscaled images",
    "",
    "lower",
    0.0,
    (0.0, math.inf),
    "",
    _average,
    AverageOptions,
    formula="mean of |x - y| of means of 4 x 4 pixels of images on a scale of [0, 1]",
    module="AverageLoss",
    metric="Average",
    agrees="traiNNer-redux: 1e-12",
)
average = average_loss = AVERAGE.loss

# --- conventions ----------------------------------------------------------------------------------

_BICUBIC = {"filter": "bicubic"}
CONVENTIONS = Table(
    "AVERAGE",
    AVERAGE,
    (
        Attribute(
            "downscaling",
            ("downscale", "filter"),
            lambda s: f"{s['filter']}, 1/{s['downscale']}",
            lambda s: (
                f"means of {s['downscale']} x {s['downscale']} pixels"
                if s["filter"] == "area"
                else f"{s['filter']}, antialiased, to 1/{s['downscale']} of the sides"
            ),
        ),
        Attribute(
            "distance",
            ("distance", "eps"),
            lambda s: s["distance"],
            lambda s: (
                f"mean {s['distance']} distance"
                + (f", eps = {s['eps']:g}" if s["distance"] == "charbonnier" else "")
            ),
        ),
        OVER_BATCH,
    ),
    Convention("trainner", "traiNNer-redux as it comes", "AverageLoss(1.0)", p.TRAINNER, 1e-12),
    Convention(
        "trainner_l2",
        "with squares",
        'AverageLoss(1.0, criterion="l2")',
        p.TRAINNER,
        1e-12,
        options={"distance": "l2"},
    ),
    Convention(
        "trainner_bicubic",
        "bicubic, as it comes",
        "BicubicLoss(1.0)",
        p.TRAINNER,
        1e-12,
        options=_BICUBIC,
    ),
    Convention(
        "trainner_bicubic_l2",
        "bicubic, with squares",
        'BicubicLoss(1.0, criterion="l2")',
        p.TRAINNER,
        1e-12,
        options={**_BICUBIC, "distance": "l2"},
    ),
    Convention(
        "trainner_bicubic_charbonnier",
        "bicubic, with Charbonnier",
        'BicubicLoss(1.0, criterion="charbonnier")',
        p.TRAINNER,
        1e-12,
        options={**_BICUBIC, "distance": "charbonnier", "eps": 1e-6},
    ),
)
