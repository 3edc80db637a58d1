"""The roots, logarithms and exponentials of the native library (``native/functions.h``), in units
of rounding. Each is reached by an operator whose arguments leave little else to round.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache

import pytest
import torch
from native_agreement import off
from torch import Tensor

import ssimloss.functional as F
from ssimloss.kernels import Colors, Haar, library
from ssimloss.kernels.color_means.cpu import color_means
from ssimloss.kernels.haar_means.cpu import haar_means
from ssimloss.kernels.information_map.cpu import information_map

pytestmark = [
    pytest.mark.skipif(library.why_not() is not None, reason="the native library is not built"),
    pytest.mark.usefixtures("instructions"),
]
both_dtypes = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
COUNT = 600


def roundings(
    found: Tensor, exact: list[Decimal], unit: list[Decimal], dtype: torch.dtype
) -> Tensor:
    """The errors of values, in units of the rounding of ``unit`` in ``dtype``."""
    pairs = zip(found.flatten().tolist(), exact, unit, strict=True)
    errors = torch.tensor([float((Decimal(f) - e) / u) for f, e, u in pairs], dtype=torch.float64)
    return errors / torch.finfo(dtype).eps


def norm(errors: Tensor) -> float:
    """The root of the mean square."""
    return float(errors.square().mean().sqrt())


# --- cube root, and the power 2/5 of linear light -------------------------------------------------


@cache
def grays(dtype: torch.dtype) -> tuple[Tensor, Tensor, list[Decimal], list[Decimal]]:
    """Gray pixels, neighbours of them, and the exact curve of CIELAB of both."""
    x = torch.logspace(-1.0, 0.0, COUNT, dtype=torch.float64)
    y = x * (1 + (2**-9 if dtype is torch.float32 else 2**-34))
    x, y = (image.to(dtype).view(-1, 1, 1, 1) for image in (x, y))
    f_x, f_y = ([_curve(Decimal(v)) for v in image.flatten().tolist()] for image in (x, y))
    return x, y, f_x, f_y


def _curve(value: Decimal) -> Decimal:
    white = Decimal("0.212671") + Decimal("0.715160") + Decimal("0.072169")
    t = white * ((value + Decimal("0.055")) / Decimal("1.055")) ** Decimal("2.4")
    knee, steepness = Decimal("0.008856"), Decimal("7.787")
    return steepness * t + Decimal(16) / 116 if t <= knee else (t.ln() / 3).exp()


@both_dtypes
def test_roots(dtype: torch.dtype) -> None:
    """CIEDE2000 of neighbouring grays is their difference of lightness, of which the roundings of
    both are a large part. The difference has two cube roots, of which either has an argument of
    about six roundings, which the root divides by three. Below the knee of the curve, the argument
    counts in full.
    """
    x, y, f_x, f_y = grays(dtype)
    found = color_means(x, y, Colors(), want_x=False, want_y=False)[0].double().flatten()
    mean = 58 * torch.tensor([float(a + b) for a, b in zip(f_x, f_y, strict=True)]).double() - 16
    far = (mean - 50).square()
    lightness = found * (1 + 0.015 * far / (20 + far).sqrt()) / 116
    exact = [b - a for a, b in zip(f_x, f_y, strict=True)]
    errors = roundings(lightness, exact, f_x, dtype)
    assert norm(errors) <= 0.6
    assert errors.abs().max() <= 2


def test_slopes_in_float32() -> None:
    """The gradient has the slopes of both powers as factors: about ten roundings, in each sixth
    of the range.
    """
    x, y, *_ = grays(torch.float32)
    found = color_means(x, y, Colors(), want_x=True, want_y=False)[1]
    exact = color_means(x.double(), y.double(), Colors(), want_x=True, want_y=False)[1]
    assert found is not None
    assert exact is not None
    errors = (found.double() - exact) / (exact * torch.finfo(torch.float32).eps)
    for part in errors.flatten().chunk(6):
        assert norm(part) <= 2


# --- binary logarithm -----------------------------------------------------------------------------


@both_dtypes
@pytest.mark.parametrize("sizes", [range(762, 806), range(500, 1200), range(3000, 3600)])
def test_logarithm(dtype: torch.dtype, sizes: range) -> None:
    """The information of a band beside a flat one is that of its variance alone: 9 logarithms of
    ``1 + variance / noise``, whose argument is known exactly. The series has its largest error
    below the root of 2, where the exponent is 0.
    """
    size = torch.tensor([*sizes], dtype=dtype)
    noise = 2.0**-10 if sizes.start == 3000 else 2.0**20
    stripes = torch.tensor([1.0, -1.0, 0.0], dtype=dtype).repeat(4)[:11]
    x = (size.view(-1, 1, 1, 1) * stripes).expand(-1, 1, 11, 11).contiguous()
    factor, variances = x.new_zeros(len(sizes), 9, 9), x.new_zeros(len(sizes), 9)
    numbers = noise, 1e-15, 1e-8
    found = information_map(x, torch.zeros_like(x), None, factor, variances, numbers)
    base = 1 + 6 * size.square() * torch.tensor(1 / 9, dtype=dtype) / noise
    exact = [9 * Decimal(b).ln() / Decimal(2).ln() for b in base.tolist()]
    errors = roundings(found, exact, exact, dtype)
    assert norm(errors) <= 0.7
    assert errors.abs().max() <= 2


# --- exponential ----------------------------------------------------------------------------------


@both_dtypes
def test_exponential(dtype: torch.dtype) -> None:
    """HaarPSI of an image all of whose coefficients differ, beside a flat one, is that of its curve
    at 1: ``(1 - exp(-alpha)) / (2 exp(-alpha))``.
    """
    steps = torch.arange(8, dtype=dtype)
    image = 100 * 2 ** (steps + steps[:, None])[None, None]
    images = image, torch.zeros_like(image)
    for first, last in ((0.01, 0.34), (0.36, 1.03), (1.05, 8.0)):
        alphas = torch.linspace(first, last, COUNT, dtype=torch.float32).tolist()
        found = [haar_means(*images, Haar(1e-20, a), False, False)[0] for a in alphas]
        exact = [(Decimal(a).exp() - 1) / 2 for a in alphas]
        errors = roundings(torch.cat(found), exact, exact, dtype)
        assert norm(errors) <= 0.8
        assert errors.abs().max() <= 3


# --- angle, sine and cosine -----------------------------------------------------------------------


@both_dtypes
def test_angles(dtype: torch.dtype) -> None:
    """The term of CIEDE2000 that turns blues is the sine of an exponential of the hue's angle.
    Values and gradients of single pixels whose hues are around it.
    """
    generator = torch.Generator().manual_seed(0)
    colors = torch.rand(2, COUNT, 3, 1, 1, generator=generator, dtype=torch.float64)
    span, least = torch.tensor([[0.8, 0.6, 0.1], [0.0, 0.0, 0.9]]).double()[..., None, None]
    x, y = (each.requires_grad_() for each in (least + span * colors).to(dtype))
    fast = F.ciede2000(x, y, reduction="image", backend="cpu")
    slow = F.ciede2000(x.double(), y.double(), reduction="image", backend="eager")
    bound = (3 if dtype is torch.float32 else 8) * torch.finfo(dtype).eps
    assert off(fast.detach(), slow.detach()) <= bound
    slopes = (torch.autograd.grad(values.sum(), (x, y)) for values in (fast, slow))
    for slope, wanted in zip(*slopes, strict=True):
        assert off(slope, wanted) <= 2.5 * bound
