"""Terms of one sum that look at one network: one pass over each image, the same sum."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from oldest import needs_torch
from torch import Tensor, nn

from ssimloss import LPIPS, CombinedLoss, PerceptualLoss, Term, TextureLoss
from ssimloss.networks import FeatureExtractor

Calls = list[int]  # of each convolution that ran, its input channels


class Layerwise(nn.Module):
    """The sum of squared differences of features: a minimal perceptual loss for the sum."""

    def __init__(self, network: nn.Module, layers: list[str], **options: object) -> None:
        super().__init__()
        self.extractor = FeatureExtractor(network, layers, **options)  # type: ignore[arg-type]

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        ours, theirs = self.extractor(pred), self.extractor(target)
        return sum(((ours[layer] - theirs[layer]) ** 2).mean() for layer in ours)  # type: ignore[return-value]


@pytest.fixture
def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.ReLU(), nn.Conv2d(5, 6, 3)
    ).double()


@pytest.fixture
def images() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    pred, target = torch.rand(2, 2, 3, 16, 18, dtype=torch.float64, generator=generator)
    return pred.requires_grad_(), target


@pytest.fixture
def convolutions(monkeypatch: pytest.MonkeyPatch) -> Calls:
    calls: Calls = []
    plain = torch.nn.functional.conv2d

    def counted(x: Tensor, weight: Tensor, *rest: object, **options: object) -> Tensor:
        calls.append(weight.shape[1])
        return plain(x, weight, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.nn.functional, "conv2d", counted)
    return calls


def value_and_gradient(criterion: nn.Module, pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    value = criterion(pred, target)
    return value.detach(), torch.autograd.grad(value, pred)[0]


def test_one_pass_over_each_image(
    network: nn.Module, images: tuple[Tensor, Tensor], convolutions: Calls
) -> None:
    terms = {
        "shallow": Layerwise(network, ["0"]),
        "middle": Layerwise(network, ["2", "1"]),
        "deep": Layerwise(network, ["4"]),
    }
    criterion = CombinedLoss(
        **{name: Term(term, 0.5 + i) for i, (name, term) in enumerate(terms.items())}
    )
    convolutions.clear()
    found = value_and_gradient(criterion, *images)
    # Each layer once for pred and once for target.
    assert sorted(convolutions) == [3, 3, 4, 4, 5, 5]

    convolutions.clear()
    alone = [value_and_gradient(term, *images) for term in terms.values()]
    assert sorted(convolutions) == [3] * 6 + [4] * 4 + [5] * 2
    for one, apart in zip(found, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(
            one, sum((0.5 + i) * part for i, part in enumerate(apart)), rtol=1e-12, atol=1e-16
        )


def test_content_texture_and_lpips_take_one_pass_of_alexnet(convolutions: Calls) -> None:
    terms = {
        "content": PerceptualLoss("alexnet", layers={"conv4": 1.0}, weights="random"),
        "texture": TextureLoss("alexnet", layers={"relu1": 1.0, "relu3": 1.0}, weights="random"),
        "lpips": LPIPS("alexnet", weights="random"),
    }
    pred, target = torch.rand(
        2, 2, 3, 64, 66, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    pred.requires_grad_()
    alone = [value_and_gradient(term, pred, target) for term in terms.values()]
    criterion = CombinedLoss(**terms)
    convolutions.clear()
    found = value_and_gradient(criterion, pred, target)
    assert len(convolutions) == 2 * 5  # up to relu5, which LPIPS looks at
    for one, apart in zip(found, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(one, sum(apart), rtol=1e-9, atol=1e-15)  # type: ignore[call-overload]


def test_no_deeper_than_the_active_terms_need(
    network: nn.Module, images: tuple[Tensor, Tensor], convolutions: Calls
) -> None:
    criterion = CombinedLoss(
        one=Layerwise(network, ["0"]),
        two=Layerwise(network, ["1"]),
        deep=Term(Layerwise(network, ["4"]), start=1),
    )
    for expected in ([3, 3], [3, 3, 4, 4, 5, 5]):
        convolutions.clear()
        criterion(*images)
        assert sorted(convolutions) == expected


def test_images_are_told_apart(
    network: nn.Module, images: tuple[Tensor, Tensor], convolutions: Calls
) -> None:
    """Of an image that only the shallow term sees, nothing deeper is made."""
    shallow, deep = Layerwise(network, ["0"]), Layerwise(network, ["4"])
    criterion = CombinedLoss(shallow=Term(shallow, inputs=("other", "target")), deep=Term(deep))
    pred, target = images
    other = pred.detach().flip(3)
    convolutions.clear()
    value = criterion(pred, target, other=other)
    assert sorted(convolutions) == [3, 3, 3, 4, 4, 5, 5]
    torch.testing.assert_close(
        value, shallow(other, target) + deep(pred, target), rtol=1e-12, atol=0
    )


def test_a_term_that_makes_its_own_image(
    network: nn.Module, images: tuple[Tensor, Tensor], convolutions: Calls
) -> None:
    class Halved(Layerwise):
        def forward(self, pred: Tensor, target: Tensor) -> Tensor:
            return super().forward(pred[..., ::2], target[..., ::2])

    halved, deep = Halved(network, ["0"]), Layerwise(network, ["4"])
    criterion = CombinedLoss(halved=halved, deep=deep)
    convolutions.clear()
    value = criterion(*images)
    assert sorted(convolutions) == [3, 3, 3, 3, 4, 4, 5, 5]
    torch.testing.assert_close(value, halved(*images) + deep(*images), rtol=1e-12, atol=0)


def test_what_differs_is_not_shared(
    network: nn.Module, images: tuple[Tensor, Tensor], convolutions: Calls
) -> None:
    other = copy.deepcopy(network)
    with torch.no_grad():
        other[0].weight[0, 0, 0, 0] += 1e-12  # type: ignore[index, union-attr, operator]
    for variant in (
        Layerwise(other, ["0"]),
        Layerwise(network, ["0"], data_range=2.0),
        Layerwise(network, ["0"], normalization="none"),
        Layerwise(network, ["0"], dtype=torch.float32),
    ):
        criterion = CombinedLoss(plain=Layerwise(network, ["0"]), variant=variant)
        convolutions.clear()
        criterion(*images)
        assert len(convolutions) == 4


def test_target_has_no_graph(network: nn.Module, images: tuple[Tensor, Tensor]) -> None:
    kept: list[Tensor] = []

    class Watched(Layerwise):
        def forward(self, pred: Tensor, target: Tensor) -> Tensor:
            kept.append(self.extractor(target)["0"])
            return super().forward(pred, target)

    CombinedLoss(one=Watched(network, ["0"]), two=Watched(network, ["0", "4"]))(*images)
    assert not any(features.requires_grad for features in kept)
    assert kept[0] is kept[1]


def test_nothing_is_shared_after_the_call(
    network: nn.Module, images: tuple[Tensor, Tensor]
) -> None:
    """Also after a term that raised: a term used alone sees the images that it is given."""

    class Broken(Layerwise):
        def forward(self, pred: Tensor, target: Tensor) -> Tensor:
            super().forward(pred, target)
            raise ValueError("broken on purpose")

    one, two = Layerwise(network, ["0"]), Broken(network, ["4"])
    with pytest.raises(ValueError, match="term 'two': broken on purpose"):
        CombinedLoss(one=one, two=two)(*images)
    assert one.extractor.shared is None
    assert two.extractor.shared is None
    pred, target = images
    before = one(pred, target)
    with torch.no_grad():
        pred.mul_(0.5)
    assert one(pred, target) != before


def test_a_sum_within_a_sum_shares_with_it(
    network: nn.Module, images: tuple[Tensor, Tensor], convolutions: Calls
) -> None:
    inner = CombinedLoss(one=Layerwise(network, ["0"]), two=Layerwise(network, ["4"]))
    outer = CombinedLoss(
        inner=Term(inner, inputs=("pred", "target")), three=Layerwise(network, ["2"])
    )
    convolutions.clear()
    outer(*images)
    assert sorted(convolutions) == [3, 3, 4, 4, 5, 5]


def test_with_and_without_a_graph_are_told_apart(
    network: nn.Module, images: tuple[Tensor, Tensor]
) -> None:
    class Balanced(Layerwise):
        def forward(self, pred: Tensor, target: Tensor) -> Tensor:
            with torch.no_grad():
                super().forward(pred, target)
            return super().forward(pred, target)

    one, two = Balanced(network, ["0"]), Layerwise(network, ["0"])
    found = value_and_gradient(CombinedLoss(one=one, two=two), *images)
    torch.testing.assert_close(
        found[1], 2 * value_and_gradient(two, *images)[1], rtol=1e-12, atol=0
    )


@pytest.mark.parametrize("way", ["copy", "pickle"])
def test_copies_share_among_themselves(
    way: str, network: nn.Module, images: tuple[Tensor, Tensor], convolutions: Calls
) -> None:
    criterion = CombinedLoss(one=Layerwise(network, ["0"]), two=Layerwise(network, ["4"]))
    expected = criterion(*images)
    twin = copy.deepcopy(criterion) if way == "copy" else pickle.loads(pickle.dumps(criterion))
    assert twin.one.extractor is not criterion.one.extractor  # type: ignore[union-attr]
    twin.step = 0
    convolutions.clear()
    torch.testing.assert_close(twin(*images), expected, rtol=0, atol=0)
    assert len(convolutions) == 6


@needs_torch(2, 7, "the compiler cannot set a function on a module")
def test_compiled_without_a_break(network: nn.Module, images: tuple[Tensor, Tensor]) -> None:
    criterion = CombinedLoss(
        one=Term(Layerwise(network, ["0"]), 0.5), two=Term(Layerwise(network, ["1", "4"]), 2.0)
    )
    expected = value_and_gradient(criterion, *images)
    torch.compiler.reset()
    compiled = torch.compile(criterion, fullgraph=True, backend="aot_eager")
    for _ in range(3):
        for found, one in zip(value_and_gradient(compiled, *images), expected, strict=True):
            torch.testing.assert_close(found, one, rtol=1e-10, atol=1e-14)


def test_a_masked_term_asks_for_nothing_of_the_whole_image(
    network: nn.Module, images: tuple[Tensor, Tensor], convolutions: Calls
) -> None:
    """Its images are different: masked pixels are gray."""

    class Masked(Layerwise):
        def forward(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
            return super().forward(pred * mask, target * mask)

    masked, shallow, other = (
        Masked(network, ["4"]),
        Layerwise(network, ["0"]),
        Layerwise(network, ["1"]),
    )
    criterion = CombinedLoss(
        masked=Term(masked, inputs=("pred", "target", "mask")), shallow=shallow, other=other
    )
    mask = torch.ones(2, 1, 16, 18, dtype=torch.float64)
    mask[..., :5] = 0
    convolutions.clear()
    value = criterion(*images, mask=mask)
    assert sorted(convolutions) == [3, 3, 3, 3, 4, 4, 5, 5]
    expected = masked(*images, mask) + shallow(*images) + other(*images)
    torch.testing.assert_close(value, expected, rtol=1e-12, atol=0)


def test_an_image_that_a_term_changes_in_place_is_another(
    network: nn.Module, images: tuple[Tensor, Tensor]
) -> None:
    one, two = Layerwise(network, ["0"]), Layerwise(network, ["0"])
    pred, target = images
    expected = one(pred, target) + two(pred, target.clamp(0.4, 0.6))

    def clamps(pred: Tensor, target: Tensor) -> Tensor:
        target.clamp_(0.4, 0.6)
        return 0 * pred.sum()

    torch.testing.assert_close(
        CombinedLoss(one=one, clamps=clamps, two=two)(pred, target.clone()),
        expected,
        rtol=1e-12,
        atol=0,
    )


def test_alike_networks_are_held_once(network: nn.Module) -> None:
    criterion = CombinedLoss(
        one=Layerwise(network, ["0"]),
        two=Layerwise(network, ["4"]),
        other=Layerwise(network, ["0"], data_range=2.0),
    )
    held = {id(getattr(criterion, name).extractor.network) for name in ("one", "two", "other")}
    assert len(held) == 2
    for order in ((True, False), (False, True)):
        both = CombinedLoss(
            **{
                f"term{i}": Layerwise(network, ["4"], checkpoint=checkpoint)
                for i, checkpoint in enumerate(order)
            }
        )
        assert all(
            both.get_submodule(name).extractor._backbone.checkpoint for name in ("term0", "term1")
        )  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="other must have the network"):
        criterion.one.extractor.adopt(criterion.other.extractor)  # type: ignore[union-attr, operator]


@needs_torch(2, 7, "the compiler cannot set a function on a module")
def test_a_traced_network_compiles_without_a_break() -> None:
    """Tracing cannot be compiled: it has to be done before, also for a copy with a term that begins
    later.
    """
    terms = {
        layer: Layerwise("resnet18", [layer], weights="random")
        for layer in ("conv1", "layer1", "layer2")
    }  # type: ignore[arg-type]
    criterion = CombinedLoss(**terms | {"layer2": Term(terms["layer2"], start=5)})
    criterion = copy.deepcopy(criterion)
    images = torch.rand(2, 1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    expected = criterion(*images)
    criterion.step = 0
    torch.compiler.reset()
    torch.testing.assert_close(
        torch.compile(criterion, fullgraph=True, backend="eager")(*images),
        expected,
        rtol=1e-5,
        atol=0,
    )
