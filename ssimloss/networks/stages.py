"""Default layers: those that a loss compares if the user names none.

A stage is the part of a network that computes at one resolution. Its stride is the number of pixels
of the image per position.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from torch import nn

from ssimloss.networks._names import paths_of
from ssimloss.networks.sources import layers_of, layout_of, named_network, names_of

Stages = Mapping[int, tuple[str, ...]]  # stride -> layers; the last one ends the stage

_RESNET: Final = {2: ("relu",), 4: ("layer1",), 8: ("layer2",), 16: ("layer3",)}
# torchvision's networks without the blocks of a VGG, by class. All end at stride 16, like VGG,
# AlexNet and SqueezeNet, on which such losses were introduced.
_STAGES: Final[dict[str, Stages]] = {
    "AlexNet": {4: ("relu1",), 8: ("relu2",), 16: ("relu3", "relu4", "relu5")},
    "ConvNeXt": {4: ("features.1",), 8: ("features.3",), 16: ("features.5",)},
    "DenseNet": {
        2: ("features.relu0",),
        4: ("features.denseblock1",),
        8: ("features.denseblock2",),
        16: ("features.denseblock3",),
    },
    "EfficientNet": {
        2: ("features.1",),
        4: ("features.2",),
        8: ("features.3",),
        16: ("features.5",),
    },
    "GoogLeNet": {2: ("conv1",), 4: ("conv3",), 8: ("inception3b",), 16: ("inception4e",)},
    "Inception3": {
        2: ("Conv2d_2b_3x3",),
        4: ("Conv2d_4a_3x3",),
        8: ("Mixed_5d",),
        16: ("Mixed_6e",),
    },
    "MNASNet": {2: ("layers.7",), 4: ("layers.8",), 8: ("layers.9",), 16: ("layers.11",)},
    "MaxVit": {2: ("stem",), 4: ("blocks.0",), 8: ("blocks.1",), 16: ("blocks.2",)},
    "MobileNetV2": {
        2: ("features.1",),
        4: ("features.3",),
        8: ("features.6",),
        16: ("features.13",),
    },
    "RegNet": {
        2: ("stem",),
        4: ("trunk_output.block1",),
        8: ("trunk_output.block2",),
        16: ("trunk_output.block3",),
    },
    "ResNet": _RESNET,
    "ShuffleNetV2": {2: ("conv1",), 4: ("maxpool",), 8: ("stage2",), 16: ("stage3",)},
}
# Classes with two designs.
_MOBILENET_V3_SMALL: Final = {
    2: ("features.0",),
    4: ("features.1",),
    8: ("features.3",),
    16: ("features.8",),
}
_MOBILENET_V3_LARGE: Final = {
    2: ("features.1",),
    4: ("features.3",),
    8: ("features.6",),
    16: ("features.12",),
}
_SQUEEZENET_1_0: Final = {2: ("relu1",), 4: ("fire4",), 8: ("fire8",), 16: ("fire9",)}
_SQUEEZENET_1_1: Final = {
    2: ("relu1",),
    4: ("fire3",),
    8: ("fire5",),
    16: ("fire6", "fire7", "fire8", "fire9"),
}
# Networks without a default: their layer with maps (N, C, H, W), and the reason.
_WITHOUT: Final = {
    "SwinTransformer": ("permute", "its maps are (N, H, W, C)"),
    "VisionTransformer": ("conv_proj", "it has no maps behind its patches"),
}
_MOST_LISTED: Final = 8
_NAMED: Final = re.compile(r"(conv|bn|relu)(\d)_(\d)")


@dataclass(frozen=True)
class UsualLayers:
    """Which layers a loss compares by default.

    Args:
        of_vgg: readable names in VGG19. If another VGG or the embedded network lacks a layer, the
            last layer of the block is used, or that of the deepest block.
        strides: strides of the stages that are compared in other networks.
        deepest: compare only the last layer, before its activation if that has a name.
    """

    of_vgg: tuple[str, ...]
    strides: tuple[int, ...]
    deepest: bool = False

    def weights(self, network: str | nn.Module) -> dict[str, float]:
        """The default layers, each with the weight 1."""
        return dict.fromkeys(self.of(network), 1.0)

    def of(self, network: str | nn.Module) -> tuple[str, ...]:
        """The layers of this network, from shallow to deep.

        Raises:
            ValueError: this network has no default layers.
            TypeError: ``network`` is neither a name nor a module.
        """
        layout = layout_of(network)
        kind = type(layout).__name__
        names = names_of(layout)
        own = isinstance(network, str) and named_network(network) == "embedded"
        if own or kind == "VGG":
            known = names or dict.fromkeys(layers_of(layout), "")
            return tuple(dict.fromkeys(_closest(name, known) for name in self.of_vgg))
        stages = _stages_of(layout)
        if stages is None:
            raise ValueError(_without_layers(network, layout))
        found = [layer for stride in self.strides for layer in stages.get(stride, ())]
        paths_of(found, names, layers_of(layout), kind)  # which finds a mistake in the table
        if not self.deepest:
            return tuple(found)
        before = found[-1].replace("relu", "conv")
        return (before if before in names else found[-1],)


def _stages_of(layout: nn.Module) -> Stages | None:
    """The stages of a network of torchvision; None for subclasses, which may compute otherwise."""
    kind = type(layout)
    if not kind.__module__.startswith("torchvision.models."):
        return None
    features = getattr(layout, "features", None)
    count = len(features) if isinstance(features, nn.Sequential) else 0
    if kind.__name__ == "MobileNetV3":
        return _MOBILENET_V3_SMALL if count == 13 else _MOBILENET_V3_LARGE
    if kind.__name__ == "SqueezeNet":
        names = names_of(layout)
        return _SQUEEZENET_1_1 if "pool3" in names else _SQUEEZENET_1_0
    return _STAGES.get(kind.__name__)


def _closest(wanted: str, known: Mapping[str, str]) -> str:
    """The layer of this name, else the last of its kind in its block, else in the deepest block."""
    parsed = _NAMED.fullmatch(wanted)
    assert parsed is not None
    places = [
        (int(found[2]), int(found[3]), name)
        for name in known
        if (found := _NAMED.fullmatch(name)) and found[1] == parsed[1]
    ]
    block = min(int(parsed[2]), max(places)[0])
    if wanted in known:
        return wanted
    return max(place for place in places if place[0] == block)[2]


def _without_layers(network: str | nn.Module, layout: nn.Module) -> str:
    kind = type(layout).__name__
    known = layers_of(layout)
    if isinstance(network, str) and kind in _WITHOUT:
        layer, reason = _WITHOUT[kind]
        told = f"{network!r}, which has no default because {reason}"
    else:
        layer = known[-1] if known else "layer"
        told = f"a network of your own ({kind})"
    listed = ", ".join(known[:_MOST_LISTED]) + (", ..." if len(known) > _MOST_LISTED else "")
    return (
        f"layers must be given for {told}; pass names and weights, such as layers={{{layer!r}: "
        f"1.0}}. Its layers are {listed}; FeatureExtractor.available_layers(network) lists all"
    )
