"""GMSD: the reference, piq, conventions, gradients where its formula has none, masks, errors.

``test_every_loss.py`` and ``test_contracts.py`` test what every loss guarantees.
"""

from __future__ import annotations

import battery
import photographs
import piq
import pytest
import reference
import torch
from torch import Tensor

import ssimloss
import ssimloss.functional as F
from ssimloss import conventions
from ssimloss._checks import TooSmallError


def pair(height: int, width: int, channels: int = 3) -> tuple[Tensor, Tensor]:
    """Two photographs and their degraded copies."""
    pred, target = photographs.batch(height, width)
    return pred[:2, :channels], target[:2, :channels]


# Even, odd in one side, odd in both; gray; another range.
@pytest.mark.parametrize(
    ("size", "channels", "data_range"),
    [((32, 40), 3, 1.0), ((33, 40), 3, 1.0), ((31, 37), 1, (-1.0, 1.0)), ((32, 33), 3, 255.0)],
)
def test_equals_the_reference(
    size: tuple[int, int], channels: int, data_range: float | tuple[float, float]
) -> None:
    pred, target = pair(*size, channels)
    scale, low = (2.0, -1.0) if isinstance(data_range, tuple) else (data_range, 0.0)
    pred, target = pred * scale + low, target * scale + low
    expected = reference.gmsd(pred.numpy(), target.numpy(), data_range=data_range)
    found = F.gmsd(pred, target, data_range=data_range, reduction="image")
    battery.close(found, torch.as_tensor(expected))


@pytest.mark.parametrize("size", [(48, 64), (47, 64), (47, 63)])
def test_equals_piq(size: tuple[int, int]) -> None:
    pred, target = pair(*size)
    expected = piq.gmsd(pred, target, data_range=1.0, reduction="none")
    convention = conventions.GMSD["piq"]
    battery.close(F.gmsd(pred, target, reduction="image", **convention), expected)
    assert not torch.allclose(F.gmsd(pred, target, reduction="image"), expected, rtol=1e-6)


def test_matlab_rounds_the_luma() -> None:
    """The convention for MATLAB's tables is GMSD of whole codes, and equal for gray images."""
    pred, target = pair(48, 64)
    convention = conventions.GMSD["matlab"]
    codes = [(image * 255).round().clamp(0, 255) for image in (pred, target)]
    weights = torch.tensor([0.298936021293775, 0.587043074451121, 0.114020904255103])
    luma = [(code * weights.double().view(3, 1, 1)).sum(1, True).round() for code in codes]
    battery.close(convention(pred, target), F.gmsd(*luma, data_range=255))
    assert convention.gray == "xue2014"


def test_a_flat_prediction_learns() -> None:
    """Its gradient magnitude is 0, whose slope the formula does not define."""
    _, target = pair(32, 32)
    flat = torch.full_like(target, 0.5).requires_grad_()
    F.gmsd(flat, target).backward()
    assert flat.grad is not None
    assert (flat.grad.abs().amax((1, 2, 3)) > 0).all()
    step = flat.detach() - 0.05 * flat.grad / flat.grad.abs().max()
    assert F.gmsd(step, target) < F.gmsd(flat.detach(), target)


def test_a_mask_leaves_what_it_covers_out() -> None:
    """A masked half has no part in the value; what remains is GMSD of the other half's inside."""
    pred, target = pair(32, 64)
    mask = torch.zeros(2, 1, 32, 64)
    mask[..., 32:] = 1
    masked = F.gmsd(pred, target, mask=mask, reduction="image")
    spoilt = torch.where(mask != 0, pred, torch.nan)
    battery.close(F.gmsd(spoilt, target, mask=mask, reduction="image"), masked, 0)
    # The half alone differs in one column of the halved image, which sees zeros beyond the border.
    alone = F.gmsd(pred[..., 32:], target[..., 32:], reduction="image")
    battery.close(masked, alone, 0.1)
    assert not torch.allclose(masked, F.gmsd(pred, target, reduction="image"), rtol=0.02)


def test_constants_and_errors() -> None:
    pred, target = pair(32, 40)
    assert F.gmsd(target, target) == 0
    assert F.gmsd(pred, target, t=17.0) > F.gmsd(pred, target)
    with pytest.raises(ValueError, match=r"gray \(N, 1, H, W\) or RGB \(N, 3, H, W\), got .*4, 32"):
        F.gmsd(torch.rand(1, 4, 32, 32), torch.rand(1, 4, 32, 32))
    with pytest.raises(ValueError, match="t must be positive, got 0"):
        ssimloss.GMSDLoss(t=0)


def test_one_position_has_no_deviation() -> None:
    """After halving, 2x2 pixels are one position, whose deviation was 0: a perfect value."""
    pred, target = torch.rand(2, 1, 3, 2, 2)
    with pytest.raises(TooSmallError, match="at least 3 pixels on the long side"):
        F.gmsd(pred, target)
    assert F.gmsd(torch.rand(1, 3, 1, 3), torch.rand(1, 3, 1, 3)) > 0
