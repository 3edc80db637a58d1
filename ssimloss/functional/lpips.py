"""LPIPS: learned perceptual image patch similarity, computed from the features of a network.

Zhang et al. 2018, https://github.com/richzhang/PerceptualSimilarity.
"""

from collections.abc import Mapping

from torch import Tensor

from ssimloss._reduce import Scores
from ssimloss.functional.deep_similarity import DeepSimilarityOptions, distance_of_layers
from ssimloss.functional.features import Features, Heads
from ssimloss.measure import Measure


def _lpips(
    pred_features: Features,
    target_features: Features,
    *,
    heads: Heads,
    map_size: tuple[int, int] | None = None,
    mask: Tensor | None = None,
) -> Scores:
    """LPIPS: squared differences of unit feature vectors, weighted per channel by learned heads,
    averaged over positions and summed over layers.

    Args:
        pred_features, target_features: tensors by layer name, ``(N, C, H, W)``. The layers and
            their order are those of ``pred_features``.
        heads: one 1-D tensor per layer.
        map_size, mask: as in :func:`deep_similarity`.
        reduction: ``"mean"`` and ``"sum"`` over images, or over the map; ``"image"`` or ``"none"``.

    Returns:
        A scalar; ``(N,)`` for ``reduction="image"``; for ``"none"`` ``(N,)``, or the map
        ``(N, 1, H, W)``.

    Raises:
        ValueError: layers differ, heads do not fit, or ``reduction`` is unknown.
        TypeError: features are not a mapping, or not floating point.

    Source: Zhang et al. 2018, eq. 1. Agrees with the package ``lpips`` to float64 rounding, except
    at zero vectors: their gradient is 0 here and NaN in the package.
    """
    layers = dict.fromkeys(pred_features, 1.0) if isinstance(pred_features, Mapping) else {"": 1.0}
    options = DeepSimilarityOptions(layers=layers)
    return distance_of_layers(pred_features, target_features, options, heads, map_size, mask)


LPIPS = Measure(
    "lpips",
    "LPIPS",
    "",
    "lower",
    0.0,
    (0.0, float("inf")),
    "Zhang et al. 2018",
    _lpips,
    role="index",
    autocast=True,
)
lpips = LPIPS.loss
