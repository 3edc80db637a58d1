"""SSIM, its map, G-SSIM and r*: values against the reference, properties,
gradients, masks, errors.
"""

from __future__ import annotations

import functools
import itertools
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
from ssimloss import filters

pytestmark = pytest.mark.usefixtures("one_thread")


GRADCHECK = functools.partial(torch.autograd.gradcheck, eps=1e-6, atol=1e-8, rtol=1e-5)

# Each option moved alone, and combinations that libraries use. Even and one-sided windows show
# one that is turned or off centre.
OPTIONS: dict[str, dict[str, object]] = {
    "defaults": {},
    "narrow window": {"window_size": 7, "sigma": 0.8},
    "even window": {"window_size": 8, "sigma": 2.0},
    "one tap": {"window_size": 1},
    "uniform": {"window": "uniform", "window_size": 7},
    "uniform, even": {"window": "uniform", "window_size": 4},
    "custom": {"window": (1.0, 5.0, 2.0, 0.5, 0.25)},
    "custom, even": {"window": (3.0, 2.0, 1.0, 0.5)},
    "reflect": {"padding": "reflect"},
    "replicate": {"padding": "replicate"},
    "zeros": {"padding": "zeros"},
    "custom, zeros": {"window": (1.0, 5.0, 2.0, 0.5, 0.25), "padding": "zeros"},
    "sample": {"covariance": "sample"},
    "scikit-image": {
        "window": "uniform",
        "window_size": 7,
        "covariance": "sample",
        "padding": "reflect",
    },
    "constants": {"k1": 0.03, "k2": 0.2},
    "blocks": {"downsample": 2},
    "box filter": {"downsample": 3, "window_size": 5},
    "exponents": {"exponents": (2.0, 0.5, 1.5)},
    "structure squared": {"exponents": (1.0, 1.0, 2.0), "padding": "reflect"},
    "all at once": {
        "exponents": (0.5, 1.5, 0.7),
        "padding": "zeros",
        "covariance": "sample",
        "window_size": 5,
        "downsample": 2,
    },
}


def given(options: dict[str, object]) -> dict[str, object]:
    """Options of the reference as ours take them."""
    window = options.get("window")
    return (
        {**options, "window": torch.tensor(window, dtype=torch.float64)}
        if isinstance(window, tuple)
        else options
    )


def arrays(*images: Tensor) -> tuple[np.ndarray, ...]:
    return tuple(image.numpy() for image in images)


def volumes() -> tuple[Tensor, Tensor]:
    """``(2, 3, 6, 9, 11)``: slices that move over a photograph."""
    pred, target = (
        torch.stack([image[:2, :, i : i + 9, 3 * i : 3 * i + 11] for i in range(6)], dim=2)
        for image in pictures()
    )
    return pred, target


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "image", "none"])
def test_reference(name: str, reduction: str) -> None:
    pred, target = pictures()
    expected = reference.ssim(*arrays(pred, target), reduction=reduction, **OPTIONS[name])
    close(F.ssim(pred, target, reduction=reduction, **given(OPTIONS[name])), expected)


@pytest.mark.parametrize("case", ["odd", "gray"])
def test_reference_on_whole_photographs(case: str) -> None:
    x, y = photographs.arrays(case)
    pred, target = photographs.tensors(case)
    close(F.ssim(pred, target), reference.ssim(x, y))
    close(F.ssim_map(pred, target, padding="reflect"), reference.ssim_map(x, y, padding="reflect"))


@pytest.mark.parametrize("side", [383, 384, 640])
def test_downsampling_for_the_viewing_distance(side: int) -> None:
    """Just below and at 1.5 x 256, and at 2.5 x 256, where ``auto`` rounds to even
    and MATLAB up.
    """
    pred, target = (image[:, :1, :side, :side] for image in photographs.tensors("huge"))
    for downsample in ("auto", "matlab"):
        assert (
            reference.downsampling_factor(pred.shape, downsample)
            == {383: 1, 384: 2, 640: 2 if downsample == "auto" else 3}[side]
        )
        expected = reference.ssim(*arrays(pred, target), window_size=3, downsample=downsample)
        close(F.ssim(pred, target, window_size=3, downsample=downsample), expected)


@pytest.mark.parametrize("data_range", [255, 255.0, (-1, 1), (-3.0, 5.0), (0.2, 0.9)])
def test_data_range(data_range: float | tuple[float, float]) -> None:
    """The same images in other units have the same SSIM, and each agrees with the reference in
    those units.
    """
    images = pictures()
    lo, span = reference.span(data_range)
    pred, target = (image * span + lo for image in images)
    for options in ({}, {"padding": "zeros"}, {"exponents": (2, 0.5, 0.5)}):
        value = F.ssim(pred, target, data_range=data_range, **options)
        close(value, reference.ssim(*arrays(pred, target), data_range=data_range, **options))
        close(value, F.ssim(*images, **options))
    close(F.gradient_ssim(pred, target, data_range=data_range), F.gradient_ssim(*images))
    close(
        F.structure_correlation(pred, target, data_range=data_range),
        F.structure_correlation(*images),
    )


