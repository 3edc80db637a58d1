"""The information that weights IW-SSIM, by the native library beside its equation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from native_agreement import agree, off
from torch import Tensor

import ssimloss.functional as F
from ssimloss.functional._covariances import principal
from ssimloss.functional.iw_ssim import _bits, _products
from ssimloss.kernels import library

pytestmark = pytest.mark.skipif(
    library.why_not() is not None, reason="the native library is not built"
)
NUMBERS: dict[str, Any] = {"noise": 0.4, "flat": 1e-15, "least": 1e-8}
ops = torch.ops.ssimloss


def bands(size: tuple[int, ...], dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    """Two bands and a parent: alike, with a flat part in each, and one where they are opposite."""
    generator = torch.Generator().manual_seed(sum(size))
    x, y = 20 * torch.randn(2, *size, dtype=torch.float64, generator=generator)
    x = 0.8 * y + 0.3 * x
    x[..., :7, :8], y[..., 3:9, 4:13], x[..., -9:, :] = 1.0, -2.0, -x[..., -9:, :]
    parent = 0.5 * y[..., 1:-1, 1:-1] + 5 * torch.randn(
        *y[..., 1:-1, 1:-1].shape, dtype=torch.float64, generator=generator
    )
    return x.to(dtype), y.to(dtype), parent.to(dtype)


def mixture(y: Tensor, parent: Tensor | None) -> tuple[Tensor, Tensor]:
    """Rotated covariance and factor, by the equation."""
    rotated, factor = principal(_products(y, parent), 1e-8)
    return rotated.to(y.dtype), factor.to(y.dtype)


@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize("size", [(2, 1, 11, 12), (1, 1, 19, 45), (2, 1, 30, 27)])
@pytest.mark.parametrize("with_parent", [True, False])
def test_no_worse_than_its_equation(size: tuple[int, ...], with_parent: bool) -> None:
    x, y, parent = bands(size)
    given = parent if with_parent else None
    rotated, factor = mixture(y, given)
    torch.testing.assert_close(
        ops.neighbour_products(y, given, "cpu"), _products(y, given), rtol=1e-12, atol=1e-12
    )
    found: dict[tuple[torch.dtype, bool], list[Tensor]] = {}
    for dtype in (torch.float64, torch.float32):
        image = x.to(dtype).requires_grad_()
        fixed = [y.to(dtype), None if given is None else given.to(dtype)]
        of_mixture = rotated.to(dtype), factor.to(dtype)
        for native in (False, True):
            if native:
                variances = of_mixture[0].diagonal(dim1=1, dim2=2)
                arguments = (image, *fixed, of_mixture[1], variances, *NUMBERS.values(), "cpu")
                value = ops.information_map(*arguments)
            else:
                of_y = dict(
                    zip(("y", "parent", "rotated", "factor"), (*fixed, *of_mixture), strict=True)
                )
                value = _bits(image, **of_y, **NUMBERS)
            upstream = torch.linspace(-1, 2, value.numel(), dtype=dtype).view_as(value)
            (slope,) = torch.autograd.grad(value, image, upstream)
            found[dtype, native] = [value.detach(), slope]
    exact = found[torch.float64, False]
    # Where both bands vary alike, what no gain explains is a small difference.
    for ours, wanted in zip(found[torch.float64, True], exact, strict=True):
        assert off(ours, wanted) <= 1e-12
    agree(found[torch.float32, True], found[torch.float32, False], exact, case=size)


@pytest.mark.usefixtures("instructions")
def test_limits_of_the_equation() -> None:
    """Where a band counts as flat although it varies, and where products of factors are beyond what
    float32 holds: values and gradients of the equation.
    """
    x, y, _ = bands((1, 1, 19, 45))
    rotated, factor = mixture(y, None)
    for dtype, least, scale in ((torch.float64, 200.0, 1.0), (torch.float32, 1e-8, 2e8)):
        numbers = {**NUMBERS, "least": least}
        fixed, of_mixture = y.to(dtype), (rotated.to(dtype), (scale * factor).to(dtype))
        found = []
        for native in (True, False):
            image = x.to(dtype).requires_grad_()
            if native:
                variances = of_mixture[0].diagonal(dim1=1, dim2=2)
                rest = (fixed, None, of_mixture[1], variances, *numbers.values(), "cpu")
                value = ops.information_map(image, *rest)
            else:
                given = {"y": fixed, "parent": None, "rotated": of_mixture[0]}
                value = _bits(image, **given, factor=of_mixture[1], **numbers)
            found.append((value.detach(), torch.autograd.grad(value.sum(), image)[0]))
        for ours, wanted in zip(*found, strict=True):
            assert off(ours, wanted) <= (1e-12 if dtype is torch.float64 else 1e-4), dtype


def test_same_bits_for_any_number_of_threads(threads: Callable[[int], None]) -> None:
    x, y, parent = bands((3, 1, 70, 66), torch.float32)
    results = []
    for count in (1, 2, 5):
        threads(count)
        products = ops.neighbour_products(y, parent, "cpu")
        rotated, factor = (each.float() for each in principal(products, 1e-8))
        given = (x, y, parent, factor, rotated.diagonal(dim1=1, dim2=2), *NUMBERS.values(), "cpu")
        value = ops.information_map(*given)
        results.append((products, value, ops.information_map_backward(value, *given)))
    for one, two, three in zip(*results, strict=True):
        assert torch.equal(one, two)
        assert torch.equal(one, three)


def test_values_that_are_not_finite_stay_in_their_image() -> None:
    x, y, parent = bands((2, 1, 21, 24), torch.float32)
    rotated, factor = mixture(y, parent)
    x[0, 0, 12, 10] = torch.nan
    x.requires_grad_()
    variances = rotated.diagonal(dim1=1, dim2=2)
    value = ops.information_map(x, y, parent, factor, variances, *NUMBERS.values(), "cpu")
    (slope,) = torch.autograd.grad(value.sum(), x)
    assert value[0, 0, 6:9, 4:7].isnan().all()
    assert int(value.isnan().sum()) == 9
    assert slope[0].isnan().any()
    assert slope[1].isfinite().all()


@pytest.mark.filterwarnings("ignore")  # the tracer's own
def test_operators() -> None:
    x, y, parent = bands((2, 1, 13, 14))
    rotated, factor = mixture(y, parent)
    variances = rotated.diagonal(dim1=1, dim2=2)
    rest = (y, parent, factor, variances, *NUMBERS.values(), "cpu")
    torch.library.opcheck(ops.neighbour_products.default, (y, parent, "cpu"))
    torch.library.opcheck(ops.neighbour_products.default, (y, None, "cpu"))
    torch.library.opcheck(ops.information_map.default, (x, *rest))
    value = ops.information_map(x, *rest)
    torch.library.opcheck(ops.information_map_backward.default, (value, x, *rest))
    assert torch.equal(ops.information_map(x.mT.contiguous().mT, *rest), value)
    assert torch.equal(ops.information_map(torch._neg_view(-x), *rest), value)
    empty = [each[:0] for each in (y, parent, factor, variances)]
    assert ops.information_map(x[:0], *empty, *rest[4:]).shape == (0, 1, 3, 4)
    asking = x.clone().requires_grad_()
    with pytest.raises(RuntimeError, match="has no second derivative"):
        torch.autograd.grad(ops.information_map(asking, *rest).sum(), asking, create_graph=True)
    with pytest.raises(ValueError, match="at least 11 pixels"):
        ops.neighbour_products(y[..., :10], parent, "cpu")
    with pytest.raises(ValueError, match=r"parent must be \(2, 1, 11, 12\)"):
        ops.neighbour_products(y, y, "cpu")
    with pytest.raises(TypeError, match="bands must be float32 or float64"):
        ops.neighbour_products(y.half(), None, "cpu")
    with pytest.raises(ValueError, match=r"factor must be \(2, 9, 9\)"):
        ops.information_map(x, y, None, *rest[2:])
    with pytest.raises(ValueError, match="upstream must be"):
        ops.information_map_backward(x, x, *rest)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_iw_ssim_agrees_with_its_equation(dtype: torch.dtype) -> None:
    """Kernels have no gradient of the target, so that asking for it chooses the equation."""
    generator = torch.Generator().manual_seed(2)
    target = torch.rand(2, 1, 50, 47, dtype=torch.float64, generator=generator)
    pred = target + 0.2 * torch.randn(2, 1, 50, 47, dtype=torch.float64, generator=generator)
    pred[:, :, 20:34, 20:33] = 0.5
    found = []
    for of_target in (False, True):
        x, y = pred.to(dtype).requires_grad_(), target.to(dtype).requires_grad_(of_target)
        value = F.iw_ssim(x, y, scale_weights=(0.2, 0.5, 0.3), reduction="sum")
        found.append((value.detach(), torch.autograd.grad(value, x, create_graph=True)[0]))
        found[-1] += (torch.autograd.grad(value, x)[0],)
    tolerance = 1e-11 if dtype is torch.float64 else 2e-5
    for ours, wanted in zip(*found, strict=True):
        assert off(ours.detach(), wanted.detach()) <= tolerance
