"""The losses of BasicSR and their counterparts here, with its option names.

Names and options were read in its source.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from ssimloss import _checks, losses
from ssimloss.compat._counterpart import GENERATOR, Counterpart, adversarial, charbonnier

# The weights of the two losses in one section of type PerceptualLoss.
CONTENT, STYLE = "perceptual_weight", "style_weight"


def _total_variation(*, reduction: Literal["mean", "sum"] = "mean") -> losses.TotalVariationLoss:
    _checks.choice("reduction", reduction, ("mean", "sum"))
    return losses.TotalVariationLoss(reduction=reduction)


def _of_features(
    loss: type[losses.PerceptualLoss | losses.TextureLoss],
    /,
    *,
    layer_weights: Mapping[str, float],
    vgg_type: str = "vgg19",
    use_input_norm: bool = True,
    range_norm: bool = False,
    criterion: str = "l1",
) -> losses.PerceptualLoss | losses.TextureLoss:
    # Its third criterion, "fro", is the norm over a whole batch, which grows with its size.
    _checks.choice("criterion", criterion, ("l1", "l2"))
    options: dict[str, Any] = {
        "distance": criterion,
        "normalization": "imagenet" if use_input_norm else "none",
        "data_range": (-1.0, 1.0) if range_norm else 1.0,
    }
    return loss(vgg_type, layers=layer_weights, **options)


BASICSR_LOSSES = {
    "L1Loss": Counterpart(losses.L1Loss, weight=1.0),
    "MSELoss": Counterpart(losses.L2Loss, weight=1.0),
    "CharbonnierLoss": Counterpart(charbonnier, weight=1.0),
    "WeightedTVLoss": Counterpart(_total_variation, weight=1.0, inputs=("pred",)),
    "PerceptualLoss": Counterpart(
        partial(_of_features, losses.PerceptualLoss), weight=1.0, factor_option=CONTENT
    ),
    STYLE: Counterpart(partial(_of_features, losses.TextureLoss), weight=1.0, factor_option=STYLE),
    "GANLoss": Counterpart(adversarial, weight=1.0, **GENERATOR),
    "MultiScaleGANLoss": Counterpart(adversarial, weight=1.0, **GENERATOR),
}
