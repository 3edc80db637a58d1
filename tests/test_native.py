"""The native CPU library against the eager equations in float64, which are tested against
``reference.py`` and other implementations.
"""

from __future__ import annotations

import _thread
import functools
import importlib
import itertools
import math
import multiprocessing
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from instruction_sets import INSTRUCTIONS
from torch import Tensor
from torch.utils.data import DataLoader

import ssimloss
import ssimloss.functional as F
from ssimloss.functional._equations import halve
from ssimloss.kernels import autograd, backends, describe, library, scratch_bytes, use_instructions
from ssimloss.kernels.pyramid_scores import pyramid_shapes

ROOT = Path(__file__).parents[1]
Loss = Callable[..., Tensor]
Found = tuple[Tensor, ...]

pytestmark = pytest.mark.skipif(
    library.why_not() is not None, reason=f"no native library: {library.why_not()}"
)


def pictures(
    shape: tuple[int, ...], dtype: torch.dtype = torch.float64, *, low: float = 0.0, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Two images with structure at several scales, flat parts, equal parts and noise; values near 0
    and 1 occur.
    """
    generator = torch.Generator().manual_seed(seed)
    n, c, h, w = shape
    coarse = torch.rand(
        n, c, max(1, h // 6), max(1, w // 6), generator=generator, dtype=torch.float64
    )
    target = (
        torch.nn.functional.interpolate(coarse, size=(h, w), mode="bilinear")
        if min(shape)
        else torch.zeros(shape, dtype=torch.float64)
    )
    target[..., : w // 4] = 0.9
    pred = (target + 0.1 * torch.randn(shape, generator=generator, dtype=torch.float64)).clamp(0, 1)
    pred[..., : h // 5, :] = target[..., : h // 5, :]
    return (pred + low).to(dtype), (target + low).to(dtype)


def value_and_gradients(
    loss: Loss, pred: Tensor, target: Tensor, asks: tuple[bool, bool] = (True, True)
) -> Found:
    """The result and, for each image that asks, its gradient, for an upstream gradient of random
    numbers.
    """
    images = [
        image.detach().requires_grad_(ask) for image, ask in zip((pred, target), asks, strict=True)
    ]
    value = loss(*images)
    asking = [image for image in images if image.requires_grad]
    if not asking:
        assert not value.requires_grad
        return (value,)
    upstream = (
        torch.rand(value.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        + 0.5
    )
    return value.detach(), *torch.autograd.grad(value, asking, upstream.to(value.dtype))


def distances(found: Tensor, truth: Tensor) -> tuple[float, float]:
    """Relative error in the L2 norm and, so that a single wrong pixel counts in full, of the
    largest element.
    """
    assert found.shape == truth.shape
    if not truth.numel():
        return 0.0, 0.0
    error, least = found.double() - truth, 1e-30
    return float(error.norm() / truth.norm().clamp(min=least)), float(
        error.abs().max() / truth.abs().max().clamp(min=least)
    )


# Beside the rounding of a result: where an image is flat, a variance that rounding makes of 0,
# about eps / 4 on [0, 1], is divided by C2 = 9e-4. That is 300 eps where it happens, and much less
# over all pixels.
FLOORS = {
    torch.float32: (1e-5, 3e-5),
    torch.float64: (1e-13, 4e-13),
    torch.bfloat16: (2.0**-9, 2.0**-8),
    torch.float16: (2.0**-11, 2.0**-10),
}


def no_worse_than_eager(
    loss: Loss,
    pred: Tensor,
    target: Tensor,
    asks: tuple[bool, bool] = (True, True),
    backend: str = "cpu",
    instructions: Sequence[str] = ("",),
) -> None:
    """Of the kernel and eager in the same dtype, the kernel may be at most twice as far from eager
    in float64, plus a floor; with each of the instruction sets ("" for the best).
    """
    truth = value_and_gradients(
        functools.partial(loss, backend="eager"), pred.double(), target.double(), asks
    )
    eager = value_and_gradients(functools.partial(loss, backend="eager"), pred, target, asks)
    for name in instructions:
        use_instructions(name)
        try:
            found = value_and_gradients(
                functools.partial(loss, backend=backend), pred, target, asks
            )
        finally:
            use_instructions("")
        check_errors(found, eager, truth, FLOORS[pred.dtype])


def check_errors(found: Found, eager: Found, truth: Found, floors: tuple[float, float]) -> None:
    """Raise for a result or gradient that is too far from the truth."""
    assert len(found) == len(truth)
    for name, one, other, exact in zip(
        ("value", "first gradient", "second gradient"), found, eager, truth, strict=False
    ):
        assert one.dtype == other.dtype
        for norm, error, its_error, floor in zip(
            ("L2", "max"), distances(one, exact), distances(other, exact), floors, strict=True
        ):
            allowed = 2 * its_error + floor
            assert error <= allowed, f"{name}, {norm}: off by {error:.2e}, allowed {allowed:.2e}"


on_every_set = functools.partial(no_worse_than_eager, instructions=INSTRUCTIONS)


# --- parity ---------------------------------------------------------------------------------------


def masked(
    loss: Loss, pred: Tensor, target: Tensor, *, sparse: bool = True, **options: object
) -> Tensor:
    """Under weights per pixel, and behind the mask what must not reach the result.

    Half of the weights are 0, and so is a corner. Where not ``sparse``, a tenth are and the others
    are alike: a variance of one pixel or two is next to nothing.
    """
    n, _, height, width = pred.shape
    generator = torch.Generator().manual_seed(5)
    drawn = torch.rand((n, 1, height, width), generator=generator, dtype=torch.float64)
    if sparse:
        mask = torch.where(drawn < 0.5, 0, drawn)
        mask[..., : height // 2, width // 2 :] = 0
    else:
        mask = torch.where(drawn < 0.1, 0, 0.5 + drawn / 2)
    return loss(torch.where(mask == 0, torch.nan, pred), target, mask=mask, **options)


def textured(loss: Loss, pred: Tensor, target: Tensor, **options: object) -> Tensor:
    """Without windows that hardly vary: where a variance is next to nothing, float32 knows neither
    it nor a correlation to more than a digit.
    """
    height, width = pred.shape[2:]
    pattern = (torch.arange(height)[:, None] + torch.arange(width)) % 2 * 0.05
    wide = (image.to(torch.promote_types(image.dtype, torch.float32)) for image in (pred, target))
    return loss(*(image + pattern.to(image.dtype) for image in wide), **options)


CORRELATION: Loss = functools.partial(textured, F.structure_correlation)
LOSSES: dict[str, Loss] = {
    "ssim": F.ssim,
    "ssim loss, per image": functools.partial(F.ssim_loss, reduction="image"),
    "ssim, sum": functools.partial(F.ssim, reduction="sum"),
    "map": F.ssim_map,
    "sample covariance, uniform window": functools.partial(
        F.ssim, window="uniform", window_size=7, covariance="sample"
    ),
    "mixed": F.ssim_l1_loss,
    "mixed, valid": functools.partial(F.ssim_l1_loss, eps=1e-3, padding="valid", reduction="image"),
    "ms-ssim": functools.partial(F.ms_ssim, min_size="fewer_scales", reduction="image"),
    "ms-ssim, per channel": functools.partial(
        F.ms_ssim_loss, min_size="fewer_scales", reduction="none"
    ),
    "ms-ssim, joint": functools.partial(
        F.ms_ssim_loss, min_size="fewer_scales", channels="joint", coarsest_padding="reflect"
    ),
    "l1": F.l1_loss,
    "l2": functools.partial(F.l2_loss, reduction="image"),
    "charbonnier": functools.partial(F.charbonnier_loss, reduction="sum"),
    "masked ssim": functools.partial(masked, F.ssim, reduction="image"),
    "masked ssim loss": functools.partial(masked, F.ssim_loss, padding="reflect"),
    "r*": CORRELATION,
    "r*, sum": functools.partial(
        CORRELATION, reduction="sum", padding="replicate", window_size=7, data_range=(-1, 1)
    ),
    "masked r*": functools.partial(masked, CORRELATION, sparse=False, padding="replicate"),
    "g-ssim": functools.partial(F.gradient_ssim_loss, reduction="image"),
    "scales and l1": functools.partial(
        F.ms_ssim_l1_loss, window_size=11, sigmas=(0.5, 1.0, 2.0), reduction="image"
    ),
}
# One aligned, one ragged, one odd, one of several planes per vector with some left over, one wider
# than a tile, one of few rows.
SHAPES = [
    (2, 1, 64, 64),
    (1, 3, 37, 51),
    (1, 5, 48, 29),
    (7, 3, 23, 24),
    (1, 2, 24, 1201),
    (1, 1, 22, 640),
]
DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", LOSSES)
def test_parity(name: str, shape: tuple[int, ...]) -> None:
    """In float32, and in the other dtypes by turns: each meets each loss and each shape."""
    turn = list(LOSSES).index(name) + SHAPES.index(shape)
    for dtype in (DTYPES[0], DTYPES[1 + turn % 3]):
        on_every_set(LOSSES[name], *pictures(shape, dtype))


@pytest.mark.parametrize("shape", [(2, 1, 41, 41), (1, 3, 58, 73), (5, 3, 42, 45)], ids=str)
def test_parity_of_vif(shape: tuple[int, ...]) -> None:
    """The least size, odd ones, several planes per vector; luma, and a range with another noise."""
    of_images = functools.partial(textured, F.vif, reduction="image")
    of_target = functools.partial(textured, F.vif_loss, noise=0.4, data_range=(-1.0, 1.0))
    for dtype in DTYPES:
        on_every_set(of_images, *pictures(shape, dtype))
        on_every_set(of_target, *pictures(shape, dtype, low=-0.5), (False, True))


WINDOWS_AND_BORDERS = [
    *itertools.product([1, 3, 5, 11, 17, 33], ["valid", "reflect", "replicate", "zeros"]),
    (8, "valid"),  # an even window has no border
]


@pytest.mark.parametrize(("window_size", "padding"), WINDOWS_AND_BORDERS)
def test_windows_and_borders(window_size: int, padding: str) -> None:
    """Window lengths from 1 to the longest with each border; losses and dtypes by turns."""
    options = {"window_size": window_size, "sigma": 0.3 + window_size / 6, "padding": padding}
    turn = WINDOWS_AND_BORDERS.index((window_size, padding))
    losses = (
        functools.partial(F.ssim, reduction="image", **options),
        functools.partial(F.ssim_map, **options),
        functools.partial(F.ssim_l1_loss, **options),
    )
    for i, shape in enumerate(((1, 2, 45, 70), (3, 1, 34, 35), (1, 1, 40, 700))):
        dtype = (torch.float32, torch.float64)[(turn + i) % 2]
        on_every_set(losses[(turn + i) % 3], *pictures(shape, dtype))


@pytest.mark.parametrize("padding", ["valid", "reflect", "replicate", "zeros"])
def test_windows_and_borders_of_moments(padding: str) -> None:
    """Short windows, the longest, and between them those of other lengths, with each border; values
    that do not begin at 0.
    """
    for shape, window_size, dtype in (
        ((1, 2, 45, 70), 7, torch.float32),
        ((3, 1, 34, 35), 33, torch.float64),
        ((1, 1, 40, 700), 33, torch.float32),
    ):
        images = pictures(shape, dtype, low=-0.4)
        options = {"padding": padding, "data_range": (-0.4, 0.6)}
        window = {"window_size": window_size, "sigma": 0.3 + window_size / 6}
        for loss in (
            functools.partial(masked, F.ssim, **window),
            functools.partial(masked, CORRELATION, sparse=False, **window),
            functools.partial(CORRELATION, **window),
            functools.partial(F.gradient_ssim, covariance="sample", **window),
            functools.partial(F.ms_ssim_l1_loss, window_size=window_size),
        ):
            on_every_set(functools.partial(loss, reduction="image", **options), *images)


def test_moments_of_smallest_and_large_images() -> None:
    """Planes of one row or column, and planes of which one is more than is kept at a time."""
    for size in ((1, 1), (1, 40), (40, 1)):
        images = pictures((2, 3, *size), torch.float32)
        for loss in (
            F.gradient_ssim,
            CORRELATION,
            F.ms_ssim_l1_loss,
            functools.partial(masked, F.ssim),
        ):
            on_every_set(functools.partial(loss, padding="replicate"), *images)
    images = pictures((2, 2, 150, 260), torch.float32)
    channels_last = images[0].to(memory_format=torch.channels_last)
    no_worse_than_eager(F.ms_ssim_l1_loss, channels_last, images[1])
    for image in (images[0], channels_last):
        no_worse_than_eager(F.gradient_ssim_loss, image, images[1], (False, True))


@pytest.mark.parametrize(
    ("loss", "masks"),
    [
        (F.ssim, True),
        (F.structure_correlation, True),
        (F.structure_correlation, False),
        (F.gradient_ssim, False),
        (functools.partial(F.ms_ssim_l1_loss, window_size=11, sigmas=(0.5, 2.0)), False),
    ],
)
def test_moments_are_the_same_in_any_company(loss: Loss, masks: bool) -> None:
    """The values and gradients of images alone and in a batch, to the last bit."""
    pred, target = pictures((5, 2, 24, 31), torch.float32)
    mask = (torch.rand((5, 1, 24, 31), generator=torch.Generator().manual_seed(5)) > 0.4).float()

    def results(some: slice) -> tuple[Tensor, Tensor]:
        leaf = pred[some].clone().requires_grad_()
        given = {"mask": mask[some]} if masks else {}
        values = loss(leaf, target[some], reduction="image", backend="cpu", **given)
        return values.detach(), torch.autograd.grad(values.sum(), leaf)[0]

    whole = results(slice(None))
    for n in range(5):
        for alone, among in zip(results(slice(n, n + 1)), whole, strict=True):
            assert torch.equal(alone, among[n : n + 1])


def test_correlation_of_flat_windows() -> None:
    """1 where both images are flat, 0 where one is, which then has the slope of a low contrast;
    equal parts of images that differ elsewhere have no gradient.
    """
    noise = 0.1 + 0.5 * torch.rand(1, 1, 40, 90, generator=torch.Generator().manual_seed(0))
    pred, target = noise.clone(), noise.clone()
    target[..., :45] = 0.7
    pred[..., 20:, :45] = 0.3
    loss = functools.partial(F.structure_correlation, window_size=7)
    on_every_set(loss, pred, target)
    for flat in (torch.full_like(noise, 0.6), torch.zeros_like(noise)):
        assert loss(flat, 1 - flat, backend="cpu") == 1
        assert loss(noise, flat, backend="cpu") == 0
        on_every_set(loss, flat, noise, (True, False))
    changed = noise.clone()
    changed[..., :10] = 1 - changed[..., :10]
    (gradient,) = torch.autograd.grad(
        loss(leaf := changed.requires_grad_(), noise, backend="cpu"), leaf
    )
    assert (gradient[..., 20:] == 0).all()
    assert gradient[..., :20].abs().amax() > 1e-3


def test_equal_images_under_a_mask_are_exactly_similar() -> None:
    image, _ = pictures((3, 2, 30, 41), torch.float32)
    mask = torch.rand(3, 1, 30, 41, generator=torch.Generator().manual_seed(0))
    mask[0] = 0
    found = F.ssim(image, image, mask=mask, reduction="image", backend="cpu")
    assert found.tolist() == [0.0, 1.0, 1.0]
    (gradient,) = torch.autograd.grad(
        F.ssim(leaf := image.clone().requires_grad_(), image, mask=mask, backend="cpu"), leaf
    )
    assert (gradient == 0).all()


def test_a_bright_object_under_a_mask() -> None:
    """The few valid pixels decide what is subtracted before squares are taken."""
    pred, target = pictures((1, 1, 60, 70), torch.float32, low=100)
    mask = torch.zeros(1, 1, 60, 70)
    mask[..., 41:56, 20:33] = 1
    pred, target = torch.where(mask == 0, 0, pred), torch.where(mask == 0, 0, target)
    for loss in (F.ssim, CORRELATION):
        no_worse_than_eager(functools.partial(loss, mask=mask, data_range=(100, 101)), pred, target)
    mask[..., 42:, :] = 0  # a row that the grid of pixels misses
    no_worse_than_eager(functools.partial(F.ssim, mask=mask, data_range=(100, 101)), pred, target)


def test_a_mask_that_changes_before_backward() -> None:
    """It is saved as the images are: autograd notices."""
    pred, target = (image.requires_grad_() for image in pictures((1, 1, 20, 21), torch.float32))
    mask = torch.ones(1, 1, 20, 21)
    value = F.ssim(pred, target, mask=mask, backend="cpu")
    mask[..., :10] = 0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


@pytest.mark.parametrize("padding", ["valid", "reflect", "replicate", "zeros"])
def test_smallest_images(padding: str) -> None:
    """The least size that each border allows, planes of one row or column included."""
    least = {"valid": 11, "reflect": 6}.get(padding, 1)
    for height, width in ((least, least), (least, 40), (40, least), (least + 1, least + 2)):
        for planes in ((1, 1), (2, 3)):
            images = pictures((*planes, height, width), torch.float32)
            on_every_set(functools.partial(F.ssim_map, padding=padding), *images)
            on_every_set(functools.partial(F.ssim_loss, padding=padding), *images)


@pytest.mark.parametrize("pooling", ["floor", "zeros", "replicate", "symmetric"])
def test_pyramids_of_odd_sizes(pooling: str) -> None:
    """Each way to halve an odd size, at every scale and on either axis; sizes even and odd in each
    combination; the two dtypes by turns.
    """
    loss = functools.partial(
        F.ms_ssim, pooling=pooling, min_size="fewer_scales", reduction="none", data_range=(-1, 1)
    )
    sizes = ((176, 176), (177, 190), (190, 177), (91, 93), (47, 46), (22, 45), (11, 13), (367, 23))
    turn = ("floor", "zeros", "replicate", "symmetric").index(pooling)
    for i, size in enumerate(sizes):
        dtype = (torch.float32, torch.float64)[(turn + i) % 2]
        on_every_set(loss, *pictures((1, 3, *size), dtype, low=-0.7))


def test_pyramids_of_large_images() -> None:
    """Beyond the working memory, planes are processed one by one."""
    loss = functools.partial(F.ms_ssim, reduction="none")
    for shape in ((2, 3, 300, 420), (1, 1, 700, 1000), (40, 1, 176, 176)):
        no_worse_than_eager(loss, *pictures(shape, torch.float32))
    # More planes than one are kept, and fewer than an image has: those of two images are apart.
    interleaved = [
        image.to(memory_format=torch.channels_last)
        for image in pictures((2, 5, 300, 420), torch.float32)
    ]
    no_worse_than_eager(loss, *interleaved)


COMBINED = [("product", "clamp"), ("product", "relu"), ("product", "shift")]
COMBINED += [("weighted_sum", "clamp")]


@pytest.mark.parametrize("channels", ["separate", "joint"])
@pytest.mark.parametrize(("combination", "negative"), COMBINED)
def test_scales_are_combined_as_in_eager(combination: str, negative: str, channels: str) -> None:
    """Small images, of which many planes are taken at a time; large ones, whose scale 1 is compared
    twice; and both gradients, which take turns where the images are large.
    """
    loss = functools.partial(
        F.ms_ssim, reduction="none", combination=combination, negative=negative, channels=channels
    )
    weighed = functools.partial(loss, scale_weights=(0.3, 0.0, 1.7), pooling="symmetric")
    asked = (
        (torch.float32, (True, False)),
        (torch.float32, (True, True)),
        (torch.float64, (False, True)),
    )
    for dtype, asks in asked:
        no_worse_than_eager(weighed, *pictures((17, 2, 45, 50), dtype), asks)
    turn = 2 * COMBINED.index((combination, negative)) + (channels == "joint")
    dtype, asks = asked[turn % 3]
    no_worse_than_eager(weighed, *pictures((1, 3, 500, 620), dtype), asks)
    no_worse_than_eager(loss, *pictures((5, 2, 176, 176), torch.float32), (True, False))


@pytest.mark.parametrize("negative", ["clamp", "relu", "shift"])
def test_means_that_are_not_positive(negative: str) -> None:
    """Of an image and its negative every mean of contrast and structure is below 0; a channel that
    is equal beside it is not touched.
    """
    pred, target = pictures((2, 2, 60, 61), torch.float64)
    pred[:, 0] = 1 - target[:, 0]
    loss = functools.partial(
        F.ms_ssim, negative=negative, min_size="fewer_scales", reduction="none"
    )
    no_worse_than_eager(loss, pred, target)
    (gradient,) = torch.autograd.grad(
        loss(leaf := pred.clone().requires_grad_(), target, backend="cpu").sum(), leaf
    )
    assert (gradient[:, 0].abs().amax() > 0) == (negative != "relu")
    assert gradient[:, 1].abs().amax() > 0


# The equation in float64 takes 5 seconds for each loss of a 4K frame.
@pytest.mark.parametrize(
    ("size", "losses"),
    [
        ((1080, 1920), [F.ssim_l1_loss]),
        ((2160, 3840), [F.ssim]),
        pytest.param((2160, 3840), [F.ms_ssim, F.ssim_l1_loss], marks=pytest.mark.sweep),
    ],
    ids=["HD", "4K", "4K, more losses"],
)
def test_a_frame(size: tuple[int, int], losses: list[Loss]) -> None:
    pred, target = pictures((1, 1, *size), torch.float32)
    for loss in losses:
        no_worse_than_eager(loss, pred, target, (True, False))


@pytest.mark.parametrize("name", LOSSES)
def test_every_subset_of_gradients(name: str) -> None:
    images = pictures((2, 3, 32, 49), torch.float32)
    for asks in ((True, True), (True, False), (False, True), (False, False)):
        no_worse_than_eager(LOSSES[name], *images, asks)


# One vector is not full; a block and some pixels; a gradient that is written past the caches.
@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (2, 1, 260, 129), (1, 3, 840, 842)])
@pytest.mark.parametrize("name", ["l1", "l2", "huber"])
def test_distances_per_pixel_of_any_size(name: str, shape: tuple[int, ...]) -> None:
    loss = getattr(F, f"{name}_loss")
    no_worse_than_eager(loss, *pictures(shape, torch.float32), (True, False))


LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "channels_last": lambda image: image.to(memory_format=torch.channels_last),
    "sliced": lambda image: torch.nn.functional.pad(image, (3, 5, 2, 1))[:, :, 2:-1, 3:-5],
    "every second": lambda image: image.repeat_interleave(2, 2).repeat_interleave(2, 3)[
        :, :, ::2, ::2
    ],
    "transposed": lambda image: image.transpose(2, 3).contiguous().transpose(2, 3),
    "channels of a larger one": lambda image: torch.cat((image, image), 1)[:, : image.shape[1]],
}


@pytest.mark.parametrize("name", LOSSES)
def test_layouts(name: str) -> None:
    """Any strides give the values of contiguous images, up to rounding, and the gradient has the
    images' layout where that is dense.
    """
    pred, target = pictures((2, 3, 33, 42), torch.float32)
    loss = functools.partial(LOSSES[name], backend="cpu")
    expected = value_and_gradients(loss, pred, target)
    for layout, stored in LAYOUTS.items():
        for images in (
            (stored(pred), target),
            (pred, stored(target)),
            (stored(pred), stored(target)),
        ):
            for one, other in zip(value_and_gradients(loss, *images), expected, strict=True):
                torch.testing.assert_close(
                    one, other, rtol=1e-6, atol=1e-12, msg=lambda m, name=layout: f"{name}: {m}"
                )


def test_expanded_images() -> None:
    """One target against a batch, without a copy of it."""
    pred, target = pictures((4, 3, 30, 31), torch.float32)
    for loss in LOSSES.values():
        named = functools.partial(loss, backend="cpu")
        expected = value_and_gradients(named, pred, target[:1].repeat(4, 1, 1, 1), (True, False))
        for one, other in zip(
            value_and_gradients(named, pred, target[:1].expand(4, 3, 30, 31), (True, False)),
            expected,
            strict=True,
        ):
            assert torch.equal(one, other)


LAZY = ["ssim", "map", "mixed", "ms-ssim", "l1"]


@pytest.mark.parametrize("name", LAZY)
def test_lazily_negated_images(name: str) -> None:
    """The imaginary part of a conjugate is a view whose memory holds the opposite values."""
    parts = torch.complex(*pictures((2, 2, 40, 41), torch.float32))
    other, _ = pictures((2, 2, 40, 41), torch.float32, seed=1)
    lazy, plain = parts.conj().imag, parts.conj().imag.clone()
    assert lazy.is_neg()
    assert not plain.is_neg()
    for arrange in (lambda image: (image, other), lambda image: (other, image)):
        for asks in ((True, True), (False, False)):
            loss = functools.partial(LOSSES[name], backend="cpu")
            found = value_and_gradients(loss, *arrange(lazy), asks)
            expected = value_and_gradients(loss, *arrange(plain), asks)
            for one, two in zip(found, expected, strict=True):
                assert torch.equal(one, two)


@pytest.mark.parametrize("name", LAZY)
def test_zero_tensors_without_memory(name: str) -> None:
    """Autograd makes such tensors; a null pointer must not reach the library."""
    zero = torch._efficientzerotensor((2, 2, 40, 41))
    other, _ = pictures((2, 2, 40, 41), torch.float32)
    loss = functools.partial(LOSSES[name], backend="cpu")
    for asks in ((False, True), (False, False)):
        found = value_and_gradients(loss, zero, other, asks)
        expected = value_and_gradients(loss, torch.zeros(zero.shape), other, asks)
        for one, two in zip(found, expected, strict=True):
            assert torch.equal(one, two)


def test_dtypes_that_differ() -> None:
    """The wider one decides; each gradient has its own image's dtype."""
    pred, target = pictures((1, 3, 30, 31))
    for one, other in (
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float16),
        (torch.float32, torch.float64),
    ):
        images = pred.to(one), target.to(other)
        for loss in (F.ssim, F.ms_ssim, F.l1_loss, F.ssim_map, F.ssim_l1_loss):
            options = {"scale_weights": (0.5, 0.5)} if loss is F.ms_ssim else {}
            found = value_and_gradients(functools.partial(loss, backend="cpu", **options), *images)
            expected = value_and_gradients(
                functools.partial(loss, backend="eager", **options), *images
            )
            for mine, theirs in zip(found, expected, strict=True):
                assert mine.dtype == theirs.dtype
                coarser = max((one, other), key=lambda dtype: torch.finfo(dtype).eps)
                assert distances(mine, theirs.double())[1] < 2 * FLOORS[coarser][1]


