"""Content, texture and contextual losses: against the reference, against piq, and against what
BasicSR, mmagic and pix2pixHD compute.
"""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Callable

import battery
import discovery
import pytest
import reference
import torch
from deep import agree, images, of_one_layer, random_state, torchvision_features
from torch import Tensor, nn

import ssimloss
import ssimloss.functional as F
from ssimloss import conventions
from ssimloss.functional import contextual, texture

pytestmark = pytest.mark.usefixtures("one_thread")

MEAN, STD = (
    torch.tensor(v, dtype=torch.float64).view(1, 3, 1, 1)
    for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
)


def pair(*shape: int, seed: int = 0) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Features of two layers, the second of half the sides."""
    generator = torch.Generator().manual_seed(seed)
    n, c, h, w = shape
    sizes = {"a": (n, c, h, w), "b": (n, c + 1, (h + 1) // 2, (w + 1) // 2)}
    return tuple(
        {k: torch.randn(s, dtype=torch.float64, generator=generator) for k, s in sizes.items()}
        for _ in range(2)
    )  # type: ignore[return-value]


def plain_features(
    kind: str, image: Tensor, layers: dict[int, str], *, normalise: bool = True
) -> dict[str, Tensor]:
    """Features by index of ``torchvision``'s ``features``, written as a loop over layers; nothing
    is in place.
    """
    x = (image - MEAN) / STD if normalise else image
    found = {}
    for index, layer in enumerate(torchvision_features(kind)[: max(layers) + 1]):
        if isinstance(layer, nn.Conv2d):
            x = torch.nn.functional.conv2d(x, layer.weight, layer.bias, padding=1)
        else:
            x = x.relu() if isinstance(layer, nn.ReLU) else torch.nn.functional.max_pool2d(x, 2)
        if index in layers:
            found[layers[index]] = x
    return found


def empty_batch(loss: Callable[..., Tensor]) -> None:
    """No image: 0, nothing per image, and a backward pass that runs."""
    pred = torch.zeros(0, 3, 8, 8, requires_grad=True)
    for reduction, shape in (("mean", ()), ("sum", ()), ("image", (0,)), ("none", (0, 1))):
        value = loss(pred, pred.detach(), reduction=reduction)
        assert tuple(value.shape) == shape
        (gradient,) = torch.autograd.grad(value.sum(), pred)
        assert value.sum() == 0
        assert gradient.shape == pred.shape


# --- content: values ------------------------------------------------------------------------------


@pytest.mark.parametrize("distance", ["l1", "l2", "charbonnier", "cosine"])
def test_content_is_the_reference(distance: str) -> None:
    pred, target = pair(3, 4, 5, 6)
    layers = {"b": 0.25, "a": 2.0}
    found = F.perceptual_loss(
        pred, target, layers=layers, distance=distance, eps=0.01, reduction="none"
    )
    for i, (layer, weight) in enumerate(layers.items()):
        expected = weight * reference.content(
            pred[layer].numpy(), target[layer].numpy(), distance, 0.01
        )
        # 1e-10 beside a norm.
        battery.close(
            found[:, i], torch.from_numpy(expected), 1e-13 if distance != "cosine" else 1e-9
        )
    evaluate = functools.partial(
        F.perceptual_loss, pred, target, layers=layers, distance=distance, eps=0.01
    )
    battery.close(evaluate(reduction="image"), found.sum(1))
    battery.close(evaluate(reduction="sum"), found.sum())
    battery.close(evaluate(), found.sum(1).mean())


def test_content_of_vectors_and_sequences() -> None:
    """Pooled features and tokens have no plane."""
    for shape in ((3, 7), (3, 7, 5), (3, 2, 3, 4, 5)):
        pred, target = (
            torch.rand(shape, dtype=torch.float64),
            torch.rand(shape, dtype=torch.float64),
        )
        battery.close(
            of_one_layer(F.perceptual_loss, distance="l2")(pred, target),
            (pred - target).square().mean(),
        )
        for norm in ("unit", "rms"):
            assert of_one_layer(F.perceptual_loss, feature_norm=norm)(pred, target).isfinite()


def test_feature_scale_and_norms() -> None:
    (pred, target), layers = pair(2, 4, 5, 6), {"a": 1.0}
    x, y = pred["a"], target["a"]
    for distance, power in (("l1", 1), ("l2", 2)):
        plain = F.perceptual_loss(pred, target, layers=layers, distance=distance)
        battery.close(
            F.perceptual_loss(pred, target, layers=layers, distance=distance, feature_scale=0.3),
            plain * 0.3**power,
        )
    scaled = F.perceptual_loss(
        pred, target, layers=layers, distance="charbonnier", eps=0.1, feature_scale=0.3
    )
    battery.close(scaled, (((x - y) * 0.3).square() + 0.01).sqrt().mean())
    units = [torch.from_numpy(reference.unit(f.numpy())) for f in (x, y)]
    battery.close(
        F.perceptual_loss(pred, target, layers=layers, feature_norm="unit"),
        (units[0] - units[1]).abs().mean(),
    )
    rms = y.square().mean((1, 2, 3), keepdim=True).sqrt()
    battery.close(
        F.perceptual_loss(pred, target, layers=layers, feature_norm="rms"),
        ((x - y) / rms).abs().mean(),
    )
    larger = [{"a": 50 * f["a"]} for f in (pred, target)]
    battery.close(
        F.perceptual_loss(*larger, layers=layers, feature_norm="rms"),
        F.perceptual_loss(pred, target, layers=layers, feature_norm="rms"),
        1e-14,
    )


@pytest.mark.parametrize("distance", ["l1", "l2"])
def test_rms_of_a_target_without_features(distance: str) -> None:
    """A dead layer is compared as it stands, image by image; nothing is divided by
    next to nothing.
    """
    pred, target = (features["a"] for features in pair(2, 4, 5, 6))
    target[0] = 0
    loss = functools.partial(
        of_one_layer(F.perceptual_loss, distance=distance, feature_norm="rms"), reduction="image"
    )
    value, gradient = battery.differentiate(loss, pred, target)
    plain = of_one_layer(F.perceptual_loss, distance=distance)
    battery.close(value[0], plain(pred[:1], target[:1]))
    battery.close(
        value[1],
        of_one_layer(F.perceptual_loss, distance=distance, feature_norm="rms")(
            pred[1:], target[1:]
        ),
    )
    battery.close(gradient[:1], battery.differentiate(plain, pred[:1], target[:1])[1])
    battery.finite_everywhere(
        of_one_layer(F.perceptual_loss, distance=distance, feature_norm="rms")
    )


@pytest.mark.parametrize("distance", ["l1", "cosine"])
def test_content_under_a_mask(distance: str) -> None:
    pred, target = pair(2, 4, 6, 8)
    mask = torch.rand(2, 3, 12, 16) * (torch.rand(2, 1, 12, 16) > 0.4)
    mask[:, :, :6, :8] = 0
    for layer in ("a", "b"):
        h, w = pred[layer].shape[2:]
        weight = mask.double().mean(1).view(2, 1, h, 12 // h, w, 16 // w).mean((3, 5))
        expected = reference.content(
            pred[layer].numpy(), target[layer].numpy(), distance, weight=weight.numpy()
        )
        found = F.perceptual_loss(
            pred, target, layers={layer: 1.0}, distance=distance, mask=mask, reduction="image"
        )
        battery.close(found, torch.from_numpy(expected), 1e-12 if distance != "cosine" else 1e-9)
        hidden = {layer: torch.where(weight != 0, pred[layer], torch.nan)}
        battery.close(
            F.perceptual_loss(
                hidden, target, layers={layer: 1.0}, distance=distance, mask=mask, reduction="image"
            ),
            found,
        )
        for norm in ("unit", "rms"):
            values = [
                F.perceptual_loss(
                    p, target, layers={layer: 1.0}, distance=distance, feature_norm=norm, mask=mask
                )
                for p in (pred, hidden)
            ]
            battery.close(values[1], values[0])


@pytest.mark.parametrize("distance", ["l1", "l2", "charbonnier", "cosine"])
@pytest.mark.parametrize("norm", ["none", "unit", "rms"])
def test_content_is_sound(distance: str, norm: str) -> None:
    loss = of_one_layer(F.perceptual_loss, distance=distance, feature_norm=norm)
    battery.finite_everywhere(loss)
    battery.batch_is_singles(loss)
    empty_batch(loss)
    x, y = (torch.rand(2, 3, 2, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(loss, (x, y))


# --- content: other implementations ---------------------------------------------------------------


@pytest.mark.parametrize("distance", ["mse", "mae"])
@pytest.mark.parametrize("unit", [False, True], ids=["plain", "unit"])
def test_piq_content(distance: str, unit: bool) -> None:
    """piq adds over channels where we average: the number of channels is the weight. Its
    convolutions are in-place ReLU'd.
    """
    import piq

    network = discovery.small_network().double()
    for layer in network:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False
    channels = {"relu1": 8, "conv2": 12, "relu3": 16}
    theirs = piq.ContentLoss(
        network, tuple(channels), [1.0, 0.5, 0.25], distance=distance, normalize_features=unit
    )
    weights = {name: c * w for (name, c), w in zip(channels.items(), (1.0, 0.5, 0.25), strict=True)}
    options = {
        "layers": weights,
        "distance": {"mse": "l2", "mae": "l1"}[distance],
        "feature_norm": "unit" if unit else "none",
    }
    ours = ssimloss.PerceptualLoss(network, **options)
    # piq holds the mean and the standard deviation in float32: 1e-7 of them
    agree(ours, theirs, *images(), tolerance=1e-6)
    in_place = piq.ContentLoss(discovery.small_network().double(), ("conv2",), [1.0])
    assert not torch.allclose(
        in_place(*images()),
        ssimloss.PerceptualLoss(network, layers={"conv2": 12.0}, distance="l2")(*images()),
    )


@pytest.mark.parametrize(
    ("kind", "gram", "distance"), [("mse", "none", "l2"), ("mae", "none", "l1")]
)
def test_piq_style(kind: str, gram: str, distance: str) -> None:
    import piq

    network = discovery.small_network().double()
    theirs = piq.StyleLoss(network, ("relu1", "relu3"), [1.0, 0.5], distance=kind)
    agree(
        ssimloss.TextureLoss(
            network, layers={"relu1": 1.0, "relu3": 0.5}, gram=gram, distance=distance
        ),
        theirs,
        *images(),
        tolerance=1e-6,
    )


def basicsr(
    layers: dict[int, tuple[str, float]],
    *,
    style: bool,
    criterion: str = "l1",
    tanh_range: bool = False,
) -> Callable[..., Tensor]:
    """BasicSR's and mmagic's loss as they document it: sum over layers of weight times the mean
    error of features, or of Gram / (C H W).
    """

    def loss(pred: Tensor, target: Tensor) -> Tensor:
        names = {index: name for index, (name, _) in layers.items()}
        found = [
            plain_features("vgg19", (image + 1) / 2 if tanh_range else image, names)
            for image in (pred, target)
        ]
        total = torch.zeros((), dtype=torch.float64)
        for name, weight in layers.values():
            x, y = (features[name] for features in found)
            if style:
                x, y = (
                    torch.einsum("nahw,nbhw->nab", f, f) / math.prod(f.shape[1:]) for f in (x, y)
                )
            total = total + weight * ((x - y).abs() if criterion == "l1" else (x - y) ** 2).mean()
        return total

    return loss


# Indices in torchvision's vgg19.features, counted from the architecture: two, two, four, four, four
# convolutions, a pool after each block.
VGG19 = {"conv1_2": 2, "conv2_2": 7, "conv3_4": 16, "conv4_4": 25, "conv5_4": 34, "relu5_4": 35}
REAL_ESRGAN = {"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0, "conv5_4": 1.0}


@pytest.mark.parametrize("name", ["esrgan", "basicsr", "real_esrgan", "srgan"])
def test_content_conventions(name: str) -> None:
    convention = conventions.CONTENT[name]
    layers = {VGG19[layer]: (layer, weight) for layer, weight in convention["layers"].items()}
    theirs = basicsr(layers, style=False, criterion=convention["distance"])
    factor = 1 / 12.75**2 if name == "srgan" else 1.0
    ours = ssimloss.PerceptualLoss(**convention, weights=random_state("vgg19"))
    agree(ours, lambda *pair: factor * theirs(*pair), *images())


def test_disagreement_is_found() -> None:
    """After the activation instead of before it, a squared distance, another factor: each is
    another number.
    """
    expected = basicsr({34: ("conv5_4", 1.0)}, style=False)(*images())
    for options in (
        {"layers": {"relu5_4": 1.0}},
        {"distance": "l2"},
        {"layers": {"conv5_4": 1.001}},
        {"normalization": "none"},
    ):
        ours = ssimloss.PerceptualLoss(
            **{**conventions.CONTENT["esrgan"], **options}, weights=random_state("vgg19")
        )
        with pytest.raises(AssertionError, match="off by"):
            battery.close(ours(*images()), expected, 1e-4)


def test_srgan_divides_features() -> None:
    assert conventions.CONTENT["srgan"]["feature_scale"] == 1 / 12.75
    assert list(conventions.CONTENT["srgan"]["layers"]) == ["relu5_4"]


def test_mmagic_takes_tanh_images() -> None:
    pred, target = (2 * image - 1 for image in images())
    theirs = basicsr({34: ("conv5_4", 1.0)}, style=False, tanh_range=True)
    agree(
        ssimloss.PerceptualLoss(
            **conventions.CONTENT["mmagic"], weights=random_state("vgg19"), data_range=(-1, 1)
        ),
        theirs,
        pred,
        target,
    )
    style = basicsr({34: ("conv5_4", 1.0)}, style=True, tanh_range=True)
    agree(
        ssimloss.TextureLoss(
            **conventions.GRAM["mmagic"], weights=random_state("vgg19"), data_range=(-1, 1)
        ),
        style,
        pred,
        target,
    )


@pytest.mark.parametrize(("name", "normalise"), [("pix2pixhd", True), ("pix2pixhd_program", False)])
def test_pix2pixhd(name: str, normalise: bool) -> None:
    """Its images are in [-1, 1]; the original code itself does not normalise them."""
    layers = {1: "relu1_1", 6: "relu2_1", 11: "relu3_1", 20: "relu4_1", 29: "relu5_1"}

    def theirs(pred: Tensor, target: Tensor) -> Tensor:
        scaled = [(image + 1) / 2 if normalise else image for image in (pred, target)]
        x, y = (plain_features("vgg19", image, layers, normalise=normalise) for image in scaled)
        return sum(
            w * (x[k] - y[k]).abs().mean()
            for k, w in zip(layers.values(), (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0), strict=True)
        )

    ours = ssimloss.PerceptualLoss(
        **conventions.CONTENT[name], weights=random_state("vgg19"), data_range=(-1, 1)
    )
    agree(ours, theirs, *(2 * image - 1 for image in images()))


def test_piq_conventions() -> None:
    pred, target = images()
    x, y = (plain_features("vgg16", image, {15: "relu3_3"})["relu3_3"] for image in (pred, target))
    content = ssimloss.PerceptualLoss(**conventions.CONTENT["piq"], weights=random_state("vgg16"))
    battery.close(content(pred, target), (x - y).square().mean((2, 3)).sum(1).mean(), 1e-10)
    texture_loss = ssimloss.TextureLoss(**conventions.GRAM["piq"], weights=random_state("vgg16"))
    x, y = (torch.einsum("nahw,nbhw->nab", f, f) for f in (x, y))
    battery.close(texture_loss(pred, target), (x - y).square().mean(), 1e-10)


def test_gram_conventions() -> None:
    """Equations of the papers, and of PyTorch's tutorial, whose batch is one matrix."""
    pred, target = images()
    five = {0: "conv1_1", 2: "conv1_2", 5: "conv2_1", 7: "conv2_2", 10: "conv3_1"}
    x, y = (plain_features("vgg19", image, five) for image in (pred, target))
    expected = 0
    for name in five.values():
        flat = [f[name].reshape(f[name].shape[0] * f[name].shape[1], -1) for f in (x, y)]
        expected = (
            expected
            + ((flat[0] @ flat[0].T - flat[1] @ flat[1].T) / flat[0].numel()).square().mean()
        )
    battery.close(
        ssimloss.TextureLoss(**conventions.GRAM["pytorch_tutorial"], weights=random_state("vgg19"))(
            pred, target
        ),
        expected,
        1e-10,
    )

    four = {3: "relu1_2", 8: "relu2_2", 15: "relu3_3", 22: "relu4_3"}
    x, y = (plain_features("vgg16", image, four) for image in (pred, target))
    grams = [
        {k: torch.einsum("nahw,nbhw->nab", v, v) / math.prod(v.shape[1:]) for k, v in f.items()}
        for f in (x, y)
    ]
    expected = sum((grams[0][k] - grams[1][k]).square().sum((1, 2)).mean() for k in grams[0])
    battery.close(
        ssimloss.TextureLoss(**conventions.GRAM["johnson"], weights=random_state("vgg16"))(
            pred, target
        ),
        expected,
        1e-10,
    )

    gatys = conventions.GRAM["gatys"]
    loss = ssimloss.TextureLoss(**gatys, weights=random_state("vgg19"))
    x, y = (loss.extract(image) for image in (pred, target))
    expected = 0
    for k in x:
        c, m = x[k].shape[1], math.prod(x[k].shape[2:])
        sums = [torch.einsum("nahw,nbhw->nab", f, f) for f in (x[k], y[k])]
        expected = expected + 0.2 * (sums[0] - sums[1]).square().sum((1, 2)).mean() / (
            4 * c**2 * m**2
        )
    battery.close(loss(pred, target), expected, 1e-10)


