"""HaarPSI, MDSI, SSIMULACRA 2, CIEDE2000, FLIP, PSNR-HVS, FSIM and DSS by the native library beside
their equations: values, gradients, sizes, layouts, dtypes, instruction sets, threads and company.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch
from native_agreement import agree, off, strided
from torch import Tensor

import ssimloss.functional as F
from ssimloss.functional.fsim import _congruency, grouped_filters, noise_factors
from ssimloss.kernels import library

pytestmark = pytest.mark.skipif(
    library.why_not() is not None, reason="the native library is not built"
)
CASES: dict[str, tuple[Callable[..., Tensor], dict[str, object]]] = {
    "haarpsi": (F.haarpsi, {"data_range": (-1.0, 2.0)}),
    "steep haarpsi": (F.haarpsi, {"alpha": 40.0, "c": 5.0}),
    "mdsi": (F.mdsi, {"data_range": (-1.0, 3.0)}),
    "coloured mdsi": (F.mdsi, {"alpha": 0.1}),
    "ssimulacra2": (F.ssimulacra2, {"min_size": "fewer_scales", "data_range": (-0.5, 1.0)}),
    "ciede2000": (F.ciede2000, {"data_range": (-0.2, 1.1), "k_l": 2.0, "k_c": 0.5, "k_h": 1.5}),
    "flip": (F.flip, {"data_range": (-0.2, 1.1)}),
    "near flip": (F.flip, {"pixels_per_degree": 40.0}),
    "psnr_hvs": (F.psnr_hvs, {"data_range": (-0.5, 1.0)}),
    "psnr_hvs_m": (F.psnr_hvs_m, {"data_range": (-0.5, 1.0)}),
    "dss": (F.dss, {"data_range": (-1.0, 2.0)}),
    "broad dss": (F.dss, {"sigma": 4.0, "worst": 0.4}),
}
# By the last word of a case: the value of equal images, and the function of the library.
PERFECT = {
    "haarpsi": 1.0,
    "mdsi": 0.0,
    "ssimulacra2": 100.0,
    "ciede2000": 0.0,
    "flip": 0.0,
    "psnr_hvs": torch.inf,
    "psnr_hvs_m": torch.inf,
    "dss": 1.0,
}
KERNELS = {
    "haarpsi": "ssimloss_haar_means",
    "mdsi": "ssimloss_similarity_deviation",
    "ssimulacra2": "ssimloss_visible_errors",
    "ciede2000": "ssimloss_color_means",
    "flip": "ssimloss_flip_means",
    "psnr_hvs": "ssimloss_hvs_errors",
    "psnr_hvs_m": "ssimloss_hvs_errors",
    "dss": "ssimloss_subband_errors",
}
every_case = pytest.mark.parametrize("name", CASES)
# The least, odd sides, gray, several tiles of columns, all six scales.
SIZES = [(2, 3, 16, 17), (3, 1, 33, 30), (1, 3, 41, 983), (1, 3, 130, 113)]


def pair(size: tuple[int, ...], dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Images whose colours lie inside and outside the range, with an equal part."""
    generator = torch.Generator().manual_seed(sum(size))
    pred, target = 1.2 * torch.rand(2, *size, dtype=torch.float64, generator=generator) - 0.1
    pred = 0.6 * target + 0.4 * pred
    pred[..., size[3] // 2 : size[3] // 2 + 4] = target[..., size[3] // 2 : size[3] // 2 + 4]
    return pred.to(dtype), target.to(dtype)


def results(
    name: str, images: tuple[Tensor, ...], backend: str, asks: tuple[bool, bool] = (True, True)
) -> list[Tensor]:
    """The values of images and the gradients that are asked for."""
    loss, options = CASES[name]
    given = [image.detach().requires_grad_(ask) for image, ask in zip(images, asks, strict=True)]
    values = loss(*given, **options, reduction="image", backend=backend)
    asking = [image for image in given if image.requires_grad]
    upstream = torch.linspace(1, 2, len(values), dtype=values.dtype)
    return [values.detach(), *(torch.autograd.grad(values, asking, upstream) if asking else ())]


@cache
def of_the_equation(name: str, size: tuple[int, ...]) -> list[list[Tensor]]:
    """For all instruction sets: of images in float64, of those in float32, exactly and in
    float32.
    """
    single = pair(size, torch.float32)
    wide = tuple(image.double() for image in single)
    return [results(name, images, "eager") for images in (pair(size), wide, single)]


@pytest.mark.usefixtures("instructions")
@every_case
def test_equal_to_the_equation(name: str) -> None:
    """In float64 to rounding, in float32 no worse than the equation in float32."""
    for size in SIZES:
        exact, exact_of_single, eager = of_the_equation(name, size)
        for found, wanted in zip(results(name, pair(size), "cpu"), exact, strict=True):
            assert off(found, wanted) <= (1e-12 if wanted.ndim == 1 else 1e-11), size
        ours = results(name, pair(size, torch.float32), "cpu")
        perfect = PERFECT[name.split()[-1]]
        agree(
            ours, eager, exact_of_single, case=size, perfect=0 if perfect == torch.inf else perfect
        )


def test_a_wrong_score_is_found() -> None:
    """The comparison above sees a range that is off by a part in ten thousand, even where a
    rounding counts as one of 100.
    """
    images = pair((2, 3, 16, 17), torch.float32)
    exact = results("ssimulacra2", tuple(image.double() for image in images), "eager")[:1]
    eager = results("ssimulacra2", images, "eager")[:1]
    agree(eager, eager, exact, case="ssimulacra2", perfect=100.0)
    options = {"min_size": "fewer_scales", "data_range": (-0.5, 1.0001)}
    wrong = [F.ssimulacra2(*images, **options, reduction="image")]
    with pytest.raises(AssertionError, match="ssimulacra2"):
        agree(wrong, eager, exact, case="ssimulacra2", perfect=100.0)


@every_case
def test_same_bits_in_any_company_and_for_any_threads(
    name: str, threads: Callable[[int], None]
) -> None:
    images = pair((3, 3, 140, 150), torch.float32)
    whole = results(name, images, "cpu")
    loss, options = CASES[name]
    for n in range(3):
        alone = loss(*(i[n : n + 1] for i in images), **options, reduction="image", backend="cpu")
        assert torch.equal(alone, whole[0][n : n + 1])
    for count in (2, 5):
        threads(count)
        again = results(name, images, "cpu")
        assert all(torch.equal(a, w) for a, w in zip(again, whole, strict=True)), count


@every_case
def test_layouts_dtypes_and_who_asks(name: str) -> None:
    images = pair((2, 3, 20, 24), torch.float32)
    expected = results(name, images, "cpu")
    for change in (
        strided,
        lambda image: image.to(memory_format=torch.channels_last),
        lambda image: torch._neg_view(-image),
    ):
        found = results(name, tuple(change(image) for image in images), "cpu")
        for ours, wanted in zip(found, expected, strict=True):
            torch.testing.assert_close(ours, wanted, rtol=1e-6, atol=1e-6)
    for asks, index in (((True, False), 1), ((False, True), 2)):
        assert torch.equal(results(name, images, "cpu", asks)[1], expected[index])
    halves = tuple(image.bfloat16() for image in images)
    widened = results(name, tuple(image.float() for image in halves), "cpu")
    for ours, wanted in zip(results(name, halves, "cpu"), widened, strict=True):
        assert torch.equal(ours, wanted.to(ours.dtype))


@every_case
def test_nan_flat_and_far_images(name: str) -> None:
    for which in (0, 1):
        images = pair((2, 3, 20, 24), torch.float32)
        images[which][0, 0, 10, 23] = torch.nan
        values = results(name, images, "cpu")[0]
        assert values[0].isnan()
        assert values[1].isfinite()
    texture = pair((1, 3, 20, 24))[1]
    flat, black = torch.full_like(texture, 0.4), torch.zeros_like(texture)
    for images in (
        (flat, texture),
        (texture, flat),
        (black, black),
        (flat, black),
        (texture, texture),
        (1 - texture, texture),
        (1e7 * texture, texture),
    ):
        exact = results(name, images, "eager")
        found = results(name, images, "cpu")
        assert torch.equal(found[0].isfinite(), exact[0].isfinite())
        assert all(ours.isfinite().all() for ours in found[1:])
        power = 4 if "mdsi" in name else 1  # of equal roots, what is left is rounding
        torch.testing.assert_close(found[0] ** power, exact[0] ** power, rtol=1e-9, atol=1e-13)
        single = results(name, tuple(image.float() for image in images), "cpu")
        assert torch.equal(single[0].isfinite(), exact[0].isfinite())
        assert all(ours.isfinite().all() for ours in single[1:])
    same = results(name, (texture.float(), texture.float()), "cpu")
    assert float(same[0]) == PERFECT[name.split()[-1]]
    assert float(same[1].abs().max()) == 0


@every_case
def test_second_derivative_is_that_of_the_equation(name: str) -> None:
    found = []
    loss, options = CASES[name]
    for backend in ("cpu", "eager"):
        pred, target = pair((1, 3, 16, 17))
        value = loss(pred.requires_grad_(), target, **options, backend=backend)
        (first,) = torch.autograd.grad(value, pred, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), pred)[0])
    assert off(*found) <= 1e-9


