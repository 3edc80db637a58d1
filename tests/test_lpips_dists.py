"""LPIPS, DISTS and their family: against the reference and the original packages with one random
network, and heads from judgements.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import json
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import battery
import discovery
import photographs
import pytest
import reference
import torch
import torchvision
from deep import agree, images, of_one_layer, random_state, torchvision_features
from torch import Tensor

import ssimloss
import ssimloss.functional as F
from ssimloss import judgements, networks
from ssimloss.functional.deep_similarity import FEATURE_DISTANCES, _resize, channel_distances

pytestmark = pytest.mark.usefixtures("one_thread")

GOLDENS = Path(__file__).parent / "goldens"
SHORT = {"alexnet": "alex", "vgg16": "vgg", "squeezenet1_1": "squeeze"}  # names in the packages
# Even, odd (the pools of SqueezeNet and AlexNet then meet their ceil and floor), and the least that
# AlexNet takes in one dimension. VGG16 costs ten times as much, and takes smaller images.
SIZES = [(64, 80), (67, 93)]
SIZES_OF_VGG16 = [(32, 40), (35, 45)]


def size_for(kind: str, which: int) -> tuple[int, int]:
    return (SIZES_OF_VGG16 if kind == "vgg16" else SIZES)[which]


def features(*, n: int = 2, seed: int = 0) -> list[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    sizes = {"a": (n, 4, 5, 6), "b": (n, 6, 3, 3), "c": (n, 2, 1, 2)}
    return [
        {k: torch.randn(s, dtype=torch.float64, generator=generator) for k, s in sizes.items()}
        for _ in range(2)
    ]


def some_heads(seed: int = 1) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(c, generator=generator, dtype=torch.float64) for c in (4, 6, 2)]


# --- the equations --------------------------------------------------------------------------------


def test_lpips_is_the_reference() -> None:
    (pred, target), heads = features(), some_heads()
    found = F.lpips(pred, target, heads=heads, reduction="image")
    arrays = [[f.numpy() for f in layers.values()] for layers in (pred, target)]
    battery.close(
        found, torch.from_numpy(reference.lpips(*arrays, [h.numpy() for h in heads])), 1e-13
    )
    battery.close(F.lpips(pred, target, heads=heads), found.mean())
    battery.close(F.lpips(pred, target, heads=heads, reduction="none"), found)
    loss = of_one_layer(F.deep_similarity, heads=heads[:1])
    x, y = (f["a"][:, :, :2, :2].clone().requires_grad_() for f in (pred, target))
    assert torch.autograd.gradcheck(loss, (x, y))
    assert torch.autograd.gradgradcheck(loss, (x, y))


@pytest.mark.parametrize("distance", FEATURE_DISTANCES)
def test_family(distance: str) -> None:
    """Distances between vectors, from their definitions; heads of 1 are none."""
    pred, target = features()
    x, y = pred["a"], target["a"]
    unit = [f / f.norm(dim=1, keepdim=True) for f in (x, y)]
    expected = {
        "l1": (x - y).abs().sum(1),
        "l2": (x - y).square().sum(1),
        "cosine": 1 - torch.nn.functional.cosine_similarity(x, y, dim=1),
        "normalized_l2": (unit[0] - unit[1]).norm(dim=1) ** 2,
    }[distance]
    loss = functools.partial(F.deep_similarity, pred, target, distance=distance, reduction="image")
    battery.close(loss(layers={"a": 0.5}), 0.5 * expected.mean((1, 2)), 1e-9)
    battery.close(loss(layers={"a": 1.0}, heads=[torch.ones(4)]), loss(layers={"a": 1.0}), 1e-15)
    heads = some_heads()
    weighted = loss(layers={"b": 1.0, "a": 2.0}, heads=[heads[1], heads[0]])
    channels = channel_distances(pred, target, layers={"b": 1.0, "a": 2.0}, distance=distance)
    battery.close(weighted, channels @ torch.cat([heads[1], heads[0]]), 1e-13)
    for sound in (battery.finite_everywhere, battery.batch_is_singles):
        sound(of_one_layer(F.deep_similarity, distance=distance))


def test_map_is_resized_as_torch_does() -> None:
    """To larger and smaller, odd and even sides, from a single position too."""
    for sizes in itertools.product([(1, 1), (3, 5), (6, 4)], [(7, 8), (2, 3), (1, 1)]):
        maps = torch.rand(2, 1, *sizes[0], dtype=torch.float64)
        expected = torch.nn.functional.interpolate(
            maps, sizes[1], mode="bilinear", align_corners=False
        )
        battery.close(_resize(maps, sizes[1]), expected, 1e-14)


def test_dists_is_the_reference() -> None:
    (pred, target), alpha, beta = features(), some_heads(2), some_heads(3)
    found = F.dists(pred, target, alpha=alpha, beta=beta, reduction="image")
    arrays = [[f.numpy() for f in layers.values()] for layers in (pred, target)]
    weights = [[h.numpy() for h in heads] for heads in (alpha, beta)]
    battery.close(found, torch.from_numpy(reference.dists(*arrays, *weights)), 1e-12)
    battery.close(
        F.dists(pred, target, alpha=[5 * a for a in alpha], beta=[5 * b for b in beta]),
        found.mean(),
        1e-13,
    )
    loss = lambda x, y: F.dists({"l": x}, {"l": y}, alpha=[torch.ones(3)], beta=[2 * torch.ones(3)])  # noqa: E731
    battery.finite_everywhere(functools.partial(_with_reduction, loss))
    x, y = (torch.rand(2, 3, 2, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(loss, (x, y))


def planes(*sizes: tuple[int, int], seed: int = 0) -> list[dict[str, Tensor]]:
    """Features as after a ReLU, busier towards one side, and a changed copy."""
    generator = torch.Generator().manual_seed(seed)
    pair: list[dict[str, Tensor]] = [{}, {}]
    for i, (height, width) in enumerate(sizes):
        noise = torch.randn(2, 3 + i, height, width, dtype=torch.float64, generator=generator)
        target = (0.2 + noise * torch.linspace(0.1, 2, width, dtype=torch.float64)).relu()
        other = torch.randn(target.shape, dtype=torch.float64, generator=generator)
        pair[0][str(i)], pair[1][str(i)] = (target + 0.3 * other).relu(), target
    return pair


# Windows of 5: of many positions, of one row, of a single one, and layers that are smaller.
ADISTS_SIZES = [(9, 12), (5, 7), (5, 5), (3, 4)]


@pytest.mark.parametrize("adapts_to", ["target", "pred"])
def test_adists_is_the_reference(adapts_to: str) -> None:
    pred, target = planes(*ADISTS_SIZES)
    loss = functools.partial(F.adists, window_size=5, adapts_to=adapts_to)
    found = loss(pred, target, reduction="image")
    arrays = [[f.numpy() for f in layers.values()] for layers in (pred, target)]
    expected = torch.from_numpy(reference.adists(*arrays, size=5, content=adapts_to))
    assert expected.min() > 0.01
    battery.close(found, expected, 1e-11)
    battery.close(loss(pred, target), found.mean())
    battery.close(loss(pred, target, reduction="none"), found)
    assert abs(loss(target, pred) - found.mean()) > 1e-3 * found.mean()  # not symmetric
    # Away from 0, where the distribution over positions has a kink.
    leaves = [(f + 0.1).requires_grad_() for layers in (pred, target) for f in layers.values()]

    def of_leaves(*given: Tensor) -> Tensor:
        half = len(pred)
        return loss(*(dict(zip(pred, part, strict=True)) for part in (given[:half], given[half:])))

    assert torch.autograd.gradcheck(of_leaves, leaves, fast_mode=True)


@pytest.mark.parametrize("row", json.loads((GOLDENS / "adists.json").read_text())["values"])
def test_adists_of_the_authors(row: dict[str, Any]) -> None:
    pair = [
        {str(factor): torch.nn.functional.avg_pool2d(image, factor) for factor in (2, 4, 16)}
        for image in photographs.tensors(row["case"])
    ]
    battery.close(F.adists(*pair, **row["options"]), row["value"], 1e-11)
    single = [{k: v.float() for k, v in layers.items()} for layers in pair]
    battery.close(F.adists(*single, **row["options"]), row["value"], 1e-6)


def test_adists_where_content_is_flat() -> None:
    """A dispersion of rounding alone counts as constant: all is texture, whatever the last bit."""
    generator = torch.Generator().manual_seed(0)
    flat = torch.tensor([0.7, 3e-4, 80.0])[None, :, None, None].expand(1, 3, 30, 30)
    last_bit = torch.nextafter(flat, torch.tensor(torch.inf))
    noise = torch.rand(flat.shape, generator=generator)
    pred = flat * (0.5 + noise)
    unit = [x.double() / x.double().norm(dim=(2, 3), keepdim=True) for x in (pred, flat)]
    taps = torch.exp(-(torch.arange(-2, 3).double() ** 2) / (2 * (5 / 3) ** 2))
    window = (taps[:, None] * taps / taps.sum() ** 2).expand(3, 1, 5, 5)
    mu_x, mu_y = (torch.nn.functional.conv2d(x, window, groups=3) for x in unit)
    texture = (mu_x - mu_y).square() / (mu_x.square() + mu_y.square() + 1e-6)
    loss = functools.partial(F.adists, window_size=5)
    battery.close(loss({"l": pred.double()}, {"l": flat.double()}), texture.mean(), 1e-7)
    for target in (flat, torch.where(noise > 0.5, flat, last_bit)):
        battery.close(loss({"l": pred}, {"l": target}), texture.mean(), 1e-5)


@pytest.mark.parametrize("adapts_to", ["target", "pred"])
def test_adists_is_finite_and_in_steps(adapts_to: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of awkward images, and channel by channel."""

    def loss(pred: Tensor, target: Tensor, **_: object) -> Tensor:
        pair = [{"l": x, "m": x[..., ::4, ::4]} for x in (pred, target)]
        return F.adists(*pair, window_size=7, adapts_to=adapts_to)

    battery.finite_everywhere(loss)
    pred, target = battery.pictures()
    whole = battery.differentiate(loss, pred, target)
    monkeypatch.setattr(importlib.import_module("ssimloss.functional.adists"), "STEP", 3000)
    for found, expected in zip(battery.differentiate(loss, pred, target), whole, strict=True):
        battery.close(found, expected, 1e-12)


