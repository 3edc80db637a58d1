"""HSLuv: the conversion, its edges, and the loss at gray, black and white."""

from __future__ import annotations

import battery
import pytest
import reference
import torch

import ssimloss.functional as F
from ssimloss import color
from ssimloss.color.channels import linear_light
from ssimloss.conventions import HSLUV, explain_difference

# HSLuv of red, green, blue, white, black and gray, as the package hsluv 5.0.5 prints it.
PUBLISHED = {
    (1.0, 0.0, 0.0): (12.177050630061776, 100.0, 53.23711559542933),
    (0.0, 1.0, 0.0): (127.71501294924047, 100.0, 87.73551910965973),
    (0.0, 0.0, 1.0): (265.8743202181779, 100.0, 32.30087290398002),
    (1.0, 1.0, 1.0): (0.0, 0.0, 100.0),
    (0.0, 0.0, 0.0): (0.0, 0.0, 0.0),
    (0.5, 0.5, 0.5): (0.0, 0.0, 53.38896474111415),
}


def pixels(*colours: tuple[float, ...]) -> torch.Tensor:
    """``(1, 3, 1, n)``."""
    return torch.tensor(colours, dtype=torch.float64).T.reshape(1, 3, 1, -1)


def test_published_colours() -> None:
    found = color.rgb_to_hsluv(pixels(*PUBLISHED))
    battery.close(found, pixels(*PUBLISHED.values()), 1e-9)


def test_a_hue_is_below_360() -> None:
    """Among these reds are three whose small negative angle becomes 360 in float32."""
    blue = 0.42496 + torch.arange(-8, 8) * 2.0**-24
    image = torch.stack((torch.full_like(blue, 0.9), torch.full_like(blue, 0.2), blue))
    hue = color.rgb_to_hsluv(image.view(1, 3, 1, -1))[:, 0]
    assert ((hue < 360) & (torch.minimum(hue, 360 - hue) < 1e-3)).all()