def test_bright_images() -> None:
    """At offset 100 the squares need 17 bits more than the contrast has: centred moments keep the
    digits.
    """
    for loss in (F.ssim, functools.partial(F.ms_ssim, scale_weights=(0.5, 0.5)), F.ssim_map):
        no_worse_than_eager(
            functools.partial(loss, data_range=(100, 101)),
            *pictures((1, 2, 50, 60), torch.float32, low=100),
        )


@pytest.mark.parametrize(
    "loss",
    [
        F.ssim,
        functools.partial(masked, F.ssim),
        functools.partial(F.ms_ssim, scale_weights=(0.5, 0.5)),
        F.gradient_ssim,
    ],
)
def test_different_images_far_beyond_the_range(loss: Loss) -> None:
    """At 1e4 times the range in float32. The variances of flat windows, a tenth of all, are
    rounding errors far above the constants, but never take a similarity out of [-1, 1].
    """
    pred, target = (1e4 * image for image in pictures((1, 3, 60, 71), torch.float32))
    truth = float(loss(pred.double(), target.double(), backend="eager"))
    assert float(loss(pred, target, backend="eager")) == pytest.approx(truth, abs=1e-2)
    for name in INSTRUCTIONS:
        use_instructions(name)
        try:
            found = float(loss(pred, target, backend="cpu"))
            values = F.ssim_map(pred, target, backend="cpu")
        finally:
            use_instructions("")
        assert found == pytest.approx(truth, abs=1e-2), name
        assert values.abs().max() <= 1, name


