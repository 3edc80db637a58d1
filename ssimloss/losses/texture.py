"""Texture loss as a module."""

from ssimloss.functional.texture import TEXTURE, TextureOptions
from ssimloss.losses._deep import LayeredLoss
from ssimloss.networks import ExtractorOptions, UsualLayers

JOHNSON_2016 = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")


class TextureLoss(LayeredLoss, records=(TextureOptions, ExtractorOptions)):
    """Distance between Gram matrices of deep features of two images (texture, or style, loss).

    ``conventions.GRAM`` holds the settings of well-known implementations:
    ``TextureLoss(**conventions.GRAM["basicsr"])``.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        layers: weights by layer name. The default for a VGG is the layers of Johnson et al. 2016,
            ``relu1_2`` to ``relu4_3``; for another network, the last layer of each stage up to
            stride 8, like these. Layers of weight 0 are left out.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned.
    """

    measure = TEXTURE
    usual = UsualLayers(JOHNSON_2016, (1, 2, 4, 8))
