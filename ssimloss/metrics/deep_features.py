"""Distances of deep features that have a name as a measure, with descriptions: the modules of
``ssimloss.losses``, and the distance of the embedded network.
"""

import functools
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn

from ssimloss import functional as F
from ssimloss import losses
from ssimloss._precision import in_ieee
from ssimloss._references import of_reference
from ssimloss.losses.lpips import LPIPSNetwork
from ssimloss.networks import (
    EMBEDDED_LAYERS,
    LPIPS_LAYERS,
    VGG16_LAYERS,
    FeatureExtractor,
    Weights,
    lpips_network,
)

_TRAINED_ON: Final = {
    "imagenet": "torchvision's ImageNet weights",
    "random": "random weights",
    "embedded": "its own weights",
}


class Embedded(nn.Module):
    """The distance of DISTS with equal weights on the network in the package, which was evaluated
    with this distance. It takes two images ``(N, C, H, W)`` and returns ``(N,)``.
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.extractor = FeatureExtractor("embedded", EMBEDDED_LAYERS, weights=weights)

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``."""
        features = self.extractor(pred), of_reference(self.extractor, target)
        ones = [values.new_ones(values.shape[1]) for values in features[0].values()]
        values: Tensor = F.dists(*features, alpha=ones, beta=ones, reduction="image")
        return values


Module = losses.LPIPS | losses.DISTS | losses.ADISTS | losses.DeepPerceptualSimilarity | Embedded


class DeepDistance(nn.Module):
    """A module that returns one distance per image, without a graph, and its description."""

    def __init__(self, module: Module, title: str, words: str) -> None:
        super().__init__()
        self.module = module
        self.title = title
        self.words = words

    @torch.no_grad()
    @in_ieee
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """``(N,)``."""
        values: Tensor = self.module(pred, target)
        return values

    def describe(self) -> str:
        """A description of network, layers and formula."""
        return self.words

    @property
    def identity(self) -> str:
        """A string that is equal for distances with equal values: the description, and a digest of
        the network's weights.
        """
        return f"{self.words} {self.module.extractor.sharing_key}"


def lpips(
    network: LPIPSNetwork = "alexnet", *, title: str = "LPIPS", **options: Any
) -> DeepDistance:
    """LPIPS; ``options`` are those of the module."""
    module = losses.LPIPS(network, **options, reduction="image")
    name = lpips_network(network)
    published = isinstance(options.get("heads", "v0.1"), str)
    words = (
        "LPIPS v0.1 (Zhang et al. 2018): squared differences of unit features of "
        f"{name} ({_trained_on(module.weights)}) at {', '.join(LPIPS_LAYERS[name])}, weighed "
        f"by {'the published heads' if published else 'heads of the caller'}"
    )
    return DeepDistance(module, title, words)


def dists(**options: Any) -> DeepDistance:
    """DISTS, of images at their own size; ``options`` are those of the module."""
    module = losses.DISTS(**options, reduction="image")
    published = options.get("alpha") is None and options.get("beta") is None
    words = (
        "DISTS (Ding et al. 2020): texture and structure of the image and of features of "
        f"vgg16 ({_trained_on(module.weights)}) with L2 pooling at {', '.join(VGG16_LAYERS)}, by "
        f"{'the published weights' if published else 'weights of the caller'}; nothing is resized"
    )
    return DeepDistance(module, "DISTS", words)


def adists(**options: Any) -> DeepDistance:
    """A-DISTS, of images at their own size; ``options`` are those of the module."""
    module = losses.ADISTS(**options, reduction="image")
    words = (
        "A-DISTS (Ding et al. 2021): local texture and structure of the image and of features of "
        f"vgg16 ({_trained_on(module.weights)}) with L2 pooling at {', '.join(VGG16_LAYERS)}, "
        f"under windows of {module.window_size}, weighed by the content of the "
        f"{'reference' if module.adapts_to == 'target' else 'image'}; nothing is resized"
    )
    return DeepDistance(module, "A-DISTS", words)


def deep_similarity(*network: Any, **options: Any) -> DeepDistance:
    """Any network, layers and distance; arguments are those of the module."""
    module = losses.DeepPerceptualSimilarity(*network, **options, reduction="image")
    words = (
        f"{module.distance} distance of features of {module.extractor!r}, weights of the layers "
        f"{module.layers}"
    )
    return DeepDistance(module, "deep similarity", words)


def embedded(*, weights: Weights = "imagenet") -> DeepDistance:
    """The distance of the network in the package."""
    told = _trained_on("embedded" if weights == "imagenet" else weights)
    words = (
        "mean over channels of 1 - (l + s) / 2, l and s the similarity of means and of "
        f"structure as in DISTS, of features of the network embedded in ssimloss ({told}) at "
        f"{', '.join(EMBEDDED_LAYERS)}"
    )
    return DeepDistance(Embedded(weights), "embedded", words)


def _trained_on(weights: Weights) -> str:
    if isinstance(weights, str):
        return _TRAINED_ON.get(weights, f"weights {weights}")
    return "weights of the caller's own"


DISTANCES: Final[dict[str, Callable[..., DeepDistance]]] = {  # of ``weights=``
    "lpips": lpips,
    "lpips_vgg": functools.partial(lpips, "vgg16", title="LPIPS VGG"),
    "lpips_squeeze": functools.partial(lpips, "squeezenet1_1", title="LPIPS SqueezeNet"),
    "dists": dists,
    "adists": adists,
    "embedded": embedded,
}
