"""Pixel losses and PSNR."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from references.basics import Array, Range, span


def l1(x: Array, y: Array) -> Array:
    return np.abs(x - y)


def l2(x: Array, y: Array) -> Array:
    return (x - y) ** 2


def ldl(
    x: Array,
    y: Array,
    *,
    ema: Array | None = None,
    data_range: Range = 1.0,
    window_size: int = 7,
    exponent: float = 0.2,
    distance: str = "l1",
) -> Array:
    """LDL of each image (Liang et al. 2022), window by window."""
    values, border = [], window_size // 2
    for n in range(len(x)):
        difference = (x[n] - y[n]) / span(data_range)[1]
        residual = np.abs(difference).sum(0)
        wide = np.pad(residual, border, mode="reflect")
        weight = sliding_window_view(wide, (window_size, window_size)).var((2, 3), ddof=1)
        weight = weight * residual.var(ddof=1) ** exponent
        if ema is not None:
            behind = np.abs(ema[n] - y[n]).sum(0) / span(data_range)[1]
            weight = np.where(residual < behind, 0, weight)
        distances = np.abs(weight * difference) ** {"l1": 1, "l2": 2}[distance]
        values.append(distances.mean())
    return np.array(values)


def charbonnier(x: Array, y: Array, *, eps: float = 1e-3, form: str = "eps_squared") -> Array:
    """``eps_squared``: sqrt(d^2 + eps^2), LapSRN; ``eps``: sqrt(d^2 + eps), BasicSR (1e-12);
    ``barron``: sqrt(d^2 + 1) - 1, kornia.
    """
    squared = (x - y) ** 2
    if form == "barron":
        return np.sqrt(squared + 1) - 1
    return np.sqrt(squared + {"eps_squared": eps**2, "eps": eps}[form])


def psnr(x: Array, y: Array, *, data_range: Range = 1.0, eps: float = 0.0) -> Array:
    """``(N,)`` decibels, one per image, infinite where the images are equal; ``eps`` is what some
    programs add to MSE / L^2.
    """
    mse = ((x - y) ** 2).mean(axis=tuple(range(1, x.ndim))) / span(data_range)[1] ** 2
    with np.errstate(divide="ignore"):
        return -10 * np.log10(mse + eps)


def psnr_pooled(x: Array, y: Array, *, data_range: Range = 1.0, eps: float = 0.0) -> float:
    """PSNR of the error pooled over the whole batch."""
    return float(psnr(x[None], y[None], data_range=data_range, eps=eps)[0])
