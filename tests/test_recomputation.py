"""Interpolation by bands of a matrix, and maps that are computed again for their gradient."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from torch import Tensor

from ssimloss.functional import _resizing as resizing
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