def test_half_precision_is_widened_exactly() -> None:
    """Every value that 16 bits can hold, infinities and subnormals included; NaN stays NaN."""
    for dtype in (torch.float16, torch.bfloat16):
        every = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(dtype)
        finite = every[every.isfinite()].view(-1, 1, 1, 1)
        found = F.l1_loss(finite, torch.zeros_like(finite), reduction="image", backend="cpu")
        assert torch.equal(found, finite.float().abs().flatten())
        for special in (torch.inf, torch.nan):
            image = torch.full((1, 1, 12, 12), special, dtype=dtype)
            assert not F.l1_loss(image, torch.zeros_like(image), backend="cpu").isfinite()


# --- what surrounds an image ----------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
def test_outputs_are_written_in_full(name: str) -> None:
    """Memory for results that holds NaN when it is handed out."""
    images = pictures((3, 2, 28, 75), torch.float32)
    loss = functools.partial(LOSSES[name], backend="cpu")
    expected = value_and_gradients(loss, *images)
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        assert torch.empty(3).isnan().all(), "the test hands out clean memory"
        found = value_and_gradients(loss, *images)
    finally:
        torch.use_deterministic_algorithms(False, warn_only=warn_only)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", LOSSES)
def test_empty_batches(name: str) -> None:
    for shape in ((0, 3, 32, 32), (0, 1, 12, 200)):
        pred, target = torch.zeros(2, *shape).requires_grad_().unbind()
        value = LOSSES[name](pred, target, backend="cpu")
        expected = LOSSES[name](pred, target, backend="eager")
        assert torch.equal(value, expected)
        (gradient,) = torch.autograd.grad(value.sum(), pred)
        assert gradient.shape == shape


