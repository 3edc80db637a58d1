"""Everything is built and run under ``torch.device("meta")``, ``torch.set_default_device`` and
``torch.set_default_dtype``: the values are the same, since no constant of the package follows them.
Large models are built on ``meta`` and get memory by ``to_empty()``, which erases tensors that are
not handled.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import discovery
import photographs
import pytest
import torch
from discovery import LOSSES, photos, recipe, value_and_gradients
from torch import Tensor, nn

import ssimloss
from ssimloss import color
from ssimloss.functional import imresize, r1_penalty
from ssimloss.kernels import why_not
from ssimloss.networks import FeatureExtractor

pytestmark = pytest.mark.usefixtures("one_thread")


@contextlib.contextmanager
def default_device(device: str) -> Iterator[None]:
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)
        state = torch._GLOBAL_DEVICE_CONTEXT
        if getattr(state, "device_context", state) is None:
            del state.device_context  # at which get_default_device() fails in PyTorch 2.6


@contextlib.contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


SURROUNDINGS = {
    "device meta": lambda: torch.device("meta"),
    "default device meta": lambda: default_device("meta"),
    "default dtype float64": lambda: default_dtype(torch.float64),
    "default dtype float16": lambda: default_dtype(torch.float16),
}
everywhere = pytest.mark.parametrize("surroundings", SURROUNDINGS)


def same(found: tuple[Tensor, list[Tensor]], expected: tuple[Tensor, list[Tensor]]) -> bool:
    pairs = zip((found[0], *found[1]), (expected[0], *expected[1]), strict=True)
    return all(torch.equal(ours, theirs) for ours, theirs in pairs)


def built(name: str) -> nn.Module:
    """A loss that no other test has; LPIPS and DISTS without their cache."""
    return (recipe(name).build or LOSSES[name])(**recipe(name).small)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = discovery.small_network()  # a network of the user's, which is where it is
    monkeypatch.setattr(discovery, "small_network", lambda: network)
    height, width = recipe(name).small_sides or recipe(name).sides
    pair = [image[..., :height, :width] for image in photos(name)]
    expected = value_and_gradients(name, built(name), *pair)
    surroundings = list(SURROUNDINGS) if not recipe(name).shared else ["device meta"]
    for words in surroundings:
        with SURROUNDINGS[words]():
            module = built(name)
        assert same(value_and_gradients(name, module, *pair), expected), f"built with {words}"
        module.to_empty(device="cpu")
        with SURROUNDINGS[words]():
            found = value_and_gradients(name, module, *pair)
        assert same(found, expected), f"after to_empty(), run with {words}"


def test_a_window_survives() -> None:
    """The caller's tensor, a buffer: not wiped, and not rounded by a model in half precision."""
    window = torch.tensor([1.0, 2.0, 5.0, 2.0, 1.0])
    pred, target = photographs.batch(24, 24, dtype=torch.float32)
    loss = ssimloss.SSIMLoss(window=window)
    expected = loss(pred, target)
    for change in (
        lambda model: model.to_empty(device="cpu"),
        lambda model: model.half(),
        lambda model: model.double(),
        lambda model: model.bfloat16(),
    ):
        change(nn.ModuleList([loss, nn.Linear(2, 2)]))
        assert loss(pred, target) == expected
    assert torch.equal(loss.window, window)
    assert nn.Sequential(loss).to("meta")[0].window.is_meta


@everywhere
@pytest.mark.parametrize("backend", ["eager", "cpu"])
def test_kernels_and_equations(backend: str, surroundings: str) -> None:
    """Also the native library, which writes into memory that PyTorch has allocated."""
    if why_not(backend) is not None:
        pytest.skip("no native library")
    pred, target = photographs.batch(48, 52, dtype=torch.float32)

    def run() -> Tensor:
        x = pred.clone().requires_grad_()
        value = sum(
            loss(x, target)
            for loss in (
                ssimloss.SSIMLoss(backend=backend),
                ssimloss.MSSSIMLoss(backend=backend, window_size=3),
                ssimloss.VMAFLoss(backend=backend),
                ssimloss.L1Loss(backend=backend),
            )
        )
        return torch.autograd.grad(value, x)[0]

    expected = run()
    with SURROUNDINGS[surroundings]():
        assert torch.equal(run(), expected)


@everywhere
def test_networks_and_the_rest(surroundings: str) -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.conv(x)

    network, wide = Residual(), nn.Sequential(nn.Conv2d(3, 256, 1), nn.Conv2d(256, 256, 3, 1, 1))
    pred, _ = photographs.batch(32, 32, dtype=torch.float32)

    def run() -> list[Tensor]:
        x = pred.clone().requires_grad_()
        extractors = [
            FeatureExtractor(network, ["conv"]),  # compared on a small image with its graph
            FeatureExtractor(wide, ["1"], pooling="max"),  # by Winograd's algorithm
        ]
        assert extractors[1].least_side() == 1
        found = [features for e in extractors for features in e(x).values()]
        (gradient,) = torch.autograd.grad(sum(f.square().mean() for f in found), x)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**17)
        return [
            *(f.detach() for f in found),
            gradient,
            imresize(pred, scale=0.5),
            color.rgb_to_ycbcr(pred),
            r1_penalty(lambda i: i.square().mean((1, 2, 3)), pred, scaler=scaler).detach(),
        ]

    expected = run()
    with SURROUNDINGS[surroundings]():
        found = run()
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.equal(ours, theirs)