def test_adists_module_is_the_function_of_its_features() -> None:
    module = ssimloss.ADISTS(weights="random", data_range=(-1, 1), window_size=11)
    pred, target = (2 * image - 1 for image in images(32, 40))
    found = module(pred, target)
    pair = [{"image": (image + 1) / 2, **module.extractor(image)} for image in (pred, target)]
    battery.close(found, F.adists(*pair, window_size=11), 1e-13)
    battery.close(module(pred, module.extract(target)), found, 1e-13)
    with pytest.raises(ValueError, match="window_size must be odd, got 4"):
        ssimloss.ADISTS(weights="random", window_size=4)
    with pytest.raises(ValueError, match="adapts_to must be one of 'target', 'pred', got 'both'"):
        F.adists(*pair, adapts_to="both")


def _with_reduction(
    loss: Callable[..., Tensor], pred: Tensor, target: Tensor, **_: object
) -> Tensor:
    return loss(pred, target)


def test_dists_does_not_cancel_in_float32() -> None:
    """Of nearly equal images the published form, one minus a sum near one, has the
    rounding of 1.
    """
    target = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    pred = target + 1e-4 * torch.randn(target.shape, dtype=torch.float64)
    loss = functools.partial(F.dists, alpha=[torch.ones(3)], beta=[torch.ones(3)])
    exact = loss({"l": pred}, {"l": target})
    assert exact < 1e-6
    battery.close(loss({"l": pred.float()}, {"l": target.float()}), exact, 1e-3)


