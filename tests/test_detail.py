"""Losses of detail: wavelets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import battery
import numpy as np
import photographs
import pytest
import reference
import torch

import ssimloss
import ssimloss.functional as F
from ssimloss.functional._wavelets import WAVELETS, filters

pytestmark = pytest.mark.usefixtures("one_thread")


# --- wavelets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WAVELETS)
def test_filters(name: str) -> None:
    """Flat images have no detail, and ``h`` is orthogonal to its own even shifts or, of the pair
    9/7, to those of its dual.
    """
    low, high = map(np.array, filters(name))
    moments = {"haar": 1, "db2": 2, "db4": 4, "sym7": 7, "sym19": 19, "cdf97": 4}[name]
    place = (np.arange(len(low)) - len(low) / 2) / len(low)
    for power in range(moments):
        assert abs((high * place**power).sum()) < 1e-9
    dual = (-1) ** np.arange(1, len(low) + 1) * high[::-1]
    for shift in range(0, len(low), 2):
        assert abs(low[shift:] @ dual[: len(low) - shift] - (shift == 0)) < 1e-11
    if name in ("haar", "db2", "db4"):
        battery.close(torch.tensor(low), torch.tensor(reference.daubechies(moments)), 1e-12)


@pytest.mark.parametrize("transform", ["stationary", "decimated"])
@pytest.mark.parametrize("name", WAVELETS)
def test_perfect_reconstruction(name: str, transform: str) -> None:
    image = battery.pictures(12, 18)[0]
    found, (details,) = F.wavelet_transform(image, wavelet=name, transform=transform)
    lh, hl, hh = details.numpy().transpose(2, 0, 1, 3, 4)
    bank, decimated = filters(name), transform == "decimated"
    rows = [
        reference.wavelet_join(*halves, 2, *bank, decimated=decimated)
        for halves in ((found.numpy(), lh), (hl, hh))
    ]
    again = reference.wavelet_join(*rows, 3, *bank, decimated=decimated)
    battery.close(torch.from_numpy(again), image, 1e-11)


@pytest.mark.parametrize("sides", [(24, 30), (17, 5)])  # odd, and smaller than the filters
@pytest.mark.parametrize("name", ["haar", "db4", "cdf97"])
def test_wavelet_reference(name: str, sides: tuple[int, int]) -> None:
    pred, target = battery.pictures(*sides)
    weights = {
        "level_weights": (0.5, 0.0, 2.0),
        "band_weights": (0.3, 1.0, 4.0),
        "approximation_weight": 0.7,
    }
    for transform in ("stationary", "decimated"):
        actual = F.wavelet_loss(
            pred,
            target,
            wavelet=name,
            transform=transform,
            **weights,
            distance="l1",
            reduction="image",
        )
        expected = reference.wavelet(
            pred.numpy(),
            target.numpy(),
            *filters(name),
            decimated=transform == "decimated",
            **weights,
        )
        battery.close(actual, torch.from_numpy(expected), 1e-11)


def test_wavelet_by_hand() -> None:
    """A step between columns: HL of the finest level sees it, and nothing else does."""
    step = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    step[..., 1:3] = 1.0
    options = {"level_weights": (1.0,), "approximation_weight": 0.0, "distance": "l1"}
    flat = torch.zeros_like(step)
    values = [
        F.wavelet_loss(step, flat, band_weights=weights, **options).item()
        for weights in ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    ]
    assert values == pytest.approx([0, 0.5, 0])  # 2 of 4 columns; rows of 2 equal pixels double it
    shifted = [image.roll(1, 3) for image in (step, flat)]
    assert F.wavelet_loss(*shifted, **options) == F.wavelet_loss(step, flat, **options)
    decimated = [
        F.wavelet_loss(*pair, transform="decimated", **options) for pair in ((step, flat), shifted)
    ]
    assert decimated[0] == pytest.approx(1.0)
    assert decimated[1] == 0


def test_wavelet_energy() -> None:
    """Orthonormal filters keep the sum of squares."""
    image = battery.pictures(16, 24)[0]
    for name in WAVELETS[:-1]:
        found, details = F.wavelet_transform(image, wavelet=name, transform="decimated", levels=3)
        energy = sum(band.square().sum() for band in (found, *details))
        battery.close(energy, image.square().sum(), 1e-10)


def test_wavelet_guidance_differentiates() -> None:
    """Bands come in the image's dtype and carry its gradient to a discriminator."""
    image = battery.pictures(dtype=torch.float16)[0].requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        found, details = F.wavelet_transform(image, levels=2)
    assert {band.dtype for band in (found, *details)} == {torch.float16}
    assert [band.shape[2:] for band in details] == [(3, 24, 31)] * 2
    details[0].float().square().sum().backward()
    assert image.grad.abs().sum() > 0


