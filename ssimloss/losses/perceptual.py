"""Content loss as a module."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ssimloss import _checks
from ssimloss import functional as F
from ssimloss._checks import DataRange
from ssimloss._reduce import Reduction
from ssimloss.functional.features import Features, without_masked_pixels
from ssimloss.functional.perceptual import ContentDistance, FeatureNorm, check_perceptual_options
from ssimloss.losses._deep import FeatureLoss, counted, extractor_settings
from ssimloss.networks import FeatureExtractor, Gray, Normalization, Pooling, Weights

MASK = "mask of the target"  # no layer is called so


class PerceptualLoss(FeatureLoss):
    """Distance between deep features of two images (content loss).

    What the well-known programs compare is in ``conventions.CONTENT``:
    ``PerceptualLoss(**conventions.CONTENT["esrgan"])``.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is taken.
        layers: weights by name of the layer, see :func:`ssimloss.functional.perceptual_loss` for
            this and for ``distance``, ``eps``, ``feature_norm``, ``feature_scale`` and
            ``reduction``. ``conv5_4`` is before the activation, ``relu5_4`` after it. Layers of
            weight 0 are left out, also of ``reduction="none"``.
        weights: ``"imagenet"``, a path, a state dict in torchvision's layout, or ``"random"``;
            leave it out for an ``nn.Module``.
        data_range: ``L`` for images in ``[0, L]``, or ``(lo, hi)``.
        normalization: ``"imagenet"``, ``"none"``, or mean and standard deviation of each channel,
            on a scale of [0, 1].
        gray: whether one channel is repeated (``"repeat"``) or an error.
        pooling: ``"max"`` as trained; ``"average"`` (Gatys et al. 2016) or ``"l2"`` in its place.
        dtype: of the convolutions, such as ``torch.bfloat16``; distances are taken in float32 at
            least.
        channels_last: memory layout of the convolutions.
        checkpoint: compute activations again in the backward pass.

    ``forward(pred, target, mask=None)`` takes images ``(N, C, H, W)``; ``target`` may be what
    :meth:`extract` returned. ``mask`` holds weights ``(N, 1 or C, H, W)``. Pixels of weight 0 are
    gray in both images, so that what stands there has no part in features nearby.
    """

    def __init__(
        self,
        network: str | nn.Module = "vgg19",
        *,
        layers: Mapping[str, float] = {"conv5_4": 1.0},
        distance: ContentDistance = "l1",
        eps: float = 1e-3,
        feature_norm: FeatureNorm = "none",
        feature_scale: float = 1.0,
        weights: Weights = "imagenet",
        data_range: DataRange = 1.0,
        normalization: Normalization = "imagenet",
        gray: Gray = "repeat",
        pooling: Pooling = "max",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
        reduction: Reduction = "mean",
    ) -> None:
        settings = extractor_settings(locals())
        options: dict[str, Any] = {
            "distance": distance,
            "eps": eps,
            "feature_norm": feature_norm,
            "feature_scale": feature_scale,
            "reduction": reduction,
        }
        check_perceptual_options(layers=layers, **options)  # before a network is built
        extractor = FeatureExtractor(network, list(counted(layers)), **settings)
        super().__init__(
            extractor, settings, check_perceptual_options, layers=counted(layers), **options
        )

    def extract(self, image: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
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
        return {**super().extract(without_masked_pixels(image, mask, self.data_range)), MASK: mask}

    def forward(
        self, pred: Tensor, target: Tensor | Features, *, mask: Tensor | None = None
    ) -> Tensor:
        if isinstance(target, Mapping):
            if mask is not None:
                raise ValueError(
                    "mask must be None with features in place of target; pass it to "
                    "extract(target, mask), which keeps it"
                )
            mask = target.get(MASK)
            target = {layer: features for layer, features in target.items() if layer != MASK}
            _checks.image("pred", pred)
        else:
            _checks.images(pred, target)
        _checks.mask(mask, pred)
        if mask is not None:
            pred = without_masked_pixels(pred, mask, self.data_range)
            if isinstance(target, Tensor):
                target = without_masked_pixels(target, mask, self.data_range)
        values = F.perceptual_loss(*self._both(pred, target), mask=mask, **self.options)
        return self._native(values, pred, target)
