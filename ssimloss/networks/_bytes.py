"""Bytes that replace activations: whether an element passes a ReLU, and which of four values was
the maximum.

On a CPU the bytes are computed block by block, by operations that PyTorch has vectorised.
Intermediate results stay in the cache, and only the result is new memory, whose first access costs
more than the arithmetic. The equivalent one-line comparisons and selections take three to six
times as long on a CPU; other devices use them.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from ssimloss._torch import dispatches, is_batched_or_dual

DEAD = 255  # instead of the place of a maximum: its ReLU is 0 there
BLOCK = 1 << 16  # elements per thread
# By the size of a floating point element in bytes.
_INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}


def alive(rectified: Tensor) -> Tensor:
    """Where a rectified value is not 0, as ``bool``. NaN counts as not 0, as in PyTorch's gradient
    of a ReLU.
    """
    return rectified.bool()


def is_memory(gradient: Tensor) -> bool:
    """Whether a gradient may be computed in place on its bits: it needs no graph, is not part of
    ``torch.vmap`` or forward-mode differentiation, and its class has memory.
    """
    return not (torch.is_grad_enabled() or is_batched_or_dual(gradient) or dispatches(gradient))


def let_through(gradient: Tensor, passes: Tensor, *, owned: bool) -> Tensor:
    """The gradient where ``passes``, else 0, even if infinite; in place if ``owned``."""
    if gradient.device.type != "cpu" or not is_memory(gradient):
        return gradient.masked_fill_(~passes, 0) if owned else gradient.masked_fill(~passes, 0)
    layout = layout_of(passes)
    dense = gradient.contiguous(memory_format=layout)
    result = dense if owned or dense is not gradient else torch.empty_like(dense)
    integer = _INTEGERS[dense.element_size()]
    source, target, byte = (
        _flat(t, layout).view(d)
        for t, d in ((dense, integer), (result, integer), (passes, torch.int8))
    )
    step = BLOCK * torch.get_num_threads()
    bits = torch.empty(min(step, byte.numel()), dtype=integer, device=byte.device)
    for start in range(0, byte.numel(), step):
        part = slice(start, start + step)
        mask = bits[: byte[part].numel()]
        mask.copy_(byte[part]).neg_()  # 1 becomes all bits
        torch.bitwise_and(source[part], mask, out=target[part])
    return result


def halve(x: Tensor, *, rectified: bool) -> tuple[Tensor, Tensor]:
    """The maxima of 2x2 squares ``(N, C, H//2, W//2)``, and the place of each as ``uint8``: 0 and 1
    in the upper row, 2 and 3 in the lower one.

    For equal values, the first place counts, as in PyTorch. With ``rectified``, maxima below 0
    become 0, and their place becomes :data:`DEAD`.
    """
    layout = layout_of(x)
    n, c, h, w = x.shape[0], x.shape[1], x.shape[2] // 2, x.shape[3] // 2
    y = torch.empty((n, c, h, w), dtype=x.dtype, device=x.device, memory_format=layout)
    place = torch.empty((n, c, h, w), dtype=torch.uint8, device=x.device, memory_format=layout)
    for image, rows in _row_blocks(y):
        squares = x[image, :, 2 * rows.start : 2 * rows.stop, : 2 * w]
        left = squares[..., 0::2]
        larger = torch.maximum(left, squares[..., 1::2])
        is_right = (larger - left).bool().view(torch.uint8)
        above = larger[..., 0::2, :]
        maxima = torch.maximum(above, larger[..., 1::2, :])
        is_below = (maxima - above).bool().view(torch.uint8)
        where = (
            is_right[..., 1::2, :]
            .sub(is_right[..., 0::2, :])
            .add_(2)
            .mul_(is_below)
            .add_(is_right[..., 0::2, :])
        )
        if rectified:
            F.relu_(maxima)
            where.bitwise_or_(maxima.bool().view(torch.uint8).sub_(1))  # 0 becomes all bits
        y[image, :, rows] = maxima
        place[image, :, rows] = where
    return y, place


def spread(gradient: Tensor, place: Tensor, height: int, width: int) -> Tensor:
    """Put the gradient of each 2x2 square at the place of its maximum, and 0 elsewhere:
    ``(N, C, height, width)``.
    """
    if not is_memory(gradient):
        squares = torch.arange(4, dtype=torch.uint8, device=place.device).view(2, 1, 2)
        apart = (tensor.unsqueeze(3).unsqueeze(5) for tensor in (place, gradient))
        where, given = apart  # (N, C, h, 1, w, 1)
        n, c, h, w = place.shape
        parted = torch.where(where == squares, given, 0).reshape(n, c, 2 * h, 2 * w)
        return F.pad(parted, (0, width - 2 * w, 0, height - 2 * h))
    layout = layout_of(place)
    h, w = place.shape[2:]
    shape = (*place.shape[:2], height, width)
    whole = torch.empty(shape, dtype=gradient.dtype, device=gradient.device, memory_format=layout)
    whole[:, :, 2 * h :].zero_()
    whole[..., 2 * w :].zero_()
    integer = _INTEGERS[gradient.element_size()]
    for image, rows in _row_blocks(place):
        given, where = gradient[image, :, rows].view(integer), place[image, :, rows]
        for i in range(4):
            mask = (where ^ i).bool().view(torch.int8).sub_(1).to(integer)  # equal becomes all bits
            square = whole[image, :, 2 * rows.start + i // 2 : 2 * rows.stop : 2, i % 2 : 2 * w : 2]
            torch.bitwise_and(given, mask, out=square.view(integer))
    return whole


def layout_of(tensor: Tensor) -> torch.memory_format:
    """The dense layout nearest to that of the tensor."""
    is_plain = tensor.is_contiguous() or not tensor.is_contiguous(memory_format=torch.channels_last)
    return torch.contiguous_format if is_plain else torch.channels_last


def _flat(tensor: Tensor, layout: torch.memory_format) -> Tensor:
    """A dense tensor in the order of its memory."""
    return (
        tensor.permute(0, 2, 3, 1).flatten() if layout is torch.channels_last else tensor.flatten()
    )


def _row_blocks(pooled: Tensor) -> Iterator[tuple[slice, slice]]:
    """Numbers of images and rows that make about one block of the pooled map. On devices other than
    a CPU, the block is the whole map.
    """
    n, c, h, w = pooled.shape
    if pooled.device.type != "cpu":
        yield slice(0, n), slice(0, h)
        return
    rows = max(1, BLOCK * torch.get_num_threads() // max(1, c * w))
    images = max(1, rows // max(1, h))
    for image in range(0, n, images):
        for row in range(0, h, rows):
            yield slice(image, min(n, image + images)), slice(row, min(h, row + rows))
