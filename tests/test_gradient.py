"""Image gradients, the edge loss and the image gradient difference."""

from __future__ import annotations

import functools

import battery
import photographs
import pytest
import reference
import torch
from torch import Tensor

import ssimloss
import ssimloss.functional as F
from ssimloss import image_gradients as gradients

OPERATORS = ("sobel", "scharr", "laplacian")
DISTANCES = ("charbonnier", "l1", "l2")
# Each operator and each distance once, and the exponents of the gradient difference at which pow
# and abs meet differently.
LOSSES = {
    "edge": F.edge_loss,
    "edge, scharr, l1": functools.partial(F.edge_loss, operator="scharr", distance="l1"),
    "edge, laplacian, l2": functools.partial(F.edge_loss, operator="laplacian", distance="l2"),
    "gradient difference": F.gradient_difference_loss,
    "gradient difference 1.5": functools.partial(F.gradient_difference_loss, alpha=1.5),
}
EDGES = [name for name in LOSSES if name.startswith("edge")]


def tensor(array: object) -> Tensor:
    return torch.as_tensor(array, dtype=torch.float64)


# --- operators ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["odd", "gray"])
def test_operators_of_other_programs(case: str) -> None:
    import kornia
    from scipy import ndimage
    from skimage import filters

    image, _ = photographs.tensors(case)
    channel = image[0, 0].numpy()  # scipy takes every axis for space
    dx, dy = gradients.image_gradients(image)
    battery.close(dx[0, 0], tensor(ndimage.sobel(channel, axis=1, mode="nearest")))
    battery.close(dy[0, 0], tensor(ndimage.sobel(channel, axis=0, mode="nearest")))
    across, down = gradients.image_gradients(image, "prewitt")
    battery.close(across[0, 0], tensor(ndimage.prewitt(channel, axis=1, mode="nearest")))
    battery.close(down[0, 0], tensor(ndimage.prewitt(channel, axis=0, mode="nearest")))
    # scikit-image reads 2 at a unit ramp.
    battery.close(dx[0, 0] / 4, tensor(filters.sobel(channel, axis=1, mode="nearest")))
    battery.close(torch.stack((dx, dy), 2) / 8, kornia.filters.spatial_gradient(image))
    battery.close(
        gradients.image_gradients(image, "scharr")[1][0, 0] / 16,
        tensor(filters.scharr(channel, axis=0, mode="nearest")),
    )
    battery.close(
        gradients.laplacian(image)[0, 0], tensor(ndimage.laplace(channel, mode="nearest"))
    )
    operators = (
        gradients.image_gradients(image),
        gradients.image_gradients(image, "scharr"),
        (gradients.laplacian(image),),
    )
    array = image.numpy()
    for ours, theirs in zip(
        operators,
        (reference.sobel(array), reference.scharr(array), (reference.laplacian(array),)),
        strict=True,
    ):
        battery.close(torch.stack(ours), torch.stack([tensor(maps) for maps in theirs]))


def test_operators_on_a_ramp() -> None:
    ramp = torch.arange(6.0).expand(1, 1, 5, 6)
    for operator, slope in gradients.UNIT_RAMP.items():
        dx, dy = gradients.image_gradients(ramp, operator)
        battery.close(dx / slope, torch.tensor([0.5, 1, 1, 1, 1, 0.5]).expand_as(ramp))
        assert (dy == 0).all()
        transposed = gradients.image_gradients(ramp.transpose(2, 3), operator)
        battery.close(transposed[1].transpose(2, 3), dx)
    battery.close(gradients.laplacian(ramp), torch.tensor([1.0, 0, 0, 0, 0, -1]).expand_as(ramp))
    battery.close(gradients.laplacian(ramp**2)[..., 1:-1], torch.full((1, 1, 5, 4), 2.0))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_operators_keep_dtype_and_size(dtype: torch.dtype) -> None:
    image = battery.pictures()[0].to(dtype)
    for operator in (*gradients.UNIT_RAMP, "laplacian"):
        apply = (
            gradients.laplacian
            if operator == "laplacian"
            else functools.partial(gradients.image_gradients, operator=operator)
        )
        whole, inner = (
            torch.stack((maps,) if isinstance(maps, Tensor) else maps)
            for maps in (apply(image), apply(image, padding="valid"))
        )
        assert whole.dtype is inner.dtype is dtype
        assert whole.shape[1:] == image.shape
        battery.close(inner, whole[..., 1:-1, 1:-1])
    for size in ((0, 3, 4, 4), (1, 3, 1, 1), (1, 3, 2, 5)):
        assert (
            gradients.image_gradients(image.new_zeros(size))[0].shape
            == gradients.laplacian(image.new_zeros(size)).shape
            == size
        )


