"""Tests of what every loss of the package guarantees, for each loss that ``ssimloss`` exports.

The losses are discovered, not listed (see ``discovery``), so a new loss is tested here from the
start. Each guarantee is tested with the default options, and the numerical ones again for every
variant. Together, the variants contain each pair of values of two options.
"""

from __future__ import annotations

import copy
import functools
import inspect
import itertools
import math
import pickle
import re
import shutil
import sysconfig
import typing
from collections.abc import Sequence
from pathlib import Path

import photographs
import pytest
import torch
from discovery import (
    EVERY_WORD,
    LOSSES,
    OF_CLIPS,
    OF_SETS,
    RECIPES,
    VARIANTS,
    base,
    build,
    evaluate,
    fresh,
    function_of,
    has,
    one_word_at_a_time,
    pairwise,
    photos,
    recipe,
    value_and_gradients,
)
from torch import Tensor, nn

import ssimloss.functional as F
import ssimloss.losses
from ssimloss.measure import registered

every_loss = pytest.mark.parametrize("name", LOSSES)
with_reduction = pytest.mark.parametrize(
    "name", [name for name in LOSSES if recipe(name).has_reduction]
)
MASKED = [name for name in LOSSES if "mask" in inspect.signature(LOSSES[name].forward).parameters]
with_mask = pytest.mark.parametrize("name", MASKED)
# Pairs of options meet in the equations of SSIM and its family, which take little time. Those of
# other losses meet in a line or two, and `make sweep` does what only adds pairs of their words.
OF_WINDOWS = {n for n in VARIANTS if base(n) in MASKED and not recipe(n).is_deep}
OPTIONS = sorted(OF_WINDOWS) + one_word_at_a_time(VARIANTS.keys() - OF_WINDOWS)
of_two_images = pytest.mark.parametrize(
    "name", [name for name in LOSSES if recipe(name).takes_target]
)
# Those of registered measures, whose value is that of equal images for equal images alone.
OF_MEASURES = sorted(m.module for m in registered() if m.module in LOSSES and m.takes_target)

HALF = [torch.float16, torch.bfloat16]


def relative(found: Tensor, expected: Tensor) -> float:
    """Relative L2 distance; absolute where the expected is zero."""
    distance, norm = (
        torch.linalg.vector_norm(found.double() - expected.double()),
        torch.linalg.vector_norm(expected.double()),
    )
    return float(distance / norm if norm > 0 else distance)


def assert_close(
    found: tuple[Tensor, list[Tensor]],
    expected: tuple[Tensor, list[Tensor]],
    *,
    value: float,
    gradient: float,
    case: str = "",
) -> None:
    """Compare values and gradients relative to their size, so that a small gradient
    is not excused. Errors begin with ``case``.
    """
    case = f"{case}: " if case else ""
    torch.testing.assert_close(
        found[0].double(),
        expected[0].double(),
        rtol=value,
        atol=value,
        msg=lambda message: case + message,
    )
    for image, ours, theirs in zip(("pred", "target"), found[1], expected[1], strict=False):
        assert relative(ours, theirs) <= gradient, (
            f"{case}gradient to {image} is off by {relative(ours, theirs):.1e}"
        )


# --- discovery ------------------------------------------------------------------------------------


def test_losses_are_found() -> None:
    assert {"L1Loss", "L2Loss", "CharbonnierLoss"} <= LOSSES.keys()
    assert set(RECIPES) <= LOSSES.keys(), "a recipe for a loss that is not there"
    for name in VARIANTS:
        assert base(name) in LOSSES
        assert build(name).__class__ is build(base(name)).__class__
    unexported = (
        {
            name
            for name, value in vars(ssimloss.losses).items()
            if inspect.isclass(value) and issubclass(value, nn.Module)
        }
        - LOSSES.keys()
        - OF_SETS
        - OF_CLIPS
    )
    assert unexported == set(), "losses that ssimloss does not export"


def test_a_loss_of_other_inputs_needs_a_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unknown(nn.Module):
        def forward(self, logits: Tensor) -> Tensor:
            return logits

    monkeypatch.setitem(LOSSES, "Unknown", Unknown)
    with pytest.raises(AssertionError, match=r"give it a Recipe"):
        recipe("Unknown")


def test_variants_hold_every_pair() -> None:
    sets = {"a": (0, 1, 2), "b": (0, 1), "c": (0, 1, 2, 3), "d": (0, 1)}
    rows = pairwise(sets)
    for (one, ones), (two, twos) in itertools.combinations(sets.items(), 2):
        found = {(row[one], row[two]) for row in rows}
        assert found == set(itertools.product(ones, twos)), (one, two)
    assert rows[0] == dict.fromkeys(sets, 0)
    assert len(rows) <= 16, "of 48 combinations; 12 pairs of the two largest sets"
    assert pairwise({"a": (0, 1, 2)}) == [{"a": 0}, {"a": 1}, {"a": 2}]
    assert pairwise({}) == [{}]
    rows = pairwise(sets, lambda row: (row["a"], row["b"]) != (1, 1))
    assert {(row["a"], row["b"]) for row in rows} == {(0, 0), (0, 1), (1, 0), (2, 0), (2, 1)}
    assert {(row["a"], row["c"]) for row in rows} == set(itertools.product(range(3), range(4)))
    assert "SSIMLoss window=uniform padding=zeros covariance=sample" in VARIANTS
    words = {(base(name), word) for name in VARIANTS for word in name.split()[1:]}
    assert words == {(base(name), word) for name in EVERY_WORD for word in name.split()[1:]}


def test_closeness_is_relative() -> None:
    """A gradient of 1e-7 that is wrong by its own size fails, as it would not under an absolute
    tolerance.
    """
    value, right, wrong = torch.tensor(0.5), torch.full((2,), 1e-7), torch.full((2,), -1e-7)
    with pytest.raises(AssertionError, match="a case: gradient to pred"):
        assert_close((value, [wrong]), (value, [right]), value=1e-6, gradient=1e-2, case="a case")
    with pytest.raises(AssertionError, match=r"a case: .*not close"):
        assert_close((value + 1, []), (value, []), value=1e-6, gradient=1e-2, case="a case")


# --- edges ----------------------------------------------------------------------------------------


