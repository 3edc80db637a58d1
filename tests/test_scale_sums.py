"""The native sums of VIF and ADM compared with their equations: values and gradients, sizes,
layouts, dtypes, instruction sets and threads.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache, partial

import libvmaf
import pytest
import torch
from torch import Tensor

import ssimloss.functional as F
from ssimloss.kernels import LEAST_SIDE, Measured, library, scale_sums
from ssimloss.video import VMAFStream, adm, motion, vif, vmaf

pytestmark = pytest.mark.skipif(
    library.why_not() is not None, reason="the native library is not built"
)
VIF, ADM, MOTION, PIXEL_VIF = (
    importlib.import_module(f"ssimloss.{name}")
    for name in ("video.vif", "video.adm", "video.motion", "functional.vif")
)
# What is measured of planes of a dtype, and the equation of the distorted planes, the references.
KINDS: dict[str, tuple[Callable[..., Measured], Callable[..., Tensor]]] = {
    "information": (lambda _, limit: VIF.measured_of(limit), VIF.sums_of_distorted),
    "detail": (lambda _, limit: ADM.measured_of(limit), ADM.sums_of_distorted),
    "shared_information": (
        lambda dtype, _: PIXEL_VIF.measured_of(dtype, noise=3.0),
        PIXEL_VIF.vif_sums,
    ),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def sizes(kind: str) -> list[tuple[int, int, int]]:
    """The least, odd, several planes per vector with lanes left over, one tile and several."""
    least = LEAST_SIDE[kind]
    small = [(1, least, least), (5, least + 1, least + 3), (3, least + 17, least + 24)]
    return [*small, (2, 66, 131), (1, least + 5, 1301)]


def some_planes(kind: str, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Two planes of odd height, of which every scale is left."""
    return planes((2, LEAST_SIDE[kind] + 16, LEAST_SIDE[kind] + 24), dtype)


