"""Native passes over sorted planes and along a flow, against their equations in plain PyTorch."""

from __future__ import annotations

import functools
import math
import weakref
from collections.abc import Callable

import battery
import pytest
import torch
from native_agreement import strided
from torch import Tensor

import ssimloss.functional as F
from ssimloss.functional import _inner_products, projections
from ssimloss.functional.warping_error import warp
from ssimloss.kernels import library, sorted_means

pytestmark = pytest.mark.skipif(
    library.why_not() is not None, reason=f"no native library: {library.why_not()}"
)

# A value per plane, less and more than the rows at which digits get wider, and odd.
SHAPES = [(2, 3, 1, 1), (1, 2, 5, 7), (2, 1, 46, 45), (1, 2, 30, 64)]


def planes(
    shape: tuple[int, ...], dtype: torch.dtype = torch.float64, *, extremes: bool = True
) -> tuple[Tensor, Tensor]:
    """Values with ties within and between planes, both zeros, and all magnitudes."""
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))
    x[..., ::3] = x[..., ::3].round()
    y[..., ::2] = x[..., ::2]
    if extremes:
        y[..., 1::5] *= 1e30
        x[..., 1::4] *= -1e-30
        x[..., ::7], y[..., ::6] = 0.0, -0.0
    return x.to(dtype), y.to(dtype)


def compared(backend: str, power: int = 1) -> Callable[[Tensor, Tensor], Tensor]:
    equation = functools.partial(projections._sorted_means, power=power)
    if backend == "eager":
        return equation
    return functools.partial(sorted_means, power=power, backend=backend, equation=equation)


def differentiated(loss: Callable[..., Tensor], *inputs: Tensor) -> tuple[Tensor, ...]:
    """The values, and the gradients of their weighted sum for all inputs."""
    inputs = tuple(tensor.detach().requires_grad_() for tensor in inputs)
    value = loss(*inputs)
    upstream = torch.linspace(-1, 2, value.numel(), dtype=value.dtype).view_as(value)
    return value.detach(), *torch.autograd.grad(value, inputs, upstream)


# --- sorted planes --------------------------------------------------------------------------------


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.usefixtures("instructions")
def test_is_the_equation(shape: tuple[int, ...], dtype: torch.dtype, power: int) -> None:
    """Ties keep their order: each value gets the gradient that a stable sort gives it."""
    for extremes in (True, False):
        if power == 2 and extremes:
            continue
        pair = planes(shape, dtype, extremes=extremes)
        found = differentiated(compared("cpu", power), *pair)
        expected = differentiated(compared("eager", power), *pair)
        for one, other in zip(found, expected, strict=True):
            battery.close(one, other, 1e-6 if dtype is torch.float32 else 1e-13)


@pytest.mark.usefixtures("instructions")
def test_rows_in_order_are_not_sorted_again() -> None:
    """With ties, NaN and both zeros; and rows whose last value alone is out of order."""
    for dtype in (torch.float32, torch.float64):
        x, y = planes((1, 2, 30, 64), dtype, extremes=False)
        y[0, 0, 0, :2] = torch.nan
        ordered = torch.sort(y.flatten(2), stable=True).values
        late = ordered.clone()
        late[..., -1] = -1
        for one, other in ((x, ordered), (ordered, x), (ordered, ordered), (late, ordered)):
            pair = one.view_as(x), other.view_as(x)
            found, expected = (differentiated(compared(b), *pair) for b in ("cpu", "eager"))
            for a, b in zip(found, expected, strict=True):
                battery.close(a.nan_to_num(7.0), b.nan_to_num(7.0), 1e-6)


@pytest.mark.parametrize("count", [40, 3000])
@pytest.mark.usefixtures("instructions")
def test_values_that_differ_in_their_last_digits_are_sorted(count: int) -> None:
    """Groups of few and of many doubles with the same higher digits, with ties."""
    generator = torch.Generator().manual_seed(0)
    levels = torch.tensor([1.0, 1.5, -2.0, 1e-300], dtype=torch.float64)
    for each in (20, count):
        last = torch.randint(1000, (2, count), generator=generator) * 2.0**-52
        level = levels[torch.arange(count) // each % 4]
        x, y = ((level * (1 + row)).view(1, 1, 1, count) for row in last)
        found, expected = (differentiated(compared(b, 2), x, y) for b in ("cpu", "eager"))
        assert torch.equal(found[1], expected[1])
        assert torch.equal(found[2], expected[2])


def test_long_rows_are_sorted_alike() -> None:
    """Rows of more values than the cache holds, whose working memory is given back."""
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(1, 1, 2, 270_000, generator=generator) for _ in range(2))
    found, expected = (differentiated(compared(b), x, y) for b in ("cpu", "eager"))
    battery.close(found[0], expected[0], 1e-6)
    assert torch.equal(found[1], expected[1])
    assert torch.equal(found[2], expected[2])


