"""Layers by default of every network, and layers that are looked up before anything is loaded."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

import ssimloss
from ssimloss import weights
from ssimloss.networks import FeatureExtractor, stages
from ssimloss.networks.sources import layout_of

pytestmark = pytest.mark.usefixtures("one_thread")

LOSSES = {
    "content": ssimloss.PerceptualLoss,
    "texture": ssimloss.TextureLoss,
    "contextual": ssimloss.ContextualLoss,
    "similarity": ssimloss.DeepPerceptualSimilarity,
}
# One of each design; the others differ in widths and numbers of blocks.
DESIGNS = [
    *("convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet"),
    *("inception_v3", "maxvit_t", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_large"),
    *("mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnet18", "resnet50"),
    *("shufflenet_v2_x0_5", "squeezenet1_0"),
]


@functools.cache
def model_of(network: str) -> nn.Module:
    """Without numbers, in evaluation mode."""
    return layout_of(network).eval()


@pytest.mark.parametrize("network", DESIGNS)
def test_stages_are_maps_of_their_strides(network: str) -> None:
    """Run without numbers: each layer of the table closes what has its stride."""
    model, side = model_of(network), 299 if network == "inception_v3" else 224
    found = stages._stages_of(model)
    assert found is not None
    names = stages.names_of(model)
    shapes: dict[str, torch.Size] = {}

    def keep(layer: str) -> Callable[..., None]:
        return lambda _module, _args, out: shapes.update({layer: out.shape})

    hooks = [
        model.get_submodule(names.get(layer, layer)).register_forward_hook(keep(layer))
        for layers in found.values()
        for layer in layers
    ]
    model(torch.zeros(1, 3, side, side, device="meta"))
    for hook in hooks:
        hook.remove()
    for name, loss in LOSSES.items():
        layers = loss.usual.of(model)
        assert set(layers) <= {layer for row in found.values() for layer in row}
        assert len(layers) in {"content": [1], "contextual": [2]}.get(name, [2, 3, 4])
    for stride, layers in found.items():
        for layer in layers:
            _, channels, height, width = shapes[layer]
            assert height == width
            assert round(math.log2(side / height)) == math.log2(stride), (layer, shapes[layer])
            assert channels >= 8, "no (N, H, W, C)"


def test_every_network_has_default_layers_or_the_error_says_why() -> None:
    """By what torchvision's builders say that they build; those above stand for each class."""
    by_stages = {type(model_of(network)).__name__ for network in ("alexnet", *DESIGNS)}
    for network in torchvision.models.list_models(module=torchvision.models):
        builder = torchvision.models.get_model_builder(network)
        kind = inspect.signature(builder, eval_str=True).return_annotation.__name__
        assert kind in by_stages | {"VGG"} | stages._WITHOUT.keys(), network
    for network in ("vit_b_16", "swin_t"):
        with pytest.raises(ValueError, match=rf"layers must be given for '{network}', which"):
            ssimloss.PerceptualLoss(network, weights="random")


@pytest.mark.parametrize(
    ("network", "content", "texture", "contextual", "similarity"),
    [
        ("vgg19", "conv5_4", *["relu1_2 relu2_2 relu3_3 relu4_3", "relu3_2 relu4_2"], "5_3"),
        ("vgg16", "conv5_3", *["relu1_2 relu2_2 relu3_3 relu4_3", "relu3_2 relu4_2"], "5_3"),
        ("vgg11", "conv5_2", *["relu1_1 relu2_1 relu3_2 relu4_2", "relu3_2 relu4_2"], "5_2"),
        ("vgg13_bn", "conv5_2", *["relu1_2 relu2_2 relu3_2 relu4_2", "relu3_2 relu4_2"], "5_2"),
        ("embedded", "conv4_3", *["relu1_2 relu2_2 relu3_3 relu4_3", "relu3_2 relu4_2"], "4_3"),
        ("alexnet", "conv5", "relu1 relu2", "relu1 relu2", "relu5"),
        ("squeezenet1_1", "fire9", "relu1 fire3 fire5", "fire3 fire5", "fire9"),
        ("resnet18", "layer3", "relu layer1 layer2", "layer1 layer2", "layer3"),
    ],
)
def test_default_layers(
    network: str, content: str, texture: str, contextual: str, similarity: str
) -> None:
    options: dict[str, Any] = {} if network == "embedded" else {"weights": "random"}
    built = {name: loss(network, **options) for name, loss in LOSSES.items()}
    layers = {name: list(loss.layers) for name, loss in built.items()}
    assert layers["content"] == [content]
    assert layers["texture"] == texture.split()
    assert layers["contextual"] == contextual.split()
    assert layers["similarity"][-1].endswith(similarity)
    if network in ("alexnet", "squeezenet1_1", "vgg16"):
        expected = ssimloss.networks.LPIPS_LAYERS[network]
        assert layers["similarity"] == list(expected), "those of LPIPS"
    for loss in built.values():
        assert set(loss.layers.values()) == {1.0}
        assert loss.extractor.layers == tuple(loss.layers)
        assert f"layers={tuple(loss.layers)}" in repr(loss)
        assert "layers={" not in repr(loss)
    loss.layers = {loss.extractor.layers[0]: 0.5}
    assert f"layers={{'{loss.extractor.layers[0]}': 0.5}}" in repr(loss)


def test_networks_of_the_user() -> None:
    """A module of torchvision is known by its class; another one has no default."""
    model = torchvision.models.squeezenet1_1(weights=None)
    assert list(ssimloss.PerceptualLoss(model).layers) == ["fire9"]
    own = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    with pytest.raises(
        ValueError,
        match=r"layers must be given for a network of your own \(Sequential\); pass names and "
        r"weights, such as layers=\{'1': 1\.0\}\. Its layers are 0, 1; ",
    ):
        ssimloss.TextureLoss(own)
    with pytest.raises(TypeError, match=r"network must be a name or .*, got int"):
        ssimloss.PerceptualLoss(19)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: ssimloss.PerceptualLoss(layers={"conv5_9": 1.0}), "got 'conv5_9'; close to it"),
        (lambda: FeatureExtractor("resnet18", ["layer5"]), "got 'layer5'; close to it: layer4"),
        (lambda: ssimloss.LPIPS(heads=[torch.ones(64)]), "heads must be 5 1-D tensors"),
        (lambda: ssimloss.DISTS(alpha=[torch.ones(3)]), "alpha must be 6 1-D tensors"),
    ],
    ids=["layer", "layer of a ResNet", "heads", "alpha"],
)
def test_mistakes_are_told_before_weights_are_loaded(
    build: Callable[[], object], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which may be half a gigabyte to download."""
    monkeypatch.setattr(weights, "load_network", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(ValueError, match=complaint):
        build()


def test_layers_are_listed_of_every_network() -> None:
    """RegNets compute their widths while they are built, which ``torch.device("meta")`` forbids."""
    for network in ("regnet_x_400mf", "googlenet", "embedded"):
        listed = FeatureExtractor.available_layers(network)
        assert all(isinstance(layer, str) for layer in listed)
        assert len(listed) > 10
