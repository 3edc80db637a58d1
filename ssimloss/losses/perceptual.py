"""Content loss as a module."""

from ssimloss.functional.perceptual import PERCEPTUAL, PerceptualOptions
from ssimloss.losses._deep import LayeredLoss, MaskedLoss
from ssimloss.networks import ExtractorOptions, UsualLayers


class PerceptualLoss(
    MaskedLoss,
    LayeredLoss,
    records=(PerceptualOptions, ExtractorOptions),
):
    """Distance between deep features of two images (content loss).

    ``conventions.CONTENT`` holds the settings of well-known implementations:
    ``PerceptualLoss(**conventions.CONTENT["esrgan"])``.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        layers: weights by layer name. ``conv5_4`` is before the activation, ``relu5_4`` after it.
            The default is the deepest layer of stride 16, before its activation if that has a
            name: ``conv5_4`` of VGG19, ``layer3`` of a ResNet. Layers of weight 0 are left out,
            also of the result for ``reduction="none"``.

    ``forward(pred, target, *, mask=None)`` takes images ``(N, C, H, W)``; ``target`` may be what
    :meth:`extract` returned. ``mask`` holds weights ``(N, 1 or C, H, W)``. Pixels of weight 0 are
    set to gray in both images, so that they do not influence features nearby.
    """

    measure = PERCEPTUAL
    usual = UsualLayers(("conv5_4",), (16,), deepest=True)
