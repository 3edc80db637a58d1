"""What must hold on a GPU: every kernel, streams, graphs, no waiting, identical bits in two runs.

``pytest -m cuda`` runs it there. On the CPU, the native library replaces the Triton kernels in
tests that need neither streams nor graphs, so that these tests run everywhere.
"""

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from discovery import LOSSES, evaluate, fresh, photos, recipe
from torch import Tensor

import ssimloss
import ssimloss.functional as F
from ssimloss import video
from ssimloss._memory import peak_bytes
from ssimloss.kernels import proof, verdicts

# Deterministic algorithms need it, before cuBLAS is first used.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

GPU = pytest.param("cuda", marks=pytest.mark.cuda)
everywhere = pytest.mark.parametrize("device", [GPU, "cpu"])
every_loss = pytest.mark.parametrize("name", LOSSES)
SCORES: dict[str, Callable[..., Tensor]] = {
    "ssim": F.ssim,
    "ssim_map": F.ssim_map,
    "ssim_l1_loss": F.ssim_l1_loss,
}


def mask_of(x: Tensor) -> Tensor:
    """Weights, some of them 0."""
    ramp = torch.linspace(0, 5, x[:, :1].numel(), device=x.device).reshape(x[:, :1].shape)
    return ramp.frac().clamp(min=0.2) - 0.2


# Measures of local moments besides SSIM, by name; the last one has no native form.
LOCAL: dict[str, Callable[..., Tensor]] = {
    "r*": F.structure_correlation,
    "masked r*": lambda x, y, **options: F.structure_correlation(
        x, y, mask=mask_of(x), padding="reflect", **options
    ),
    "masked SSIM": lambda x, y, **options: F.ssim(
        x, y, mask=mask_of(x), padding="replicate", **options
    ),
    "VIF of VMAF": lambda x, y, **options: video.vif(y[:, :1], x[:, :1], data_range=1.0, **options),
    "VIF": F.vif,
}


def named(device: str) -> str:
    """The backend under test."""
    return "triton" if device == "cuda" else "cpu"


def pair(device: str, *shape: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(sum(shape))
    x = torch.rand(shape, generator=generator)
    y = (x + 0.2 * torch.randn(shape, generator=generator)).clamp(0, 1)
    return x.to(device, dtype), y.to(device, dtype)


def differentiated(
    score: Callable[..., Tensor], x: Tensor, y: Tensor, wants: tuple[bool, bool] = (True, True)
) -> list[Tensor]:
    """The value, and the gradients that are wanted of its product with fixed numbers."""
    images = [
        image.detach().requires_grad_(want) for image, want in zip((x, y), wants, strict=True)
    ]
    value = score(*images)
    slope = torch.linspace(0.5, 1.5, value.numel(), device=x.device, dtype=torch.float64)
    slope = slope.reshape(value.shape).to(value.dtype)
    asking = [image for image in images if image.requires_grad]
    gradients = torch.autograd.grad(value, asking, slope) if asking else ()
    return [value.detach(), *gradients]


def error(found: Tensor, exact: Tensor) -> float:
    """Relative L2."""
    return float((found.double() - exact.double()).norm() / exact.double().norm())


def check(found: list[Tensor], plain: list[Tensor], exact: list[Tensor], rounding: float) -> None:
    """No further from the exact result than twice the plain one, and some rounding."""
    for ours, theirs, expected in zip(found, plain, exact, strict=True):
        assert ours.shape == expected.shape
        assert error(ours, expected) <= 2 * error(theirs, expected) + rounding


def channels_last(image: Tensor) -> Tensor:
    return image.contiguous(memory_format=torch.channels_last)


def sliced(image: Tensor) -> Tensor:
    among = image.new_full((*image.shape[:2], 2 * image.shape[2], image.shape[3] + 3), torch.nan)
    among[:, :, ::2, 2:-1] = image
    return among[:, :, ::2, 2:-1]


# --- right ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "dtype", "padding"),
    [
        ("cpu", torch.float32, "reflect"),  # test_native.py has the others
        ("cpu", torch.bfloat16, "zeros"),
        *(
            pytest.param("cuda", dtype, padding, marks=pytest.mark.cuda)
            for dtype in (torch.float32, torch.bfloat16, torch.float16)
            for padding in ("valid", "reflect", "replicate", "zeros")
        ),
    ],
)
def test_kernels_agree(device: str, dtype: torch.dtype, padding: str) -> None:
    """By window, layout and subset of gradients, each once with each of the others."""
    cases = [
        ("ssim", 11, channels_last, (True, False)),
        ("ssim", 33, sliced, (True, True)),
        ("ssim_map", 11, sliced, (False, True)),
        ("ssim_map", 7, channels_last, (False, False)),
        ("ssim_l1_loss", 11, torch.Tensor.contiguous, (True, True)),
        ("ssim_l1_loss", 5, sliced, (False, True)),
    ]
    # Gradients are rounded to the dtype of the images.
    rounding = {torch.float32: 1e-5, torch.float16: 1e-3, torch.bfloat16: 6e-3}[dtype]
    x, y = pair(device, 2, 3, 61, 150, dtype=dtype)
    for name, window_size, arrange, wants in cases:
        score = partial(SCORES[name], padding=padding, window_size=window_size)
        found = differentiated(partial(score, backend=named(device)), arrange(x), y, wants)
        plain = differentiated(partial(score, backend="eager"), x, y, wants)
        exact = differentiated(partial(score, backend="eager"), x.double(), y.double(), wants)
        check(found, plain, exact, rounding)


