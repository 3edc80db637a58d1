"""Texture and contextual losses as modules."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ssimloss import functional as F
from ssimloss._checks import DataRange
from ssimloss._reduce import Reduction
from ssimloss.functional.contextual import ContextualDistance, check_contextual_options
from ssimloss.functional.features import Features, GramNormalization
from ssimloss.functional.texture import GramDistance, check_texture_options
from ssimloss.losses._deep import FeatureLoss, counted, extractor_settings
from ssimloss.networks import FeatureExtractor, Gray, Normalization, Pooling, Weights

JOHNSON_2016 = {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0, "relu4_3": 1.0}
MECHREZ_2018 = {"relu3_2": 1.0, "relu4_2": 1.0}  # their program's conv3_2 is after the activation


class TextureLoss(FeatureLoss):
    """Distance between Gram matrices of deep features of two images (texture, or style, loss).

    How the well-known programs normalise and compare is in ``conventions.GRAM``:
    ``TextureLoss(**conventions.GRAM["basicsr"])``.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is taken.
        layers: weights by name of the layer, see :func:`ssimloss.functional.texture_loss` for this
            and for ``gram``, ``distance``, ``patch_size``, ``stride`` and ``reduction``. The
            default are the layers of Johnson et al. 2016. Layers of weight 0 are left out.
        weights, data_range, normalization, gray, pooling, dtype, channels_last, checkpoint: as in
        :class:`PerceptualLoss`.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned.
    """

    def __init__(
        self,
        network: str | nn.Module = "vgg19",
        *,
        layers: Mapping[str, float] = JOHNSON_2016,
        gram: GramNormalization = "chw",
        distance: GramDistance = "l1",
        patch_size: int | Mapping[str, int] | None = None,
        stride: int | Mapping[str, int] | None = None,
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
            "gram": gram,
            "distance": distance,
            "patch_size": patch_size,
            "stride": stride,
            "reduction": reduction,
        }
        check_texture_options(layers=layers, **options)  # before a network is built
        extractor = FeatureExtractor(network, list(counted(layers)), **settings)
        super().__init__(
            extractor, settings, check_texture_options, layers=counted(layers), **options
        )

    def forward(self, pred: Tensor, target: Tensor | Features) -> Tensor:
        return self._native(F.texture_loss(*self._both(pred, target), **self.options), pred, target)


class ContextualLoss(FeatureLoss):
    """Contextual loss of two images, which need not be aligned.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is taken.
        layers: weights by name of the layer, see :func:`ssimloss.functional.contextual_loss` for
            this and for ``bandwidth``, ``distance`` and ``reduction``. The default are the layers
            of the original program. Layers of weight 0 are left out.
        weights, data_range, normalization, gray, pooling, dtype, channels_last, checkpoint: as in
        :class:`PerceptualLoss`.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned. Time grows with the square of the number of positions: take layers of a low
    resolution, or crops.
    """

    def __init__(
        self,
        network: str | nn.Module = "vgg19",
        *,
        layers: Mapping[str, float] = MECHREZ_2018,
        bandwidth: float = 0.5,
        distance: ContextualDistance = "cosine",
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
            "bandwidth": bandwidth,
            "distance": distance,
            "reduction": reduction,
        }
        check_contextual_options(layers=layers, **options)  # before a network is built
        extractor = FeatureExtractor(network, list(counted(layers)), **settings)
        super().__init__(
            extractor, settings, check_contextual_options, layers=counted(layers), **options
        )

    def forward(self, pred: Tensor, target: Tensor | Features) -> Tensor:
        return self._native(
            F.contextual_loss(*self._both(pred, target), **self.options), pred, target
        )
