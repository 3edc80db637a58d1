"""Reduction and expansion by 2 with the filters of Burt & Adelson 1983, the two steps of a
Laplacian pyramid.

A filter has the taps ``a, 1/4, 1/2 - 2 a, 1/4, a``, whose even and odd taps both sum to 1/2. One
number describes it: ``a``, called ``outer``. Samples are added as weighted slices, so that no flag
of PyTorch lowers the precision and the gradient is deterministic. Weights multiply differences from
the middle sample: a flat image stays exactly as it is.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Mirror = Literal["reflect", "symmetric"]
Beyond = Literal["reflect", "reflect_even", "replicate"]


def reduced(image: Tensor, outer: float, mirror: Mirror) -> Tensor:
    """Filter an image and keep every second sample from the first.

    Args:
        image: ``(N, C, H, W)``; ``"reflect"`` needs 3 pixels on both sides, ``"symmetric"`` 2.
        outer: ``a``.
        mirror: ``"reflect"`` mirrors the image at its outermost pixels, ``"symmetric"`` at their
            outer edges.

    Returns:
        ``(N, C, ceil(H / 2), ceil(W / 2))``.
    """
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
        image = middle + near / 4 + outer * far
    return image


def expanded(coarse: Tensor, outer: float, size: Sequence[int], beyond: Beyond) -> Tensor:
    """Put zeros between the samples of an image, filter it with the taps doubled, and cut it.

    Args:
        coarse: ``(N, C, h, w)``.
        outer: ``a``.
        size: height and width of the result, ``2 h`` or ``2 h - 1`` and ``2 w`` or ``2 w - 1``.
        beyond: ``"reflect"`` mirrors the result at its outermost pixels, ``"reflect_even"`` at
            those of the even size that is cut afterwards, ``"replicate"`` repeats the outermost
            samples of ``coarse``.

    Returns:
        ``(N, C, *size)``.
    """
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
        even = middle + 2 * outer * ((wide.narrow(axis, 0, kept) - middle) + later)
        coarse = interleaved(even, middle + later / 2, axis).narrow(axis, 0, wanted)
    return coarse


def interleaved(even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """The samples of two tensors in turn along an axis."""
    return torch.stack((even, odd), axis + 1).flatten(axis, axis + 1)


def _every_second(image: Tensor, first: int, axis: int) -> Tensor:
    return image[:, :, first::2] if axis == 2 else image[..., first::2]
