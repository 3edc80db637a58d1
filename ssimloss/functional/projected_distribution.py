"""Projected distribution loss: the Wasserstein distance of each channel of features.

Delbracio, Talebi & Milanfar 2021 ("Projected distribution loss for image enhancement").
"""

import torch
from torch import Tensor

from ssimloss.functional.features import (
    Features,
    Layered,
    check_features,
    native_dtype,
    reduce_terms,
)
from ssimloss.functional.projections import sorted_distance
from ssimloss.kernels import Backed
from ssimloss.measure import Measure


class ProjectedDistributionOptions(Backed, Layered):
    """Options of the projected distribution loss."""


def _projected_distribution(
    pred_features: Features, target_features: Features, options: ProjectedDistributionOptions
) -> Tensor:
    """Projected distribution loss, ``sum_l w_l mean_c mean_j |x_(j) - y_(j)|`` over the sorted
    values ``x`` and ``y`` of each channel ``c``: the Wasserstein-1 distance of the channels.

    Positions do not matter, and channels are compared one by one. The sliced Wasserstein distance
    compares channels jointly.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer. Channels are sorted in steps of bounded memory.

    Raises:
        ValueError: a layer is missing or differs in shape.
        TypeError: features are not a mapping, or not floating point.

    Source: Delbracio et al. 2021, who add up the distances of the channels: multiply the weight of
    a layer by its number of channels. No code of the authors was found. Agrees to 1e-12 with
    HilaManor/Generative-deep-features, which takes the mean over channels, as here, and the sum or,
    at other commits, the mean over positions.
    """
    check_features(pred_features, target_features, options.layers)
    terms = [
        weight
        * sorted_distance(
            pred_features[layer], target_features[layer], None, power=1, backend=options.backend
        )
        for layer, weight in options.layers.items()
    ]
    return reduce_terms(
        torch.stack(terms, 1), options.reduction, native_dtype(pred_features, target_features)
    )


PROJECTED_DISTRIBUTION = Measure(
    "projected_distribution",
    "projected distribution loss",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Delbracio, Talebi & Milanfar 2021",
    _projected_distribution,
    ProjectedDistributionOptions,
    role="loss",
    autocast=True,
)
projected_distribution_loss = PROJECTED_DISTRIBUTION.loss
