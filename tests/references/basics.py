"""Range, reductions, windows and local moments."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

Array = np.ndarray


Range = float | tuple[float, float]


# Wang, Simoncelli & Bovik 2003; they sum to 1.0001.
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


PAD_MODES = {"reflect": "reflect", "replicate": "edge", "zeros": "constant"}


def span(data_range: Range) -> tuple[float, float]:
    """``(lo, L)``: the value that counts as black, and the width of the range."""
    lo, hi = data_range if isinstance(data_range, tuple) else (0.0, data_range)
    return lo, hi - lo


def reduce(values: Array, weight: Array | None = None, reduction: str = "mean") -> Array | float:
    """``mean`` is one weighted mean over everything; ``image`` one per image, ``(N,)``; a weight is
    broadcast over the channels.
    """
    weight = np.ones_like(values) if weight is None else np.broadcast_to(weight, values.shape)
    axes = tuple(range(1, values.ndim))
    if reduction == "mean":
        return float((values * weight).sum() / weight.sum())
    if reduction == "sum":
        return float((values * weight).sum())
    if reduction == "image":
        return (values * weight).sum(axis=axes) / weight.sum(axis=axes)
    if reduction == "none":
        return values
    raise ValueError(reduction)


def window(kind: str | Sequence[float] | Array, size: int = 11, sigma: float = 1.5) -> Array:
    """1-D window of sum 1: ``gaussian``, ``uniform``, or any taps given (divided by their sum)."""
    if isinstance(kind, str):
        if kind not in ("gaussian", "uniform"):
            raise ValueError(kind)
        distance = np.arange(size) - (size - 1) / 2
        taps = np.exp(-(distance**2) / (2 * sigma**2)) if kind == "gaussian" else np.ones(size)
    else:
        taps = np.asarray(kind, dtype=np.float64)
    return taps / taps.sum()


def pad(x: Array, size: int, padding: str) -> Array:
    """The spatial axes grown by ``size - 1`` so that windows of ``size`` give one result per pixel;
    ``valid`` grows nothing.
    """
    if padding == "valid":
        return x
    near = (size - 1) // 2
    return np.pad(
        x, [(0, 0), (0, 0)] + [(near, size - 1 - near)] * (x.ndim - 2), mode=PAD_MODES[padding]
    )


def taps(taps_1d: Array, shape: Sequence[int]):
    """Each tap of the n-dimensional window: its weight, and the slices of an array of ``shape``
    that it meets at all positions.
    """
    size, dims = len(taps_1d), len(shape) - 2
    for offsets in itertools.product(range(size), repeat=dims):
        weight = math.prod(float(taps_1d[offset]) for offset in offsets)
        yield (
            weight,
            (
                ...,
                *(
                    slice(offset, length - size + 1 + offset)
                    for offset, length in zip(offsets, shape[2:], strict=True)
                ),
            ),
        )


def local_moments(
    x: Array, y: Array, taps_1d: Array, mask: Array | None = None
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """``mu_x, mu_y, var_x, var_y, cov_xy, mass`` of every window that lies inside the arrays.

    With a mask the window's weights are multiplied by it and renormalised; ``mass`` is their sum
    before that. Values are taken relative to each window's middle pixel first, so the moments of a
    constant window are exactly zero.
    """
    size = len(taps_1d)
    middle = (
        ...,
        *(slice((size - 1) // 2, (size - 1) // 2 + length - size + 1) for length in x.shape[2:]),
    )
    if mask is None:
        mass = divisor = np.ones_like(x[:, :1][middle])
    else:
        x, y = np.where(mask > 0, x, 0.0), np.where(mask > 0, y, 0.0)
        mass = sum(weight * mask[at] for weight, at in taps(taps_1d, x.shape))
        divisor = np.where(mass > 0, mass, 1.0)
    origin_x, origin_y = x[middle], y[middle]
    every = [
        (weight if mask is None else weight * mask[at] / divisor, at)
        for weight, at in taps(taps_1d, x.shape)
    ]
    mu_x = origin_x + sum(weight * (x[at] - origin_x) for weight, at in every)
    mu_y = origin_y + sum(weight * (y[at] - origin_y) for weight, at in every)
    var_x, var_y, cov_xy = (np.zeros_like(mu_x) for _ in range(3))
    for weight, at in every:
        apart_x, apart_y = x[at] - mu_x, y[at] - mu_y
        weighted = weight * apart_x
        var_x += weighted * apart_x
        cov_xy += weighted * apart_y
        var_y += weight * apart_y**2
    return mu_x, mu_y, var_x, var_y, cov_xy, mass
