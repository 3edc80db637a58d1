"""Distance of downscaled images: ``mean rho(D(pred - target))``, where ``D`` averages blocks or
resamples. Detail is left to the other terms of a loss.
"""

import math
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssimloss import _checks
from ssimloss._constants import planes
from ssimloss._options import Reduced
from ssimloss._precision import native_dtype, product, promote
from ssimloss._reduce import Scores
from ssimloss.conventions import programs as p
from ssimloss.conventions.attributes import OVER_BATCH, Attribute, distance
from ssimloss.conventions.convention import Convention, Table
from ssimloss.filters import average_pool
from ssimloss.functional._distance import Distance, check_distance, distance_of
from ssimloss.functional._gradient_similarity import check_least_side
from ssimloss.measure import Measure
from ssimloss.resize import keys_cubic

Filter = Literal["area", "bilinear", "bicubic"]
FILTERS: tuple[str, ...] = get_args(Filter)
_REACH = {"bilinear": 1, "bicubic": 2}  # of the kernels, on each side


class AverageOptions(Reduced):
    """Options of the distance of downscaled images.

    Args:
        downscale: the divisor of the sides; results are rounded down.
        filter: ``"area"`` takes means of ``downscale`` x ``downscale`` pixels and drops incomplete
            blocks at the lower and right border. ``"bilinear"`` and ``"bicubic"`` resample with
            antialiasing.
        distance: ``rho``: ``"l1"`` ``|d|``, ``"l2"`` ``d^2``, or ``"charbonnier"``
            ``sqrt(d^2 + eps^2)``.
        eps: ``eps`` of Charbonnier, in the images' own units.
    """

    downscale: int = 4
    filter: Filter = "area"
    distance: Distance = "l1"
    eps: float = 1e-3

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.count("downscale", self.downscale)
        _checks.choice("filter", self.filter, FILTERS)
        check_distance(self.distance, self.eps)


def _average(
    pred: Tensor, target: Tensor, options: AverageOptions, *, mask: Tensor | None = None
) -> Scores:
    """Distance of downscaled images: it compares colour and brightness but ignores detail.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range, at least ``downscale`` pixels on the
            short side.
        mask: ``(N, 1 or C, H, W)`` weights, for ``filter="area"`` only: the mean of a block is a
            weighted mean.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"``, ``(N, C, H', W')`` with sides
        divided by ``downscale``.

    Raises:
        ValueError: shapes differ, images are smaller than a block, a mask is given for a filter
            other than ``"area"``, or an option value is unknown.
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
    difference = pred - target  # filters are linear, so the difference is filtered once
    weight = None
    if options.filter != "area":
        difference = _resampled(difference, size, options.filter)
    elif mask is None:
        difference = average_pool(difference, size)
    else:
        share = mask.to(difference.dtype)
        weight = average_pool(share, size)
        total = average_pool(torch.where(mask != 0, difference * share, 0), size)
        difference = total / torch.where(weight > 0, weight, 1)
    return Scores(distance_of(difference, options.distance, options.eps), weight, 1, dtype)


def _resampled(image: Tensor, factor: int, kernel: str) -> Tensor:
    """Multiply ``(N, C, H, W)`` by one matrix for each axis."""
    n, c, height, width = image.shape
    of_rows, of_columns = (
        planes(_matrix, side, factor, _REACH[kernel], like=image) for side in (height, width)
    )
    flat = product(image.reshape(1, n * c * height, width), of_columns.T[None])
    rows = of_rows.expand(n * c, -1, -1)
    kept = height // factor, width // factor
    return product(rows, flat.view(n * c, height, kept[1])).view(n, c, *kept)


def _matrix(length: int, factor: int, reach: int) -> NDArray[np.float64]:
    """The matrix ``(length // factor, length)`` of a kernel that reaches ``factor`` times its
    radius to each side and is cut off at the border. Each row sums to 1.
    """
    centres = factor * (np.arange(length // factor) + 0.5) - 0.5
    t = np.abs(np.arange(length) - centres[:, None]) / factor
    weights = np.maximum(1 - t, 0) if reach == 1 else keys_cubic(t)
    rows: NDArray[np.float64] = weights / weights.sum(1, keepdims=True)
    return rows


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
        distance("mean {} distance"),
        OVER_BATCH,
    ),
    Convention(
        "trainner", "traiNNer-redux with its defaults", "AverageLoss(1.0)", p.TRAINNER, 1e-12
    ),
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
        "bicubic, with its defaults",
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