@pytest.mark.filterwarnings("ignore")  # the tracer's own
def test_operators() -> None:
    pred, target = pair((2, 3, 17, 20))
    pred.requires_grad_()
    ops = torch.ops.ssimloss
    visible, haar = ops.visible_errors.default, ops.haar_means.default
    weights = [0.1 * k for k in range(36)]
    colors, of_colors = ops.color_means.default, (0.0, 1.0, 1.0, 1.0, 1.0)
    flip, filters = ops.flip_means.default, ([0.05 * k for k in range(40)], [0.1] * 15)
    for operator, options in (
        (visible, (weights, 0.0, 1.0)),
        (haar, (30.0, 4.2)),
        (colors, of_colors),
        (flip, (0.0, 1.0, *filters)),
    ):
        torch.library.opcheck(operator, (pred, target, *options, True, False, "cpu"))
        value = operator(pred, target, *options, True, False, "cpu")[0].sum()
        with pytest.raises(RuntimeError, match="has no second derivative"):
            torch.autograd.grad(value, pred, create_graph=True)
        assert operator(pred[:0], target[:0], *options, False, False, "cpu")[0].shape == (0, 1)
        with pytest.raises(ValueError, match=r"x must be \(N, 1 or 3, H, W\)"):
            operator(pred[:, :2], target[:, :2], *options, True, False, "cpu")
    deviation = ops.similarity_deviation.default
    options = (0.6, [1260.0, 495.0, 550.0], True, False, "cpu")
    torch.library.opcheck(deviation, (pred, target, *options))
    value = deviation(pred, target, *options)[0].sum()
    with pytest.raises(RuntimeError, match="has no second derivative"):
        torch.autograd.grad(value, pred, create_graph=True)
    assert deviation(pred[:0], target[:0], *options)[0].shape == (0, 1)
    with pytest.raises(ValueError, match=r"x must be \(N, 3, H, W\)"):
        deviation(pred[:, :1], target[:, :1], *options)
    with pytest.raises(ValueError, match="constants must be three positive numbers"):
        deviation(pred, target, 0.6, [1260.0, 0.0, 550.0], True, False, "cpu")
    with pytest.raises(ValueError, match="weights must be 18 for each"):
        visible(pred, target, weights[:17], 0.0, 1.0, True, False, "cpu")
    with pytest.raises(ValueError, match="span must be positive"):
        visible(pred, target, weights, 0.0, 0.0, True, False, "cpu")
    with pytest.raises(ValueError, match="c must be positive and alpha"):
        haar(pred, target, 30.0, 41.0, True, False, "cpu")
    hvs = ops.hvs_errors.default
    tables = [0.5 + k / 64 for k in range(64)], [1 / (k + 1) for k in range(64)], [0.2, 0.5, 0.3]
    torch.library.opcheck(hvs, (pred, target, *tables, True, False, "cpu"))
    assert hvs(pred[:0], target[:0], *tables, False, False, "cpu")[0].shape == (0, 1)
    for wrong, match in (
        (([1.0], *tables[1:]), "sensitivity must have 64 numbers, got 1"),
        ((tables[0], [1.0], tables[2]), "masking must have 0 or 64 numbers, got 1"),
        ((*tables[:2], [1.0, 1.0]), "weights must have 0 or 3 numbers, got 2"),
    ):
        with pytest.raises(ValueError, match=match):
            hvs(pred, target, *wrong, True, False, "cpu")
    with pytest.raises(ValueError, match="must have at least 8 pixels"):
        hvs(pred[..., :7], target[..., :7], *tables, True, False, "cpu")
    subbands = ops.subband_errors.default
    numbers = [0.5, *[0.1, 0.0] * 31, 0.1], [0.25, 0.5, 0.25], [90.0, 120.0, 45.0], [1e3, 3e2, 2e-3]
    whole = *numbers, 3, -0.5, 2.0
    torch.library.opcheck(subbands, (pred, target, *whole, True, False, "cpu"))
    assert subbands(pred[:0], target[:0], *whole, False, False, "cpu")[0].shape == (0, 1)
    for wrong, match in (
        (([0.5], *whole[1:]), "weights must have 64 numbers, got 1"),
        ((*whole[:2], [1.0], *whole[3:]), "channels must have 3 numbers, got 1"),
        (([0.0, *numbers[0][1:]], *whole[1:]), "the first weight must be positive"),
        ((*whole[:4], 5, *whole[5:]), "worst must be from 1 to 4, got 5"),
        ((*whole[:6], 0.0), "span must be positive"),
    ):
        with pytest.raises(ValueError, match=match):
            subbands(pred, target, *wrong, True, False, "cpu")
    with pytest.raises(ValueError, match="must have at least 8 pixels"):
        subbands(pred[..., :7], target[..., :7], *whole, True, False, "cpu")
    with pytest.raises(ValueError, match="span and tolerances must be positive"):
        colors(pred, target, *of_colors[:4], 0.0, True, False, "cpu")
    with pytest.raises(ValueError, match="span must be positive"):
        flip(pred, target, 0.0, 0.0, *filters, True, False, "cpu")
    for wrong_filters in ((filters[0][1:], filters[1]), ([1.0] * 16, [1.0] * 6), ([], [])):
        with pytest.raises(ValueError, match="sensitivity and detection must have 8 and 3 numbers"):
            flip(pred, target, 0.0, 1.0, *wrong_filters, True, False, "cpu")


