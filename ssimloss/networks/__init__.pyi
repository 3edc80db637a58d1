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

    The network has no parameters and no entry in a ``state_dict()``, and stays in ``eval()`` under
    ``.train()``. It follows ``.to(device)`` of the model that holds the extractor, and keeps its
    precision under ``.half()`` and ``.double()``. Gradients reach the image; for an image without
    ``requires_grad``, no graph is made.

    Args:
        network: a name of torchvision's classification models (``"vgg19"``, ``"alexnet"``,
            ``"resnet50"``, ...), ``"embedded"``, or any ``nn.Module`` that takes an image, of which
            a frozen copy is made.
        layers: readable names (``conv5_4``, ``relu3_3``, ``fire7``) or module paths
            (``features.28``, ``layer3.1.conv2``); :meth:`available_layers` lists them. The features
            of a convolution are those before its activation, even if that works in place.
        weights: ``"imagenet"``, another of torchvision's names, a path, a state dict in
            torchvision's layout, or ``"random"``, which is the same random numbers every time and
            leaves the global random generators alone. For ``"embedded"`` the default loads its own
            weights. Leave it out if ``network`` is a module.
        data_range: the range of the image's values: ``L`` for ``[0, L]``, or ``(lo, hi)``. The
            image is scaled to [0, 1] first.
        normalization: applied to the image in [0, 1]. ``"imagenet"`` subtracts ImageNet's mean and
            divides by its standard deviation, ``"none"`` does nothing. ``(mean, std)`` has one
            number per channel, which sets the number of channels.
        gray: ``"repeat"`` repeats a one-channel image for every channel of the network,
            ``"error"`` raises for it.
        pooling: replaces the network's ``nn.MaxPool2d``: ``"max"`` keeps it, ``"average"`` averages
            the same windows, ``"l2"`` pools as DISTS does.
        dtype: dtype of the convolutions, for example ``torch.bfloat16``. ``None`` means float64 for
            float64 images and float32 otherwise. ``torch.float16`` raises, because small gradients
            underflow in it.
        channels_last: whether the convolutions run in this memory format.
        checkpoint: whether to keep no activations. The backward pass then runs the network again.

    Raises:
        TypeError, ValueError: arguments have a wrong type, names or layers are unknown, or weights
            belong to another architecture.
        RuntimeError: a weight file is missing or damaged. The error names it and how to get it.
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
        """List every layer of a network: readable names first, then module paths."""

    @property
    def network(self) -> Module:
        """The frozen network; for a chain such as VGG, the part that contains the layers."""

    @property
    def sharing_key(self) -> Hashable:
        """Equal for extractors that compute the same features of the same image. The layers that
        they return and their device do not matter.
        """

    def adopt(self, other: FeatureExtractor) -> None:
        """Hold the network of an extractor with equal ``sharing_key`` instead of a copy of it. If
        either checkpoints, both do.
        """

    def prepare(self, layers: Sequence[str]) -> None:
        """Do in advance what :meth:`features` does once for each new set of layers: look them up
        and trace the network.

        Raises:
            ValueError: a layer is unknown.
        """

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return the features at ``layers``: float64 for float64 images, otherwise float32.

        Raises:
            TypeError: the image has integers.
            ValueError: the image has another number of channels (for example an alpha channel), is
                on another device, or is too small for the deepest layer.
        """

    def __call__(self, image: Tensor) -> dict[str, Tensor]: ...
    def features(self, image: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """Return the features at any layers of the network, regardless of ``layers`` and
        ``shared``.
        """

    def channels(self) -> dict[str, int]:
        """Channels of the features at each of ``layers``, found with a small image."""

    def least_side(self) -> int:
        """The least side of a square image that reaches the deepest of ``layers``, found by trying
        small ones.
        """

    def extra_repr(self) -> str:
        """Show the network, the layers and all other settings that affect the features. Weights
        without a name are shown by their digest.
        """