def edges(name: str) -> dict[str, tuple[Tensor, Tensor]]:
    """Pairs at which some loss in use turns NaN, infinite, or stops training."""
    pred, target = (
        image[:1, : recipe(name).channels]
        for image in photographs.batch(*recipe(name).sides, dtype=torch.float32)
    )
    flat, (height, width) = torch.full_like(target, 0.5), target.shape[-2:]
    checkerboard = (
        ((torch.arange(height)[:, None] + torch.arange(width)) % 2)
        .to(target)
        .expand_as(target)
        .contiguous()
    )
    smooth = torch.linspace(0.2, 0.8, width).expand_as(target).contiguous()
    noise = torch.rand(target.shape, generator=torch.Generator().manual_seed(1))
    black, white = torch.zeros_like(target), torch.ones_like(target)
    half_flat = torch.where(torch.arange(width) < width // 2, target, flat)
    return {
        "photographs": (pred, target),
        "identical": (target, target),
        "constant and equal": (flat, flat),
        "constant and different": (flat, flat + 0.25),
        "constant against a photograph": (flat, target),
        "black": (black, black),
        "white": (white, white),
        "black against white": (black, white),
        "black against a photograph": (black, target),
        "anti-correlated": (1 - target, target),
        "out of range": (pred * 3 - 1, target),
        "far out of range": (pred * 2000 - 1000, target),
        "checkerboard against its inverse": (checkerboard, 1 - checkerboard),
        "checkerboard against smooth": (checkerboard, smooth),
        "noise against smooth": (noise, smooth),
        "flat in one half": (half_flat, half_flat.flip(-1)),
        "almost identical": (target + 1e-6, target),
        "a photograph against black": (target, black),
        "tiny": (1e-20 * pred, 2e-20 * target),
        "denormal": (1e-40 * pred, 2e-40 * target),
        "denormal against a photograph": (1e-44 * pred, target),
        "a photograph against denormal": (target, 1e-44 * pred),
    }


def assert_finite_at_edges(
    name: str, module: nn.Module, pairs: dict[str, tuple[Tensor, Tensor]], dtype: torch.dtype
) -> None:
    """Of each pair, which is one image of a batch unless the loss mixes images."""
    if has(name, recipe(name).batched) and len(pairs) > 1:
        for edge, pair in pairs.items():
            assert_finite_at_edges(name, module, {edge: pair}, dtype)
        return
    pred, target = (torch.cat(images).to(dtype) for images in zip(*pairs.values(), strict=True))
    # Scaled as if each pair were alone.
    value, gradients = value_and_gradients(name, module, pred, target, scale=len(pairs))
    if not value.isfinite():
        alone = {
            edge: float(evaluate(name, module, *(image.to(dtype) for image in pair)))
            for edge, pair in pairs.items()
        }
        raise AssertionError(f"{dtype}: the value is {value}; of each pair {alone}")
    for gradient in gradients:
        places = (~gradient.isfinite()).flatten(1).sum(1).tolist()
        wrong = {edge: count for edge, count in zip(pairs, places, strict=True) if count}
        assert not wrong, f"{dtype}: gradients are not finite at so many places: {wrong}"


@pytest.mark.parametrize("name", [*LOSSES, *OPTIONS])
def test_value_and_gradient_are_finite_at_every_edge(name: str) -> None:
    """Of losses as they are by default, also in half precision: each dtype at every other edge,
    at the remaining ones for the next loss.
    """
    module, pairs = build(name), edges(name)
    assert_finite_at_edges(name, module, pairs, torch.float32)
    if name in VARIANTS:
        return
    for i, dtype in enumerate(HALF, start=list(LOSSES).index(name)):
        chosen = dict(list(pairs.items())[i % 2 :: 2])
        if dtype is torch.float16:
            # a squared error of 1e6 does not fit a float16 map; the gradient does not either
            chosen.pop("far out of range", None)
        assert_finite_at_edges(name, module, chosen, dtype)


SMALLEST = {  # normal and subnormal numbers
    torch.float32: (1e-37, 1e-40, 1.5e-45),
    torch.float64: (1e-307, 1e-310),
    torch.bfloat16: (1e-40,),
    torch.float16: (6e-8,),
}

# Losses whose gradient at such images is a number, but larger than the dtype holds.
TINY_OVERFLOWS = {"ADISTS": torch.float16}


@every_loss
def test_tiny_images_have_finite_gradients(name: str) -> None:
    """Sides are odd: vectorised code and the code for the remainder treat such numbers
    differently. The pairs are the images of a batch.
    """
    module = build(name)
    sides = [(side - 4) | 1 for side in recipe(name).sides] if name != "MSSSIMLoss" else (177, 179)
    pred, target = (image[:1, : recipe(name).channels] for image in photographs.batch(*sides))
    black, spots = torch.zeros_like(pred), (target > 0.7).double()
    for dtype, scales in SMALLEST.items():
        if dtype is TINY_OVERFLOWS.get(name):
            continue
        for scale in scales[:1] if recipe(name).is_deep else scales:
            pairs = {
                f"{scale} and twice that": (scale * pred, 2 * scale * target),
                f"{scale} against black": (scale * pred, black),
                f"black against {scale}": (black, scale * target),
                f"{scale} against a photograph": (scale * pred, target),
                f"a photograph against {scale}": (target, scale * pred),
                f"spots of {scale}": (scale * spots, scale * (1 - spots)),
            }
            assert_finite_at_edges(name, module, pairs, dtype)
        if recipe(name).shared:
            break


@every_loss
def test_gradient_is_alive_from_noise(name: str) -> None:
    """A network starts at noise; no image and no channel may be left without a gradient there."""
    pred, target = edges(name)["noise against smooth"]
    _, gradients = value_and_gradients(name, build(name), pred, target)
    assert (gradients[0].abs().amax(dim=(-2, -1)) > 0).all()


def starts(target: Tensor) -> dict[str, Tensor]:
    """What an output layer that was initialised with zeros makes."""
    return {
        "gray": torch.full_like(target, 0.5),
        "black": torch.zeros_like(target),
        "white": torch.ones_like(target),
        "mean": target.mean().expand_as(target).contiguous(),
        "mean of each channel": target.mean((2, 3), keepdim=True).expand_as(target).contiguous(),
    }


def is_distance(name: str) -> bool:
    return recipe(name).takes_target and recipe(name).is_distance


# Losses with a stationary point at every flat image, and why.
STATIONARY = {
    "VMAFLoss": "its features rise with the square of the detail that is shared",
    "VIFLoss": "the information rises with the square of the detail that is shared",
    "VIFWaveletLoss": "the same",
    "GradientVarianceLoss": "variances rise with the square of the detail",
}


def is_stationary(name: str) -> bool:
    return name.split()[0] in STATIONARY


def measured_at(
    name: str, module: nn.Module, images: Sequence[Tensor], target: Tensor
) -> list[tuple[float, Tensor]]:
    """The value and the gradient at each image ``(1, C, H, W)``, beside the same target. The
    gradients are computed in one batch, unless the loss mixes images.
    """
    if has(name, recipe(name).batched):
        found = [value_and_gradients(name, module, image, target) for image in images]
        return [(float(value), gradient) for value, (gradient, *_) in found]
    with torch.no_grad():
        values = [float(evaluate(name, module, image, target)) for image in images]
    _, (gradients, *_) = value_and_gradients(
        name, module, torch.cat([*images]), torch.cat([target] * len(images)), scale=len(images)
    )
    return list(zip(values, gradients.split(1), strict=True))


@pytest.mark.parametrize("name", STATIONARY)
def test_stationary_points_are_there(name: str) -> None:
    pred, target = (image[:1] for image in photos(name))
    black = starts(target)["black"]  # as beyond the border, where gray has an edge
    _, (gradient, _) = value_and_gradients(name, build(name), pred, target)
    _, (at_start, _) = value_and_gradients(name, build(name), black, target)
    assert at_start.norm() < 1e-2 * gradient.norm()


@pytest.mark.parametrize(
    "name",
    one_word_at_a_time(
        name for name in (*LOSSES, *VARIANTS) if is_distance(name) and not is_stationary(name)
    ),
)
def test_gradient_is_alive_from_flat_images(name: str) -> None:
    """Where a loss is not at its minimum, each channel has a gradient of some use: at least a
    hundredth of that of a degraded photograph.
    """
    pred, target = (image[:1] for image in photos(name))
    flat = starts(target)
    (least, _), (value, usual), *found = measured_at(
        name, build(name), [target, pred, *flat.values()], target
    )
    for start, (at_start, gradient) in zip(flat, found, strict=True):
        assert at_start - least > 1e-2 * (value - least), f"{start} is a minimum"
        assert (gradient.abs().amax((-2, -1)) > 0).all(), start
        assert gradient.norm() > 1e-2 * usual.norm(), start


@pytest.mark.parametrize(
    "name", [name for name in LOSSES if is_distance(name) and not recipe(name).is_deep]
)
def test_rounding_of_flat_images_is_no_signal(name: str) -> None:
    """A flat image has the gradient of float64, against a textured image and against itself."""
    target = photos(name)[1][:1]
    flat = torch.full_like(target, 0.3337)
    norm = 0.0
    for case, pair in {
        "flat against textured": (flat, target),
        "textured against flat": (target, flat),
        "flat against itself": (flat, flat),
    }.items():
        found, exact = (
            value_and_gradients(name, build(name), *(image.to(dtype) for image in pair))[1]
            for dtype in (torch.float32, torch.float64)
        )
        norm = norm or float(exact[0].norm())
        for ours, wanted in zip(found, exact, strict=True):
            scale = max(float(wanted.norm()), 1e-3 * norm)
            assert float((ours - wanted).norm()) <= 1e-2 * scale, case


# Losses that do not move from the negative of the target: the options, and why.
STUCK = {
    "VMAFLoss": ({}, "what is not shared counts as no detail, as on a flat image"),
    "VIFLoss": ({}, "what is not shared counts as no detail, as on a flat image"),
    "VIFWaveletLoss": ({}, "what is not shared counts as no detail, as on a flat image"),
    "StructureCorrelationLoss": ({}, "the correlation is -1: a maximum is stationary"),
    "negative=relu": ({"negative": "relu"}, "a negative mean takes its channel's gradient along"),
    "negative=relu_map": ({"negative": "relu_map"}, "the same, position by position"),
}


def are_alive(name: str, module: nn.Module, *images: Tensor) -> bool:
    """Whether the gradient at each image is at least a hundredth of that at a degraded photograph,
    or the loss is no larger there.
    """
    pred, target = (image[:1] for image in photos(name))
    (least, _), (value, usual), *found = measured_at(name, module, [target, pred, *images], target)
    return all(
        at_image - least < 1e-2 * (value - least) or gradient.norm() > 1e-2 * usual.norm()
        for at_image, gradient in found
    )


@pytest.mark.parametrize(
    "name", one_word_at_a_time(name for name in (*LOSSES, *VARIANTS) if is_distance(name))
)
def test_gradient_is_alive_from_the_negative(name: str) -> None:
    target = photos(name)[1][:1]
    negatives = 1 - target, 2 * target.mean() - target
    assert are_alive(name, build(name), *negatives) or not STUCK.keys().isdisjoint(name.split())


@pytest.mark.parametrize("words", STUCK)
def test_exceptions_are_needed(words: str) -> None:
    name = words if words in LOSSES else "MSSSIMLoss"
    assert not are_alive(name, build(name, **STUCK[words][0]), 1 - photos(name)[1][:1])


# A black image is equally bad everywhere, which is a coefficient of variation near its least.
NEARLY_LEAST = {"EnhancedSSIMLoss": ("black",)}


@pytest.mark.parametrize(
    "name", [name for name in LOSSES if is_distance(name) and not is_stationary(name)]
)
def test_flat_images_are_trained(name: str) -> None:
    """Steps of descent lower the loss: the gradient has the right sign."""
    _, target = (image[:1] for image in photos(name))
    module, flat = build(name), starts(target)
    for start in NEARLY_LEAST.get(name, ()):
        assert float(evaluate(name, module, flat.pop(start), target)) < 0.01
    assert not has(name, recipe(name).batched), "train each image alone"
    moved = torch.cat([*flat.values()]).requires_grad_()
    targets = target.expand_as(moved).contiguous()
    optimizer = torch.optim.Adam([moved], lr=0.02)
    for _ in range(6):
        optimizer.zero_grad()
        (len(flat) * evaluate(name, module, moved, targets)).backward()
        optimizer.step()
    for (start, image), after in zip(flat.items(), moved.detach().split(1), strict=True):
        before = float(evaluate(name, module, image, target))
        assert float(evaluate(name, module, after, target)) < 0.99 * before, start


@pytest.mark.parametrize(
    "name", [name for name in LOSSES if recipe(name).takes_target and recipe(name).is_distance]
)
def test_loss_falls_on_the_way_to_the_target(name: str) -> None:
    """A score returned for a loss would rise."""
    pred, target = photos(name)
    module = build(name)
    ways = [
        float(evaluate(name, module, pred.lerp(target, share), target))
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert ways == sorted(ways, reverse=True)
    assert ways[0] > ways[-1]


@every_loss
def test_gradient_is_the_derivative(name: str) -> None:
    """Against a central difference along a random direction, in float64; per image, so that neither
    is missing a part.
    """
    if not recipe(name).is_derivative:
        pytest.xfail(
            "its gradient is by definition not the derivative of its value; see its recipe"
        )
    pair, module = photos(name, torch.float64), build(name)
    step = recipe(name).step  # small, so that hardly a pixel crosses the corner of an |x|
    _, gradients = value_and_gradients(name, module, *pair)
    for i, gradient in enumerate(gradients):
        # Along the gradient and not across it, so that the derivative is far above the error of the
        # difference.
        direction = gradient.sign() * (0.5 + torch.rand(gradient.shape, dtype=torch.float64))
        moved = [
            [image + sign * step * direction if i == j else image for j, image in enumerate(pair)]
            for sign in (1, -1)
        ]
        difference = (evaluate(name, module, *moved[0]) - evaluate(name, module, *moved[1])) / (
            2 * step
        )
        torch.testing.assert_close((gradient * direction).sum(), difference, rtol=1e-4, atol=0)


@every_loss
def test_second_derivative_is_right(name: str) -> None:
    """Gradient penalties differentiate twice; zeros in place of the second derivative would go
    unnoticed.
    """
    pred, target = photos(name, torch.float64)
    module, direction = build(name), torch.randn(pred.shape, dtype=torch.float64)

    def gradient(image: Tensor, create_graph: bool) -> Tensor:
        return torch.autograd.grad(
            evaluate(name, module, image, target), image, create_graph=create_graph
        )[0]

    image = pred.clone().requires_grad_()
    first = gradient(image, create_graph=True)
    second = torch.zeros_like(pred)
    if first.requires_grad:
        second = torch.autograd.grad((first * direction).sum(), image)[0]
    if not recipe(name).is_derivative:
        pytest.xfail(
            "the second derivative is of a gradient in which something is held constant; see its "
            "recipe"
        )
    step = recipe(name).step
    ahead, behind = (
        gradient((pred + sign * step * direction).requires_grad_(), create_graph=False)
        for sign in (1, -1)
    )
    torch.testing.assert_close(
        (second * direction).sum(),
        (((ahead - behind) / (2 * step)) * direction).sum(),
        rtol=1e-2,
        atol=1e-6,
    )


# --- dtypes ---------------------------------------------------------------------------------------


def half_pairs(name: str) -> dict[str, tuple[Tensor, Tensor]]:
    """Where half precision hurts: texture, images that hardly differ, and a flat bright patch,
    whose variance is all cancellation.
    """
    pred, target = photos(name)
    bright, other = (
        0.9 + 0.01 * torch.randn(target.shape, generator=torch.Generator().manual_seed(seed))
        for seed in (2, 4)
    )
    return {
        "photographs": (pred, target),
        "near identical": (
            target + torch.randn(target.shape, generator=torch.Generator().manual_seed(3)) / 255,
            target,
        ),
        "flat and bright": (bright, bright.roll(1, -1).lerp(other, 0.25)),
    }


@every_loss
@pytest.mark.parametrize("dtype", HALF, ids=str)
def test_half_precision_computes_in_float32(name: str, dtype: torch.dtype) -> None:
    """Against float64 on the same, already rounded images; the gradient is scaled to 1 first, as a
    loss scaler does. The pair whose rounding errors are largest, and of losses as they are by
    default one of the others, the other one for the other dtype and for the next loss.
    """
    module, pairs = build(name), half_pairs(name)
    kinds = ["flat and bright"]
    if name not in VARIANTS:
        turn = list(LOSSES).index(name) + HALF.index(dtype)
        kinds.append(("photographs", "near identical")[turn % 2])
    for kind in kinds:
        rounded = [image.to(dtype) for image in pairs[kind]]
        value, exact = value_and_gradients(name, module, *(image.double() for image in rounded))
        largest = max(float(gradient.abs().max()) for gradient in exact)
        scale = 1 / largest if largest else 1.0  # 0 if no error is visible
        found = value_and_gradients(name, module, *rounded, scale=scale)
        assert found[0].dtype is torch.float32, kind
        assert all(gradient.dtype is dtype for gradient in found[1]), kind
        expected = value, [scale * gradient for gradient in exact]
        assert_close(found, expected, value=2e-4, gradient=1e-2)


@every_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_autocast_changes_nothing(name: str, dtype: torch.dtype) -> None:
    """Nor does a backward pass inside the region, as balancing of terms takes one."""
    module, pair = build(name), photos(name, dtype)
    expected = value_and_gradients(name, module, *pair)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = value_and_gradients(name, module, *pair)
    assert found[0].dtype is torch.float32
    assert all(gradient.dtype is dtype for gradient in found[1])
    assert_close(found, expected, value=0, gradient=0)


@every_loss
def test_float64_stays_and_float32_is_near(name: str) -> None:
    module, (pred, target) = build(name), photos(name, torch.float64)
    exact = value_and_gradients(name, module, pred, target)
    assert exact[0].dtype is torch.float64
    assert all(gradient.dtype is torch.float64 for gradient in exact[1])
    single = value_and_gradients(name, module, pred.float(), target.float())
    assert single[0].dtype is torch.float32
    assert_close(single, exact, value=1e-5, gradient=1e-3)


@with_reduction
def test_unreduced_result_has_the_dtype_of_the_images(name: str) -> None:
    """A reduced one has at least float32."""
    for dtype in (torch.float64, torch.float32, *HALF):
        found = evaluate(name, build(name, reduction="none"), *photos(name, dtype))
        assert found.dtype is dtype
    for dtype, reduction in zip(HALF, ("sum", "image"), strict=True):
        found = evaluate(name, build(name, reduction=reduction), *photos(name, dtype))
        assert found.dtype is torch.float32, (dtype, reduction)


# --- gradients, batches, memory layouts -----------------------------------------------------------


@of_two_images
def test_gradient_reaches_whichever_image_asks(name: str) -> None:
    """The expected gradients are those of both that ask."""
    module, pair = build(name), photos(name)
    expected = value_and_gradients(name, module, *pair)
    for asks in ((False, False), (True, False), (False, True)):
        images = [image.clone().requires_grad_(ask) for image, ask in zip(pair, asks, strict=True)]
        value = evaluate(name, module, *images)
        assert value.requires_grad == any(asks), asks
        if any(asks):
            value.backward()
        torch.testing.assert_close(value.detach(), expected[0], rtol=1e-6, atol=1e-7)
        for image, ask, gradient in zip(images, asks, expected[1], strict=True):
            assert (image.grad is not None) == ask, asks
            if image.grad is not None:
                assert relative(image.grad, gradient) <= 1e-5, asks


@every_loss
def test_batch_is_the_mean_of_its_images(name: str) -> None:
    module, (pred, target) = build(name), photos(name, torch.float64)
    singles = [
        value_and_gradients(name, module, p[None], t[None])
        for p, t in zip(pred, target, strict=True)
    ]
    mean = torch.stack([value for value, _ in singles]).mean()
    gradients = [
        torch.cat(parts) / len(singles)
        for parts in zip(*(gradients for _, gradients in singles), strict=True)
    ]
    assert_close(
        value_and_gradients(name, module, pred, target),
        (mean, gradients),
        value=1e-12,
        gradient=1e-10,
    )


@with_reduction
def test_reduction_image_is_one_value_per_image(name: str) -> None:
    pred, target = photos(name, torch.float64)
    singles = [
        evaluate(name, build(name), p[None], t[None]) for p, t in zip(pred, target, strict=True)
    ]
    torch.testing.assert_close(
        evaluate(name, build(name, reduction="image"), pred, target),
        torch.stack(singles),
        rtol=1e-12,
        atol=1e-14,
    )


@with_reduction
def test_sum_is_the_sum_of_the_unreduced(name: str) -> None:
    """The sum of a loss, not one minus the sum of a score."""
    pair = photos(name, torch.float64)
    unreduced = evaluate(name, build(name, reduction="none"), *pair)
    assert unreduced.shape[0] == len(pair[0])
    torch.testing.assert_close(
        evaluate(name, build(name, reduction="sum"), *pair), unreduced.sum(), rtol=1e-12, atol=0
    )


@every_loss
def test_empty_batch_is_zero(name: str) -> None:
    pred, target = (image[:0] for image in photos(name))
    value, gradients = value_and_gradients(name, build(name), pred, target)
    assert value == 0
    assert all(gradient.shape == pred.shape for gradient in gradients)
    if recipe(name).has_reduction:
        assert evaluate(name, build(name, reduction="image"), pred, target).shape == (0,)
        assert evaluate(name, build(name, reduction="sum"), pred, target) == 0
        assert evaluate(name, build(name, reduction="none"), pred, target).shape[0] == 0


def layouts(image: Tensor) -> dict[str, Tensor]:
    """The same values, stored otherwise."""
    wider = image.new_full((*image.shape[:-1], 2 * image.shape[-1]), math.nan)
    wider[..., ::2] = image
    return {
        "channels_last": image.to(memory_format=torch.channels_last),
        "transposed": image.mT.contiguous().mT,
        "every second column": wider[..., ::2],
        "batch last": image.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2),
        "offset": torch.cat([image.new_full((1,), math.nan), image.flatten()])[1:].view_as(image),
    }


@every_loss
def test_memory_layout_changes_nothing(name: str) -> None:
    """Of each image beside a contiguous one, beside one in the same layout, and in another. A
    variant has one pair of layouts; the variants take turns.
    """
    module, (pred, target) = build(name), photos(name)
    expected = value_and_gradients(name, module, pred, target)
    preds, targets = layouts(pred), layouts(target)
    following = dict(zip(preds, [*list(preds)[1:], *list(preds)[:1]], strict=True))
    pairs = list(following.items())
    preds["contiguous"], targets["contiguous"] = pred, target
    if name in VARIANTS:
        pairs = [pairs[list(VARIANTS).index(name) % len(pairs)]]
    else:
        pairs += [("channels_last", "channels_last")]
        pairs += [("transposed", "contiguous"), ("contiguous", "transposed")]
    for one, two in pairs:
        found = value_and_gradients(name, module, preds[one], targets[two])
        assert_close(found, expected, value=1e-6, gradient=1e-4, case=f"{one}, {two}")


@every_loss
def test_images_expanded_over_the_batch(name: str) -> None:
    """A stride of 0: one image, shown as two."""
    module, (pred, target) = build(name), photos(name)
    expanded = [image[:1].expand(2, -1, -1, -1) for image in (pred, target)]
    expected = value_and_gradients(name, module, *(image.contiguous() for image in expanded))
    assert_close(value_and_gradients(name, module, *expanded), expected, value=1e-6, gradient=1e-4)


@every_loss
def test_images_are_left_as_they_were(name: str) -> None:
    pair = photos(name)
    value_and_gradients(name, build(name), *pair)
    assert all(torch.equal(image, fresh) for image, fresh in zip(pair, photos(name), strict=True))


@every_loss
def test_same_call_same_bits(name: str) -> None:
    module, pair = build(name), photos(name)
    (value, gradients), (again, gradients_again) = (
        value_and_gradients(name, module, *pair) for _ in range(2)
    )
    assert torch.equal(value, again)
    assert all(torch.equal(a, b) for a, b in zip(gradients, gradients_again, strict=True))


# --- masks ----------------------------------------------------------------------------------------


def masked(name: str, mask: Tensor) -> typing.Callable[..., Tensor]:
    module = build(name)
    return lambda *images, **given: module(*images, mask=mask, **given)


def a_mask(images: Tensor) -> Tensor:
    """Bool ``(N, 1, H, W)``: a rectangle, off-centre, different in the two images."""
    mask = torch.zeros_like(images[:, :1], dtype=torch.bool)
    mask[0, :, 3:, : -images.shape[-1] // 4] = True
    mask[1:, :, : -images.shape[-2] // 4, 5:] = True
    return mask


@with_mask
def test_mask_of_ones_is_no_mask(name: str) -> None:
    pair = photos(name, torch.float64)
    expected = value_and_gradients(name, build(name), *pair)
    for mask in (torch.ones_like(pair[0]), torch.ones_like(pair[0][:, :1], dtype=torch.bool)):
        assert_close(
            value_and_gradients(name, masked(name, mask), *pair),
            expected,
            value=1e-10,
            gradient=1e-8,
        )


@with_mask
def test_masked_pixels_are_never_looked_at(name: str) -> None:
    pred, target = photos(name)
    mask = a_mask(pred)
    expected = value_and_gradients(name, masked(name, mask), pred, target)
    junk = torch.tensor([math.nan, math.inf, 1e30]).repeat(pred.shape[-1])[: pred.shape[-1]]
    pair = [torch.where(mask, image, junk) for image in (pred, target)]
    value, gradients = value_and_gradients(name, masked(name, mask), *pair)
    assert_close((value, gradients), expected, value=1e-6, gradient=1e-5)
    for gradient in gradients:
        assert (gradient.masked_select(~mask) == 0).all()


@with_mask
def test_mask_without_a_valid_pixel_is_zero(name: str) -> None:
    pair = photos(name)
    value, gradients = value_and_gradients(
        name, masked(name, torch.zeros_like(pair[0], dtype=torch.bool)), *pair
    )
    assert value == 0
    assert all((gradient == 0).all() for gradient in gradients)


@with_mask
def test_form_of_a_mask_changes_nothing(name: str) -> None:
    """Bool or weights, one channel or all; but unequal weights count."""
    pair = photos(name, torch.float64)
    mask = a_mask(pair[0])
    expected = evaluate(name, masked(name, mask), *pair)
    assert (expected - evaluate(name, build(name), *pair)).abs() > 1e-4 * expected.abs()
    for other in (mask.expand_as(pair[0]), mask.half(), mask.double()):
        found = evaluate(name, masked(name, other), *pair)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
    unequal = mask * torch.linspace(0.1, 1, mask.shape[-1], dtype=torch.float64) ** 3
    found = evaluate(name, masked(name, unequal), *pair)
    assert (found - expected).abs() > 1e-4 * expected.abs(), "weights do nothing"
    if not has(name, recipe(name).absolute):
        tripled = evaluate(name, masked(name, 3 * unequal), *pair)
        torch.testing.assert_close(tripled, found, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", [name for name in MASKED if recipe(name).has_reduction])
def test_sum_is_the_sum_of_the_unreduced_under_a_mask(name: str) -> None:
    """What is not reduced is weighted, as the sum is."""
    pair = photos(name, torch.float64)
    soft = torch.rand(pair[0].shape, dtype=torch.float64) * a_mask(pair[0])
    for mask in (soft[:, :1], soft):
        found = {
            reduction: evaluate(
                name, functools.partial(build(name, reduction=reduction), mask=mask), *pair
            )
            for reduction in ("none", "sum")
        }
        torch.testing.assert_close(found["sum"], found["none"].sum(), rtol=1e-12, atol=0)


def test_sum_is_the_sum_of_the_unreduced_scores() -> None:
    """Of functions that are no module's: scores and indices."""
    modules = {function_of(name) for name in (*LOSSES, *OF_CLIPS)}
    asked = []
    for name in F.__all__:
        parameters = inspect.signature(getattr(F, name)).parameters
        two_images = list(parameters)[:2] == ["pred", "target"]
        if two_images and "reduction" in parameters and getattr(F, name) not in modules:
            asked.append(name)
    assert {"ssim", "ms_ssim", "gradient_ssim", "psnr"} <= set(asked)
    pair = photos("MSSSIMLoss", torch.float64)
    soft = torch.rand(pair[0].shape, dtype=torch.float64)
    for name in asked:
        function = getattr(F, name)
        masks = [{}, {"mask": soft[:, :1]}, {"mask": soft}]
        for given in masks if "mask" in inspect.signature(function).parameters else masks[:1]:
            unreduced = function(*pair, reduction="none", **given)
            torch.testing.assert_close(
                function(*pair, reduction="sum", **given), unreduced.sum(), rtol=1e-12, atol=0
            )


@with_mask
def test_bad_mask_is_named(name: str) -> None:
    pred, target = photos(name)
    for bad, error in (
        (torch.ones(3, 5, 7, 9), ValueError),
        (torch.ones_like(pred)[..., :-1], ValueError),
        (torch.ones_like(pred, dtype=torch.int64), TypeError),
        ([[1.0]], TypeError),
    ):
        with pytest.raises(error, match="mask"):
            evaluate(name, masked(name, bad), pred, target)  # type: ignore[arg-type]


# --- bad arguments --------------------------------------------------------------------------------


@every_loss
def test_bad_images_are_named(name: str) -> None:
    """With what came: a shape, a dtype or a type."""
    module, (pred, target) = build(name), photos(name)
    first, second = recipe(name).names
    for bad, error in (
        (lambda image: image[0, 0], ValueError),
        (lambda image: image[0], ValueError),
        (lambda image: image[None, None], ValueError),
        (lambda image: (255 * image).to(torch.uint8), TypeError),
        (lambda image: image.to(torch.complex64), TypeError),
        (lambda image: image.numpy(), TypeError),
        (lambda image: None, TypeError),  # noqa: ARG005
    ):
        came: typing.Any = bad(pred)
        if error is ValueError:
            if came.ndim in recipe(name).ranks:
                continue
            came = str(tuple(came.shape))
        elif came is not None:
            came = str(came.dtype) if isinstance(came, Tensor) else type(came).__name__
        came = came or ""  # a criterion says of None that it was not given
        with pytest.raises(error, match=rf"\b{first}\b.*{re.escape(came)}"):
            evaluate(name, module, bad(pred), bad(target))
        if recipe(name).takes_target:
            with pytest.raises(error, match=rf"\b{second}\b.*{re.escape(came)}"):
                evaluate(name, module, pred, bad(target))


@of_two_images
def test_images_that_do_not_belong_together_are_named(name: str) -> None:
    """Nothing is broadcast: one channel against three, one image against two, would be a different
    loss.
    """
    module, (pred, target) = build(name), photos(name)
    first, second = recipe(name).names
    fewer = [target[:, :1]] if target.shape[1] > 1 else []
    for other in (target[..., :-1], *fewer, target[:1], target[:, :, :1], target.to("meta")):
        # The second is at fault, and compared with the first.
        with pytest.raises(ValueError, match=rf"\b{second}\S* must .*\b{first}"):
            evaluate(name, module, pred, other)


@every_loss
def test_tiny_images_are_a_number_or_refused_by_name(name: str) -> None:
    for sides in ((1, 1), (1, 64), (2, 3), (10, 10)):
        pred, target = torch.rand(2, 2, recipe(name).channels, *sides)
        try:
            value, gradients = value_and_gradients(name, build(name), pred, target)
        except ValueError as error:
            refusal = str(error)
            assert "pred" in refusal or "images" in refusal, sides
            assert str(min(sides)) in refusal, f"{sides}: the message tells the size that came"
        except (RuntimeError, IndexError, ArithmeticError) as error:
            raise AssertionError(f"{sides}: neither a number nor a ValueError") from error
        else:
            assert value.isfinite(), sides
            assert all(gradient.isfinite().all() for gradient in gradients), sides


@pytest.mark.parametrize("name", OF_MEASURES)
def test_different_tiny_images_are_not_equal(name: str) -> None:
    """An image of one or a few pixels either has a value that says so, or is refused by size."""
    module, channels = build(name), recipe(name).channels
    sides = [(1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 3), (1, 9), (9, 1), (5, 5), (8, 8)]
    for height, width in sides:
        generator = torch.Generator().manual_seed(height * 10 + width)
        pred, target = torch.rand(
            2, 1, channels, height, width, generator=generator, dtype=torch.float64
        )
        try:
            value, perfect = (evaluate(name, module, pred, other) for other in (target, pred))
        except ValueError as error:
            refusal = str(error)
            assert "least" in refusal or "smaller" in refusal, (height, width, refusal)
        else:
            assert float(value) - float(perfect) > 1e-6, (height, width)


@with_reduction
def test_unknown_reduction_lists_the_choices(name: str) -> None:
    with pytest.raises(ValueError, match=r"reduction .*'mean', 'sum', 'image', 'none'.*'average'"):
        build(name, reduction="average")


# --- modules --------------------------------------------------------------------------------------


@every_loss
def test_copies_and_pickles_compute_the_same(name: str) -> None:
    module, pair = build(name), photos(name)
    expected = evaluate(name, module, *pair)
    for twin in (copy.deepcopy(module), copy.copy(module), pickle.loads(pickle.dumps(module))):
        assert repr(twin) == repr(build(name)) or name == "CombinedLoss"  # which shows its step
        assert torch.equal(evaluate(name, twin, *pair), expected)


@every_loss
def test_modules_train_nothing_and_move(name: str) -> None:
    module, pair = fresh(name), photos(name, torch.float64)
    expected = evaluate(name, module, *pair)
    assert not any(parameter.requires_grad for parameter in module.parameters())
    assert not any(
        isinstance(value, Tensor) and value.is_floating_point()
        for value in module.state_dict().values()
    )
    for moved in (
        module.double(),
        module.to("cpu"),
        module.float(),
        module.half(),
        module.eval(),
        module.train(),
    ):
        torch.testing.assert_close(evaluate(name, moved, *pair), expected, rtol=1e-6, atol=1e-8)


def compiler_backend() -> str:
    """The default one where there are a C++ compiler and Python's headers to serve it; else
    everything but code generation.
    """
    headers = Path(sysconfig.get_paths()["include"], "Python.h").exists()
    return "inductor" if headers and any(map(shutil.which, ("g++", "clang++"))) else "aot_eager"


# Code is generated in up to a minute, and a backward pass is traced in twice the time of a forward
# pass. One of each kind; `make sweep` does the rest. Of code: of complex numbers, of a sum of
# pixels, windows and edges; test_networks.py has that of features. Of backward passes: of pixels,
# of neighbours, of native code of one scale and of several, of wavelets, of a weight held constant,
# of a network, of logits.
GENERATED = {"FourierMagnitudeLoss", "CombinedLoss"}
DIFFERENTIATED = {
    "CharbonnierLoss", "TotalVariationLoss", "SSIMLoss", "MSSSIMLoss", "VMAFLoss", "WaveletLoss",
    "FocalFrequencyLoss", "TextureLoss", "AdversarialLoss",
}  # fmt: skip


# Pyramids and filter banks, traced in 4 to 25 seconds, which `make sweep` compiles. What stays in
# their place: MS-SSIM, VIF and HaarPSI for filters at several scales, and FSIM for banks of filters
# in the Fourier domain, which VSI has too.
TRACED_LONG = {
    "IWSSIMLoss", "SSIMULACRA2Loss", "NLPDLoss", "CWSSIMLoss", "VSILoss",
    "VIFWaveletLoss", "MADLoss", "ADISTS", "SRSIMLoss",
}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.sweep) if n in TRACED_LONG else n for n in LOSSES],
)
@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_compiled_equals_eager(name: str) -> None:
    backend = "aot_eager" if name in DIFFERENTIATED else "eager"
    check_compiled(name, compiler_backend() if name in GENERATED else backend)


@pytest.mark.sweep
@pytest.mark.parametrize("name", [n for n in LOSSES if n not in GENERATED])
@pytest.mark.filterwarnings("ignore")
def test_generated_code_equals_eager(name: str) -> None:
    check_compiled(name, compiler_backend() if recipe(name).generates else "aot_eager")


def check_compiled(name: str, backend: str) -> None:
    torch.compiler.reset()
    module, pair = build(name), photos(name)
    compiled = torch.compile(fresh(name), fullgraph=True, backend=backend)
    expected = value_and_gradients(name, module, *pair)
    # Rounded in another order: by as much as eager itself is off, where a loss is ill-conditioned.
    _, exact = value_and_gradients(name, build(name), *(image.double() for image in pair))
    off = max(relative(gradient, truth) for gradient, truth in zip(expected[1], exact, strict=True))
    assert_close(
        value_and_gradients(name, compiled, *pair),
        expected,
        value=2e-6,
        gradient=max(1e-5, 3 * off),
    )


# --- other options --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIONS)
def test_promises_hold_for_every_option(name: str) -> None:
    """What the defaults are asked one by one, of a variant at once."""
    how = recipe(name)
    alone = not has(name, how.batched)
    if how.is_derivative:
        test_gradient_is_the_derivative(name)
    if how.takes_target:
        test_gradient_reaches_whichever_image_asks(name)
    if how.has_reduction and alone:
        test_reduction_image_is_one_value_per_image(name)
    if how.has_reduction and alone and not has(name, how.without_map):
        test_sum_is_the_sum_of_the_unreduced(name)
        test_empty_batch_is_zero(name)
    if alone:
        test_batch_is_the_mean_of_its_images(name)
    if how.is_deep:
        return  # the network's arithmetic and layouts, which the defaults are asked about
    if not has(name, how.rough):
        test_half_precision_computes_in_float32(name, torch.bfloat16)
        test_float64_stays_and_float32_is_near(name)
    test_memory_layout_changes_nothing(name)
    if base(name) in MASKED and not has(name, how.without_mask):
        if not has(name, how.fills):
            test_mask_of_ones_is_no_mask(name)
        test_masked_pixels_are_never_looked_at(name)
        test_mask_without_a_valid_pixel_is_zero(name)
        test_form_of_a_mask_changes_nothing(name)
        if how.has_reduction and not has(name, how.without_map):
            test_sum_is_the_sum_of_the_unreduced_under_a_mask(name)


# --- GPU ------------------------------------------------------------------------------------------


@pytest.mark.cuda
@every_loss
def test_cuda_equals_cpu(name: str) -> None:
    module, pair = build(name), photos(name)
    expected = value_and_gradients(name, module, *pair)
    value, gradients = value_and_gradients(
        name, copy.deepcopy(module).cuda(), *(image.cuda() for image in pair)
    )
    assert value.is_cuda
    assert_close(
        (value.cpu(), [gradient.cpu() for gradient in gradients]),
        expected,
        value=1e-5,
        gradient=1e-4,
    )


# --- the tests themselves, on faults seen in released libraries -----------------------------------


class Faulty(nn.Module):
    """A squared error with one fault; the reduction is there to be found by ``with_reduction``
    tests.
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return (pred - target).square().mean()


class RootOfZero(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return (pred - target).square().mean((1, 2, 3)).sqrt().mean()


class DeadChannel(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return (pred - target).square().mean(dim=(2, 3)).sub(0.5).relu().mean()


class CornerAtZero(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        x, y = ((image[..., 1:] - image[..., :-1]).abs() for image in (pred, target))
        return super().forward(x, y)


class RootOfTiny(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        squares = (pred.float() - target.float()).square()
        return torch.where(pred != target, squares, 1).sqrt().mean()


class WrongSign(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return -super().forward(pred, target)


class Uphill(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        value = super().forward(pred, target)
        return 2 * value.detach() - value


class HalfGradient(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return (pred * (pred.detach() - 2 * target) + target.square()).mean()


class FirstDerivativeOnly(Faulty):
    """A hand-written backward pass whose own derivative autograd takes for zero."""

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: typing.Any, difference: Tensor) -> Tensor:
            ctx.saved = difference.detach()
            return difference.square()

        @staticmethod
        def backward(ctx: typing.Any, gradient: Tensor) -> Tensor:
            return 2 * ctx.saved * gradient

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return self.Square.apply((pred - target).square()).mean()


class VarianceInHalf(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        variances = [image.square().mean() - image.mean().square() for image in (pred, target)]
        return (variances[0] - variances[1]).square().float()


class ConvolutionUnderAutocast(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        kernel = torch.ones(1, pred.shape[1], 3, 3, dtype=pred.dtype)
        return (
            torch.nn.functional.conv2d(pred - target, kernel)
            .square()
            .mean()
            .to(torch.promote_types(pred.dtype, torch.float32))
        )


class TargetIgnored(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return super().forward(pred, target.detach())


class BatchPooled(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return (super().forward(pred, target) + 1e-3).sqrt()


class OneMinusSum(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        score = 1 - (pred - target).square()
        return {"mean": 1 - score.mean(), "sum": 1 - score.sum()}.get(self.reduction, 1 - score)


class AssumesContiguous(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return super().forward(
            torch.as_strided(pred, pred.shape, torch.empty(pred.shape).stride()), target
        )


class Broadcasts(Faulty):
    pass


class WritesIntoItsInput(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        target.data.clamp_(0.2, 0.8)
        return super().forward(pred, target)


class NaNOfEmpty(Faulty):
    pass


class ReadsAValue(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return super().forward(pred, target) / (2 if target.max().item() > 1 else 1)


class Cancels(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return super().forward(pred + 1e4, target + 1e4)


class CountsItsCalls(Faulty):
    calls = 0

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        self.calls += 1
        return self.calls * super().forward(pred, target)


class Trains(Faulty):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))


class RefusesWithoutASize(Faulty):
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        if pred.shape[-1] < 8:
            raise ValueError("pred is too small")
        return super().forward(pred, target)


class Masked(Faulty):
    """Sound, with a mask."""

    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return super().forward(pred, target)
        weight = mask.to(pred.dtype).expand_as(pred)
        error = torch.where(weight > 0, pred - target, 0).square() * weight
        return error.sum() / weight.sum().clamp(min=1e-30)


class MaskInTheImages(Masked):
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        return super().forward(pred, target, mask=mask) + 0 * (pred - target).sum()


class DividedByAll(Masked):
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        share = 1.0 if mask is None else mask.double().sum() / pred.numel()
        return super().forward(pred, target, mask=mask) * share


class MaskIsBool(Masked):
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        return super().forward(pred, target, mask=None if mask is None else mask > 0)


class NothingIsNaN(Masked):
    def forward(self, pred: Tensor, target: Tensor, *, mask: Tensor | None = None) -> Tensor:
        return super().forward(pred, target, mask=mask) / (1.0 if mask is None else mask.any())


@pytest.mark.parametrize(
    ("fault", "check", "arguments"),
    [
        (RootOfZero, test_value_and_gradient_are_finite_at_every_edge, ()),
        (DeadChannel, test_gradient_is_alive_from_noise, ()),
        (CornerAtZero, test_gradient_is_alive_from_flat_images, ()),
        (Uphill, test_flat_images_are_trained, ()),
        (RootOfTiny, test_tiny_images_have_finite_gradients, ()),
        (WrongSign, test_loss_falls_on_the_way_to_the_target, ()),
        (HalfGradient, test_gradient_is_the_derivative, ()),
        (FirstDerivativeOnly, test_second_derivative_is_right, ()),
        (VarianceInHalf, test_half_precision_computes_in_float32, (torch.bfloat16,)),
        (ConvolutionUnderAutocast, test_autocast_changes_nothing, (torch.float32,)),
        (TargetIgnored, test_gradient_reaches_whichever_image_asks, ()),
        (BatchPooled, test_batch_is_the_mean_of_its_images, ()),
        (OneMinusSum, test_sum_is_the_sum_of_the_unreduced, ()),
        (NaNOfEmpty, test_empty_batch_is_zero, ()),
        (AssumesContiguous, test_memory_layout_changes_nothing, ()),
        (WritesIntoItsInput, test_images_are_left_as_they_were, ()),
        (Broadcasts, test_images_that_do_not_belong_together_are_named, ()),
        (Broadcasts, test_bad_images_are_named, ()),
        (Broadcasts, test_unknown_reduction_lists_the_choices, ()),
        (ReadsAValue, test_compiled_equals_eager, ()),
        (Cancels, test_float64_stays_and_float32_is_near, ()),
        (Broadcasts, test_unreduced_result_has_the_dtype_of_the_images, ()),
        (Broadcasts, test_reduction_image_is_one_value_per_image, ()),
        (AssumesContiguous, test_images_expanded_over_the_batch, ()),
        (CountsItsCalls, test_same_call_same_bits, ()),
        (CountsItsCalls, test_copies_and_pickles_compute_the_same, ()),
        (Trains, test_modules_train_nothing_and_move, ()),
        (RefusesWithoutASize, test_tiny_images_are_a_number_or_refused_by_name, ()),
        (DividedByAll, test_mask_of_ones_is_no_mask, ()),
        (MaskInTheImages, test_masked_pixels_are_never_looked_at, ()),
        (NothingIsNaN, test_mask_without_a_valid_pixel_is_zero, ()),
        (MaskIsBool, test_form_of_a_mask_changes_nothing, ()),
        (Masked, test_bad_mask_is_named, ()),
        (BatchPooled, test_promises_hold_for_every_option, ()),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_planted_fault_is_found(
    fault: type[nn.Module],
    check: typing.Callable[..., None],
    arguments: tuple[object, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(LOSSES, fault.__name__, fault)
    with pytest.raises(
        (AssertionError, pytest.fail.Exception, TypeError, ValueError, RuntimeError)
    ):
        check(fault.__name__, *arguments)


def test_sound_loss_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted faults fail for their faults, not for being planted."""
    monkeypatch.setitem(LOSSES, "Faulty", Faulty)
    monkeypatch.setitem(LOSSES, "Masked", Masked)
    for check in (
        test_mask_of_ones_is_no_mask,
        test_masked_pixels_are_never_looked_at,
        test_mask_without_a_valid_pixel_is_zero,
        test_form_of_a_mask_changes_nothing,
    ):
        check("Masked")
    for check in (
        test_float64_stays_and_float32_is_near,
        test_images_expanded_over_the_batch,
        test_same_call_same_bits,
        test_copies_and_pickles_compute_the_same,
        test_modules_train_nothing_and_move,
        test_gradient_is_alive_from_noise,
        test_loss_falls_on_the_way_to_the_target,
        test_gradient_is_the_derivative,
        test_second_derivative_is_right,
        test_batch_is_the_mean_of_its_images,
        test_memory_layout_changes_nothing,
        test_images_are_left_as_they_were,
        test_compiled_equals_eager,
        test_gradient_is_alive_from_flat_images,
        test_flat_images_are_trained,
        test_gradient_reaches_whichever_image_asks,
        test_tiny_images_are_a_number_or_refused_by_name,
        test_value_and_gradient_are_finite_at_every_edge,
    ):
        check("Faulty")
    test_autocast_changes_nothing("Faulty", torch.float32)
