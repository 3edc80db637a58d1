"""Content loss as a module."""

from collections.abc import Mapping
from typing import cast

from torch import Tensor

from ssimloss import _checks
from ssimloss._keywords import inputs
from ssimloss.functional.features import Features, without_masked_pixels
from ssimloss.functional.perceptual import PERCEPTUAL, PerceptualOptions
from ssimloss.losses._deep import OF_EXTRACTOR, LayeredLoss
from ssimloss.networks import ExtractorOptions, UsualLayers

MASK = "mask of the target"  # no layer is called so


class PerceptualLoss(
    LayeredLoss, records=(PerceptualOptions, ExtractorOptions), defaults={"layers": None}
):
    """Distance between deep features of two images (content loss).

    What the well-known programs compare is in ``conventions.CONTENT``:
    ``PerceptualLoss(**conventions.CONTENT["esrgan"])``.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is taken.
        layers: weights by name of the layer. ``conv5_4`` is before the activation, ``relu5_4``
            after it. By default the deepest layer of stride 16, before its activation if that has
            a name: ``conv5_4`` of VGG19, ``layer3`` of a ResNet. Layers of weight 0 are left out,
            also of ``reduction="none"``.

    ``forward(pred, target, *, mask=None)`` takes images ``(N, C, H, W)``; ``target`` may be what
    :meth:`extract` returned. ``mask`` holds weights ``(N, 1 or C, H, W)``. Pixels of weight 0 are
    gray in both images, so that what stands there has no part in features nearby.
    """

    measure = PERCEPTUAL
    usual = UsualLayers(("conv5_4",), (16,), deepest=True)

    @inputs
    def extract(self, image: Tensor, *, mask: Tensor | None = None) -> dict[str, Tensor]:
        """Features of a target, to be passed in its place; with the mask that holds for it, if
        there is one.

        Args:
            image: ``(N, C, H, W)`` with values in ``data_range``.
            mask: weights ``(N, 1 or C, H, W)``, which the features carry along.

        Returns:
            What the loss compares, by name of the layer. It carries a graph only if the image does.
        """
        if mask is None:
            return super().extract(image)
        _checks.image("image", image)
        _checks.mask(mask, image)
        return {**super().extract(self._without_masked(image, mask)), MASK: mask}

    @inputs
    def forward(
        self, pred: Tensor, target: Tensor | Features, *, mask: Tensor | None = None
    ) -> Tensor:
        """The loss of images ``(N, C, H, W)``; ``target`` may be what :meth:`extract` returned."""
        if isinstance(target, Mapping):
            if mask is not None:
                raise ValueError(
                    "mask must be None with features in place of target; pass it to "
                    "extract(target, mask=mask), which keeps it"
                )
            mask = target.get(MASK)
            target = {layer: features for layer, features in target.items() if layer != MASK}
            _checks.image("pred", pred)
        else:
            _checks.images(pred, target)
        _checks.mask(mask, pred)
        if mask is not None:
            pred = self._without_masked(pred, mask)
            if isinstance(target, Tensor):
                target = self._without_masked(target, mask)
        return self._measured(self._both(pred, target), pred, target, mask=mask)

    def _without_masked(self, image: Tensor, mask: Tensor) -> Tensor:
        of_extractor = cast("ExtractorOptions", self._records[OF_EXTRACTOR])
        return without_masked_pixels(image, mask, of_extractor.data_range)