@everywhere
@pytest.mark.parametrize("name", LOCAL)
def test_other_measures_of_local_moments_agree(name: str, device: str) -> None:
    if (name, device) == ("VIF", "cpu"):
        pytest.skip("it has no native form")
    subsets = ((True, True), (True, False), (False, True), (False, False))
    for wants in subsets if device == "cuda" else subsets[:1]:
        x, y = pair(device, 2, 3, 61, 150) if device == "cuda" else pair(device, 1, 1, 24, 26)
        found = differentiated(partial(LOCAL[name], backend=named(device)), x, y, wants)
        plain = differentiated(partial(LOCAL[name], backend="eager"), x, y, wants)
        exact = differentiated(partial(LOCAL[name], backend="eager"), x.double(), y.double(), wants)
        check(found, plain, exact, 1e-5)


def test_another_number_is_seen() -> None:
    x, y = pair("cpu", 1, 1, 40, 44)
    plain = differentiated(F.ssim, x, y)
    exact = differentiated(F.ssim, x.double(), y.double())
    check(plain, plain, exact, 1e-5)
    value, to_x, to_y = plain
    for wrong in ([value * 1.0001, to_x, to_y], [value, to_y, to_x], [value, to_x * 1.0001, to_y]):
        with pytest.raises(AssertionError):
            check(wrong, plain, exact, 1e-5)


@everywhere
def test_several_scales_agree(device: str) -> None:
    score = partial(F.ms_ssim, window_size=5)
    x, y = pair(device, 2, 3, 131, 150)
    found = differentiated(partial(score, backend=named(device)), x, y)
    plain = differentiated(partial(score, backend="eager"), x, y)
    exact = differentiated(partial(score, backend="eager"), x.double(), y.double())
    check(found, plain, exact, 1e-5)


@everywhere
def test_large_images(device: str) -> None:
    """4K on a GPU."""
    shape = (1, 3, 2160, 3840) if device == "cuda" else (1, 1, 216, 384)
    x, y = pair(device, *shape)
    found = differentiated(partial(F.ssim, backend=named(device)), x, y)
    plain = differentiated(partial(F.ssim, backend="eager"), x, y)
    exact = differentiated(partial(F.ssim, backend="eager"), x.double(), y.double())
    check(found, plain, exact, 1e-5)