@pytest.mark.usefixtures("instructions")
def test_one_bad_pixel_stays_where_it_is() -> None:
    """NaN and infinity reach the windows that hold them, no other plane and no other column of a
    vector.
    """
    pred, target = pictures((3, 2, 40, 47), torch.float32)
    for bad in (torch.nan, torch.inf):
        spoiled = pred.clone()
        spoiled[1, 1, 20, 23] = bad
        found = value_and_gradients(functools.partial(F.ssim_map, backend="cpu"), spoiled, target)
        clean = value_and_gradients(functools.partial(F.ssim_map, backend="cpu"), pred, target)
        expected = torch.zeros(found[0].shape, dtype=torch.bool)
        expected[1, 1, 10:21, 13:24] = True
        assert torch.equal(found[0].isnan(), expected)
        reach = torch.zeros(pred.shape, dtype=torch.bool)
        reach[1, 1, 10:31, 13:34] = True
        for one, other in zip(found[1:], clean[1:], strict=True):
            assert torch.equal(one.isnan(), reach)
            assert torch.equal(one[~reach], other[~reach])


def test_a_far_brighter_pixel() -> None:
    """A firefly, wherever it lies, costs the rest of its plane no digit."""
    pred, target = pictures((1, 1, 64, 64), torch.float32)
    # The first two are among the pixels that the centre is taken from.
    for position in ((4, 4), (20, 28), (33, 50)):
        spoiled = pred.clone()
        spoiled[0, 0][position] = 1e5
        far = torch.ones(54, 54, dtype=torch.bool)
        far[
            max(0, position[0] - 10) : position[0] + 1, max(0, position[1] - 10) : position[1] + 1
        ] = False
        found = F.ssim_map(spoiled, target, backend="cpu")[0, 0][far]
        torch.testing.assert_close(
            found, F.ssim_map(pred, target, backend="cpu")[0, 0][far], rtol=0, atol=2e-5
        )


@pytest.mark.usefixtures("instructions")
def test_bad_pixels_are_not_hidden() -> None:
    """Also where only contrast and structure see them, and pooling or a weight of 0 leaves them out
    of the coarsest scale.
    """
    for bad in (torch.nan, torch.inf):
        pred, target = pictures((1, 1, 47, 47), torch.float32)
        pred[..., 46, 5] = bad
        assert F.ms_ssim(pred, target, scale_weights=(0.5, 0.5), backend="cpu").isnan()
        assert F.ms_ssim(pred, target, scale_weights=(1.0, 0.0), backend="cpu").isnan()


def test_infinite_differences() -> None:
    """The slope of L1 is the sign, of whatever size; NaN has none."""
    pred = torch.tensor([torch.inf, -torch.inf, 0.0, 2.0]).view(1, 1, 2, 2).requires_grad_()
    (gradient,) = torch.autograd.grad(F.l1_loss(pred, torch.zeros(1, 1, 2, 2), backend="cpu"), pred)
    assert gradient.flatten().tolist() == [0.25, -0.25, 0, 0.25]
    pred = torch.full((1, 1, 2, 2), torch.nan, requires_grad=True)
    assert (
        torch.autograd.grad(F.l1_loss(pred, torch.zeros(1, 1, 2, 2), backend="cpu"), pred)[0]
        .isnan()
        .all()
    )


