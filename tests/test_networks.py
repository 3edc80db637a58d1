"""Frozen feature extractors: the numbers of plain torchvision, gradients of plain autograd, and
nothing kept that is not needed.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import math
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torchvision.models
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ssimloss._constants import constant
from ssimloss.networks import ExtractorOptions, FeatureExtractor
from ssimloss.networks._chain import Chain
from ssimloss.networks._hooked import Hooked
from ssimloss.networks._traced import Traced
from ssimloss.networks.pooling import WINDOW

pytestmark = pytest.mark.usefixtures("one_thread")

MEAN = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)[:, None, None]


def image(*shape: int, dtype: torch.dtype = torch.float64, grad: bool = True) -> Tensor:
    return torch.rand(shape or (2, 3, 39, 46), dtype=torch.float64).to(dtype).requires_grad_(grad)


def without_inplace(network: nn.Module) -> nn.Module:
    """A copy whose activations work on new memory, in float64: what its layers return, a hook may
    keep.
    """
    network = copy.deepcopy(network).double().eval()
    for module in network.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    return network


def plain(network: nn.Module, paths: list[str], x: Tensor) -> list[Tensor]:
    """What the layers return in plain PyTorch."""
    seen: dict[str, Tensor] = {}
    network = without_inplace(network)
    for path in paths:
        network.get_submodule(path).register_forward_hook(
            lambda _module, _args, value, path=path: seen.__setitem__(path, value)
        )
    network((x - MEAN) / STD)
    return [seen[path] for path in paths]


def gradient(values: list[Tensor], x: Tensor) -> Tensor:
    """Of a loss in which every position of every layer counts differently."""
    weights = [
        torch.linspace(-1, 2, v.numel(), dtype=v.dtype).view(v.shape) / math.sqrt(v.numel())
        for v in values
    ]
    return torch.autograd.grad(
        sum((w * v).sum() + (v * v).mean() for w, v in zip(weights, values, strict=True)),
        x,
        retain_graph=True,
    )[0]


def assert_same(
    found: list[Tensor],
    expected: list[Tensor],
    x: Tensor,
    y: Tensor | None = None,
    tolerance: float = 1e-12,
) -> None:
    """Values and gradients, relative to their own size."""
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        assert distance(ours, theirs) <= tolerance
    assert distance(gradient(found, x), gradient(expected, x if y is None else y)) <= tolerance


def distance(found: Tensor, expected: Tensor) -> float:
    norm = torch.linalg.vector_norm(expected.double())
    assert norm > 0
    return float((torch.linalg.vector_norm(found.double() - expected.double()) / norm).detach())


def route(extractor: FeatureExtractor) -> object:
    return extractor._backbone.route(extractor.layers, extractor._backbone.dtype or torch.float32)[
        0
    ]


@contextmanager
def convolutions() -> Iterator[list[tuple[int, ...]]]:
    """The shapes of the weights of every convolution that runs."""
    seen: list[tuple[int, ...]] = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if "convolution" in str(func) and "backward" not in str(func):
                seen.append(tuple(args[1].shape))
            return func(*args, **(kwargs or {}))

    with Watch():
        yield seen


# --- the numbers of plain torchvision -------------------------------------------------------------

# One of each family and each way to run it; of names both readable ones and paths, before and after
# activations, pools among them.
FAMILIES: dict[str, tuple[str, dict[str, str]]] = {
    "vgg11": (
        "Chain",
        {
            "conv1_1": "features.0",
            "relu1_1": "features.1",
            "pool2": "features.5",
            "conv5_2": "features.18",
        },
    ),
    "vgg16": (
        "Chain",
        {
            "relu1_2": "features.3",
            "relu2_2": "features.8",
            "relu3_3": "features.15",
            "relu4_3": "features.22",
            "relu5_3": "features.29",
        },
    ),
    "vgg19": (
        "Chain",
        {
            "conv3_4": "features.16",
            "features.25": "features.25",
            "conv5_4": "features.34",
            "relu5_4": "features.35",
        },
    ),
    "vgg13_bn": (
        "Chain",
        {
            "conv1_2": "features.3",
            "bn2_1": "features.8",
            "relu2_2": "features.12",
            "conv3_2": "features.17",
            "pool3": "features.20",
        },
    ),
    "alexnet": (
        "Chain",
        {f"relu{i}": f"features.{p}" for i, p in enumerate((1, 4, 7, 9, 11), 1)}
        | {"conv2": "features.3", "pool5": "features.12"},
    ),
    "squeezenet1_1": (
        "Chain",
        {"relu1": "features.1"}
        | {
            f"fire{i}": f"features.{p}"
            for i, p in ((2, 3), (3, 4), (5, 7), (6, 9), (7, 10), (8, 11), (9, 12))
        },
    ),
    "squeezenet1_0": (
        "Chain",
        {
            "conv1": "features.0",
            "fire4": "features.5",
            "pool4": "features.6",
            "fire8": "features.10",
        },
    ),
    "resnet18": (
        "Traced",
        {
            "bn1": "bn1",
            "layer1.0.bn1": "layer1.0.bn1",
            "layer2": "layer2",
            "layer3.1.conv2": "layer3.1.conv2",
        },
    ),
    "mobilenet_v3_small": (
        "Traced",
        {
            p: p
            for p in ("features.0.1", "features.3", "features.5.block.1", "features.5.block.2.fc1")
        },
    ),
    "convnext_tiny": (
        "Traced",
        {
            "features.0": "features.0",
            "features.1.2.block.0": "features.1.2.block.0",
            "features.3": "features.3",
        },
    ),
    "densenet121": (
        "Traced",
        {
            "features.denseblock1": "features.denseblock1",
            "features.transition1.norm": "features.transition1.norm",
        },
    ),
    "efficientnet_b0": (
        "Traced",
        {"features.1.0.block.0.1": "features.1.0.block.0.1", "features.3": "features.3"},
    ),
}


@functools.cache
def _drawn(name: str) -> nn.Module:
    with torch.device("meta"):
        model = torchvision.models.get_model(name)
    if name.startswith(("vgg", "alexnet")):
        model.features.to_empty(device="cpu")
    else:
        model = model.to_empty(device="cpu")
    for key, tensor in model.state_dict().items():
        if tensor.ndim == 4:
            nn.init.kaiming_normal_(tensor, nonlinearity="relu")
        elif tensor.is_floating_point():
            nn.init.uniform_(tensor, 0.5, 1.5) if key.endswith(
                ("weight", "var")
            ) else nn.init.uniform_(tensor, -0.2, 0.2)
        else:
            tensor.zero_()
    return model.eval()


def torchvision_model(name: str) -> nn.Module:
    """A copy of one random model, of the size that He et al. 2015 keep: others' features vanish in
    depth, and equality of zeros proves nothing. The classifiers of VGG and AlexNet stay on the meta
    device.
    """
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return copy.deepcopy(_drawn(name))


@pytest.mark.parametrize("name", FAMILIES)
def test_equals_plain_torchvision(name: str) -> None:
    way, layers = FAMILIES[name]
    torch.manual_seed(3)
    model = torchvision_model(name)
    features_only = nn.Sequential(OrderedDict(features=model.features)) if way == "Chain" else model
    extractor = FeatureExtractor(name, list(layers), weights=model.state_dict())
    assert type(route(extractor)).__name__ == way
    x = image(2, 3, 39, 46) if name != "alexnet" else image(1, 3, 75, 66)
    found = extractor(x)
    assert list(found) == list(layers)
    assert all(values.dtype == torch.float64 for values in found.values())
    assert_same(list(found.values()), plain(features_only, list(layers.values()), x), x)
    with torch.no_grad():
        for layer, values in extractor(x.detach()).items():
            assert distance(values, found[layer].detach()) <= 1e-14, layer


@pytest.mark.parametrize("size", [(1, 32, 32), (3, 33, 47), (1, 35, 34)])
@pytest.mark.parametrize(
    "layers",
    [
        ["pool1"],
        ["relu1_1", "pool1"],
        ["conv1_1", "relu1_1"],
        ["pool1", "conv2_1", "pool2", "relu3_1"],
    ],
)
def test_taps_around_a_pool(size: tuple[int, int, int], layers: list[str]) -> None:
    """A ReLU is merged into the pool after it unless somebody looks at it; odd sides leave a row
    that nothing reaches.
    """
    torch.manual_seed(3)
    model = torchvision_model("vgg11")
    paths = {
        "conv1_1": "0",
        "relu1_1": "1",
        "pool1": "2",
        "conv2_1": "3",
        "pool2": "5",
        "relu3_1": "7",
    }
    n, h, w = size
    x = image(n, 3, h, w)
    found = FeatureExtractor("vgg11", layers, weights=model.state_dict())(x)
    assert_same(
        list(found.values()), plain(model.features, [paths[layer] for layer in layers], x), x
    )


def _chain_of_everything() -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            first=nn.Conv2d(3, 8, 5, stride=2, padding=1, dilation=2, bias=False),
            act=nn.ReLU(inplace=True),
            overlap=nn.MaxPool2d(3, 2, 1, ceil_mode=True),
            inner=nn.Sequential(
                nn.Conv2d(8, 12, (3, 1), padding=(2, 0), groups=2),
                nn.BatchNorm2d(12),
                nn.ReLU(inplace=True),
            ),
            uneven=nn.MaxPool2d((2, 3), (1, 2), (1, 1)),
            mean=nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
            wide=nn.Conv2d(12, 8, 3, padding=3),
            curve=nn.GELU(),
            drop=nn.Dropout(0.5),
            leaky=nn.LeakyReLU(0.1, inplace=True),
            reflected=nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect"),
            bare=nn.BatchNorm2d(8, affine=False),
            last=nn.ReLU(),
            halving=nn.MaxPool2d(2, 2, ceil_mode=True),
            same=nn.Conv2d(8, 4, 3, padding="same"),
        )
    )


@pytest.mark.parametrize("size", [(37, 45), (40, 31)])
@pytest.mark.parametrize(
    "layers",
    [
        ["same"],
        ["first", "inner", "wide", "drop", "same"],
        [
            "act",
            "overlap",
            "inner.0",
            "inner.1",
            "uneven",
            "mean",
            "curve",
            "leaky",
            "reflected",
            "bare",
            "last",
            "halving",
            "same",
        ],
    ],
)
def test_chain_of_every_kind_of_layer(layers: list[str], size: tuple[int, int]) -> None:
    torch.manual_seed(5)
    network = _chain_of_everything()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
    x = image(2, 3, *size)
    extractor = FeatureExtractor(network, layers)
    assert isinstance(route(extractor), Chain)
    found = extractor(x)
    assert_same(list(found.values()), plain(network, layers, x), x)
    for layer, values in extractor(x.detach()).items():
        assert distance(values, found[layer]) <= 1e-14, layer


class Branches(nn.Module):
    """Can be traced; works in place on what was tapped, by module, by function, and
    through a view.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = (nn.Conv2d(c, 6, 3, padding=1) for c in (3, 6, 6))
        self.norm = nn.BatchNorm2d(6)
        self.act = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.3)

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        kept = self.drop(first)
        y = F.relu(first, inplace=True)
        z = self.norm(self.second(y))
        flat = z.flatten(2)
        self.act(z)
        third = self.third(z) + first + kept
        return third + flat.sum()


