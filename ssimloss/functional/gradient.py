"""Distances between image gradients: edges (Sobel, Scharr, Laplacian) and the image gradient
difference.

Either is minimised as it stands, so ``edge`` and ``edge_loss`` are one function under two names.
"""

from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import pad

from ssimloss import _checks
from ssimloss._precision import full_precision, native_dtype, promote
from ssimloss._reduce import Reduction, check_reduction, reduce
from ssimloss.functional._distance import charbonnier_curve
from ssimloss.functional.pixel import check_charbonnier_eps, masked_difference
from ssimloss.gradients import (
    UNIT_RAMP,
    erode,
    forward_differences,
    forward_weights,
    image_gradients,
    laplacian,
)

EdgeOperator = Literal["sobel", "scharr", "laplacian"]
EDGE_OPERATORS: tuple[str, ...] = get_args(EdgeOperator)
Distance = Literal["charbonnier", "l1", "l2"]
DISTANCES: tuple[str, ...] = get_args(Distance)


def check_edge_options(*, operator: str, distance: str, eps: float, reduction: str) -> None:
    """Raise for options that ``edge_loss`` refuses."""
    _checks.choice("operator", operator, EDGE_OPERATORS)
    _checks.choice("distance", distance, DISTANCES)
    check_charbonnier_eps(eps)
    check_reduction(reduction)


@full_precision
def edge_loss(
    pred: Tensor,
    target: Tensor,
    *,
    operator: EdgeOperator = "sobel",
    distance: Distance = "charbonnier",
    eps: float = 1e-3,
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Distance between edge maps: ``(rho(dx pred - dx target) + rho(dy pred - dy target)) / 2``, or
    ``rho`` of the Laplacians' difference.

    The operators are linear and scaled to derivatives per pixel, so that a loss weight and ``eps``
    mean the same under each of them: a ramp of 1 per pixel reads 1 under Sobel (kernel / 8) and
    Scharr (kernel / 32), and the Laplacian (four neighbours, kernel as published) reads the sum of
    the two second derivatives. Channels are taken one by one, the border is replicated.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        operator: ``"sobel"``, ``"scharr"`` or ``"laplacian"``.
        distance: ``rho``: ``"charbonnier"`` ``sqrt(d^2 + eps^2)``, ``"l1"`` ``|d|``, or ``"l2"``
            ``d^2``.
        eps: of Charbonnier, in the images' own units per pixel; the value at equal images is
            ``eps``, not 0.
        mask: ``(N, 1 or C, H, W)`` weights; a position weighs as much as the smallest weight in its
            3x3 neighbourhood, so no gradient that touches an invalid pixel counts.
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, ``eps`` is not positive or its square vanishes in
            float32, unknown words.
        TypeError: integer tensors.

    Source: Charbonnier distance of edges as in MPRNet (Zamir et al. 2021), which takes the
    Laplacian of a Gaussian pyramid instead. With ``distance="l1"`` and ``"sobel"`` agrees with the
    L1 of kornia's ``spatial_gradient`` to float64 rounding.
    """
    check_edge_options(operator=operator, distance=distance, eps=eps, reduction=reduction)
    difference = masked_difference(pred, target, mask)
    if operator == "laplacian":
        values = _rho(laplacian(difference), distance, eps)
    else:
        dx, dy = image_gradients(difference / UNIT_RAMP[operator], operator)
        values = (_rho(dx, distance, eps) + _rho(dy, distance, eps)) / 2
    weight = None if mask is None else erode(mask.to(values.dtype))
    return reduce(values, reduction, weight, dtype=native_dtype(pred, target))


def _rho(d: Tensor, distance: Distance, eps: float) -> Tensor:
    if distance == "charbonnier":
        return charbonnier_curve(d, eps)
    return d.abs() if distance == "l1" else d.square()


def check_gradient_difference_options(*, alpha: float, reduction: str) -> None:
    """Raise for options that ``gradient_difference_loss`` refuses."""
    if _checks.number("alpha", alpha) < 1:
        raise ValueError(
            "alpha must be at least 1 (a smaller one has an unbounded gradient at equal images), "
            f"got {alpha!r}"
        )
    check_reduction(reduction)


@full_precision
def gradient_difference_loss(
    pred: Tensor,
    target: Tensor,
    *,
    alpha: float = 1.0,
    mask: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Image gradient difference:
    ``||dx pred| - |dx target||^alpha + ||dy pred| - |dy target||^alpha`` of neighbour differences.

    Compares the strength of gradients, not their sign, and sharpens where L2 blurs; it does not see
    brightness, so use it beside a pixel loss.

    Args:
        pred, target: float images ``(N, C, H, W)``, any range.
        alpha: exponent, at least 1.
        mask: ``(N, 1 or C, H, W)`` weights; a difference weighs as the product of its two pixels'
            weights.
        reduction: ``"mean"`` and ``"image"`` are the mean over all dx plus the mean over all dy,
            each over its own count; ``"sum"`` is the paper's sum; ``"none"`` the map.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, C, H, W)`` for ``"none"``, where each
        pixel holds its differences to the right and lower neighbour and the last column and row
        have no dx and dy.

    Raises:
        ValueError: shapes or devices differ, ``alpha`` below 1, unknown ``reduction``.
        TypeError: integer tensors.

    Source: Mathieu, Couprie & LeCun 2016, eq. 6.
    """
    check_gradient_difference_options(alpha=alpha, reduction=reduction)
    _checks.images(pred, target)
    _checks.mask(mask, pred)
    dtype = native_dtype(pred, target)
    pred, target = promote(pred, target)
    weights: tuple[Tensor | None, Tensor | None] = None, None
    if mask is not None:
        pred, target = torch.where(mask != 0, pred, 0), torch.where(mask != 0, target, 0)
        weights = forward_weights(mask.to(pred.dtype))

    def total(of_pred: Tensor, of_target: Tensor, weight: Tensor | None) -> Tensor:
        values = (of_pred.abs() - of_target.abs()).abs()
        return reduce(values if alpha == 1 else values**alpha, reduction, weight, dtype=dtype)

    horizontal, vertical = map(
        total, forward_differences(pred), forward_differences(target), weights
    )
    return (
        pad(horizontal, (0, 1)) + pad(vertical, (0, 0, 0, 1))
        if reduction == "none"
        else horizontal + vertical
    )


edge = edge_loss
gradient_difference = gradient_difference_loss