@pytest.mark.parametrize(
    "options", [{"window_size": 5}, {"window": "uniform", "window_size": 4, "covariance": "sample"}]
)
@pytest.mark.parametrize("padding", ["valid", "reflect", "replicate", "zeros"])
def test_volumes(options: dict[str, object], padding: str) -> None:
    if padding != "valid":
        options = {**options, "window_size": 5}
    pred, target = volumes()
    mask = torch.rand(2, 1, *pred.shape[2:], dtype=torch.float64) * (
        torch.rand(pred[:, :1].shape) > 0.2
    )
    for keywords in (
        {},
        {"mask": mask},
        {"downsample": 2, "window_size": 3},
        {"exponents": (1.0, 0.5, 2.0)},
    ):
        theirs = {**keywords, "mask": mask.numpy()} if "mask" in keywords else keywords
        expected = reference.ssim(
            *arrays(pred, target), **{"padding": padding, **options, **theirs}
        )
        close(F.ssim(pred, target, **{"padding": padding, **options, **keywords}), expected)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"window": "uniform", "window_size": 8},
        {"padding": "reflect"},
        {"padding": "zeros", "k2": 0.1},
    ],
)
@pytest.mark.parametrize("reduction", ["mean", "sum", "image", "none"])
def test_gradient_ssim_reference(options: dict[str, object], reduction: str) -> None:
    pred, target = pictures()
    expected = reference.gradient_ssim(*arrays(pred, target), reduction=reduction, **options)
    close(F.gradient_ssim(pred, target, reduction=reduction, **options), expected)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"window": "uniform", "window_size": 8},
        {"padding": "reflect"},
        {"padding": "zeros", "sigma": 3.0},
    ],
)
@pytest.mark.parametrize("reduction", ["mean", "sum", "image", "none"])
def test_structure_correlation_reference(options: dict[str, object], reduction: str) -> None:
    pred, target = pictures()
    expected = reference.structure_correlation(
        *arrays(pred, target), reduction=reduction, **options
    )
    close(F.structure_correlation(pred, target, reduction=reduction, **options), expected)