class Decides(Branches):
    """Cannot be traced: looks at values."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if x.mean() > -100 else -x)


class Misleads(Branches):
    """Can be traced, to something else."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if isinstance(x, Tensor) else -x)


@pytest.mark.parametrize(
    ("kind", "way"), [(Branches, Traced), (Decides, Hooked), (Misleads, Hooked)]
)
def test_in_place_layers_do_not_overwrite_taps_and_still_do_what_they_did(
    kind: type[Branches], way: type
) -> None:
    """``first`` is rectified in place by the network after it was tapped, and the sum at the end
    means the rectified one.
    """
    torch.manual_seed(2)
    network = kind().eval()
    network.norm.running_mean.uniform_(-0.5, 0.5)  # type: ignore[union-attr]
    layers = ["first", "drop", "norm", "third", "second"]
    extractor = FeatureExtractor(network, layers)
    assert isinstance(route(extractor), way)
    x = image(2, 3, 11, 13)
    n = copy.deepcopy(network).double()
    first = n.first((x - MEAN) / STD)
    rectified = first.relu()
    second = n.second(rectified)
    norm = n.norm(second)
    expected = [first, first, norm, n.third(norm.relu()), second]
    assert_same(list(extractor(x).values()), expected, x)
    assert_same([extractor.features(x, ("act",))["act"]], [norm.relu()], x)
    # Not a chain that can be opened: one layer, whose output is the whole network's.
    whole = nn.Sequential(OrderedDict(body=network))
    expected_output = n.third(norm.relu()) + rectified + rectified + norm.relu().sum()
    assert_same([FeatureExtractor(whole, ["body"])(x)["body"]], [expected_output], x)
    with torch.no_grad():
        torch.testing.assert_close(extractor(x)["first"], first)


def test_layers_inside_a_layer_of_a_chain_are_traced() -> None:
    torch.manual_seed(3)
    model = torchvision_model("squeezenet1_1")
    layers = ["features.3.expand3x3", "fire3", "features.7.squeeze_activation"]
    extractor = FeatureExtractor("squeezenet1_1", layers, weights=model.state_dict())
    assert isinstance(route(extractor), Traced)
    x = image()
    expected = plain(
        nn.Sequential(OrderedDict(features=model.features)),
        ["features.3.expand3x3", "features.4", "features.7.squeeze_activation"],
        x,
    )
    assert_same(list(extractor(x).values()), expected, x)


def test_classifier_of_a_chain() -> None:
    torch.manual_seed(3)
    model = torchvision_model("squeezenet1_1")
    x = image(1, 3, 64, 64)
    for network, weights in (("squeezenet1_1", model.state_dict()), (model, "imagenet")):
        extractor = FeatureExtractor(network, ["fire9", "classifier.1", "flatten"], weights=weights)
        expected = plain(model, ["features.12", "classifier.1"], x)
        found = extractor(x)
        assert_same(list(found.values()), [*expected, expected[1].relu().mean((2, 3))], x)


