"""Losses that trainers add to a pixel loss: Huber, clipped and cosine distances, NCC, gradient
variance and Laplacian pyramids. They are compared with their definitions, with tests of what is
specific to each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import battery
import numpy as np
import pytest
import reference
import torch
from torch import Tensor

import ssimloss.functional as F
from ssimloss.conventions import CLIPPED, NCC, explain_difference
from ssimloss.kernels import why_not

REFERENCES: dict[str, tuple[Callable[..., Tensor], Callable[..., np.ndarray], dict]] = {
    "huber": (F.huber, reference.huber, {"delta": 0.05}),
    "clipped": (F.clipped, reference.clipped, {"low": 0.02, "high": 0.1}),
    "clipped l2": (F.clipped, reference.clipped, {"distance": "l2", "low": 1e-4}),
    "clipped charbonnier": (
        F.clipped,
        reference.clipped,
        {"distance": "charbonnier", "eps": 0.02, "low": 0.03},
    ),
    "cosine": (
        F.cosine_distance,
        reference.cosine_distance,
        {"data_range": (-1.0, 1.0), "offset": 0.2},
    ),
    "ncc": (F.ncc, lambda *i, **o: reference.ncc(*i, **o).mean(1), {"data_range": 2.0}),
    "gradient variance": (
        F.gradient_variance,
        reference.gradient_variance,
        {"data_range": (-1.0, 1.0), "patch_size": 5, "distance": "l1"},
    ),
    "laplacian pyramid": (
        F.laplacian_pyramid,
        reference.pyramid_distance,
        {"level_weights": (0.5, 0.0, 2.0), "distance": "charbonnier", "eps": 0.01},
    ),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_equals_its_definition(name: str) -> None:
    function, definition, options = REFERENCES[name]
    pred, target = battery.pictures()
    expected = definition(pred.numpy(), target.numpy(), **options)
    found = function(pred, target, reduction="image", **options)
    battery.close(found, torch.as_tensor(expected), 1e-12)


@pytest.mark.parametrize("name", REFERENCES)
def test_gradient(name: str) -> None:
    function, _, options = REFERENCES[name]
    side = 10 if name.startswith(("grad", "lap")) else 3
    generator = torch.Generator().manual_seed(0)
    pair = [
        torch.rand(1, 3, side, side, generator=generator, dtype=torch.float64).requires_grad_()
        for _ in range(2)
    ]
    assert torch.autograd.gradcheck(lambda *i: function(*i, **options), pair, fast_mode=side > 3)


MASKED = ("huber", "clipped", "cosine", "ncc", "gradient variance")


@pytest.mark.parametrize("name", MASKED)
def test_hidden_pixels_do_not_count(name: str) -> None:
    function, _, options = REFERENCES[name]
    pred, target = battery.pictures()
    mask = battery.hole(pred.shape)
    hidden = torch.where(mask, pred, torch.nan)
    expected = function(pred, target, mask=mask, **options)
    battery.close(function(hidden, target, mask=mask, **options), expected)
    assert not torch.equal(expected, function(pred, target, **options))
    ones = torch.ones_like(pred)
    battery.close(function(pred, target, mask=ones, **options), function(pred, target, **options))


def test_clipped_pixels_have_no_gradient() -> None:
    """Between the limits, the gradient is that of the distance; neosr's upper limit stops black
    pixels that should be white.
    """
    target = torch.zeros(1, 1, 1, 4, dtype=torch.float64)
    pred = torch.tensor([0.001, 0.5, 0.9999, 5.0], dtype=torch.float64).view(1, 1, 1, 4)
    pred.requires_grad_()
    for high, expected in ((None, [0, 1, 1, 1]), (0.996078, [0, 1, 0, 0])):
        (gradient,) = torch.autograd.grad(F.clipped(pred, target, high=high, reduction="sum"), pred)
        assert gradient.flatten().tolist() == expected
    for backend in (name for name in ("eager", "cpu") if why_not(name) is None):
        infinite = (torch.inf * pred.detach().sign()).requires_grad_()
        for high, slope in ((None, 0.25), (1e6, 0.0)):
            value = F.clipped(infinite, target, high=high, backend=backend)
            (gradient,) = torch.autograd.grad(value, infinite)
            assert gradient.unique().tolist() == [slope]
    assert F.clipped(target, target) == 1 / 255
    told = str(explain_difference("CLIPPED/neosr", "CLIPPED/neosr_l1", pred.detach(), target))
    assert "charbonnier" in told
    unlimited = dataclasses.replace(CLIPPED["neosr_l1"], options={"low": 0.003921})
    told = str(explain_difference("CLIPPED/neosr_l1", unlimited, pred.detach(), target))
    assert "0.003921 to 0.996078" in told
    assert "None" not in told
    assert any("no gradient" in note for note in CLIPPED["neosr"].notes)


def test_colour_without_brightness() -> None:
    """Brighter copies have the distance 0, hues do not; the gradient of black is finite and points
    to the colour.
    """
    _, target = battery.pictures(dtype=torch.float32)
    assert F.cosine_distance(0.5 * target - 0.005, target) < 1e-6
    assert F.cosine_distance(target.flip(1), target) > 1e-3
    assert F.cosine_distance(target, target) == 0
    black = torch.zeros_like(target).requires_grad_()
    (gradient,) = torch.autograd.grad(F.cosine_distance(black, target, reduction="sum"), black)
    assert (gradient * target).sum() < 0
    below = torch.full_like(target, -0.01 + 1e-7).requires_grad_()  # without the offset, nearly 0
    (steepest,) = torch.autograd.grad(F.cosine_distance(below, target, reduction="sum"), below)
    assert 0 < gradient.abs().max() < 100
    assert 0 < steepest.abs().max() < 100


@pytest.mark.parametrize("flat", [0.0, 0.5, 1.0])
def test_correlation_of_flat_images(flat: float) -> None:
    """The gradient is finite and follows the other image, where that of the originals is NaN."""
    _, target = battery.pictures(dtype=torch.float32)
    pred = torch.full_like(target, flat).requires_grad_()
    (gradient,) = torch.autograd.grad(F.ncc_loss(pred, target), pred)
    centred = target - target.mean((2, 3), keepdim=True)
    cosine = torch.nn.functional.cosine_similarity(-gradient.flatten(2), centred.flatten(2), 2)
    battery.close(cosine, torch.ones_like(cosine), 1e-5)
    assert F.ncc(pred, pred) == 1
    assert F.ncc(target, target) == 1
    battery.close(F.ncc(0.3 * target + 0.2, target, k=1e-9), 1.0, 1e-6)
    (gradient,) = torch.autograd.grad(F.ncc_loss(pred, target, k=1e-12), pred)
    assert gradient.isfinite().all()


def test_halved_loss_of_the_frameworks() -> None:
    pred, target = battery.pictures()
    pred, target = pred[:1], target[:1]
    tight = F.ncc(pred, target, k=1e-12)
    battery.close(NCC["trainner"](pred, target), (1 - tight) / 2)
    with pytest.raises(TypeError, match=r"do not unpack it with \*\*"):
        F.ncc(pred, target, **NCC["trainner"])


def test_weighted_correlation() -> None:
    pred, target = battery.pictures()
    weight = torch.randint(1, 5, pred.shape, generator=torch.Generator().manual_seed(0)).double()
    expected = reference.ncc(pred.numpy(), target.numpy(), weight=weight.numpy())
    battery.close(F.ncc(pred, target, mask=weight, reduction="none"), torch.as_tensor(expected))


def test_bands_of_a_pyramid_add_up() -> None:
    """One band is the image itself; an offset is only in the last one."""
    pred, target = battery.pictures()
    battery.close(F.laplacian_pyramid(pred, target, level_weights=(1.0,)), F.l1(pred, target))
    battery.close(F.laplacian_pyramid(target + 0.25, target), 0.25)


def test_differences_of_programs_are_told() -> None:
    """Patches and distance of the paper and of traiNNer-redux, one at a time."""
    pred, target = battery.pictures()
    pair = "GRADIENT_VARIANCE/abrahamyan2022", "GRADIENT_VARIANCE/trainner"
    told = str(explain_difference(*pair, pred, target))
    assert all(words in told for words in ("8 x 8", "16 x 16", "charbonnier"))


def test_variance_sees_blur() -> None:
    """Not so a flat image, at which it is stationary."""
    _, target = battery.pictures()
    blurred = torch.nn.functional.avg_pool2d(target, 3, 1, 1)
    little = 0.9 * target + 0.1 * blurred
    assert F.gradient_variance(blurred, target) > 10 * F.gradient_variance(little, target) > 0
    flat = torch.full_like(target, 0.5)
    flat[..., 0], flat[..., 0, :] = 0, 0  # as beyond the border
    flat.requires_grad_()
    (gradient,) = torch.autograd.grad(F.gradient_variance(flat, target), flat)
    assert gradient.isfinite().all()
    assert (gradient[..., 10:-10, 10:-10] == 0).all()


def test_errors_name_the_argument() -> None:
    pred, target = battery.pictures()
    for match, call in (
        ("delta must be positive, got 0", lambda: F.huber(pred, target, delta=0.0)),
        (
            "high must be larger than low, got high=0.1 and low=0.2",
            lambda: F.clipped(pred, target, low=0.2, high=0.1),
        ),
        ("offset must be at least", lambda: F.cosine_distance(pred, target, offset=1e-30)),
        ("k must be at least 1e-12, got 1e-15", lambda: F.ncc(pred, target, k=1e-15)),
        (
            r"at least two channels.*use l1_loss",
            lambda: F.cosine_distance(pred[:, :1], target[:, :1]),
        ),
        ("k must be at least", lambda: F.ncc(pred, target, k=1e-20)),
        ("patch_size must be", lambda: F.gradient_variance(pred, target, patch_size=1)),
        ("for patches of 64 pixels", lambda: F.gradient_variance(pred, target, patch_size=64)),
        (
            r"at least 65 pixels on the short side, for 7 bands",
            lambda: F.laplacian_pyramid(pred, target, level_weights=(1.0,) * 7),
        ),
    ):
        with pytest.raises(ValueError, match=match):
            call()