# --- the packages ---------------------------------------------------------------------------------


@pytest.fixture
def random_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the packages ask torchvision for is our random network; nothing is downloaded, no
    classifier drawn.
    """
    for kind in SHORT:

        def build(kind: str = kind, **_: object) -> types.SimpleNamespace:
            return types.SimpleNamespace(features=torchvision_features(kind))

        monkeypatch.setattr(torchvision.models, kind, build)
    import torchmetrics.functional.image.dists as torchmetrics_dists

    monkeypatch.setattr(
        torchmetrics_dists,
        "vgg16",
        lambda **_: types.SimpleNamespace(features=torchvision_features("vgg16")),
    )


with_random_torchvision = pytest.mark.usefixtures("random_torchvision")


def package_lpips(kind: str, **options: object) -> torch.nn.Module:
    import lpips

    network = lpips.LPIPS(net=SHORT[kind], pnet_rand=True, verbose=False, **options)
    return network.double()


@with_random_torchvision
@pytest.mark.parametrize(
    ("which", "spatial"), [(0, False), (1, False), (1, True)], ids=["even", "odd", "odd spatial"]
)
@pytest.mark.parametrize("kind", SHORT)
def test_lpips_package(kind: str, which: int, spatial: bool) -> None:
    theirs = package_lpips(kind, spatial=spatial)
    ours = ssimloss.LPIPS(
        kind, weights=random_state(kind), spatial=spatial, reduction="none", data_range=(-1, 1)
    )
    pred, target = images(*size_for(kind, which))
    agree(
        ours,
        lambda x, y: theirs(x, y) if spatial else theirs(x, y).flatten(),
        2 * pred - 1,
        2 * target - 1,
        tolerance=1e-6,
    )
    unit = ssimloss.LPIPS(kind, weights=random_state(kind), spatial=spatial)
    battery.close(unit(pred, target), theirs(pred, target, normalize=True).mean(), 1e-6)


def test_lpips_works_in_the_box() -> None:
    """The default is the published measure: the package's numbers on photographs."""
    golden = json.loads((GOLDENS / "lpips.json").read_text())["values"]
    ours = ssimloss.LPIPS()
    for row in golden:
        for dtype, tolerance in ((torch.float64, 1e-6), (torch.float32, 1e-5)):
            battery.close(ours(*photographs.tensors(row["case"], dtype)), row["value"], tolerance)


@pytest.mark.parametrize(("full", "short"), SHORT.items())
def test_lpips_short_names(full: str, short: str) -> None:
    losses = [ssimloss.LPIPS(name, weights="random") for name in (full, short)]
    pair = images(*size_for(full, 0))
    assert losses[0](*pair) == losses[1](*pair)
    for ours, theirs in zip(*map(networks.lpips_heads, (full, short), ("v0.1",) * 2), strict=True):
        assert torch.equal(ours, theirs)


@with_random_torchvision
@pytest.mark.parametrize("kind", SHORT)
def test_lpips_torchmetrics(kind: str) -> None:
    """It adds 1e-8 to the squares, which is not negligible where features are small."""
    from torchmetrics.functional.image.lpips import _LPIPS

    theirs = _LPIPS(net=SHORT[kind], pnet_rand=True).double()
    ours = ssimloss.LPIPS(kind, weights=random_state(kind), reduction="none", data_range=(-1, 1))
    agree(
        ours,
        lambda x, y: theirs(x, y).flatten(),
        *(2 * image - 1 for image in images(*size_for(kind, 1))),
        tolerance=1e-6,
    )


