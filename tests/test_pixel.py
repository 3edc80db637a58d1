"""Pixel distances and PSNR; and the battery itself, shown to fail on planted faults."""

from __future__ import annotations

import functools
import math

import battery
import photographs
import pytest
import reference
import torch
from torch import Tensor

import ssimloss
import ssimloss.functional as F

LOSSES = {
    "l1": F.l1_loss,
    "l2": F.l2_loss,
    "charbonnier": F.charbonnier_loss,
    "charbonnier, zero": functools.partial(F.charbonnier_loss, eps=1e-2, at_zero="zero"),
}
CHECKS = (battery.reductions, battery.mask_is_a_crop)

# --- values ---------------------------------------------------------------------------------------

SMALL = (
    torch.tensor([[[[0.0, 1.0], [0.5, 0.25]]]], dtype=torch.float64),
    torch.tensor([[[[0.0, 0.0], [1.0, 0.25]]]], dtype=torch.float64),
)


def test_values_by_hand() -> None:
    battery.close(F.l1_loss(*SMALL), 1.5 / 4)
    battery.close(F.l2_loss(*SMALL), 1.25 / 4)
    # d = 0, 1, -0.5, 0 and eps = 0.75: sqrt(.5625), sqrt(1.5625), sqrt(.8125), sqrt(.5625)
    battery.close(
        F.charbonnier_loss(*SMALL, eps=0.75), (0.75 + 1.25 + math.sqrt(0.8125) + 0.75) / 4
    )
    battery.close(
        F.charbonnier_loss(*SMALL, eps=0.75, at_zero="zero"), (1.25 + math.sqrt(0.8125) - 1.5) / 4
    )
    battery.close(F.psnr(*SMALL), 10 * math.log10(1 / 0.3125))


@pytest.mark.parametrize("case", ["even", "odd", "gray"])
def test_reference(case: str) -> None:
    x, y = photographs.arrays(case)
    pred, target = photographs.tensors(case)
    battery.close(F.l1_loss(pred, target, reduction="none"), torch.from_numpy(reference.l1(x, y)))
    battery.close(F.l2_loss(pred, target, reduction="none"), torch.from_numpy(reference.l2(x, y)))
    battery.close(
        F.charbonnier_loss(pred, target, reduction="none"),
        torch.from_numpy(reference.charbonnier(x, y)),
    )
    mask = battery.hole(torch.Size((2, 1, *pred.shape[2:])))[:1].double()
    battery.close(
        F.l1_loss(pred, target, mask=mask), reference.reduce(reference.l1(x, y), mask.numpy())
    )
    for data_range in (1.0, 255.0, (-1.0, 1.0)):
        battery.close(
            F.psnr(pred, target, data_range=data_range, reduction="image"),
            torch.from_numpy(reference.psnr(x, y, data_range=data_range)),
        )


def test_charbonnier_of_other_programs() -> None:
    import kornia

    pred, target = battery.pictures()
    battery.close(
        F.charbonnier_loss(pred, target, eps=1.0, at_zero="zero"),
        kornia.losses.charbonnier_loss(pred, target, reduction="mean"),
    )
    basicsr = torch.sqrt((pred - target) ** 2 + 1e-12).mean()
    battery.close(F.charbonnier_loss(pred, target, eps=1e-6), basicsr)


def test_psnr_of_other_programs() -> None:
    import kornia
    import piq
    import torchmetrics.functional.image
    from skimage.metrics import peak_signal_noise_ratio

    pred, target = photographs.batch()
    images = torch.tensor(
        [
            peak_signal_noise_ratio(t.numpy(), p.numpy(), data_range=1.0)
            for p, t in zip(pred, target, strict=True)
        ]
    )
    battery.close(F.psnr(pred, target, reduction="image"), images)
    battery.close(
        F.psnr(pred, target, eps=1e-8, reduction="image"), piq.psnr(pred, target, reduction="none")
    )
    battery.close(F.psnr(pred, target, pooling="batch"), kornia.metrics.psnr(pred, target, 1.0))
    pooled = torchmetrics.functional.image.peak_signal_noise_ratio(pred, target, data_range=1.0)
    # torchmetrics keeps the logarithm of the range in float32.
    battery.close(F.psnr(pred, target, pooling="batch"), pooled, 1e-6)
    assert (pooled - images.mean()).abs() > 0.1