def test_embedded_network() -> None:
    extractor = FeatureExtractor(
        "embedded", ["conv1_1", "relu1_2", "pool2", "relu4_3"], weights="random"
    )
    assert isinstance(route(extractor), Chain)
    x = image(1, 3, 40, 48)
    assert_same(
        list(extractor(x).values()),
        plain(copy.deepcopy(extractor.network), list(extractor.layers), x),
        x,
    )


def test_transform_of_the_input() -> None:
    """0..255, -1..1, gray, another mean, one channel."""
    x = image(2, 3, 20, 20)
    reference = FeatureExtractor("vgg11", ["relu2_1"], weights="random")(x)["relu2_1"]
    for scaled, options in (
        (x * 255, {"data_range": 255}),
        (x * 2 - 1, {"data_range": (-1, 1)}),
        (x + 4, {"data_range": (4, 5)}),
    ):
        found = FeatureExtractor("vgg11", ["relu2_1"], weights="random", **options)(scaled)[
            "relu2_1"
        ]  # type: ignore[arg-type]
        assert_same([found], [reference], x)
    normalized = (x - MEAN) / STD
    for given, normalization in (
        (normalized, "none"),
        (x, ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))),
        (normalized, ([0.0] * 3, [1.0] * 3)),
    ):
        found = FeatureExtractor(
            "vgg11", ["relu2_1"], weights="random", normalization=normalization
        )(given)["relu2_1"]  # type: ignore[arg-type]
        assert_same([found], [reference], x)
    gray = image(2, 1, 20, 20)
    extractor = FeatureExtractor("vgg11", ["relu2_1"], weights="random")
    assert_same(
        list(extractor(gray).values()), list(extractor(gray.repeat(1, 3, 1, 1)).values()), gray
    )
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    found = FeatureExtractor(network, ["1"], normalization=((0.5,), (2.0,)))(gray)["1"]
    assert_same([found], [copy.deepcopy(network).double()((gray - 0.5) / 2)], gray)


# --- pooling --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(32, 30), (33, 47), (1, 9)])
def test_l2_pooling(size: tuple[int, int]) -> None:
    """Against the definition: a sum over nine shifted squares."""
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1)
    )
    x = image(2, 3, *size)
    conv, _, _, last = copy.deepcopy(network).double()
    y = F.pad(conv((x - MEAN) / STD).relu(), (1, 1, 1, 1))
    taps = (0.25, 0.5, 0.25)
    h, w = size
    total = sum(
        a * b * y[:, :, i : i + h, j : j + w].square()
        for i, a in enumerate(taps)
        for j, b in enumerate(taps)
    )
    pooled = (total[:, :, ::2, ::2] + 1e-12).sqrt()  # type: ignore[index]
    found = FeatureExtractor(network, ["1", "2", "3"], pooling="l2")(x)
    assert_same(list(found.values()), [y[:, :, 1:-1, 1:-1], pooled, last(pooled)], x)


def test_average_pooling_and_networks_without_a_pool() -> None:
    x = image(1, 3, 40, 40)
    model = torchvision_model("vgg11")
    averaged = copy.deepcopy(model.features)
    averaged[2] = nn.AvgPool2d(2)
    averaged[5] = nn.AvgPool2d(2)
    found = FeatureExtractor("vgg11", ["relu3_1"], weights=model.state_dict(), pooling="average")(x)
    assert_same(list(found.values()), plain(averaged, ["7"], x), x)
    padded = nn.Sequential(nn.MaxPool2d(3, 2, padding=1))  # the border has no part in the mean
    found = FeatureExtractor(padded, ["0"], pooling="average", normalization="none")(x)
    assert_same(list(found.values()), [nn.AvgPool2d(3, 2, 1, count_include_pad=False)(x)], x)
    with pytest.raises(ValueError, match=r"pooling='l2' replaces nn\.MaxPool2d"):
        FeatureExtractor(nn.Sequential(nn.Conv2d(3, 3, 3)), ["0"], pooling="l2")


# --- derivatives ----------------------------------------------------------------------------------


def small(layers: list[str], **options: Any) -> FeatureExtractor:
    torch.manual_seed(1)
    network = nn.Sequential(
        OrderedDict(
            c1=nn.Conv2d(3, 4, 3, padding=1), r1=nn.ReLU(True), p1=nn.MaxPool2d(2),
            c2=nn.Conv2d(4, 4, 3, 2, 1), b2=nn.BatchNorm2d(4),
            r2=nn.ReLU(),             p2=nn.MaxPool2d(3, 1), a2=nn.AvgPool2d(2),
            c3=nn.Conv2d(4, 3, 2),
        )
    )  # fmt: skip
    return FeatureExtractor(network, layers, **options)


@pytest.mark.parametrize(
    "options",
    [{}, {"checkpoint": True}, {"pooling": "l2"}, {"pooling": "average"}, {"channels_last": True}],
)
def test_first_and_second_derivatives(options: dict[str, Any]) -> None:
    extractor = small(["c1", "r1", "b2", "c3"], **options)
    x = image(1, 3, 27, 25)

    def features(x: Tensor) -> tuple[Tensor, ...]:
        return tuple(extractor(x).values())

    assert torch.autograd.gradcheck(features, x, fast_mode=True)
    assert torch.autograd.gradgradcheck(features, x, fast_mode=True)
    assert torch.autograd.gradgradcheck(
        lambda x: sum(v.square().sum() for v in features(x)), x, fast_mode=True
    )


def test_gradient_penalty_equals_that_of_plain_autograd() -> None:
    extractor, x = small(["r1", "c3"], pooling="l2"), image(2, 3, 27, 25)

    def penalty(features: Callable[[Tensor], dict[str, Tensor]]) -> Tensor:
        value = sum(v.square().mean() for v in features(x).values())
        (grad,) = torch.autograd.grad(value, x, create_graph=True)  # type: ignore[arg-type]
        return torch.autograd.grad(grad.square().sum(), x)[0]

    assert (
        distance(
            penalty(extractor), penalty(lambda x: torch.func.functional_call(extractor, {}, (x,)))
        )
        <= 1e-12
    )
    plain_network = without_inplace(extractor.network)

    def plain_features(x: Tensor) -> dict[str, Tensor]:
        y, found = (x - MEAN) / STD, {}
        for name, layer in plain_network.named_children():
            if name == "p1":
                squares = F.conv2d(
                    y.square(), constant(WINDOW, y).expand(4, 1, 3, 3), None, 2, 1, groups=4
                )
                y = (squares + 1e-12).sqrt()
            elif name == "p2":
                y = (
                    F.conv2d(
                        y.square(), constant(WINDOW, y).expand(4, 1, 3, 3), None, 1, 1, groups=4
                    )
                    + 1e-12
                ).sqrt()
            else:
                y = layer(y)
            found[name] = y
        return {name: found[name] for name in ("r1", "c3")}

    assert distance(penalty(extractor), penalty(plain_features)) <= 1e-12