@pytest.mark.parametrize("masked", [False, True])
def test_equal_flat_blocks_are_perfect_with_exponents(masked: bool) -> None:
    """In float32, within the range and beyond it."""
    hard = ((torch.arange(181)[:, None] // 16 + torch.arange(193) // 16) % 2).float()
    hard = hard.expand(1, 3, -1, -1)
    mask = hole(hard.shape) if masked else None
    for factor in (1, 100, 1e7):
        pred = (factor * hard).requires_grad_()
        value = F.ssim(pred, factor * hard, exponents=(0.5, 0.7, 0.3), mask=mask)
        assert value.item() == pytest.approx(1, abs=1e-6)
        value.backward()
        assert pred.grad is not None
        assert pred.grad.isfinite().all()


def test_similarity_of_flat_blocks_far_beyond_the_range() -> None:
    """Blocks against other blocks, flat in both images at many positions, in float32."""
    rows, columns = torch.arange(181)[:, None], torch.arange(193)
    x, y = (
        1e4 * ((rows // high + columns // wide) % 2).float().expand(1, 3, -1, -1)
        for high, wide in ((16, 16), (13, 19))
    )
    value = F.ssim(x, y, backend="eager")
    close(value, F.ssim(x.double(), y.double(), backend="eager"), 1e-2)


def test_structure_correlation_of_flat_windows() -> None:
    """1 where both windows are flat, 0 where one is: exactly, in every dtype, however bright."""
    texture = pictures(11, 11)[1][:1]
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        image, dark, bright = (
            texture.to(dtype),
            torch.full_like(texture, 0.1, dtype=dtype),
            torch.full_like(texture, 0.9, dtype=dtype),
        )
        for pred, target, expected in (
            (dark, bright, 1),
            (bright, bright, 1),
            (dark, image, 0),
            (image, bright, 0),
        ):
            assert (F.structure_correlation(pred, target, reduction="none") == expected).all(), (
                dtype,
                expected,
            )
        close(F.structure_correlation(image, image), 1, 1e-5)
        close(F.structure_correlation(image.float(), 0.7 - 0.5 * image.float()), -1, 1e-5)
        close(F.structure_correlation(image.float(), 0.2 + 0.5 * image.float()), 1, 1e-5)


def test_gradient_ssim_under_a_mask() -> None:
    """Luminance over the valid pixels, contrast and structure where all 3 x 3 pixels of the Sobel
    operator are valid.
    """
    pred, target = pictures()
    mask = hole(pred.shape).double() * torch.linspace(0.3, 1, 31, dtype=torch.float64)
    x, y, m = arrays(pred, target, mask)
    bordered = np.pad(m, [(0, 0), (0, 0), (1, 1), (1, 1)], mode="edge")
    inner = np.min(
        [bordered[..., i : i + 24, j : j + 31] for i in range(3) for j in range(3)], axis=0
    )
    taps = reference.window("gaussian", 11, 1.5)
    mu_x, mu_y, *_ = reference.local_moments(x, y, taps, m)
    magnitudes = reference.gradient_magnitude(x), reference.gradient_magnitude(y)
    _, _, var_x, var_y, cov_xy, mass = reference.local_moments(*magnitudes, taps, inner)
    values = (
        (2 * mu_x * mu_y + 1e-4)
        / (mu_x**2 + mu_y**2 + 1e-4)
        * (2 * cov_xy + 9e-4)
        / (var_x + var_y + 9e-4)
    )
    close(F.gradient_ssim(pred, target, mask=mask), reference.reduce(values, mass))


def masks() -> dict[str, Tensor]:
    shape = pictures()[0].shape
    weights = torch.rand(shape, dtype=torch.float64)
    return {
        "bool": hole(shape),
        "bool per channel": torch.rand(shape) > 0.3,
        "weights": hole(shape) * torch.rand(3, 1, *shape[2:]),
        "weights per channel": weights * (weights > 0.2),
        "float16": hole(shape).half(),
        "sparse": torch.rand(3, 1, *shape[2:]) > 0.98,
    }


@pytest.mark.parametrize(
    "name", ["bool", "bool per channel", "weights", "weights per channel", "float16", "sparse"]
)
def test_mask_reference(name: str) -> None:
    pred, target = pictures()
    mask = masks()[name]
    # A window of few pixels hardly varies; the root of a variance that is rounding alone costs the
    # exponents a few digits.
    grid = (
        {},
        {"padding": "reflect"},
        {"padding": "zeros", "window_size": 5},
        {"padding": "replicate", "covariance": "sample"},
        {"downsample": 2, "window_size": 5},
        {"window": (1.0, 3.0, 0.5, 0.2), "exponents": (1.0, 0.5, 1.5)},
    )
    for options in grid:
        tolerance = 1e-9 if "exponents" in options else 1e-12
        values, weight = reference.ssim_map_and_weight(
            *arrays(pred, target), mask=mask.double().numpy(), **options
        )
        close(
            F.ssim_map(pred, target, mask=mask, **given(options)),
            np.where(weight > 0, values, 0),
            tolerance,
        )
        for reduction in ("mean", "sum", "image"):
            expected = reference.reduce(values, weight, reduction)
            close(
                F.ssim(pred, target, mask=mask, reduction=reduction, **given(options)),
                expected,
                tolerance,
            )


@pytest.mark.parametrize(
    "fault",
    [
        lambda x, y: F.ssim(x, y, sigma=1.49),
        lambda x, y: F.ssim(x, y, covariance="sample"),
        lambda x, y: F.ssim(x, y, k2=0.0301),
        lambda x, y: F.ssim(x, y.roll(1, -1)),
        lambda x, y: -F.ssim(x, y),
        lambda x, y: F.ssim(x.float(), y.float()),
        lambda x, y: (
            F.ssim(x, y, window=torch.tensor([1.0, 5.0, 2.0]).flip(0))
            - F.ssim(x, y, window=torch.tensor([1.0, 5.0, 2.0]))
            + 1
        ),
    ],
    ids=["sigma", "covariance", "constant", "shifted", "sign", "float32", "window turned"],
)
def test_planted_fault_is_found(fault: Callable[..., Tensor]) -> None:
    """What ``test_reference`` compares would not pass with a slightly different SSIM."""
    pred, target = pictures()
    expected = reference.ssim(*arrays(pred, target))
    close(F.ssim(pred, target), expected)
    with pytest.raises(AssertionError, match="off by"):
        close(fault(pred, target), expected)


# --- properties -----------------------------------------------------------------------------------

FUNCTIONS = {
    "ssim": F.ssim,
    "ssim, reflect": functools.partial(F.ssim, padding="reflect"),
    "ssim, sample": functools.partial(F.ssim, window="uniform", window_size=8, covariance="sample"),
    "ssim, exponents": functools.partial(F.ssim, exponents=(0.5, 1.5, 0.7)),
    "gradient_ssim": F.gradient_ssim,
    "structure_correlation": F.structure_correlation,
}
LOSSES = {
    "ssim": functools.partial(F.ssim_loss, padding="replicate", window_size=5),
    "ssim, exponents": functools.partial(
        F.ssim_loss, exponents=(0.5, 1.5, 0.7), padding="replicate", window_size=5
    ),
    "gradient_ssim": functools.partial(F.gradient_ssim_loss, padding="replicate", window_size=5),
    "structure_correlation": functools.partial(
        F.structure_correlation_loss, padding="replicate", window_size=5
    ),
}
every_function = pytest.mark.parametrize("name", FUNCTIONS)
every_loss = pytest.mark.parametrize("name", LOSSES)


@every_function
def test_symmetry_identity_bounds(name: str) -> None:
    score = FUNCTIONS[name]
    pred, target = pictures()
    close(score(pred, target), score(target, pred))
    close(score(target, target), 1)
    noise = torch.rand(3, 3, 24, 31, dtype=torch.float64)
    for other in (pred, 1 - target, noise, torch.zeros_like(target), (target > 0.5).double()):
        values = score(other, target, reduction="none")
        assert values.abs().max() <= 1 + 1e-12
    assert score(noise, target) < score(pred, target) < 1
    if name != "gradient_ssim":  # which sees magnitudes, the same in a negative
        assert score(1 - target, target) < score(noise, target)


@every_function
def test_flips_and_transposition(name: str) -> None:
    score = FUNCTIONS[name]
    pred, target = pictures()
    for turn in (
        lambda image: image.flip(2),
        lambda image: image.flip(3),
        lambda image: image.transpose(2, 3),
    ):
        close(score(turn(pred), turn(target)), score(pred, target))


@every_function
def test_batch_and_channels_are_independent(name: str) -> None:
    score = FUNCTIONS[name]
    pred, target = pictures()
    planes = score(
        pred.reshape(9, 1, 24, 31), target.reshape(9, 1, 24, 31), reduction="image"
    ).view(3, 3)
    close(score(pred, target, reduction="image"), planes.mean(1))
    close(score(pred, target), planes.mean())
    close(score(pred[:, [2, 0, 1]], target[:, [2, 0, 1]]), planes.mean())
    unreduced = score(pred, target, reduction="none")
    close(unreduced.mean((2, 3)), planes)
    close(score(pred, target, reduction="sum"), unreduced.sum())


@every_loss
def test_loss_is_one_minus_score_before_the_reduction(name: str) -> None:
    loss, score = LOSSES[name], getattr(F, LOSSES[name].func.__name__.removesuffix("_loss"))
    pred, target = pictures()
    for mask in (None, hole(pred.shape)):
        for reduction in ("mean", "image"):
            expected = 1 - score(pred, target, mask=mask, reduction=reduction, **loss.keywords)
            close(loss(pred, target, mask=mask, reduction=reduction), expected)
        ones = score(target, target, mask=mask, reduction="sum", **loss.keywords)
        close(
            loss(pred, target, mask=mask, reduction="sum"),
            ones - score(pred, target, mask=mask, reduction="sum", **loss.keywords),
        )
    close(
        loss(pred, target, reduction="none"),
        1 - score(pred, target, reduction="none", **loss.keywords),
    )


def test_exponents() -> None:
    """Ones are the plain product; an exponent of 0 leaves its term out whatever its sign; whole
    powers are ordinary ones.
    """
    pred, target = pictures()
    ones = functools.partial(F.ssim_map, exponents=(1, 1, 1))
    close(F.ssim_map(pred, target, exponents=(1.0, 1.0, 1.0 + 1e-13)), ones(pred, target), 1e-11)
    for other in (pred, 1 - target):
        contrast = F.ssim_map(other, target, exponents=(0, 1, 0))
        structure = F.ssim_map(other, target, exponents=(0, 0, 1))
        luminance = F.ssim_map(other, target, exponents=(1, 0, 0))
        assert (contrast > 0).all()
        close(luminance * contrast * structure, ones(other, target))
        cubed = F.ssim_map(other, target, exponents=(0, 0, 3))
        close(cubed, structure**3)
        squared = F.ssim_map(other, target, exponents=(0, 0, 2))
        close(squared, structure**2)
    assert (structure < 0).any()
    for exponents in ((0, 1, 0), (0, 0, 1), (1, 0, 0), (0.3, 0, 0), (0, 0.3, 0), (0, 0, 0.3)):
        _, gradient = differentiate(F.ssim, pred, target, exponents=exponents)
        assert gradient.norm() > 0, exponents


def test_blown_out_highlights_do_not_change_with_the_dtype() -> None:
    """A window that is flat in one image only: its deviation is 0 in float32 too, for every
    exponent.
    """
    ramp = torch.linspace(0.5, 1, 31, dtype=torch.float64).expand(1, 1, 24, 31).contiguous()
    white = torch.ones_like(ramp)
    for exponents in ((1, 1, 0.5), (1, 0.5, 1), (0, 1, 0), (0, 0, 1)):
        close(
            F.ssim(ramp.float(), white.float(), exponents=exponents),
            F.ssim(ramp, white, exponents=exponents),
            2e-5,
        )


@every_loss
def test_expanded_tensors(name: str) -> None:
    """Stride 0, as returned by ``expand``."""
    pred, target = pictures(16, 17)
    one = target[:1, :1].expand(3, 3, 16, 17)
    value, gradient = differentiate(LOSSES[name], pred, one)
    expected = differentiate(LOSSES[name], pred, one.contiguous())
    close(value, expected[0])
    close(gradient, expected[1])
    leaf = target[:1, :1].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(LOSSES[name](pred, leaf.expand(3, 3, 16, 17)), leaf)
    whole = one.contiguous().requires_grad_()
    close(
        gradient,
        torch.autograd.grad(LOSSES[name](pred, whole), whole)[0].sum((0, 1), keepdim=True),
        1e-11,
    )


# --- masks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding", ["valid", "reflect", "replicate"])
def test_weights_count_by_their_ratio_however_small(padding: str) -> None:
    pred, target = pictures(dtype=torch.float32)
    mask = hole(pred.shape) * torch.linspace(0.1, 1, 31)
    for scale in (1e-9, 255.0):
        close(
            F.ssim(pred, target, mask=mask * scale, padding=padding),
            F.ssim(pred, target, mask=mask, padding=padding),
            1e-6,
        )


def test_mask_does_not_leak_into_windows() -> None:
    """Masking before a plain convolution would create a black hole; masking the map would let
    masked pixels through.
    """
    pred, target = pictures()
    mask = hole(pred.shape)
    inside = (pred * mask, target * mask)
    black = F.ssim(*inside)
    map_only = (F.ssim_map(pred, target, padding="reflect") * mask).sum() / mask.expand_as(
        pred
    ).sum()
    value = F.ssim(pred, target, mask=mask, padding="reflect")
    assert min(abs(value - black), abs(value - map_only)) > 1e-4


# --- gradients ------------------------------------------------------------------------------------

SMALL = {
    "ssim": functools.partial(F.ssim_loss, window_size=5),
    "ssim, even window": functools.partial(F.ssim_loss, window_size=4, reduction="image"),
    "ssim, custom window": functools.partial(
        F.ssim_loss, window=torch.tensor([1.0, 3.0, 0.5]), covariance="sample", reduction="sum"
    ),
    "ssim, reflect": functools.partial(
        F.ssim_loss, window_size=5, padding="reflect", data_range=(-1, 1)
    ),
    "ssim, zeros": functools.partial(F.ssim_loss, window_size=5, padding="zeros"),
    "ssim, map": functools.partial(F.ssim_loss, window_size=3, reduction="none"),
    "ssim, blocks": functools.partial(F.ssim_loss, window_size=2, downsample=2),
    "ssim, matlab": functools.partial(F.ssim_loss, window_size=3, downsample="matlab"),
    "ssim, exponents": functools.partial(F.ssim_loss, window_size=5, exponents=(0.5, 1.5, 0.7)),
    "gradient_ssim": functools.partial(F.gradient_ssim_loss, window_size=5),
    "structure_correlation": functools.partial(F.structure_correlation_loss, window_size=5),
}


@pytest.mark.parametrize("name", SMALL)
def test_gradcheck(name: str) -> None:
    """Against finite differences, for every subset of images that asks, with and without a mask."""
    mask = torch.rand(1, 2, 5, 6) > 0.2
    pair = torch.rand(2, 1, 2, 5, 6, dtype=torch.float64)
    for asks in ((True, True), (True, False), (False, True)):
        images = tuple(
            image.clone().requires_grad_(ask) for image, ask in zip(pair, asks, strict=True)
        )
        assert GRADCHECK(SMALL[name], images, fast_mode=not all(asks))
    both = tuple(image.clone().requires_grad_() for image in pair)
    assert GRADCHECK(lambda pred, target: SMALL[name](pred, target, mask=mask), both)
    assert not SMALL[name](*pair).requires_grad


def test_gradcheck_of_volumes() -> None:
    pair = tuple(
        torch.rand(1, 1, 4, 5, 4, dtype=torch.float64, requires_grad=True) for _ in range(2)
    )
    for options in ({}, {"padding": "reflect"}, {"downsample": 2, "window_size": 2}):
        assert GRADCHECK(functools.partial(F.ssim_loss, **{"window_size": 3, **options}), pair)


@every_loss
@pytest.mark.parametrize("scale", [1e4, 1e10])
def test_huge_values(name: str, scale: float) -> None:
    """A network that has diverged still gets finite values, for any data range."""
    pred, target = pictures(dtype=torch.float32)
    for images in (
        (pred * scale, target),
        (pred, target * scale),
        (pred * scale, target * scale),
        (-pred * scale, target * scale),
    ):
        value, gradient = differentiate(LOSSES[name], *images)
        assert value.isfinite()
        assert gradient.isfinite().all()


def test_structure_correlation_is_alive_where_the_prediction_is_flat() -> None:
    """A constant start has no structure to correlate; its gradient points to the target's."""
    _, target = pictures()
    for dtype in (torch.float64, torch.float32):
        flat = torch.full_like(target, 0.5, dtype=dtype)
        value, gradient = differentiate(F.structure_correlation_loss, flat, target.to(dtype))
        close(value, 1)
        assert gradient.isfinite().all()
        stepped = flat - 0.01 * gradient / gradient.abs().max()
        assert F.structure_correlation_loss(stepped, target.to(dtype)) < 0.9


# --- dtypes ---------------------------------------------------------------------------------------


@every_loss
def test_mixed_dtypes(name: str) -> None:
    """A bfloat16 network against a float32 target: computed in float32, each gradient in its
    image's dtype, the map in the wider one.
    """
    pred, target = pictures(dtype=torch.float32)
    pred = pred.bfloat16().requires_grad_()
    target.requires_grad_()
    value = LOSSES[name](pred, target)
    assert value.dtype is torch.float32
    close(value, LOSSES[name](pred.float(), target), 0)
    assert [g.dtype for g in torch.autograd.grad(value, (pred, target))] == [
        torch.bfloat16,
        torch.float32,
    ]
    assert LOSSES[name](pred, target, reduction="none").dtype is torch.float32
    assert LOSSES[name](pred, target.double()).dtype is torch.float64
    assert LOSSES[name](pred, target.bfloat16(), reduction="none").dtype is torch.bfloat16
    assert LOSSES[name](pred, target.bfloat16(), reduction="image").dtype is torch.float32


@every_loss
def test_float32_is_close_to_float64(name: str) -> None:
    """A few hundred roundings of numbers below 1, divided by a variance of C2 = 9e-4 at least; r*
    has no constant to divide by.

    Grain is added: where 8-bit photographs are flat to the last bit, the slopes of a root and of an
    absolute value are rounding alone.
    """
    pred, target = (
        image + 0.02 * torch.randn(image.shape) for image in pictures(dtype=torch.float32)
    )
    tolerance = 2e-5 if name == "structure_correlation" else 5e-6
    value, gradient = differentiate(LOSSES[name], pred, target)
    truth, true_gradient = differentiate(LOSSES[name], pred.double(), target.double())
    close(value, truth, tolerance)
    close(gradient, true_gradient, 10 * tolerance)


# --- twins, shapes only, errors -------------------------------------------------------------------


def test_module_with_a_custom_window() -> None:
    window = torch.tensor([1.0, 3.0, 1.0])
    module = ssimloss.SSIMLoss(window=window)
    pred, target = pictures()
    close(module(pred, target), F.ssim_loss(pred, target, window=window), 0)
    assert not module.state_dict()
    assert "window=tensor" in repr(module)
    assert module.to("meta").window.is_meta, "a custom window moves with its module"


def test_shapes_without_data() -> None:
    """The meta device, where only shapes are computed, needs no autocast to be switched off."""
    image = torch.empty(2, 3, 24, 31, device="meta")
    assert F.ssim(image, image, reduction="none").shape == (2, 3, 14, 21)
    assert F.ssim(image, image, reduction="none", padding="reflect").shape == (2, 3, 24, 31)
    assert F.ssim(image, image, reduction="image").shape == (2,)


def test_borders_by_slices_are_the_library_s() -> None:
    """Off the CPU a border is made of slices, whose gradient is deterministic."""
    for image in (pictures(6, 7)[0], volumes()[0]):
        for amount, padding in itertools.product((1, 3, 5), ("reflect", "replicate")):
            expected = torch.nn.functional.pad(image, [amount] * 2 * (image.ndim - 2), mode=padding)
            close(filters._pad_by_slices(image, amount, padding), expected, 0)


@every_loss
def test_rejects_bad_input(name: str) -> None:
    message = r"pred must have shape \(N, C, H, W\)"
    if name.startswith("gradient"):
        battery.rejects_bad_input(LOSSES[name])
        return
    image = torch.rand(3, 8, 9)
    with pytest.raises(
        ValueError, match=message + r" or \(N, C, D, H, W\), got \(3, 8, 9\); pred\[None\]"
    ):
        LOSSES[name](image, image)
    with pytest.raises(ValueError, match=message):
        LOSSES[name](image[None, None, None], image[None, None, None])


IMAGE = torch.rand(1, 3, 24, 31)
WRONG: list[tuple[type[Exception], str, dict[str, object]]] = [
    (ValueError, "window must be one of 'gaussian', 'uniform', got 'hann'", {"window": "hann"}),
    (
        ValueError,
        r"window must be a 1-D tensor .* got shape \(3, 3\)",
        {"window": torch.ones(3, 3)},
    ),
    (ValueError, "window must be a 1-D tensor", {"window": torch.ones(0)}),
    (
        TypeError,
        "window must be floating point, got torch.int64",
        {"window": torch.ones(3, dtype=torch.int64)},
    ),
    (
        ValueError,
        r"window must not require a gradient.*window.detach\(\)",
        {"window": torch.ones(3, requires_grad=True)},
    ),
    (ValueError, "window_size must be at least 1, got 0", {"window_size": 0}),
    (TypeError, "window_size must be an integer, got float 11.0", {"window_size": 11.0}),
    (
        ValueError,
        "window_size must be odd for padding='reflect', got 8.*padding='valid'",
        {"window_size": 8, "padding": "reflect"},
    ),
    (
        ValueError,
        "length of window must be odd for padding='zeros', got 4",
        {"window": torch.ones(4), "padding": "zeros"},
    ),
    (ValueError, "sigma must be positive, got 0", {"sigma": 0}),
    (ValueError, "sigma must be finite, got nan", {"sigma": math.nan}),
    (
        ValueError,
        "padding must be one of 'valid', 'reflect', 'replicate', 'zeros', got 'same'",
        {"padding": "same"},
    ),
    (ValueError, "data_range must span a positive interval, got 0", {"data_range": 0}),
    (
        ValueError,
        r"data_range must span a positive interval, got \(1, -1\)",
        {"data_range": (1, -1)},
    ),
    (ValueError, r"data_range must be a number or \(lo, hi\)", {"data_range": (0, 1, 2)}),
    (ValueError, "data_range must be finite, got nan", {"data_range": math.nan}),
    (TypeError, "data_range must be a number, got NoneType", {"data_range": None}),
    (
        ValueError,
        "reduction must be one of 'mean', 'sum', 'image', 'none', got 'average'",
        {"reduction": "average"},
    ),
]
ONLY_SSIM: list[tuple[type[Exception], str, dict[str, object]]] = [
    (ValueError, "exponents must be three numbers", {"exponents": (1, 1)}),
    (ValueError, r"exponents\[1\] must be finite, got nan", {"exponents": (1, math.nan, 1)}),
    (ValueError, r"exponents\[2\] must not be negative, got -1", {"exponents": (1, 1, -1)}),
    (ValueError, "downsample must be one of 'auto', 'matlab', got 'half'", {"downsample": "half"}),
    (ValueError, "downsample must be at least 1, got 0", {"downsample": 0}),
    (TypeError, "downsample must be an integer, got float", {"downsample": 2.0}),
    (
        ValueError,
        "downsample=40 is larger than the images .*24, 31.*smaller factor",
        {"downsample": 40},
    ),
    (
        ValueError,
        "backend must be one of 'auto', 'eager', 'cpu', 'triton', got 'cuda'",
        {"backend": "cuda"},
    ),
    (RuntimeError, "backend='triton' cannot run: .*use backend='auto'", {"backend": "triton"}),
]
WITH_CONSTANTS: list[tuple[type[Exception], str, dict[str, object]]] = [
    (
        ValueError,
        "covariance must be one of 'population', 'sample', got 'unbiased'",
        {"covariance": "unbiased"},
    ),
    (
        ValueError,
        "covariance='sample' .* window of at least 2 taps",
        {"covariance": "sample", "window_size": 1},
    ),
    (ValueError, "k1 must be positive, got 0", {"k1": 0}),
    (ValueError, "k2 must be finite, got inf", {"k2": math.inf}),
]


@pytest.mark.parametrize("function", ["ssim", "gradient_ssim", "structure_correlation"])
def test_bad_options(function: str) -> None:
    wrong = (
        WRONG
        + (ONLY_SSIM if function == "ssim" else [])
        + (WITH_CONSTANTS if function != "structure_correlation" else [])
    )
    module = {"ssim": ssimloss.SSIMLoss, "gradient_ssim": ssimloss.GradientSSIMLoss}.get(
        function, ssimloss.StructureCorrelationLoss
    )
    for error, message, options in wrong:
        with pytest.raises(error, match=message):
            getattr(F, function)(IMAGE, IMAGE, **options)
        if "larger than the images" not in message:
            with pytest.raises(error, match=message):
                module(**options)


def test_images_too_small() -> None:
    """The message states the size, the required size and the ways out."""
    small = torch.rand(1, 3, 8, 40)
    for function in (F.ssim, F.gradient_ssim, F.structure_correlation):
        with pytest.raises(
            ValueError,
            match=r"\(8, 40\) pixels are smaller than the window of 11; "
            r".*crops.*window_size.*padding='replicate'",
        ):
            function(small, small)
        assert function(small, small, padding="replicate").isfinite()
        with pytest.raises(
            ValueError,
            match=r"padding='reflect' mirrors 5 pixels .* got \(5, 40\); .*padding='replicate'",
        ):
            function(small[:, :, :5], small[:, :, :5], padding="reflect")
    with pytest.raises(ValueError, match="downsample='matlab' is defined for images"):
        F.ssim(torch.rand(1, 1, 8, 8, 8), torch.rand(1, 1, 8, 8, 8), downsample="matlab")


def test_a_window_of_nan_is_not_a_plausible_number() -> None:
    """Tensor values are never read for a check, so the result has to tell."""
    assert F.ssim(IMAGE, IMAGE, window=torch.tensor([1.0, math.nan, 1.0])).isnan()


def test_a_whole_exponent_is_an_ordinary_power() -> None:
    """Eq. 12 with gamma = 2 squares a negative structure; only a fractional power needs a sign."""
    target = torch.rand(
        1, 1, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    once = F.ssim_map(1 - target, target, exponents=(0, 0, 1))
    assert once.max() < 0
    torch.testing.assert_close(
        F.ssim_map(1 - target, target, exponents=(0, 0, 2)), once.square(), rtol=1e-12, atol=0
    )
    torch.testing.assert_close(
        F.ssim_map(1 - target, target, exponents=(0, 0, 0.5)), -once.abs().sqrt(), rtol=1e-9, atol=0
    )


@pytest.mark.parametrize("padding", ["zeros", "reflect", "valid"])
@pytest.mark.parametrize("backend", ["eager", "auto"])
def test_ssim_l1_reference(padding: str, backend: str) -> None:
    """The weighted sum of both parts, each reduced separately, with differences on a scale of 0 to
    1.
    """
    pred, target = photographs.batch(33, 40)
    x, y = arrays(pred, target)
    similarity = 1 - reference.ssim(x, y, padding=padding, reduction="image")
    for eps, pixels in (
        (None, reference.l1(x, y)),
        (0.01, reference.charbonnier(x, y, eps=0.01, form="eps_squared")),
    ):
        expected = 0.7 * pixels.mean((1, 2, 3)) + 0.3 * similarity
        for factor, low in ((1.0, 0.0), (255.0, 0.0), (2.0, -1.0)):
            images = pred * factor + low, target * factor + low
            options = {
                "weight": 0.3,
                "eps": eps,
                "padding": padding,
                "data_range": (low, low + factor),
                "backend": backend,
            }
            close(F.ssim_l1_loss(*images, reduction="image", **options), expected)
            close(F.ssim_l1_loss(*images, **options), expected.mean())
    for weight, alone in (
        (0.0, F.l1_loss(pred, target)),
        (1.0, F.ssim_loss(pred, target, padding=padding)),
    ):
        close(F.ssim_l1_loss(pred, target, weight=weight, padding=padding, backend=backend), alone)


def test_ssim_l1_reductions() -> None:
    """Map, sum and mask are those of the parts."""
    pred, target = photographs.batch(24, 26)
    mask = torch.ones(len(pred), 1, 24, 26).tril()
    for reduction in ("none", "sum", "mean", "image"):
        for options in ({}, {"mask": mask}):
            parts = (
                F.l1_loss(pred, target, reduction=reduction, **options),
                F.ssim_loss(pred, target, padding="zeros", reduction=reduction, **options),
            )
            close(
                F.ssim_l1_loss(pred, target, reduction=reduction, **options),
                0.8 * parts[0] + 0.2 * parts[1],
            )
    with pytest.raises(
        ValueError, match="reduction='none' needs an SSIM map of the size of the images"
    ):
        F.ssim_l1_loss(pred, target, reduction="none", padding="valid")
    with pytest.raises(ValueError, match=r"weight must lie in \[0, 1\], got 1.5"):
        ssimloss.SSIML1Loss(weight=1.5)
    with pytest.raises(ValueError, match="eps must be positive"):
        ssimloss.SSIML1Loss(eps=0.0)