def test_psnr_properties() -> None:
    pred, target = battery.pictures()
    assert F.psnr(target, target).isposinf()
    battery.close(F.psnr(target, target, eps=1e-8), 80.0)
    battery.close(F.psnr(255 * pred, 255 * target, data_range=255), F.psnr(pred, target))
    battery.close(F.psnr(2 * pred - 1, 2 * target - 1, data_range=(-1, 1)), F.psnr(pred, target))
    images = F.psnr(pred, target, reduction="image")
    battery.close(F.psnr(pred, target), images.mean())
    battery.close(F.psnr(pred, target, reduction="sum"), images.sum())
    mask = battery.hole(pred.shape)
    spoilt = pred.masked_fill(mask.logical_not(), math.nan)
    inside = mask.expand_as(pred)[0]
    battery.close(
        F.psnr(spoilt, target, mask=mask, reduction="image")[0],
        F.psnr(pred[0][inside].view(1, 1, 1, -1), target[0][inside].view(1, 1, 1, -1)),
    )


def test_equal_images() -> None:
    image = battery.pictures()[0]
    assert (
        F.l1_loss(image, image)
        == F.l2_loss(image, image)
        == F.charbonnier_loss(image, image, at_zero="zero")
        == 0
    )
    battery.close(F.charbonnier_loss(image, image, eps=1e-3), 1e-3)


def test_pixel_weights() -> None:
    pred, target = battery.pictures()
    weight = torch.rand(3, 1, *pred.shape[2:], dtype=torch.float64)
    everywhere = weight.expand_as(pred)
    battery.close(
        F.l1_loss(pred, target, mask=weight),
        ((pred - target).abs() * everywhere).sum() / everywhere.sum(),
    )


# --- battery --------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", LOSSES)
def test_battery(name: str, check: object) -> None:
    check(LOSSES[name])


@pytest.mark.parametrize("name", ["l1", "charbonnier"])
def test_messages(name: str) -> None:
    battery.rejects_bad_input(LOSSES[name])


def test_two_names() -> None:
    assert (F.l1, F.l2, F.charbonnier) == (F.l1_loss, F.l2_loss, F.charbonnier_loss)


def test_compiles() -> None:
    battery.compiles(LOSSES["charbonnier, zero"], "aot_eager")


def test_bad_options() -> None:
    image = torch.rand(1, 3, 8, 8)
    for build in (functools.partial(F.charbonnier_loss, image, image), ssimloss.CharbonnierLoss):
        with pytest.raises(ValueError, match="eps must be positive, got 0"):
            build(eps=0)
        with pytest.raises(
            ValueError, match=r"eps must be at least 1e-18 .* got 1e-25; use l1_loss"
        ):
            build(eps=1e-25)
        with pytest.raises(TypeError, match="eps must be a number, got str"):
            build(eps="1e-3")
        with pytest.raises(ValueError, match="at_zero must be one of 'eps', 'zero', got 'none'"):
            build(at_zero="none")
    with pytest.raises(ValueError, match="reduction must be one of"):
        ssimloss.L1Loss(reduction="batchmean")
    with pytest.raises(ValueError, match="pooling must be one of 'image', 'batch', got 'all'"):
        F.psnr(image, image, pooling="all")
    with pytest.raises(ValueError, match="data_range must span a positive interval, got 0"):
        F.psnr(image, image, data_range=0)
    with pytest.raises(ValueError, match="eps must not be negative, got -1"):
        F.psnr(image, image, eps=-1)