@everywhere
def test_more_elements_than_32_bits_count(device: str) -> None:
    """The last image of a batch is the first one again, and so are its value and gradient."""
    height, width, images = 1080, 1920, 346
    if device == "cpu":
        height, width, images = 24, 26, 5
    else:
        assert 3 * height * width * images > 2**31
        free, _ = torch.cuda.mem_get_info()
        if free < 30 * 2**30:
            pytest.skip(f"needs 30 GiB of free memory, and {free / 2**30:.0f} are")
    first = pair(device, 1, 3, height, width, dtype=torch.bfloat16)
    x, y = (image.repeat(images, 1, 1, 1) for image in first)
    x.requires_grad_()
    values = F.ssim(x, y, reduction="image", backend=named(device))
    (gradient,) = torch.autograd.grad(values.sum(), x)
    values = values.detach()
    assert (values == values[0]).all()
    assert torch.equal(gradient[-1], gradient[0])
    alone = differentiated(partial(F.ssim, backend=named(device)), *first, (True, False))
    assert error(values[-1], alone[0]) < 1e-6
    # One value has the slope 0.5, and bfloat16 rounds.
    assert error(gradient[-1:] * 0.5, alone[1]) < 1e-2


@everywhere
def test_autocast_changes_nothing(device: str) -> None:
    x, y = pair(device, 1, 3, 40, 44)
    for backend in (named(device), "auto", "eager"):
        score = partial(F.ssim, backend=backend)
        expected = differentiated(score, x, y)
        with torch.autocast(device, torch.bfloat16):
            found = differentiated(score, x, y)
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@everywhere
def test_gradients_have_the_layout_of_their_images(device: str) -> None:
    x, y = (channels_last(image) for image in pair(device, 2, 3, 40, 44))
    for backend in (named(device), "auto"):
        _, *gradients = differentiated(partial(F.ssim, backend=backend), x, y)
        assert [gradient.stride() for gradient in gradients] == [x.stride(), y.stride()]


@pytest.mark.cuda
def test_a_step_needs_little_more_than_its_gradient() -> None:
    x, y = pair("cuda", 1, 3, 1080, 1920)
    x.requires_grad_()

    def step() -> object:
        return torch.autograd.grad(F.ssim(x, y, backend="triton"), x)

    assert peak_bytes(step, torch.device("cuda")) <= 1.3 * x.nbytes


@pytest.mark.cuda
def test_compiled_equals_eager() -> None:
    """In one graph, with the kernel as one operator in it."""
    x, y = pair("cuda", 1, 3, 40, 44)
    score = partial(F.ssim_l1_loss, backend="triton")
    compiled = torch.compile(score, fullgraph=True)
    found, expected = (differentiated(each, x, y) for each in (compiled, score))
    for ours, theirs in zip(found, expected, strict=True):
        assert error(ours, theirs) < 1e-6
    torch._dynamo.reset()