def test_operators_differ() -> None:
    """A wrong kernel, sign or position does not pass for the right one."""
    image = battery.pictures()[1]
    sobel = gradients.image_gradients(image)[0] / 8
    faults = {
        "kernel": gradients.image_gradients(image, "scharr")[0] / 32,
        "sign": -sobel,
        "transposed": gradients.image_gradients(image)[1] / 8,
        "shifted": gradients.image_gradients(image.roll(1, 3))[0] / 8,
    }
    for fault in faults.values():
        with pytest.raises(AssertionError, match="off by"):
            battery.close(fault, sobel, 0.01)


def test_eroded_mask() -> None:
    mask = torch.ones(1, 1, 5, 7)
    mask[0, 0, 0, 0], mask[0, 0, 3, 4], mask[0, 0, 4, 6] = 0, 0.25, 0.5
    expected = torch.ones(1, 1, 5, 7)
    expected[0, 0, 3:, 5:] = 0.5
    expected[0, 0, 2:, 3:6] = 0.25
    expected[0, 0, :2, :2] = 0
    battery.close(gradients.erode(mask), expected)


# --- values ---------------------------------------------------------------------------------------


def test_edge_by_hand() -> None:
    ramp = 0.1 * torch.arange(4, dtype=torch.float64).expand(1, 1, 3, 4)
    flat = torch.full_like(ramp, 0.5)
    for operator in ("sobel", "scharr"):  # dx reads .05 .1 .1 .05, dy 0; the mean of both
        battery.close(F.edge_loss(ramp, flat, operator=operator, distance="l1"), 0.0375)
        battery.close(
            F.edge_loss(ramp, flat, operator=operator, distance="l2"), (0.0025 + 0.01) / 4
        )
        root = ((0.0025 + 0.01) ** 0.5 + (0.01 + 0.01) ** 0.5 + 0.2) / 4
        battery.close(F.edge_loss(ramp, flat, operator=operator, eps=0.1), root)
    battery.close(F.edge_loss(ramp, flat, operator="laplacian", distance="l1"), 0.05)  # .1 0 0 -.1


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("distance", DISTANCES)
def test_edge_reference(operator: str, distance: str) -> None:
    x, y = photographs.arrays("odd")
    maps = [getattr(reference, operator)(image) for image in (x, y)]
    scale = {"sobel": 8, "scharr": 32, "laplacian": 1}[operator]
    pairs = [maps] if operator == "laplacian" else zip(*maps, strict=True)
    expected = [getattr(reference, distance)(of_x / scale, of_y / scale) for of_x, of_y in pairs]
    pred, target = photographs.tensors("odd")
    actual = F.edge_loss(pred, target, operator=operator, distance=distance, reduction="none")
    battery.close(actual, tensor(sum(expected) / len(expected)), 1e-11)
    with pytest.raises(AssertionError, match="off by"):
        battery.close(
            F.edge_loss(
                pred.roll(1, 3), target, operator=operator, distance=distance, reduction="none"
            ),
            actual,
            0.01,
        )


def test_edge_of_other_programs() -> None:
    import kornia

    pred, target = photographs.tensors("mixed")
    edges = [kornia.filters.spatial_gradient(image) for image in (pred, target)]
    battery.close(F.edge_loss(pred, target, distance="l1"), torch.nn.functional.l1_loss(*edges))
    battery.close(F.edge_loss(pred, target, distance="l2"), torch.nn.functional.mse_loss(*edges))


def test_edge_properties() -> None:
    pred, target = battery.pictures()
    # Brightness has no edges.
    battery.close(F.edge_loss(pred + 0.3, target), F.edge_loss(pred, target))
    battery.close(F.edge_loss(3 * pred, 3 * target, eps=3e-3), 3 * F.edge_loss(pred, target))
    battery.close(
        F.edge_loss(pred.transpose(2, 3), target.transpose(2, 3)), F.edge_loss(pred, target)
    )
    battery.close(F.edge_loss(target, target, eps=1e-2), 1e-2)
    assert (
        F.edge_loss(target, target, distance="l1")
        == F.edge_loss(target, target, distance="l2")
        == 0
    )


def test_gradient_difference_by_hand() -> None:
    pred = tensor([[[[0.0, 0.3, 0.1], [0.2, 0.2, 0.6]]]])
    target = tensor([[[[0.0, 0.1, 0.5], [0.4, 0.0, 0.0]]]])
    # |dx| of pred .3 .2 / 0 .4, of target .1 .4 / .4 0; |dy| of pred .2 .1 .5, of target .4 .1 .5
    battery.close(F.gradient_difference_loss(pred, target), (0.2 + 0.2 + 0.4 + 0.4) / 4 + 0.2 / 3)
    battery.close(F.gradient_difference_loss(pred, target, reduction="sum"), 1.4)
    battery.close(
        F.gradient_difference_loss(pred, target, alpha=2, reduction="sum"),
        0.04 + 0.04 + 0.16 + 0.16 + 0.04,
    )
    expected = tensor([[[[0.4, 0.2, 0.0], [0.4, 0.4, 0.0]]]])
    battery.close(F.gradient_difference_loss(pred, target, reduction="none"), expected)


