"""VMAF as a loss and as a named measure: what ``test_every_loss.py`` does not ask of every loss."""

from __future__ import annotations

import battery
import libvmaf
import pytest
import torch
from torch import Tensor

import ssimloss
from ssimloss import VMAFLoss, metrics, video


def clip(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Reference and distorted luma ``(5, 1, 64, 80)`` in [0, 255]."""
    pair = libvmaf.clips()["pan, blurred"]
    x, y = (torch.tensor(frames[:5, :64, :80], dtype=dtype).unsqueeze(1) for frames in pair)
    return x, y


def test_loss_is_100_less_vmaf_uncut() -> None:
    """Of frames alone, and of clips ``(N, T, C, H, W)``, whose target moves."""
    target, pred = clip()
    sharp = 128 + 1.4 * (target - 128)
    for other in (pred, sharp):
        frames = video.vmaf(target[:, None], other[:, None], pooling="none", clip=False)[:, 0]
        battery.close(VMAFLoss(data_range=255.0, reduction="none")(other, target), 100 - frames)
        moving = video.vmaf(target, other, clip=False)
        loss = VMAFLoss(data_range=255.0)(other[None], target[None])
        battery.close(loss, 100 - moving)
        assert not torch.isclose(moving, frames.mean(), rtol=1e-4)
    assert (VMAFLoss(data_range=255.0, reduction="none")(sharp, target) < 0).any()
    clips = torch.stack((pred, sharp))
    both = VMAFLoss(data_range=255.0, reduction="image")(clips, target.expand_as(clips))
    expected = video.vmaf(target.expand_as(clips), clips, clip=False)
    battery.close(both, 100 - expected)


def test_named_measure_is_cut_and_takes_pred_first() -> None:
    target, pred = clip()
    sharp = 128 + 1.4 * (target - 128)
    for other in (pred, sharp):
        expected = video.vmaf(target[:, None], other[:, None])
        found = metrics.measure("vmaf")(other / 255, target / 255)
        battery.close(found, expected, 1e-9)
        exchanged = metrics.measure("vmaf")(target / 255, other / 255)
        assert not torch.allclose(found, exchanged, rtol=1e-3)
    assert (metrics.measure("vmaf")(sharp / 255, target / 255) == 100).any()
    assert metrics.measure("vmaf").higher_is_better


def test_neg_rewards_no_sharpening() -> None:
    target, _ = clip()
    sharp = 128 + 1.4 * (target - 128)
    plain, neg = (
        VMAFLoss(data_range=255.0, model=model)(sharp, target) for model in ("v0.6.1", "v0.6.1neg")
    )
    assert neg > plain + 2
    expected = video.vmaf(target[:, None], sharp[:, None], model="v0.6.1neg")
    battery.close(neg, 100 - expected.mean())
    battery.close(metrics.measure("vmaf_neg")(sharp / 255, target / 255), expected, 1e-9)


@pytest.mark.parametrize(
    ("options", "luma"),
    [
        ({}, lambda r, g, b: 16 + 219 * (0.2126 * r + 0.7152 * g + 0.0722 * b)),
        ({"matrix": "bt601"}, lambda r, g, b: 16 + 65.481 * r + 128.553 * g + 24.966 * b),
        ({"luma_range": "full"}, lambda r, g, b: 255 * (0.2126 * r + 0.7152 * g + 0.0722 * b)),
    ],
)
def test_luma_of_rgb(options: dict[str, str], luma: object) -> None:
    pred, target = battery.pictures(64, 80)
    planes = [luma(*image.unbind(1)).unsqueeze(1) for image in (pred, target)]  # type: ignore[operator]
    expected = VMAFLoss(data_range=255.0)(*planes)
    battery.close(VMAFLoss(**options)(pred, target), expected)
    signed = [2 * image - 1 for image in (pred, target)]
    battery.close(VMAFLoss(data_range=(-1, 1), **options)(*signed), expected)


def test_codes_of_ten_bits() -> None:
    target, pred = clip()
    expected = VMAFLoss(data_range=255.0)(pred, target)
    battery.close(VMAFLoss(data_range=1023.0)(4 * pred, 4 * target), expected)
    battery.close(VMAFLoss()(pred / 255, target / 255), expected)


def test_feature_weights_take_the_place_of_the_regression() -> None:
    target, pred = clip()
    features = video.vmaf_features(target[:, None], pred[:, None])
    loss = VMAFLoss(data_range=255.0, feature_weights={"vif_scale0": 1.0, "adm2": 3.0})
    mean = (features["vif_scale0"] + 3 * features["adm2"]) / 4
    battery.close(loss(pred, target), 100 - 100 * mean.mean())
    for wrong, error, message in (
        ({"motion2": 1.0}, ValueError, "names in feature_weights must be one of 'vif_scale0'"),
        ({"adm2": -1.0}, ValueError, "feature_weights"),
        ({}, ValueError, "feature_weights must hold at least one number"),
        ([1.0], TypeError, "feature_weights must be a mapping of names to numbers, got "),
    ):
        with pytest.raises(error, match=message):
            VMAFLoss(feature_weights=wrong)


def test_sixteen_pixels_are_needed() -> None:
    image = torch.rand(1, 3, 16, 15)
    with pytest.raises(ValueError, match=r"pred must have at least 16 pixels a side.*\(16, 15\)"):
        VMAFLoss()(image, image)
    with pytest.raises(ValueError, match=r"pred must be gray or RGB.*\(1, 4, 16, 16\)"):
        VMAFLoss()(torch.rand(1, 4, 16, 16), torch.rand(1, 4, 16, 16))


def test_it_trains() -> None:
    """From noise towards a photograph, with the loss as it is written in a training loop."""
    _, target = battery.pictures(48, 60, torch.float32)
    pred = torch.rand(target.shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    optimizer = torch.optim.Adam([pred], lr=0.03)
    criterion = ssimloss.CombinedLoss(
        pixel=ssimloss.Term(ssimloss.L1Loss(), 20.0),
        vmaf=ssimloss.Term(VMAFLoss(model="v0.6.1neg"), 0.1),
    )
    values = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = criterion(pred, target)
        loss.backward()
        optimizer.step()
        values.append(float(VMAFLoss()(pred.detach(), target)))
    assert values[-1] < values[0] - 20
