"""Contextual bilateral loss (CoBi): compares each feature of the image with a similar feature of
the target that is not too far away.

Zhang, Chen, Ng & Koltun 2019 ("Zoom to learn, learn to zoom"), on the contextual loss of Mechrez et
al. 2018.
"""

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import full_precision
from ssimloss.functional.contextual import (
    CONTEXTUAL_DISTANCES,
    ContextualDistance,
    by_rows,
    compared,
    distances,
)
from ssimloss.functional.features import (
    Features,
    Layered,
    check_features,
    native_dtype,
    reduce_terms,
)
from ssimloss.measure import Measure


class ContextualBilateralOptions(Layered):
    """Options of the contextual bilateral loss.

    Args:
        spatial_weight: ``w``, the cost of a match from one border of the image to the opposite one,
            added to the distance of features. With 0, positions do not matter.
        distance: ``"cosine"``: ``(1 - cos) / 2`` between features from which the target's mean over
            positions was subtracted; or ``"l2"``, the squared distance.
    """

    spatial_weight: float = 0.1
    distance: ContextualDistance = "cosine"

    def __post_init__(self) -> None:
        """Check the options; an error names the one at fault."""
        super().__post_init__()
        _checks.non_negative("spatial_weight", self.spatial_weight)
        _checks.choice("distance", self.distance, CONTEXTUAL_DISTANCES)


def _contextual_bilateral(
    pred_features: Features, target_features: Features, options: ContextualBilateralOptions
) -> Tensor:
    """Contextual bilateral loss (CoBi), ``sum_l w_l mean_i min_j (d_ij + w s_ij)`` over features
    ``x_i`` of the image and ``y_j`` of the target.

    ``d_ij`` is the distance of features. ``s_ij`` is the distance of their positions as a fraction
    of the sides: 1 from the left border to the right one. The images may be slightly misaligned.
    Unlike in the contextual loss, neighbours are matched with neighbours.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer.

        Every feature is compared with every other: ``(H W)^2`` pairs, in steps of 2 million, which
        the backward pass computes again. Time grows with the square of the number of positions,
        memory does not.

    Raises:
        ValueError: a layer is missing or differs in shape, a weight is negative, or an option value
            is unknown.
        TypeError: features are not a mapping, or not floating point.

    Source: Zhang et al. 2019, eq. 3; the distances of features are those of the contextual loss.
    The paper does not state the unit of positions. It adds the same distance of RGB patches.
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
def _of_layer(pred: Tensor, target: Tensor, options: ContextualBilateralOptions) -> Tensor:
    """``mean_i min_j (d_ij + w s_ij)`` of one layer, ``(N,)``."""
    x, y, factor = compared(pred, target, options.distance)
    places = _places(pred, x)

    def nearest(x: Tensor, places_of_x: Tensor, y: Tensor) -> Tensor:
        """The minima of some rows, ``(N, rows)``."""
        d = distances(x, y, factor)
        if options.spatial_weight:
            dy, dx = (
                places_of_x[:, :, i, None] - places[:, None, :, i] for i in range(2)
            )  # (1, rows, HW)
            d = d + options.spatial_weight * torch.hypot(dy, dx)
        return d.amin(2)

    found = by_rows(nearest, (x, places), y)
    return torch.cat(found, 1).mean(1)


def _places(features: Tensor, like: Tensor) -> Tensor:
    """The position of each feature as a fraction of the sides, ``(1, HW, 2)``."""
    height, width = features.shape[2:]
    rows = torch.arange(height, device=like.device, dtype=like.dtype) / height
    columns = torch.arange(width, device=like.device, dtype=like.dtype) / width
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1)
    return grid.flatten(0, 1).unsqueeze(0)


CONTEXTUAL_BILATERAL = Measure(
    "contextual_bilateral",
    "contextual bilateral loss",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Zhang, Chen, Ng & Koltun 2019",
    _contextual_bilateral,
    ContextualBilateralOptions,
    role="loss",
    autocast=True,
)
contextual_bilateral_loss = CONTEXTUAL_BILATERAL.loss