def test_special_values() -> None:
    """Infinities are sorted, and NaN comes last whatever its sign: it meets the largest value."""
    x = torch.tensor([torch.inf, 0.0, -torch.inf, 3.0]).view(1, 1, 1, 4)
    y = torch.tensor([1.0, -torch.inf, 2.0, 5.0]).view(1, 1, 1, 4)
    value, of_x, _ = differentiated(compared("cpu"), x, y)
    assert value.isnan()  # the difference of equal infinities
    # Infinity is above 5, 0 below 1, -infinity equal, 3 above 2; the upstream gradient is -1.
    assert str(of_x.flatten().tolist()) == "[-0.25, 0.25, nan, -0.25]"
    hidden = torch.tensor([3.0, torch.nan, 0.0, 1.0]).view(1, 1, 1, 4)
    for nan in (hidden, -hidden.abs()):
        for backend in ("cpu", "eager"):
            for power in (1, 2):
                loss = compared(backend, power)
                value, of_nan, _ = differentiated(loss, nan, torch.zeros_like(nan))
                assert value.isnan()
                assert of_nan.isnan().flatten().tolist() == [False, True, False, False]


def test_layouts_halves_and_threads(threads: Callable[[int], None]) -> None:
    """Strided planes and 16-bit values, and the same bits on any number of threads."""
    x, y = planes((3, 2, 33, 40), torch.float32, extremes=False)
    expected = differentiated(compared("cpu"), x, y)
    threads(3)
    for pair in (
        (x, y),
        (x.contiguous(memory_format=torch.channels_last), y),
        (torch.nn.functional.pad(x, (1, 2))[..., 1:-2], y.mT.contiguous().mT),
    ):
        for one, other in zip(differentiated(compared("cpu"), *pair), expected, strict=True):
            assert torch.equal(one, other)
    halves = x.half(), y.bfloat16()
    value, of_x, of_y = differentiated(compared("cpu"), *halves)
    exact = differentiated(compared("cpu"), *(image.float() for image in halves))
    assert torch.equal(value, exact[0])
    assert (of_x.dtype, of_y.dtype) == (torch.float16, torch.bfloat16)


def test_double_backward_is_the_equation() -> None:
    generator = torch.Generator().manual_seed(0)  # without ties, where the gradient jumps
    x, y = torch.randn(2, 1, 1, 3, 4, generator=generator, dtype=torch.float64).requires_grad_()
    directions = projections.unit_vectors(0, 2, 1, 2, 2, like=x)
    sliced = functools.partial(projections.sorted_distance, directions=directions, power=2)
    for loss in (compared("cpu", 2), sliced):
        assert torch.autograd.gradgradcheck(loss, (x, y))


