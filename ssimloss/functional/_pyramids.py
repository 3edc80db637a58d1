"""Reduction and expansion by 2 with a symmetric filter of five taps, the steps of a Laplacian
pyramid (Burt & Adelson 1983).

They are sums of slices: flags of PyTorch do not lower their precision, and their gradient is
deterministic. Taps sum to 1 and weight differences from the middle sample, so that flat areas do
not change at all.
"""

from typing import Literal

import torch
from torch import Tensor

Taps = tuple[float, float]  # a and b of the filter a b c b a, whose sum is 1
Mirror = Literal["reflect", "symmetric"]
Beyond = Literal["reflect", "reflect_even", "replicate"]


def reduced(image: Tensor, taps: Taps, mirror: Mirror) -> Tensor:
    """Filter ``(N, C, H, W)`` and keep every second sample from the first: ``ceil(size / 2)``.

    ``"reflect"`` does not repeat the outermost pixels, ``"symmetric"`` does.
    """
    a, b = taps
    for axis in (2, 3):
        size = image.shape[axis]
        kept, first = (size + 1) // 2, int(mirror == "reflect")
        wide = torch.cat(
            (
                image.narrow(axis, first, 2).flip(axis),
                image,
                image.narrow(axis, size - 2 - first, 2).flip(axis),
            ),
            axis,
        )
        even, odd = _every_second(wide, 0, axis), _every_second(wide, 1, axis)
        middle = even.narrow(axis, 1, kept)
        near = (odd.narrow(axis, 0, kept) - middle) + (odd.narrow(axis, 1, kept) - middle)
        far = (even.narrow(axis, 0, kept) - middle) + (even.narrow(axis, 2, kept) - middle)
        image = middle + b * near + a * far
    return image


def expanded(coarse: Tensor, taps: Taps, size: tuple[int, int], beyond: Beyond) -> Tensor:
    """Put zeros between the samples of ``(N, C, H, W)``, filter with the taps doubled, and cut the
    result to ``size``. Both phases of the doubled taps must sum to 1, so ``b`` is 1/4.

    ``"reflect"`` mirrors the result's samples at its outermost pixels, ``"reflect_even"`` at those
    of the even size that is cut afterwards, ``"replicate"`` repeats the outermost samples.
    """
    a, _ = taps
    for axis in (2, 3):
        kept, wanted = coarse.shape[axis], size[axis - 2]
        before, after = 0, kept - 1
        if beyond != "replicate":
            before = 1
            after -= wanted % 2 if beyond == "reflect" else 0
        wide = torch.cat(
            (coarse.narrow(axis, before, 1), coarse, coarse.narrow(axis, after, 1)), axis
        )
        middle = wide.narrow(axis, 1, kept)
        later = wide.narrow(axis, 2, kept) - middle
        even = middle + 2 * a * ((wide.narrow(axis, 0, kept) - middle) + later)
        coarse = interleaved(even, middle + later / 2, axis).narrow(axis, 0, wanted)
    return coarse


def interleaved(even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """The samples of two tensors in turn along an axis."""
    return torch.stack((even, odd), axis + 1).flatten(axis, axis + 1)


def _every_second(image: Tensor, first: int, axis: int) -> Tensor:
    return image[:, :, first::2] if axis == 2 else image[..., first::2]
