"""Inputs that are not images ``(N, C, H, W)``: channels last, PIL images, arrays, volumes and
clips. Each error names the call that converts them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import battery
import discovery
import numpy as np
import pytest
import torch
import torchvision.transforms.functional  # which the advice names
from PIL import Image
from torch import Tensor, nn

import ssimloss
import ssimloss.functional as F
from ssimloss import _checks

pytestmark = pytest.mark.usefixtures("one_thread")

# Maps of logits and of a discriminator's layers, which may have any sizes.
OF_MAPS = ("AdversarialLoss", "FeatureMatchingLoss")
OF_IMAGES = sorted(discovery.LOSSES.keys() - set(OF_MAPS))
every_loss = pytest.mark.parametrize("name", OF_IMAGES)
# What has no window: it does not matter how images are cut.
PIXELS: dict[str, Callable[..., Tensor]] = {
    "l1": F.l1_loss,
    "l2": F.l2_loss,
    "charbonnier": F.charbonnier_loss,
    "psnr": F.psnr,
    "total_variation": lambda pred, _, **options: F.total_variation(pred, **options),
}


@every_loss
def test_channels_in_the_last_place_are_refused(name: str) -> None:
    """By most losses they are a number, another one; the way out is one that works."""
    pair = [image.permute(0, 2, 3, 1).contiguous() for image in discovery.photos(name)]
    with pytest.raises(
        ValueError, match=r"must have its channels in dimension 1.*permute\(0, 3, 1, 2\)"
    ):
        discovery.evaluate(name, discovery.build(name), *pair)
    moved = [image.permute(0, 3, 1, 2) for image in pair]
    assert discovery.evaluate(name, discovery.build(name), *moved).isfinite()


@pytest.mark.parametrize(
    "shape",
    [
        *[(1, 32, 32, 3), (2, 64, 48, 3), (4, 256, 256, 1), (2, 512, 128, 4), (1, 12, 12, 3)],
        *[(1, 8, 8, 3), (4, 5, 5, 3)],
        *[(1, 1080, 1920, 3), (1, 48, 48, 32, 1), (1, 64, 64, 64, 3)],
    ],
    ids=str,
)
def test_pictures_with_channels_last(shape: tuple[int, ...]) -> None:
    image = torch.rand(shape)
    order = "(0, 3, 1, 2)" if len(shape) == 4 else "(0, 4, 1, 2, 3)"
    for loss in PIXELS.values():
        with pytest.raises(ValueError, match=rf"permute\({order[1:-1]}\)"):
            loss(image, image)
    # The other reading has a way out too: of maps that are this wide.
    battery.close(F.l1_loss(image.mT, 0 * image.mT), image.mean(), 1e-6)


@pytest.mark.parametrize(
    "shape",
    [
        *[(2, 64, 3, 3), (2, 64, 4, 4), (2, 256, 1, 1), (2, 512, 7, 7), (2, 2048, 8, 4)],
        *[(2, 256, 6, 1), (2, 64, 1, 100), (2, 64, 3, 48), (2, 3, 64, 3), (2, 1, 64, 1)],
        *[(2, 4, 64, 4), (2, 128, 5, 3), (2, 8, 4, 4), (2, 64, 48, 2), (2, 5, 8, 3)],
        *[(2, 16, 4, 4, 4), (2, 64, 4, 28, 28), (1, 1, 3, 32, 32), (2, 64, 3, 7, 7)],
    ],
    ids=str,
)
def test_maps_of_features_pass(shape: tuple[int, ...]) -> None:
    """Crops, the deepest layers of a network, strips, narrow pictures with their channels first."""
    x, y = torch.rand(2, *shape, dtype=torch.float64)
    battery.close(F.l1_loss(x, y), (x - y).abs().mean(), 1e-12)
    for loss in PIXELS.values():
        assert loss(x, y).isfinite()


def pil(image: Tensor) -> Any:
    return Image.fromarray((255 * image[0].permute(1, 2, 0)).byte().numpy())


# What was made of a batch, and what its error says; None where no call can be told.
OTHER: dict[str, tuple[Callable[[Tensor], Any], str]] = {
    "PIL": (pil, "a PIL image; torchvision.transforms.functional.to_tensor(pred)[None]"),
    "HWC bytes": (lambda x: np.array(pil(x)), ".permute(2, 0, 1)[None] / 255"),
    "NHWC bytes": (lambda x: np.array(pil(x))[None], ".permute(0, 3, 1, 2) / 255"),
    "NCHW array": (lambda x: x.numpy(), "torch.from_numpy(pred) makes one"),
    "HW array": (lambda x: x[0, 0].numpy(), "torch.from_numpy(pred)[None, None]"),
    "list": (list, "a list of 2 tensors; torch.stack(pred)"),
    "CHW": (lambda x: x[0], "pred[None] adds the missing dimensions"),
    "HWC": (lambda x: x[0].permute(1, 2, 0), "pred.permute(2, 0, 1)[None]"),
    "HW": (lambda x: x[0, 0], "pred[None, None]"),
}


@pytest.mark.parametrize("kind", OTHER)
def test_other_things_than_batches(kind: str) -> None:
    """The advice, taken by word, makes one."""
    made, told = OTHER[kind]
    image = torch.rand(2, 3, 24, 20)
    pred = made(image)
    with pytest.raises((TypeError, ValueError)) as caught:
        F.l1_loss(pred, pred)
    assert told in str(caught.value)
    call = re.split(" (?:makes|returns|joins|adds) ", str(caught.value).split("; ")[1])[0]
    fixed = eval(call, {"torch": torch, "torchvision": torchvision, "pred": pred})
    assert fixed.ndim == 4
    channels = 1 if kind.startswith("HW ") or kind == "HW" else 3
    expected = image[: len(fixed), :channels]
    assert F.l1_loss(fixed, expected) < 0.5 / 255 + 1e-3


@pytest.mark.parametrize(
    ("pred", "told"),
    [
        ("image.png", "read the file first"),
        (None, "the value was not computed"),
        (0.5, "got float"),
    ],
)
def test_what_is_no_image_at_all(pred: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        F.ssim(pred, pred)


@pytest.mark.parametrize("name", [name for name in PIXELS if name != "total_variation"])
def test_volumes_are_the_planes_that_they_are_made_of(name: str) -> None:
    loss = PIXELS[name]
    x, y = torch.rand(2, 2, 3, 5, 6, 7, dtype=torch.float64)
    mask = (torch.rand(2, 1, 5, 6, 7) > 0.3).double()
    planes = [image.flatten(2, 3) for image in (x, y)]
    battery.close(loss(x, y), loss(*planes), 1e-12)
    masked = loss(x, y, mask=mask, reduction="image")
    battery.close(masked, loss(*planes, mask=mask.flatten(2, 3), reduction="image"), 1e-12)
    if name != "psnr":
        unreduced = loss(x, y, reduction="none")
        assert unreduced.shape == x.shape
        battery.close(unreduced.mean(), loss(x, y), 1e-12)
        single = loss(x.float(), y.float(), backend="auto")
        battery.close(single, loss(x, y), 1e-5)


def test_total_variation_of_volumes() -> None:
    """A third difference, to the next slice."""
    loss = F.total_variation
    x = torch.rand(2, 3, 5, 6, 7, dtype=torch.float64)
    differences = [x.diff(dim=axis) for axis in (2, 3, 4)]
    means = sum(d.abs().flatten(1).mean(1) for d in differences)
    battery.close(loss(x, reduction="image"), means, 1e-12)
    battery.close(loss(x, within_image="sum"), sum(d.abs().sum() for d in differences) / 2, 1e-12)
    ends = [(0, 0) * (4 - axis) + (0, 1) for axis in (2, 3, 4)]
    maps = [nn.functional.pad(d.square(), end) for d, end in zip(differences, ends, strict=True)]
    battery.close(loss(x, norm="isotropic", reduction="none"), sum(maps).sqrt(), 1e-12)
    battery.close(loss(x, norm="squared", reduction="none"), sum(maps), 1e-12)
    battery.close(loss(x[:, :, :1].expand(-1, -1, 4, -1, -1)), loss(x[:, :, 0]), 1e-12)
    mask = torch.zeros(2, 1, 5, 6, 7, dtype=torch.float64)
    mask[..., 1:4, 2:5, 1:6] = 1
    for norm in ("anisotropic", "isotropic", "squared", "image_l2"):
        inside = loss(x[..., 1:4, 2:5, 1:6], norm=norm)
        battery.close(loss(x, norm=norm, mask=mask), inside, 1e-12)
    small = x[:, :1, :3, :3, :3].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda image: loss(image, norm="isotropic"), small)


@pytest.mark.parametrize("name", [*PIXELS, "ssim", "structure_correlation"])
def test_clips_are_no_volumes(name: str) -> None:
    """Frames before channels; after them, the window that does not fit tells it."""
    loss = PIXELS.get(name) or getattr(F, name)
    clip = torch.rand(2, 6, 3, 24, 24)
    with pytest.raises(ValueError, match=r"pred looks like a clip .*pred\.flatten\(0, 1\)"):
        loss(clip, clip.flip(0))
    assert loss(clip.flatten(0, 1), clip.flip(0).flatten(0, 1)).isfinite()
    if name == "ssim":
        frames_last = clip.movedim(2, 1)  # (N, C, T, H, W)
        with pytest.raises(ValueError, match=r"pred\.movedim\(2, 1\)\.flatten\(0, 1\)"):
            loss(frames_last, frames_last)
    for of_images in (F.ms_ssim, F.gmsd, F.edge_loss):
        with pytest.raises(ValueError, match=r"compare the frames of a clip .*\.flatten\(0, 1\)"):
            of_images(clip, clip)


def test_a_picture_is_told_by_its_sides_only() -> None:
    """Metadata: nothing waits for a device."""
    _checks.image("pred", torch.rand(1, 3, 8, 8, device="meta"))
    with pytest.raises(ValueError, match="channels in dimension 1"):
        _checks.image("pred", torch.empty(1, 64, 64, 3, device="meta"))
    assert ssimloss.L1Loss()(torch.rand(1, 64, 3, 3), torch.rand(1, 64, 3, 3)).isfinite()