def planes(size: tuple[int, int, int], dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Distorted planes and their references: noise, more and less contrast, flat parts."""
    count, height, width = size
    generator = torch.Generator().manual_seed(0)
    drawn = [libvmaf.texture(height, width, seed) for seed in range(3, 3 + count)]
    target = torch.stack([torch.tensor(plane) for plane in drawn]).double().unsqueeze(1)
    target += torch.rand(target.shape, dtype=torch.float64, generator=generator)
    noise = torch.randn(target.shape, dtype=torch.float64, generator=generator)
    pred = 0.8 * target + 20 + 8 * noise
    pred[..., : width // 3] = 1.3 * target[..., : width // 3] - 20 + 0.01 * noise[..., : width // 3]
    # Hardly any variance; none at all would leave the signs of coefficients to rounding.
    target[..., height // 2 :, : width // 4] = 90 + 0.3 * noise[..., height // 2 :, : width // 4]
    return pred.to(dtype), target.to(dtype)


def upstream_of(sums: Tensor) -> Tensor:
    """Factors that give each sum a like part in the gradient, the same for each plane."""
    generator = torch.Generator().manual_seed(3)
    drawn = torch.randn(sums.shape[1:], dtype=torch.float64, generator=generator)
    # Not a power, which PyTorch rounds differently in batches of another size.
    return drawn / (1 + sums.detach().double().abs().sqrt())


def measured_of(pred: Tensor, target: Tensor, kind: str, limit: float = 100.0) -> Measured:
    wide = torch.float64 in (pred.dtype, target.dtype)
    return KINDS[kind][0](torch.float64 if wide else torch.float32, limit)


def native(pred: Tensor, target: Tensor, kind: str, limit: float = 100.0) -> Tensor:
    measured = measured_of(pred, target, kind, limit)
    equation = partial(KINDS[kind][1], measured=measured)
    return scale_sums(pred, target, measured, backend="cpu", equation=equation)


def eager(pred: Tensor, target: Tensor, kind: str, limit: float = 100.0) -> Tensor:
    return KINDS[kind][1](pred, target, measured_of(pred, target, kind, limit))


def results(
    function: Callable[..., Tensor],
    pair: tuple[Tensor, Tensor],
    *arguments: object,
    asks: tuple[bool, bool] = (True, True),
) -> list[Tensor]:
    """The sums and the gradients that are required."""
    images = [image.clone().requires_grad_(ask) for image, ask in zip(pair, asks, strict=True)]
    sums = function(*images, *arguments)
    asked = [image for image in images if image.requires_grad]
    gradients = torch.autograd.grad(sums, asked, upstream_of(sums).to(sums.dtype))
    return [sums.detach(), *gradients]


@cache
def of_the_equation(kind: str, limit: float, size: tuple[int, int, int]) -> list[list[Tensor]]:
    """For all instruction sets: of planes in float64, of those in float32, exactly and in
    float32.
    """
    single = planes(size, torch.float32)
    wide = tuple(image.double() for image in single)
    return [results(eager, pair, kind, limit) for pair in (planes(size), wide, single)]


def off(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected.double()).norm() / expected.double().norm())


@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize(
    ("kind", "limit"),
    [(kind, limit) for kind in KINDS for limit in (100.0, 1.0)][:-1],  # the last knows no limit
)
def test_equal_to_the_equation(kind: str, limit: float) -> None:
    """In float64 to rounding, in float32 no worse than the equation in float32 itself."""
    for size in sizes(kind):
        pair, single = planes(size), planes(size, torch.float32)
        exact, exact_of_single, rounded = of_the_equation(kind, limit, size)
        for ours, theirs in zip(results(native, pair, kind, limit), exact, strict=True):
            # Variances of 0.09 are differences of squares of up to 1e4.
            assert off(ours, theirs) <= 5e-12, size
        for ours, theirs, truth in zip(
            results(native, single, kind, limit), rounded, exact_of_single, strict=True
        ):
            assert ours.dtype is torch.float32
            assert off(ours, truth) <= 2 * off(theirs, truth) + 1e-6, size


@every_kind
@pytest.mark.parametrize("asks", [(True, False), (False, True)])
def test_gradient_reaches_whichever_asks(kind: str, asks: tuple[bool, bool]) -> None:
    pair = some_planes(kind)
    both = results(native, pair, kind)
    alone = results(native, pair, kind, asks=asks)
    assert torch.equal(alone[1], both[1] if asks[0] else both[2])
    assert len(alone) == 2


@every_kind
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_same_bits_in_any_company_and_for_any_threads(
    kind: str, dtype: torch.dtype, threads: Callable[[int], None]
) -> None:
    least = LEAST_SIDE[kind]
    for size in [(7, least + 8, least + 15), (4, 130, 270)]:
        pair = planes(size, dtype)
        whole = results(native, pair, kind)
        for n in range(size[0]):
            alone = results(native, tuple(image[n : n + 1] for image in pair), kind)
            assert all(torch.equal(a, w[n : n + 1]) for a, w in zip(alone, whole, strict=True))
        for count in (2, 3, 5):
            threads(count)
            again = results(native, pair, kind)
            assert all(torch.equal(a, w) for a, w in zip(again, whole, strict=True)), count
        threads(1)


@every_kind
def test_planes_too_large_to_be_kept_together(kind: str) -> None:
    """One after the other, each with its own factors of the sums: as alone, to the last bit."""
    pred, target = (
        image.repeat(3, 1, 7, 9) + torch.arange(3).view(3, 1, 1, 1)
        for image in planes((1, 96, 96), torch.float32)
    )
    factors = torch.tensor([1.0, -2.0, 0.5])

    def gradient(some: slice) -> Tensor:
        leaf = pred[some].clone().requires_grad_()
        sums = native(leaf, target[some], kind).flatten(1).sum(1)
        return torch.autograd.grad(sums, leaf, factors[some])[0]

    whole = gradient(slice(None))
    for n in range(3):
        assert torch.equal(gradient(slice(n, n + 1)), whole[n : n + 1])


@every_kind
def test_layouts_and_dtypes(kind: str) -> None:
    pair = some_planes(kind, torch.float32)
    expected = results(native, pair, kind)

    def strided(image: Tensor) -> Tensor:
        wide = torch.full((4, 1, image.shape[2], 2 * image.shape[3]), torch.nan)
        wide[::2, :, :, ::2] = image
        return wide[::2, :, :, ::2]

    for change in (strided, lambda image: image.mT.contiguous().mT):
        images = [change(image).requires_grad_() for image in pair]
        sums = native(*images, kind)
        gradients = torch.autograd.grad(sums, images, upstream_of(sums).float())
        for found, wanted in zip((sums.detach(), *gradients), expected, strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
    halves = [image.bfloat16() for image in pair]
    widened = results(native, tuple(image.float() for image in halves), kind)
    images = [image.clone().requires_grad_() for image in halves]
    sums = native(*images, kind)
    assert torch.equal(sums, widened[0])
    gradients = torch.autograd.grad(sums, images, upstream_of(sums).float())
    for found, wanted in zip(gradients, widened[1:], strict=True):
        assert torch.equal(found, wanted.bfloat16())
    mixed = native(halves[0], pair[1].double(), kind)
    assert mixed.dtype is torch.float64


@every_kind
def test_nan_stays_nan(kind: str) -> None:
    for which in (0, 1):
        pair = planes((2, 64, 64), torch.float32)
        pair[which][0, 0, 30, 33] = torch.nan
        sums = native(*pair, kind)
        assert sums[0].isnan().any()
        assert sums[1].isfinite().all()


@every_kind
def test_edges_are_finite(kind: str) -> None:
    texture = planes((1, 48, 64), torch.float32)[1]
    black, flat = torch.zeros_like(texture), torch.full_like(texture, 200)
    for pair in (
        (black, black),
        (flat, flat),
        (texture, texture),
        (black, texture),
        (texture, black),
        (255 - texture, texture),
        (1e-20 * texture, 2e-20 * texture),
    ):
        for result in results(native, pair, kind):
            assert result.isfinite().all()
        exact = eager(*(image.double() for image in pair), kind).float()
        torch.testing.assert_close(native(*pair, kind), exact, rtol=1e-4, atol=1e-2)
    for result in results(native, (1000 * texture - 1e5, texture), kind):
        assert result.isfinite().all()


@every_kind
def test_second_derivative_is_that_of_the_equation(kind: str) -> None:
    found = []
    for function in (native, eager):
        least = LEAST_SIDE[kind]
        pred, target = planes((1, least, least + 2))
        pred.requires_grad_()
        (first,) = torch.autograd.grad(function(pred, target, kind).sum(), pred, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), pred)[0])
    assert off(*found) <= 1e-9


@pytest.mark.filterwarnings("ignore")  # the tracer's own
@every_kind
def test_operators(kind: str) -> None:
    least = LEAST_SIDE[kind]
    pred, target = planes((2, least + 1, least + 4))
    *_, numbers = measured_of(pred, target, kind)
    options = (kind, 100.0, list(numbers))
    ops = torch.ops.ssimloss
    forward = ops.scale_sums.default
    torch.library.opcheck(forward, (pred.requires_grad_(), target, *options, "cpu"))
    upstream = torch.ones_like(native(pred.detach(), target, kind))
    backward = ops.scale_sums_backward.default
    arguments = (upstream, pred.detach(), target, *options, True, True, "cpu")
    torch.library.opcheck(backward, arguments)
    sums = forward(pred, target, *options, "cpu").sum()
    with pytest.raises(RuntimeError, match="scale_sums has no second derivative"):
        torch.autograd.grad(sums, pred, create_graph=True)
    for bad, message in (
        (target.expand(-1, 3, -1, -1), r"must be planes \(M, 1, H, W\)"),
        (target[..., : least - 1], f"at least {least} pixels"),
    ):
        with pytest.raises(ValueError, match=message):
            forward(bad, bad, *options, "cpu")
    with pytest.raises(ValueError, match="upstream must have shape"):
        backward(upstream[:1], *arguments[1:])
    with pytest.raises(
        ValueError, match=f"{kind!r} must be {len(numbers)}, got {len(numbers) - 1}"
    ):
        forward(pred, target, kind, 100.0, list(numbers[1:]), "cpu")
    empty = target[:0]
    assert forward(empty, empty, *options, "cpu").shape == (0, *upstream.shape[1:])


@pytest.mark.usefixtures("instructions")
def test_change_equals_the_equation(threads: Callable[[int], None]) -> None:
    """Of frames from those before; in any company, for any threads, under a gradient."""
    for size in sizes("change"):
        later, earlier = planes(size)
        exact = MOTION.changes(later - earlier)
        for dtype, allowed in ((torch.float64, 1e-13), (torch.float32, 1e-6)):
            pair = later.to(dtype), earlier.to(dtype)
            found = MOTION._changes(*pair, "cpu")
            assert found.dtype is dtype
            assert off(found, exact) <= allowed
            alone = [MOTION._changes(*(i[n : n + 1] for i in pair), "cpu") for n in range(size[0])]
            assert torch.equal(torch.cat(alone), found)
        threads(3)
        assert torch.equal(MOTION._changes(*pair, "cpu"), found)
        threads(1)
    later.requires_grad_()
    (gradient,) = torch.autograd.grad(MOTION._changes(later, earlier, "cpu").sum(), later)
    (expected,) = torch.autograd.grad(MOTION.changes(later - earlier).sum(), later)
    assert torch.equal(gradient, expected)
    options = ("change", 0.0, list(MOTION.WINDOW))
    ones = torch.ones(1, 1)
    with pytest.raises(RuntimeError, match="'change' has no gradient; use the equation"):
        torch.ops.ssimloss.scale_sums_backward(ones, later, earlier, *options, True, False, "cpu")


def test_backends_are_named() -> None:
    x, y = (image.float() for image in planes((2, 43, 48)))
    pixel_vif = partial(F.vif, data_range=255)
    for function in (vif, adm, vmaf, pixel_vif, lambda x, _y, backend: motion(x, backend=backend)):
        by_name = {name: function(x, y, backend=name) for name in ("auto", "cpu", "eager")}
        assert torch.equal(by_name["auto"], by_name["cpu"])
        torch.testing.assert_close(by_name["cpu"], by_name["eager"], rtol=1e-5, atol=1e-3)
        with pytest.raises(ValueError, match="backend must be one of"):
            function(x, y, backend="gpu")
    with pytest.raises(ValueError, match="backend must be one of"):
        VMAFStream(backend="gpu")
