"""Pixels to look at: tones, errors and their scale, similarity, the worst region. Images are
``(C, H, W)`` in [0, 1].
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor

from ssimloss import functional as F
from ssimloss.evaluation.images import Image

SSIM_WORDS = "SSIM around each pixel (Gaussian 11, sigma 1.5), mean of the channels; 1 is equal"
Region = tuple[int, int, int, int]  # top, left, height, width
LEAST_SIDE = 6  # of the images under an SSIM window whose border is mirrored
FULL = (0.0, 1.0)

_PLACES = 64  # of a region's shorter side: it is found to that fraction of itself
_TONES = (0.001, 0.999)  # the part of an image's values that 16-bit images are shown from and to


def unit(image: Image) -> Tensor:
    """The image as a new float32 tensor in [0, 1]."""
    return image.pixels.to(torch.float32) / image.data_range


def tones(image: Image) -> tuple[float, float]:
    """The range of brightness that is shown: the whole range, or for 16-bit images the part that
    their values use.
    """
    if image.bit_depth == 8:
        return FULL
    low, high = np.quantile(unit(image).numpy(), _TONES)
    return (float(low), float(high)) if high > low else FULL


def toned(image: Image, shown: tuple[float, float]) -> Tensor:
    """The shown range as uint8; 8-bit images are unchanged if the whole range is shown."""
    if shown == FULL and image.pixels.dtype == torch.uint8:
        return image.pixels
    low, high = shown
    return unit(image).sub_(low).mul_(255 / (high - low)).round_().clamp_(0, 255).to(torch.uint8)


def tone_words(shown: tuple[float, float], levels: int) -> str:
    """A description of the shown range; empty for the whole range."""
    if shown == FULL:
        return ""
    low, high = (round(tone * levels) for tone in shown)
    return (
        f"Brightness is shown from {low} to {high} of {levels}, the range of the reference but "
        "for 0.1 % at either end."
    )


def pillow(pixels: Tensor) -> Pillow.Image:
    """uint8 pixels as Pillow has them."""
    array = pixels.numpy()
    return Pillow.fromarray(
        array[0] if len(array) == 1 else np.ascontiguousarray(array.transpose(1, 2, 0))
    )


def error_words(image: Image) -> str:
    """What an error map of a reference shows, and its unit."""
    unit = (
        f"in levels of {image.levels}"
        if image.peak is None
        else f"in {image.levels}ths of the data range {image.peak:g}"
    )
    return f"|result \N{MINUS SIGN} reference|, mean of the channels, {unit}"


def error_limit(errors: Sequence[Tensor], levels: int) -> int:
    """The upper end of the scale in levels: the power of two that few errors, given as parts of the
    range, pass; at least 4 of 255.
    """
    least = (levels + 1) // 64
    if not errors:
        return least
    high = max(float(np.quantile(error.numpy(), 0.995)) for error in errors) * levels
    return min(levels, max(least, 1 << math.ceil(math.log2(max(high, 1)))))


def worst_region(
    errors: Sequence[Tensor], size: Sequence[int], *, largest: tuple[int, int]
) -> Region:
    """Where the largest squared errors ``(C, H, W)`` are: a region of at most ``largest``.

    The sum over a region weighs its middle most (a tent in both directions), so that a small fault
    comes to lie there.
    """
    height, width = (min(side, most) for side, most in zip(size, largest, strict=True))
    if (height, width) == tuple(size) or not errors:
        return (size[0] - height) // 2, (size[1] - width) // 2, height, width
    energy = torch.stack([error.square().mean(0) for error in errors]).mean(0)
    step = max(1, min(height, width) // _PLACES)
    energy = torch.nn.functional.avg_pool2d(energy[None], step, ceil_mode=True)[0].double()
    tall, broad = max(1, height // step), max(1, width // step)
    inner = (tall + 1) // 2, (broad + 1) // 2
    weighted = _box_sums(_box_sums(energy, *inner), tall - inner[0] + 1, broad - inner[1] + 1)
    top, left = divmod(int(weighted.argmax()), weighted.shape[1])
    return min(step * top, size[0] - height), min(step * left, size[1] - width), height, width


def cut(pixels: Tensor, region: Region) -> Tensor:
    """What of ``(C, H, W)`` lies in a region."""
    top, left, height, width = region
    return pixels[:, top : top + height, left : left + width]


def _box_sums(values: Tensor, height: int, width: int) -> Tensor:
    """Sums over boxes, ``(H - height + 1, W - width + 1)``."""
    sums = torch.nn.functional.pad(values.cumsum(0).cumsum(1), (1, 0, 1, 0))
    return (
        sums[height:, width:]
        - sums[:-height, width:]
        - sums[height:, :-width]
        + sums[:-height, :-width]
    )


def similarity(pred: Tensor, target: Tensor) -> Tensor | None:
    """The SSIM map ``(H, W)``; ``None`` where the images are too small for a mirrored border."""
    if min(target.shape[1:]) < LEAST_SIDE:
        return None
    return F.ssim_map(pred[None], target[None], padding="reflect")[0].mean(0)
