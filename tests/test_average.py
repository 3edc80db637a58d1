"""Distances of downscaled images: filters, masks, and what they do not see."""

from __future__ import annotations

import battery
import pytest
import reference
import torch
import torch.nn.functional as tnf

import ssimloss.functional as F


@pytest.mark.parametrize(
    ("factor", "name", "distance"),
    [(4, "area", "charbonnier"), (3, "bilinear", "l1"), (5, "bicubic", "l2"), (1, "area", "l1")],
)
def test_equals_its_definition(factor: int, name: str, distance: str) -> None:
    """Sides that are no multiple of the factor."""
    pred, target = battery.pictures()
    options = {"distance": distance, "eps": 0.01}
    expected = reference.average(pred.numpy(), target.numpy(), factor=factor, name=name, **options)
    found = F.average(pred, target, downscale=factor, filter=name, reduction="image", **options)
    battery.close(found, torch.as_tensor(expected), 1e-13)


@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
def test_filters_are_those_of_pytorch(name: str) -> None:
    pred, target = battery.pictures()
    values = F.average(pred, target, downscale=3, filter=name, distance="l2", reduction="none")
    scaled = tnf.interpolate(pred - target, scale_factor=1 / 3, mode=name, antialias=True)
    battery.close(values, scaled.square(), 1e-13)


def test_detail_is_not_seen() -> None:
    """A pattern of period 4 costs nothing, its mean does; gradients are even over a block."""
    _, target = battery.pictures(dtype=torch.float32)
    pattern = 0.2 * torch.tensor([1.0, -1.0, -1.0, 1.0]).repeat(target.shape[3] // 4 + 1)
    pred = (target + pattern[: target.shape[3]]).requires_grad_()
    assert F.average(pred, target) < 1e-6
    battery.close(F.average(pred + 0.25, target), 0.25, 1e-6)
    (gradient,) = torch.autograd.grad(F.average(pred + 0.25, target, reduction="sum"), pred)
    assert (gradient[:, :, :8, :8] == 1 / 16).all()


def test_blocks_count_their_valid_pixels() -> None:
    pred, target = battery.pictures()
    mask = battery.hole(pred.shape)
    mask[:, :, 4:8, 8:12] = False  # a whole block
    hidden = torch.where(mask, pred, torch.nan)
    expected = F.average(pred, target, mask=mask)
    battery.close(F.average(hidden, target, mask=mask), expected)
    assert (F.average(pred, target, mask=mask, reduction="none")[:, :, 1, 2] == 0).all()
    assert not torch.equal(expected, F.average(pred, target))
    weight = torch.rand(pred.shape, dtype=pred.dtype, generator=torch.Generator().manual_seed(0))
    sums = [tnf.avg_pool2d(weight * image, 4) for image in (pred - target, torch.ones_like(pred))]
    by_hand = (sums[0].abs()).sum() / sums[1].sum()
    battery.close(F.average(pred, target, mask=weight), by_hand)


def test_gradient() -> None:
    pair = [
        torch.rand(1, 2, 5, 6, dtype=torch.float64, requires_grad=True) + shift for shift in (0, 2)
    ]
    for name in ("area", "bilinear", "bicubic"):
        assert torch.autograd.gradcheck(
            lambda x, y, f=name: F.average(x, y, downscale=2, filter=f), pair
        )


def test_errors_name_the_argument() -> None:
    pred, target = battery.pictures()
    with pytest.raises(ValueError, match=r"filter must be one of 'area', 'bilinear', 'bicubic'"):
        F.average(pred, target, filter="lanczos")
    with pytest.raises(ValueError, match=r"at least 64 pixels on the short side, for blocks of 64"):
        F.average(pred, target, downscale=64)
    with pytest.raises(ValueError, match=r"mask must be None for filter='bicubic'.*filter='area'"):
        F.average(pred, target, mask=torch.ones_like(pred), filter="bicubic")