@pytest.mark.parametrize("alpha", [1, 1.5, 2])
def test_gradient_difference_reference(alpha: float) -> None:
    x, y = photographs.arrays("odd")
    pred, target = photographs.tensors("odd")
    for reduction in ("mean", "sum", "image"):
        actual = F.gradient_difference_loss(pred, target, alpha=alpha, reduction=reduction)
        battery.close(
            actual,
            tensor(reference.gradient_difference(x, y, alpha=alpha, reduction=reduction)),
            1e-11,
        )
    with pytest.raises(AssertionError, match="off by"):
        battery.close(
            F.gradient_difference_loss(pred, target, alpha=alpha + 0.1, reduction="image"),
            actual,
            0.01,
        )


def test_gradient_difference_properties() -> None:
    pred, target = battery.pictures()
    assert F.gradient_difference_loss(target, target) == 0
    assert F.gradient_difference_loss(1 - target, target) < 1e-15  # strength, not sign
    battery.close(
        F.gradient_difference_loss(pred + 0.3, target), F.gradient_difference_loss(pred, target)
    )
    one_row, one_column = (pred[:, :, :1], target[:, :, :1]), (pred[..., :1], target[..., :1])
    for pair in (one_row, one_column):
        assert F.gradient_difference_loss(*pair) > 0


# --- masks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EDGES)
def test_edge_counts_what_touches_no_invalid_pixel(name: str) -> None:
    """The masked mean is the unmasked map's over the positions whose 3x3 neighbourhood is valid."""
    pred, target = battery.pictures()
    mask = battery.hole(pred.shape)
    valid = mask.clone()
    for i, j in ((i, j) for i in range(24) for j in range(31)):
        valid[..., i, j] = (
            mask[..., max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].flatten(1).all(1, keepdim=True)
        )
    assert 0 < valid.sum() < mask.sum()
    unmasked = LOSSES[name](pred, target, reduction="none")
    battery.close(LOSSES[name](pred, target, mask=mask), unmasked[valid.expand_as(pred)].mean())
    battery.close(LOSSES[name](pred, target, mask=mask, reduction="none"), unmasked * valid)


def test_gradient_difference_weights() -> None:
    pred, target = battery.pictures()
    mask = torch.rand(3, 1, 24, 31, dtype=torch.float64)
    vertical, horizontal = (
        tensor(maps) for maps in reference.gradient_difference_maps(pred.numpy(), target.numpy())
    )
    wx, wy = mask[..., 1:] * mask[..., :-1], mask[..., 1:, :] * mask[..., :-1, :]
    expected = (horizontal * wx).sum() / (3 * wx.sum()) + (vertical * wy).sum() / (3 * wy.sum())
    battery.close(F.gradient_difference_loss(pred, target, mask=mask), expected)


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in EDGES])
def test_gradient_difference_mask_is_a_crop(name: str) -> None:
    battery.mask_is_a_crop(LOSSES[name])


# --- battery --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EDGES)
def test_reductions(name: str) -> None:
    battery.reductions(LOSSES[name])


def test_two_names() -> None:
    assert (F.edge, F.gradient_difference) == (F.edge_loss, F.gradient_difference_loss)


@pytest.mark.parametrize("name", [name for name in LOSSES if "," in name or "1.5" in name])
def test_compiles(name: str) -> None:
    """Other options than those that every loss is compiled with."""
    battery.compiles(LOSSES[name], "aot_eager")


def test_compiles_with_a_mask() -> None:
    def both(pred: Tensor, target: Tensor) -> Tensor:
        masked = F.edge_loss(pred, target, mask=(target > 0.2)[:, :1])
        return masked + F.total_variation_loss(pred, norm="isotropic")

    battery.compiles(both, "aot_eager")


def test_bad_options() -> None:
    image = torch.rand(1, 3, 8, 8)
    for build in (functools.partial(F.edge_loss, image, image), ssimloss.EdgeLoss):
        with pytest.raises(
            ValueError, match="operator must be one of 'sobel', 'scharr', 'laplacian', got 'canny'"
        ):
            build(operator="canny")
        with pytest.raises(
            ValueError, match="distance must be one of 'l1', 'l2', 'charbonnier', got 'L1'"
        ):
            build(distance="L1")
        with pytest.raises(ValueError, match="eps must be positive, got -1"):
            build(eps=-1)
    for build in (
        functools.partial(F.gradient_difference_loss, image, image),
        ssimloss.GradientDifferenceLoss,
    ):
        with pytest.raises(
            ValueError, match=r"alpha must be at least 1 .*unbounded gradient.*, got 0\.5"
        ):
            build(alpha=0.5)
    with pytest.raises(
        ValueError, match="operator must be one of 'sobel', 'scharr', 'prewitt', got 'canny'"
    ):
        gradients.image_gradients(image, "canny")
    for operator in (gradients.image_gradients, gradients.laplacian):
        with pytest.raises(
            ValueError, match="padding must be one of 'replicate', 'valid', got 'zeros'"
        ):
            operator(image, padding="zeros")
