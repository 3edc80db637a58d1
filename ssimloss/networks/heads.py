"""The weights per channel that LPIPS and DISTS learned from human judgements."""

from typing import Final

import torch
from torch import Tensor

from ssimloss import _checks, weights
from ssimloss._words import named

LPIPS_CHANNELS: Final[dict[str, tuple[int, ...]]] = {
    "alexnet": (64, 192, 384, 256, 256),
    "vgg16": (64, 128, 256, 512, 512),
    "squeezenet1_1": (64, 128, 256, 384, 384, 512, 512),
}
# The layers of the heads, in their order.
VGG16_LAYERS: Final = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
LPIPS_LAYERS: Final[dict[str, tuple[str, ...]]] = {
    "alexnet": ("relu1", "relu2", "relu3", "relu4", "relu5"),
    "vgg16": VGG16_LAYERS,
    "squeezenet1_1": ("relu1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9"),
}
_SHORT: Final = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}
DISTS_CHANNELS: Final = [3, 64, 128, 256, 512, 512]  # the image, then relu1_2 .. relu5_3
VERSIONS: Final = ("v0.1",)


def lpips_network(name: str) -> str:
    """torchvision's name of a network of LPIPS. Short names of the package ``lpips`` are accepted.

    Raises:
        ValueError: LPIPS has no heads for this network.
    """
    found = named("network", name, (*LPIPS_LAYERS, *_SHORT))
    return _SHORT.get(found, found)


def lpips_heads(network: str, version: str) -> list[Tensor]:
    """Return the non-negative weights of LPIPS for each layer, ``(C_l,)``, float32.

    Args:
        network: ``"alexnet"``, ``"vgg16"`` or ``"squeezenet1_1"``, or the short names ``"alex"``,
            ``"vgg"`` or ``"squeeze"``.
        version: ``"v0.1"``.

    Raises:
        ValueError: LPIPS has no heads for this network or version.
        RuntimeError: the bundled file is missing or damaged.

    Source: Zhang et al. 2018, https://github.com/richzhang/PerceptualSimilarity.
    """
    network = lpips_network(network)
    _checks.choice("version", version, VERSIONS)
    state = weights.load_bundled(f"lpips_{network}_{version}")
    return [state[f"lin{i}"] for i in range(len(LPIPS_CHANNELS[network]))]


def dists_weights() -> tuple[list[Tensor], list[Tensor]]:
    """Return ``alpha`` (texture) and ``beta`` (structure) of DISTS, one tensor ``(C_l,)`` for the
    image and one for each of VGG16's five layers.

    Raises:
        RuntimeError: the bundled file is missing or damaged.

    Source: Ding et al. 2020, https://github.com/dingkeyan93/DISTS.
    """
    state = weights.load_bundled("dists")
    alpha, beta = state["alpha"].flatten(), state["beta"].flatten()
    return list(torch.split(alpha, DISTS_CHANNELS)), list(torch.split(beta, DISTS_CHANNELS))