@pytest.mark.parametrize("layers", [["c1"], ["r1"], ["p1"], ["c1", "p1", "r2", "c3"]])
def test_any_subset_of_the_features_may_be_used(layers: list[str]) -> None:
    """A layer that the loss leaves out has no gradient, and a graph can be walked twice."""
    extractor, x = small(["c1", "r1", "p1", "b2", "r2", "p2", "a2", "c3"]), image(1, 3, 27, 25)
    alone = small(layers)
    found = [extractor(x)[layer] for layer in layers]
    expected = gradient(list(alone(x).values()), x)
    assert distance(gradient(found, x), expected) <= 1e-13
    features = extractor(x)
    value = sum(features[layer].square().sum() for layer in layers)
    first, second = (torch.autograd.grad(value, x, retain_graph=True)[0] for _ in range(2))  # type: ignore[arg-type]
    assert torch.equal(first, second)


def test_nan_and_infinity() -> None:
    """They arrive in the features, and the gradient lets NaN through where PyTorch's ReLU does."""
    network = nn.Sequential(nn.ReLU(), nn.Conv2d(3, 3, 1), nn.ReLU(), nn.MaxPool2d(2))
    extractor = FeatureExtractor(network, ["0", "3"], normalization="none")
    x = image(1, 3, 6, 6)
    with torch.no_grad():
        x[0, 0, 0, 0], x[0, 0, 2, 2], x[0, 0, 4, 4] = math.nan, math.inf, -math.inf
    found, expected = extractor(x), [copy.deepcopy(network)[0](x)]
    y = expected[0]
    for layer in list(copy.deepcopy(network).double())[1:]:
        y = layer(y)
    torch.testing.assert_close(found["3"], y, equal_nan=True)
    ours, theirs = (
        torch.autograd.grad((v * torch.arange(108.0).view(v.shape)).sum(), x)[0]
        for v in (found["0"], expected[0])
    )
    torch.testing.assert_close(ours, theirs, equal_nan=True)
    assert found["3"][0, :, 0, 0].isnan().all()


def test_equal_maxima_send_the_gradient_where_pytorch_does() -> None:
    """A flat image has windows of equal values, and the first of them in reading order has the
    gradient.
    """
    network = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(3, 3, 1), nn.ReLU(), nn.MaxPool2d(3, 2))
    values = (
        torch.tensor([[1.0, 2.0], [2.0, 1.0]], dtype=torch.float64)
        .repeat(7, 7)
        .expand(1, 3, 14, 14)
    )
    for content in (torch.ones(1, 3, 14, 14, dtype=torch.float64), values):
        x = content.clone().requires_grad_()
        extractor = FeatureExtractor(network, ["0", "3"], normalization="none")
        pooled = copy.deepcopy(network).double()
        expected = [pooled[0](x), pooled(x)]
        torch.testing.assert_close(gradient(list(extractor(x).values()), x), gradient(expected, x))


# PyTorch's own, on the first jvp.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:FutureWarning")
@pytest.mark.parametrize("layers", [["relu1_1", "conv2_1"], ["pool2"]])
def test_functional_transforms_take_the_plain_operations(layers: list[str]) -> None:
    extractor = FeatureExtractor("vgg11", layers, weights="random")
    x = image(2, 3, 12, 12)

    def value(x: Tensor) -> Tensor:
        return sum(v.square().mean() for v in extractor(x).values())  # type: ignore[return-value]

    expected = torch.autograd.grad(value(x), x)[0]
    assert distance(torch.func.grad(value)(x), expected) <= 1e-12
    singles = torch.vmap(lambda one: value(one[None]))(x.detach())
    torch.testing.assert_close(singles, torch.stack([value(one[None]) for one in x]))
    direction = torch.randn_like(x)
    _, slope = torch.func.jvp(value, (x.detach(),), (direction,))
    torch.testing.assert_close(slope, (expected * direction).sum())
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x.detach(), direction)
        torch.testing.assert_close(
            torch.autograd.forward_ad.unpack_dual(value(dual)).tangent, slope
        )


# --- what runs, and what is kept ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "layer", "count"),
    [
        ("vgg19", "conv3_1", 5),
        ("vgg19", "relu5_4", 16),
        ("alexnet", "relu2", 2),
        ("squeezenet1_1", "fire3", 7),
        ("resnet18", "layer2", 10),
    ],
)
def test_runs_no_further_than_the_deepest_layer(name: str, layer: str, count: int) -> None:
    extractor = FeatureExtractor(name, [layer], weights="random")
    x = image(1, 3, 35, 35, dtype=torch.float32, grad=False)
    extractor(x)
    with convolutions() as seen:
        extractor(x)
    assert len(seen) == count


def test_hooks_stop_early() -> None:
    extractor = FeatureExtractor(Decides(), ["first"])
    extractor(image(1, 3, 8, 8))
    with convolutions() as seen:
        extractor(image(1, 3, 8, 8))
    assert len(seen) == 1


def kept_bytes(extractor: FeatureExtractor, x: Tensor) -> int:
    """What autograd keeps between forward and backward, beyond the network and the features
    themselves.
    """
    storages: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        found = extractor(x)
    backbone = extractor._backbone
    free = [
        *found.values(),
        *(b for n in (backbone.network, *backbone.networks.values()) for b in n.buffers()),
        *backbone.constants(x.dtype),
    ]
    return sum(
        size
        for pointer, size in storages.items()
        if pointer not in {t.untyped_storage().data_ptr() for t in free}
    )


def test_keeps_bytes_instead_of_activations() -> None:
    """Of each ReLU a byte per element, of ReLU and 2x2 maximum together a quarter; PyTorch's own
    operations keep 4 and 8.
    """
    x = image(1, 3, 64, 64, dtype=torch.float32)
    extractor = FeatureExtractor("vgg11", ["relu2_1"], weights="random")
    assert kept_bytes(extractor, x) <= 64 * 32 * 32 + 128 * 32 * 32 + 64
    extractor = FeatureExtractor("vgg16", ["relu3_3"], weights="random")
    pixels = 64 * 64
    assert (
        kept_bytes(extractor, x)
        <= (64 * pixels) * 1.25 + (128 * pixels / 4) * 1.25 + 3 * 256 * pixels / 16 + 64
    )
    resnet = FeatureExtractor("resnet18", ["layer1"], weights="random")
    assert kept_bytes(resnet, x) <= 64 * 32 * 32 + 5 * 64 * 16 * 16 + 64


@pytest.mark.parametrize("layers", [["relu2_1", "relu3_2"], ["relu3_2"]])
def test_checkpoint_keeps_nothing_but_what_was_asked_for(layers: list[str]) -> None:
    model = torchvision_model("vgg11")
    plain_run, checkpointed = (
        FeatureExtractor("vgg11", layers, weights=model.state_dict(), checkpoint=c)
        for c in (False, True)
    )
    x = image()
    assert_same(list(checkpointed(x).values()), list(plain_run(x).values()), x, tolerance=0)
    assert kept_bytes(checkpointed, x) <= x.numel() * 8


@pytest.mark.parametrize(("network", "layer"), [("resnet18", "layer1"), (Decides(), "second")])
def test_checkpoint_of_graphs_and_hooks(network: str | nn.Module, layer: str) -> None:
    options: dict[str, Any] = {"weights": "random"} if isinstance(network, str) else {}
    x = image(1, 3, 32, 32)
    plain_run, checkpointed = (
        FeatureExtractor(network, [layer], checkpoint=c, **options) for c in (False, True)
    )
    assert_same(list(checkpointed(x).values()), list(plain_run(x).values()), x, tolerance=0)


