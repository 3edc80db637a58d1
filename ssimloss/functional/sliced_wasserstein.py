"""Sliced Wasserstein distance of features: their distribution along random directions.

Heitz, Vanhoey, Chambon & Belcour 2021 ("A sliced Wasserstein loss for neural texture synthesis");
their code texture_optimization_slicing.py.
"""

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss.functional.features import Features, check_features, native_dtype, reduce_terms
from ssimloss.functional.projections import Directions, Projected, sorted_distance
from ssimloss.measure import Measure


class SlicedWassersteinOptions(Projected):
    """Options of the sliced Wasserstein distance.

    Args:
        projections: number of random directions for each layer; None takes as many as the layer
            has channels, as in the paper.
        power: exponent of the differences of sorted values: 2, or 1 for the Wasserstein-1 distance.
    """

    projections: int | None = None
    power: int = 2

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        if self.projections is not None:
            _checks.count("projections", self.projections)
        if _checks.count("power", self.power) > 2:
            raise ValueError(f"power must be 1 or 2, got {self.power}")

    def shape(self, channels: int) -> tuple[int, ...]:
        """Shape of the directions for a layer with ``channels`` channels."""
        return self.projections or channels, channels


def _sliced_wasserstein(
    pred_features: Features,
    target_features: Features,
    options: SlicedWassersteinOptions,
    *,
    directions: Directions | None = None,
) -> Tensor:
    """Sliced Wasserstein distance of features, ``sum_l w_l mean_k mean_j |x_(j) - y_(j)|^power``:
    it compares texture, at any position.

    ``x`` and ``y`` are the features of all positions, projected on the unit vector ``k`` and
    sorted. Unlike for Gram matrices, the distance is 0 only for equal distributions, in the limit
    of many directions.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``.
        directions: unit vectors by layer name, ``(projections, C)``. By default they follow
            from ``seed``. The library caches up to 64 MiB of such constants.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer. Projections are taken in steps of bounded memory.

    Raises:
        ValueError: a layer is missing or differs in shape, the directions have another shape, or
            the power is neither 1 nor 2.
        TypeError: features are not a mapping, or not floating point.

    Source: Heitz et al. 2021, eq. 5-8. Their code draws new directions in each call.
    """
    check_features(pred_features, target_features, options.layers)
    found = options.of(pred_features, directions)
    terms = [
        weight
        * sorted_distance(
            pred_features[layer],
            target_features[layer],
            found[layer][:, :, None, None],
            power=options.power,
            backend=options.backend,
        )
        for layer, weight in options.layers.items()
    ]
    return reduce_terms(
        torch.stack(terms, 1), options.reduction, native_dtype(pred_features, target_features)
    )


SLICED_WASSERSTEIN = Measure(
    "sliced_wasserstein",
    "sliced Wasserstein distance of features",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Heitz, Vanhoey, Chambon & Belcour 2021",
    _sliced_wasserstein,
    SlicedWassersteinOptions,
    role="loss",
    autocast=True,
)
sliced_wasserstein_loss = SLICED_WASSERSTEIN.loss
