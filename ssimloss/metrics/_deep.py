"""Distances of deep features of two images: LPIPS, DISTS, that of the embedded network, and of any
network.

The equations are those of ``ssimloss.functional``, the networks those of ``ssimloss.networks``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import torch
from torch import Tensor, nn

from ssimloss import _checks
from ssimloss import functional as F
from ssimloss._checks import DataRange
from ssimloss.functional import similarity
from ssimloss.functional.features import unit_range
from ssimloss.networks import (
    EMBEDDED_LAYERS,
    LPIPS_LAYERS,
    VGG16_LAYERS,
    FeatureExtractor,
    Weights,
    dists_weights,
    lpips_heads,
)

_TRAINED_ON: Final = {
    "imagenet": "torchvision's ImageNet weights",
    "random": "random weights",
    "embedded": "its own weights",
}


class FeatureDistance(nn.Module, ABC):
    """A frozen network and the distance between its features, ``(N, C, H, W)`` twice -> ``(N,)``,
    never with a graph.
    """

    title: str

    def __init__(self, extractor: FeatureExtractor, weights: Weights = "imagenet") -> None:
        super().__init__()
        self.extractor = extractor
        self.weights = (
            _TRAINED_ON.get(weights, f"weights {weights}")
            if isinstance(weights, str)
            else "weights of the caller's own"
        )

    @abstractmethod
    def describe(self) -> str:
        """Network, layers and formula in words."""

    @property
    def identity(self) -> str:
        """Equal for distances that give the same values: the words, and a digest of the network's
        weights.
        """
        return f"{self.describe()} {self.extractor.sharing_key}"

    def _constants(self, name: str, tensors: list[Tensor]) -> list[str]:
        """Keep tensors that move with the module and are in no state dict; returns their names."""
        names = [f"{name}{i}" for i in range(len(tensors))]
        for key, tensor in zip(names, tensors, strict=True):
            self.register_buffer(key, tensor.detach().clone(), persistent=False)
        return names


class LPIPSDistance(FeatureDistance):
    """LPIPS with its published heads."""

    def __init__(
        self,
        network: str,
        title: str = "LPIPS",
        weights: Weights = "imagenet",
        data_range: DataRange = 1.0,
    ) -> None:
        _checks.choice("network", network, LPIPS_LAYERS)
        super().__init__(
            FeatureExtractor(
                network, LPIPS_LAYERS[network], weights=weights, data_range=data_range
            ),
            weights,
        )
        self.title = title
        self.network = network
        self.heads = self._constants("head", lpips_heads(network, "v0.1"))

    @torch.no_grad()
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``."""
        heads = [self.get_buffer(name) for name in self.heads]
        return F.lpips(self.extractor(pred), self.extractor(target), heads=heads, reduction="image")

    def describe(self) -> str:
        """Network, layers and formula in words."""
        layers = ", ".join(LPIPS_LAYERS[self.network])
        return (
            "LPIPS v0.1 (Zhang et al. 2018): squared differences of unit features of "
            f"{self.network} ({self.weights}) at {layers}, weighed by the published heads"
        )


class DISTSDistance(FeatureDistance):
    """DISTS with its published weights; images are compared at their own size."""

    title = "DISTS"

    def __init__(self, weights: Weights = "imagenet", data_range: DataRange = 1.0) -> None:
        super().__init__(
            FeatureExtractor(
                "vgg16", VGG16_LAYERS, weights=weights, data_range=data_range, pooling="l2"
            ),
            weights,
        )
        self.data_range = data_range
        self.alpha, self.beta = (
            self._constants(name, of)
            for name, of in zip(("alpha_", "beta_"), dists_weights(), strict=True)
        )

    @torch.no_grad()
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``."""
        unit = [
            unit_range(image, self.data_range).expand(-1, 3, -1, -1) for image in (pred, target)
        ]
        both = [
            {"image": first, **self.extractor(image)}
            for first, image in zip(unit, (pred, target), strict=True)
        ]
        alpha, beta = (
            [self.get_buffer(name) for name in names] for names in (self.alpha, self.beta)
        )
        return F.dists(*both, alpha=alpha, beta=beta, reduction="image")

    def describe(self) -> str:
        """Network, layers and formula in words."""
        return (
            "DISTS (Ding et al. 2020): texture and structure of the image and of features of "
            f"vgg16 ({self.weights}) with L2 pooling at {', '.join(VGG16_LAYERS)}, by the "
            "published weights; nothing is resized"
        )


class EmbeddedDistance(FeatureDistance):
    """The distance of DISTS with equal weights on the network that travels with the package: the
    one it was examined with.
    """

    title = "embedded"

    def __init__(self, weights: Weights = "imagenet") -> None:
        super().__init__(
            FeatureExtractor("embedded", EMBEDDED_LAYERS, weights=weights),
            "embedded" if weights == "imagenet" else weights,
        )
        self.ones = self._constants(
            "ones", [torch.ones(channels) for channels in self.extractor.channels().values()]
        )

    @torch.no_grad()
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``."""
        ones = [self.get_buffer(name) for name in self.ones]
        return F.dists(
            self.extractor(pred), self.extractor(target), alpha=ones, beta=ones, reduction="image"
        )

    def describe(self) -> str:
        """Network, layers and formula in words."""
        return (
            "mean over channels of 1 - (l + s) / 2, l and s the similarity of means and of "
            "structure as in DISTS, of features of the network embedded in ssimloss "
            f"({self.weights}) at {', '.join(EMBEDDED_LAYERS)}"
        )


class DeepDistance(FeatureDistance):
    """``F.deep_similarity`` at any layers of any network."""

    title = "deep similarity"

    def __init__(
        self,
        extractor: FeatureExtractor,
        layers: Mapping[str, float],
        distance: similarity.FeatureDistance,
        heads: Sequence[Tensor] | None,
    ) -> None:
        similarity.check_deep_similarity_options(
            layers=layers, distance=distance, reduction="image"
        )
        super().__init__(extractor)
        self.layers = dict(layers)
        self.distance: similarity.FeatureDistance = distance
        if heads is not None:
            similarity.check_heads("heads", heads, extractor.channels())
        self.heads = None if heads is None else self._constants("head", list(heads))

    @torch.no_grad()
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``."""
        heads = None if self.heads is None else [self.get_buffer(name) for name in self.heads]
        features = self.extractor(pred), self.extractor(target)
        return F.deep_similarity(
            *features, layers=self.layers, distance=self.distance, heads=heads, reduction="image"
        )

    def describe(self) -> str:
        """Network, layers and formula in words."""
        return (
            f"{self.distance} distance of features of {self.extractor!r}, weights of the layers "
            f"{self.layers}"
        )


DISTANCES: Final[dict[str, Callable[[Weights], FeatureDistance]]] = {
    "lpips": lambda weights: LPIPSDistance("alexnet", "LPIPS", weights),
    "lpips_vgg": lambda weights: LPIPSDistance("vgg16", "LPIPS VGG", weights),
    "lpips_squeeze": lambda weights: LPIPSDistance("squeezenet1_1", "LPIPS SqueezeNet", weights),
    "dists": DISTSDistance,
    "embedded": EmbeddedDistance,
}