GUIDED = [
    row
    for row in json.loads((Path(__file__).parent / "goldens" / "neosr.json").read_text())["values"]
    if row["quantity"] == "wavelet_guided"
]


@pytest.mark.parametrize("row", GUIDED)
def test_guidance_of_neosr(row: dict[str, Any]) -> None:
    pred, target = (F.wavelet_guidance(image) for image in photographs.tensors(row["case"]))
    assert pred.shape == (1, 3, 191, 253)
    difference = (pred - target)[:, row["options"]["band"]]
    battery.close(difference.abs().mean(), row["value"], 1e-10)


def test_guidance_of_a_discriminator() -> None:
    """Each weight meets its band; the range and autocast change nothing, and the gradient
    arrives.
    """
    image = battery.pictures(20, 24, torch.float32)[0]
    bands = F.wavelet_guidance(image)
    each = [
        F.wavelet_guidance(image, band_weights=weights)
        for weights in ((0.07, 0, 0), (0, 0.1, 0), (0, 0, 0.06))
    ]
    battery.close(each[0] / 2 + each[1] / 4 + each[2] / 3, bands, 1e-6)
    battery.close(F.wavelet_guidance(255 * image, data_range=255), bands, 1e-5)
    assert F.wavelet_guidance(torch.full_like(image, 0.7)).abs().max() < 1e-4
    leaf = image.half().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        found = F.wavelet_guidance(leaf)
    assert found.dtype is torch.float16
    battery.close(found, bands, 1e-2)
    torch.nn.Conv2d(3, 1, 3)(found.float()).sum().backward()
    assert leaf.grad.abs().sum() > 0
    with pytest.raises(ValueError, match="band_weights must hold three numbers"):
        F.wavelet_guidance(image, band_weights=(1.0, 1.0))
    with pytest.raises(ValueError, match="three channels"):
        F.wavelet_guidance(image[:, :1])


def test_bad_wavelet_options() -> None:
    image = torch.rand(1, 3, 8, 8)
    with pytest.raises(ValueError, match="band_weights must hold three numbers, for LH, HL and HH"):
        ssimloss.WaveletLoss(band_weights=(1.0, 1.0))
    with pytest.raises(ValueError, match=r"wavelet must be one of 'haar', .*, got 'db3'"):
        F.wavelet_transform(image, wavelet="db3")
    with pytest.raises(ValueError, match="levels must be at least 1, got 0"):
        F.wavelet_transform(image, levels=0)
    with pytest.raises(ValueError, match="must have sides of at least 1 pixel"):
        F.wavelet_transform(image[..., :0])


def test_weights_that_compute_nothing_are_refused() -> None:
    """Filters wider than the image have no details; LL alone is no wavelet loss."""
    pred, target = battery.pictures(8, 8)
    with pytest.raises(ValueError, match=r"band_weights must not be all zero, .*a pixel loss"):
        ssimloss.WaveletLoss(band_weights=(0.0, 0.0, 0.0))
    for transform in ("stationary", "decimated"):
        details = F.wavelet_transform(pred, transform=transform, levels=4)[1]
        assert [bool((band.abs() > 1e-12).any()) for band in details] == [True] * 3 + [False]
        options = {"transform": transform, "approximation_weight": 0.0}
        F.wavelet_loss(pred, target, level_weights=(0, 0, 1, 0), **options)
        with pytest.raises(ValueError, match=r"at least 9 pixels .* 4 levels, got \(8, 8\)"):
            F.wavelet_loss(pred, target, level_weights=(1, 0, 0, 1), **options)