@with_random_torchvision
def test_lpips_without_heads_is_the_packages_baseline() -> None:
    """Its ``lpips=False``; heads of one's own go in as tensors."""
    theirs = package_lpips("alexnet", lpips=False)
    layers = dict.fromkeys(("relu1", "relu2", "relu3", "relu4", "relu5"), 1.0)
    ours = ssimloss.DeepPerceptualSimilarity(
        "alexnet", layers=layers, weights=random_state("alexnet")
    )
    agree(
        ours, lambda x, y: theirs(x, y, normalize=True).mean(), *images(*SIZES[0]), tolerance=1e-6
    )
    ones = [torch.ones(c) for c in (64, 192, 384, 256, 256)]
    same = ssimloss.LPIPS(weights=random_state("alexnet"), heads=ones)
    battery.close(same(*images(*SIZES[0])), ours(*images(*SIZES[0])), 1e-14)


@with_random_torchvision
def test_lpips_disagreement_is_found() -> None:
    """Another range, network input or head computes another value, and the check detects it."""
    theirs = package_lpips("alexnet")
    for options in (
        {"data_range": (-1, 1)},
        {"heads": [1.001 * h for h in networks.lpips_heads("alexnet", "v0.1")]},
    ):
        ours = ssimloss.LPIPS(weights=random_state("alexnet"), **options)
        with pytest.raises(AssertionError, match="off by"):
            agree(
                ours,
                lambda x, y: theirs(x, y, normalize=True).mean(),
                *images(*SIZES[0]),
                tolerance=1e-4,
            )


def test_gradient_where_the_packages_is_nan() -> None:
    """A position at which every channel is 0: PerceptualSimilarity issues 69 and 121, MONAI pull
    request 8982.
    """
    import lpips

    pred, target = (torch.rand(1, 4, 3, 3, dtype=torch.float64) for _ in range(2))
    pred[..., 1, 1] = 0

    def theirs(x: Tensor, y: Tensor) -> Tensor:
        return (lpips.normalize_tensor(x) - lpips.normalize_tensor(y)).square().sum(1).mean()

    ours = of_one_layer(F.deep_similarity)
    for other in (target, pred):
        (value, gradient), (their_value, their_gradient) = (
            battery.differentiate(loss, pred, other) for loss in (ours, theirs)
        )
        battery.close(value, their_value, 1e-15)
        assert their_gradient[..., 1, 1].isnan().all()
        assert gradient.isfinite().all()
        battery.close(torch.where(their_gradient.isnan(), 0, their_gradient), gradient, 1e-12)


@with_random_torchvision
def test_dists_packages() -> None:
    from DISTS_pytorch import DISTS
    from torchmetrics.functional.image.dists import DISTSNetwork

    alpha, beta = (torch.cat(heads).view(1, -1, 1, 1) for heads in networks.dists_weights())
    ours = ssimloss.DISTS(weights=random_state("vgg16"), reduction="none")
    even, odd = SIZES_OF_VGG16
    for kind, sizes in ((DISTS, (even, odd)), (DISTSNetwork, (odd,))):
        theirs = kind(load_weights=False)
        theirs.alpha.data, theirs.beta.data = alpha, beta
        theirs.double()
        # They hold these in float32, which thirteen convolutions make 4e-6 of the gradient of.
        theirs.mean[0, :, 0, 0] = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)
        theirs.std[0, :, 0, 0] = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)
        for sides in sizes:
            given = images(*sides)
            agree(ours, functools.partial(theirs, require_grad=True), *given, tolerance=1e-6)
    average = DISTS(load_weights=False)
    average.alpha.data, average.beta.data = alpha, beta
    own = ssimloss.DISTS(weights=random_state("vgg16"), data_range=(-1, 1))
    pred, target = images(*odd)
    found = own(2 * pred - 1, 2 * target - 1)
    battery.close(found, average.double()(pred, target, batch_average=True), 1e-6)
    wrong = ssimloss.DISTS(weights=random_state("vgg16"), beta=networks.dists_weights()[0])
    with pytest.raises(AssertionError, match="off by"):
        battery.close(wrong(pred, target), found, 1e-4)


# --- the modules ----------------------------------------------------------------------------------


def test_weights_of_channels_are_required() -> None:
    pred, target = features()
    with pytest.raises(TypeError, match=r"lpips\(\) needs heads: lpips\(\.\.\., heads=\.\.\.\)"):
        F.lpips(pred, target)
    with pytest.raises(TypeError, match=r"dists\(\) needs beta: dists"):
        F.dists(pred, target, alpha=some_heads())
    with pytest.raises(TypeError, match=r"deep_similarity.* needs the option 'layers'"):
        F.deep_similarity(pred, target)


def test_heads_are_checked() -> None:
    heads = networks.lpips_heads("alexnet", "v0.1")
    for bad, error in (
        (heads[:4], ValueError),
        ([*heads[:4], heads[4][:-1]], ValueError),
        ([h.view(-1, 1, 1) for h in heads], ValueError),
        ([*heads[:4], [1.0] * 256], ValueError),
        (torch.cat(heads), TypeError),
        ([h.to(torch.int64) for h in heads], TypeError),
    ):
        with pytest.raises(error, match="heads"):
            ssimloss.LPIPS(weights="random", heads=bad)
    with pytest.raises(ValueError, match=r"must be one of 'v0\.1', got 'v9'"):
        ssimloss.LPIPS(weights="random", heads="v9")
    with pytest.raises(
        ValueError,
        match="network must be one of 'alexnet', 'vgg16', 'squeezenet1_1', 'alex', 'vgg', "
        "'squeeze', got 'vgg19'",
    ):
        ssimloss.LPIPS("vgg19")
    with pytest.raises(ValueError, match=r"alpha must be 6 1-D tensors .*'image': 3"):
        ssimloss.DISTS(weights="random", alpha=networks.dists_weights()[0][1:])


