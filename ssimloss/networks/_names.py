"""Readable names of layers: ``conv5_4`` of a VGG, ``relu3`` of AlexNet, ``fire7`` of SqueezeNet.
Every layer can also be named by its module path.
"""

from collections.abc import Iterable, Mapping

from torch import nn

from ssimloss._words import near

_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.LPPool2d)


def readable_names(kind: str, features: nn.Sequential, prefix: str) -> dict[str, str]:
    """Readable name -> module path, for ``features`` of a family (``"VGG"``, ``"AlexNet"``,
    ``"SqueezeNet"``).

    Layers of a kind that the family does not have get no readable name, only their path.
    """
    name_all = {"VGG": _vgg, "AlexNet": _alexnet, "SqueezeNet": _squeezenet}[kind]
    names = name_all([type(child) for child in features])
    return {name: f"{prefix}{index}" for name, index in names.items()}


def _vgg(kinds: list[type[nn.Module]]) -> dict[str, int]:
    """``conv{block}_{i}``, ``bn{block}_{i}``, ``relu{block}_{i}`` and, closing a block,
    ``pool{block}``.
    """
    words = {nn.Conv2d: "conv", nn.BatchNorm2d: "bn", nn.ReLU: "relu"}
    found: dict[str, int] = {}
    block, layer = 1, 0
    for index, kind in enumerate(kinds):
        if issubclass(kind, _POOLS):
            found[f"pool{block}"] = index
            block, layer = block + 1, 0
            continue
        layer += kind is nn.Conv2d
        if kind in words:
            found[f"{words[kind]}{block}_{layer}"] = index
    return found


def _alexnet(kinds: list[type[nn.Module]]) -> dict[str, int]:
    """``conv1`` to ``conv5``, their ``relu``, and ``pool1``, ``pool2``, ``pool5`` after the
    convolution of that number.
    """
    words = {nn.Conv2d: "conv", nn.ReLU: "relu", nn.MaxPool2d: "pool"}
    found: dict[str, int] = {}
    layer = 0
    for index, kind in enumerate(kinds):
        layer += kind is nn.Conv2d
        if kind in words:
            found[f"{words[kind]}{layer}"] = index
    return found


def _squeezenet(kinds: list[type[nn.Module]]) -> dict[str, int]:
    """``conv1``, ``relu1``, ``fire2`` to ``fire9`` as in Iandola et al. 2016, and pools with the
    number of the layer before them.
    """
    from torchvision.models.squeezenet import Fire

    words = {nn.Conv2d: "conv", Fire: "fire", nn.ReLU: "relu", nn.MaxPool2d: "pool"}
    found: dict[str, int] = {}
    layer = 0
    for index, kind in enumerate(kinds):
        layer += kind in (nn.Conv2d, Fire)
        if kind in words:
            found[f"{words[kind]}{layer}"] = index
    return found


def paths_of(
    layers: Iterable[str], names: Mapping[str, str], known: Iterable[str], network: str
) -> dict[str, str]:
    """Requested layer -> module path.

    Raises:
        ValueError: a layer is unknown; the error lists the closest names and how to list all.
    """
    known = set(known)
    found = {}
    for layer in layers:
        path = names.get(layer, layer)
        if path not in known:
            close = near(layer, [*names, *sorted(known)], 5, cutoff=0.5)
            closest = f"; close to it: {', '.join(close)}" if close else ""
            raise ValueError(
                f"layers must be layers of {network}, got {layer!r}{closest}; "
                "FeatureExtractor.available_layers(network) lists all of them"
            )
        found[layer] = path
    return found