@pytest.mark.cuda
def test_auto_proves_the_kernels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Right on this very GPU, whether or not they are fast enough to be taken."""
    monkeypatch.setenv(verdicts.FOLDER, str(tmp_path))
    monkeypatch.setattr(proof, "_known", {})
    x, y = pair("cuda", 1, 3, 64, 80)
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        with proof.without_limit():
            for score in SCORES.values():
                for padding in ("reflect", "zeros"):
                    score(x.to(dtype).requires_grad_(), y.to(dtype), padding=padding)
    with proof.without_limit():
        for score in LOCAL.values():
            x, y = pair("cuda", 2, 3, 61, 150)
            score(x.requires_grad_(), y)
    outcomes = {record.kernel: record.verdict.outcome for record in verdicts.records()}
    assert len(outcomes) == 18 + len(LOCAL)
    assert {*outcomes.values()} <= {"taken", "slower"}, outcomes


# --- streams, graphs, waiting ---------------------------------------------------------------------


@pytest.mark.cuda
@pytest.mark.parametrize(
    ("measure", "backend"),
    [(F.ssim_l1_loss, "triton"), (F.ssim_l1_loss, "eager"), (F.vif, "triton")],
)
def test_two_streams_at_once(measure: Callable[..., Tensor], backend: str) -> None:
    score = partial(measure, backend=backend)
    pairs = [pair("cuda", 2, 3, 256 + 8 * index, 320) for index in range(2)]
    expected = [differentiated(score, *images) for images in pairs]
    torch.cuda.synchronize()
    streams = [torch.cuda.Stream() for _ in pairs]
    found: list[list[Tensor]] = [[], []]
    for _ in range(5):
        for index, stream in enumerate(streams):
            with torch.cuda.stream(stream):
                found[index] = differentiated(score, *pairs[index])
    torch.cuda.synchronize()
    for ours, theirs in zip(found, expected, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


class Step:
    """A training step of a loss: its value and gradients, as tensors."""

    def __init__(self, name: str, device: str) -> None:
        self.name = name
        self.module = copy.deepcopy(fresh(name)).to(device)
        self.images = [image.to(device).requires_grad_() for image in photos(name)]
        if isinstance(self.module, ssimloss.CombinedLoss):
            self.module.step = 1  # every 100th step sends counts to the host
        self.asking = self.images if recipe(name).takes_target else self.images[:1]

    def __call__(self) -> list[Tensor]:
        value = evaluate(self.name, self.module, *self.images)
        return [value.detach(), *torch.autograd.grad(value, self.asking)]


@contextlib.contextmanager
def no_waiting(device: str) -> Iterator[None]:
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        if device == "cuda":
            torch.cuda.set_sync_debug_mode("default")


def check_waiting(name: str, device: str) -> None:
    step = Step(name, device)
    step()  # makes constants, compiles and proves
    with no_waiting(device):
        step()


def check_twice(name: str, device: str) -> None:
    step = Step(name, device)
    torch.use_deterministic_algorithms(True)
    try:
        first, second = step(), step()
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.cuda
@every_loss
def test_no_step_waits(name: str) -> None:
    check_waiting(name, "cuda")


@pytest.mark.cuda
@every_loss
def test_same_bits_twice(name: str) -> None:
    check_twice(name, "cuda")


@pytest.mark.parametrize("name", ["SSIMLoss", "CombinedLoss", "FeatureMatchingLoss"])
@pytest.mark.parametrize("checked", [check_waiting, check_twice])
def test_these_checks_on_the_cpu(name: str, checked: Callable[[str, str], None]) -> None:
    checked(name, "cpu")


@pytest.mark.cuda
@every_loss
def test_a_captured_step_equals_eager(name: str) -> None:
    """Replayed on other images."""
    step = Step(name, "cuda")
    if isinstance(step.module, ssimloss.CombinedLoss):
        pytest.skip("its step counts on the host")
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(2):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = step()
    with torch.no_grad():
        for image in step.images:
            image.copy_(image.flip(-1) * 0.9)
    graph.replay()
    for found, expected in zip(captured, step(), strict=True):
        assert error(found, expected) < 1e-5


@pytest.mark.cuda
def test_auto_does_not_prove_inside_a_graph(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The equation serves there; afterwards the kernel is proved as usual."""
    monkeypatch.setenv(verdicts.FOLDER, str(tmp_path))
    monkeypatch.setattr(proof, "_known", {})
    x, y = pair("cuda", 1, 3, 64, 80)
    F.ssim(x, y, backend="eager")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = F.ssim(x, y)
    graph.replay()
    torch.cuda.synchronize()
    assert verdicts.records() == []
    assert error(captured, F.ssim(x, y, backend="eager")) < 1e-6
    with proof.without_limit():
        F.ssim(x, y)
    assert len(verdicts.records()) == 1
