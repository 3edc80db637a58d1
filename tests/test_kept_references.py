"""What measures compute from a reference alone: computed once, with the same values."""

from __future__ import annotations

import functools
from collections.abc import Callable

import photographs
import pytest
import torch
from torch import Tensor

import ssimloss.functional as F
from ssimloss import _references, losses, metrics
from ssimloss._references import are_kept, kept_references, of_reference

CALLS: list[Tensor] = []


def noted(reference: Tensor, factor: float = 2.0) -> Tensor:
    CALLS.append(reference)
    return factor * reference


@pytest.fixture(autouse=True)
def forget() -> None:
    CALLS.clear()


# --- measures -------------------------------------------------------------------------------------

LOSSES: dict[str, Callable[[], Callable[[Tensor, Tensor], Tensor]]] = {
    "ms_swd": lambda: functools.partial(F.ms_swd, scales=2, projections=4),
    "mad": lambda: F.mad,
    "vsi": lambda: F.vsi_loss,
    "iw_ssim": lambda: functools.partial(F.iw_ssim_loss, scale_weights=(0.3, 0.7)),
    "vif_wavelet": lambda: functools.partial(F.vif_wavelet_loss, levels=3),
    "lpips": lambda: losses.LPIPS("squeezenet1_1"),
    "embedded": lambda: metrics.measure("embedded").distance.module,
}


@pytest.mark.parametrize("name", LOSSES)
def test_values_and_gradients_are_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two references in turn, the second of which is written over the first; all bits."""
    loss = LOSSES[name]()
    pred, target = (image[:2].float() for image in photographs.batch(45, 42))
    hits = []
    found = _references._Kept.get

    def counted(kept: _references._Kept, *arguments: object) -> object:
        before = kept.count
        result = found(kept, *arguments)
        hits.append(kept.count == before)
        return result

    monkeypatch.setattr(_references._Kept, "get", counted)

    def results() -> list[Tensor]:
        reference, results = target[:1].clone(), []
        for turn in range(4):
            reference.copy_(target[turn % 2 : turn % 2 + 1])
            image = pred[turn // 2 : turn // 2 + 1].clone().requires_grad_()
            value = loss(image, reference)
            results += [value.detach(), *torch.autograd.grad(value.sum(), image)]
            with torch.no_grad():
                results.append(loss(image, reference))
        return results

    expected = results()
    assert not hits
    with kept_references():
        for one, other in zip(results(), expected, strict=True):
            assert torch.equal(one, other)
    assert sum(hits) >= len(hits) // 2 > 0


def test_a_target_that_needs_a_gradient_is_not_kept() -> None:
    x, y = (image[:1].float() for image in photographs.batch(45, 42))
    loss = functools.partial(F.ms_swd, scales=2, projections=4)
    target = y.clone().requires_grad_()
    (expected,) = torch.autograd.grad(loss(x, target), target)
    with kept_references():
        loss(x, y)
        assert torch.equal(torch.autograd.grad(loss(x, target), target)[0], expected)


# --- what is kept ---------------------------------------------------------------------------------


def test_computed_once_for_equal_values() -> None:
    image = torch.arange(4.0)
    assert of_reference(noted, image) is not of_reference(noted, image)  # nothing is kept outside
    CALLS.clear()
    with kept_references():
        first = of_reference(noted, image)
        assert of_reference(noted, image.clone()) is first
        assert len(CALLS) == 1
        for other in (image.double(), image.view(2, 2), image + 1):
            assert of_reference(noted, other).equal(2 * other)
        assert of_reference(noted, image, 3.0).equal(3 * image)
        with torch.no_grad():
            of_reference(noted, image)
        assert len(CALLS) == 6
        image += 1
        assert of_reference(noted, image).equal(2 * image)
    assert not are_kept(image)


def test_what_is_not_plain_is_computed_each_time() -> None:
    image = torch.arange(4.0)
    with kept_references():
        assert are_kept(image)
        with torch.inference_mode():
            assert not are_kept(image)
        for _ in range(2):
            of_reference(noted, image.clone().requires_grad_())
            torch.vmap(functools.partial(of_reference, noted))(image[None])
        assert len(CALLS) == 4
        weight = torch.ones(4, requires_grad=True)
        for _ in range(2):  # a graph is not kept, whose second backward pass would be an error
            (gradient,) = torch.autograd.grad(of_reference(_Scaled(weight), image).sum(), weight)
            assert gradient.equal(2 * image)


class _Scaled:
    """A network in training."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight

    def __call__(self, image: Tensor) -> Tensor:
        return image * self.weight.square()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Scaled) and other.weight is self.weight

    def __hash__(self) -> int:
        return id(self.weight)


def test_bytes_and_references_are_bounded() -> None:
    images = [torch.full((1000,), float(value)) for value in range(18)]
    with kept_references(most=3 * 8000):
        for image in images[:4]:
            of_reference(noted, image)
        of_reference(noted, images[1])  # there
        assert len(CALLS) == 4
        of_reference(noted, images[0])  # displaced by the fourth
        assert len(CALLS) == 5
        of_reference(noted, torch.zeros(2000))  # displaces two
        of_reference(noted, torch.zeros(4000))  # more than may be kept
        of_reference(noted, images[0])
        assert len(CALLS) == 7
        kept = _references._KEPT.get()
        assert kept is not None
        assert kept.bytes == sum(entry.bytes for entry in kept.entries.values()) <= kept.most
    CALLS.clear()
    with kept_references():
        for image in images:
            of_reference(noted, image)
        for image in images[2:]:
            of_reference(noted, image)
        assert len(CALLS) == 18
        of_reference(noted, images[0])
        assert len(CALLS) == 19
