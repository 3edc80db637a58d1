"""Total variation in the conventions of the implementations it is matched to."""

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

NORMS = ("anisotropic", "isotropic", "squared", "image_l2")
WITHIN = ("mean", "sum")


def loss_of(norm: str, within_image: str) -> battery.Loss:
    """Total variation in the battery's form: the second image is not looked at."""

    def loss(pred: Tensor, _: Tensor, **options: object) -> Tensor:
        return F.total_variation_loss(pred, norm=norm, within_image=within_image, **options)

    return loss


# --- values ---------------------------------------------------------------------------------------

SMALL = torch.tensor([[[[0.0, 3.0], [4.0, 4.0]]]], dtype=torch.float64)  # dx 3, 0; dy 4, 1


@pytest.mark.parametrize(
    ("norm", "within_image", "expected"),
    [
        ("anisotropic", "mean", 1.5 + 2.5),
        ("anisotropic", "sum", 8.0),
        ("isotropic", "mean", (5 + 1) / 4),
        ("isotropic", "sum", 5 + 1.0),
        ("squared", "mean", 4.5 + 8.5),
        ("squared", "sum", 26.0),
        ("image_l2", "mean", math.sqrt(13)),
        ("image_l2", "sum", math.sqrt(26)),
    ],
)
def test_values_by_hand(norm: str, within_image: str, expected: float) -> None:
    battery.close(F.total_variation_loss(SMALL, norm=norm, within_image=within_image), expected)


def test_map_by_hand() -> None:
    maps = {
        "anisotropic": [[7.0, 1.0], [0.0, 0.0]],
        "isotropic": [[5.0, 1.0], [0.0, 0.0]],
        "squared": [[25.0, 1.0], [0.0, 0.0]],
    }
    for norm, expected in maps.items():
        for within_image in WITHIN:
            actual = F.total_variation_loss(
                SMALL, norm=norm, within_image=within_image, reduction="none"
            )
            battery.close(actual, torch.tensor([[expected]], dtype=torch.float64))


@pytest.mark.parametrize("case", ["even", "odd", "gray"])
def test_reference(case: str) -> None:
    x, _ = photographs.arrays(case)
    image, _ = photographs.tensors(case)
    kinds = {
        "mean": ("anisotropic", "mean"),
        "sum": ("anisotropic", "sum"),
        "l2": ("image_l2", "sum"),
        "squared": ("squared", "sum"),
        "isotropic": ("isotropic", "sum"),
    }
    for kind, (norm, within_image) in kinds.items():
        actual = F.total_variation_loss(
            image, norm=norm, within_image=within_image, reduction="image"
        )
        battery.close(actual, torch.from_numpy(reference.total_variation(x, kind=kind)))


def test_other_programs() -> None:
    import kornia
    import piq
    import torchmetrics.functional.image

    image, _ = photographs.batch()
    tv = functools.partial(F.total_variation_loss, image)
    battery.close(
        tv(reduction="image"), kornia.losses.total_variation(image, reduction="mean").mean(1)
    )
    battery.close(
        tv(within_image="sum", reduction="image"),
        kornia.losses.total_variation(image, reduction="sum").sum(1),
    )
    for reduction, theirs in (("mean", "mean"), ("sum", "sum"), ("image", "none")):
        peer = torchmetrics.functional.image.total_variation(image, reduction=theirs)
        battery.close(tv(within_image="sum", reduction=reduction), peer)
        for norm, theirs_norm in (
            ("anisotropic", "l1"),
            ("image_l2", "l2"),
            ("squared", "l2_squared"),
        ):
            peer = piq.total_variation(image, reduction=theirs, norm_type=theirs_norm)
            battery.close(tv(norm=norm, within_image="sum", reduction=reduction), peer)
    basicsr = (image[..., 1:] - image[..., :-1]).abs().mean() + (
        image[..., 1:, :] - image[..., :-1, :]
    ).abs().mean()
    battery.close(tv(), basicsr)


def test_conventions_differ() -> None:
    """No convention passes for another one."""
    image, _ = photographs.tensors("odd")
    values = [
        F.total_variation_loss(image, norm=norm, within_image=within)
        for norm in NORMS
        for within in WITHIN
    ]
    for i, value in enumerate(values):
        for other in values[:i]:
            with pytest.raises(AssertionError, match="off by"):
                battery.close(value, other, 0.01)


def test_properties() -> None:
    image, _ = battery.pictures()
    for norm in NORMS:
        for within_image in WITHIN:
            tv = functools.partial(F.total_variation_loss, norm=norm, within_image=within_image)
            assert tv(torch.full_like(image, 0.7)) == 0
            battery.close(tv(image + 0.3), tv(image))
            battery.close(tv(image.transpose(2, 3)), tv(image)) if norm != "isotropic" else None
            battery.close(tv(3 * image), (9 if norm == "squared" else 3) * tv(image))
            if within_image == "sum" or norm == "image_l2":
                battery.close(tv(image, reduction="sum"), tv(image, reduction="image").sum())
    total = {
        norm: F.total_variation_loss(image, norm=norm, within_image="sum", reduction="image")
        for norm in NORMS
    }
    assert (total["isotropic"] <= total["anisotropic"]).all()
    assert (total["anisotropic"] <= math.sqrt(2) * total["isotropic"]).all()
    battery.close(total["image_l2"] ** 2, total["squared"])


