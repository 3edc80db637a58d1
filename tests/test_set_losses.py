"""Losses between sets of features: Frechet distance, KID and CMMD with their memory, and a
generator that falls under each.
"""

from __future__ import annotations

import copy
import math

import battery
import numpy as np
import pytest
import reference
import torch
from test_set_statistics import features
from torch import Tensor, nn

import ssimloss.functional as F
from ssimloss import CMMDLoss, CombinedLoss, FrechetLoss, KernelDistanceLoss, Term
from ssimloss.networks import FeatureExtractor

LOSSES = {FrechetLoss: F.frechet_distance, KernelDistanceLoss: F.kernel_distance_loss}
LOSSES |= {CMMDLoss: F.cmmd_loss}
each = pytest.mark.parametrize("kind", LOSSES, ids=lambda kind: kind.__name__)


def test_kernel_losses_equal_their_references() -> None:
    a, b = features(12, 5), features(9, 5, seed=1)
    battery.close(
        F.kernel_distance_loss(a, b[:9], degree=2, gamma=0.3, coef0=0.5),
        discrepancy(a, b, lambda x, y: (0.3 * x @ y + 0.5) ** 2, itself=False),
        1e-11,
    )
    whole = F.kernel_distance_loss(a[:9], b)
    battery.close(whole, reference.kernel_distance(a[:9].numpy(), b.numpy()), 1e-11)
    gaussian = discrepancy(a, b, lambda x, y: math.exp(-((x - y) ** 2).sum() / 2), itself=True)
    battery.close(F.cmmd_loss(a + 100, b + 100, sigma=1.0, scale=7.0), 7 * gaussian, 1e-9)


def discrepancy(a: Tensor, b: Tensor, kernel, *, itself: bool) -> float:  # type: ignore[no-untyped-def]
    """Pair by pair."""

    def within(x: np.ndarray) -> float:
        pairs = [(i, j) for i in range(len(x)) for j in range(len(x)) if itself or i != j]
        return float(np.mean([kernel(x[i], x[j]) for i, j in pairs]))

    x, y = a.numpy(), b.numpy()
    return within(x) + within(y) - 2 * float(np.mean([kernel(p, q) for p in x for q in y]))


@each
def test_module_is_its_function_and_its_gradient_a_derivative(kind: type[nn.Module]) -> None:
    a, b = features(7, 4).requires_grad_(), features(6, 4, seed=1).requires_grad_()
    loss = kind()
    battery.close(loss(a, b), LOSSES[kind](a, b), 1e-12)
    torch.autograd.gradcheck(loss, (a, b))
    half, other = a.detach().half(), b.detach().half()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = CombinedLoss(sets=Term(loss, 2.0))(half, other)
    assert low.dtype is torch.float32
    battery.close(low, 2 * LOSSES[kind](half.double(), other.double()).float(), 1e-6)


@each
def test_memory_is_past_features_without_gradient(kind: type[nn.Module]) -> None:
    loss = kind(memory=6, target_memory=3).train()
    batches = [(features(4, 5, seed), features(4, 5, seed + 10)) for seed in range(4)]
    for pred, target in batches[:3]:
        loss(pred, target)
    pred, target = batches[3]
    pred = pred.requires_grad_()
    held = torch.cat([batches[2][0], batches[1][0][:2]])
    expected = LOSSES[kind](torch.cat([pred, held]), torch.cat([target, batches[2][1][:3]]))
    (gradient,) = torch.autograd.grad(expected, pred)
    for unused in (loss.eval(), copy.deepcopy(loss)):  # in eval mode nothing is added
        battery.close(unused(pred, target), expected, 1e-12)
    loss.train().half()
    with torch.no_grad():
        loss(pred + 1, target)
    found = loss(pred, target)
    battery.close(found, expected, 1e-12)
    battery.close(torch.autograd.grad(found, pred)[0], gradient, 1e-9)
    assert not loss.state_dict()
    spoilt = pred.detach().index_fill(0, torch.tensor([1]), math.nan).requires_grad_()
    value = loss(spoilt, target)
    value.backward()
    assert value.isnan()
    assert spoilt.grad.isnan().any()
    assert loss(pred, target).isfinite()
    with pytest.raises(ValueError, match=r"pred must have the 5 columns .* got 2; call forget"):
        loss(pred[:, :2], target[:, :2])
    loss.forget()
    battery.close(loss(pred, target), LOSSES[kind](pred, target), 1e-12)


def test_images_are_compared_by_any_extractor() -> None:
    """Means over positions of each layer; features in place of the real images' are the same."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3, stride=2))
    extractor = FeatureExtractor(network, ["0", "2"], normalization="none")
    loss = FrechetLoss(extractor)
    pred, target = torch.rand(2, 5, 3, 12, 12)
    first = network[0](pred)
    by_hand = torch.cat([first.mean((2, 3)), network[2](first.relu()).mean((2, 3))], 1)
    battery.close(loss.extract(pred), by_hand, 1e-5)
    battery.close(loss(pred, loss.extract(target)), loss(pred, target), 0)
    pred.requires_grad_()
    loss(pred, target).backward()
    assert pred.grad.abs().sum() > 0
    assert not [*loss.parameters()]
    with pytest.raises(TypeError, match="extractor must be a FeatureExtractor or None, got Seq"):
        FrechetLoss(network)
    with pytest.raises(ValueError, match=r"pred must have shape \(N, D\), got \(5, 3, 12, 12\)"):
        FrechetLoss()(pred, target)


@each
def test_a_generator_falls_under_it(kind: type[nn.Module]) -> None:
    """A linear map of noise learns mean and covariance of six dimensions from batches of 16."""
    torch.manual_seed(1)
    real = features(400, 6, seed=5).float()
    generator = nn.Linear(6, 6)
    options = {"sigma": 2.0} if kind is CMMDLoss else {}
    loss = kind(memory=64, **options)
    optimizer = torch.optim.Adam(generator.parameters(), lr=0.05)
    noise = torch.randn(400, 6)
    before = F.frechet_distance(generator(noise), real).item()
    for _ in range(150):
        batch = real[torch.randint(400, (16,))]
        optimizer.zero_grad()
        loss(generator(torch.randn(16, 6)), batch).backward()
        optimizer.step()
    assert F.frechet_distance(generator(noise), real) < 0.2 * before
