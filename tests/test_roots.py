"""Roots and powers below 1: exact values, finite slopes at their edges, NaN that stays."""

from __future__ import annotations

import math
from collections.abc import Callable

import battery
import pytest
import torch
from torch import Tensor

from ssimloss._roots import STEEPEST, cube_root, flat_power, held_power, real_power, root
from ssimloss.functional.fsim import _median

POWERS: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "held_power": (lambda x: held_power(x, 0.3), 0.3),
    "held_power of a tensor": (lambda x: held_power(x, torch.full_like(x, 0.3)), 0.3),
    "real_power": (lambda x: real_power(x, 0.3), 0.3),
    "cube_root": (cube_root, 1 / 3),
    "flat_power": (lambda x: flat_power(x, 0.2), 0.2),
    "root": (root, 0.5),
}


@pytest.mark.parametrize("name", POWERS)
def test_values_are_exact_and_slopes_finite(name: str) -> None:
    function, exponent = POWERS[name]
    x = torch.tensor([0.0, 1e-9, 0.5 * STEEPEST, 0.02, 7.0, math.nan], dtype=torch.float64)
    x.requires_grad_()
    found = function(x)
    (slope,) = torch.autograd.grad(found.sum(), x)
    battery.close(found[:-1].detach(), x[:-1].detach() ** exponent, 1e-14)
    assert found[-1].isnan()
    usual = exponent * x.detach() ** (exponent - 1)
    battery.close(slope[3:5], usual[3:5], 1e-14)
    steepest = exponent * STEEPEST ** (exponent - 1)
    if name in ("flat_power", "root"):
        assert slope[0] == 0
        battery.close(slope[1:3], usual[1:3], 1e-13)
    elif name == "real_power":  # of a magnitude, which has the slope 0 at 0
        battery.close(slope[:3], steepest * torch.tensor([0.0, 1.0, 1.0]).double(), 1e-13)
    else:
        battery.close(slope[:3], torch.full_like(slope[:3], steepest), 1e-13)


def test_cube_root_is_odd() -> None:
    x = torch.tensor([-3.0, -1e-6, 1e-6, 3.0], dtype=torch.float64, requires_grad=True)
    found = cube_root(x)
    (slope,) = torch.autograd.grad(found.sum(), x)
    battery.close(found[:2], -found[2:].flip(0), 0)
    battery.close(slope[:2], slope[2:].flip(0), 0)
    assert flat_power(torch.tensor([1e-3, 2e-3]), 0.2, 1e-3).tolist()[0] == 0


@pytest.mark.parametrize(
    "values", [(3, 1, 2, 2), (1, 2, 3, 4), (5, 1, 1, 1), (3, 1, 2), (0, 0, 0, 0)]
)
def test_median_of_ties(values: tuple[int, ...]) -> None:
    """The middle two may be equal; the gradient is that of the values found."""
    x = torch.tensor([values, [*reversed(values)]], dtype=torch.float64, requires_grad=True)
    ordered = sorted(values)
    middle = ordered[(len(values) - 1) // 2], ordered[len(values) // 2]
    expected = math.sqrt((middle[0] ** 2 + middle[1] ** 2) / 2)
    found = _median(x, "middle")
    battery.close(found, torch.full_like(found, expected), 1e-15)
    battery.close(_median(x, "lower"), torch.full_like(found, middle[0]), 0)
    (slope,) = torch.autograd.grad(found.sum(), x)
    battery.close((slope * x).sum(1), found, 1e-14)
