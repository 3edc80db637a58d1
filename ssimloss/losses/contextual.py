"""Contextual loss as a module."""

from ssimloss.functional.contextual import CONTEXTUAL, ContextualOptions
from ssimloss.losses._deep import LayeredLoss
from ssimloss.networks import ExtractorOptions

MECHREZ_2018 = {"relu3_2": 1.0, "relu4_2": 1.0}  # their program's conv3_2 is after the activation


class ContextualLoss(
    LayeredLoss, records=(ContextualOptions, ExtractorOptions), defaults={"layers": MECHREZ_2018}
):
    """Contextual loss of two images, which need not be aligned.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is taken.
        layers: weights by name of the layer. The default are the layers of the original program.
            Layers of weight 0 are left out.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned. Time grows with the square of the number of positions: take layers of a low
    resolution, or crops.
    """

    measure = CONTEXTUAL
