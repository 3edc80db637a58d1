"""Losses between distributions of features of one pair of images: FDL, sliced Wasserstein, PDL."""

from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn

from ssimloss import _checks
from ssimloss._options import Options
from ssimloss.functional.fdl import FDL, NI_2024, FDLOptions
from ssimloss.functional.features import Features
from ssimloss.functional.projected_distribution import (
    PROJECTED_DISTRIBUTION,
    ProjectedDistributionOptions,
)
from ssimloss.functional.projections import Projected, unit_directions
from ssimloss.functional.sliced_wasserstein import SLICED_WASSERSTEIN, SlicedWassersteinOptions
from ssimloss.losses._deep import OF_MEASURE, LayeredLoss
from ssimloss.losses.texture import JOHNSON_2016
from ssimloss.networks import ExtractorOptions, UsualLayers


class ProjectedLoss(LayeredLoss):
    """A measure of features that are projected on random directions, which this module keeps.

    They follow from the seed and are no part of a state dict.
    """

    def __init__(
        self, network: str | nn.Module = "vgg19", *, renew: bool = False, **options: Any
    ) -> None:
        super().__init__(network, **options)
        _checks.flag("renew", renew)
        self.renew = renew
        self._draw()

    @property
    def directions(self) -> dict[str, Tensor]:
        """The unit vectors by layer, float32."""
        return dict(zip(self.extractor.layers, self._constants["directions"], strict=True))

    @property
    def _projected(self) -> Projected:
        return cast("Projected", self._records[OF_MEASURE])

    def _measured(
        self, both: tuple[Any, Any], pred: Tensor, target: Tensor | Features, **tensors: Any
    ) -> Tensor:
        directions = self.directions
        if self.renew and self.training:
            directions = {
                name: unit_directions(torch.randn_like(v)) for name, v in directions.items()
            }
        return super()._measured(both, pred, target, directions=directions, **tensors)

    def _settings(self) -> dict[str, Any]:
        return {**super()._settings(), "renew": self.renew}

    def _renew(self, made: Iterable[Options]) -> None:
        super()._renew(made)
        if hasattr(self, "extractor"):
            self._draw()

    def _draw(self) -> None:
        """Make the directions that follow from the options, also usable outside inference mode."""
        buffers = self.extractor.network.buffers()
        device = next((buffer.device for buffer in buffers), torch.device("cpu"))
        like = torch.empty(0, dtype=torch.float32, device=device)
        channels = self.extractor.channels().values()
        with torch.inference_mode(False):
            drawn = [self._projected.drawn(count, like) for count in channels]
        self._constants["directions"] = drawn


class FDLLoss(ProjectedLoss, records=(FDLOptions, ExtractorOptions)):
    """Frequency distribution loss of two images, which need not be aligned.

    ``FDLLoss(**conventions.FDL["neosr"])`` has fewer and smaller projections than the original, and
    takes a fraction of its time.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        renew: whether each call in training mode draws new directions, from PyTorch's generator of
            the device; otherwise they follow from ``seed``.
        layers: weights by layer name. The default is the layers of the authors' code in a
            VGG, the last of each block; in another network the last layer of each stage of stride
            2 to 16. Layers of weight 0 are left out.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned. The deepest layer needs ``patch_size`` positions a side, 80 pixels by default.
    """

    measure = FDL
    usual = UsualLayers(NI_2024, (2, 4, 8, 16))


class SlicedWassersteinLoss(ProjectedLoss, records=(SlicedWassersteinOptions, ExtractorOptions)):
    """Sliced Wasserstein distance of the deep features of two images: texture, at any position.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        renew: whether each call in training mode draws new directions, from PyTorch's generator of
            the device, as the paper does; otherwise they follow from ``seed``.
        layers: weights by layer name. The default is the layers of :class:`TextureLoss`; the
            authors' code compares all activations of the first four blocks of VGG19 with
            average pooling. Layers of weight 0 are left out.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned.
    """

    measure = SLICED_WASSERSTEIN
    usual = UsualLayers(JOHNSON_2016, (1, 2, 4, 8))


class ProjectedDistributionLoss(
    LayeredLoss, records=(ProjectedDistributionOptions, ExtractorOptions)
):
    """Projected distribution loss (PDL) of two images: the distribution of each deep feature.

    Args:
        network: name of a classification network of torchvision, ``"embedded"``, or an
            ``nn.Module``, of which a frozen copy is made.
        layers: weights by layer name. The default is the layers of :class:`TextureLoss`. Layers
            of weight 0 are left out.

    ``forward(pred, target)`` takes images ``(N, C, H, W)``; ``target`` may be what :meth:`extract`
    returned.
    """

    measure = PROJECTED_DISTRIBUTION
    usual = UsualLayers(JOHNSON_2016, (1, 2, 4, 8))