# --- sliced distances -----------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["cpu", "eager"])
def test_the_gradient_ahead_is_that_of_autograd(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Image by image and some projections at a time; a second backward computes it again."""
    x, y = planes((3, 2, 8, 9), extremes=False)
    upstream = torch.linspace(-1, 2, 3, dtype=x.dtype)
    for directions, power in ((projections.unit_vectors(0, 5, 2, 3, 3, like=x), 1), (None, 2)):
        plain = projections._Steps(directions, power, 1, "eager").distance
        expected = differentiated(plain, x, y)
        loss = functools.partial(
            projections.sorted_distance, directions=directions, power=power, backend=backend
        )
        for step in (projections.STEP, 100):
            monkeypatch.setattr(projections, "STEP", step)
            pair = [image.clone().requires_grad_() for image in (x, y)]
            value = loss(*pair)
            battery.close(value, expected[0], 1e-13)
            for _ in range(2):
                found = torch.autograd.grad(value, pair, upstream, retain_graph=True)
                for one, other in zip(found, expected[1:], strict=True):
                    battery.close(one, other, 1e-12)
            (only,) = torch.autograd.grad(loss(x, pair[1]), pair[1], upstream)
            battery.close(only, expected[2], 1e-12)


def test_projections_of_an_image_are_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the forward pass that computes the gradient, and in the convolution of its transpose."""
    monkeypatch.setattr(projections, "STEP", 2**17)
    sizes = []
    original = projections.inner_products

    def noted(*arguments: object) -> Tensor:
        found = original(*arguments)
        sizes.append(found.numel())
        return found

    monkeypatch.setattr(projections, "inner_products", noted)
    x, y = planes((4, 2, 64, 64), torch.float32, extremes=False)
    directions = projections.unit_vectors(0, 40, 2, 3, 3, like=x)
    projections.sorted_distance(x.requires_grad_(), y, directions, power=1).sum().backward()
    assert max(sizes) <= 2**17
    assert len(sizes) > 3  # x, y and the transpose, more than once


def test_few_channels_are_the_transposed_convolution() -> None:
    values = torch.randn(2, 4, 6, 7, dtype=torch.float64)
    for channels, patch in ((1, 1), (3, 11), (7, 2)):
        directions = torch.randn(4, channels, patch, patch, dtype=torch.float64)
        battery.close(
            _inner_products._to_few_channels(values, directions),
            torch.nn.functional.conv_transpose2d(values, directions),
            1e-13,
        )


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_strips_are_the_convolution(stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the last one has fewer rows, and where one row is more than may be copied."""
    values = torch.randn(2, 3, 23, 17, dtype=torch.float64)
    directions = torch.randn(5, 3, 5, 5, dtype=torch.float64)
    expected = torch.nn.functional.conv2d(values, directions, stride=stride)
    beside = torch.nn.functional.conv2d(values, directions, padding=(0, 4))
    calls: list[weakref.ref[Tensor]] = []
    convolve = torch.nn.functional.conv2d

    def counted(*arguments: object, **options: object) -> Tensor:
        assert not calls or calls[-1]() is None  # many results would tear the heap into holes
        found = convolve(*arguments, **options)
        calls.append(weakref.ref(found))
        return found

    monkeypatch.setattr(torch.nn.functional, "conv2d", counted)
    for copied in (1, 4 * 75 * 17 // stride, 2**18):
        monkeypatch.setattr(_inner_products, "_COPIED", copied)
        calls.clear()
        battery.close(_inner_products._convolve(values, directions, stride, 0, 0), expected, 1e-13)
        rows = expected.shape[2]
        assert len(calls) == {1: rows, 2**18: 1}.get(copied, math.ceil(rows / 4))
        battery.close(_inner_products._in_strips(values, directions, padding=4), beside, 1e-13)


# --- along a flow ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sides", [(1, 1), (1, 9), (7, 2), (20, 300)])
@pytest.mark.usefixtures("instructions")
def test_warped_is_the_equation(sides: tuple[int, int], dtype: torch.dtype) -> None:
    """Beyond the border, at whole pixels, at the border itself, and where the flow is NaN."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, *sides, generator=generator, dtype=dtype)
    flow = 5 * torch.randn(2, 2, *sides, generator=generator, dtype=dtype)
    flow[:, :, :, ::3] = flow[:, :, :, ::3].round()
    flow[0, 0, 0, 0] = torch.nan

    def gradients(backend: str) -> tuple[Tensor, ...]:
        found = differentiated(lambda i, f: warp(i, f, backend=backend)[0], images, flow)
        return tuple(torch.nan_to_num(tensor, 100.0) for tensor in found)

    for one, other in zip(gradients("cpu"), gradients("eager"), strict=True):
        battery.close(one, other, 1e-5 if dtype is torch.float32 else 1e-13)


def test_warped_of_any_layout_and_twice(threads: Callable[[int], None]) -> None:
    images, flow = torch.rand(2, 2, 30, 9, dtype=torch.float64), torch.full((2, 2, 30, 9), 0.3)
    flow = flow.double()
    expected = differentiated(lambda i, f: warp(i, f)[0], images, flow)
    threads(3)
    last = images.contiguous(memory_format=torch.channels_last)
    for one, other in zip(
        differentiated(lambda i, f: warp(i, f)[0], last, flow.mT.contiguous().mT),
        expected,
        strict=True,
    ):
        assert torch.equal(one, other)
    pixel = images[..., :1, :1]  # with NaN beside it, which is not read
    assert torch.equal(warp(strided(pixel), flow[..., :1, :1])[0], pixel)
    small = images[:1, :, :3, :3].requires_grad_(), flow[:1, :, :3, :3].requires_grad_()
    assert torch.autograd.gradgradcheck(lambda i, f: warp(i, f)[0].square(), small)


def test_named_backends_run_or_raise() -> None:
    x, y = planes((1, 3, 40, 40), torch.float32, extremes=False)
    options = {"scales": 1, "projections": 3}
    battery.close(F.ms_swd(x, y, backend="cpu", **options), F.ms_swd(x, y, **options), 1e-7)
    for loss in (F.huber, F.clipped):
        with pytest.raises(RuntimeError, match=r"no kernel supports masks"):
            loss(x, y, mask=x, backend="cpu")
