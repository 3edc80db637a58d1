"""Interpolation by bands of a matrix, maps that are computed again for their gradient, and images
that are computed one after another.
"""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from torch import Tensor

from ssimloss.functional import _resizing as resizing
from ssimloss.functional._one_by_one import one_by_one
from ssimloss.functional._recomputation import computed_again


@pytest.mark.parametrize("build", [resizing.smooth, resizing.points, resizing.corners])
@pytest.mark.parametrize("size", [(90, 40), (33, 101), (64, 36), (71, 50)])
def test_bands_are_the_whole_matrix(build: resizing.Build, size: tuple[int, int]) -> None:
    """Larger and smaller, one side kept, and one too small for bands; with both derivatives."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(2, 3, 64, 50, dtype=torch.float64, generator=generator).requires_grad_()
    rows, columns = (
        torch.from_numpy(np.asarray(build(length, wanted)))
        for length, wanted in zip((64, 50), size, strict=True)
    )
    expected = rows @ image @ columns.mT
    found = resizing.resized(image, size, build)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    upstream = torch.randn(found.shape, dtype=found.dtype, generator=generator).requires_grad_()
    (ours,) = torch.autograd.grad(found, image, upstream, create_graph=True)
    torch.testing.assert_close(ours, rows.mT @ upstream @ columns, rtol=1e-12, atol=1e-12)
    (second,) = torch.autograd.grad(ours.square().sum() / 2, upstream)
    torch.testing.assert_close(second, rows @ ours @ columns.mT, rtol=1e-12, atol=1e-12)


def test_computed_again_keeps_the_image_alone() -> None:
    made: list[weakref.ref[Tensor]] = []

    def equation(image: Tensor) -> Tensor:
        inner = image.exp()
        made.append(weakref.ref(inner))
        return inner.square()

    image = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    value = computed_again(equation, image)
    assert made[0]() is None
    (slope,) = torch.autograd.grad(value.sum(), image, create_graph=True)
    torch.testing.assert_close(slope, 2 * value)
    (second,) = torch.autograd.grad(slope.sum(), image)
    torch.testing.assert_close(second, 4 * value.detach())
    assert torch.func.vmap(lambda each: computed_again(equation, each))(image).shape == (2, 3)
    with torch.no_grad():
        assert not computed_again(equation, image).requires_grad


def test_computed_again_of_two_images() -> None:
    """Whichever of them asks for a gradient; also if one is computed from the other."""
    x, y = torch.rand(2, 3, dtype=torch.float64).unbind()
    for asks in ((True, True), (True, False), (False, True)):
        given = [image.clone().requires_grad_(ask) for image, ask in zip((x, y), asks, strict=True)]
        asking = [image for image in given if image.requires_grad]
        found = torch.autograd.grad(computed_again(torch.mul, *given).sum(), asking)
        wanted = [other for other, ask in zip((y, x), asks, strict=True) if ask]
        assert all(torch.equal(ours, exact) for ours, exact in zip(found, wanted, strict=True))
    x.requires_grad_()
    (slope,) = torch.autograd.grad(computed_again(torch.mul, x, 3 * x).sum(), x, create_graph=True)
    torch.testing.assert_close(slope, 6 * x)
    (second,) = torch.autograd.grad(slope.sum(), x)
    torch.testing.assert_close(second, torch.full_like(x, 6))


def test_one_by_one_keeps_no_graph() -> None:
    made: list[weakref.ref[Tensor]] = []
    batches: list[int] = []

    def equation(x: Tensor, y: Tensor) -> Tensor:
        inner = x.exp() * y.square()
        made.append(weakref.ref(inner))
        batches.append(len(x))
        return inner.flatten(1).square().sum(1, keepdim=True)

    x, y = torch.rand(2, 3, 1, 4, 5, dtype=torch.float64)
    upstream = torch.tensor([[1.0], [2.0], [-3.0]], dtype=torch.float64)
    for asks in ((True, False), (False, True), (True, True)):
        given = [i.clone().requires_grad_(ask) for i, ask in zip((x, y), asks, strict=True)]
        asking = [image for image in given if image.requires_grad]
        expected = torch.autograd.grad(equation(*given), asking, upstream)
        made.clear()
        batches.clear()
        found = one_by_one(equation, *given)
        assert batches == [1, 1, 1]
        assert all(each() is None for each in made)
        torch.testing.assert_close(found, equation(x, y))
        for _ in range(2):  # the second one computes again what the first has returned
            slopes = torch.autograd.grad(found, asking, upstream, retain_graph=True)
            torch.testing.assert_close(slopes, expected)
        (first,) = torch.autograd.grad(found.sum(), asking[:1], create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), asking[0])
        assert second.shape == x.shape
    batches.clear()
    with torch.no_grad():
        assert not one_by_one(equation, *given).requires_grad
    assert batches == [3]
    images = torch.stack((x, y))
    slopes = torch.func.grad(lambda x: one_by_one(equation, x, y).sum())(images[0])
    torch.testing.assert_close(slopes, 2 * x.exp().square() * y**4)
