"""Whether images lie in their data range: counted on the device, and described as text.

::

    counts = count(pred, target, data_range=1.0)          # on the device, without waiting for it
    counts = add(counts, count(pred, target, data_range=1.0))
    words = describe(counts, 1.0)                         # reads the counts: waits for the device

Counts are one float32 tensor ``(K, 6)`` with a row for each of K compared images: the number of
images (N per batch); the sum over images of the fraction of pixels outside the range; the number of
images that are not constant; the number of these that are narrow; minus the least value; the
largest value. :func:`add` combines counts of batches, steps and processes.

A pixel is outside if it exceeds the range by more than a tenth of it, because predictions overshoot
a little. An image is narrow if its values cover less than a hundredth of the range. For large
images, a grid of at most 16,384 values is used, which costs a small fraction of any loss.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ssimloss import _checks
from ssimloss._checks import DataRange

COLUMNS = 6
WAY_OUT = "pass the right data_range, or scale the images"
_IMAGES, _OUTSIDE, _VARIED, _NARROW, _LOW, _HIGH = range(COLUMNS)
_MOST = 1 << 14  # number of values per image that are checked
_MARGIN = 0.1  # of the range, at either end
_NARROW_PART = 0.01  # of the range
_TOLD_OUTSIDE = 0.01  # fraction of pixels outside above which the range is reported
_TOLD_NARROW = 0.5  # fraction of narrow images above which the range is reported
# When a usual range is suggested: how far values may exceed it at either end, and how much of it
# they must cover, as fractions of it. An untrained network returns arbitrary values, so they must
# fill the range tightly, or partly if it is a range of integers.
_LOOSE, _TIGHT, _FILLED = (0.25, 0.05), (0.01, 0.8), (0.25, 0.3)
_PREDICTIONS = ("pred", "fake")
_USUAL: tuple[tuple[DataRange, str], ...] = (
    (1 / 255, "images in [0, 1] that were divided by 255 once more"),
    (1.0, ""),
    ((-1.0, 1.0), ""),
    (255, ""),
    (1023, "10 bit"),
    (4095, "12 bit"),
    (65535, "16 bit"),
)
# Black and white after normalisation by ImageNet's mean and standard deviation.
_NORMALISED = ((-3.0, -1.5), (1.5, 3.0))


def nothing(images: int, device: torch.device | None = None) -> Tensor:
    """Counts of 0 images, with a row for each of ``images``; on the CPU by default."""
    place = torch.device("cpu") if device is None else device
    empty = torch.zeros(images, COLUMNS, dtype=torch.float32, device=place)
    empty[:, _LOW:] = -torch.inf
    return empty


@torch.no_grad()
def count(*images: Tensor, data_range: DataRange, mask: Tensor | None = None) -> Tensor:
    """Counts ``(K, 6)`` of K batches of images, on their device, without waiting for it.

    Args:
        images: floating point ``(N, ...)``, such as ``pred, target``.
        data_range: ``L`` for values in ``[0, L]``, or ``(lo, hi)``.
        mask: ``(N, 1 or C, ...)``; pixels of weight 0 are ignored.
    """
    low, span = _checks.data_range(data_range)
    return torch.stack([_row(image.detach(), low, span, mask) for image in images])


def add(*counts: Tensor) -> Tensor:
    """The counts of all images together, ``(K, 6)``."""
    return combine(torch.stack(counts))


def combine(stacked: Tensor) -> Tensor:
    """Combine counts ``(M, K, 6)`` of M parts to ``(K, 6)``."""
    return torch.cat([stacked[..., :_LOW].sum(0), stacked[..., _LOW:].amax(0)], -1)


def describe(
    counts: Tensor, data_range: DataRange, names: Sequence[str] = ("pred", "target")
) -> str:
    """Describe a wrong range: the argument, the fraction and the likely range. The text is empty if
    the range is right. This waits for the device.

    Args:
        counts: ``(K, 6)``.
        data_range: that of :func:`count`.
        names: names of the K arguments.
    """
    low, span = _checks.data_range(data_range)
    rows = dict(zip(names, counts.tolist(), strict=True))
    told = {name: words for name, row in rows.items() if (words := _words(name, row, low, span))}
    given = [name for name in told if name not in _PREDICTIONS]
    if not given:
        # An untrained network may return anything, unless it fills another usual range.
        guesses = {name: likely(-rows[name][_LOW], rows[name][_HIGH], tight=True) for name in told}
        told = {name: words for name, words in told.items() if guesses[name]}
    else:
        guesses = {name: likely(-rows[name][_LOW], rows[name][_HIGH]) for name in given}
    usual = next((guess for guess in guesses.values() if guess), "")
    return "; ".join([*told.values(), usual] if told and usual else told.values())


def likely(low: float, high: float, *, tight: bool = False) -> str:
    """Describe the usual range of images with values from ``low`` to ``high``; empty if there is
    none.

    Args:
        tight: whether the values must fill the range, unless it is a range of integers.
    """
    if not math.isfinite(high - low):
        return ""
    (darkest, darker), (brighter, brightest) = _NORMALISED
    if not tight and darkest <= low <= darker and brighter <= high <= brightest:
        return "likely images normalised by a mean and a standard deviation, which can be undone"
    for data_range, what in _USUAL:
        lo, span = _checks.data_range(data_range)
        margin, part = _LOOSE if not tight else _TIGHT if span <= 2 else _FILLED
        if lo - margin * span <= low and high <= lo + (1 + margin) * span:
            if high - low < part * span:
                return ""
            shown = f"{data_range:.3g}" if what and span < 1 else f"{data_range!r}"
            return f"likely data_range={shown}{f' ({what})' if what else ''}"
    return ""


def _row(image: Tensor, low: float, span: float, mask: Tensor | None) -> Tensor:
    """The counts ``(6,)`` of one batch of images."""
    if not image.numel():
        return nothing(1, image.device)[0]
    pixels = _sampled(image)  # (N, P)
    outside = (pixels < low - _MARGIN * span) | (pixels > low + (1 + _MARGIN) * span)
    if mask is None:
        least, largest = pixels.amin(1), pixels.amax(1)  # aminmax takes ten times as long on a CPU
        part = outside.to(torch.float32).mean(1)
    else:
        seen = _sampled((mask > 0).expand_as(image).to(torch.float32)) > 0
        least = pixels.masked_fill(~seen, torch.inf).amin(1)
        largest = pixels.masked_fill(~seen, -torch.inf).amax(1)
        part = (outside & seen).to(torch.float32).sum(1) / seen.sum(1).clamp_min(1)
    taken = largest - least  # NaN or infinite for images that are not finite
    columns = [
        part.new_full((), len(pixels)),
        part.sum(),
        (taken > 0).sum(),
        ((taken > 0) & (taken < _NARROW_PART * span)).sum(),
        torch.where(taken.isfinite(), -least, -torch.inf).amax(),
        torch.where(taken.isfinite(), largest, -torch.inf).amax(),
    ]
    return torch.stack([column.to(torch.float32) for column in columns])


def _sampled(image: Tensor) -> Tensor:
    """At most about ``_MOST`` values per image, ``(N, P)``, on a grid. They are float32 at least,
    because 65535 is infinite in float16.
    """
    if image.ndim < 2:
        image = image.reshape(1, -1)
    over = math.prod(image.shape[1:]) / _MOST
    if over > 1 and image.ndim > 3:
        step = math.ceil(over**0.5)
        image = image[..., ::step, ::step]
    elif over > 1:
        image = image[..., :: math.ceil(over)]
    pixels = image.reshape(len(image), -1)
    return pixels.to(torch.promote_types(pixels.dtype, torch.float32))


def _words(name: str, row: Sequence[float], low: float, span: float) -> str:
    images, outside, varied, narrow, least, largest = row
    if images and outside / images > _TOLD_OUTSIDE:
        told = f"{100 * outside / images:.3g} % of the pixels lie outside"
    elif varied and narrow / varied >= _TOLD_NARROW:
        told = f"{100 * narrow / varied:.3g} % of the images use less than a hundredth of"
    else:
        return ""
    seen = f", with values from {-least:.4g} to {largest:.4g}" if -least <= largest else ""
    return f"{name}: {told} data_range [{low:g}, {low + span:g}]{seen}"
