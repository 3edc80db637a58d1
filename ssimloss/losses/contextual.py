"""Contextual losses as modules."""

from ssimloss.functional.contextual import CONTEXTUAL, ContextualOptions
from ssimloss.functional.contextual_bilateral import (
    CONTEXTUAL_BILATERAL,
    ContextualBilateralOptions,
)
from ssimloss.losses._deep import LayeredLoss
from ssimloss.networks import ExtractorOptions, UsualLayers

MECHREZ_2018 = ("relu3_2", "relu4_2")  # in the original code, conv3_2 is after the activation


class ContextualLoss(LayeredLoss, records=(ContextualOptions, ExtractorOptions)):
    """Contextual loss between two images, which need not be aligned.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        layers: weights by layer name. The default for a VGG is ``relu3_2`` and ``relu4_2``, as in
            the original code; for another network, the last layers of stride 4 and 8, which are
            the strides of those two. Layers of weight 0 are left out.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned. Time grows with the square of the number of positions: use layers of low resolution,
    or crops.
    """

    measure = CONTEXTUAL
    usual = UsualLayers(MECHREZ_2018, (4, 8))


class ContextualBilateralLoss(LayeredLoss, records=(ContextualBilateralOptions, ExtractorOptions)):
    """Contextual bilateral loss (CoBi) of two images, which may be slightly misaligned.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        layers: weights by layer name. The default is that of :class:`ContextualLoss`; the paper
            compares ``conv1_2``, ``conv2_2`` and ``conv3_2`` of VGG19. Layers of weight 0 are left
            out.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned. Time grows with the square of the number of positions: use layers of low
    resolution, or crops.
    """

    measure = CONTEXTUAL_BILATERAL
    usual = UsualLayers(MECHREZ_2018, (4, 8))
