"""Content loss: a distance between deep features, layer by layer.

Johnson, Alahi & Fei-Fei 2016; SRGAN (Ledig et al. 2017), ESRGAN (Wang et al. 2018), pix2pixHD (Wang
et al. 2018). ``conventions.CONTENT`` has the settings of each.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._precision import full_precision
from ssimloss._reduce import reduce
from ssimloss.functional._distance import check_charbonnier_eps, distance_of
from ssimloss.functional.features import (
    Features,
    Layered,
    check_features,
    check_weights,
    native_dtype,
    reduce_terms,
    unit_vectors,
    weighted,
)
from ssimloss.measure import Measure

ContentDistance = Literal["l1", "l2", "charbonnier", "cosine"]
CONTENT_DISTANCES: tuple[str, ...] = get_args(ContentDistance)
FeatureNorm = Literal["none", "unit", "rms"]
FEATURE_NORMS: tuple[str, ...] = get_args(FeatureNorm)
LEAST_RMS = (
    1e-6  # least divisor of feature_norm="rms"; with a smaller one, features are not divided
)


class PerceptualOptions(Layered):
    """Options of the content loss.

    Args:
        layers: weights ``w_l`` of the layers to compare; others are ignored.
        distance: ``"l1"``, ``"l2"`` (squared) or ``"charbonnier"``, averaged over channels and
            positions; or ``"cosine"``: one minus the cosine between the vectors at a position,
            averaged over positions. The cosine distance is 0 for two zero vectors and 1/2 for one.
        eps: ``eps`` of ``"charbonnier"``, in units of the scaled features.
        feature_norm: ``"none"``; ``"unit"`` normalises the vector at each position, as in LPIPS;
            ``"rms"`` divides the features of both images by the root mean square of the target's,
            so that layers of different scale have the same weight. A root mean square below 1e-6,
            as in a layer without activations, is not used.
        feature_scale: factor of the (normalised) features; 1 / 12.75 in SRGAN.
    """

    distance: ContentDistance = "l1"
    eps: float = 1e-3
    feature_norm: FeatureNorm = "none"
    feature_scale: float = 1.0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _checks.choice("distance", self.distance, CONTENT_DISTANCES)
        check_charbonnier_eps(self.eps)
        _checks.choice("feature_norm", self.feature_norm, FEATURE_NORMS)
        _checks.positive("feature_scale", self.feature_scale)


def _perceptual(
    pred_features: Features,
    target_features: Features,
    options: PerceptualOptions,
    *,
    mask: Tensor | None = None,
) -> Tensor:
    """Distance between deep features, ``sum_l w_l mean(d(P_l, T_l))`` over the layers ``l``.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``, or ``(N, C, ...)``
            without a mask.
        mask: ``(N, 1 or C, H, W)`` weights at any resolution, averaged over channels and over the
            area of each position.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; ``(N, L)`` for ``"none"``: the weighted term
        of each layer, in the order of ``layers``. An image whose mask has no valid position has the
        loss 0.

    Raises:
        ValueError: a layer is missing or differs in shape, an option value is unknown, a weight is
            negative, or the mask belongs to another batch.
        TypeError: features are not a mapping, or not floating point.

    Agrees with BasicSR's and piq's content losses to float64 rounding, see ``conventions.CONTENT``.
    """
    layers = options.layers
    check_features(pred_features, target_features, layers, spatial=False)
    check_weights(mask, {layer: pred_features[layer] for layer in layers})
    terms = [
        weight * _content(pred_features[layer], target_features[layer], options, mask)
        for layer, weight in layers.items()
    ]
    return reduce_terms(
        torch.stack(terms, 1), options.reduction, native_dtype(pred_features, target_features)
    )


@full_precision
def _content(
    pred: Tensor, target: Tensor, options: PerceptualOptions, mask: Tensor | None
) -> Tensor:
    """The distance of one layer, ``(N,)``."""
    pred, target, weight = weighted(pred, target, mask)
    if options.feature_norm == "rms":
        squares = reduce(target.square(), "image", weight)
        size = torch.where(squares > LEAST_RMS**2, squares, 1).sqrt()
        pred, target = (
            features / size.view(-1, *[1] * (features.ndim - 1)) for features in (pred, target)
        )
    elif options.feature_norm == "unit":
        pred, target = unit_vectors(pred), unit_vectors(target)
    return reduce(_values(pred, target, options), "image", weight)


def _values(pred: Tensor, target: Tensor, options: PerceptualOptions) -> Tensor:
    """The distance per element, or per position ``(N, 1, ...)`` for ``"cosine"``."""
    if options.distance == "cosine":
        # Half the squared distance of unit vectors is one minus their cosine, without cancellation
        # for nearly equal vectors.
        return (unit_vectors(pred) - unit_vectors(target)).square().sum(1, keepdim=True) / 2
    scale = options.feature_scale
    difference = (pred - target) * scale if scale != 1 else pred - target
    return distance_of(difference, options.distance, options.eps)


PERCEPTUAL = Measure(
    "perceptual",
    "content loss",
    "",
    "lower",
    None,
    (0.0, float("inf")),
    "Johnson, Alahi & Fei-Fei 2016",
    _perceptual,
    PerceptualOptions,
    role="loss",
    autocast=True,
)
perceptual_loss = PERCEPTUAL.loss