def test_heads_are_frozen_and_keep_their_precision() -> None:
    """A model that holds a perceptual loss trains nothing of it, stores nothing of it, and does not
    round it (PerceptualSimilarity 106).
    """
    for loss, names in (
        (ssimloss.LPIPS(weights="random"), ["heads"]),
        (ssimloss.DISTS(weights="random"), ["alpha", "beta"]),
    ):
        before = {name: [head.clone() for head in getattr(loss, name)] for name in names}
        loss.train().half().requires_grad_(True)
        assert list(loss.parameters()) == []
        assert loss.state_dict() == {}
        for name in names:
            assert all(
                torch.equal(a, b) for a, b in zip(getattr(loss, name), before[name], strict=True)
            )
        assert all((head >= 0).all() for name in names for head in getattr(loss, name))
    assert all(head.is_meta for head in ssimloss.LPIPS(weights="random").to("meta").heads)


def test_gray_images() -> None:
    for build, sides in ((ssimloss.LPIPS, SIZES[0]), (ssimloss.DISTS, SIZES_OF_VGG16[0])):
        pred, target = (image.mean(1, keepdim=True) for image in images(*sides))
        loss = build(weights="random")
        battery.close(
            loss(pred, target),
            loss(pred.expand(-1, 3, -1, -1), target.expand(-1, 3, -1, -1)),
            1e-14,
        )
        with pytest.raises(ValueError, match="gray"):
            build(weights="random", gray="error")(pred, target)


def test_map_under_transforms() -> None:
    """``torch.func`` and ``torch.vmap`` reach through the products that resize."""
    loss, (pred, target) = ssimloss.LPIPS(weights="random", spatial=True), images(64, 64)
    expected = battery.differentiate(loss, pred, target)[1]
    battery.close(torch.func.grad(loss)(pred, target), expected, 1e-10)
    each = torch.vmap(lambda x, y: loss(x[None], y[None]))(pred, target)
    battery.close(
        each,
        torch.stack([loss(x[None], y[None]) for x, y in zip(pred, target, strict=True)]),
        1e-10,
    )


def test_range_of_dists() -> None:
    """Opposite structures count below 0: a peak on black against a hole in white, in each channel,
    at the published weights.
    """
    alpha, beta = networks.dists_weights()
    peaks = {
        str(i): torch.zeros(1, len(head), 64, 64, dtype=torch.float64)
        for i, head in enumerate(alpha)
    }
    for plane in peaks.values():
        plane[..., 0, 0] = 100
    holes = {layer: 100 - plane for layer, plane in peaks.items()}
    found = F.dists(peaks, holes, alpha=alpha, beta=beta).item()
    share = (torch.cat(beta).sum() / torch.cat([*alpha, *beta]).sum()).item()
    assert round(share, 4) == 0.124
    assert 1.12 < found < 1 + share


def test_map_shows_where() -> None:
    target = images(64, 96)[1].float()
    pred = target.clone()
    pred[..., :32] = pred[..., :32].roll(5, 2)
    for loss in (
        ssimloss.LPIPS("squeezenet1_1", weights="random", spatial=True, reduction="none"),
        ssimloss.DeepPerceptualSimilarity(
            discovery.small_network(), layers={"relu3": 1.0}, spatial=True, reduction="none"
        ),
    ):
        shown = loss(pred, target)
        assert shown.shape == (2, 1, 64, 96)
        assert shown[..., :32].mean() > 3 * shown[..., 64:].mean()
        battery.close(type(loss).forward(loss, pred, loss.extract(target)), shown, 0)


@pytest.mark.parametrize("build", [ssimloss.LPIPS, ssimloss.DISTS], ids=["LPIPS", "DISTS"])
def test_features_computed_before_give_the_same(build: Callable[..., torch.nn.Module]) -> None:
    sides = SIZES_OF_VGG16[0] if build is ssimloss.DISTS else SIZES[0]
    loss, (pred, target) = build(weights="random"), images(*sides)
    assert torch.equal(loss(pred, loss.extract(target)), loss(pred, target))
    with pytest.raises(ValueError, match=r"target_features.* must have the shape of pred_features"):
        loss(pred[..., :-2], loss.extract(target))


# --- heads from judgements ------------------------------------------------------------------------