@every_case
def test_backends_are_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``"auto"`` takes the kernel, and ``"eager"`` the equation."""
    calls: list[str] = []
    original = library.call

    def noted(function: str, structure: bytes) -> None:
        calls.append(function)
        original(function, structure)

    monkeypatch.setattr(library, "call", noted)
    images = pair((1, 3, 16, 17))
    results(name, images, "auto")
    assert KERNELS[name.split()[-1]] in calls
    calls.clear()
    results(name, images, "eager")
    assert not calls


def test_errors_of_each_channel() -> None:
    """Without weights of the channels, the mean error of their blocks."""
    hvs = torch.ops.ssimloss.hvs_errors.default
    tables = [0.5 + k / 64 for k in range(64)], [1 / (k + 1) for k in range(64)]
    pred, target = pair((2, 3, 20, 33))
    for masking in ([], tables[1]):
        given = tables[0], masking, [], True, False, "cpu"
        value, slope, _ = hvs(pred, target, *given)
        alone = [hvs(pred[:, c : c + 1], target[:, c : c + 1], *given)[:2] for c in range(3)]
        torch.testing.assert_close(value, sum(one[0] for one in alone) / 3)
        torch.testing.assert_close(slope, torch.cat([one[1] for one in alone], 1) / 3)


def test_fsim_equal_to_its_equation() -> None:
    """The kernel transforms complex responses, the equation their parts: values, gradients of any
    order, flat images. Sides have all radices of the transform, and a larger prime factor.
    """
    for size in ((2, 3, 16, 17), (1, 1, 45, 98)):
        images = pair(size)
        found, exact = [], []
        for backend, to in (("cpu", found), ("eager", exact)):
            pred, target = (image.clone().requires_grad_() for image in images)
            value = F.fsim(pred, target, backend=backend)
            first = torch.autograd.grad(value, (pred, target), create_graph=True)
            (second,) = torch.autograd.grad(first[0].square().sum(), pred)
            plain = torch.autograd.grad(F.fsim(pred, target, backend=backend), (pred, target))
            to += [value.detach(), *(each.detach() for each in first), second, *plain]
        for ours, wanted in zip(found, exact, strict=True):
            assert off(ours, wanted) <= 1e-8, size
    flat = torch.full((1, 3, 32, 32), 0.4)
    assert F.fsim(flat, flat, backend="cpu") == 1


def bank(h: int, w: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """FSIM's filters and factors of the noise."""
    filters, factors = grouped_filters(h, w, 0), noise_factors(h, w, 0)
    return torch.from_numpy(filters).to(dtype), torch.from_numpy(factors).to(dtype)