# --- the battery itself: a fault planted under each check -----------------------------------------


def _difference(
    pred: Tensor, target: Tensor, mask: Tensor | None = None, reduction: str = "none"
) -> Tensor:
    assert reduction
    return pred - target if mask is None else (pred - target) * mask


def _of_whole_batch(pred: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    return F.l1_loss(pred, target, reduction=reduction) / (pred - target).abs().max()


def _sum_is_mean(pred: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    return F.l1_loss(pred, target, reduction="mean" if reduction == "sum" else reduction)


def _shifted_map(pred: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    return F.l1_loss(pred[..., 1:], target[..., 1:], reduction=reduction)


def _divided_by_all(
    pred: Tensor, target: Tensor, mask: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    value = F.l1_loss(pred, target, mask=mask, reduction=reduction)
    return value if mask is None or reduction != "mean" else value * mask.double().mean()


def _other_when_compiled(pred: Tensor, target: Tensor) -> Tensor:
    return F.l1_loss(pred, target) * (1.001 if torch.compiler.is_compiling() else 1)


PLANTED = {
    "other curve": (lambda loss: battery.close(loss(*SMALL), 0.375), F.l2_loss, "off by"),
    "other shape": (
        lambda loss: battery.close(loss(*SMALL, reduction="image"), 0.375),
        F.l1_loss,
        "torch.Size",
    ),
    "not a number": (
        lambda loss: battery.close(loss(*SMALL), 0.375),
        lambda p, t: (p - p) / (t - t).sum(),
        "off by nan|torch.Size",
    ),
    "wrong derivative": (
        battery.derivative_is_right,
        lambda p, t: F.l2_loss(p, t) + (p - p.detach()).sum(),
        "not the derivative",
    ),
    "root of zero": (
        battery.finite_everywhere,
        lambda p, t: (p - t).square().sum().sqrt(),
        "identical: .* gradients are not finite",
    ),
    "batch statistics": (battery.batch_is_singles, _of_whole_batch, "off by"),
    "sum": (battery.reductions, _sum_is_mean, "off by"),
    "smaller map": (battery.reductions, _shifted_map, "torch.Size"),
    "mask not in the mean": (battery.mask_is_a_crop, _divided_by_all, "off by"),
    "unchecked": (battery.rejects_bad_input, _difference, "expected TypeError 'pred must be"),
    "compiled": (
        lambda loss: battery.compiles(loss, "aot_eager"),
        _other_when_compiled,
        "off by 0.001",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_fault_is_found(name: str) -> None:
    check, fault, complaint = PLANTED[name]
    with pytest.raises(AssertionError, match=complaint):
        check(fault)


def test_psnr_has_a_finite_gradient_at_equal_images_and_hides_no_nan() -> None:
    target = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    pred = target.clone()
    pred[1] += 0.1
    value = F.psnr(pred.requires_grad_(), target, reduction="image")
    assert value[0] == torch.inf
    (gradient,) = torch.autograd.grad(value[1] + value[0], pred)
    assert gradient.isfinite().all()
    assert gradient[0].eq(0).all()
    assert gradient[1].ne(0).all()
    assert F.psnr(target * torch.nan, target).isnan()


def test_the_gradient_of_psnr_is_that_of_its_equation() -> None:
    """Its decibels have a derivative of their own, which has one, too."""
    generator = torch.Generator().manual_seed(0)
    pred, target = torch.rand(2, 2, 3, 5, 4, generator=generator, dtype=torch.float64)
    pred.requires_grad_()
    scores = F.psnr(pred, target, reduction="image")
    (slope,) = torch.autograd.grad(scores.sum(), pred)
    error = (pred - target).detach()
    squares = error.square().sum((1, 2, 3), keepdim=True)
    torch.testing.assert_close(slope, -20 / math.log(10) * error / squares, rtol=1e-12, atol=0)
    assert torch.autograd.gradgradcheck(lambda x: F.psnr(x, target), pred)