def planted(n: int, *, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Distances of 12 channels of unequal spread for two images each, and heads of which a third
    are 0.
    """
    generator = torch.Generator().manual_seed(seed)
    spread = torch.logspace(-3, 2, 12, dtype=torch.float64)
    tables = torch.rand(2, n, 12, dtype=torch.float64, generator=generator) * spread
    heads = (3 * torch.rand(12, dtype=torch.float64, generator=generator)) / spread
    heads[::3] = 0
    return tables[0], tables[1], heads


def test_planted_heads_are_recovered_from_preferences() -> None:
    a, b, heads = planted(3000)
    share = torch.sigmoid((a - b) @ heads)
    found = judgements.fit_preference_heads(a, b, share, regularization=1e-7)
    battery.close(found, heads, 0.01)
    votes = torch.bernoulli(share, generator=torch.Generator().manual_seed(1))  # one vote each
    noisy = judgements.fit_preference_heads(a, b, votes)
    assert (noisy >= 0).all()
    scaled = [w * (a - b).square().mean(0).sqrt() for w in (noisy, heads)]
    assert torch.nn.functional.cosine_similarity(*scaled, dim=0) > 0.97


@pytest.mark.parametrize("better", ["high", "low"])
def test_planted_heads_are_recovered_from_scores(better: str) -> None:
    a, _, heads = planted(500)
    scores = 70 + (a @ heads) * (-1 if better == "high" else 1)
    found = judgements.fit_score_heads(a, scores, better=better, regularization=1e-7)
    battery.close(found, heads, 0.01)
    other = judgements.fit_score_heads(a, scores, better="low" if better == "high" else "high")
    assert (other * heads).sum() < 1e-2 * (heads * heads).sum(), "no distance grows with quality"


def test_fit_is_the_optimum() -> None:
    """Where a weight is free its slope is 0, where it is 0 the slope would not let it grow; more
    steps change nothing.
    """
    a, b, heads = planted(400, seed=3)
    heads[::3] = -heads[1::3]  # what no distance can follow
    share = torch.sigmoid((a - b) @ heads)
    found = judgements.fit_preference_heads(a, b, share, regularization=1e-2)
    battery.close(
        judgements.fit_preference_heads(a, b, share, regularization=1e-2, steps=4000), found, 1e-8
    )
    scale = (a - b).square().mean(0).sqrt()
    w = (found * scale).requires_grad_()
    value = (
        torch.nn.functional.binary_cross_entropy_with_logits(((a - b) / scale) @ w, share)
        + 0.5e-2 * w.square().sum()
    )
    (slope,) = torch.autograd.grad(value, w)
    assert slope[found > 0].abs().max() < 1e-8
    assert (found == 0).any()
    assert slope[found == 0].min() > -1e-8


def a_distance(**options: object) -> ssimloss.DeepPerceptualSimilarity:
    return ssimloss.DeepPerceptualSimilarity(
        discovery.small_network(), layers={"relu1": 1.0, "relu3": 0.5}, **options
    )


def preferences(judge: Callable[[Tensor, Tensor], Tensor], n: int) -> list[tuple[Tensor, ...]]:
    """Patches of a photograph, each with two distortions of about one strength, and what the judge
    makes of them, in batches.
    """
    generator = torch.Generator().manual_seed(5)
    photograph = battery.pictures(110, 110)[1][0].float()
    batches = []
    for _ in range(n):
        corners = torch.randint(0, 78, (8, 2), generator=generator)
        reference_patches = torch.stack(
            [photograph[:, i : i + 32, j : j + 32] for i, j in corners.tolist()]
        )
        distorted = []
        for _ in range(2):
            strength = 0.4 + 0.2 * torch.rand(8, 1, 1, 1, generator=generator)
            kinds = [
                reference_patches
                + 0.2 * strength * torch.randn(reference_patches.shape, generator=generator),
                reference_patches + 0.3 * strength,
                reference_patches.lerp(
                    torch.nn.functional.avg_pool2d(reference_patches, 5, 1, 2), strength
                ),
            ]
            which = torch.randint(0, 3, (8,), generator=generator)
            distorted.append(torch.stack([kinds[k][i] for i, k in enumerate(which.tolist())]))
        batches.append(
            (
                reference_patches,
                *distorted,
                judge(distorted[0], reference_patches) - judge(distorted[1], reference_patches),
            )
        )
    return batches


def test_fit_heads_raises_agreement_and_holds_it_elsewhere() -> None:
    """The judge is a distance with known heads, which the fit has to recover from the choices."""
    generator = torch.Generator().manual_seed(2)
    own = [torch.rand(c, generator=generator) ** 12 for c in (8, 16)]  # a few channels count
    judge = a_distance(heads=own, reduction="image")
    batches = [(*patches, (gap > 0).float()) for *patches, gap in preferences(judge, 30)]
    loss = a_distance()
    fit = loss.fit_heads(batches[:20])
    assert fit.after > 0.97
    assert fit.before < 0.93
    assert all(
        (head >= 0).all() and head.dtype is torch.float32 and not head.requires_grad
        for head in loss.heads
    )
    held_out = a_distance(heads=loss.heads).fit_heads(batches[20:]).before
    plain = a_distance().fit_heads(batches[20:]).before
    assert held_out > 0.96
    assert plain < 0.93
    again = a_distance()
    assert again.fit_heads(batches[:20]) == fit
    assert all(torch.equal(a, b) for a, b in zip(again.heads, loss.heads, strict=True))


def test_fit_heads_to_scores() -> None:
    generator = torch.Generator().manual_seed(2)
    judge = a_distance(
        heads=[torch.rand(c, generator=generator) ** 4 for c in (8, 16)], reduction="image"
    )
    batches = [
        (patches, a, 100 - 300 * judge(a, patches)) for patches, a, *_ in preferences(judge, 20)
    ]
    loss = a_distance()
    fit = loss.fit_heads(batches, regularization=1e-6)
    assert fit.after > 0.99 > fit.before
    pred, target = batches[0][1], batches[0][0]
    values = torch.stack([loss(p[None], t[None]) for p, t in zip(pred, target, strict=True)])
    assert torch.corrcoef(torch.stack([values, batches[0][2]]))[0, 1] < -0.99
    battery.close(values.std(), batches[0][2].std(), 0.1)


def test_fitted_heads_are_heads_of_lpips() -> None:
    """They go where LPIPS takes heads, by layer."""
    pred, target = images(64, 64)
    layers = dict.fromkeys(("relu1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9"), 1.0)
    loss = ssimloss.DeepPerceptualSimilarity("squeezenet1_1", layers=layers, weights="random")
    loss.fit_heads([(target, pred, target.lerp(pred, 0.5), torch.tensor([1.0, 0.9]))])
    lpips = ssimloss.LPIPS("squeezenet1_1", weights="random", heads=loss.heads)
    battery.close(lpips(pred, target), loss(pred, target), 1e-14)


def test_judgements_that_do_not_fit_are_named() -> None:
    loss, image = a_distance(), torch.rand(2, 3, 16, 16)
    for batches, message in (
        ([], "judgements must hold at least one batch, got none"),
        (
            [(image, image)],
            r"judgements must all be \(reference, a, b, preference\) or all \(reference, image, "
            r"score\), got 2 tensors",
        ),
        ([(image, image, torch.ones(2)), (image, image, image, torch.ones(2))], "got 4 tensors"),
        (
            [(image, image, torch.ones(3))],
            "scores must be a tensor of one value for each of the 2 judgements, got",
        ),
        (
            [(image, image[..., 1:], torch.ones(2))],
            "each image of judgements must have the shape of its reference",
        ),
        (
            [(image, image, [1.0, 2.0])],
            "scores must be a tensor of one value for each of the 2 judgements, got list",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            loss.fit_heads(batches)
    with pytest.raises(ValueError, match="regularization must be positive"):
        loss.fit_heads([(image, image, torch.arange(2.0))], regularization=0.0)
    with pytest.raises(ValueError, match="better must be one of 'high', 'low'"):
        loss.fit_heads([(image, image, torch.ones(2))], better="higher")
    assert loss.heads is None


def three(n: int = 3, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.rand(n, 3, 16, 16, generator=generator) for _ in range(3))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("judged", "message"),
    [
        ([0.0, float("nan"), 1.0], "preference must be finite, got 1 of 3 numbers that are not"),
        (
            [1.0, 2.0, 1.0],
            r"preference must be shares in \[0, 1\], 1 where all prefer b, got values from 1 to 2",
        ),
        ([0.0, -0.5, 1.0], r"preference must be shares in \[0, 1\]"),
        ([0.5, 0.5, 0.5], "judgements must agree with the distance of some channel, got none"),
    ],
)
def test_nonsense_preferences_set_no_heads(judged: list[float], message: str) -> None:
    loss = a_distance()
    with pytest.raises(ValueError, match=message):
        loss.fit_heads([(*three(), torch.tensor(judged))])
    assert loss.heads is None


@pytest.mark.parametrize(
    ("judged", "message"),
    [
        ([1.0, float("inf"), 2.0], "scores must be finite, got 1 of 3"),
        (
            [4.0, 4.0, 4.0],
            "scores must not all be the same, or no distance can be fitted, got 3 of 4",
        ),
        ([4.0], "scores must not all be the same, or no distance can be fitted, got 1 of 4"),
    ],
)
def test_nonsense_scores_set_no_heads(judged: list[float], message: str) -> None:
    given = [torch.ones(c) for c in (8, 16)]
    loss = a_distance(heads=given)
    images = three(len(judged))[:2]
    with pytest.raises(ValueError, match=message):
        loss.fit_heads([(*images, torch.tensor(judged))])
    assert all(torch.equal(kept, head) for kept, head in zip(loss.heads, given, strict=True))


def test_scores_of_another_batch_are_not_taken() -> None:
    """Three images with two scores and three with four are six and six, but not each
    with its own.
    """
    loss, (a, b, _) = a_distance(), three()
    with pytest.raises(
        ValueError, match="scores must be a tensor of one value for each of the 3 judgements"
    ):
        loss.fit_heads([(a, b, torch.arange(2.0)), (b, a, torch.arange(4.0))])
    assert loss.heads is None
    # A column, integers.
    fit = loss.fit_heads(
        [(a, (a + b) / 2, torch.tensor([[3.0], [4.0], [5.0]])), (b, b, torch.full((3,), 9))]
    )
    assert 0 < fit.before <= fit.after <= 1


def test_a_fit_that_no_number_holds_sets_no_heads() -> None:
    """Images that are not finite, all the same, or whose distances a float32 head cannot bring to
    the scores; scores of the other end.
    """
    a, b, _ = (image.double() for image in three())
    near = a.lerp(b, torch.tensor([1e-6, 2e-6, 3e-6], dtype=torch.float64).view(3, 1, 1, 1))
    scores = torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
    for image, judged, better, message in (
        (a * float("nan"), scores, "high", "distances must be finite"),
        (a, scores, "high", "judgements must agree with the distance of some channel, got none"),
        (
            near,
            scores,
            "low",
            "judgements must agree with the distance of some channel, .* see better=",
        ),
        (near, scores * 1e30, "high", "judgements must be of moderate size, got distances up to"),
    ):
        loss = a_distance()
        with pytest.raises(ValueError, match=message):
            loss.fit_heads([(a, image, judged)], better=better)
        assert loss.heads is None


def test_distances_that_are_all_the_same_agree_nought() -> None:
    """Heads of 0 before the fit: no spread, and no NaN."""
    loss, (a, b, _) = a_distance(heads=[torch.zeros(c) for c in (8, 16)]), three()
    near = torch.stack([x.lerp(y, t) for x, y, t in zip(a, b, (0.1, 0.2, 0.3), strict=True)])
    fit = loss.fit_heads([(a, near, torch.tensor([3.0, 2.0, 1.0]))])
    assert fit.before == 0
    assert fit.after > 0.9


def test_heads_survive_inference_mode_and_to_empty() -> None:
    with torch.inference_mode():
        lpips = ssimloss.LPIPS("alexnet", weights="random")
    pred, target = torch.rand(2, 1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    pred.requires_grad_()
    before = lpips(pred, target)
    torch.nn.Sequential(lpips).to_empty(device="cpu")
    after = lpips(pred, target)
    assert torch.equal(before, after)
    after.backward()
    assert pred.grad is not None
    assert pred.grad.norm() > 0


def test_vmap_of_float32_images() -> None:
    lpips = ssimloss.LPIPS("alexnet", weights="random")
    pred, target = torch.rand(2, 3, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    found = torch.vmap(lambda image: lpips(image[None], target[:1]))(pred)
    expected = torch.stack([lpips(image[None], target[:1]) for image in pred])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


# --- masks ----------------------------------------------------------------------------------------


def test_masks_of_features_are_those_of_the_regions() -> None:
    """Weights of layers at their own resolution: a rectangle of whole positions is its crop."""
    generator = torch.Generator().manual_seed(5)
    whole, other = (
        {
            layer: torch.randn(2, c, *sides, dtype=torch.float64, generator=generator)
            for layer, c, sides in (("a", 4, (8, 12)), ("b", 6, (4, 6)), ("c", 2, (2, 3)))
        }
        for _ in range(2)
    )
    mask = torch.zeros(2, 1, 16, 24, dtype=torch.float64)
    mask[..., :8, 8:24] = 1  # of 16 x 24 pixels: whole positions of each layer
    crops = [
        {
            layer: values[..., : values.shape[2] // 2, values.shape[3] // 3 :]
            for layer, values in features.items()
        }
        for features in (whole, other)
    ]
    heads, alpha, beta = some_heads(), some_heads(2), some_heads(3)
    layers = {"a": 1.0, "b": 0.5, "c": 2.0}
    for loss in (
        functools.partial(F.lpips, heads=heads),
        functools.partial(F.dists, alpha=alpha, beta=beta),
        functools.partial(F.deep_similarity, layers=layers, distance="l1"),
        lambda x, y, **options: F.feature_matching_loss(
            list(x.values()), list(y.values()), **options
        ),
    ):
        for reduction in ("image", "mean"):
            found = loss(whole, other, mask=mask, reduction=reduction)
            battery.close(found, loss(*crops, reduction=reduction), 1e-12)
        ones = torch.ones_like(mask)
        battery.close(loss(whole, other, mask=ones), loss(whole, other), 1e-12)
        assert loss(whole, other, mask=0 * mask) == 0
        for bad in (mask[:1], mask[..., :7, :], mask[0], mask.long()):
            with pytest.raises((ValueError, TypeError), match="mask must"):
                loss(whole, other, mask=bad)


@pytest.mark.parametrize("build", [ssimloss.LPIPS, ssimloss.DeepPerceptualSimilarity])
def test_masked_maps(build: Callable[..., torch.nn.Module]) -> None:
    """The weights of a map are the mask."""
    network = {"network": "embedded"} if build is not ssimloss.LPIPS else {}
    pred, target = images(64, 64)
    mask = torch.rand(len(pred), 1, 64, 64, dtype=torch.float64)
    unreduced = build(**network, spatial=True, reduction="none")
    value = build(**network, spatial=True)(pred, target, mask=mask)
    battery.close(value, unreduced(pred, target, mask=mask).sum() / mask.sum(), 1e-10)
    features = unreduced.extract(target, mask=mask)
    battery.close(unreduced(pred, features), unreduced(pred, target, mask=mask), 1e-12)
    with pytest.raises(ValueError, match=r"mask must have the sides \(8, 8\) of map_size"):
        F.deep_similarity(
            {"a": torch.rand(2, 3, 4, 4)},
            {"a": torch.rand(2, 3, 4, 4)},
            layers={"a": 1.0},
            map_size=(8, 8),
            mask=torch.ones(2, 1, 16, 16),
        )


@pytest.mark.parametrize("name", ["LPIPS", "DISTS", "DeepPerceptualSimilarity"])
def test_a_masked_region_has_no_influence_on_its_surroundings(name: str) -> None:
    """Not even through the receptive fields: both images are gray there."""
    loss = discovery.build(name)
    pred, target = discovery.photos(name)
    mask = torch.ones_like(pred[:, :1])
    mask[..., 4:12, 5:14] = 0
    found = [
        loss(torch.where(mask != 0, pred, junk), target, mask=mask) for junk in (0.0, 0.3, 1.0)
    ]
    assert found[0] == found[1] == found[2]
    assert loss(pred, target, mask=mask) != loss(pred, target)