@pytest.mark.usefixtures("instructions")
def test_phase_congruency_no_worse_than_its_equation(threads: Callable[[int], None]) -> None:
    """The transform and the median of every instruction set, the same bits for any company."""
    ops = torch.ops.ssimloss
    for h, w, lower in ((32, 36, False), (21, 35, True), (17, 46, False)):
        gray = 255 * pair((3, 1, h, w))[0]
        upstream = torch.linspace(-1, 2, gray.numel(), dtype=gray.dtype).view_as(gray)
        gray -= gray.mean((2, 3), keepdim=True)
        median = "lower" if lower else "middle"
        found: dict[tuple[torch.dtype, bool], list[Tensor]] = {}
        for dtype in (torch.float64, torch.float32):
            image = gray.to(dtype).requires_grad_()
            for native in (False, True):
                if native:
                    value = ops.phase_congruency(image, *bank(h, w, dtype), 1e-4, lower, "cpu")[0]
                else:
                    value = _congruency(image, median=median, epsilon=1e-4, angles="columns")
                (slope,) = torch.autograd.grad(value, image, upstream.to(dtype))
                found[dtype, native] = [value.detach(), slope]
        exact = found[torch.float64, False]
        agree(found[torch.float64, True], exact, exact, case=(h, w))
        agree(found[torch.float32, True], found[torch.float32, False], exact, case=(h, w))
    image = 255 * torch.rand(3, 1, 96, 90, generator=torch.Generator().manual_seed(0))
    arguments = (image, *bank(96, 90, torch.float32), 1e-4, False, "cpu")
    results = []
    for count in (1, 2, 3):  # one image at a time, two threads at each, an image on each
        threads(count)
        maps = ops.phase_congruency(*arguments)
        slope = ops.phase_congruency_backward(image, *arguments[:3], *maps, *arguments[3:])
        results.append((*maps, slope))
    for one, two, three in zip(*results, strict=True):
        assert torch.equal(one, two)
        assert torch.equal(one, three)