def test_conversion_is_the_definition() -> None:
    """Everywhere in the cube, on its faces, near black and near white."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, 6, 200, generator=generator, dtype=torch.float64)
    image[:, 0, 1], image[:, 1, 2] = 0, 1
    image[:, :, 3] *= 0.02
    image[:, :, 4] = 1 - 0.02 * image[:, :, 4]
    found = color.rgb_to_hsluv(2 * image - 1, (-1, 1))[0]
    expected = torch.as_tensor(reference.hsluv_of(image[0].numpy()))
    turn = (found[0] - expected[0]).abs()
    assert torch.minimum(turn, 360 - turn).max() < 1e-7  # degrees
    battery.close(found[1:], expected[1:], 1e-9)


def test_equals_its_definition() -> None:
    pred, target = battery.pictures()
    for channels, low, options in (
        (3, 0.0, {"distance": "charbonnier", "eps": 0.01}),
        (3, -1.0, {"distance": "l2", "edges": "thresholds"}),
        (1, 0.0, {}),
    ):
        pair = [((1 - low) * image + low)[:, :channels] for image in (pred, target)]
        weights = {"hue_weight": 0.5, "saturation_weight": 0.3, "lightness_weight": 2.0}
        expected = reference.hsluv(
            *(image.numpy() for image in pair),
            data_range=(low, 1.0),
            weights=(0.5, 0.3, 2.0),
            **options,
        )
        found = F.hsluv(*pair, data_range=(low, 1.0), reduction="image", **weights, **options)
        battery.close(found, torch.as_tensor(expected), 1e-9)


# Where a conversion or a threshold has an edge; where each moves.
EDGES = {
    "gray": ((0.5, 0.5, 0.5), (0.5, 0.6, 0.5)),
    "black": ((0.0, 0.0, 0.0), (0.2, 0.0, 0.0)),
    "near black": ((0.0, 0.0, 0.0), (0.004, 0.0, 0.0)),
    "white": ((1.0, 1.0, 1.0), (1.0, 0.97, 1.0)),
    "near white": ((0.99, 1.0, 0.99), (1.0, 0.9, 1.0)),
    "gray to a primary": ((0.2, 0.2, 0.2), (0.0, 0.0, 1.0)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("edge", EDGES)
def test_gradient_at_the_edges_points_to_the_target(edge: str, dtype: torch.dtype) -> None:
    """It is finite, lowers the loss, and is 0 at equal colours."""
    pred, target = (pixels(colour).to(dtype) for colour in EDGES[edge])
    image = pred.clone().requires_grad_()
    value = F.hsluv(image, target)
    (gradient,) = torch.autograd.grad(value, image)
    assert gradient.isfinite().all()
    assert (gradient * (target - pred)).sum() < 0
    step = 1e-4 * gradient / gradient.abs().max()
    assert F.hsluv((pred - step).clamp(0, 1), target) < value
    equal = pred.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.hsluv(equal, pred), equal)
    assert (gradient == 0).all()


@pytest.mark.parametrize("gray", [0.2, 0.5, 0.9])
def test_slope_at_gray_is_that_towards_the_target(gray: float) -> None:
    """Whether a channel first becomes 0 or 1 on the way, though each direction has its own."""
    for colour in ((0.6, 0.5, 0.4), (0.3, 0.9, 0.8), (1.0, 0.9, 0.0), (0.1, 0.0, 0.7)):
        target = pixels(colour)
        image = torch.full_like(target, gray).requires_grad_()
        loss = F.hsluv(image, target, lightness_weight=0.0)
        (gradient,) = torch.autograd.grad(loss, image)
        light = linear_light(image.detach())
        step = 1e-6 * (linear_light(target) - linear_light(target).mean())
        moved = 1.055 * (light + step) ** (1 / 2.4) - 0.055
        change = F.hsluv(moved, target, lightness_weight=0.0) - loss
        slope = (gradient * (moved - image)).sum()
        assert change < 0
        battery.close(slope / change, 1.0, 1e-3)


def test_published_test_of_white() -> None:
    """Before January 2026, a light pred had no hue, whatever the target was; the gradient of the
    hue was 0 there.
    """
    pred, target = pixels((0.98, 0.93, 0.7)), pixels((0.2, 0.4, 0.9))
    assert color.rgb_to_hsluv(pred)[0, 2] > 90
    record = {"data_range": 1.0}
    now, then = (HSLUV[name](pred, target, **record) for name in ("trainner", "trainner_2025"))
    assert now > then + 0.1
    told = str(explain_difference("HSLUV/trainner", "HSLUV/trainner_2025", pred, target))
    assert "of pred" in told
    image = pred.clone().requires_grad_()
    F.hsluv(image, target, lightness_weight=0.0, saturation_weight=0.0).backward()
    assert image.grad is not None
    assert image.grad.abs().sum() > 0


def test_hidden_pixels_do_not_count() -> None:
    pred, target = battery.pictures()
    mask = battery.hole(pred.shape)
    hidden = torch.where(mask, pred, torch.nan)
    expected = F.hsluv(pred, target, mask=mask)
    battery.close(F.hsluv(hidden, target, mask=mask), expected)
    assert not torch.equal(expected, F.hsluv(pred, target))


def test_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    pair = [
        torch.rand(1, 3, 3, 4, generator=generator, dtype=torch.float64).requires_grad_()
        for _ in range(2)
    ]
    for edges in ("continuous", "thresholds"):
        assert torch.autograd.gradcheck(lambda x, y, e=edges: F.hsluv(x, y, edges=e), pair)


def test_errors_name_the_argument() -> None:
    pred, target = battery.pictures()
    with pytest.raises(ValueError, match=r"hue_weight must not be negative, got -1.0"):
        F.hsluv(pred, target, hue_weight=-1.0)
    with pytest.raises(ValueError, match=r"edges must be one of 'continuous', 'thresholds', got"):
        F.hsluv(pred, target, edges="soft")
    with pytest.raises(ValueError, match=r"gray \(N, 1, H, W\) or RGB \(N, 3, H, W\), got .*4"):
        F.hsluv(torch.rand(1, 4, 8, 8), torch.rand(1, 4, 8, 8))
