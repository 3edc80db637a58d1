"""Central moments of overlapping blocks, merged from those of the cells that they consist of."""

import functools

import torch
from torch import Tensor


def cell_moments(image: Tensor, side: int, order: int) -> list[Tensor]:
    """The mean and the central moments up to ``order`` of each ``side x side`` pixels."""
    rows, columns = (length // side for length in image.shape[2:])
    image = image[:, :, : rows * side, : columns * side]
    parts = image.reshape(*image.shape[:2], rows, side, columns, side)
    mean = parts.mean((3, 5), keepdim=True)
    offset = parts - mean
    power, moments = offset, [mean[:, :, :, 0, :, 0]]
    for _ in range(order - 1):
        power = power * offset
        moments.append(power.mean((3, 5)))
    return moments


def block_moments(cells: list[Tensor], count: int) -> list[Tensor]:
    """The mean and the central moments of ``count x count`` cells from each position on.

    Moments of equal parts are merged about the common mean, so that nothing cancels.
    """
    for axis in (2, 3):
        length = cells[0].shape[axis] - count + 1
        parts = [[m.narrow(axis, k, length) for m in cells] for k in range(count)]
        mean = functools.reduce(torch.add, [part[0] for part in parts]) / count
        merged: list[list[Tensor]] = []
        for part in parts:
            d = part[0] - mean
            found = [part[1] + d * d]
            if len(cells) > 2:
                found.append(part[2] + d * (3 * part[1] + d * d))
                found.append(part[3] + d * (4 * part[2] + d * (6 * part[1] + d * d)))
            merged.append(found)
        sums = [functools.reduce(torch.add, same) / count for same in zip(*merged, strict=True)]
        cells = [mean, *sums]
    return cells