def test_conventions_are_changed_for_nobody_else() -> None:
    convention = conventions.CONTENT["esrgan"]
    own = {**convention}
    own["layers"]["conv1_2"] = 0.1
    convention["layers"].clear()
    assert convention["layers"] == {"conv5_4": 1.0}
    with pytest.raises(TypeError):
        convention.options["layers"]["conv1_2"] = 0.1


def test_conventions_are_read_and_printed() -> None:
    import copy
    import pickle

    for table in (conventions.CONTENT, conventions.GRAM):
        for name, convention in table.items():
            assert (
                conventions.describe(convention.full_name)
                == conventions.describe(convention)
                == str(convention)
            )
            assert convention.program[:20] in str(convention)
            assert pickle.loads(pickle.dumps(convention)) is copy.deepcopy(convention) is convention
            if convention.same_as:
                assert dict(convention) == dict(table[convention.same_as])
            with pytest.raises(TypeError):
                convention.options["network"] = "alexnet"  # type: ignore[index]
            assert repr(convention).endswith(f"/{name}>")
    with pytest.raises(KeyError, match="no convention 'vgg'; there are srgan, esrgan, real_esrgan"):
        conventions.CONTENT["vgg"]
    with pytest.raises(KeyError, match="there are johnson, gatys"):
        conventions.describe("GRAM/vgg")