@pytest.mark.parametrize(
    ("network", "layers"),
    [("vgg11", ["conv1_1", "relu2_1"]), ("resnet18", ["bn1", "layer1"]), (Decides(), ["first"])],
)
def test_image_without_gradient_leaves_no_graph(
    network: str | nn.Module, layers: list[str]
) -> None:
    options: dict[str, Any] = {"weights": "random"} if isinstance(network, str) else {}
    extractor = FeatureExtractor(network, layers, **options)
    x = image(1, 3, 32, 32, grad=False)
    before = x.clone()
    assert not any(values.requires_grad for values in extractor(x).values())
    assert torch.equal(x, before)
    with torch.no_grad():
        assert not any(
            values.requires_grad for values in extractor(x.clone().requires_grad_()).values()
        )


def test_image_is_never_overwritten() -> None:
    """A first layer that works in place would work on the user's image, where nothing has to be
    normalised.
    """
    network = nn.Sequential(nn.ReLU(inplace=True), nn.LeakyReLU(inplace=True), nn.Conv2d(3, 3, 1))
    x = torch.randn(1, 3, 8, 8)
    before = x.clone()
    FeatureExtractor(network, ["0", "2"], normalization="none")(x)
    assert torch.equal(x, before)


# --- frozen ---------------------------------------------------------------------------------------


class Model(nn.Module):
    def __init__(self, extractor: FeatureExtractor) -> None:
        super().__init__()
        self.own = nn.Conv2d(3, 3, 1)
        self.extractor = extractor


@pytest.mark.parametrize("network", ["vgg11_bn", "resnet18"])
def test_frozen_in_a_model_that_is_not(network: str) -> None:
    layers = ["bn1_1", "relu2_1"] if network == "vgg11_bn" else ["bn1", "layer1"]
    extractor = FeatureExtractor(network, layers, weights="random")
    x = image(2, 3, 32, 32, dtype=torch.float32)
    before = [v.detach() for v in extractor(x).values()]
    model = Model(extractor)
    assert set(model.state_dict()) == {"own.weight", "own.bias"}
    assert {name for name, _ in model.named_parameters()} == {"own.weight", "own.bias"}
    model.load_state_dict(model.state_dict())
    model.train().requires_grad_()
    # As generators are initialised.
    model.apply(lambda m: m.reset_parameters() if hasattr(m, "reset_parameters") else None)
    assert not any(module.training for module in extractor.network.modules())
    after = extractor(x)
    assert all(
        torch.equal(ours, theirs) for ours, theirs in zip(after.values(), before, strict=True)
    )
    assert not list(extractor.network.parameters())
    sum(v.sum() for v in after.values()).backward()  # type: ignore[union-attr]
    assert x.grad is not None
    assert not any(
        buffer.requires_grad or buffer.grad is not None for buffer in extractor.network.buffers()
    )


@pytest.mark.parametrize("change", [nn.Module.half, nn.Module.bfloat16, nn.Module.double])
def test_dtype_of_the_model_does_not_change_the_features(
    change: Callable[[nn.Module], nn.Module],
) -> None:
    x = image(1, 3, 20, 20, dtype=torch.float32, grad=False)
    model = Model(FeatureExtractor("vgg11", ["relu2_1"], weights="random"))
    before = model.extractor(x)["relu2_1"]
    change(model)
    assert model.own.weight.dtype != torch.float32
    assert torch.equal(model.extractor(x)["relu2_1"], before)
    assert model.extractor(x.double())["relu2_1"].dtype == torch.float64


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_images_and_autocast_have_float32_features(dtype: torch.dtype) -> None:
    extractor = FeatureExtractor("vgg11", ["relu2_1"], weights="random")
    x = image(1, 3, 20, 20, dtype=dtype)
    expected = extractor(x.float())["relu2_1"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = extractor(x)["relu2_1"]
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)
    found.sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == dtype


@pytest.mark.parametrize(
    ("network", "layers"), [("vgg11", ["relu2_1"]), ("resnet18", ["layer1"]), (Decides(), ["norm"])]
)
@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))],
    ids=["deepcopy", "pickle"],
)
def test_copies(
    network: str | nn.Module, layers: list[str], duplicate: Callable[[nn.Module], nn.Module]
) -> None:
    options: dict[str, Any] = {"weights": "random"} if isinstance(network, str) else {}
    model = Model(FeatureExtractor(network, layers, **options))
    x = image(1, 3, 32, 32, dtype=torch.float32)
    other = duplicate(model)
    assert torch.equal(other.extractor(x)[layers[0]], model.extractor(x)[layers[0]])
    assert other.extractor.sharing_key == model.extractor.sharing_key
    assert other.extractor.network is not model.extractor.network


def test_network_handed_in_is_left_alone() -> None:
    network = torchvision_model("vgg11_bn").train()
    before = copy.deepcopy(network.state_dict())
    extractor = FeatureExtractor(network, ["relu2_1"])
    x = image(2, 3, 32, 32, dtype=torch.float32, grad=False)
    found = extractor(x)["relu2_1"]
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in after if "features" in name)
    with torch.no_grad():
        network.features[0].weight.zero_()
    assert torch.equal(extractor(x)["relu2_1"], found)


def test_state_dict_handed_in_is_copied() -> None:
    state = torchvision_model("vgg11").state_dict()
    extractor = FeatureExtractor("vgg11", ["conv1_1"], weights=state)
    x = image(1, 3, 8, 8, grad=False)
    before = extractor(x)["conv1_1"]
    state["features.0.weight"].zero_()
    assert torch.equal(extractor(x)["conv1_1"], before)


def test_features_of_a_state_dict_suffice() -> None:
    """The classifier of a VGG is nine tenths of its file, and nobody needs it here."""
    state = torchvision_model("vgg11").state_dict()
    features = {key: value for key, value in state.items() if key.startswith("features")}
    first, second = (
        FeatureExtractor("vgg11", ["relu2_1"], weights=weights) for weights in (state, features)
    )
    assert first.sharing_key == second.sharing_key
    del features["features.3.bias"]
    with pytest.raises(ValueError, match=r"features\.3\.bias"):
        FeatureExtractor("vgg11", ["relu2_1"], weights=features)


@pytest.mark.parametrize("network", ["vgg11", "squeezenet1_1", "resnet18", "embedded"])
def test_random_weights_are_the_same_every_time(network: str) -> None:
    layers = {
        "resnet18": ["layer1"],
        "vgg11": ["relu2_1"],
        "squeezenet1_1": ["fire3"],
        "embedded": ["relu1_2"],
    }[network]
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    first = FeatureExtractor(network, layers, weights="random")
    assert torch.equal(torch.rand(3), expected), "the process's own random numbers were changed"
    torch.manual_seed(12)
    second = FeatureExtractor(network, layers, weights="random")
    x = image(1, 3, 32, 32)
    assert torch.equal(first(x)[layers[0]], second(x)[layers[0]])
    assert first(x)[layers[0]].std() > 0.01


# --- sharing --------------------------------------------------------------------------------------


