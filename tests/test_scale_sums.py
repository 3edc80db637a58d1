"""The native sums of VIF and ADM beside their equations: values and gradients, sizes, layouts,
dtypes, instruction sets, threads and company.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import libvmaf
import pytest
import torch
from torch import Tensor

from ssimloss.kernels import Measured, library, scale_sums
from ssimloss.video import VMAFStream, adm, motion, vif, vmaf

pytestmark = pytest.mark.skipif(
    library.why_not() is not None, reason="the native library is not built"
)
VIF, ADM, MOTION = (
    importlib.import_module(f"ssimloss.video.{name}") for name in ("vif", "adm", "motion")
)
EQUATIONS = {"information": VIF.vif_sums, "detail": ADM.adm_sums}
every_kind = pytest.mark.parametrize("kind", EQUATIONS)
# The least, odd, several planes per vector with lanes left over, one tile and several.
SIZES = [(1, 16, 16), (5, 17, 19), (3, 33, 40), (2, 66, 131), (1, 50, 1301)]


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


def native(pred: Tensor, target: Tensor, kind: str, limit: float = 100.0) -> Tensor:
    numbers = VIF._NUMBERS if kind == "information" else ADM._NUMBERS
    return scale_sums(
        pred,
        target,
        Measured(kind, limit, numbers),
        backend="cpu",
        equation=lambda y, x: EQUATIONS[kind](x, y, limit),
    )


def eager(pred: Tensor, target: Tensor, kind: str, limit: float = 100.0) -> Tensor:
    return EQUATIONS[kind](target, pred, limit)


def results(
    function: Callable[..., Tensor],
    pair: tuple[Tensor, Tensor],
    *arguments: object,
    asks: tuple[bool, bool] = (True, True),
) -> list[Tensor]:
    """The sums and the gradients that are asked for."""
    images = [image.clone().requires_grad_(ask) for image, ask in zip(pair, asks, strict=True)]
    sums = function(*images, *arguments)
    asked = [image for image in images if image.requires_grad]
    gradients = torch.autograd.grad(sums, asked, upstream_of(sums).to(sums.dtype))
    return [sums.detach(), *gradients]


def off(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected.double()).norm() / expected.double().norm())


@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize("limit", [100.0, 1.0])
@every_kind
def test_equal_to_the_equation(kind: str, limit: float) -> None:
    """In float64 to rounding, in float32 no worse than the equation in float32 itself."""
    for size in SIZES:
        pair = planes(size)
        exact = results(eager, pair, kind, limit)
        for ours, theirs in zip(results(native, pair, kind, limit), exact, strict=True):
            assert off(ours, theirs) <= 1e-12, size
        single = tuple(image.float() for image in pair)
        exact = results(eager, tuple(image.double() for image in single), kind, limit)
        rounded = results(eager, single, kind, limit)
        for ours, theirs, truth in zip(
            results(native, single, kind, limit), rounded, exact, strict=True
        ):
            assert ours.dtype is torch.float32
            assert off(ours, truth) <= 2 * off(theirs, truth) + 1e-6, size


@every_kind
@pytest.mark.parametrize("asks", [(True, False), (False, True)])
def test_gradient_reaches_whichever_asks(kind: str, asks: tuple[bool, bool]) -> None:
    pair = planes((2, 33, 40))
    both = results(native, pair, kind)
    alone = results(native, pair, kind, asks=asks)
    assert torch.equal(alone[1], both[1] if asks[0] else both[2])
    assert len(alone) == 2


@every_kind
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_same_bits_in_any_company_and_for_any_threads(
    kind: str, dtype: torch.dtype, threads: Callable[[int], None]
) -> None:
    for size in [(7, 24, 31), (4, 130, 270)]:
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
def test_layouts_and_dtypes(kind: str) -> None:
    pair = planes((2, 33, 40), torch.float32)
    expected = results(native, pair, kind)

    def strided(image: Tensor) -> Tensor:
        wide = torch.full((4, 1, 33, 80), torch.nan)
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
    texture = planes((1, 32, 48), torch.float32)[1]
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
        pred, target = planes((1, 16, 18))
        pred.requires_grad_()
        (first,) = torch.autograd.grad(function(pred, target, kind).sum(), pred, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), pred)[0])
    assert off(*found) <= 1e-9


@pytest.mark.filterwarnings("ignore")  # the tracer's own
@every_kind
def test_operators(kind: str) -> None:
    numbers = VIF._NUMBERS if kind == "information" else ADM._NUMBERS
    options = (kind, 100.0, list(numbers))
    pred, target = planes((2, 17, 20))
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
        (target[..., :15], "at least 16 pixels"),
    ):
        with pytest.raises(ValueError, match=message):
            forward(bad, bad, *options, "cpu")
    with pytest.raises(ValueError, match="upstream must have shape"):
        backward(upstream[:1], *arguments[1:])
    empty = target[:0]
    assert forward(empty, empty, *options, "cpu").shape == (0, *upstream.shape[1:])


@pytest.mark.usefixtures("instructions")
def test_change_equals_the_equation(threads: Callable[[int], None]) -> None:
    """Of frames from those before; in any company, for any threads, under a gradient."""
    for size in SIZES:
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
    x, y = (image.float() for image in planes((2, 32, 48)))
    for function in (vif, adm, vmaf, lambda x, _y, backend: motion(x, backend=backend)):
        by_name = {name: function(x, y, backend=name) for name in ("auto", "cpu", "eager")}
        assert torch.equal(by_name["auto"], by_name["cpu"])
        torch.testing.assert_close(by_name["cpu"], by_name["eager"], rtol=1e-5, atol=1e-3)
        with pytest.raises(ValueError, match="backend must be one of"):
            function(x, y, backend="gpu")
    with pytest.raises(ValueError, match="backend must be one of"):
        VMAFStream(backend="gpu")