def test_each_gradient_is_rounded_to_its_own_dtype_only() -> None:
    """A float32 target learns from a float16 prediction in float32, however small the derivative of
    a mean over many pixels.
    """
    pred, target = torch.rand(4, 3, 256, 256).half(), torch.rand(4, 3, 256, 256)
    for loss in (F.l1_loss, F.l2_loss, F.charbonnier_loss):
        for asks in ((False, True), (True, True)):
            found = value_and_gradients(functools.partial(loss, backend="cpu"), pred, target, asks)[
                -1
            ]
            expected = value_and_gradients(
                functools.partial(loss, backend="eager"), pred, target, asks
            )[-1]
            assert found.dtype is torch.float32
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)


def test_very_wide_images() -> None:
    """Many tiles: the last is as wide as the others, and holds the border that is
    folded onto it.
    """
    for padding, height, asks in (
        ("reflect", 17, (True, False)),
        ("replicate", 17, (True, True)),
        ("valid", 33, (True, True)),
    ):
        loss = functools.partial(F.ssim_loss, window_size=33, sigma=5.0, padding=padding)
        no_worse_than_eager(loss, *pictures((1, 1, height, 43008 // 4), torch.float64), asks)


def test_charbonnier_eps_that_would_vanish() -> None:
    image = torch.rand(1, 1, 12, 12, requires_grad=True)
    options = {"eps": 1e-18, "data_range": 1e-5}
    (gradient,) = torch.autograd.grad(F.ssim_l1_loss(image, image.detach(), **options), image)
    assert gradient.isfinite().all()
    with pytest.raises(RuntimeError, match="eps would vanish"):
        F.ssim_l1_loss(image, image, backend="cpu", **options)


def test_flat_and_equal_images() -> None:
    """Gradients are finite, and 0 where the loss cannot be lowered."""
    for level in (0.0, 0.5, 1.0):
        image = torch.full((1, 2, 24, 25), level)
        for loss in LOSSES.values():
            for one in value_and_gradients(
                functools.partial(loss, backend="cpu"), image, image.clone()
            )[1:]:
                assert one.isfinite().all()
                assert one.abs().max() < 1e-5
            for one in value_and_gradients(
                functools.partial(loss, backend="cpu"), image, 1 - image
            ):
                assert one.isfinite().all()


# --- gradients are given away once ----------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
def test_a_gradient_that_was_given_away_stays(name: str) -> None:
    """The first backward hands out the memory it scaled; later ones through the same graph must not
    touch it.
    """
    pred, target = (image.requires_grad_() for image in pictures((2, 3, 30, 31), torch.float32))
    value = LOSSES[name](pred, target, backend="cpu").sum()
    first = torch.autograd.grad(3 * value, (pred, target), retain_graph=True)
    kept = [gradient.clone() for gradient in first]
    first[0].mul_(1)  # what was handed out is the caller's, who may write to it
    second = torch.autograd.grad(-2 * value, (pred, target), retain_graph=True)
    third = torch.autograd.grad(value, (pred, target))
    for one, copy, two, three in zip(first, kept, second, third, strict=True):
        assert torch.equal(one, copy)
        close = functools.partial(
            torch.testing.assert_close, rtol=1e-5, atol=1e-6 * float(copy.abs().max())
        )
        close(two, -2 / 3 * copy)
        close(three, copy / 3)


@pytest.mark.parametrize("reduction", ["mean", "sum", "image"])
@pytest.mark.parametrize("function", [lambda *pair, **o: -F.ssim(*pair, **o), F.ssim_loss])
def test_the_foreseen_factor_leaves_nothing_to_scale(
    function: Callable[..., Tensor], reduction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plain backward of the loss, ``1 - F.ssim`` too, takes the gradient as the kernel made it;
    another weight scales it.
    """
    factors: list[Tensor | None] = []
    real = autograd._factor

    def noted(upstream: Tensor, slope: float, ndim: int, observed: bool) -> Tensor | None:
        factors.append(real(upstream, slope, ndim, observed))
        return factors[-1]

    monkeypatch.setattr(autograd, "_factor", noted)
    pred, target = torch.rand(2, 3, 2, 32, 48, generator=torch.Generator().manual_seed(0))
    pred.requires_grad_()
    plain = torch.autograd.grad(
        function(pred, target, reduction=reduction, backend="cpu").sum(), pred
    )[0]
    weighed = torch.autograd.grad(
        3 * function(pred, target, reduction=reduction, backend="cpu").sum(), pred
    )[0]
    assert factors[0] is None
    assert factors[1] is not None
    torch.testing.assert_close(weighed, 3 * plain, rtol=1e-6, atol=0)
    expected = torch.autograd.grad(
        function(pred.double(), target.double(), reduction=reduction, backend="eager").sum(), pred
    )[0]
    torch.testing.assert_close(plain, expected, rtol=1e-3, atol=1e-6 * float(expected.abs().max()))


def test_saved_tensors_on_another_device() -> None:
    """Hooks that move what is saved see images and gradients come and go."""
    pred, target = pictures((1, 3, 30, 31), torch.float32)
    for name in ("ssim", "map", "mixed", "ms-ssim", "charbonnier"):
        expected = value_and_gradients(LOSSES[name], pred, target)
        with torch.autograd.graph.save_on_cpu():
            found = value_and_gradients(LOSSES[name], pred, target)
        for one, other in zip(found, expected, strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize(
    "name", ["ssim loss, per image", "map", "ms-ssim", "charbonnier", "mixed, valid"]
)
def test_batched_gradients(name: str) -> None:
    """Several upstream gradients at once, as ``torch.autograd.functional.jacobian(vectorize=True)``
    asks for.
    """
    pred, target = (image.requires_grad_() for image in pictures((2, 1, 24, 25), torch.float32))
    value = LOSSES[name](pred, target, backend="cpu")
    upstream = torch.rand(3, *value.shape)
    with warnings.catch_warnings():
        # An operator without a batching rule of its own is called once for each.
        warnings.simplefilter("ignore")
        batched = torch.autograd.grad(
            value, pred, upstream, is_grads_batched=True, retain_graph=True
        )[0]
    for one, gradient in zip(upstream, batched, strict=True):
        expected = torch.autograd.grad(value, pred, one, retain_graph=True)[0]
        torch.testing.assert_close(
            gradient, expected, rtol=1e-4, atol=1e-6 * float(expected.abs().max())
        )


@pytest.mark.filterwarnings("ignore")  # torch.func.jvp's own
def test_transforms_that_kernels_do_not_know() -> None:
    """``torch.vmap`` and forward mode: ``auto`` takes the equation."""
    pred, target = pictures((3, 2, 24, 25), torch.float32)
    for loss in (
        F.l1_loss,
        F.l2_loss,
        F.charbonnier_loss,
        F.ssim_map,
        functools.partial(F.ssim_l1_loss, reduction="none"),
    ):
        batched = torch.vmap(lambda one, loss=loss: loss(one[None], target[:1]))(pred)
        assert torch.equal(batched[1], loss(pred[1:2], target[:1], backend="eager"))
        gradients = torch.vmap(
            torch.func.grad(lambda one, loss=loss: loss(one[None], target[:1]).sum())
        )(pred)
        assert gradients.shape == pred.shape
        _, slope = torch.func.jvp(
            lambda one, loss=loss: loss(one, target).sum(), (pred,), (torch.ones_like(pred),)
        )
        (gradient,) = torch.autograd.grad(
            loss(leaf := pred.clone().requires_grad_(), target).sum(), leaf
        )
        torch.testing.assert_close(slope, gradient.sum(), rtol=1e-3, atol=1e-3)


def test_zero_and_missing_upstream() -> None:
    pred, target = (image.requires_grad_() for image in pictures((2, 3, 30, 31), torch.float32))
    value = F.ssim(pred, target, reduction="image", backend="cpu")
    (gradient,) = torch.autograd.grad(value[0], pred)
    assert (gradient[1] == 0).all()
    assert gradient[0].abs().max() > 0


# --- the operators --------------------------------------------------------------------------------

WINDOW = [0.25, 0.5, 0.25]
COMPARISON = (WINDOW, 1e-4, 9e-4, 0.0, "ssim")


def operator_calls(x: Tensor, y: Tensor) -> dict[str, tuple[object, tuple[object, ...]]]:
    ops = torch.ops.ssimloss
    wants = x.requires_grad, y.requires_grad
    mixed = ("charbonnier", 1e-3, 0.3, 0.7)
    constants = COMPARISON[1:4]
    mask = (torch.arange(x[:, :1].numel()) % 3).view_as(x[:, :1]).to(x.dtype)
    upstream = torch.rand(x.shape[0], x.shape[1], x.shape[2] - 2, x.shape[3] - 2, dtype=x.dtype)
    return {
        "means": (
            ops.similarity_means.default,
            (x, y, *COMPARISON, "reflect", *mixed, *wants, "cpu"),
        ),
        "map": (ops.similarity_map.default, (x, y, *COMPARISON, "valid", "cpu")),
        "map backward": (
            ops.similarity_map_backward.default,
            (upstream, x.detach(), y.detach(), *COMPARISON, "valid", True, True, "cpu"),
        ),
        "pyramid": (
            ops.pyramid_scores.default,
            (
                x,
                y,
                *COMPARISON[:4],
                "floor",
                [0.5, 0.2, 0.3],
                "product",
                "clamp",
                "separate",
                *wants,
                "cpu",
            ),
        ),
        "joint pyramid": (
            ops.pyramid_scores.default,
            (
                x,
                y,
                *COMPARISON[:4],
                "zeros",
                [0.5, 0.5],
                "weighted_sum",
                "shift",
                "joint",
                *wants,
                "cpu",
            ),
        ),
        "pixels": (
            ops.pixel_means.default,
            (x, y, "l2", 0.0, -math.inf, math.inf, any(wants), "cpu"),
        ),
        "sorted": (ops.sorted_means.default, (x, y, 2, *wants, "cpu")),
        "warped": (ops.warped.default, (x, y, "cpu")),
        "warped backward": (
            ops.warped_backward.default,
            (x.detach() + 1, x.detach(), y.detach(), True, True, "cpu"),
        ),
        "moments": (
            ops.moment_sums.default,
            (x, y, None, "structure", WINDOW, [3], *constants, "zeros", [], *wants, "cpu"),
        ),
        "masked moments": (
            ops.moment_sums.default,
            (x, y, mask, "similarity", WINDOW, [3], *constants, "reflect", [], *wants, "cpu"),
        ),
        "product of moments": (
            ops.moment_sums.default,
            (
                *(x, y, None, "scales_and_distance", [1.0, *WINDOW, *WINDOW], [1, 3, 3]),
                *(*constants, "valid", [0.8, 0.2], *wants, "cpu"),
            ),
        ),
    }


OPERATORS = list(operator_calls(torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)))
DIFFERENTIABLE = [
    *("means", "map", "pyramid", "joint pyramid", "pixels", "masked moments", "sorted", "warped")
]


@pytest.mark.filterwarnings("ignore")  # the tracer's own
@pytest.mark.parametrize("name", OPERATORS)
def test_opcheck(name: str) -> None:
    """Schema, fake twin and autograd registration, with static and dynamic shapes; the fake twin
    for each subset of gradients.
    """
    for asks in ((True, True), (True, False), (False, False)):
        x, y = (
            image.requires_grad_(ask)
            for image, ask in zip(pictures((2, 2, 17, 20)), asks, strict=True)
        )
        operator, arguments = operator_calls(x, y)[name]
        checks = {} if all(asks) else {"test_utils": ("test_schema", "test_faketensor")}
        torch.library.opcheck(operator, arguments, **checks)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_operators_have_no_second_derivative(name: str) -> None:
    """They say so; the functions built on them differentiate the plain equation
    (test_similarity_gradient).
    """
    x, y = (image.requires_grad_() for image in pictures((1, 2, 17, 20)))
    operator, arguments = operator_calls(x, y)[name]
    made = operator(*arguments)  # type: ignore[operator]
    value = (made if isinstance(made, Tensor) else made[0]).sum()
    with pytest.raises(RuntimeError, match="has no second derivative"):
        torch.autograd.grad(value, x, create_graph=True)


@pytest.mark.parametrize("name", [name for name in DIFFERENTIABLE if name != "warped"])
def test_operators_by_hand(name: str) -> None:
    """Their own gradients, for each subset that asks, are those of the functions."""
    for asks in ((True, True), (True, False), (False, True)):
        x, y = (
            image.requires_grad_(ask)
            for image, ask in zip(pictures((2, 2, 17, 20)), asks, strict=True)
        )
        operator, arguments = operator_calls(x, y)[name]

        def score(one: Tensor, other: Tensor) -> Tensor:
            made = operator(one, other, *arguments[2:])  # noqa: B023 - called at once
            return (made if isinstance(made, Tensor) else made[0]).square().sum()

        torch.autograd.gradcheck(score, (x, y), fast_mode=True)


def test_operators_check_what_they_are_given() -> None:
    """They read memory unasked: what the functions make sure of is made sure of again."""
    image, long = torch.rand(1, 1, 40, 40), [1 / 35] * 35
    upstream = torch.rand(1, 1, 38, 38)
    ops, mixed = torch.ops.ssimloss, ("none", 0.0, 1.0, 0.0, False, False)

    def means(x: Tensor, y: Tensor, window: list[float], padding: str, backend: str) -> None:
        ops.similarity_means(x, y, window, 1e-4, 9e-4, 0.0, "ssim", padding, *mixed, backend)

    def maps(x: Tensor, window: list[float]) -> None:
        ops.similarity_map(x, x, window, 1e-4, 9e-4, 0.0, "ssim", "valid", "cpu")

    def backward(upstream: Tensor) -> None:
        comparison = *COMPARISON, "valid", True, True, "cpu"
        ops.similarity_map_backward(upstream, image, image, *comparison)

    def pyramid(x: Tensor, scales: int) -> None:
        words = "product", "clamp", "separate", False, False, "cpu"
        ops.pyramid_scores(x, x, *COMPARISON[:4], "floor", [1.0] * scales, *words)

    def pixels(x: Tensor, y: Tensor) -> None:
        ops.pixel_means(x, y, "l1", 0.0, -math.inf, math.inf, False, "cpu")

    def warps(flow: Tensor, upstream: Tensor = image) -> None:
        ops.warped_backward(upstream, image, flow, True, True, "cpu")

    def moments(x: Tensor, mask: Tensor | None, kind: str, window: list[float], taps: int) -> None:
        options = 1e-4, 9e-4, 0.0, "valid", [], False, False, "cpu"
        ops.moment_sums(x, x, mask, kind, window, [taps], *options)

    row = image[:, :, :1]
    refused: list[tuple[type[Exception], str, Callable[[], None]]] = [
        (ValueError, "1 to 33 taps", lambda: means(image, image, long, "valid", "cpu")),
        (ValueError, "1 to 33 taps", lambda: maps(image, long)),
        (ValueError, "of one shape", lambda: means(image, image[..., 1:], WINDOW, "valid", "cpu")),
        (ValueError, "of one shape", lambda: pixels(image, image[..., 1:])),
        (ValueError, "of one shape", lambda: pixels(image[0], image[0])),
        (ValueError, "of one shape", lambda: ops.sorted_means(image, row, 1, True, True, "cpu")),
        (ValueError, "power must be", lambda: ops.sorted_means(image, image, 3, True, True, "cpu")),
        (ValueError, "flow .N, 2, H, W.", lambda: warps(image)),
        (ValueError, "both be float32 or float64", lambda: warps(torch.rand(1, 2, 40, 40).half())),
        (ValueError, "upstream must be", lambda: warps(torch.rand(1, 2, 40, 40), row)),
        (ValueError, "odd number", lambda: means(image, image, [0.5, 0.5], "zeros", "cpu")),
        (ValueError, "at least 3 pixels", lambda: maps(image[..., :2], WINDOW)),
        (ValueError, "at least 2 pixels", lambda: means(row, row, WINDOW, "reflect", "cpu")),
        (ValueError, "upstream must be", lambda: backward(upstream[..., 1:])),
        (ValueError, "upstream must be", lambda: backward(upstream.double())),
        (ValueError, "1 to 16 scales", lambda: pyramid(image, 17)),
        (ValueError, "that fit the window", lambda: pyramid(image, 5)),
        (ValueError, "1 to 33 taps", lambda: moments(image, None, "structure", long, 35)),
        (ValueError, "do not fit", lambda: moments(image, None, "structure", WINDOW, 5)),
        (ValueError, "kind must be one of", lambda: moments(image, None, "x", WINDOW, 3)),
        (ValueError, "at least 3 pixels", lambda: moments(row, None, "structure", WINDOW, 3)),
        (ValueError, "mask must", lambda: moments(image, image, "edge_similarity", WINDOW, 3)),
        (ValueError, "mask must", lambda: moments(image, row, "structure", WINDOW, 3)),
        (ValueError, "backend must be one of", lambda: means(image, image, WINDOW, "valid", "x")),
        (
            RuntimeError,
            "no kernel supports torch.int32",
            lambda: means(image.int(), image.int(), WINDOW, "valid", "cpu"),
        ),
        (RuntimeError, "no kernel supports torch.int32", lambda: pixels(image, image.int())),
        (RuntimeError, "no kernel supports torch.int32", lambda: maps(image.int(), WINDOW)),
    ]
    for error, reason, call in refused:
        with pytest.raises(error, match=reason):
            call()


def test_vmap() -> None:
    """One call after another, for each operator and for images or factors that are batched."""
    x, y = pictures((3, 2, 17, 20))
    calls = operator_calls(x, y)
    for name in ("means", "map", "pyramid", "joint pyramid", "pixels", "sorted"):
        operator, arguments = calls[name]
        batched = torch.vmap(
            lambda one, rest=arguments[2:], op=operator: op(one[None], y[:1], *rest)
        )(x)  # type: ignore[operator]
        alone = [operator(x[i : i + 1], y[:1], *arguments[2:]) for i in range(3)]  # type: ignore[operator]
        if name == "map":
            assert torch.equal(batched, torch.stack(alone))
        else:
            assert torch.equal(batched[0], torch.stack([made[0] for made in alone]))


# --- which backend --------------------------------------------------------------------------------


def test_auto_takes_the_kernel_where_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the eager equations, with the same number, where it cannot."""
    calls: list[str] = []
    original = library.call

    def noted(function: str, structure: bytes) -> None:
        calls.append(function.removeprefix("ssimloss_"))
        original(function, structure)

    monkeypatch.setattr(library, "call", noted)
    pred, target = pictures((1, 3, 40, 41), torch.float32)
    mask = torch.ones(1, 1, 40, 41)

    def used(loss: Loss, **options: object) -> list[str]:
        calls.clear()
        loss(pred, target, **options)
        return list(calls)

    assert used(F.ssim) == ["similarity_means"]
    assert used(F.ssim_map) == ["similarity_map"]
    assert used(F.ms_ssim, min_size="fewer_scales") == ["pyramid"]
    assert (
        used(F.ms_ssim, min_size="fewer_scales", coarsest_padding="reflect")
        == ["similarity_means"] * 2
    )
    assert used(F.l1_loss) == used(F.l2_loss) == used(F.charbonnier_loss) == ["pixel_means"]
    assert used(F.huber_loss) == used(F.clipped_loss) == ["pixel_means"]
    assert used(F.huber_loss, mask=mask) == used(F.clipped_loss, reduction="none") == []
    swd = {"scales": 2, "projections": 3}
    assert used(F.ms_swd, **swd) == ["sorted_means"] * 2
    assert used(F.ms_swd, backend="eager", **swd) == []
    assert used(F.ssim_l1_loss) == ["similarity_means"]
    assert used(F.ssim_l1_loss, backend="eager") == []
    for loss in (F.structure_correlation, F.gradient_ssim, F.ms_ssim_l1_loss):
        assert used(loss) == used(loss, reduction="sum") == ["moments"]
        assert used(loss, reduction="none") == used(loss, backend="eager") == []
    assert used(F.ssim, mask=mask) == used(F.ssim, mask=mask, downsample=2) == ["moments"]
    assert used(F.structure_correlation, mask=mask) == ["moments"]
    for loss, options in (
        (F.ssim_map, {"mask": mask}),
        (F.ssim, {"mask": mask.requires_grad_()}),
        (F.structure_correlation, {"window": torch.ones(3)}),
        (F.gradient_ssim, {"mask": mask.detach()}),
        (F.ms_ssim_l1_loss, {"window_size": 35}),
        (F.ssim, {"exponents": (1, 1, 0.5)}),
        (F.ssim, {"window": torch.ones(3)}),
        (F.ssim, {"window_size": 35}),
        (F.ms_ssim, {"min_size": "fewer_scales", "mask": mask}),
        (F.ms_ssim, {"min_size": "fewer_scales", "negative": "relu_map"}),
        (F.l1_loss, {"mask": mask.detach()}),
        (F.l1_loss, {"reduction": "none"}),
        (F.charbonnier_loss, {"at_zero": "zero"}),
        (F.ssim_l1_loss, {"mask": mask}),
    ):
        assert used(loss, **options) == used(loss, backend="eager", **options) == []


def test_a_named_backend_runs_or_says_why() -> None:
    pred, target = pictures((1, 1, 40, 41), torch.float32)
    volume = torch.rand(1, 1, 12, 13, 14)
    for call, reason in (
        (
            lambda: F.gradient_ssim(pred, target, mask=torch.ones_like(pred), backend="cpu"),
            "no kernel supports masks",
        ),
        (lambda: F.ssim(volume, volume, backend="cpu"), "no kernel supports volumes"),
        (
            lambda: F.ssim(pred, target, exponents=(1, 2, 1), backend="cpu"),
            "exponents other than 1",
        ),
        (lambda: F.ssim(pred, target, window=torch.ones(3), backend="cpu"), "window tensor"),
        (
            lambda: F.ssim(pred, target, window_size=35, backend="cpu"),
            "windows of up to 33 taps, and window_size is 35",
        ),
        (
            lambda: F.ms_ssim(
                pred, target, negative="relu_map", min_size="fewer_scales", backend="cpu"
            ),
            "relu_map",
        ),
        (lambda: F.l1_loss(pred, target, reduction="none", backend="cpu"), "needs every pixel"),
        (lambda: F.charbonnier_loss(pred, target, at_zero="zero", backend="cpu"), "at_zero='zero'"),
        (lambda: F.ssim(pred.to("meta"), target.to("meta"), backend="cpu"), "these are on meta"),
    ):
        with pytest.raises(
            RuntimeError, match=rf"backend='cpu' cannot run: .*{reason}.*; use backend='auto'"
        ):
            call()


def test_without_the_library(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Installed without a compiler: everything works, and the diagnosis states why it is slow."""
    pred, target = pictures((1, 1, 40, 41), torch.float32)
    expected = F.ssim(pred, target, backend="eager")
    found, reason = library.load(Path("nowhere/libssimloss.so"))
    assert found is None
    monkeypatch.setattr(library, "_library", found)
    monkeypatch.setattr(library, "_reason", reason)
    assert torch.equal(F.ssim(pred, target), expected)
    for build in (
        lambda: ssimloss.SSIMLoss(backend="cpu"),
        lambda: F.ssim(pred, target, backend="cpu"),
        describe,
    ):
        with pytest.raises(
            RuntimeError, match=r"not built when ssimloss was installed.*install a compiler"
        ):
            build()
    monkeypatch.setattr("sys.argv", ["python -m ssimloss.kernels"])
    importlib.import_module("ssimloss.kernels.__main__").main()
    assert "cpu     does not run: the native library" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_backends_are_chosen_while_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search for a backend is no part of the graph, which has the operator of the backend that
    was found.
    """
    pred, target = pictures((1, 1, 40, 41), torch.float32)
    expected = F.ssim(pred, target)
    for reason in (None, "the test says so"):
        monkeypatch.setattr(library, "_reason", reason)
        torch.compiler.reset()
        graphs: list[torch.fx.GraphModule] = []

        def noted(graph: torch.fx.GraphModule, _inputs: object) -> torch.fx.GraphModule:
            graphs.append(graph)  # noqa: B023 - called in the same round
            return graph

        compiled = torch.compile(F.ssim, fullgraph=True, backend=noted)
        torch.testing.assert_close(compiled(pred, target), expected)
        operators = [str(node.target) for node in graphs[0].graph.nodes]
        assert ("ssimloss.similarity_means" in operators) == (reason is None), operators


def test_a_library_that_cannot_be_loaded(tmp_path: Path) -> None:
    broken = tmp_path / "libssimloss.so"
    broken.write_bytes(b"not a library")
    assert "cannot be loaded" in str(library.load(broken)[1])
    with pytest.raises(RuntimeError, match="cannot be loaded"):
        library.use(broken)


def test_doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As ``python -m ssimloss.kernels``, which test_wheel runs."""
    monkeypatch.setattr("sys.argv", ["python -m ssimloss.kernels"])
    importlib.import_module("ssimloss.kernels.__main__").main()
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith(f"ssimloss {ssimloss.__version__}, torch {torch.__version__}, ")
    assert [line.split()[0] for line in lines] == ["eager", *backends.MACHINE]
    assert lines[1] == f"cpu     runs: {describe()}"


def test_unknown_instructions() -> None:
    with pytest.raises(ValueError, match=r"'sse9'.*use 'baseline'"):
        use_instructions("sse9")


# --- threads and processes ------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
def test_any_number_of_threads_gives_the_same_bits(
    name: str, threads: Callable[[int], None]
) -> None:
    # The last is cut into so many chunks of planes that few threads take one each, and many threads
    # one together.
    for shape in (
        (5, 3, 41, 47),
        (1, 1, 150, 1300),
        (2, 3, 176, 180),
        *([(26, 3, 130, 140)] if "ms-ssim" in name else []),
    ):
        images = pictures(shape, torch.float32)
        found = []
        for count in (1, 2, 5):
            threads(count)
            found.append(
                value_and_gradients(functools.partial(LOSSES[name], backend="cpu"), *images)
            )
        for other in found[1:]:
            for one, two in zip(found[0], other, strict=True):
                assert torch.equal(one, two)


def test_instruction_sets_agree(every_set: list[str]) -> None:
    pred, target = pictures((2, 3, 60, 61), torch.float64)
    found = []
    for name in every_set:
        use_instructions(name)
        assert name in describe()
        found.append(
            value_and_gradients(functools.partial(F.ssim_l1_loss, backend="cpu"), pred, target)
        )
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-15)


def test_callers_at_the_same_time() -> None:
    """Python threads call the library at once: it is called with the GIL released and keeps no
    state but memory per thread.
    """
    work = [pictures((2, 3, 64 + 8 * i, 70), torch.float32, seed=i) for i in range(8)]
    loss = functools.partial(F.ms_ssim_loss, min_size="fewer_scales", backend="cpu")
    alone = [value_and_gradients(loss, *images) for images in work]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            for found, expected in zip(
                pool.map(lambda images: value_and_gradients(loss, *images), work),
                alone,
                strict=True,
            ):
                for one, two in zip(found, expected, strict=True):
                    assert torch.equal(one, two)


def test_the_interpreter_goes_on_while_the_library_works() -> None:
    """Another Python thread runs during a call."""
    pred, target = torch.rand(2, 2, 3, 700, 700).unbind()
    ticks, done = 0, threading.Event()

    def count() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(1e-4)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        before = ticks
        for _ in range(8):
            F.ssim(pred, target, window_size=33, backend="cpu")
        assert ticks > before + 8
    finally:
        done.set()
        thread.join()


def _score(seed: int) -> float:
    pred, target = pictures((2, 3, 90, 91), torch.float32, seed=seed)
    # As a careless worker would; the few numbers that PyTorch itself adds up here need no thread.
    torch.set_num_threads(2)
    score = float(
        F.ssim(pred, target, backend="cpu")
        + F.ms_ssim(pred, target, min_size="fewer_scales", backend="cpu")
    )
    torch.set_num_threads(1)
    return score


class _Scores(torch.utils.data.Dataset[float]):
    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> float:
        return _score(index)


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork"
)
def test_after_a_fork(threads: Callable[[int], None]) -> None:
    """In DataLoader workers, whose parent has used its threads: the child has none of them and
    works alone.
    """
    expected = [_score(seed) for seed in range(6)]
    threads(2)
    torch.rand(1000, 1000).sum()  # the parent's OpenMP threads exist now
    with warnings.catch_warnings():
        # Of forking a process with threads, which is the point.
        warnings.simplefilter("ignore", DeprecationWarning)
        loader = DataLoader(
            _Scores(), batch_size=None, num_workers=2, multiprocessing_context="fork", timeout=60
        )
        assert list(loader) == expected


@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_keyboard_interrupt() -> None:
    """Between two calls, as for any function of PyTorch; the process goes on and
    computes the same.
    """
    pred, target = pictures((4, 3, 128, 128), torch.float32)
    expected = F.ssim(pred, target, backend="cpu")
    done = threading.Event()

    def interrupt() -> None:
        while not done.wait(0.2):  # again: Python drops an interrupt that arrives in a destructor
            _thread.interrupt_main()

    def work() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            F.ssim(pred, target, backend="cpu")

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        done.set()
        thread.join()
    assert torch.equal(F.ssim(pred, target, backend="cpu"), expected)


@pytest.mark.usefixtures("ctrl_c_interrupts")
@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork"
)
def test_a_process_that_forks_and_is_interrupted() -> None:
    """It has used PyTorch's threads, and its child is the first to use the library. Then Ctrl-C
    ends it while it spends its time in the library.
    """
    script = """
import os, torch, ssimloss.functional as F
torch.set_num_threads(2)
x, y = torch.rand(2, 4, 3, 64, 64)
torch.rand(2000, 2000).exp_()
child = os.fork()
if child == 0:
    F.ssim(x, y, backend="cpu")
    os._exit(0)
print("child ended with", os.waitpid(child, 0)[1], flush=True)
x = torch.rand(2, 3, 400, 400)
while True: F.ssim(x, x)
"""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # A child that waits for threads it does not have never ends, nor does its parent.
    stuck = threading.Timer(60, process.kill)
    stuck.start()
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "child ended with 0\n"
        stuck.cancel()
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    finally:
        stuck.cancel()
        process.kill()
        process.communicate()
    assert "KeyboardInterrupt" in errors


# --- the parity helper finds faults ---------------------------------------------------------------


def _shifted(pred: Tensor, target: Tensor, backend: str = "cpu") -> Tensor:
    return F.ssim(pred.roll(1, 3) if backend == "cpu" else pred, target, backend=backend)


def _one_pixel(pred: Tensor, target: Tensor, backend: str = "cpu") -> Tensor:
    """The gradient of one pixel is 1 % off; the value is right."""
    value = F.ssim(pred, target, backend=backend)
    if backend == "cpu":
        off = torch.zeros_like(pred)
        off[0, 0, 20, 20] = 1
        pixel = (pred * off).sum()
        value = value + 3e-5 * (pixel - pixel.detach())
    return value


FAULTS: dict[str, Loss] = {
    "sigma": lambda p, t, backend: F.ssim(
        p, t, sigma=1.52 if backend == "cpu" else 1.5, backend=backend
    ),
    "k2": lambda p, t, backend: F.ssim(
        p, t, k2=0.0302 if backend == "cpu" else 0.03, backend=backend
    ),
    "border": lambda p, t, backend: F.ssim(
        p, t, padding="reflect" if backend == "cpu" else "replicate", backend=backend
    ),
    "sign": lambda p, t, backend: F.ssim(p, t, backend=backend) * (-1 if backend == "cpu" else 1),
    "shift": _shifted,
    "one pixel's gradient": _one_pixel,
}


@pytest.mark.parametrize("name", FAULTS)
def test_planted_faults_are_found(name: str) -> None:
    images = pictures((1, 2, 40, 45), torch.float32)
    with pytest.raises(AssertionError, match="off by"):
        no_worse_than_eager(FAULTS[name], *images)


# --- built ----------------------------------------------------------------------------------------


def test_a_library_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Structures that its compiler laid out otherwise are found before anything is called with
    them.
    """
    with monkeypatch.context() as patch:
        patch.setattr(library, "LAYOUTS", library.LAYOUTS[:-1])
        assert "another version" in str(library.load(library.LIBRARY)[1])
    with monkeypatch.context() as patch:
        patch.setattr(library, "FUNCTIONS", (*library.FUNCTIONS, "ssimloss_of_tomorrow"))
        assert "another version" in str(library.load(library.LIBRARY)[1])
    monkeypatch.setattr(library, "INTERFACE", library.INTERFACE + 1)
    assert "another version" in str(library.load(library.LIBRARY)[1])


def test_pyramid_shapes() -> None:
    """The sizes of all scales, which functional computes for itself as well."""
    for pooling in ("floor", "zeros", "replicate", "symmetric"):
        image = torch.zeros(1, 1, 91, 46)
        shapes = pyramid_shapes(91, 46, 4, pooling)
        for size in shapes.sizes[1:]:
            image = halve(image, pooling)
            assert tuple(image.shape[2:]) == size


def test_scratch_is_small() -> None:
    """Working memory per thread, for each window and type."""
    for taps in (3, 11, 33):
        for dtype in (torch.float32, torch.float64):
            assert 0 < scratch_bytes(taps, dtype) < 2 << 20
    assert scratch_bytes() < 1 << 20
