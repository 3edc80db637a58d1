"""Temporal terms of clips: against the reference, on clips that move by a known translation, and on
clips that do not move.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable

import battery
import pytest
import reference
import torch
from torch import Tensor

import ssimloss
import ssimloss.functional as F

pytestmark = pytest.mark.usefixtures("one_thread")

DISTANCE = {
    "l1": torch.abs,
    "l2": torch.square,
    "charbonnier": lambda d: (d**2 + 0.01**2).sqrt(),
}


def clips(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x, y = (torch.rand(shape, generator=generator, dtype=torch.float64) for _ in range(2))
    return x, y


def flow_of(clip: Tensor, size: float = 2.0) -> Tensor:
    """In all directions, up to this many pixels; of one clip or several."""
    *batch, t, _, h, w = clip.shape
    shape = (*batch, t - 1, 2, h, w)
    return size * (0.3 + 1.7 * torch.arange(math.prod(shape), dtype=clip.dtype)).sin().view(shape)


def moving(frames: int = 4, right: int = 2, down: int = 1) -> Tensor:
    """One clip of a wide scene that moves by this many pixels per frame."""
    scene, _ = clips(3, 40, 40, seed=3)
    places = [(12 - down * t, 15 - right * t) for t in range(frames)]
    return torch.stack([scene[:, y : y + 16, x : x + 20] for y, x in places])


def constant_flow(clip: Tensor, u: float, v: float) -> Tensor:
    """To the right and down, of one clip."""
    t, _, h, w = clip.shape
    return torch.tensor([u, v], dtype=clip.dtype).view(1, 2, 1, 1).expand(t - 1, 2, h, w)


STATIC = constant_flow(torch.zeros(3, 2, 5, 6, dtype=torch.float64), 0, 0).expand(2, -1, -1, -1, -1)


def warping(pred: Tensor, _: Tensor, **options: object) -> Tensor:
    return F.warping_error_loss(pred, flow=flow_of(pred.detach().float()), **options)


BOTH = pytest.mark.parametrize("loss", [F.temporal_difference_loss, warping], ids=["diff", "warp"])


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("distance", list(DISTANCE))
def test_temporal_difference_is_the_formula(distance: str) -> None:
    x, y = clips(2, 4, 3, 5, 6)
    mask = (torch.rand(2, 3, 1, 5, 6) > 0.4).double()
    change = (x[:, 1:] - x[:, :-1]) - (y[:, 1:] - y[:, :-1])
    values = DISTANCE[distance](change)
    loss = functools.partial(F.temporal_difference_loss, distance=distance, eps=0.01)
    battery.close(loss(x, y), values.mean(), 1e-14)
    battery.close(loss(x, y, reduction="image"), values.mean((1, 2, 3, 4)), 1e-14)
    battery.close(loss(x, y, reduction="none"), values, 1e-14)
    expected = (values * mask).sum() / mask.expand_as(values).sum()
    battery.close(loss(x, y, mask=mask), expected, 1e-14)
    battery.close(loss(x[0], y[0], reduction="none"), values[0], 1e-14)
    battery.close(
        loss(x[0], y[0], mask=mask[0], reduction="image"),
        loss(x[:1], y[:1], mask=mask[:1], reduction="image"),
        1e-14,
    )


@pytest.mark.parametrize("direction", ["backward", "forward"])
def test_warping_error_is_the_reference(direction: str) -> None:
    """Flows of up to two pixels, of which some lead outside."""
    x, _ = clips(2, 3, 2, 6, 7)
    flow = flow_of(x)
    mask = torch.rand(2, 2, 1, 6, 7) > 0.3
    total, mass = 0.0, 0.0
    for n, t in itertools.product(range(2), range(2)):
        fixed, other = (t + 1, t) if direction == "backward" else (t, t + 1)
        warped, inside = reference.warped(x[n, other].numpy(), flow[n, t].numpy())
        weight = torch.from_numpy(inside) & mask[n, t, 0]
        assert 5 < weight.sum() < 40
        total += float(((x[n, fixed] - torch.from_numpy(warped)).square() * weight).sum())
        mass += 2 * float(weight.sum())
    loss = functools.partial(F.warping_error_loss, flow=flow, direction=direction, distance="l2")
    battery.close(loss(x, mask=mask), total / mass, 1e-10)
    battery.close(loss(x, mask=mask, reduction="sum"), total, 1e-10)
    battery.close(loss(x, mask=mask, reduction="none").sum(), total, 1e-10)


# --- what flow and masks mean ---------------------------------------------------------------------


def test_a_known_translation_has_no_error() -> None:
    """What moves to the right and down came from the left and from above."""
    clip = moving(right=2, down=1)
    forward, backward = constant_flow(clip, 2, 1), constant_flow(clip, -2, -1)
    loss = functools.partial(F.warping_error_loss, clip)
    battery.close(1 + loss(flow=forward, direction="forward"), 1.0, 1e-12)
    battery.close(1 + loss(flow=backward, direction="backward"), 1.0, 1e-12)
    assert loss(flow=backward, direction="forward") > 0.1
    assert loss(flow=forward, direction="backward") > 0.1
    assert loss(flow=constant_flow(clip, 1, 2), direction="forward") > 0.1
    # Half of the way between columns is their mean.
    half = loss(flow=constant_flow(clip, 0.5, 0), direction="forward", reduction="none")[0]
    expected = (clip[0][..., :-1] - (clip[1][..., :-1] + clip[1][..., 1:]) / 2).abs()
    battery.close(half[..., :-1], expected, 1e-12)
    assert half[..., -1].sum() == 0  # half a pixel beyond the border


def test_a_mask_leaves_out_what_is_covered() -> None:
    clip = moving()
    flow, covered = constant_flow(clip, -2, -1), clip.clone()
    covered[2, :, 4:8, 5:9] = 0  # in one frame, which is in two pairs
    loss = functools.partial(F.warping_error_loss, covered, flow=flow)
    mask = torch.ones(3, 1, 16, 20, dtype=torch.bool)
    mask[1, :, 4:8, 5:9] = False
    mask[2, :, 5:9, 7:11] = False
    assert loss() > 0.01
    battery.close(1 + loss(mask=mask), 1.0, 1e-12)
    assert loss(mask=torch.zeros_like(mask)) == 0
    battery.close(loss(flow=flow * 100), 0.0)  # nothing comes from inside
    battery.close(loss(flow=flow * torch.inf), 0.0)
    assert loss(flow=flow * torch.nan).isnan()


@pytest.mark.parametrize("distance", list(DISTANCE))
def test_what_has_no_weight_may_be_nan(distance: str) -> None:
    """NaN in frames and flow, left of the pixels that count: values are the same, gradients 0."""
    x, y = clips(2, 3, 2, 5, 8)
    flow = torch.full((2, 2, 2, 5, 8), 0.5, dtype=x.dtype)
    mask = torch.ones(2, 2, 1, 5, 8, dtype=torch.bool)
    mask[..., :3] = False
    spoilt = [tensor.clone() for tensor in (x, flow)]
    for tensor in spoilt:
        tensor[..., :3] = torch.nan
        tensor.requires_grad_()
    options = {"distance": distance, "mask": mask}

    def error(p: Tensor, f: Tensor, **direction: str) -> Tensor:
        return F.warping_error_loss(p, flow=f, **options, **direction)

    for loss in (
        lambda p, _: F.temporal_difference_loss(p, y, **options),
        error,
        functools.partial(error, direction="forward"),
    ):
        value = loss(*spoilt)
        battery.close(value, loss(x, flow), 1e-14)
        for gradient in torch.autograd.grad(value, spoilt, allow_unused=True):
            if gradient is not None:
                assert gradient[..., 3:].abs().sum() > 0
                assert gradient.isfinite().all()
                assert gradient[..., :3].abs().sum() == 0


def test_a_constant_error_costs_nothing() -> None:
    """Flicker costs as much as its change."""
    clip, _ = clips(2, 4, 3, 8, 9)
    loss = F.temporal_difference_loss
    battery.close(1 + loss(clip + 0.3, clip), 1.0, 1e-14)
    flicker = torch.tensor([0.0, 0.1, 0.0, 0.1], dtype=torch.float64).view(4, 1, 1, 1)
    battery.close(loss(clip + flicker, clip), 0.1, 1e-12)


# --- gradients ------------------------------------------------------------------------------------


def test_gradients_are_derivatives() -> None:
    """To the frames and, away from whole pixels, to the flow."""
    x, y = (c.requires_grad_() for c in clips(1, 3, 2, 4, 5))
    difference = functools.partial(F.temporal_difference_loss, distance="charbonnier", eps=0.1)
    assert torch.autograd.gradcheck(difference, (x, y), fast_mode=True)
    assert torch.autograd.gradgradcheck(difference, (x, y), fast_mode=True)
    flow = flow_of(x.detach(), 1.3).requires_grad_()
    for direction in ("backward", "forward"):

        def loss(p: Tensor, f: Tensor, direction: str = direction) -> Tensor:
            return F.warping_error_loss(p, flow=f, direction=direction)

        assert torch.autograd.gradcheck(loss, (x, flow), fast_mode=True)
        assert torch.autograd.gradgradcheck(loss, (x, flow), fast_mode=True)


def test_static_clips_learn() -> None:
    """A clip that does not move, where the target does; and equal frames with any flow."""
    _, target = clips(2, 3, 2, 5, 6)
    static = target[:, :1].expand_as(target)
    value, gradient = battery.differentiate(F.temporal_difference_loss, static, target)
    assert value > 0.1
    assert gradient.abs().sum((0, 2, 3, 4)).min() > 0.01  # each frame
    for clip in (static, torch.zeros_like(static), torch.full_like(static, 0.7)):
        for other in (clip, target):
            for loss in (F.temporal_difference_loss, warping):
                value, gradient = battery.differentiate(loss, clip, other)
                assert value.isfinite()
                assert gradient.isfinite().all()
    value, gradient = battery.differentiate(
        lambda p, _: F.warping_error_loss(p, flow=STATIC), target, target
    )
    assert value > 0.1
    assert gradient[:, 0].abs().sum() > 0.1


@BOTH
def test_dtypes_and_transforms(loss: Callable[..., Tensor]) -> None:
    x, y = (c.float() for c in clips(2, 3, 3, 8, 9))
    for dtype in (torch.float16, torch.bfloat16):
        low = x.to(dtype), y.to(dtype)
        exact = loss(low[0].float(), low[1].float())
        assert loss(*low).dtype is torch.float32
        assert loss(*low, reduction="none").dtype is dtype
        battery.close(loss(*low), exact, 1e-6)
    plain = loss(x, y)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(loss(x, y), plain)
    assert loss(x.double(), y.double()).dtype is torch.float64
    mapped = torch.vmap(lambda z: loss(z, y[0]))(x)
    battery.close(mapped, torch.stack([loss(z, y[0]) for z in x]), 1e-6)
    battery.close(torch.func.grad(loss)(x, y), battery.differentiate(loss, x, y)[1], 1e-6)
    torch.compiler.reset()
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    for actual, expected in zip(
        battery.differentiate(compiled, x, y), battery.differentiate(loss, x, y), strict=True
    ):
        battery.close(actual, expected, 1e-6)
    assert loss(x[:0], y[:0]) == 0
    assert loss(x[:0], y[:0], reduction="image").shape == (0,)


# --- modules, terms, errors -----------------------------------------------------------------------


def test_terms_of_a_combined_loss() -> None:
    """Losses of frames and losses of clips in one sum."""
    criterion = ssimloss.CombinedLoss(
        pixel=ssimloss.Term(ssimloss.L1Loss(), 1.0),
        change=ssimloss.Term(
            ssimloss.TemporalDifferenceLoss(), 0.5, inputs=("pred_clip", "target_clip")
        ),
        warping=ssimloss.Term(
            ssimloss.WarpingErrorLoss(direction="forward"), 2.0, inputs=("pred_clip", "flow")
        ),
    )
    x, y = clips(2, 3, 3, 8, 9)
    flow = flow_of(y)
    value = criterion(x.flatten(0, 1), y.flatten(0, 1), pred_clip=x, target_clip=y, flow=flow)
    expected = (
        F.l1_loss(x.flatten(0, 1), y.flatten(0, 1))
        + 0.5 * F.temporal_difference_loss(x, y)
        + 2 * F.warping_error_loss(x, flow=flow, direction="forward")
    )
    battery.close(value, expected, 1e-6)
    with pytest.raises(TypeError, match=r"Term\(loss, inputs=\('pred', 'flow'\)\)"):
        ssimloss.Term(ssimloss.WarpingErrorLoss())


def test_modules_are_the_functions() -> None:
    x, y = clips(2, 3, 3, 8, 9)
    options = {"distance": "charbonnier", "eps": 0.1, "reduction": "image"}
    module = ssimloss.TemporalDifferenceLoss(**options)
    assert torch.equal(module(x, y), F.temporal_difference_loss(x, y, **options))
    warping_module = ssimloss.WarpingErrorLoss(direction="forward", **options)
    flow, mask = flow_of(x), torch.rand(2, 2, 1, 8, 9)
    expected = F.warping_error_loss(x, flow=flow, mask=mask, direction="forward", **options)
    assert torch.equal(warping_module(x, flow=flow, mask=mask), expected)


def test_bad_input_is_named() -> None:
    x, y = clips(2, 3, 3, 8, 9)
    flow = flow_of(x)
    difference, error = F.temporal_difference_loss, F.warping_error_loss
    for call, kind, message in (
        (lambda: difference(x[:, :1], y[:, :1]), ValueError, "pred must have at least 2 frames"),
        (lambda: difference(x[0, 0], y[0, 0]), ValueError, r"\(N, T, C, H, W\) or \(T, C, H, W\)"),
        (lambda: difference(x, y[:, :2]), ValueError, "target must have the shape of pred"),
        (lambda: difference(x.byte(), y), TypeError, "pred must be floating point"),
        (
            lambda: difference(x, y, mask=torch.ones(2, 3, 1, 8, 9)),
            ValueError,
            r"mask must have shape \(2, 2, 1, 8, 9\) or \(2, 2, 3, 8, 9\), one entry for each pair",
        ),
        (
            lambda: difference(x, y, mask=torch.ones(2, 2, 1, 8, 9, dtype=torch.int64)),
            TypeError,
            r"mask must be bool or floating point weights, got torch.int64",
        ),
        (lambda: difference(x, y, distance="l3"), ValueError, "distance must be one of 'l1', 'l2'"),
        (lambda: error(x), TypeError, r"warping_error_loss\(\) needs flow"),
        (lambda: ssimloss.WarpingErrorLoss()(x), TypeError, "WarpingErrorLoss needs flow"),
        (
            lambda: error(x, flow=flow.movedim(2, -1)),
            ValueError,
            r"flow must have shape \(2, 2, 2, 8, 9\), one entry for each pair",
        ),
        (lambda: error(x, flow=flow.to("meta")), ValueError, "flow must be on the device of pred"),
        (
            lambda: error(x, flow=flow, direction="back"),
            ValueError,
            "direction must be one of 'backward', 'forward'",
        ),
    ):
        with pytest.raises(kind, match=message):
            call()
