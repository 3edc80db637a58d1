"""The Triton kernel against a float64 reference.

On a machine with a GPU the checks run on it. Wherever Triton is installed, they also run in its
interpreter on the CPU. The interpreter has to be selected before Triton is imported, so one test
runs this file again in a separate process.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

pytest.importorskip("triton", minversion="3.3", reason="needs Triton 3.3 (PyTorch 2.7)")

import triton
import triton.language as tl
from triton.runtime import interpreter

from ssimloss.functional import ms_ssim, ssim, structure_correlation, vif
from ssimloss.functional._equations import LOCAL_SUMS, MAP, MEANS, local_sums
from ssimloss.functional.vif import measured_of as vif_measured
from ssimloss.functional.vif import vif_sums
from ssimloss.kernels import Comparison, Local, Mixed, proof
from ssimloss.kernels.gpu import machine, trials
from ssimloss.kernels.gpu.equations import contrast_structure
from ssimloss.kernels.gpu.launch import Division
from ssimloss.kernels.moment_sums.triton import moment_sums
from ssimloss.kernels.scale_sums.triton import scale_sums
from ssimloss.kernels.similarity_map.triton import similarity_map, similarity_map_backward
from ssimloss.kernels.similarity_means.triton import similarity_means
from ssimloss.video.vif import measured_of as vmaf_measured
from ssimloss.video.vif import sums_of_distorted as vmaf_sums
from ssimloss.video.vif import vif as vmaf_vif

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"


def patched_once(patch: Callable) -> Callable:
    """The interpreter's replacement of triton.language by itself, once for each kernel. It is done
    again for each call of a function in the kernel, which takes most of the interpreter's time.
    """
    done: set[tuple[object, ...]] = set()

    @functools.cache
    def languages(function: Callable) -> tuple[object, ...]:
        return tuple({id(v): v for v in function.__globals__.values() if v is tl or v is tl.core})

    def replacement(function: Callable) -> object:
        if languages(function) in done:  # by the kernel that calls this function
            return None
        scope = patch(function)
        done.add(languages(function))
        if scope is not None:  # Triton 3.3 and 3.4 leave it replaced
            restore = scope.restore
            scope.restore = lambda: (done.clear(), restore())
        return scope

    return replacement


if INTERPRETED:
    interpreter._patch_lang = patched_once(interpreter._patch_lang)

# The interpreter computes, and NumPy reports, what lanes beyond the image make of scratch memory
# that nobody wrote.
pytestmark = pytest.mark.filterwarnings(
    "ignore:(invalid value|overflow) encountered:RuntimeWarning"
)


def kernel(test: Callable) -> Callable:
    """Mark a test that runs the kernel."""
    return test if INTERPRETED else pytest.mark.cuda(test)


def gaussian(taps: int, sigma: float) -> tuple[float, ...]:
    weights = [math.exp(-0.5 * ((i - (taps - 1) / 2) / sigma) ** 2) for i in range(taps)]
    return tuple(weight / sum(weights) for weight in weights)


INFORMATION = vmaf_measured(100.0)
SHARED_INFORMATION = vif_measured(torch.float32)
VMAF_SUMS = proof.Reference(vmaf_sums, vmaf_sums)
VIF_SUMS = proof.Reference(vif_sums, vif_sums)
SKEWED_3 = (0.2, 0.5, 0.3)
SKEWED_8 = (0.02, 0.08, 0.1, 0.3, 0.25, 0.15, 0.08, 0.02)
GAUSSIAN_11 = gaussian(11, 1.5)
GAUSSIAN_33 = gaussian(33, 5.0)


@dataclass(frozen=True)
class Options:
    window: tuple[float, ...] = SKEWED_3
    c1: float = 1e-4
    c2: float = 9e-4
    lo: float = 0.0
    part: str = "ssim"
    padding: str = "valid"
    pixel: str = "none"
    eps: float = 1e-3
    similarity_weight: float = 1.0
    pixel_weight: float = 0.0

    @property
    def of_map(self) -> Comparison:
        return Comparison(self.window, self.c1, self.c2, self.lo, self.part, self.padding)

    @property
    def of_means(self) -> tuple[Comparison, Mixed]:
        weights = self.similarity_weight, self.pixel_weight
        return self.of_map, Mixed(self.pixel, self.eps, *weights)


def reference_map(x: Tensor, y: Tensor, o: Options) -> Tensor:
    """The definition, by plain two-dimensional convolution in the images' own dtype."""
    taps = len(o.window)
    mode = {"valid": None, "reflect": "reflect", "replicate": "replicate", "zeros": "constant"}[
        o.padding
    ]
    kernel = torch.outer(*[torch.tensor(o.window, dtype=x.dtype, device=x.device)] * 2)[None, None]

    def border(image: Tensor) -> Tensor:
        return image if mode is None else F.pad(image, [taps // 2] * 4, mode=mode)

    def mean(image: Tensor) -> Tensor:
        return F.conv2d(image.flatten(0, 1)[:, None], kernel)[:, 0].unflatten(0, image.shape[:2])

    x, y = border(x - o.lo), border(y - o.lo)
    mu_x, mu_y = mean(x), mean(y)
    var = (mean(x * x) + mean(y * y) - mu_x * mu_x - mu_y * mu_y).clamp(min=0)
    cov = mean(x * y) - mu_x * mu_y
    similarity = (2 * cov + o.c2) / (var + o.c2)
    return (
        similarity * (2 * mu_x * mu_y + o.c1) / (mu_x * mu_x + mu_y * mu_y + o.c1)
        if o.part == "ssim"
        else similarity
    )


def reference_means(x: Tensor, y: Tensor, o: Options) -> Tensor:
    means = o.similarity_weight * reference_map(x, y, o).mean((2, 3))
    if o.pixel == "l1":
        return means + o.pixel_weight * (x - y).abs().mean((2, 3))
    if o.pixel == "charbonnier":
        return means + o.pixel_weight * ((x - y).square() + o.eps**2).sqrt().mean((2, 3))
    return means


def exactly(
    x: Tensor, y: Tensor, function: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """A function of two images in float64, and the gradients of its sum."""
    x, y = (image.detach().double().requires_grad_() for image in (x, y))
    value = function(x, y)
    return value.detach(), *torch.autograd.grad(value.sum(), (x, y))


def check_value(found: Tensor, expected: Tensor, tolerance: float = 2e-6) -> None:
    assert found.dtype == torch.float32
    assert found.shape == expected.shape
    error = (found.double() - expected).abs().max().item()
    assert error <= tolerance, f"values differ by {error:.1e}"


def check_gradient(found: Tensor | None, expected: Tensor, tolerance: float = 1e-5) -> None:
    assert found is not None
    assert found.dtype == torch.float32
    assert found.shape == expected.shape
    error = ((found.double() - expected).norm() / expected.norm()).item()
    assert error <= tolerance, f"gradients differ by {error:.1e} of their norm"


def images(*shape: int, noise: float = 0.2) -> tuple[Tensor, Tensor]:
    """Two related images in [0, 1] that are nowhere smooth, made on the CPU."""
    generator = torch.Generator().manual_seed(sum(shape))
    x = torch.rand(shape, generator=generator)
    y = (x + noise * torch.randn(shape, generator=generator)).clamp(0, 1)
    return x.to(DEVICE), y.to(DEVICE)


def check_means(
    x: Tensor,
    y: Tensor,
    o: Options,
    want_x: bool = True,
    want_y: bool = True,
    division: Division | None = None,
) -> None:
    means, grad_x, grad_y = similarity_means(x, y, *o.of_means, want_x, want_y, division)
    expected, expected_x, expected_y = exactly(x, y, lambda x, y: reference_means(x, y, o))
    check_value(means, expected)
    for wanted, found, gradient in ((want_x, grad_x, expected_x), (want_y, grad_y, expected_y)):
        if wanted:
            check_gradient(found, gradient)
        else:
            assert found is None


def check_map(
    x: Tensor,
    y: Tensor,
    o: Options,
    arrange: Callable[[Tensor], Tensor] = lambda upstream: upstream,
) -> Sequence[Tensor | None]:
    """Compare; return the gradients."""
    similarity = similarity_map(x, y, o.of_map)
    upstream = arrange(
        torch.randn(similarity.shape, generator=torch.Generator().manual_seed(1)).to(DEVICE)
    )
    gradients = similarity_map_backward(upstream, x, y, o.of_map, True, True)
    expected, _, _ = exactly(x, y, lambda x, y: reference_map(x, y, o))
    _, *expected_gradients = exactly(x, y, lambda x, y: reference_map(x, y, o) * upstream)
    # One position, unlike a mean, shows what rounding does where the variance is small: twice what
    # it does to plain float32.
    rounding = (reference_map(x.float(), y.float(), o).double() - expected).abs().max().item()
    check_value(similarity, expected, 1e-6 + 2 * rounding)
    for found, gradient in zip(gradients, expected_gradients, strict=True):
        check_gradient(found, gradient)
    return gradients


# Values.


@kernel
def test_similarity_of_an_image_with_itself_is_exactly_one_and_has_no_gradient():
    x, _ = images(1, 1, 11, 12)
    means, grad_x, grad_y = similarity_means(
        x, x, *Options(window=GAUSSIAN_11).of_means, True, True
    )
    assert means.item() == pytest.approx(1, abs=1e-7)
    for gradient in (grad_x, grad_y):
        assert gradient.abs().max().item() < 1e-7


@kernel
@pytest.mark.parametrize("level", [0.0, 1.0, 255.0])
def test_flat_images_have_the_similarity_of_their_means(level: float):
    x = torch.full((1, 1, 6, 7), level, device=DEVICE)
    means, grad_x, _ = similarity_means(x, x / 2, *Options().of_means, True, False)
    assert means.item() == pytest.approx((level**2 + 1e-4) / (1.25 * level**2 + 1e-4), rel=1e-6)
    assert grad_x.isfinite().all()


@triton.jit
def _similarity(values, var_a, var_b, c2):
    similarity, _ = contrast_structure((0.0, 0.0), (var_a, var_b, 0.0), (0.0, c2), (1.0,))
    tl.store(values, similarity[0])


@kernel
@pytest.mark.parametrize(("var_a", "var_b"), [(-6.0, 7.0), (7.0, -6.0), (-6.0, -7.0), (0.0, 7.0)])
def test_rounding_of_variances_does_not_take_a_similarity_out_of_its_range(
    var_a: float, var_b: float
):
    """As for flat windows far beyond the range."""
    values = torch.empty(1, device=DEVICE)
    _similarity[(1,)](values, var_a, var_b, 9e-4)
    assert -1 <= values.item() <= 1


# Every border, part and subset of gradients; in the interpreter each subset twice.

SUBSETS = [*itertools.product((True, False), repeat=2)]


@kernel
@pytest.mark.parametrize(
    ("padding", "part", "subsets"),
    [
        ("valid", "contrast_structure", [(True, True), (False, True)]),
        ("valid", "ssim", [(False, False)]),
        ("reflect", "ssim", [(True, False), (False, True)]),
        ("replicate", "ssim", [(True, True)]),
        ("zeros", "ssim", [(True, False), (False, False)]),
    ],
)
def test_means_agree_for_every_border_part_and_subset_of_gradients(
    padding: str, part: str, subsets: list[tuple[bool, bool]]
):
    x, y = images(1, 1, 6, 9)
    for want_x, want_y in subsets if INTERPRETED else SUBSETS:
        check_means(x, y, Options(part=part, padding=padding), want_x, want_y)


# Windows: even, the usual and the longest; the smallest image that each border allows; sizes that
# no strip divides.
@kernel
@pytest.mark.parametrize(
    ("window", "padding", "shape"),
    [
        (SKEWED_3, "reflect", (1, 1, 2, 2)),
        (SKEWED_8, "valid", (1, 1, 8, 8)),
        (SKEWED_8, "valid", (1, 1, 11, 17)),
        (GAUSSIAN_11, "valid", (1, 1, 12, 14)),
        (GAUSSIAN_11, "reflect", (1, 1, 6, 13)),
        (GAUSSIAN_11, "replicate", (1, 1, 1, 5)),
        (GAUSSIAN_11, "zeros", (1, 1, 1, 2)),
        # Takes ten seconds in the interpreter.
        pytest.param(GAUSSIAN_33, "replicate", (1, 1, 1, 1), marks=pytest.mark.sweep),
    ],
)
def test_means_agree_for_every_window_and_smallest_image(
    window: tuple[float, ...], padding: str, shape: tuple[int, ...]
):
    x, y = images(*shape)
    check_means(
        x,
        y,
        Options(
            window=window,
            padding=padding,
            pixel="charbonnier",
            similarity_weight=0.8,
            pixel_weight=0.2,
        ),
        want_y=len(window) < 33,
    )


@kernel
@pytest.mark.parametrize("padding", ["valid", "reflect"])
def test_a_window_of_one_tap_leaves_luminance(padding: str):
    x, y = images(1, 1, 2, 3)
    # Its variances are rounding alone, which a small c2 would magnify.
    check_means(x, y, Options(window=(1.0,), padding=padding, c2=1.0))


# Two strips of rows and two of columns, one of them narrow.
@kernel
@pytest.mark.parametrize(
    ("padding", "shape"),
    [("valid", (1, 1, 6, 66)), ("reflect", (1, 1, 5, 66)), ("replicate", (1, 1, 4, 66))],
)
def test_strips_meet(padding: str, shape: tuple[int, ...]):
    x, y = images(*shape)
    o, division = Options(padding=padding, pixel="l1", pixel_weight=0.3), Division(64, 2)
    check_means(x, y, o, division=division)
    check_means(x, y, o, want_x=False, want_y=False, division=division)


# Two strips of columns where the test above has none of that border, and where there is no border.
@kernel
@pytest.mark.parametrize(
    ("padding", "columns"), [("valid", 130), ("reflect", 7), ("replicate", 7), ("zeros", 130)]
)
def test_maps_agree(padding: str, columns: int):
    check_map(*images(1, 1, 3, columns), Options(padding=padding))
    check_map(*images(1, 2, 4, 6), Options(padding=padding, part="contrast_structure"))


@kernel
@pytest.mark.parametrize(
    ("pixel", "subsets"),
    [("l1", SUBSETS[::3]), ("charbonnier", SUBSETS[1:3])],
    ids=["l1", "charbonnier"],
)
def test_pixel_losses_are_added_with_their_weight(pixel: str, subsets: list[tuple[bool, bool]]):
    x, y = images(2, 1, 5, 6)
    y[..., ::2] = x[..., ::2]  # equal pixels: no slope
    o = Options(pixel=pixel, similarity_weight=-0.7, pixel_weight=3.0)
    for want_x, want_y in subsets if INTERPRETED else SUBSETS:
        check_means(x, y, o, want_x, want_y)


@kernel
def test_clamped_means_have_the_slopes_of_eager():
    x, y = images(1, 2, 8, 10)
    x = 1 - y + 0.05 * x
    options = {"window_size": 3, "scale_weights": (0.4, 0.6)}
    found = []
    for backend in ("triton", "eager"):
        pair = [image.clone().requires_grad_() for image in (x, y)]
        score = ms_ssim(*pair, backend=backend, **options)
        found.append((score.detach(), *torch.autograd.grad(score, pair)))
    assert found[0][0] < 1e-3
    for ours, theirs in zip(*found, strict=True):
        assert (ours - theirs).norm() <= 1e-5 * theirs.norm()


# Data.


@kernel
@pytest.mark.parametrize("padding", ["valid", "zeros"])
def test_pixels_that_begin_at_another_value(padding: str):
    x, y = images(1, 1, 5, 6)
    check_means(2 * x - 1, 2 * y - 1, Options(lo=-1.0, c1=4e-4, c2=36e-4, padding=padding))


@kernel
def test_images_far_from_zero_keep_their_digits():
    x, y = images(1, 1, 11, 14)
    check_means(x + 100, y + 100, Options(window=GAUSSIAN_11))
    x, y = images(1, 1, 4, 5)
    check_means(x + 100, y + 100, Options(window=GAUSSIAN_11, lo=100.0, padding="zeros"))


@kernel
@pytest.mark.parametrize(
    ("dtype_x", "dtype_y"), [(torch.float16, torch.bfloat16), (torch.bfloat16, torch.float32)]
)
def test_half_precision_is_computed_in_single(dtype_x: torch.dtype, dtype_y: torch.dtype):
    x, y = images(1, 1, 5, 6)
    check_means(x.to(dtype_x), y.to(dtype_y), Options(padding="reflect"))


# Memory.


def channels_last(image: Tensor) -> Tensor:
    return image.contiguous(memory_format=torch.channels_last)


def sliced(image: Tensor) -> Tensor:
    """The same values among others that are not numbers."""
    n, c, h, w = image.shape
    among = image.new_full((n, c + 1, 2 * h, w + 3), torch.nan)
    among[:, 1:, ::2, 2:-1] = image
    return among[:, 1:, ::2, 2:-1]


def turned(image: Tensor) -> Tensor:
    return image.transpose(2, 3).contiguous().transpose(2, 3)


@kernel
@pytest.mark.parametrize("arrange", [channels_last, sliced, turned])
def test_any_strides(arrange: Callable[[Tensor], Tensor]):
    x, y = images(2, 2, 3, 4)
    check_means(arrange(x), y, Options(padding="replicate"))
    gradients = check_map(x, arrange(y), Options(), arrange)
    assert [g.stride() for g in gradients] == [x.stride(), torch.empty_like(arrange(y)).stride()]


@kernel
def test_planes_and_rows_further_apart_than_32_bits_count():
    x, y = images(2, 1, 4, 5)
    # Only the pages that are touched take memory on a CPU.
    for stride_n, stride_h in ((2**31 + 8, 5), (40, 2**29)):
        length = stride_n + 3 * stride_h + 5
        far = (
            torch.empty(length, dtype=torch.bfloat16, device=DEVICE)
            .as_strided(x.shape, (stride_n, 40, stride_h, 1))
            .copy_(x)
        )
        check_means(far, y, Options(padding="replicate"))


@kernel
def test_expanded_upstream():
    check_map(
        *images(1, 2, 6, 6), Options(), lambda upstream: upstream[:, :1, :1, :1].expand_as(upstream)
    )


@kernel
def test_nothing_is_read_from_outputs_or_scratch(monkeypatch: pytest.MonkeyPatch):
    def filled(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
        return lambda *args, **options: make(*args, **options).fill_(torch.nan)

    x, y = images(1, 1, 5, 6)
    monkeypatch.setattr(Tensor, "new_empty", filled(Tensor.new_empty))
    monkeypatch.setattr(torch, "empty_like", filled(torch.empty_like))
    for padding in ("valid", "reflect", "replicate"):
        check_means(x, y, Options(padding=padding))
    check_map(x, y, Options())


@kernel
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_broken_pixel_reaches_no_further_than_its_windows(value: float):
    x, y = images(1, 2, 10, 9)
    broken = x.clone()
    broken[0, 0, 0, 0] = broken[0, 0, 6, 5] = value
    o = Options()
    means, grad_x, grad_y = similarity_means(broken, y, *o.of_means, True, True)
    expected, expected_x, expected_y = similarity_means(x, y, *o.of_means, True, True)
    assert means[0].isnan().tolist() == [True, False]
    assert means[0, 1] == expected[0, 1]
    reached = torch.zeros_like(x, dtype=torch.bool)
    reached[0, 0, :3, :3] = reached[0, 0, 4:9, 3:8] = True  # by a window that holds one of them
    for gradient, whole in ((grad_x, expected_x), (grad_y, expected_y)):
        assert torch.equal(gradient.isnan(), reached)
        torch.testing.assert_close(gradient[~reached], whole[~reached], rtol=1e-3, atol=1e-6)
    similarity = similarity_map(broken, y, o.of_map)
    reached = torch.zeros_like(similarity, dtype=torch.bool)
    reached[0, 0, 0, 0] = reached[0, 0, 4:7, 3:6] = True
    assert torch.equal(similarity.isnan(), reached)


@kernel
def test_traced_whole_as_an_operator():
    x, y = images(1, 1, 4, 5)
    o = Options(pixel="l1", pixel_weight=1.0)

    def means(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        comparison, mixed = o.of_means
        return torch.ops.ssimloss.similarity_means(x, y, *comparison, *mixed, True, True, "triton")

    traced = torch.compile(means, fullgraph=True, backend="aot_eager")(x, y)
    for found, expected in zip(
        traced, similarity_means(x, y, *o.of_means, True, True), strict=True
    ):
        assert torch.equal(found, expected)


# The checks themselves.


@kernel
def test_checks_see_planted_faults():
    x, y = images(1, 1, 7, 8)
    o = Options(window=GAUSSIAN_11, padding="reflect")
    means, grad_x, _ = similarity_means(x, y, *o.of_means, True, False)
    faults = {
        "sigma": replace(o, window=gaussian(11, 1.51)),
        "border": replace(o, padding="replicate"),
        "part": replace(o, part="contrast_structure"),
        "constant": replace(o, c2=9.1e-4),
    }
    for fault in faults.values():
        expected, expected_x, _ = exactly(
            x, y, lambda x, y, fault=fault: reference_means(x, y, fault)
        )
        with pytest.raises(AssertionError, match="values differ"):
            check_value(means, expected)
        with pytest.raises(AssertionError, match="gradients differ"):
            check_gradient(grad_x, expected_x)
    expected, expected_x, expected_y = exactly(x, y, lambda x, y: reference_means(x, y, o))
    check_gradient(grad_x, expected_x)
    for wrong in (-expected_x, expected_y, expected_x.roll(1, 3), expected_x * (1 + 1e-4)):
        with pytest.raises(AssertionError, match="gradients differ"):
            check_gradient(grad_x, wrong)


# What "auto" asks of it.


def similarity_use(operator: str, padding: str) -> tuple[tuple[object, ...], proof.Reference]:
    comparison = Options(padding=padding).of_map
    if operator == "similarity_map":
        return (comparison,), MAP
    return (comparison, Mixed("l1")), MEANS


def local_use(
    kind: str, padding: str, is_masked: bool
) -> tuple[tuple[object, ...], proof.Reference]:
    local = Local(kind, SKEWED_3, (3,), 1e-6, 9e-4, 0.0, padding)
    return (local, is_masked), LOCAL_SUMS


# Every operator and equation, with each border; masks and gradients each once. What takes more
# seconds in the interpreter stays for `make sweep`.
@kernel
@pytest.mark.parametrize(
    ("operator", "used", "wanted"),
    [
        ("similarity_means", similarity_use("similarity_means", "valid"), (True, False)),
        ("similarity_map", similarity_use("similarity_map", "reflect"), (False, True)),
        ("moment_sums", local_use("structure", "valid", False), (True, True)),
        pytest.param(
            *("moment_sums", local_use("structure", "replicate", False), (False, True)),
            marks=pytest.mark.sweep,
        ),
        ("moment_sums", local_use("structure", "zeros", True), (True, False)),
        ("moment_sums", local_use("similarity", "reflect", True), (True, True)),
        pytest.param(
            *("moment_sums", local_use("similarity", "zeros", True), (False, False)),
            marks=pytest.mark.sweep,
        ),
        *(
            pytest.param(
                "scale_sums",
                used,
                (True, True),
                marks=pytest.mark.skipif(INTERPRETED, reason="takes 20 seconds in the interpreter"),
            )
            for used in (((INFORMATION,), VMAF_SUMS), ((SHARED_INFORMATION,), VIF_SUMS))
        ),
    ],
)
def test_trials_are_passed(
    operator: str,
    used: tuple[tuple[object, ...], proof.Reference],
    wanted: tuple[bool, bool],
    monkeypatch: pytest.MonkeyPatch,
):
    """In the interpreter one of the smallest problems, which takes seconds."""

    def tiny(used: Comparison) -> list[trials.Setting]:
        return [trials.Setting("tiny", (1, 1, 6, 7), trials.comparison_of(used, 0.0))]

    if operator != "scale_sums":
        monkeypatch.setattr(trials, "_raced", tiny)
    options, reference = used
    called = proof.Use(options, reference, (torch.float32, torch.float32), wanted)
    trial = proof.PROOFS[operator].trial(called, torch.device(DEVICE))
    trial.compile()
    problems = list(trial.problems())
    assert len(problems) == 9
    for problem in problems[4:5] if INTERPRETED else problems:
        assert not INTERPRETED or "smallest" in problem.title
        found, plain, exact = problem.kernel(), problem.plain(), problem.exact()
        assert len(exact) == 1 + sum(wanted)
        assert proof.difference_of(found, plain, exact) is None, problem.title
    for race in trial.races():
        eager = race.eager()
        for name, found in race.kernel().items():
            assert proof.error_of(found, eager[name].double()) <= proof.FLOOR


# The functions themselves, beside the native library.

MASK = (torch.arange(12 * 13).reshape(1, 1, 12, 13) % 7 > 1) * 0.5


def masked(measure: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The mask moves when called: this file is imported where there is no GPU."""

    def of_images(x: Tensor, y: Tensor, backend: str) -> Tensor:
        return measure(x, y, window_size=5, mask=MASK.to(x.device), backend=backend)

    return of_images


def distorted(x: Tensor, y: Tensor, backend: str) -> Tensor:
    """The first image against its reference, as VMAF measures it."""
    return vmaf_vif(y, x, enhancement_gain_limit=1.1, backend=backend)


# With images, the range of their values, and how many gradients are compared: an image more takes
# seconds in the interpreter.
MEASURES: dict[str, tuple[Callable[..., Tensor], tuple[int, int], float, int]] = {
    "r*": (partial(structure_correlation, window_size=5), (12, 13), 1.0, 2),
    "masked r*": (masked(structure_correlation), (12, 13), 1.0, 1),
    "masked SSIM": (masked(ssim), (12, 13), 1.0, 2),
    "VMAF's VIF": (distorted, (16, 17), 255.0, 1),
    "VMAF's VIF, both gradients": (distorted, (16, 17), 255.0, 2),
    "VIF": (vif, (41, 41), 1.0, 1),
}
# VIF by the same kernel as VMAF's, on images six times as large.
LONG = ("VMAF's VIF, both gradients", "VIF")


@kernel
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.sweep) if n in LONG else n for n in MEASURES]
)
def test_measures_agree_with_the_native_library(name: str):
    """Where it has no such measure, and on a GPU, with the equation; all with flat patches."""
    measure, size, scale, gradients = MEASURES[name]
    x, y = (scale * image for image in images(1, 1, *size))
    x[..., :7, :9] = 0.3 * scale
    y[..., :9, :7] = 0.7 * scale
    found = []
    for backend in ("triton", "cpu" if INTERPRETED and name != "VIF" else "eager"):
        pair = [image.clone().requires_grad_(k < gradients) for k, image in enumerate((x, y))]
        value = measure(*pair, backend=backend)
        found.append((value.detach(), *torch.autograd.grad(value.sum(), pair[:gradients])))
    for ours, theirs in zip(*found, strict=True):
        assert (ours - theirs).norm() <= 2e-5 * theirs.norm()


@kernel
# No variance of these images is so small that float32 does not know the structure.
@pytest.mark.parametrize(("kind", "height"), [("similarity", 6), ("structure", 9)])
def test_strips_meet_under_a_mask(kind: str, height: int):
    """Masked pixels are not read: they affect neither value nor gradient."""
    x, y = images(1, 1, height, 66)
    mask = (torch.rand(x.shape, generator=torch.Generator().manual_seed(5)) > 0.4).float()
    local = Local(kind, SKEWED_3, (3,), 1e-6 if kind == "structure" else 1e-4, 9e-4, 0, "reflect")
    mask = mask.to(DEVICE)
    hidden = torch.where(mask == 0, torch.nan, x)
    sums, grad_x, _ = moment_sums(hidden, y, mask, local, True, False, Division(64, 2))
    expected, expected_x, _ = exactly(x, y, partial(first_sums, mask=mask.double(), local=local))
    error = ((sums[0].double() - expected).abs() / expected.abs()).max()
    assert error <= 1e-5
    check_gradient(grad_x, expected_x)
    assert (grad_x[mask == 0] == 0).all()


def first_sums(x: Tensor, y: Tensor, mask: Tensor, local: Local) -> Tensor:
    return local_sums(x, y, mask, local)[0]


@kernel
def test_a_broken_pixel_reaches_every_scale():
    x, y = (255 * image for image in images(1, 1, 16, 16))
    x[0, 0, 3, 4] = torch.nan
    sums = scale_sums(x, y, INFORMATION)
    assert sums[0, :, 0].isnan().all()


# Larger images, and what only a GPU has.


@pytest.mark.cuda
@pytest.mark.parametrize("padding", ["valid", "reflect", "replicate", "zeros"])
@pytest.mark.parametrize("shape", [(16, 3, 256, 256), (2, 3, 517, 389), (1, 1, 1200, 1921)])
def test_large_images(shape: tuple[int, ...], padding: str):
    x, y = images(*shape)
    for window in (GAUSSIAN_11, GAUSSIAN_33):
        o = Options(window=window, padding=padding, pixel="charbonnier", pixel_weight=0.5)
        check_means(x, y, o)
        check_means(x, y, o, want_x=False, want_y=False)
        first, second = (similarity_means(x, y, *o.of_means, True, True) for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.cuda
def test_captured_in_a_graph():
    o = Options(window=GAUSSIAN_11, pixel="l1", pixel_weight=0.2)
    x, y = images(2, 3, 64, 80)
    other_x, other_y = y.clone(), x.flip(3).clone()
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        similarity_means(x, y, *o.of_means, True, True)  # compiles
    stream.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = similarity_means(x, y, *o.of_means, True, True)
    x.copy_(other_x)
    y.copy_(other_y)
    graph.replay()
    for found, expected in zip(
        captured, similarity_means(other_x, other_y, *o.of_means, True, True), strict=True
    ):
        assert torch.equal(found, expected)


@pytest.mark.cuda
def test_waits_for_nothing():
    x, y = images(1, 1, 64, 64)
    o = Options(padding="reflect")
    similarity_means(x, y, *o.of_means, True, True)
    torch.cuda.set_sync_debug_mode("error")
    try:
        similarity_means(x, y, *o.of_means, True, True)
        upstream = similarity_map(x, y, o.of_map)
        similarity_map_backward(upstream, x, y, o.of_map, True, True)
    finally:
        torch.cuda.set_sync_debug_mode("default")


# Without a GPU.


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="is what runs the interpreter")
@pytest.mark.parametrize(
    "which", ["not sweep", pytest.param("sweep", marks=pytest.mark.sweep)], ids=["usual", "long"]
)
def test_in_the_interpreter(which: str):
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", which, __file__],
        env={**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-20_000:] + result.stderr[-2_000:]


def test_says_why_it_cannot_run(monkeypatch: pytest.MonkeyPatch):
    found = machine._why_not.__wrapped__()
    if INTERPRETED:
        assert found is None
        assert machine.why_not_device(torch.device("cpu")) is None
    elif not torch.cuda.is_available():
        assert "TRITON_INTERPRET=1" in found
        assert machine.why_not_device(torch.device("cpu")) == found
    else:
        assert found is None
        assert "on a GPU" in machine.why_not_device(torch.device("cpu"))
        assert machine.why_not_device(torch.device("cuda")) is None
    monkeypatch.setattr(machine, "_OLDEST", (99, 0))
    assert "99.0 or newer" in machine._why_not.__wrapped__()
    monkeypatch.setattr(machine, "find_spec", lambda _: None)
    assert "not installed" in machine._why_not.__wrapped__()