@pytest.mark.filterwarnings("ignore")  # the tracer's own
def test_operator_of_phase_congruency() -> None:
    ops = torch.ops.ssimloss
    gray = 9 * torch.randn(2, 1, 5, 6, dtype=torch.float64, requires_grad=True)
    options = (0.1, False, "cpu")
    arguments = (gray, *bank(5, 6, torch.float64), *options)
    torch.library.opcheck(ops.phase_congruency.default, arguments)
    maps = ops.phase_congruency(*(each.detach() for each in arguments[:3]), *options)
    upstream = torch.randn(2, 1, 5, 6, dtype=torch.float64)
    backward = (upstream, gray.detach(), *arguments[1:3], *maps, *options)
    torch.library.opcheck(ops.phase_congruency_backward.default, backward)
    strided = upstream.mT.contiguous().mT
    assert torch.equal(
        ops.phase_congruency_backward(strided, *backward[1:]),
        ops.phase_congruency_backward(*backward),
    )
    negative = torch._neg_view(-gray.detach())
    assert torch.equal(ops.phase_congruency(negative, *arguments[1:])[0], maps[0])
    assert torch.autograd.gradcheck(lambda z: ops.phase_congruency(z, *arguments[1:])[0], gray)
    assert ops.phase_congruency(gray[:0], *arguments[1:])[0].shape == (0, 1, 5, 6)
    value = ops.phase_congruency(*arguments)[0].sum()
    with pytest.raises(RuntimeError, match="has no second derivative"):
        torch.autograd.grad(value, gray, create_graph=True)
    with pytest.raises(ValueError, match=r"gray must be \(N, 1, H, W\)"):
        ops.phase_congruency(gray.expand(2, 3, 5, 6), *arguments[1:])
    with pytest.raises(TypeError, match="gray must be float32 or float64"):
        ops.phase_congruency(gray.half(), *arguments[1:])
    with pytest.raises(ValueError, match=r"filters must be \(4, 4, 1, 5, 16\)"):
        ops.phase_congruency(gray, arguments[2], *arguments[2:])
    with pytest.raises(ValueError, match=r"upstream must be \(2, 1, 5, 6\)"):
        ops.phase_congruency_backward(upstream[:1], *backward[1:])


def test_phase_congruency_of_images_that_are_not_finite() -> None:
    image = torch.zeros(2, 1, 20, 24)
    image[0, 0, 3, 4] = torch.nan
    image.requires_grad_()
    value = torch.ops.ssimloss.phase_congruency(
        image, *bank(20, 24, torch.float32), 1e-4, False, "cpu"
    )[0]
    (slope,) = torch.autograd.grad(value.sum(), image)
    for each in (value, slope):
        assert each[0].isnan().all()
        assert (each[1] == 0).all()


def test_dss_leaves_out_what_fills_no_block() -> None:
    """Both backends ignore NaN in such rows and columns, and their gradient there is 0."""
    found = []
    for backend in ("cpu", "eager"):
        pred, target = torch.rand(2, 1, 3, 27, 45, generator=torch.Generator().manual_seed(0))
        pred[..., 24:, :] = target[..., 40:] = torch.nan
        pred.requires_grad_()
        value = F.dss(pred, target, backend=backend)
        value.backward()
        assert value.isfinite()
        assert not pred.grad[..., 24:, :].any()
        assert not pred.grad[..., 40:].any()
        found.append(value.detach())
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-6)