def test_sharing_key() -> None:
    def build(
        network: str | nn.Module = "squeezenet1_1",
        layers: tuple[str, ...] = ("relu1",),
        **options: Any,
    ) -> FeatureExtractor:
        return FeatureExtractor(
            network, layers, **({"weights": "random"} if isinstance(network, str) else {}) | options
        )

    reference = build()
    module = torchvision_model("squeezenet1_1")
    same = [
        build(),
        build(layers=("fire5", "fire2")),
        build(data_range=(0, 1)),
        build(checkpoint=True),
    ]
    same.append(build(normalization=((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))))
    assert {extractor.sharing_key for extractor in same} == {reference.sharing_key}
    other = [
        build("squeezenet1_0"),
        build(data_range=255),
        build(normalization="none"),
        build(gray="error"),
        build(pooling="average"),
        build(pooling="l2"),
        build(dtype=torch.bfloat16),
        build(channels_last=True),
        build(weights=module.state_dict()),
    ]
    keys = {extractor.sharing_key for extractor in other}
    assert len(keys) == len(other)
    assert reference.sharing_key not in keys
    assert (
        build(module).sharing_key
        == build(copy.deepcopy(module)).sharing_key
        == build(weights=module.state_dict()).sharing_key
    )


class Scaled(nn.Module):
    def __init__(self, factor: float, function: Callable[[Tensor], Tensor] = torch.tanh) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)
        self.factor = factor
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.layer(x * self.factor))


def test_sharing_key_of_modules_sees_settings() -> None:
    def key(module: nn.Module) -> object:
        torch.manual_seed(0)
        module.layer.reset_parameters()
        return FeatureExtractor(module, ["layer"]).sharing_key

    double = lambda x: 2 * x  # noqa: E731
    assert key(Scaled(2.0)) == key(Scaled(2.0))
    assert key(Scaled(2.0)) != key(Scaled(3.0))
    assert key(Scaled(2.0)) != key(Scaled(2.0, torch.sigmoid))
    assert key(Scaled(2.0, double)) != key(Scaled(2.0, double)), (
        "what cannot be compared is not shared"
    )
    extractor = FeatureExtractor(Scaled(2.0, double), ["layer"])
    assert (
        copy.deepcopy(extractor).sharing_key
        == extractor.sharing_key
        == copy.deepcopy(extractor).sharing_key
    )


def test_shared_features_are_taken_instead_of_a_pass_of_its_own() -> None:
    extractor = FeatureExtractor("vgg11", ["relu1_1", "conv2_1"], weights="random")
    x = image(1, 3, 16, 16)
    union = extractor.features(x, ("relu3_1", "conv2_1", "relu1_1"))
    assert list(union) == ["relu3_1", "conv2_1", "relu1_1"]
    extractor.shared = lambda given: union if given is x else {}
    with convolutions() as seen:
        found = extractor(x)
    assert seen == []
    assert list(found) == ["relu1_1", "conv2_1"]
    assert all(found[layer] is union[layer] for layer in found)


def test_graphs_are_traced_once() -> None:
    extractor = FeatureExtractor("resnet18", ["layer1"], weights="random")
    extractor.prepare(["layer1", "bn1"])
    made = dict(extractor._backbone.routes)
    x = image(1, 3, 32, 32, dtype=torch.float32)
    extractor.features(x, ("layer1", "bn1"))
    extractor(x)
    assert extractor._backbone.routes == made
    extractor.float().cpu()
    assert extractor._backbone.routes == made


# --- speed options --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "layers"),
    [("vgg11", ["conv1_1", "relu3_2"]), ("resnet18", ["layer1"]), (Decides(), ["second"])],
)
def test_channels_last_has_the_same_numbers(network: str | nn.Module, layers: list[str]) -> None:
    options: dict[str, Any] = {"weights": "random"} if isinstance(network, str) else {}
    first, second = (
        FeatureExtractor(network, layers, channels_last=c, **options) for c in (False, True)
    )
    for x in (image(), image().detach().to(memory_format=torch.channels_last).requires_grad_()):
        assert_same(list(second(x).values()), list(first(x).values()), x, tolerance=1e-13)


@pytest.mark.parametrize(
    ("network", "layers"),
    [("vgg11", ["conv1_1", "relu3_2"]), ("resnet18", ["layer1"]), (Decides(), ["second"])],
)
def test_bfloat16_convolutions(network: str | nn.Module, layers: list[str]) -> None:
    options: dict[str, Any] = {"weights": "random"} if isinstance(network, str) else {}
    first, second = (
        FeatureExtractor(network, layers, dtype=d, **options) for d in (None, torch.bfloat16)
    )
    x = image(dtype=torch.float32)
    expected, found = first(x), second(x)
    assert all(values.dtype == torch.float32 for values in found.values())
    for layer in layers:
        assert 0 < distance(found[layer], expected[layer]) < 0.02
    ours, theirs = gradient(list(found.values()), x), gradient(list(expected.values()), x)
    assert ours.isfinite().all()
    assert F.cosine_similarity(ours.flatten(), theirs.flatten(), 0) > 0.98


@pytest.mark.parametrize(
    ("network", "layers", "options", "backend"),
    [
        # The default backend takes seconds each time. The other one decomposes, and chooses what
        # the backward pass recomputes, as the default does.
        ("vgg11", ["conv1_1", "relu2_1"], {}, "inductor"),
        ("vgg11", ["relu2_1"], {"checkpoint": True}, "aot_eager_decomp_partition"),
        *(
            pytest.param(
                *("vgg11", ["relu2_1"], {"pooling": "l2", "channels_last": True}, backend),
                marks=[pytest.mark.sweep] if backend == "inductor" else [],
            )
            for backend in ("aot_eager_decomp_partition", "inductor")
        ),
        ("embedded", ["relu1_2", "relu3_3"], {}, "aot_eager"),
        ("resnet18", ["bn1", "layer1"], {}, "aot_eager"),
    ],
)
def test_compiles_without_a_break(
    network: str, layers: list[str], options: dict[str, Any], backend: str
) -> None:
    torch._dynamo.reset()
    extractor = FeatureExtractor(network, layers, weights="random", **options)
    x = image(1, 3, 24, 26, dtype=torch.float32)
    expected = extractor(x)
    found = torch.compile(extractor, fullgraph=True, backend=backend)(x)
    assert list(found) == layers
    assert_same(list(found.values()), list(expected.values()), x, tolerance=1e-5)


# The compiler's own, after a break in the graph.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_hooks_work_beside_compiled_code() -> None:
    extractor = FeatureExtractor(Decides(), ["first", "second"])
    x = image(1, 3, 12, 12, dtype=torch.float32)
    step = torch.compile(lambda x: extractor(x * 2)["second"] + 1, backend="aot_eager")
    torch.testing.assert_close(step(x), extractor(x * 2)["second"] + 1)


# --- names and errors -----------------------------------------------------------------------------


@pytest.mark.parametrize(("network", "count"), [("vgg19", 16), ("vgg11_bn", 8), ("alexnet", 5)])
def test_available_layers(network: str, count: int) -> None:
    layers = FeatureExtractor.available_layers(network)
    readable = [layer for layer in layers if layer.startswith("conv")]
    assert len(readable) == count
    FeatureExtractor(
        network, [layer for layer in layers if layer.startswith("features.")], weights="random"
    )
    with torch.device("meta"):
        module = torchvision.models.get_model(network, num_classes=2)
    assert FeatureExtractor.available_layers(module) == layers


