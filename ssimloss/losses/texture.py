"""Texture loss as a module."""

from ssimloss.functional.texture import TEXTURE, TextureOptions
from ssimloss.losses._deep import LayeredLoss
from ssimloss.networks import ExtractorOptions

JOHNSON_2016 = {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0, "relu4_3": 1.0}


class TextureLoss(
    LayeredLoss, records=(TextureOptions, ExtractorOptions), defaults={"layers": JOHNSON_2016}
):
    """Distance between Gram matrices of deep features of two images (texture, or style, loss).

    How the well-known programs normalise and compare is in ``conventions.GRAM``:
    ``TextureLoss(**conventions.GRAM["basicsr"])``.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is taken.
        layers: weights by name of the layer. The default are the layers of Johnson et al. 2016.
            Layers of weight 0 are left out.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned.
    """

    measure = TEXTURE
