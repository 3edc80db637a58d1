"""Native passes at edges of their equations: where a slope jumps, ends or is shared."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from native_agreement import agree, off
from torch import Tensor

import ssimloss.functional as F
from ssimloss.functional.mdsi import _C1, _C2, _C3, _deviation_alone
from ssimloss.functional.psnr_hvs import _TABLES, PSNRHVSOptions, _errors
from ssimloss.kernels import library

pytestmark = pytest.mark.skipif(
    library.why_not() is not None, reason="the native library is not built"
)
ops = torch.ops.ssimloss


def slopes(
    values: Callable[[Tensor, Tensor], Tensor], pred: Tensor, target: Tensor
) -> tuple[Tensor, ...]:
    """The values and the gradients of their sum for both images."""
    images = [image.detach().requires_grad_() for image in (pred, target)]
    found = values(*images)
    return found.detach(), *torch.autograd.grad(found.sum(), images)


def colors_at_edges() -> dict[str, tuple[Tensor, Tensor]]:
    """Pairs of images in which colours are gray, black, equal, dark, far out of range or tiny, or
    hues lie on both sides of 0.
    """
    x, y = torch.rand(2, 1, 3, 24, 22, generator=torch.Generator().manual_seed(7)).double()
    gray, black, equal = x[:, :1].expand_as(x).clone(), x.clone(), x.clone()
    gray[..., 11:] = x[..., 11:]
    black[..., ::2] = 0
    equal[..., ::3] = y[..., ::3]
    mixed = y.clone()
    mixed[..., ::3] = y[:, :1, :, ::3]
    red = torch.tensor([0.9, 0.3, 0.42], dtype=x.dtype).view(1, 3, 1, 1)  # a hue of about 0
    codes = (4 * x).round() / 4, (4 * y).round() / 4  # with grays, and with equal hues
    return {
        "gray": (gray, mixed),
        "black": (black, 0.5 * black.flip(3)),
        "equal": (equal, y),
        "codes": codes,
        "dark": (0.02 * x, 0.03 * y),
        "hues": (red + 0.1 * (x - 0.5), red + 0.1 * (y - 0.5)),
        "knee": (0.04045 + 0.004 * (x - 0.5), y),  # of sRGB's curve
        "far": (1e7 * x, y),
        "tiny": (1e-30 * x, torch.where(black == 0, 1e-30 * y, y)),
        "subnormal": (1e-40 * x, y),
    }


@pytest.mark.usefixtures("instructions")
def test_colors_at_edges() -> None:
    """The slopes of the equation, in float32 no worse than the equation's own."""
    found: dict[tuple[str, str, torch.dtype], list[Tensor]] = {}
    for case, images in colors_at_edges().items():
        single = tuple(image.float() for image in images)
        wide = tuple(image.double() for image in single)
        for backend in ("cpu", "eager"):
            for dtype, given in ((torch.float64, wide), (torch.float32, single)):
                pred, target = (image.clone().requires_grad_() for image in given)
                value = F.ciede2000(pred, target, reduction="image", backend=backend)
                slopes = torch.autograd.grad(value.sum(), (pred, target))
                found[case, backend, dtype] = [value.detach(), *slopes]
                assert all(slope.isfinite().all() for slope in slopes), (case, backend)
        exact = found[case, "eager", torch.float64]
        for ours, wanted in zip(found[case, "cpu", torch.float64], exact, strict=True):
            assert off(ours, wanted) <= 1e-9, case
        agree(
            found[case, "cpu", torch.float32], found[case, "eager", torch.float32], exact, case=case
        )
    for slope, image in zip(found["equal", "cpu", torch.float32][1:], "xy", strict=True):
        assert (slope[..., ::3] == 0).all(), image


def test_almost_neutral_colors() -> None:
    """Next to a colour without chroma, the slope of the hue difference is constant; beside blues,
    whose hue turns the chroma, it counts.
    """
    colors = (0.5838334805425154, 0.5838287187691943, 0.5838530859648895), (0.1, 0.05, 0.9)
    x, y = (torch.tensor(color, dtype=torch.float64).view(1, 3, 1, 1) for color in colors)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 3, 6, 8, dtype=torch.float64, generator=generator)
    x, y = x + 3e-12 * noise, y + 0.03 * noise.flip(3)
    for images in ((x, y), (y, x)):
        found, exact = (
            slopes(partial(F.ciede2000, backend=backend), *images) for backend in ("cpu", "eager")
        )
        for ours, wanted in zip(found, exact, strict=True):  # of colours known to a few digits
            assert off(ours, wanted) <= 1e-3


@pytest.mark.usefixtures("instructions")
def test_blocks_that_mask_alike_or_hardly_vary() -> None:
    """Each of two equal energies gets half of the slope. Blocks whose squared variance is no normal
    number mask nothing.
    """
    t = torch.rand(1, 1, 24, 40, generator=torch.Generator().manual_seed(0)).double()
    hvs = {
        "cpu": lambda x, y: ops.hvs_errors(x, y, *_TABLES, [], True, True, "cpu")[0],
        "eager": lambda x, y: _errors(x, y, PSNRHVSOptions(), True, "each"),
    }
    for pred, target in ((-t, t), (1e-100 * t, 3e-101 * t.flip(3))):
        found, exact = (slopes(values, pred, target) for values in hvs.values())
        for ours, wanted in zip(found, exact, strict=True):
            assert off(ours / wanted.norm(), wanted / wanted.norm()) <= 1e-10


def test_equal_weights_share_their_slope() -> None:
    """Half of the images is equal, wider than the squares of HaarPSI."""
    pred, target = torch.rand(2, 1, 3, 20, 40, generator=torch.Generator().manual_seed(0)).double()
    pred[..., 20:] = target[..., 20:]
    found, exact = (
        slopes(partial(F.haarpsi, backend=backend), pred, target) for backend in ("cpu", "eager")
    )
    for ours, wanted in zip(found, exact, strict=True):
        assert off(ours, wanted) <= 1e-12


def test_deviation_where_the_similarity_is_zero() -> None:
    """The fourth root has no slope there, and a steep one beside it."""
    x, y = 50 * torch.randn(2, 2, 3, 9, 20, generator=torch.Generator().manual_seed(0)).double()
    for image in (x, y):
        image[:, :, :, :8] = 0
    x[:, 1, :, :8] = 2.0**24  # 1 less its square over that and a constant, which rounding loses
    arguments = (0.0, [9 * _C1, 9 * _C2, _C3], True, True, "cpu")
    found = slopes(lambda x, y: ops.similarity_deviation(x, y, *arguments)[0], x, y)
    exact = slopes(lambda x, y: _deviation_alone(x, y, 0.0), x, y)
    for ours, wanted in zip(found, exact, strict=True):
        assert off(ours, wanted) <= 1e-9
    assert (found[2][:, 1, :, :8] == 0).all()
    assert (exact[2][:, 1, :, :8] == 0).all()
