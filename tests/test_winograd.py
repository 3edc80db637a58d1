"""3x3 convolutions by Winograd's algorithm: as exact as PyTorch's, and taken where they pay, and
nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssimloss.networks import FeatureExtractor, _operations, _winograd

MKL = pytest.mark.skipif(
    not torch.backends.mkl.is_available(), reason="PyTorch was built without MKL"
)
# float32 rounds to 6e-8 of a value; sums of a thousand such products, transformed twice, may lose a
# few times that more than PyTorch's do
FLOOR = 5e-7


def case(shape: tuple[int, int, int, int], filters: int) -> tuple[Tensor, Tensor, Tensor]:
    """What a layer of a network sees: rectified features, and filters that keep their size."""
    generator = torch.Generator().manual_seed(sum(shape) + filters)
    x = torch.randn(shape, generator=generator).relu().to(memory_format=torch.channels_last)
    weight = torch.randn(filters, shape[1], 3, 3, generator=generator) / (3 * shape[1] ** 0.5)
    return (
        x,
        weight.to(memory_format=torch.channels_last),
        torch.randn(filters, generator=generator),
    )


def error(found: Tensor, exact: Tensor) -> float:
    return float((found.double() - exact).norm() / exact.norm())


# One tile, aligned, ragged, odd, thin; fewer and more tiles and filters than are taken at a time;
# several images at a time.
SHAPES = [
    ((1, 5, 4, 4), 3),
    ((2, 128, 16, 16), 256),
    ((3, 7, 9, 14), 65),
    ((1, 64, 1, 37), 96),
    ((1, 3, 33, 130), 2),
    ((70, 8, 7, 6), 130),
]


@pytest.mark.parametrize(("shape", "filters"), SHAPES)
def test_equals_convolution(shape: tuple[int, int, int, int], filters: int) -> None:
    x, weight, bias = case(shape, filters)
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    found = _winograd.convolve(x, weight, bias)
    assert found.shape == exact.shape
    assert (
        found.is_contiguous(memory_format=torch.channels_last)
        or 1 in shape
        or shape[2] % 4
        or shape[3] % 4
    )
    assert error(found, exact) <= 2 * error(F.conv2d(x, weight, bias, padding=1), exact) + FLOOR
    without = F.conv2d(x.double(), weight.double(), padding=1)
    assert error(_winograd.convolve(x, weight.contiguous(), None), without) < 2e-6


@pytest.mark.parametrize(("shape", "filters"), SHAPES)
def test_transposed_equals_gradient_to_the_input(
    shape: tuple[int, int, int, int], filters: int
) -> None:
    x, weight, _ = case(shape, filters)
    upstream = torch.randn(
        shape[0], filters, *shape[2:], generator=torch.Generator().manual_seed(1)
    )
    wanted = x.double().requires_grad_()
    (exact,) = torch.autograd.grad(
        F.conv2d(wanted, weight.double(), padding=1), wanted, upstream.double()
    )
    found = _winograd.convolve_transposed(upstream, weight)
    assert found.shape == exact.shape
    assert (
        error(found, exact)
        <= 2 * error(F.conv_transpose2d(upstream, weight, padding=1), exact) + FLOOR
    )


def test_any_number_of_threads_gives_the_same_bits() -> None:
    x, weight, bias = case((2, 128, 30, 41), 256)
    found = []
    threads = torch.get_num_threads()
    for number in (1, 2, 3):
        torch.set_num_threads(number)
        found.append(_winograd.convolve(x, weight, bias))
    torch.set_num_threads(threads)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def network(channels: int, **options: object) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(channels, 256, 3, **{"padding": 1, **options}),
    )


def calls(monkeypatch: pytest.MonkeyPatch, run: Callable[[], object]) -> list[str]:
    """Which of the two are called."""
    seen: list[str] = []
    for name in ("convolve", "convolve_transposed"):
        original = getattr(_winograd, name)
        monkeypatch.setattr(
            _winograd,
            name,
            lambda *args, name=name, original=original: (seen.append(name), original(*args))[1],
        )
    run()
    return seen


def step(chain: nn.Sequential, image: Tensor) -> Tensor:
    extractor = FeatureExtractor(chain, layers=["2"], normalization="none")
    (gradient,) = torch.autograd.grad(extractor(image)["2"].square().mean(), image)
    return gradient


@MKL
def test_wide_layers_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    chain, image = network(128), torch.rand(2, 3, 32, 30, requires_grad=True)
    exact = step(network(128).double(), image.detach().double().requires_grad_())
    assert calls(monkeypatch, lambda: None) == []
    assert calls(monkeypatch, lambda: step(chain, image)) == ["convolve", "convolve_transposed"]
    assert error(step(chain, image), exact) < 5e-6


@MKL
@pytest.mark.parametrize(
    ("channels", "options", "size", "dtype"),
    [
        (64, {}, (32, 32), torch.float32),  # narrow
        (128, {}, (16, 12), torch.float32),  # few tiles
        (128, {"stride": 2}, (64, 64), torch.float32),
        (128, {"dilation": 2}, (64, 64), torch.float32),
        (128, {"padding": 0}, (64, 64), torch.float32),
        (128, {"groups": 2}, (64, 64), torch.float32),
        (128, {}, (32, 32), torch.float64),
    ],
)
def test_other_layers_do_not(
    monkeypatch: pytest.MonkeyPatch,
    channels: int,
    options: dict[str, object],
    size: tuple[int, int],
    dtype: torch.dtype,
) -> None:
    chain, image = (
        network(channels, **options).to(dtype),
        torch.rand(1, 3, *size, dtype=dtype, requires_grad=True),
    )
    assert calls(monkeypatch, lambda: step(chain, image)) == []


@MKL
def test_the_way_of_an_image_does_not_depend_on_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    chain, images = network(128), torch.rand(5, 3, 16, 16)
    together = FeatureExtractor(chain, layers=["2"], normalization="none")(images)["2"]
    extractor = FeatureExtractor(chain, layers=["2"], normalization="none")
    assert calls(monkeypatch, lambda: extractor(images[:1])) == ["convolve"]
    for index in range(5):
        assert (
            error(extractor(images[index : index + 1])["2"], together[index : index + 1].double())
            < 3e-7
        )


@MKL
def test_second_derivatives_take_pytorchs() -> None:
    chain, image = network(128), torch.rand(2, 3, 32, 32, requires_grad=True)
    extractor = FeatureExtractor(chain, layers=["2"], normalization="none")
    (gradient,) = torch.autograd.grad(extractor(image)["2"].pow(3).mean(), image, create_graph=True)
    (second,) = torch.autograd.grad(gradient.square().sum(), image)
    assert second.abs().max() > 0


def test_a_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """One wrong digit in one matrix."""
    x, weight, bias = case((2, 128, 16, 16), 256)
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    wrong = [list(row) for row in _winograd._OUTPUT]
    wrong[2][1] *= 1 + 1e-4
    monkeypatch.setattr(_winograd, "_OUTPUT", wrong)
    assert error(_winograd.convolve(x, weight, bias), exact) > 5e-6


def test_operations_name_the_module_under_test() -> None:
    """The tests above watch what the layers call."""
    assert _operations._winograd is _winograd
