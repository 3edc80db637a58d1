"""The native sums over edges and means of blocks compared with their equations: values and
gradients, sizes, layouts, dtypes, instruction sets and threads.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from native_agreement import agree, off, strided
from torch import Tensor

import ssimloss.functional as F
from ssimloss.functional._gradient_similarity import block_means, channel_means, combined
from ssimloss.kernels import Backend, Blocks, library
from ssimloss.kernels import block_means as channel_block_means

pytestmark = pytest.mark.skipif(
    library.why_not() is not None, reason="the native library is not built"
)
Loss = Callable[..., Tensor]
# Every filter, border, curve and pooling. A second option where only that tells two apart.
CASES: dict[str, tuple[Loss, dict[str, object]]] = {
    "gmsd": (F.gmsd, {"data_range": (-1.0, 2.0)}),
    "gmsd over N": (F.gmsd, {"deviation": "population"}),
    "ms_gmsd": (F.ms_gmsd, {"scale_weights": (0.3, 0.7)}),
    "ms_gmsd in colour": (F.ms_gmsd, {"scale_weights": (0.3, 0.7), "planes": "yiq"}),
    "ms_gmsd, coarsest colours": (
        F.ms_gmsd,
        {"scale_weights": (0.3, 0.3, 0.4), "planes": "yiq_coarsest", "data_range": (-1.0, 2.0)},
    ),
    "variation": (F.total_variation, {}),
    "variation, isotropic": (F.total_variation, {"norm": "isotropic"}),
    "variation, squared": (F.total_variation, {"norm": "squared", "within_image": "sum"}),
    "variation, root": (F.total_variation, {"norm": "image_l2"}),
    "sobel": (F.edge_loss, {}),
    "scharr": (F.edge_loss, {"operator": "scharr", "distance": "l1"}),
    "laplacian": (F.edge_loss, {"operator": "laplacian", "distance": "l2"}),
    "strength": (F.gradient_difference_loss, {}),
    "strength, squared": (F.gradient_difference_loss, {"alpha": 2}),
}
every_case = pytest.mark.parametrize("name", CASES)
# One pixel, one row, odd, several planes, one row of vectors and many.
SIZES = [(1, 3, 4, 4), (2, 1, 5, 9), (2, 3, 33, 40), (1, 1, 12, 1301)]
SMALLEST = [(2, 3, 1, 1), (1, 1, 1, 7), (1, 3, 6, 1), (1, 1, 2, 2)]


def pair(size: tuple[int, ...], dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Images with a flat, a black and an equal part, of which the corners of curves are made."""
    generator = torch.Generator().manual_seed(sum(size))
    pred, target = torch.rand(2, *size, dtype=torch.float64, generator=generator).unbind()
    width = size[3]
    if width > 8:
        pred[..., : width // 5] = 0.25
        target[..., width // 5 : width // 4] = 0
        pred[..., width // 2 : width // 2 + 4] = target[..., width // 2 : width // 2 + 4]
    return pred.to(dtype), target.to(dtype)


def least_side(name: str) -> int:
    """The pixels that the scales of a case need."""
    return 2 ** len(CASES[name][1].get("scale_weights", ()))


def is_large_enough(name: str, size: tuple[int, ...]) -> bool:
    """Whether a case takes images of this size: those of one position are equal to most losses."""
    long_side = {F.gmsd: 3, F.edge_loss: 2, F.gradient_difference_loss: 2}.get(CASES[name][0], 1)
    return min(size[2:]) >= least_side(name) and max(size[2:]) >= long_side


def results(
    name: str, images: tuple[Tensor, Tensor], backend: str, asks: tuple[bool, bool] = (True, True)
) -> list[Tensor]:
    """The values of images and the gradients that are required."""
    loss, options = CASES[name]
    takes = 1 if loss is F.total_variation else 2
    given = [
        image.detach().requires_grad_(ask)
        for image, ask in zip(images[:takes], asks[:takes], strict=True)
    ]
    values = loss(*given, **{"reduction": "image", **options}, backend=backend)
    asking = [image for image in given if image.requires_grad]
    upstream = torch.linspace(1, 2, len(values), dtype=values.dtype)
    return [values.detach(), *torch.autograd.grad(values, asking, upstream)]


@pytest.mark.usefixtures("instructions")
@every_case
def test_equal_to_the_equation(name: str) -> None:
    """In float64 to rounding, in float32 no worse than the equation in float32."""
    for size in (s for s in SIZES + SMALLEST if is_large_enough(name, s)):
        images = pair(size)
        exact = results(name, images, "eager")
        for ours, wanted in zip(results(name, images, "cpu"), exact, strict=True):
            assert off(ours, wanted) <= 1e-11, size
        single = tuple(image.float() for image in images)
        wide = tuple(image.double() for image in single)
        agree(
            results(name, single, "cpu"),
            results(name, single, "eager"),
            results(name, wide, "eager"),
            case=size,
        )


def test_a_wrong_number_is_found() -> None:
    """The comparison above sees a constant that is off by a part in ten thousand."""
    images = tuple(image.float() for image in pair((2, 3, 33, 40)))
    exact = results("gmsd", tuple(image.double() for image in images), "eager")
    wrong = [F.gmsd(*images, t=170.01, data_range=(-1.0, 2.0), reduction="image")]
    with pytest.raises(AssertionError):
        agree(wrong, results("gmsd", images, "eager")[:1], exact[:1], case="gmsd")


@every_case
def test_same_bits_in_any_company_and_for_any_threads(
    name: str, threads: Callable[[int], None]
) -> None:
    images = pair((3, 3, 70, 75), torch.float32)
    whole = results(name, images, "cpu")
    loss, options = CASES[name]
    takes = 1 if loss is F.total_variation else 2
    for n in range(3):
        alone = loss(
            *(image[n : n + 1] for image in images[:takes]),
            **{"reduction": "image", **options},
            backend="cpu",
        )
        assert torch.equal(alone, whole[0][n : n + 1])
    for count in (2, 5):
        threads(count)
        again = results(name, images, "cpu")
        assert all(torch.equal(a, w) for a, w in zip(again, whole, strict=True)), count


@every_case
def test_layouts_dtypes_and_who_asks(name: str) -> None:
    images = pair((2, 3, 20, 24), torch.float32)
    expected = results(name, images, "cpu")
    for change in (strided, lambda image: image.to(memory_format=torch.channels_last)):
        found = results(name, tuple(change(image) for image in images), "cpu")
        for ours, wanted in zip(found, expected, strict=True):
            torch.testing.assert_close(ours, wanted, rtol=1e-6, atol=1e-7)
    if len(expected) == 3:
        for asks, index in (((True, False), 1), ((False, True), 2)):
            found = results(name, images, "cpu", asks)
            assert torch.equal(found[1], expected[index])
    halves = tuple(image.bfloat16() for image in images)
    widened = results(name, tuple(image.float() for image in halves), "cpu")
    for ours, wanted in zip(results(name, halves, "cpu"), widened, strict=True):
        assert torch.equal(ours, wanted.to(ours.dtype))


@every_case
def test_nan_and_flat_images(name: str) -> None:
    for which in (0, 1):
        images = pair((2, 3, 20, 24), torch.float32)
        images[which][0, 0, 10, 23] = torch.nan
        values = results(name, images, "cpu")[0]
        assert values[0].isnan() or (which == 1 and "variation" in name)
        assert values[1].isfinite()
    texture = pair((1, 3, 20, 24))[1]
    flat, black = torch.full_like(texture, 0.4), torch.zeros_like(texture)
    for images in (
        (flat, texture),
        (texture, flat),
        (black, texture),
        (black, black),
        (texture, texture),
        (1 - texture, texture),
    ):
        exact = results(name, images, "eager")
        for ours, wanted in zip(results(name, images, "cpu"), exact, strict=True):
            assert ours.isfinite().all()
            torch.testing.assert_close(ours, wanted, rtol=1e-9, atol=1e-13)


@every_case
def test_second_derivative_is_that_of_the_equation(name: str) -> None:
    found = []
    loss, options = CASES[name]
    for backend in ("cpu", "eager"):
        images = pair((1, 3, max(7, least_side(name)), 8))
        pred = images[0].requires_grad_()
        others = images[1:] if loss is not F.total_variation else ()
        value = loss(pred, *others, **options, backend=backend).sum()
        (first,) = torch.autograd.grad(value, pred, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum() + first.sum(), pred, None)[0])
    if float(found[1].norm()) == 0:
        assert float(found[0].norm()) == 0
    else:
        assert off(*found) <= 1e-9


# Two rows of weights; the first block before the image, at it, and one that is left out.
@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize("factor", [1, 2, 3, 4, 20])
@pytest.mark.parametrize("border", ["zeros", "zeros_after", "replicate", "drop"])
def test_block_means(factor: int, border: str) -> None:
    rows = ((0.3, 0.6, 0.1), (0.5, -0.2, -0.3))
    blocks = Blocks((*rows[0], *rows[1]), 0.25, factor, border)
    for size in ((2, 3, 7, 9), (1, 3, 45, 70)):
        if border == "drop" and factor > min(size[2:]):
            assert not channel_block_means(pair(size)[0], blocks, backend="cpu").numel()
            continue
        image = pair(size)[0].requires_grad_()
        expected = block_means(combined(image - 0.25, rows), factor, border)
        found = channel_block_means(image, blocks, backend="cpu")
        torch.testing.assert_close(found, expected, rtol=1e-13, atol=1e-13)
        upstream = torch.randn_like(found)
        ours, theirs = (torch.autograd.grad(each, image, upstream)[0] for each in (found, expected))
        torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("low", [100.0, 1000.0])
def test_block_means_of_a_range_far_from_0_keep_their_digits(low: float) -> None:
    """Black is subtracted before pixels are weighed and added: no worse than eager's float32."""
    rows = ((0.3, 0.6, 0.1), (0.5, -0.2, -0.3))
    image = (low + pair((1, 3, 64, 64))[0]).float()
    exact = channel_means(image.double(), rows, 2, "eager", low=low, scale=255.0)
    ours, eager = (
        float(
            (channel_means(image, rows, 2, backend, low=low, scale=255.0).double() - exact)
            .abs()
            .max()
        )
        for backend in ("cpu", "eager")
    )
    assert ours <= 2 * eager + 1e-5


@pytest.mark.parametrize("factor", [2, 3])
def test_block_means_are_the_same_for_any_number_of_threads(
    factor: int, threads: Callable[[int], None]
) -> None:
    image = pair((2, 3, 96, 110))[0].requires_grad_()  # enough for threads
    blocks = Blocks((0.3, 0.6, 0.1), 0.25, factor)
    found = []
    for count in (1, 2, 5):
        threads(count)
        means = channel_block_means(image, blocks, backend="cpu")
        found.append((means, torch.autograd.grad(means.square().sum(), image)[0]))
    expected = block_means(combined(image - 0.25, ((0.3, 0.6, 0.1),)), factor)
    torch.testing.assert_close(found[0][0], expected, rtol=1e-13, atol=1e-13)
    for one in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(one, found[0], strict=True))


def test_block_means_have_every_derivative() -> None:
    blocks = Blocks((0.3, 0.6, 0.1, 0.5, -0.2, -0.3), 0.25, 3)
    image = pair((1, 3, 4, 5))[0].requires_grad_()
    assert torch.autograd.gradgradcheck(
        lambda given: channel_block_means(given, blocks, backend="cpu").square(), image
    )


@pytest.mark.parametrize("backend", ["cpu", "eager"])
@pytest.mark.parametrize("channels", [1, 3])
def test_black_lies_beyond_the_border_in_any_range(backend: Backend, channels: int) -> None:
    rows = ((0.3, 0.6, 0.1), (0.5, -0.2, -0.3))
    image = pair((1, 3, 7, 9))[0][:, :channels]
    expected = channel_means(image, rows, 3, "eager", scale=255.0)
    found = channel_means(2 * image - 1, rows, 3, backend, low=-1.0, scale=127.5)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert found.abs().max() > 10  # on a scale of 255


@pytest.mark.filterwarnings("ignore")  # the tracer's own
def test_operators() -> None:
    pred, target = pair((2, 3, 17, 20))
    ops = torch.ops.ssimloss
    options = ("sobel", "replicate", "l1", True, 0.125, [0.0, 0.0], [1.0, 1.0], "sum")
    edges = ops.edge_means.default
    torch.library.opcheck(edges, (pred.requires_grad_(), target, *options, True, False, "cpu"))
    given = ([0.3, 0.6, 0.1], 0.25, 3, "zeros")
    blocks = ops.block_means.default
    torch.library.opcheck(blocks, (pred, *given, "cpu"))
    upstream = torch.randn(2, 1, 6, 7, dtype=torch.float64, requires_grad=True)
    back = ops.block_means_backward.default
    torch.library.opcheck(back, (upstream, *given, [2, 3, 17, 20], "cpu"))
    value = edges(pred, target, *options, True, False, "cpu")[0].sum()
    with pytest.raises(RuntimeError, match="edge_means has no second derivative"):
        torch.autograd.grad(value, pred, create_graph=True)
    compared = (*options[:2], "similarity", *options[3:])
    alone = (*options[:3], False, 1.0, *options[5:])
    for wrong, message in (
        (("roberts", *options[1:]), "filter must be one of"),
        (compared, "compares two images"),
        ((*options[:-1], "variance"), "is for curves that compare"),
        ((*options[:5], [0.0], *options[6:]), "must be pairs"),
        ((*options[:3], False, *options[4:]), "unit must be 1 without differences"),
    ):
        with pytest.raises(ValueError, match=message):
            edges(pred, target, *wrong, True, False, "cpu")
    with pytest.raises(ValueError, match="has no gradient for y"):
        edges(pred, target, *alone, True, True, "cpu")
    with pytest.raises(ValueError, match="factor must be at least 1"):
        blocks(pred, given[0], 0.0, 0, "zeros", "cpu")
    with pytest.raises(ValueError, match="weights must be rows of 3 numbers"):
        blocks(pred, [1.0, 2.0], 0.0, 1, "zeros", "cpu")
    for wrong_upstream in (upstream[:1], upstream[0]):
        with pytest.raises(ValueError, match=r"upstream must have shape \(2, 1, 6, 7\)"):
            back(wrong_upstream, *given, [2, 3, 17, 20], "cpu")
    with pytest.raises(ValueError, match=r"shape must be that of an image \(N, C, H, W\), got"):
        back(upstream[0], *given, [3, 17, 20], "cpu")
    assert edges(pred[:0], target[:0], *options, False, False, "cpu")[0].shape == (0, 3)
    assert blocks(pred[:0], *given, "cpu").shape == (0, 1, 6, 7)


@every_case
def test_backends_are_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``"auto"`` takes the kernel, and a mask the equation."""
    calls: list[str] = []
    original = library.call

    def noted(function: str, structure: bytes) -> None:
        calls.append(function)
        original(function, structure)

    monkeypatch.setattr(library, "call", noted)
    images = pair((1, 3, 12, 16))
    results(name, images, "auto")
    assert "ssimloss_edge_means" in calls
    calls.clear()
    loss, options = CASES[name]
    given = images[: 1 if loss is F.total_variation else 2]
    mask = torch.ones(1, 1, 12, 16, dtype=torch.float64)
    loss(*given, mask=mask, **options)
    assert calls == []
    with pytest.raises(RuntimeError, match="no kernel supports masks; use backend='auto'"):
        loss(*given, mask=mask, backend="cpu", **options)