def test_available_layers_can_be_asked_for() -> None:
    for network in ("squeezenet1_0", "embedded", "resnet18"):
        layers = FeatureExtractor.available_layers(network)[:12]
        extractor = FeatureExtractor(network, layers[:1], weights="random")
        for layer in layers:
            if layer != "layer1.0.relu":  # runs twice
                extractor.prepare([layer])
    assert {"layer3", "layer3.1.conv2"} <= set(FeatureExtractor.available_layers("resnet18"))


def test_channels_and_least_side() -> None:
    extractor = FeatureExtractor("vgg16", ["relu1_2", "relu5_3"], weights="random")
    assert extractor.channels() == {"relu1_2": 64, "relu5_3": 512}
    assert extractor.least_side() == 16
    assert FeatureExtractor("vgg16", ["relu1_2"], weights="random").least_side() == 1
    for network, layers in (
        ("alexnet", ["relu5"]),
        ("squeezenet1_1", ["fire9"]),
        ("resnet18", ["layer1.0.conv1"]),
    ):
        extractor = FeatureExtractor(network, layers, weights="random")
        least = extractor.least_side()
        extractor(image(1, 3, least, least + 3))
        if least > 1:
            with pytest.raises(
                ValueError,
                match=rf"image must be at least {least} pixels high and wide to reach "
                rf".*{layers[0]}",
            ):
                extractor(image(1, 3, 40, least - 1))


@pytest.mark.parametrize("grad", [True, False])
def test_image_too_small(grad: bool) -> None:
    extractor = FeatureExtractor("vgg16", ["relu5_3"], weights="random")
    with pytest.raises(
        ValueError, match=r"at least 16 pixels .* relu5_3 of vgg16, got \(1, 3, 15, 40\)"
    ):
        extractor(image(1, 3, 15, 40, grad=grad))


def test_other_errors_of_a_network_are_not_about_its_size() -> None:
    class Fails(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError(f"out of luck with {x.ndim} dimensions")

    extractor = FeatureExtractor(nn.Sequential(nn.Conv2d(3, 3, 1), Fails()), ["1"])
    with pytest.raises(RuntimeError, match="out of luck"):
        extractor(image(1, 3, 1024, 1024, dtype=torch.float32))


def test_empty_batch() -> None:
    extractor = FeatureExtractor("vgg11", ["conv1_1", "pool2"], weights="random")
    x = image(0, 3, 16, 16)
    found = extractor(x)
    assert found["pool2"].shape == (0, 128, 4, 4)
    sum(v.sum() for v in found.values()).backward()  # type: ignore[union-attr]
    assert x.grad is not None
    assert x.grad.shape == x.shape


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        (
            (1, 4, 8, 8),
            {},
            r"image must have 3 channels, got 4; remove an alpha channel by image\[:, :3\]",
        ),
        ((1, 2, 8, 8), {}, r"got 2; remove an alpha channel by image\[:, :1\]"),
        ((1, 5, 8, 8), {}, r"image must have 3 channels, got 5$"),
        ((1, 1, 8, 8), {"gray": "error"}, "gray='repeat'"),
        ((3, 8, 8), {}, r"image must have shape \(N, C, H, W\)"),
    ],
)
def test_image_errors(shape: tuple[int, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FeatureExtractor("vgg11", ["conv1_1"], weights="random", **options)(torch.rand(shape))


def test_image_of_integers_or_elsewhere() -> None:
    extractor = FeatureExtractor("vgg11", ["conv1_1"], weights="random")
    with pytest.raises(TypeError, match=r"image must be floating point, got torch\.uint8"):
        extractor(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"on the device of the network \(cpu\), got meta"):
        extractor(torch.zeros(1, 3, 8, 8, device="meta"))


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "message"),
    [
        (
            ("vgg19", ["conv5_5"]),
            {},
            ValueError,
            r"got 'conv5_5'; close to it: .*conv5_4.*available_layers",
        ),
        (("resnet18", ["layer5"]), {}, ValueError, r"close to it: .*layer4"),
        (("vgg19", "conv5_4"), {}, TypeError, "pass a list"),
        (("vgg19", []), {}, ValueError, "at least one"),
        (("vgg19", ["conv5_4", "conv5_4"]), {}, ValueError, "each once"),
        (("vgg19", [5]), {}, TypeError, "layers must hold names, got int 5"),
        (("vgg20", ["conv5_4"]), {}, ValueError, r"got 'vgg20'; close to it: .*'vgg19'"),
        (("fcn_resnet50", ["backbone"]), {}, ValueError, "classification model"),
        ((3, ["conv5_4"]), {}, TypeError, "network must be a name or a torch.nn.Module, got int"),
        (
            ("resnet18", ["layer3.0.relu"]),
            {},
            ValueError,
            r"'layer3.0.relu' runs 2 times .* such as 'layer3.0'",
        ),
        (("vgg11", ["conv1_1"]), {"gray": "grey"}, ValueError, "gray must be one of"),
        (("vgg11", ["conv1_1"]), {"pooling": "mean"}, ValueError, "pooling must be one of"),
        (
            ("vgg11", ["conv1_1"]),
            {"normalization": "vgg"},
            ValueError,
            "normalization must be one of",
        ),
        (
            ("vgg11", ["conv1_1"]),
            {"normalization": ((0.5, 0.5), (1.0,))},
            ValueError,
            "one number per channel",
        ),
        (
            ("vgg11", ["conv1_1"]),
            {"normalization": ((0.5,), (0.0,))},
            ValueError,
            r"normalization\[1\]\[0\] must be positive",
        ),
        (("vgg11", ["conv1_1"]), {"data_range": 0}, ValueError, "data_range"),
        (
            ("vgg11", ["conv1_1"]),
            {"dtype": torch.int8},
            TypeError,
            "dtype must be a floating point",
        ),
    ],
)
def test_argument_errors(
    arguments: tuple[Any, Any], options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        FeatureExtractor(*arguments, **{"weights": "random"} | options)
    if options:
        with pytest.raises(kind, match=message):
            ExtractorOptions(**options)


def documented(kind: type) -> dict[str, str]:
    """The text of each argument under ``Args`` of a class."""
    section = (inspect.getdoc(kind) or "").split("Args:\n")[1].split("\n\n")[0]
    entries = re.split(r"^    (?=\w)", section, flags=re.MULTILINE)[1:]
    return dict(entry.split(": ", 1) for entry in entries)


def test_options_are_those_of_the_record() -> None:
    parameters = inspect.signature(FeatureExtractor).parameters.values()
    listed = [(p.name, p.annotation, p.default) for p in parameters if p.kind is p.KEYWORD_ONLY]
    fields = dataclasses.fields(ExtractorOptions)
    assert listed == [(field.name, field.type, field.default) for field in fields]
    record = documented(ExtractorOptions)
    assert list(record) == [field.name for field in fields]
    assert record.items() <= documented(FeatureExtractor).items()


def test_weights_for_a_module_are_an_error() -> None:
    with pytest.raises(
        ValueError, match="weights must be left out for a network given as a module"
    ):
        FeatureExtractor(nn.Sequential(nn.Conv2d(3, 3, 1)), ["0"], weights="random")


def test_weights_of_another_architecture_are_refused() -> None:
    with pytest.raises(ValueError, match=r"features\.3"):
        FeatureExtractor("vgg11", ["conv1_1"], weights=torchvision_model("vgg13").state_dict())


def test_layer_that_returns_no_tensor() -> None:
    class Pair(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x, x

    class Takes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pair = Pair()

        def forward(self, x: Tensor) -> Tensor:
            return self.pair(x)[0]

    with pytest.raises(TypeError, match=r"'pair' returns tuple; name a module inside it"):
        FeatureExtractor(Takes(), ["pair"])(image())
    with pytest.raises(TypeError, match="Pair returned tuple"):
        FeatureExtractor(nn.Sequential(Pair()), ["0"])(image())


# -- what users hand in
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", ["activation", "block", "pool"])
def test_a_layer_that_is_used_twice_runs_twice(shared: str) -> None:
    torch.manual_seed(0)
    again = {
        "activation": nn.ReLU(),
        "block": nn.Sequential(nn.Conv2d(4, 4, 3), nn.Tanh()),
        "pool": nn.MaxPool2d(2),
    }[shared]
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), again, nn.Conv2d(4, 4, 3), again, nn.Conv2d(4, 2, 3)
    ).double()
    x = image()
    expected = network((x - MEAN) / STD)
    found = FeatureExtractor(network, ["4"])(x)
    assert_same([found["4"]], [expected], x)
    half = FeatureExtractor(network, ["3"])(x)["3"]
    torch.testing.assert_close(network[4](half), expected, rtol=1e-12, atol=1e-15)