def test_sizes_without_neighbours() -> None:
    column, pixel = torch.tensor([0.0, 2.0, 3.0]).view(1, 1, 3, 1), torch.ones(1, 1, 1, 1)
    for norm, expected in (
        ("anisotropic", 1.5),
        ("isotropic", 1.0),
        ("squared", 2.5),
        ("image_l2", math.sqrt(2.5)),
    ):
        battery.close(F.total_variation_loss(column, norm=norm), expected, 1e-6)
        assert F.total_variation_loss(pixel, norm=norm) == 0
        assert F.total_variation_loss(column.mT, norm=norm) == F.total_variation_loss(
            column, norm=norm
        )


def test_gradient_of_the_roots() -> None:
    """Where the image is flat the gradient is 0, for tiny differences it is bounded, and the value
    stays exact.
    """
    flat = torch.zeros(1, 1, 4, 4, requires_grad=True)
    for norm in ("isotropic", "image_l2"):
        (gradient,) = torch.autograd.grad(
            F.total_variation_loss(flat, norm=norm, within_image="sum"), flat
        )
        assert (gradient == 0).all()
        for height in (1e-3, 1e-12, 1e-18, 1e-25):
            spike = torch.zeros(1, 1, 4, 4)
            spike[0, 0, 1, 1] = height
            value, gradient = battery.differentiate(loss_of(norm, "sum"), spike, spike)
            assert gradient.abs().max() <= 4.0001
            if height >= 1e-18:
                battery.close(
                    value, height * (2 + math.sqrt(2) if norm == "isotropic" else 2), 1e-6
                )


# --- masks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("within_image", WITHIN)
def test_mask_is_a_crop(norm: str, within_image: str) -> None:
    battery.mask_is_a_crop(loss_of(norm, within_image))


def test_weights() -> None:
    image, _ = battery.pictures()
    mask = torch.rand(3, 1, 24, 31, dtype=torch.float64)
    dx, dy = image[..., 1:] - image[..., :-1], image[..., 1:, :] - image[..., :-1, :]
    wx, wy = (
        (mask[..., 1:] * mask[..., :-1]).expand_as(dx),
        (mask[..., 1:, :] * mask[..., :-1, :]).expand_as(dy),
    )
    expected = (wx * dx.abs()).sum() / wx.sum() + (wy * dy.abs()).sum() / wy.sum()
    battery.close(F.total_variation_loss(image, mask=mask), expected)
    images = (wx * dx**2).sum((1, 2, 3)) + (wy * dy**2).sum((1, 2, 3))
    battery.close(
        F.total_variation_loss(
            image, norm="squared", within_image="sum", mask=mask, reduction="image"
        ),
        images,
    )
    battery.close(
        F.total_variation_loss(image, norm="image_l2", within_image="sum", mask=mask),
        images.sqrt().mean(),
    )


def test_image_without_valid_pixels_does_not_count() -> None:
    image, _ = battery.pictures()
    mask = torch.ones(3, 1, 24, 31, dtype=torch.bool)
    mask[1] = False
    for norm in ("anisotropic", "isotropic", "squared"):
        expected = F.total_variation_loss(image[::2], norm=norm)
        battery.close(F.total_variation_loss(image, norm=norm, mask=mask), expected)


# --- dtypes, names, errors ------------------------------------------------------------------------


def test_image_l2_has_one_number_per_image() -> None:
    for dtype in (torch.float16, torch.bfloat16):
        image = battery.pictures()[0].to(dtype)
        values = F.total_variation_loss(image, norm="image_l2", reduction="none")
        assert values.dtype is torch.float32
        battery.close(
            values, F.total_variation_loss(image.double(), norm="image_l2", reduction="image"), 2e-6
        )
    assert F.total_variation_loss(
        torch.zeros(0, 3, 8, 8), norm="image_l2", reduction="none"
    ).shape == (0,)


def test_two_names() -> None:
    assert F.total_variation is F.total_variation_loss


@pytest.mark.parametrize("norm", NORMS[1:])
def test_compiles(norm: str) -> None:
    """Other options than those that every loss is compiled with."""
    battery.compiles(loss_of(norm, "mean"), "aot_eager")


def test_bad_arguments() -> None:
    for build in (
        functools.partial(F.total_variation_loss, torch.rand(1, 3, 8, 8)),
        ssimloss.TotalVariationLoss,
    ):
        with pytest.raises(
            ValueError,
            match="norm must be one of 'anisotropic', 'isotropic', 'squared', 'image_l2', got 'l1'",
        ):
            build(norm="l1")
        with pytest.raises(
            ValueError, match="within_image must be one of 'mean', 'sum', got 'none'"
        ):
            build(within_image="none")
        with pytest.raises(ValueError, match="reduction must be one of"):
            build(reduction="batchmean")
