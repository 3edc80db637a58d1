"""Image gradient difference: ``||dx pred| - |dx target||^alpha`` of neighbour differences.

Mathieu, Couprie & LeCun 2016, eq. 6.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

from ssimloss import _checks
from ssimloss._options import Reduced
from ssimloss._precision import native_dtype, promote
from ssimloss._reduce import reduce, slope_of
from ssimloss.functional._corners import absolute
from ssimloss.functional._edges import difference_weights, edge_numbers
from ssimloss.functional._pixel import not_reduced
from ssimloss.image_gradients import forward_differences, forward_weights
from ssimloss.kernels import EDGE_MEANS, Backed, Backend, Edges, select
from ssimloss.measure import Measure


class GradientDifferenceOptions(Backed, Reduced):
    """Options of the image gradient difference.

    Args:
        alpha: exponent, at least 1.
        reduction: ``"mean"`` and ``"image"`` are the mean over all dx plus the mean over all dy;
            ``"sum"`` is the paper's sum; ``"none"`` is the map.
        backend: ``"auto"``, or the name of one, which runs or raises. Kernels reduce, and support
            neither masks nor an ``alpha`` other than 1 and 2.
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        if _checks.number("alpha", self.alpha) < 1:
            raise ValueError(
                "alpha must be at least 1 (a smaller one has an unbounded gradient at equal "
                f"images), got {self.alpha!r}"
            )


def _gradient_difference(
    pred: Tensor, target: Tensor, options: GradientDifferenceOptions, *, mask: Tensor | None = None
) -> Tensor:
    """Image gradient difference: ``||dx pred| - |dx target||^alpha`` plus the same for dy, where dx
    and dy are differences of neighbours.

    It compares the strength of gradients, not their sign, and sharpens where L2 blurs. It does not
    depend on brightness, so combine it with a pixel loss. Where a difference of ``pred`` is 0, the
    gradient points towards that of ``target``, so that flat images get a gradient.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        mask: ``(N, 1 or C, H, W)`` weights; the weight of a difference is the product of its two
            pixels' weights.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``, where each
        pixel holds its differences to the right and lower neighbour and the last column and row
        have no dx and dy.

    Raises:
        ValueError: shapes or devices differ, images of one pixel, ``alpha`` below 1, unknown
            ``reduction``.
        TypeError: integer tensors.
        RuntimeError: a named backend that cannot run.

    Source: Mathieu, Couprie & LeCun 2016, eq. 6.
    """
    _checks.images(pred, target)
    _checks.long_side(pred, 2, "because a single pixel has no gradient")
    _checks.mask(mask, pred)
    uncovered = _uncovered(options, mask)
    backend = select(options.backend, pred, target, EDGE_MEANS, uncovered=uncovered)
    if backend != "eager":
        return _by_kernel(pred, target, options, backend)
    dtype = native_dtype(pred, target)
    pred, target = promote(pred, target)
    weights: tuple[Tensor | None, ...] = (None, None)
    if mask is not None:
        pred, target = torch.where(mask != 0, pred, 0), torch.where(mask != 0, target, 0)
        weights = forward_weights(mask.to(pred.dtype))

    totals = []
    for of_pred, of_target, weight in zip(
        forward_differences(pred), forward_differences(target), weights, strict=True
    ):
        values = (absolute(of_pred, of_target) - absolute(of_target, of_pred)).abs()
        powers = values if options.alpha == 1 else values**options.alpha
        totals.append(reduce(powers, options.reduction, weight, dtype=dtype))
    horizontal, vertical = totals
    if options.reduction == "none":
        return pad(horizontal, (0, 1)) + pad(vertical, (0, 0, 0, 1))
    return horizontal + vertical


def _by_kernel(
    pred: Tensor, target: Tensor, options: GradientDifferenceOptions, backend: Backend
) -> Tensor:
    curve: Literal["strength", "strength_squared"]
    curve = "strength" if options.alpha == 1 else "strength_squared"
    weights = difference_weights(pred, options.reduction != "sum")
    edges = Edges("neighbours", "replicate", curve, weights=weights)
    slope = slope_of(options.reduction, pred.shape[:2])
    return reduce(edge_numbers(pred, target, edges, backend, slope), options.reduction)


def _uncovered(options: GradientDifferenceOptions, mask: Tensor | None) -> str | None:
    """Why no kernel supports this call, None if one does."""
    reason = not_reduced(mask, options.reduction)
    if reason is None and options.alpha not in (1, 2):
        # Without a format specification, which torch.compile does not support for dynamic numbers.
        return f"no kernel supports alpha={options.alpha}"
    return reason


GRADIENT_DIFFERENCE = Measure(
    "gradient_difference",
    "gradient difference",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Mathieu, Couprie & LeCun 2016",
    _gradient_difference,
    GradientDifferenceOptions,
    formula="mean of ||dx x| - |dx y|| plus mean of ||dy x| - |dy y|| of neighbour differences of "
    "images on a scale of [0, 1]",
    module="GradientDifferenceLoss",
    metric="GradientDifference",
    agrees="the paper's formula: 1e-12",
)
gradient_difference = gradient_difference_loss = GRADIENT_DIFFERENCE.loss
