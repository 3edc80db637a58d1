"""One level of a wavelet transform along an axis: two filters, decimated or with spread taps."""

import functools
from typing import NamedTuple

import torch
from torch import Tensor

from ssimloss._constants import constant
from ssimloss.filters import blur_along
from ssimloss.functional._wavelets import filters

_FEW = 10  # taps


def split(
    image: Tensor, axis: int, wavelet: str, step: int, transform: str
) -> tuple[Tensor, Tensor]:
    """Low and high frequencies along an axis, with ``step - 1`` zeros between the taps."""
    low, high = filters(wavelet)
    before = len(low) // 2 - 1
    if transform == "stationary":
        streams = [_Stream(image, slice(None), -step * before, step)]
    else:  # even and odd pixels meet every other tap, so that nothing is computed to be dropped
        if image.shape[axis] % 2:
            image = torch.cat((image, image.narrow(axis, image.shape[axis] - 1, 1)), axis)
        phases = torch.unflatten(image, axis, (-1, 2)).unbind(axis + 1)
        streams = [
            _Stream(phase, slice((before + odd) % 2, None, 2), -((before + odd) // 2), 1)
            for odd, phase in enumerate(phases)
        ]
    if len(low[streams[0].taps]) > _FEW and image.dtype is not torch.float64:
        found = [
            functools.reduce(torch.add, [_convolved(s, axis, taps[s.taps]) for s in streams])
            for taps in (low, high)
        ]
    else:  # weighted slices, where they take less time than a convolution
        parts = [part for s in streams for part in _shifted(s, axis, len(low[s.taps]))]
        found = [
            _sum(parts, [tap for s in streams for tap in taps[s.taps]]) for taps in (low, high)
        ]
    return found[0], found[1]


class _Stream(NamedTuple):
    """Samples along an axis, which taps they meet, and the shift of the first and of each next."""

    samples: Tensor
    taps: slice
    first: int
    step: int


def _convolved(stream: _Stream, axis: int, taps: tuple[float, ...]) -> Tensor:
    spread = [0.0] * ((len(taps) - 1) * stream.step + 1)
    spread[:: stream.step] = taps
    last = stream.first + len(spread) - 1
    wide = _periodic(stream.samples, axis, -stream.first, last)
    return blur_along(wide, constant(tuple(spread), wide), axis)


def _shifted(stream: _Stream, axis: int, count: int) -> list[Tensor]:
    """The samples that each tap meets, continued periodically."""
    samples, _, first, step = stream
    if count <= 2:  # the gradient of a slice is a whole image of zeros
        shifts = [first + t * step for t in range(count)]
        return [torch.roll(samples, -shift, axis) if shift else samples for shift in shifts]
    wide = _periodic(samples, axis, -first, first + (count - 1) * step)
    return [wide.narrow(axis, t * step, samples.shape[axis]) for t in range(count)]


def _sum(parts: list[Tensor], taps: list[float]) -> Tensor:
    """The weighted sum. Taps of one magnitude weigh the sum, so that equal neighbours cancel."""
    if len({abs(tap) for tap in taps}) == 1:
        total = parts[0]
        for part, tap in zip(parts[1:], taps[1:], strict=True):
            total = total + part if tap == taps[0] else total - part
        return total * taps[0]
    weighted = [part * tap for part, tap in zip(parts, taps, strict=True) if tap]
    return functools.reduce(torch.add, weighted)


def _periodic(image: Tensor, axis: int, before: int, after: int) -> Tensor:
    """The image continued periodically along an axis, however small it is."""
    length = image.shape[axis]
    if max(before, after) <= length:
        ends = image.narrow(axis, length - before, before), image.narrow(axis, 0, after)
        return torch.cat((ends[0], image, ends[1]), axis)
    turns = -(-max(before, after) // length)
    tiled = torch.cat([image] * (2 * turns + 1), axis)
    return tiled.narrow(axis, turns * length - before, length + before + after)