# --- texture --------------------------------------------------------------------------------------


@pytest.mark.parametrize("distance", ["l1", "l2", "frobenius", "squared_frobenius"])
@pytest.mark.parametrize("gram", ["chw", "hw", "none", "gatys", "bchw"])
def test_texture_is_the_reference(gram: str, distance: str) -> None:
    pred, target = pair(2, 3, 5, 6)
    layers = {"a": 1.0, "b": 0.5}
    found = F.texture_loss(
        pred, target, layers=layers, gram=gram, distance=distance, reduction="none"
    )
    for i, (layer, weight) in enumerate(layers.items()):
        matrices = [reference.gram(f[layer].numpy(), gram) for f in (pred, target)]
        battery.close(
            found[:, i],
            torch.from_numpy(weight * reference.matrix_distance(*matrices, distance)),
            1e-12,
        )


@pytest.mark.parametrize("distance", ["l1", "frobenius"])
@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 1), (2, 3)], ids=str)
def test_texture_of_patches(
    distance: str, size: int, stride: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in steps, row by row, whose gradient is that of all at once."""
    pred, target = (features["a"] for features in pair(2, 3, 7, 8))
    loss = of_one_layer(
        F.texture_loss, gram="hw", distance=distance, patch_size=size, stride=stride
    )
    windows = [reference.windows(f.numpy(), size, stride or size) for f in (pred, target)]
    terms = [
        reference.matrix_distance(*(reference.gram(w[:, p], "hw") for w in windows), distance)
        for p in range(windows[0].shape[1])
    ]
    expected = torch.from_numpy(sum(terms) / len(terms))
    per_image = functools.partial(loss, reduction="image")
    battery.close(per_image(pred, target), expected, 1e-12)
    x, y = (f[:1, :2].clone().requires_grad_() for f in (pred, target))
    assert torch.autograd.gradcheck(loss, (x, y))
    whole = battery.differentiate(per_image, pred, target)
    monkeypatch.setattr(texture, "STEP", 1)
    by_rows = battery.differentiate(per_image, pred, target)
    battery.close(by_rows[0], expected, 1e-12)
    battery.close(by_rows[1], whole[1], 1e-12)


def test_patches_see_where_a_texture_is() -> None:
    """Two halves of an image exchanged have the same Gram matrix; patch by patch they do not."""
    target = torch.rand(1, 3, 8, 16, dtype=torch.float64)
    pred = target.roll(8, 3)
    battery.close(1 + of_one_layer(F.texture_loss)(pred, target), 1.0, 1e-12)
    assert of_one_layer(F.texture_loss, patch_size=8)(pred, target) > 1e-3


def test_patch_size_of_each_layer() -> None:
    pred, target = pair(1, 3, 8, 8)
    both = F.texture_loss(
        pred,
        target,
        layers={"a": 1.0, "b": 1.0},
        patch_size={"a": 4, "b": 2},
        stride={"a": 2, "b": 1},
        reduction="none",
    )
    for i, (layer, size) in enumerate({"a": 4, "b": 2}.items()):
        one = F.texture_loss(pred, target, layers={layer: 1.0}, patch_size=size, stride=size // 2)
        battery.close(both[0, i], one)
    with pytest.raises(
        ValueError,
        match=r"patch_size must have a number for each of the layers \['a', 'b'\], got none for "
        r"\['b'\]",
    ):
        F.texture_loss(pred, target, layers={"a": 1.0, "b": 1.0}, patch_size={"a": 4})
    with pytest.raises(
        ValueError, match=r"patch_size must be at most 4, the shorter side of pred_features\['b'\]"
    ):
        F.texture_loss(pred, target, layers={"b": 1.0}, patch_size=5)
    with pytest.raises(ValueError, match=r"stride\['a'\] must be at least 1, got 0"):
        F.texture_loss(pred, target, layers={"a": 1.0}, patch_size=2, stride={"a": 0})
    with pytest.raises(ValueError, match="stride must be None without patch_size"):
        F.texture_loss(pred, target, layers={"a": 1.0}, stride=2)
    with pytest.raises(ValueError, match='reduction must not be "image" with gram="bchw"'):
        F.texture_loss(pred, target, layers={"a": 1.0}, gram="bchw", reduction="image")
    with pytest.raises(ValueError, match='patch_size must be None with gram="bchw"'):
        F.texture_loss(pred, target, layers={"a": 1.0}, gram="bchw", patch_size=2)


@pytest.mark.parametrize(
    "options", [{}, {"distance": "frobenius"}, {"gram": "bchw"}, {"patch_size": 1}], ids=str
)
def test_texture_is_sound(options: dict[str, object]) -> None:
    loss = of_one_layer(F.texture_loss, **options)
    battery.finite_everywhere(loss)
    if options.get("gram") != "bchw":
        battery.batch_is_singles(loss)
        empty_batch(loss)
    x, y = (torch.rand(2, 3, 2, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(loss, (x, y))


# --- contextual -----------------------------------------------------------------------------------


@pytest.mark.parametrize("distance", ["cosine", "l2"])
@pytest.mark.parametrize("bandwidth", [0.1, 0.5])
@pytest.mark.parametrize("step", [contextual.STEP, 70], ids=["at once", "in steps"])
def test_contextual_is_the_reference(
    distance: str, bandwidth: float, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contextual, "STEP", step)
    pred, target = pair(2, 6, 4, 5)
    loss = functools.partial(
        F.contextual_loss, layers={"a": 1.0}, bandwidth=bandwidth, distance=distance
    )
    expected = reference.contextual(pred["a"].numpy(), target["a"].numpy(), bandwidth, distance)
    # 1e-10 beside a norm, over the bandwidth.
    battery.close(loss(pred, target, reduction="image"), torch.from_numpy(expected), 1e-8)
    x, y = (f["a"][:1, :3, :3, :3].clone().requires_grad_() for f in (pred, target))
    assert torch.autograd.gradcheck(lambda x, y: loss({"a": x}, {"a": y}), (x, y))


def test_contextual_does_not_mind_where_things_are() -> None:
    _, target = pair(1, 6, 4, 5)
    moved = {"a": target["a"].flip(2, 3)}
    same = F.contextual_loss(target, target, layers={"a": 1.0})
    battery.close(1 + F.contextual_loss(moved, target, layers={"a": 1.0}), 1 + same, 1e-12)
    assert same < 1e-3
    assert F.contextual_loss(pair(1, 6, 4, 5, seed=5)[0], target, layers={"a": 1.0}) > 0.1


def test_contextual_memory_is_bounded() -> None:
    """4096 positions: all pairs are 64 MiB, and their gradient several times as much."""
    features = [torch.randn(1, 4, 64, 64) for _ in range(2)]
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(
            self, function: object, types: object, args: tuple = (), kwargs: dict | None = None
        ) -> object:
            nonlocal largest
            result = function(*args, **(kwargs or {}))
            if isinstance(result, Tensor):
                largest = max(largest, result.numel())
            return result

    x = features[0].requires_grad_()
    with Watch():
        of_one_layer(F.contextual_loss)(x, features[1]).backward()
    assert largest <= contextual.STEP
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("distance", ["cosine", "l2"])
def test_contextual_is_sound(distance: str) -> None:
    loss = of_one_layer(F.contextual_loss, distance=distance)
    battery.finite_everywhere(loss)
    battery.batch_is_singles(loss)
    empty_batch(loss)
    constant = torch.full((2, 3, 4, 5), 0.5, dtype=torch.float64)
    battery.close(loss(constant, constant), math.log(20), 1e-12)


# --- transforms of functions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "module", "step"),
    [
        (of_one_layer(F.texture_loss), texture, texture.STEP),
        (of_one_layer(F.texture_loss, gram="bchw"), texture, texture.STEP),
        (of_one_layer(F.texture_loss, patch_size=2), texture, texture.STEP),
        (of_one_layer(F.texture_loss, patch_size=2), texture, 1),
        (of_one_layer(F.contextual_loss), contextual, contextual.STEP),
        (of_one_layer(F.contextual_loss), contextual, 1),
    ],
    ids=["gram", "bchw", "patches", "patches in steps", "contextual", "contextual in steps"],
)
# PyTorch's own, on the first jvp.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:FutureWarning")
def test_torch_func(
    loss: Callable[..., Tensor],
    module: types.ModuleType,
    step: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Gradients to either, a derivative along a direction, and a map over a dimension, with only
    one of the two seen by each.
    """
    monkeypatch.setattr(module, "STEP", step)
    pred, target = (features["a"] for features in pair(2, 3, 4, 5))
    direction = torch.randn_like(pred)
    x, y = (features.clone().requires_grad_() for features in (pred, target))
    to_x, to_y = torch.autograd.grad(loss(x, y), (x, y))
    battery.close(torch.func.grad(loss)(pred, target), to_x, 1e-12)
    battery.close(torch.func.grad(loss, 1)(pred, target), to_y, 1e-12)
    value, slope = torch.func.jvp(lambda z: loss(z, target), (pred,), (direction,))
    battery.close(value, loss(pred, target), 1e-12)
    battery.close(slope, (to_x * direction).sum(), 1e-10)
    several = torch.stack([pred, 2 * pred, target + 1])
    battery.close(
        torch.vmap(lambda z: loss(z, target))(several),
        torch.stack([loss(z, target) for z in several]),
        1e-12,
    )
    curved = torch.autograd.grad(
        (torch.autograd.grad(loss(x, y), x, create_graph=True)[0] * direction).sum(), x
    )[0]
    battery.close(
        torch.func.jvp(torch.func.grad(lambda z: loss(z, target)), (pred,), (direction,))[1],
        curved,
        1e-8,
    )


@pytest.mark.parametrize("name", ["TextureLoss", "ContextualLoss"])
def test_torch_func_of_modules(name: str) -> None:
    loss, (pred, target) = discovery.build(name), discovery.photos(name)
    battery.close(
        torch.func.grad(loss)(pred, target), battery.differentiate(loss, pred, target)[1], 1e-4
    )


# --- the modules ----------------------------------------------------------------------------------

DEEP = [
    "PerceptualLoss",
    "TextureLoss",
    "ContextualLoss",
    "DeepPerceptualSimilarity",
    "PriorLoss",
    "LandmarkLoss",
]


@pytest.mark.parametrize("name", DEEP)
def test_features_computed_before_give_the_same(name: str) -> None:
    loss = discovery.build(name)
    pred, target = discovery.photos(name)
    features = loss.extract(target)
    assert not any(values.requires_grad for values in features.values())
    for actual, expected in zip(
        battery.differentiate(loss, pred, features),
        battery.differentiate(loss, pred, target),
        strict=True,  # type: ignore[arg-type]
    ):
        assert torch.equal(actual, expected)
    half = discovery.build(name, reduction="none")
    assert half(pred.half(), half.extract(target.half())).dtype is torch.float16


@pytest.mark.parametrize("name", DEEP)
def test_features_of_other_images_are_refused(name: str) -> None:
    loss = discovery.build(name)
    pred, target = discovery.photos(name)
    features = loss.extract(target)
    with pytest.raises(
        ValueError,
        match=r"target_features\['\w+'\] must have the shape of pred_features.* one batch and one "
        r"image size",
    ):
        loss(pred[:1], features)
    with pytest.raises(
        ValueError,
        match=r"target must be an image, or what extract\(\) of this loss returned, with the "
        r"layers",
    ):
        loss(pred, {"other": next(iter(features.values()))})
    with pytest.raises(TypeError, match="pred"):
        loss(None, features)


def test_a_mask_goes_with_the_features() -> None:
    loss = discovery.build("PerceptualLoss")
    pred, target = discovery.photos("PerceptualLoss")
    mask = battery.hole(pred.shape)
    features = loss.extract(target, mask=mask)
    assert torch.equal(loss(pred, features), loss(pred, target, mask=mask))
    assert not torch.equal(loss(pred, features), loss(pred, target))
    with pytest.raises(
        ValueError,
        match=r"mask must be None with features in place of target; pass it to extract\(target, "
        r"mask=mask\)",
    ):
        loss(pred, features, mask=mask)
    with pytest.raises(ValueError, match="mask"):
        loss.extract(target, mask=mask[..., 1:])


def test_a_target_is_looked_at_once() -> None:
    """One pass for each image, none for features that are there."""
    loss = discovery.build("PerceptualLoss")
    pred, target = discovery.photos("PerceptualLoss")
    calls = 0
    plain = loss.extractor.features

    def counted(image: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        nonlocal calls
        calls += 1
        return plain(image, layers)

    loss.extractor.features = counted
    features = loss.extract(target)
    loss(pred, features)
    loss(pred, features)
    assert calls == 3
    loss(pred, target)
    assert calls == 5


def test_losses_are_of_the_networks_own_layers() -> None:
    """Two layers of one network by name, the first before its in-place activation."""
    network, (pred, target) = discovery.small_network(), discovery.photos("PerceptualLoss")
    with torch.no_grad():
        x, y = (network[0]((image - MEAN.float()) / STD.float()) for image in (pred, target))
    before = ssimloss.PerceptualLoss(network, layers={"conv1": 1.0})(pred, target)
    after = ssimloss.PerceptualLoss(network, layers={"relu1": 1.0})(pred, target)
    battery.close(before, (x - y).abs().mean(), 1e-5)
    battery.close(after, (x.relu() - y.relu()).abs().mean(), 1e-5)


def test_the_network_runs_to_no_layer_of_weight_0() -> None:
    network, (pred, target) = discovery.small_network(), discovery.photos("PerceptualLoss")
    for kind in (ssimloss.PerceptualLoss, ssimloss.TextureLoss, ssimloss.ContextualLoss):
        loss = kind(network, layers={"relu3": 0.0, "relu1": 1.0})
        assert loss.extractor.layers == ("relu1",)
        assert torch.equal(loss(pred, target), kind(network, layers={"relu1": 1.0})(pred, target))
        with pytest.raises(ValueError, match="layers must have a weight other than 0"):
            kind(network, layers={"relu1": 0.0})


def test_contextual_layers_are_those_of_the_program() -> None:
    """Its ``conv3_2`` is ``relu(conv + bias)``."""
    assert list(ssimloss.ContextualLoss(weights="random").layers) == ["relu3_2", "relu4_2"]


def test_options_are_checked_before_a_network_is_built() -> None:
    """A typo should not cost a download."""
    for build in (
        lambda: ssimloss.PerceptualLoss("no such network", distance="l3"),
        lambda: ssimloss.TextureLoss("no such network", distance="l3"),
        lambda: ssimloss.ContextualLoss("no such network", distance="l3"),
        lambda: ssimloss.DeepPerceptualSimilarity("no such network", distance="l3"),
        lambda: ssimloss.PriorLoss(nn.Identity(), distance="l3"),
    ):
        with pytest.raises(ValueError, match="distance must be one of"):
            build()


def test_settings_are_shown() -> None:
    loss = ssimloss.PerceptualLoss(
        "vgg11", layers={"conv1_1": 1.0}, distance="l2", weights="random", data_range=(-1, 1)
    )
    assert "PerceptualLoss(\n  layers={'conv1_1': 1.0}, distance='l2', " in repr(loss)
    assert "weights='random', data_range=(-1, 1), " in repr(loss)


def test_options_of_the_network_are_set_when_the_loss_is_built() -> None:
    loss = discovery.build("PerceptualLoss")
    with pytest.raises(
        AttributeError,
        match="pooling must be set when PerceptualLoss is built, because its network",
    ):
        loss.pooling = "average"
    assert loss.pooling == "max"
    loss.distance = "l2"
    pred, target = discovery.photos("PerceptualLoss")
    assert torch.equal(
        loss(pred, target), discovery.build("PerceptualLoss", distance="l2")(pred, target)
    )


def test_weights_are_held_once() -> None:
    """Through the network; a stored state dict would be pickled and copied as well."""
    state = random_state("squeezenet1_1")
    loss = ssimloss.PerceptualLoss("squeezenet1_1", layers={"relu1": 1.0}, weights=state)
    assert loss.weights == {}
    assert "weights=<sha256 " in repr(loss)
