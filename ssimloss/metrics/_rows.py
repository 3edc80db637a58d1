"""Rows of index and values of images, and sums of values, on devices with and without float64.

On Apple's GPUs, which have no float64, a row is int64: the index, and the bits of the values in
float32. Sums there keep their rounding error.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ssimloss._precision import moved, widest_dtype

Index = Tensor | Sequence[int]
MIXED = (
    "index must be given in every update between two resets, and by every process, or in none; "
    "call reset() before another epoch"
)
# The largest difference of two values of one image, relative to their size and to the largest one.
SAME = (1e-2, 1e-3)
NOWHERE = -(1 << 62)  # stands for a missing index where rows are integers, which have no NaN


def checked_index(index: Index, count: int) -> Tensor:
    """The index of each image, ``(count,)`` integers, on its device."""
    if not isinstance(index, Tensor):
        index = _as_tensor(index)
    if index.is_floating_point() or index.is_complex() or index.dtype is torch.bool:
        raise TypeError(
            f"index must be integers, the place of each image in the dataset, got {index.dtype}"
        )
    if tuple(index.shape) != (count,):
        raise ValueError(
            f"index must have one integer for each of {count} images, got shape "
            f"{tuple(index.shape)}"
        )
    return index


def _as_tensor(index: Any) -> Tensor:
    """The index as a tensor.

    Raises:
        TypeError: it is neither numbers nor empty.
    """
    try:
        dtype = None if len(index) else torch.int64
        return torch.tensor(index, dtype=dtype, device="cpu")
    except (TypeError, ValueError) as error:
        raise TypeError(
            "index must be the place of each image in the dataset, a tensor or a list of integers, "
            f"got {index!r}; leave it out, or take other items of a batch with "
            "unpack=lambda batch: (batch[0], batch[1])"
        ) from error


def places(index: Index | None, count: int, device: torch.device) -> Tensor:
    """The index of each image on the device, ``(count,)``: float64 and NaN without an index; int64
    and ``NOWHERE`` on a device without float64.
    """
    dtype = _dtype_on(device)
    if index is None:
        nowhere = torch.nan if dtype.is_floating_point else NOWHERE
        return torch.full((count,), nowhere, dtype=dtype, device=device)
    return checked_index(index, count).to(device, dtype, non_blocking=True)


def rows_of(place: Tensor, *columns: Tensor) -> Tensor:
    """Rows ``(N, 1 + M)`` of :func:`places` and columns of values ``(N,)``."""
    if not place.is_floating_point():
        columns = tuple(c.to(torch.float32).view(torch.int32).to(torch.int64) for c in columns)
    return torch.stack([place, *columns], 1)


def no_rows(columns: int, device: torch.device) -> Tensor:
    """Rows of no image."""
    return torch.zeros(0, 1 + columns, dtype=_dtype_on(device), device=device)


def plain_rows(rows: Tensor) -> Tensor:
    """Rows in float64, on the host if they were in bits."""
    if rows.is_floating_point():
        return rows
    rows = rows.cpu()
    place, bits = rows[:, :1], rows[:, 1:].to(torch.int32)
    index = place.to(torch.float64).masked_fill(place == NOWHERE, torch.nan)
    return torch.cat([index, bits.view(torch.float32).to(torch.float64)], 1)


def moved_state(state: Tensor, device: torch.device) -> Tensor:
    """The state of a metric on a device: rows, or anything else."""
    if state.ndim == 2 and state.dtype in (torch.float64, torch.int64):
        if state.dtype is _dtype_on(device):
            return state.to(device)
        if not state.is_floating_point():
            return plain_rows(state).to(device)
        without = state[:, 0].isnan()
        place = state[:, 0].masked_fill(without, 0).to(torch.int64).masked_fill(without, NOWHERE)
        return rows_of(place, *state[:, 1:].unbind(1)).to(device)
    return moved(state, device)


def _dtype_on(device: torch.device) -> torch.dtype:
    """The dtype of rows."""
    wide = widest_dtype(device) is torch.float64
    return torch.float64 if wide else torch.int64


def summed(total: Tensor, lost: Tensor, more: Tensor) -> tuple[Tensor, Tensor]:
    """A sum with ``more`` added, and its rounding error unless in float64, on the device of
    ``more``.

    Knuth, "The Art of Computer Programming", volume 2: the error of an addition is a number of the
    same dtype.
    """
    if more.dtype is torch.float64:
        return total + more, lost
    total, lost = moved(total, more.device), moved(lost, more.device)
    found = total + more
    part = found - total
    error = (total - (found - part)) + (more - part)
    return found, lost + torch.where(found.isfinite(), error, 0)


def are_indexed(place: Tensor, others: Tensor | int = 0) -> bool:
    """Whether images came with an index.

    Raises:
        ValueError: only some did. ``others`` images without a row have no index.
    """
    without = place.isnan()
    if without.all():
        return False
    if without.any() or others > 0:
        raise ValueError(MIXED)
    return True


def add_rows(rows: list[Tensor], more: Tensor) -> None:
    """Append ``(N, K)`` rows, and join neighbours of similar length, so that many small batches
    need no more memory than their rows.
    """
    rows.append(more)
    while len(rows) > 1 and len(rows[-2]) <= len(rows[-1]):
        rows[-2:] = [torch.cat(rows[-2:])]


def once_each(rows: Tensor) -> Tensor:
    """``(K, 1 + M)`` rows of index and values as ``(n, 1 + M)`` rows in the order of the index,
    each image once.

    If an image was measured twice and its values differ by rounding, the largest is kept; NaN takes
    precedence.

    Raises:
        ValueError: an index is negative, or different images have the same index.
    """
    index, values = rows[:, 0], rows[:, 1:]
    columns = []
    for column in values.unbind(1):
        falling = torch.sort(column, descending=True, stable=True).indices  # NaN first
        within, again = in_order(index[falling])
        order = falling[within]
        ordered = column[order]
        largest = torch.where(column.isfinite(), column.abs(), 0).amax()
        size = torch.maximum(
            ordered[1:].abs(), ordered[:-1].abs()
        )  # infinite beside an infinite value, which is compared with none
        check_repeated(
            index[order], again, ordered[:-1] - ordered[1:], SAME[0] * size + SAME[1] * largest
        )
        columns.append(ordered[~again])
    order, again = in_order(index)
    return torch.stack([index[order][~again], *columns], 1)


def in_order(index: Tensor) -> tuple[Tensor, Tensor]:
    """The stable order by index, and for each index in this order whether it repeats the previous
    one.
    """
    order = torch.sort(index, stable=True).indices
    place = index[order]
    again = torch.zeros_like(place, dtype=torch.bool)
    again[1:] = place[1:] == place[:-1]
    return order, again


def check_repeated(place: Tensor, again: Tensor, distance: Tensor, allowed: Tensor) -> None:
    """Raise if different images have the same index.

    Args:
        place, again: ``(n,)``, the indices in order, and whether each repeats the previous one.
        distance, allowed: ``(n - 1,)``, the difference of each value from the previous one, and the
            largest allowed difference.
    """
    if (place < 0).any():
        raise ValueError(
            f"index must not be negative, got {place.min():.0f}; it is the place of each image in "
            "the dataset"
        )
    wrong = again[1:] & (distance > allowed)
    if wrong.any():
        raise ValueError(
            "index must be the place of each image in the whole dataset, got "
            f"{place[1:][wrong][0]:.0f} for different images, of which one would count; let the "
            "dataset return its index, or add the number of images in the batches before"
        )
