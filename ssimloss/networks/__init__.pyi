# Written by tests/generate.py from the measures; edit those.
"""Frozen feature extractors: VGG, ResNet, AlexNet, SqueezeNet, any torchvision classification
model, the embedded network, any module.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from os import PathLike
from typing import Literal

import torch
from torch import Tensor
from torch.nn.modules.module import Module

from ssimloss._torch import FollowsMoves
from ssimloss.networks.embedded import EMBEDDED_LAYERS as EMBEDDED_LAYERS
from ssimloss.networks.embedded import embedded_network as embedded_network
from ssimloss.networks.extractor import ExtractorOptions as ExtractorOptions
from ssimloss.networks.extractor import Gray as Gray
from ssimloss.networks.extractor import Normalization as Normalization
from ssimloss.networks.heads import DISTS_CHANNELS as DISTS_CHANNELS
from ssimloss.networks.heads import LPIPS_CHANNELS as LPIPS_CHANNELS
from ssimloss.networks.heads import LPIPS_LAYERS as LPIPS_LAYERS
from ssimloss.networks.heads import VGG16_LAYERS as VGG16_LAYERS
from ssimloss.networks.heads import dists_weights as dists_weights
from ssimloss.networks.heads import lpips_heads as lpips_heads
from ssimloss.networks.heads import lpips_network as lpips_network
from ssimloss.networks.pooling import Pooling as Pooling
from ssimloss.networks.stages import UsualLayers as UsualLayers
from ssimloss.weights import Weights as Weights

__all__ = [
    "FeatureExtractor",
    "ExtractorOptions",
    "Gray",
    "Normalization",
    "Pooling",
    "UsualLayers",
    "Weights",
    "embedded_network",
    "EMBEDDED_LAYERS",
    "lpips_heads",
    "lpips_network",
    "LPIPS_LAYERS",
    "LPIPS_CHANNELS",
    "VGG16_LAYERS",
    "dists_weights",
    "DISTS_CHANNELS",
]

class FeatureExtractor(FollowsMoves):
    """Features of a frozen network: image ``(N, C, H, W)`` -> ``{layer: (N, C_l, H_l, W_l)}``.

    The network has no parameter and no entry in any ``state_dict()``, stays in ``eval()`` under
    ``.train()``, follows ``.to(device)`` of the model that holds the extractor, and keeps its
    precision under ``.half()`` and ``.double()``. Gradients reach the image; an image that asks for
    none leaves no graph.

    Args:
        network: a name of torchvision's classification models (``"vgg19"``, ``"alexnet"``,
            ``"resnet50"``, ...), ``"embedded"``, or any ``nn.Module`` that takes an image; of a
            module, a frozen copy is taken.
        layers: readable names (``conv5_4``, ``relu3_3``, ``fire7``) or module paths
            (``features.28``, ``layer3.1.conv2``); :meth:`available_layers` lists them. A
            convolution's features are those before its activation, never overwritten by it.
        weights: ``"imagenet"``, another of torchvision's names, a path, a state dict in
            torchvision's layout, or ``"random"``: the same random numbers every time, and the
            process's random generators are left alone. ``"embedded"`` has weights of its own, which
            the default loads. Leave it out if ``network`` is a module.
        data_range: the range of the image's values: ``L`` for ``[0, L]``, or ``(lo, hi)``. The
            image is scaled to [0, 1] first.
        normalization: applied to the image in [0, 1]. ``"imagenet"`` subtracts ImageNet's mean and
            divides by its standard deviation, ``"none"`` does nothing, ``(mean, std)`` has one
            number per channel and so sets the number of channels.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        pooling: what replaces the network's ``nn.MaxPool2d``: ``"max"`` keeps it, ``"average"``
            averages the same windows, ``"l2"`` pools as DISTS does.
        dtype: of the convolutions, for example ``torch.bfloat16``. ``None``: float32, and float64
            for float64 images. ``torch.float16`` raises, because small gradients vanish in it.
        channels_last: whether the convolutions run in this memory format.
        checkpoint: whether nothing is kept between the layers for the backward pass, which then
            runs the network again.

    Raises:
        TypeError, ValueError: arguments of wrong type; unknown names and layers; weights of another
            architecture.
        RuntimeError: a file of weights that is missing or damaged; it names the file and how to get
            it.
    """

    layers: tuple[str, ...]
    gray: Literal["repeat", "error"]
    pooling: Literal["max", "average", "l2"]
    data_range: float | tuple[float, float]
    shared: Callable[[Tensor], dict[str, Tensor]] | None
    def __init__(
        self,
        network: str | Module,
        layers: Sequence[str],
        *,
        weights: str | PathLike[str] | Mapping[str, Tensor] = "imagenet",
        data_range: float | tuple[float, float] = 1.0,
        normalization: Literal["imagenet", "none"]
        | tuple[Sequence[float], Sequence[float]] = "imagenet",
        gray: Literal["repeat", "error"] = "repeat",
        pooling: Literal["max", "average", "l2"] = "max",
        dtype: torch.dtype | None = None,
        channels_last: bool = False,
        checkpoint: bool = False,
    ) -> None: ...
    @staticmethod
    def available_layers(network: str | Module) -> tuple[str, ...]:
        """Every layer of a network by its names: readable ones first, then module paths."""

    @property
    def network(self) -> Module:
        """The frozen network; of a chain such as VGG, the part that holds the layers."""

    @property
    def sharing_key(self) -> Hashable:
        """Equal for extractors that make the same features of the same image, whichever layers they
        return and on whatever device.
        """

    def adopt(self, other: FeatureExtractor) -> None:
        """Hold the network of an extractor of equal ``sharing_key`` instead of a copy of it; if
        either checkpoints, both do.
        """

    def prepare(self, layers: Sequence[str]) -> None:
        """Do ahead of time what :meth:`features` does once for each new set of layers: look them
        up, trace the network.

        Raises:
            ValueError: an unknown layer.
        """

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """The features at ``layers``, float32, or float64 for float64 images.

        Raises:
            TypeError: an image of integers.
            ValueError: an image of another number of channels (an alpha channel), on another
                device, too small for the deepest layer.
        """

    def __call__(self, image: Tensor) -> dict[str, Tensor]: ...
    def features(self, image: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """The features at any layers of the network, whatever ``layers`` and ``shared`` say."""

    def channels(self) -> dict[str, int]:
        """Channels of the features at each of ``layers``, found with a small image."""

    def least_side(self) -> int:
        """The least side of a square image that reaches the deepest of ``layers``, found by trying
        small ones.
        """

    def extra_repr(self) -> str:
        """Network, layers, and all that decides the features; weights that have no name are shown
        by their digest.
        """