def test_every_use_of_a_pool_is_replaced() -> None:
    pool = nn.MaxPool2d(2)
    extractor = FeatureExtractor(
        nn.Sequential(pool, nn.Conv2d(3, 3, 1), pool), ["2"], pooling="average"
    )
    assert [type(layer) for layer in extractor.network.children()] == [
        nn.AvgPool2d,
        nn.Conv2d,
        nn.AvgPool2d,
    ]


def test_chains_that_differ_in_a_repeated_layer_are_told_apart() -> None:
    activation, convolution = nn.ReLU(), nn.Conv2d(3, 3, 1)
    once, twice = (
        FeatureExtractor(nn.Sequential(activation, convolution, *rest), ["1"]).sharing_key
        for rest in ((), (activation, convolution))
    )
    assert once != twice


@pytest.mark.parametrize("where", ["inside", "outside"])
def test_hooks_of_a_chain_are_heard(where: str) -> None:
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    network = nn.Sequential(inner, nn.Conv2d(4, 2, 1)).double()
    if where == "inside":
        inner.register_forward_hook(lambda module, args, value: 3 * value)  # noqa: ARG005
    else:
        network.register_forward_pre_hook(lambda module, args: (args[0].square(),))  # noqa: ARG005
    x = image()
    expected = network((x - MEAN) / STD)
    assert_same([FeatureExtractor(network, ["1"])(x)["1"]], [expected], x)


def test_layers_that_were_exchanged_have_their_path_only() -> None:
    """As for style transfer, which averages where VGG takes maxima."""
    network = torchvision_model("vgg11")
    network.features[2], network.features[1] = nn.AvgPool2d(2), nn.LeakyReLU()
    extractor = FeatureExtractor(network, ["conv2_1", "pool1", "features.1"])
    assert [tuple(value.shape[1:]) for value in extractor(image()).values()] == [
        (128, 19, 23),
        (64, 19, 23),
        (64, 39, 46),
    ]
    assert "relu1_1" not in FeatureExtractor.available_layers(network)


def test_a_network_keeps_its_device() -> None:
    extractor = FeatureExtractor(nn.Sequential(nn.Conv2d(3, 4, 3)).to("meta"), ["0"])
    assert extractor(torch.rand(1, 3, 8, 8, device="meta"))["0"].shape == (1, 4, 6, 6)
    with torch.device("meta"):
        named = FeatureExtractor("vgg11", ["conv1_1"], weights="random")
    assert named(torch.rand(1, 3, 8, 8, device="cpu"))["conv1_1"].isfinite().all()


def test_what_a_network_says_is_passed_on() -> None:
    class Fails(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError(f"out of order for {x.ndim} dimensions")

    with pytest.raises(RuntimeError, match="out of order"):
        FeatureExtractor(nn.Sequential(nn.Conv2d(3, 3, 1), Fails()), ["1"])(image())


@pytest.mark.parametrize("name", ["vgg11", "resnet18", "embedded"])
def test_random_is_the_same_under_any_default(name: str) -> None:
    layer = {"vgg11": "conv1_1", "resnet18": "conv1", "embedded": "conv1_1"}[name]
    x = image(1, 3, 32, 32, grad=False)
    expected = FeatureExtractor(name, [layer], weights="random")(x)[layer]
    torch.set_default_dtype(torch.float64)
    try:
        found = FeatureExtractor(name, [layer], weights="random")(x)[layer]
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(found, expected)


def test_float16_is_refused() -> None:
    with pytest.raises(ValueError, match=r"dtype must not be torch\.float16.*use torch\.bfloat16"):
        FeatureExtractor("vgg11", ["conv1_1"], weights="random", dtype=torch.float16)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_training_after_inference_mode(dtype: torch.dtype) -> None:
    with torch.inference_mode():
        extractor = FeatureExtractor("vgg11", ["relu2_1"], weights="random")
        extractor(image(dtype=dtype, grad=False))
    x = image(dtype=dtype)
    extractor(x)["relu2_1"].sum().backward()
    assert x.grad is not None
    assert x.grad.norm() > 0


def test_to_empty_of_a_model_leaves_the_network_alone() -> None:
    model = nn.Sequential(nn.Linear(2, 2), FeatureExtractor("vgg11", ["conv1_1"], weights="random"))
    x = image(grad=False)
    expected = model[1](x)["conv1_1"]
    model.to_empty(device="cpu")
    assert torch.equal(model[1](x)["conv1_1"], expected)


def test_weights_are_held_once() -> None:
    extractor = FeatureExtractor("vgg11", ["conv3_1"], weights="random")
    extractor(image(dtype=torch.float32))
    assert [network is extractor.network for network in extractor._backbone.networks.values()] == [
        True
    ]


def test_a_file_of_the_layers_alone_is_enough(tmp_path: Any) -> None:
    features = {
        name: value
        for name, value in torchvision_model("alexnet").state_dict().items()
        if name.startswith("features")
    }
    torch.save(features, tmp_path / "alexnet_features.pth")
    x = image(2, 3, 64, 64)
    found = FeatureExtractor("alexnet", ["relu5"], weights=tmp_path / "alexnet_features.pth")(x)[
        "relu5"
    ]
    assert torch.equal(found, FeatureExtractor("alexnet", ["relu5"], weights=features)(x)["relu5"])
    with pytest.raises(RuntimeError, match=r"lacks classifier\.1\.weight"):
        FeatureExtractor("alexnet", ["classifier.1"], weights=tmp_path / "alexnet_features.pth")
