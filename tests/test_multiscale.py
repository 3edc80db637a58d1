"""MS-SSIM and its mix with L1: values against the reference and against an independent formula,
properties, gradients, errors.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import battery
import numpy as np
import photographs
import pytest
import reference
import torch
from battery import close, differentiate, hole, pictures
from torch import Tensor

import ssimloss
import ssimloss.functional as F
from ssimloss.functional._equations import pyramid_means
from ssimloss.functional.ms_ssim import MSSSIMOptions

GRADCHECK = functools.partial(torch.autograd.gradcheck, eps=1e-6, atol=1e-8, rtol=1e-5)
FIVE = functools.partial(F.ms_ssim, window_size=5)  # five scales of a 5 tap window need 80 pixels


pytestmark = pytest.mark.usefixtures("one_thread")


def arrays(*images: Tensor) -> tuple[np.ndarray, ...]:
    return tuple(image.numpy() for image in images)


@functools.cache
def pair(height: int = 91, width: int = 102) -> tuple[Tensor, Tensor]:
    """Photographs whose sides are odd and even by turns down the pyramid: 91 45 22 11 5 and 102 51
    25 12 6 (floor).
    """
    return photographs.batch(height, width)


def terms(
    x: np.ndarray,
    y: np.ndarray,
    size: int = 5,
    scales: int = 5,
    pooling: str = "floor",
    *,
    reflect: bool = False,
    relu: bool = False,
) -> np.ndarray:
    """``(scales, N, C)`` for the options that the reference leaves out, made of its parts."""
    means = []
    for scale in range(scales):
        last = scale == scales - 1
        padded = [
            reference.pad(image, size, "reflect" if last and reflect else "valid")
            for image in (x, y)
        ]
        mu_x, mu_y, var_x, var_y, cov_xy, _ = reference.local_moments(
            *padded, reference.window("gaussian", size, 1.5)
        )
        values = (2 * cov_xy + 9e-4) / (var_x + var_y + 9e-4)
        values = np.maximum(values, 0) if relu else values
        if last:
            values = values * (2 * mu_x * mu_y + 1e-4) / (mu_x**2 + mu_y**2 + 1e-4)
        means.append(values.mean((2, 3)))
        x, y = reference.halve(x, pooling), reference.halve(y, pooling)
    return np.stack(means)


def product(means: np.ndarray, negative: str = "clamp") -> np.ndarray:
    weights = np.array(reference.MS_SSIM_WEIGHTS)[:, None, None]
    return np.prod(reference.alive(means, negative) ** weights, axis=0)


# --- MS-SSIM: values ------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["mixed", "gray"])
def test_reference_on_whole_photographs(case: str) -> None:
    x, y = photographs.arrays(case)
    close(F.ms_ssim(*photographs.tensors(case), reduction="none"), reference.ms_ssim(x, y))


@pytest.mark.parametrize("pooling", ["floor", "zeros", "replicate", "symmetric"])
@pytest.mark.parametrize("sides", [(91, 102), (80, 96), (97, 83)], ids=str)
def test_pooling(pooling: str, sides: tuple[int, int]) -> None:
    """Mixed, even and odd sides. All agree while every side is even."""
    pred, target = pair(*sides)
    value = FIVE(pred, target, pooling=pooling, reduction="none")
    close(value, reference.ms_ssim(*arrays(pred, target), window_size=5, pooling=pooling))
    if sides == (80, 96):
        close(value, FIVE(pred, target, reduction="none"))


@pytest.mark.parametrize(
    "options",
    [
        {"scale_weights": (1.0,)},
        {"scale_weights": (0.3, 0.7)},
        {"scale_weights": (0.0, 0.5, 0.0)},
        {"scale_weights": (3.0, 2.0, 1.0)},
        {"sigma": 0.7},
        {"window_size": 4},
        {"k1": 0.1, "k2": 0.2},
        {"negative": "relu"},
        {"negative": "shift"},
        {"data_range": (-2.0, 1.5)},
    ],
    ids=str,
)
def test_options(options: dict[str, object]) -> None:
    pred, target = pair()
    for image in (pred, torch.rand(pred.shape, dtype=torch.float64), 1 - target):
        expected = reference.ms_ssim(*arrays(image, target), **{"window_size": 5, **options})
        close(F.ms_ssim(image, target, reduction="none", **{"window_size": 5, **options}), expected)


def test_data_range() -> None:
    """One score in every unit."""
    pred, target = pair()
    expected = FIVE(pred, target)
    close(FIVE(pred * 255, target * 255, data_range=255), expected)
    close(FIVE(pred * 2 - 1, target * 2 - 1, data_range=(-1, 1)), expected)
    assert (FIVE(pred * 2 - 1, target * 2 - 1, data_range=2.0) - expected).abs() > 1e-4


def test_one_scale_is_ssim() -> None:
    close(FIVE(*pair(), scale_weights=(1.0,), negative="relu"), F.ssim(*pair(), window_size=5))


def test_joint_channels() -> None:
    """Terms are averaged over the channels before they are multiplied (torchmetrics, MONAI):
    another number.
    """
    pred, target = pair()
    value = FIVE(pred, target, channels="joint", reduction="none")
    assert value.shape == (3, 1)
    close(value, product(terms(*arrays(pred, target)).mean(2, keepdims=True)))
    assert (value.mean() - FIVE(pred, target)).abs() > 1e-7
    gray = pred[:, :1], target[:, :1]
    close(FIVE(*gray, channels="joint"), FIVE(*gray))


def test_reflected_coarsest_scale() -> None:
    pred, target = pair()
    for pooling in ("floor", "zeros"):
        expected = product(terms(*arrays(pred, target), pooling=pooling, reflect=True))
        close(
            FIVE(pred, target, coarsest_padding="reflect", pooling=pooling, reduction="none"),
            expected,
        )


def test_relu_at_every_position() -> None:
    pred, target = pair()[0], pair()[1]
    noise = torch.rand(pred.shape, dtype=torch.float64)
    for image in (pred, noise):
        expected = product(terms(*arrays(image, target), relu=True), "relu")
        close(FIVE(image, target, negative="relu_map", reduction="none"), expected)
    assert FIVE(noise, target, negative="relu_map") > FIVE(noise, target, negative="relu")


def test_weighted_sum() -> None:
    """MATLAB's ``wtd_sum`` divides the weights, which sum to 1.0001 as printed, by their sum; equal
    images give 1.
    """
    pred, target = pair()
    for image in (pred, 1 - target):
        expected = reference.ms_ssim(*arrays(image, target), window_size=5, method="wtd_sum")
        close(FIVE(image, target, combination="weighted_sum", reduction="none"), expected)
    close(FIVE(target, target, combination="weighted_sum"), 1)
    # Less accurate than either number: the fourth digit of the weights' sum.
    means = terms(*arrays(pred, target))
    as_printed = np.tensordot(reference.MS_SSIM_WEIGHTS, means, axes=1).mean()
    assert abs(FIVE(pred, target, combination="weighted_sum") - as_printed) > 5e-5


@pytest.mark.parametrize(
    ("side", "scales"), [(176, 5), (175, 4), (64, 3), (32, 2), (22, 2), (21, 1), (11, 1)]
)
def test_fewer_scales(side: int, scales: int) -> None:
    """The weights of the scales that fit are renormalised; where all fit, nothing changes."""
    pred, target = (image[..., :side, :side] for image in photographs.batch(176, 176))
    value = F.ms_ssim(pred, target, min_size="fewer_scales", reduction="none")
    close(value, reference.ms_ssim(*arrays(pred, target), min_size="fewer_scales"))
    if scales == 5:
        close(value, F.ms_ssim(pred, target, reduction="none"), 0)
    else:
        weights = tuple(
            w / sum(reference.MS_SSIM_WEIGHTS[:scales]) for w in reference.MS_SSIM_WEIGHTS[:scales]
        )
        close(value, F.ms_ssim(pred, target, scale_weights=weights, reduction="none"))
    gradient = differentiate(F.ms_ssim_loss, pred, target, min_size="fewer_scales")[1]
    differ = (pred != target).flatten(2).any(2)  # the corner of one photograph is saturated in both
    assert differ.float().mean() > 0.5
    assert torch.equal(gradient.abs().amax((2, 3)) > 0, differ)


@pytest.mark.parametrize(
    ("pooling", "least"), [("floor", 176), ("zeros", 161), ("replicate", 161), ("symmetric", 161)]
)
def test_too_small(pooling: str, least: int) -> None:
    """The message names the size that came, the size that is needed, truthfully, and
    the ways out.
    """
    small, enough = torch.rand(1, 1, 200, least - 1), torch.rand(1, 1, 200, least)
    assert F.ms_ssim(enough, enough, pooling=pooling).isfinite()
    message = (
        rf"\(200, {least - 1}\) pixels are too small: 5 scales of a 11 pixel window need at "
        rf"least {least} .*4 scales fit; "
    )
    with pytest.raises(
        ValueError,
        match=message
        + "use larger crops, min_size='fewer_scales', fewer scale_weights or a smaller window_size",
    ):
        F.ms_ssim(small, small, pooling=pooling)
    with pytest.raises(
        ValueError,
        match=r"\(8, 40\) pixels are smaller than the window of 11; use larger crops or a smaller "
        r"window_size",
    ):
        F.ms_ssim(
            torch.rand(1, 1, 8, 40),
            torch.rand(1, 1, 8, 40),
            pooling=pooling,
            min_size="fewer_scales",
        )
    with pytest.raises(ValueError, match="scale_weights of the 1 scales that fit are all zero"):
        F.ms_ssim(
            small[..., :12, :12],
            small[..., :12, :12],
            scale_weights=(0, 1),
            min_size="fewer_scales",
        )


@pytest.mark.parametrize("name", ["bool", "per channel", "weights"])
def test_mask_reference(name: str) -> None:
    pred, target = pair()
    shape = pred.shape
    mask = {
        "bool": hole(shape),
        "per channel": torch.rand(shape) > 0.2,
        "weights": hole(shape) * torch.rand(3, 1, *shape[2:], dtype=torch.float64),
    }[name]
    double = mask.double().numpy()
    for pooling in ("floor", "symmetric"):
        expected = reference.ms_ssim(
            *arrays(pred, target), mask=double, window_size=5, pooling=pooling
        )
        close(FIVE(pred, target, mask=mask, pooling=pooling, reduction="none"), expected)
    means = reference.ms_ssim_terms(*arrays(pred, target), mask=double, window_size=5)
    close(
        FIVE(pred, target, mask=mask, channels="joint", reduction="none"),
        product(means.mean(2, keepdims=True)),
    )


def test_what_pooling_drops_does_not_count() -> None:
    """A channel valid in the dropped last row alone has no coarse scale: it is left out, not taken
    for dissimilar.
    """
    pred, target = pair()
    mask = torch.ones(pred.shape, dtype=torch.bool)
    mask[1, 2, :-1] = False
    value = FIVE(pred, target, mask=mask, reduction="none")
    assert value[1, 2] == 0
    kept = torch.ones(3, 3, dtype=torch.bool)
    kept[1, 2] = False
    close(FIVE(pred, target, mask=mask), FIVE(pred, target, reduction="none")[kept].mean())


@pytest.mark.parametrize(
    "fault",
    [
        lambda x, y: FIVE(x, y, sigma=1.495),
        lambda x, y: FIVE(x.roll(1, -1), y),
        lambda x, y: FIVE(x, y, pooling="zeros"),
        lambda x, y: FIVE(x, y, channels="joint"),
        lambda x, y: FIVE(x, y, scale_weights=(0.0448, 0.2856, 0.3001, 0.2363, 0.1332)),
    ],
    ids=["sigma", "shifted", "pooling", "channels", "weight"],
)
def test_planted_fault_is_found(fault: Callable[..., Tensor]) -> None:
    expected = reference.ms_ssim(*arrays(*pair()), window_size=5).mean()
    close(FIVE(*pair()), expected)
    with pytest.raises(AssertionError, match="off by"):
        close(fault(*pair()), expected)


# --- MS-SSIM: properties and gradients ------------------------------------------------------------

CONFIGURATIONS = {
    "clamp": {},
    "relu": {"negative": "relu"},
    "relu_map": {"negative": "relu_map"},
    "shift": {"negative": "shift"},
    "weighted_sum": {"combination": "weighted_sum"},
    "joint": {"channels": "joint", "coarsest_padding": "reflect"},
    "zeros": {"pooling": "zeros"},
    "replicate": {"pooling": "replicate"},
    "symmetric": {"pooling": "symmetric"},
}
every_configuration = pytest.mark.parametrize("name", CONFIGURATIONS)


@every_configuration
def test_properties(name: str) -> None:
    """Symmetric, 1 for equal images, at most 1, the same turned over (floor pooling aside), one
    image at a time.
    """
    score = functools.partial(FIVE, **CONFIGURATIONS[name])
    pred, target = pair()
    value = score(pred, target, reduction="none")
    close(value, score(target, pred, reduction="none"))
    close(score(target, target), 1)
    assert (value < 1).all()
    close(
        value,
        torch.cat([score(pred[i : i + 1], target[i : i + 1], reduction="none") for i in range(3)]),
    )
    close(score(pred, target, reduction="image"), value.mean(1))
    close(score(pred, target, reduction="sum"), value.sum())
    close(score(pred.transpose(2, 3), target.transpose(2, 3), reduction="none"), value)
    even = [image[..., :80, :96] for image in (pred, target)]
    close(score(*(image.flip(2, 3) for image in even)), score(*even))
    if name != "joint":
        close(score(pred[:, 1:2], target[:, 1:2], reduction="none"), value[:, 1:2])
    for reduction in ("mean", "image", "none"):
        options = {"window_size": 5, "reduction": reduction, **CONFIGURATIONS[name]}
        close(F.ms_ssim_loss(pred, target, **options), 1 - F.ms_ssim(pred, target, **options))
    total = F.ms_ssim_loss(pred, target, window_size=5, reduction="sum", **CONFIGURATIONS[name])
    close(total, value.numel() - value.sum(), 1e-11)


@every_configuration
def test_gradcheck(name: str) -> None:
    """Two scales of a 3 tap window, odd sides, every subset of images that asks, under a mask too;
    negative terms as well, but where they are clamped.
    """
    clamps = "negative" not in CONFIGURATIONS[name] and name != "weighted_sum"
    loss = functools.partial(
        F.ms_ssim_loss, window_size=3, scale_weights=(0.4, 0.6), **CONFIGURATIONS[name]
    )
    target = torch.rand(1, 2, 7, 6, dtype=torch.float64)
    mask = torch.rand(1, 1, 7, 6) > 0.1
    for pred in (
        target + 0.3 * torch.rand(target.shape, dtype=torch.float64),
        1 - target + 0.1 * torch.rand(target.shape),
    )[: 1 if clamps else 2]:
        for asks in ((True, True), (True, False), (False, True)):
            images = tuple(
                image.clone().requires_grad_(ask)
                for image, ask in zip((pred, target), asks, strict=True)
            )
            assert GRADCHECK(loss, images, fast_mode=not all(asks))
        both = tuple(image.clone().requires_grad_() for image in (pred, target))
        assert GRADCHECK(lambda p, t: loss(p, t, mask=mask), both, fast_mode=True)


def opposed() -> list[tuple[Tensor, Tensor]]:
    """Images whose terms are below the clamp: all, and only that of the finest scale."""
    _, target = pair(80, 96)
    checkerboard = 0.2 * ((torch.arange(80)[:, None] + torch.arange(96)) % 2 - 0.5).double()
    return [(1 - target, target), (target - checkerboard, target + checkerboard)]


@pytest.mark.parametrize("backend", ["eager", "auto"])
@pytest.mark.parametrize("channels", ["separate", "joint"])
def test_slope_of_clamped_terms(backend: str, channels: str) -> None:
    """That of the product at the mirrored terms, ``w_j prod_k m_k^w_k / m_j``; its own derivative
    is what a second derivative differentiates.
    """
    weights = (0.3, 0.0, 0.5, 0.2)
    loss = functools.partial(
        F.ms_ssim, window_size=5, scale_weights=weights, channels=channels, backend=backend
    )
    finest = MSSSIMOptions(window_size=5).finest
    for pred, target in opposed():
        leaf = pred.clone().requires_grad_()
        terms = pyramid_means(leaf, target, finest, len(weights), "floor")
        terms = terms.mean(2, keepdim=True) if channels == "joint" else terms
        t, w = terms.detach().numpy(), np.array(weights)[:, None, None]
        assert (t[0] < 1e-3).any(), "nothing is clamped"
        mirrored = np.where(t < 1e-3, 2e-3 - t, t)
        slopes = w * np.prod(mirrored**w, axis=0) / mirrored / t[0].size
        (expected,) = torch.autograd.grad((terms * torch.from_numpy(slopes)).sum(), leaf)
        value, gradient = differentiate(loss, pred, target)
        close(value, np.prod(reference.alive(t) ** w, axis=0).mean())
        close(gradient, expected, 1e-10)

        direction = torch.randn(pred.shape, dtype=torch.float64)
        (first,) = torch.autograd.grad(loss(leaf, target), leaf, create_graph=True)
        (second,) = torch.autograd.grad((first * direction).sum(), leaf)
        ahead, behind = (
            differentiate(loss, pred + sign * 1e-7 * direction, target)[1] for sign in (1, -1)
        )
        close((second * direction).sum(), (((ahead - behind) / 2e-7) * direction).sum(), 1e-5)


@pytest.mark.parametrize("options", [{}, {"backend": "eager"}, {"channels": "joint"}], ids=str)
def test_descent_leaves_the_negative(options: dict[str, str]) -> None:
    """Steps of rate 1 from the opposite of a photograph, no slower than under ``"shift"``."""
    target = photographs.batch(176, 180, dtype=torch.float32)[1][:1, :1, 50:82, 60:92].contiguous()
    scores = {}
    for negative in ("clamp", "shift"):
        pred = 1 - target
        for _ in range(60):
            pred.requires_grad_()
            loss = F.ms_ssim_loss(
                pred, target, min_size="fewer_scales", negative=negative, **options
            )
            (gradient,) = torch.autograd.grad(loss, pred)
            pred = (pred - gradient).detach()
        scores[negative] = float(F.ssim(pred, target))
    assert scores["clamp"] > 0.5, scores
    assert scores["clamp"] >= scores["shift"], scores


def test_negative_terms() -> None:
    """``clamp`` is defined, rises and is alive through 0; ``relu`` takes the channel with it;
    ``shift`` is another measure. Alive is of the size that another measure has there.
    """
    _, target = pair()
    sizes = {
        negative: differentiate(FIVE, 1 - target, target, negative=negative)[1].norm()
        for negative in ("clamp", "shift")
    }
    assert 1 < sizes["clamp"] / sizes["shift"] < 10
    dead = differentiate(FIVE, 1 - target, target, negative="relu")
    assert dead[0] == 0
    assert (dead[1] == 0).all()
    for options in ({}, {"negative": "shift"}, {"combination": "weighted_sum"}):
        _, gradient = differentiate(FIVE, 1 - target, target, **options)
        assert gradient.isfinite().all()
        assert (gradient.abs().amax((2, 3)) > 0).all()
    values = torch.stack(
        [
            FIVE(target + a * (0.5 - target), target)
            for a in torch.linspace(0, 2, 41, dtype=torch.float64)
        ]
    )
    assert (values > 0).all()
    assert (values.diff() < 0).all(), "the score falls all the way from the image to its negative"


def test_a_scale_of_weight_zero_is_no_part_of_the_product() -> None:
    _, target = pair(80, 96)
    checkerboard = 0.2 * ((torch.arange(80)[:, None] + torch.arange(96)) % 2 - 0.5).double()
    # At the finest scale; alike when halved.
    opposed, target = target - checkerboard, target + checkerboard
    assert (F.ssim(opposed, target, window_size=5, reduction="none").mean((2, 3)) < 0).all()
    for negative in ("clamp", "relu", "shift"):
        coarse = FIVE(
            opposed, target, scale_weights=(0.0, 1.0), negative=negative, reduction="none"
        )
        assert (coarse > 0.5).all()
        halves = [torch.nn.functional.avg_pool2d(image, 2) for image in (opposed, target)]
        close(coarse, FIVE(*halves, scale_weights=(1.0,), negative=negative, reduction="none"))


@pytest.mark.parametrize("scale", [1e4, 1e10])
def test_huge_values(scale: float) -> None:
    pred, target = (image.float() for image in pair())
    for images in (
        (pred * scale, target),
        (pred, target * scale),
        (pred * scale, target * scale),
        (-pred * scale, target * scale),
    ):
        for loss in (
            functools.partial(F.ms_ssim_loss, window_size=5),
            functools.partial(F.ms_ssim_l1_loss, window_size=9),
        ):
            value, gradient = differentiate(loss, *images)
            assert value.isfinite()
            assert gradient.isfinite().all()


def test_masks() -> None:
    """Masked pixels affect neither value nor gradient; without valid pixels, the value is 0 with a
    zero gradient.
    """
    pred, target = pair()
    mask = hole(pred.shape)
    loss = functools.partial(F.ms_ssim_loss, window_size=5)
    for everything in (torch.ones_like(pred), torch.ones(3, 1, *pred.shape[2:], dtype=torch.bool)):
        for reduction in ("mean", "sum", "image", "none"):
            close(
                loss(pred, target, mask=everything, reduction=reduction),
                loss(pred, target, reduction=reduction),
            )
    value, gradient = differentiate(loss, pred, target, mask=mask)
    for garbage in (math.nan, math.inf):
        spoilt = [image.masked_fill(~mask, garbage) for image in (pred, target)]
        actual = differentiate(loss, *spoilt, mask=mask)
        close(actual[0], value, 0)
        close(actual[1], gradient, 0)
    assert (gradient.masked_select(~mask) == 0).all()
    half = mask.clone()
    half[1] = False
    kept = loss(pred[::2], target[::2], mask=mask[::2])
    close(loss(pred, target, mask=half), kept)
    value, gradient = differentiate(loss, pred, target, mask=torch.zeros_like(mask))
    assert value == 0
    assert (gradient == 0).all()


@pytest.mark.parametrize(
    "loss",
    [functools.partial(F.ms_ssim_loss, window_size=3, scale_weights=(0.5, 0.5)), F.ms_ssim_l1_loss],
    ids=["ms_ssim", "ms_ssim_l1"],
)
def test_empty_batch(loss: Callable[..., Tensor]) -> None:
    nothing = torch.zeros(0, 3, 40, 40, requires_grad=True)
    for reduction, shape in (("mean", ()), ("sum", ()), ("image", (0,))):
        value = loss(nothing, nothing.detach(), reduction=reduction)
        assert tuple(value.shape) == shape
        assert (value == 0).all()
        assert torch.autograd.grad(value.sum(), nothing)[0].shape == nothing.shape


def test_memory_layout_and_dtypes() -> None:
    pred, target = pair()
    value, gradient = differentiate(FIVE, pred, target)
    for layout in (
        lambda image: image.to(memory_format=torch.channels_last),
        lambda image: image.transpose(2, 3).contiguous().transpose(2, 3),
        lambda image: torch.stack((image, image), -1)[..., 0],
    ):
        actual = differentiate(FIVE, layout(pred), layout(target))
        close(actual[0], value)
        close(actual[1], gradient)
    single, single_gradient = differentiate(FIVE, pred.float(), target.float())
    assert single.dtype is single_gradient.dtype is torch.float32
    close(single, value, 2e-6)
    close(single_gradient, gradient, 2e-5)
    assert FIVE(pred.bfloat16(), target.float()).dtype is torch.float32
    assert FIVE(pred.bfloat16(), target.float(), reduction="none").dtype is torch.float32
    assert FIVE(pred.half(), target.half(), reduction="none").dtype is torch.float16


def test_twins() -> None:
    images = [image.float() for image in pair()]
    module = ssimloss.MSSSIMLoss(window_size=5, negative="shift", reduction="image")
    close(
        module(*images),
        F.ms_ssim_loss(*images, window_size=5, negative="shift", reduction="image"),
        0,
    )
    mask = hole(images[0].shape)
    close(
        module(*images, mask=mask),
        F.ms_ssim_loss(*images, window_size=5, negative="shift", reduction="image", mask=mask),
        0,
    )
    assert "window_size=5, " in repr(module)
    assert "negative='shift', " in repr(module)
    assert repr(module).endswith("reduction='image')")
    mixed = ssimloss.MSSSIML1Loss(alpha=0.5, window_size=9)
    close(
        mixed(*images, mask=mask),
        F.ms_ssim_l1_loss(*images, alpha=0.5, window_size=9, mask=mask),
        0,
    )


WRONG: list[tuple[type[Exception], str, dict[str, object]]] = [
    (
        ValueError,
        "negative must be one of 'clamp', 'relu', 'relu_map', 'shift', got 'abs'",
        {"negative": "abs"},
    ),
    (
        ValueError,
        "min_size must be one of 'error', 'fewer_scales', got 'resize'",
        {"min_size": "resize"},
    ),
    (
        ValueError,
        "pooling must be one of 'floor', 'zeros', 'replicate', 'symmetric', got 'ceil'",
        {"pooling": "ceil"},
    ),
    (
        ValueError,
        "combination must be one of 'product', 'weighted_sum', got 'sum'",
        {"combination": "sum"},
    ),
    (ValueError, "channels must be one of 'separate', 'joint', got 'rgb'", {"channels": "rgb"}),
    (
        ValueError,
        "coarsest_padding must be one of 'valid', 'reflect', got 'zeros'",
        {"coarsest_padding": "zeros"},
    ),
    (
        ValueError,
        "window_size must be odd for padding='reflect', got 8",
        {"window_size": 8, "coarsest_padding": "reflect"},
    ),
    (ValueError, "window_size must be at least 1, got 0", {"window_size": 0}),
    (ValueError, r"scale_weights\[1\] must be finite, got nan", {"scale_weights": (0.5, math.nan)}),
    (
        ValueError,
        r"scale_weights\[0\] must not be negative, got -0.5",
        {"scale_weights": (-0.5, 1.5)},
    ),
    (ValueError, "scale_weights must not be all zero", {"scale_weights": (0.0, 0.0)}),
    (ValueError, "scale_weights must hold at least one number", {"scale_weights": ()}),
    (TypeError, "scale_weights must be a sequence of numbers, got float", {"scale_weights": 0.5}),
    (
        TypeError,
        "scale_weights must be a sequence of numbers, got Tensor",
        {"scale_weights": torch.ones(5)},
    ),
    (ValueError, "sigma must be positive, got -1", {"sigma": -1}),
    (ValueError, "k1 must be positive, got 0", {"k1": 0}),
    (ValueError, "data_range must span a positive interval", {"data_range": -1.0}),
    (ValueError, "reduction must be one of", {"reduction": "batch"}),
    (ValueError, "backend must be one of", {"backend": "cuda"}),
    (RuntimeError, "backend='triton' cannot run: .*use backend='auto'", {"backend": "triton"}),
]
WRONG_MIX: list[tuple[type[Exception], str, dict[str, object]]] = [
    (ValueError, r"alpha must lie in \[0, 1\], got 1.5", {"alpha": 1.5}),
    (ValueError, "alpha must be finite, got nan", {"alpha": math.nan}),
    (ValueError, r"sigmas\[1\] must be positive, got 0", {"sigmas": (1.0, 0.0)}),
    (ValueError, "sigmas must hold at least one number", {"sigmas": ()}),
    (ValueError, "window_size must be odd, .* got 32", {"window_size": 32}),
    (ValueError, "padding must be one of", {"padding": "mirror"}),
    (ValueError, "k2 must be positive, got 0", {"k2": 0}),
    (ValueError, "reduction must be one of", {"reduction": "batch"}),
]


def test_bad_options() -> None:
    image = torch.rand(1, 3, 176, 176)
    for error, message, options in WRONG:
        for build in (
            functools.partial(F.ms_ssim, image, image),
            functools.partial(F.ms_ssim_loss, image, image),
            ssimloss.MSSSIMLoss,
        ):
            with pytest.raises(error, match=message):
                build(**options)
    for error, message, options in WRONG_MIX:
        for build in (functools.partial(F.ms_ssim_l1_loss, image, image), ssimloss.MSSSIML1Loss):
            with pytest.raises(error, match=message):
                build(**options)


def test_images_too_small_to_be_mirrored() -> None:
    with pytest.raises(
        ValueError,
        match=r"padding='reflect' mirrors 16 pixels .* got \(16, 40\); .*smaller window_size",
    ):
        F.ms_ssim_l1_loss(torch.rand(1, 1, 16, 40), torch.rand(1, 1, 16, 40))


# --- the mix with L1 ------------------------------------------------------------------------------


def authors_layer(x: np.ndarray, y: np.ndarray, sigmas: tuple[float, ...], alpha: float) -> float:
    """Zhao et al. 2017 on one odd patch ``(C, P, P)`` with values in [0, 1]: the loss of its middle
    pixel, tap by tap.
    """
    size = x.shape[-1]
    distance = np.arange(size) - (size - 1) / 2
    windows = [np.exp(-(distance[:, None] ** 2 + distance**2) / (2 * sigma**2)) for sigma in sigmas]
    windows = [window / window.sum() for window in windows]
    similarity = []
    for a, b in zip(x, y, strict=True):
        cs = 1.0
        for window in windows:
            mu_a, mu_b = (window * a).sum(), (window * b).sum()
            var_a, var_b = (window * (a - mu_a) ** 2).sum(), (window * (b - mu_b) ** 2).sum()
            cov = (window * (a - mu_a) * (b - mu_b)).sum()
            cs *= (2 * cov + 0.03**2) / (var_a + var_b + 0.03**2)
        similarity.append((2 * mu_a * mu_b + 0.01**2) / (mu_a**2 + mu_b**2 + 0.01**2) * cs)
    difference = np.mean([(windows[-1] * np.abs(a - b)).sum() for a, b in zip(x, y, strict=True)])
    return alpha * (1 - np.mean(similarity)) + (1 - alpha) * difference


@pytest.mark.parametrize(
    ("size", "sigmas", "alpha"),
    [
        (33, (0.5, 1.0, 2.0, 4.0, 8.0), 0.84),
        (9, (0.5, 1.0, 2.0), 0.3),
        (7, (1.5,), 1.0),
        (5, (0.4, 3.0), 0.0),
    ],
)
def test_mix_is_the_authors_layer(size: int, sigmas: tuple[float, ...], alpha: float) -> None:
    """On one patch the size of the window, and on every patch of a larger image."""
    pred, target = pictures(max(24, size), 35)
    options = {"padding": "valid", "window_size": size, "sigmas": sigmas, "alpha": alpha}
    patch = [image[:1, :, :size, :size] for image in (pred, target)]
    close(
        F.ms_ssim_l1_loss(*patch, **options),
        authors_layer(*(image[0].numpy() for image in patch), sigmas, alpha),
    )
    values = F.ms_ssim_l1_loss(pred, target, reduction="none", **options)
    x, y = arrays(pred, target)
    expected = [
        [
            authors_layer(
                x[2, :, i : i + size, j : j + size],
                y[2, :, i : i + size, j : j + size],
                sigmas,
                alpha,
            )
            for j in (0, 2)
        ]
        for i in (0, values.shape[2] - 1)
    ]
    close(
        values[2, :, :: max(1, values.shape[2] - 1), :3:2].mean(0)[: len(expected)],
        np.array(expected)[: values.shape[2]],
    )


@pytest.mark.parametrize("padding", ["valid", "reflect", "replicate", "zeros"])
@pytest.mark.parametrize("masked", [False, True])
def test_mix_reference(padding: str, masked: bool) -> None:
    """The map from the reference's moments, with full windows at every scale; ours are cut where a
    Gaussian is below rounding.

    The hole is small enough for the narrowest window to see across its edge from everywhere.
    """
    pred, target = pictures(24, 26)
    size, sigmas, alpha = 15, (0.5, 1.0, 3.0), 0.6
    weights = torch.linspace(0.2, 1, 26, dtype=torch.float64).expand(3, 1, 24, 26).clone()
    weights[:, :, 5:10, 8:14] = 0
    mask = weights if masked else None
    x, y = (reference.pad(image, size, padding) for image in arrays(pred, target))
    m = None if mask is None else 1 - reference.pad(1 - mask.numpy(), size, padding)
    similarity = 1.0
    for sigma in sigmas:
        mu_x, mu_y, var_x, var_y, cov_xy, mass = reference.local_moments(
            x, y, reference.window("gaussian", size, sigma), m
        )
        similarity = similarity * (2 * cov_xy + 9e-4) / (var_x + var_y + 9e-4)
    similarity = similarity * (2 * mu_x * mu_y + 1e-4) / (mu_x**2 + mu_y**2 + 1e-4)
    difference, *_ = reference.local_moments(
        np.abs(x - y), y, reference.window("gaussian", size, sigmas[-1]), m
    )
    values = alpha * (1 - similarity) + (1 - alpha) * difference
    for reduction in ("mean", "sum", "image"):
        actual = F.ms_ssim_l1_loss(
            pred,
            target,
            mask=mask,
            window_size=size,
            sigmas=sigmas,
            alpha=alpha,
            padding=padding,
            reduction=reduction,
        )
        close(actual, reference.reduce(values, mass, reduction))


def test_mix_in_other_units() -> None:
    """Both parts are free of units: the L1 part is divided by the span."""
    pred, target = pictures(24, 26)
    mix = functools.partial(F.ms_ssim_l1_loss, window_size=9)
    for padding in ("reflect", "zeros"):
        expected = mix(pred, target, padding=padding)
        close(mix(pred * 255, target * 255, data_range=255, padding=padding), expected)
        close(mix(pred * 4 - 3, target * 4 - 3, data_range=(-3, 1), padding=padding), expected)


MIX = functools.partial(F.ms_ssim_l1_loss, window_size=5, sigmas=(0.5, 1.0))


def test_mix_properties() -> None:
    pred, target = pictures()
    close(MIX(pred, target), MIX(target, pred))
    close(1 + MIX(target, target), 1)
    close(MIX(pred.flip(2).transpose(2, 3), target.flip(2).transpose(2, 3)), MIX(pred, target))
    planes = MIX(pred.reshape(9, 1, 24, 31), target.reshape(9, 1, 24, 31), reduction="image")
    close(MIX(pred, target, reduction="image"), planes.view(3, 3).mean(1))
    battery.reductions(MIX)
    close(
        MIX(pred, target), 0.84 * MIX(pred, target, alpha=1.0) + 0.16 * MIX(pred, target, alpha=0.0)
    )


def test_mix_gradcheck() -> None:
    images = tuple(
        torch.rand(1, 1, 5, 6, dtype=torch.float64, requires_grad=True) for _ in range(2)
    )
    mask = torch.rand(1, 1, 5, 6) > 0.2
    for keywords in (
        {},
        {"mask": mask},
        {"padding": "valid", "reduction": "none"},
        {"padding": "zeros", "data_range": (-1, 1)},
    ):
        assert GRADCHECK(functools.partial(MIX, **keywords), images)
    for i in range(2):
        subset = tuple(image if j == i else image.detach() for j, image in enumerate(images))
        assert GRADCHECK(MIX, subset, fast_mode=True)
