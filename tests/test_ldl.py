"""LDL: the output of the moving-average network, masks, and equal images."""

from __future__ import annotations

import json

import battery
import photographs
import pytest
import reference
import torch
from test_parity import GOLDENS, images

import ssimloss.functional as F
from ssimloss import CombinedLoss, LDLLoss, Term


def test_equals_the_paper() -> None:
    pred, target = (2 * image - 1 for image in battery.pictures())
    ema = pred.roll(1, 3)
    options = {"window_size": 5, "exponent": 0.3, "distance": "l2"}
    for given in (None, ema):
        expected = reference.ldl(
            pred.numpy(),
            target.numpy(),
            ema=None if given is None else given.numpy(),
            data_range=(-1.0, 1.0),
            **options,
        )
        found = F.ldl(
            pred, target, pred_ema=given, data_range=(-1.0, 1.0), reduction="image", **options
        )
        battery.close(found, torch.as_tensor(expected))


@pytest.mark.parametrize("case", ["odd", "gray", "batch"])
def test_programs_with_a_moving_average(case: str) -> None:
    pred, target = images(case)
    found = F.ldl(pred, target, pred_ema=pred.roll(1, 3))
    rows = [
        row
        for row in json.loads((GOLDENS / "ldl.json").read_text())["values"]
        if row["case"] == case and "pred rolled by 1 column" in row["options"].values()
    ]
    assert len(rows) == 2
    for row in rows:
        battery.close(found, row["value"])


def test_moving_average_frees_what_improved() -> None:
    """Pixels closer to the target than the average's have no weight and no gradient; a term passes
    it on, and it gets no gradient.
    """
    pred, target = battery.pictures(dtype=torch.float32)
    spoilt = target.clone()
    spoilt[0, 1, 3, 4] = torch.nan
    assert F.ldl(pred, target, pred_ema=spoilt, reduction="image").isnan().tolist() == [
        True,
        False,
        False,
    ]
    ema = torch.where(torch.arange(pred.shape[3]) < 10, 2 * pred - target, target)
    ema, pred = ema.requires_grad_(), pred.requires_grad_()
    values = F.ldl(pred, target, pred_ema=ema, reduction="none")
    differs = (pred != target).any(1, keepdim=True)[..., :10].expand_as(values[..., :10])
    assert (values[..., :10][differs] == 0).all()
    battery.close(values[..., 10:], F.ldl(pred, target, reduction="none")[..., 10:])

    criterion = CombinedLoss(ldl=Term(LDLLoss(), 2.0, inputs=("pred", "target", "pred_ema")))
    total = criterion(pred, target, pred_ema=ema)
    battery.close(total, 2 * values.mean(), 1e-6)
    total.backward()
    assert ema.grad is None
    assert pred.grad is not None
    assert pred.grad.abs().sum() > 0


def test_hidden_pixels_do_not_count() -> None:
    """Not in a distance, not in a variance, not where the moving average is compared."""
    pred, target = battery.pictures()
    mask = battery.hole(pred.shape)
    noise = torch.rand(pred.shape, dtype=pred.dtype, generator=torch.Generator().manual_seed(0))
    ema = pred.roll(1, 3)
    hidden = [torch.where(mask, image, noise.roll(i, 2)) for i, image in enumerate((pred, ema))]
    expected = F.ldl(pred, target, pred_ema=ema, mask=mask)
    battery.close(F.ldl(hidden[0], target, pred_ema=hidden[1], mask=mask), expected)
    assert not torch.equal(expected, F.ldl(pred, target, pred_ema=ema))


def test_equal_images_have_a_gradient() -> None:
    """Where the power is infinitely steep, that of the implementations is NaN."""
    target = photographs.tensors("odd", torch.float32)[1]
    for residual in (0.0, 0.25):
        pred = (target + residual).requires_grad_()
        F.ldl(pred, target).backward()
        assert pred.grad is not None
        assert pred.grad.isfinite().all()


def test_errors_name_the_argument() -> None:
    pred, target = battery.pictures()
    with pytest.raises(ValueError, match=r"window_size must be odd, got 6"):
        F.ldl(pred, target, window_size=6)
    with pytest.raises(ValueError, match=r"at least 13 pixels on the short side"):
        F.ldl(pred[..., :12], target[..., :12], window_size=25)
    with pytest.raises(ValueError, match=r"pred_ema"):
        F.ldl(pred, target, pred_ema=pred[..., 1:])
