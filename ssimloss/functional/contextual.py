"""Contextual loss: compares each feature of the target with the most similar one in the image.

Mechrez, Talmi & Zelnik-Manor 2018; their TensorFlow code ``contextualLoss``.
"""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import full_precision, product, promote
from ssimloss.functional._recomputation import in_steps
from ssimloss.functional.features import (
    Features,
    Layered,
    check_features,
    native_dtype,
    reduce_terms,
    unit_vectors,
)
from ssimloss.measure import Measure

ContextualDistance = Literal["cosine", "l2"]
CONTEXTUAL_DISTANCES: tuple[str, ...] = get_args(ContextualDistance)
LEAST_DISTANCE = 1e-5  # epsilon of eq. 2
# Pairs of features that are compared at once: 8 MiB in float32 for each of about five tensors.
STEP = 2**21


class ContextualOptions(Layered):
    """Options of the contextual loss.

    Args:
        bandwidth: ``h``, the scale of relative distances that count as similar.
        distance: ``"cosine"`` is ``(1 - cos) / 2`` between features minus the target's mean over
            positions; ``"l2"`` is the squared distance.
    """

    bandwidth: float = 0.5
    distance: ContextualDistance = "cosine"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.positive("bandwidth", self.bandwidth)
        _checks.choice("distance", self.distance, CONTEXTUAL_DISTANCES)


def _contextual(
    pred_features: Features, target_features: Features, options: ContextualOptions
) -> Tensor:
    """Contextual loss ``-log CX``, with ``CX = mean_j max_i CX_ij`` over features ``x_i`` of the
    image and ``y_j`` of the target.

    ``CX_ij`` is ``exp((1 - d_ij / (min_k d_ik + 1e-5)) / h)`` divided by its sum over ``j``. It
    measures how much nearer ``y_j`` is to ``x_i`` than other features of the target. Positions do
    not matter, so the images need not be aligned.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer. Each is at least 0. For constant features, which are all equally near, it is
        the logarithm of their number.

        Every feature is compared with every other: ``(H W)^2`` pairs, in steps of 2 million, which
        the backward pass computes again. Time grows with the square of the number of positions,
        memory does not.

    Raises:
        ValueError: a layer is missing or differs in shape, the bandwidth is not positive, or an
            option value is unknown.
        TypeError: features are not a mapping, or not floating point.

    Source: Mechrez et al. 2018, eq. 1-5. Their code takes the mean of the target over the whole
    batch, which is the same for a single image.
    """
    check_features(pred_features, target_features, options.layers)
    terms = [
        weight * _of_layer(pred_features[layer], target_features[layer], options)
        for layer, weight in options.layers.items()
    ]
    return reduce_terms(
        torch.stack(terms, 1), options.reduction, native_dtype(pred_features, target_features)
    )


@full_precision
def _of_layer(pred: Tensor, target: Tensor, options: ContextualOptions) -> Tensor:
    """``-log CX`` of one layer, ``(N,)``."""
    x, y, factor = compared(pred, target, options.distance)

    def nearest(x: Tensor, y: Tensor) -> Tensor:
        """``max_i CX_ij`` over some rows ``i``, ``(N, HW)``."""
        d = distances(x, y, factor)
        relative = d / (d.amin(2, keepdim=True) + LEAST_DISTANCE)
        return torch.softmax(-relative / options.bandwidth, 2).amax(1)

    similarity = torch.stack(by_rows(nearest, (x,), y)).amax(0)
    return -similarity.mean(1).log()


def compared(
    pred: Tensor, target: Tensor, distance: ContextualDistance
) -> tuple[Tensor, Tensor, float]:
    """Features ``(N, HW, C)`` and ``(N, C, HW)`` whose squared distances, times a factor, are the
    distances.
    """
    pred, target = promote(pred, target)
    mean = target.mean((2, 3), keepdim=True)
    pred, target = pred - mean, target - mean
    if distance == "cosine":
        pred, target = unit_vectors(pred), unit_vectors(target)
    # Half of a unit vector's distance is a quarter of the square: (1 - cos) / 2 = |x - y|^2 / 4.
    factor = 0.25 if distance == "cosine" else 1.0
    return pred.flatten(2).mT, target.flatten(2), factor


def distances(x: Tensor, y: Tensor, factor: float) -> Tensor:
    """Distances of all rows of ``(N, n, C)`` to all columns of ``(N, C, m)``, ``(N, n, m)``."""
    squared = x.square().sum(2, keepdim=True) + y.square().sum(1, keepdim=True) - 2 * product(x, y)
    return (factor * squared).clamp_min(0)


def by_rows(
    function: Callable[..., Tensor], rows: tuple[Tensor, ...], columns: Tensor
) -> list[Tensor]:
    """``function(*some, columns)`` for all positions in dimension 1 of ``rows``, in steps that
    compare a bounded number of pairs and are computed again for the gradient.
    """
    n, positions = rows[0].shape[:2]
    step = min(max(STEP // max(n * positions, 1), 1), positions)
    if step == positions:
        return [function(*rows, columns)]
    of_rows = in_steps(function)
    parts = zip(*(torch.split(each, step, 1) for each in rows), strict=True)
    return [of_rows(*some, columns) for some in parts]


CONTEXTUAL = Measure(
    "contextual",
    "contextual loss",
    "",
    "lower",
    None,
    (0.0, float("inf")),
    "Mechrez, Talmi & Zelnik-Manor 2018",
    _contextual,
    ContextualOptions,
    role="loss",
    autocast=True,
)
contextual_loss = CONTEXTUAL.loss
