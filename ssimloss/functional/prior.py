"""Consistency of another network's output: landmarks of heatmaps, and any output at all.

Heatmaps as in Super-FAN (Bulat & Tzimiropoulos 2018); coordinates by soft-argmax (Sun et al. 2018,
"integral regression").
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import computing_dtype, full_precision, native_dtype, promote
from ssimloss._reduce import Reduction, check_reduction, reduce
from ssimloss.functional.features import check_features, unit_vectors

Compared = Literal["heatmaps", "coordinates"]
COMPARED: tuple[str, ...] = get_args(Compared)
OutputDistance = Literal["l1", "l2", "cosine"]
OUTPUT_DISTANCES: tuple[str, ...] = get_args(OutputDistance)


@full_precision
def soft_argmax(heatmaps: Tensor, *, sharpness: float = 50.0) -> Tensor:
    """Where each heatmap has its peak: the mean position under ``softmax(sharpness * heatmap)``,
    differentiable.

    Args:
        heatmaps: ``(N, K, H, W)``, one map per landmark.
        sharpness: in units of 1 / heatmap. Maps that peak at 1 over many positions want tens; the
            larger, the nearer to the very peak.

    Returns:
        ``(N, K, 2)``: ``x`` and ``y`` as shares of the width and the height, centres of positions
        at ``(i + 1/2) / W``. At least float32.

    Raises:
        ValueError: not four dimensions, a sharpness that is not positive.
        TypeError: integer tensors.
    """
    _checks.image("heatmaps", heatmaps)
    _checks.positive("sharpness", sharpness)
    values = heatmaps.to(computing_dtype(heatmaps))
    height, width = values.shape[2:]
    weight = torch.softmax(values.flatten(2) * sharpness, 2).view(values.shape)
    x, y = (
        (torch.arange(side, device=values.device, dtype=values.dtype) + 0.5) / side
        for side in (width, height)
    )
    return torch.stack([(weight.sum(2) * x).sum(2), (weight.sum(3) * y).sum(2)], 2)


def check_heatmap_options(*, compare: str, sharpness: float, reduction: str) -> None:
    """Raise for options that ``heatmap_loss`` refuses."""
    _checks.choice("compare", compare, COMPARED)
    _checks.positive("sharpness", sharpness)
    check_reduction(reduction)


@full_precision
def heatmap_loss(
    pred_heatmaps: Tensor,
    target_heatmaps: Tensor,
    *,
    compare: Compared = "heatmaps",
    sharpness: float = 50.0,
    reduction: Reduction = "mean",
) -> Tensor:
    """Squared distance between landmarks: of their heatmaps, or of where these have their peaks.

    Args:
        pred_heatmaps, target_heatmaps: ``(N, K, H, W)``, one map per landmark.
        compare: ``"heatmaps"``: the squared difference, averaged over positions; ``"coordinates"``:
            the squared distance between the :func:`soft_argmax` of the two, a side of the map being
            1.
        sharpness: of the soft-argmax.
        reduction: ``"mean"`` and ``"sum"`` over landmarks and images, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, K)`` for ``"none"``.

    Raises:
        ValueError: shapes or devices differ, a sharpness that is not positive, unknown words.
        TypeError: integer tensors.

    Source: Bulat & Tzimiropoulos 2018, eq. 3, which sums over positions where this takes the mean.
    """
    check_heatmap_options(compare=compare, sharpness=sharpness, reduction=reduction)
    _checks.image("pred_heatmaps", pred_heatmaps)
    _checks.image("target_heatmaps", target_heatmaps)
    _checks.same_shape("target_heatmaps", target_heatmaps, "pred_heatmaps", pred_heatmaps)
    dtype = native_dtype(pred_heatmaps, target_heatmaps)
    pred, target = promote(pred_heatmaps, target_heatmaps)
    if compare == "coordinates":
        squared = (
            (soft_argmax(pred, sharpness=sharpness) - soft_argmax(target, sharpness=sharpness))
            .square()
            .sum(2)
        )
    else:
        squared = (pred - target).square().mean((2, 3))
    return reduce(squared, reduction, dtype=dtype)


def check_prior_options(*, distance: str, reduction: str) -> None:
    """Raise for options that ``prior_loss`` refuses."""
    _checks.choice("distance", distance, OUTPUT_DISTANCES)
    check_reduction(reduction)


@full_precision
def prior_loss(
    pred_output: Tensor,
    target_output: Tensor,
    *,
    distance: OutputDistance = "l2",
    reduction: Reduction = "mean",
) -> Tensor:
    """Distance between what a network says of two images: embeddings, logits, maps.

    Args:
        pred_output, target_output: ``(N, C, ...)``.
        distance: ``"l1"`` or ``"l2"`` (squared) of each element, or ``"cosine"``: one minus the
            cosine of two vectors along dimension 1 (0 for two zero vectors, 1/2 for one).
        reduction: ``"mean"``, ``"sum"``, ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` the shape of the output,
        without its dimension 1 for ``"cosine"``.

    Raises:
        ValueError: shapes or devices differ, fewer than two dimensions, unknown words.
        TypeError: outputs that are not floating point, such as classes instead of logits.
    """
    check_prior_options(distance=distance, reduction=reduction)
    check_features({"output": pred_output}, {"output": target_output}, ("output",), spatial=False)
    dtype = native_dtype(pred_output, target_output)
    pred, target = promote(pred_output, target_output)
    if distance == "cosine":
        values = (unit_vectors(pred) - unit_vectors(target)).square().sum(1) / 2
    else:
        values = (pred - target).abs() if distance == "l1" else (pred - target).square()
    return reduce(values, reduction, dtype=dtype)
