"""Total variation, edges and differences of gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from references.basics import Array, reduce


def total_variation(x: Array, *, kind: str = "mean") -> Array:
    """``(N,)``, of neighbour differences dx, dy inside the image.

    ``mean``: mean|dx| + mean|dy| (BasicSR); ``sum``: the sums (kornia, torchmetrics, TensorFlow);
    ``l2``: sqrt(sum dx^2 + sum dy^2) (piq); ``squared``: sum dx^2 + sum dy^2; ``isotropic``: sum
    over all pixels of sqrt(dx^2 + dy^2), differences across the far border being 0 (Rudin, Osher &
    Fatemi 1992).
    """
    axes = (1, 2, 3)
    dx, dy = np.diff(x, axis=3), np.diff(x, axis=2)
    if kind == "mean":
        return np.abs(dx).mean(axis=axes) + np.abs(dy).mean(axis=axes)
    if kind == "sum":
        return np.abs(dx).sum(axis=axes) + np.abs(dy).sum(axis=axes)
    if kind == "squared":
        return (dx**2).sum(axis=axes) + (dy**2).sum(axis=axes)
    if kind == "l2":
        return np.sqrt(total_variation(x, kind="squared"))
    if kind == "isotropic":
        dx, dy = np.diff(x, axis=3, append=x[..., -1:]), np.diff(x, axis=2, append=x[:, :, -1:])
        return np.sqrt(dx**2 + dy**2).sum(axis=axes)
    raise ValueError(kind)


def correlate3(x: Array, kernel: Sequence[Sequence[float]]) -> Array:
    """3x3 correlation, replicated border, same size."""
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], mode="edge")
    height, width = x.shape[2:]
    return sum(
        kernel[i][j] * padded[..., i : i + height, j : j + width]
        for i in range(3)
        for j in range(3)
    )


def sobel(x: Array) -> tuple[Array, Array]:
    """``(Gx, Gy)``, unnormalised: a unit ramp reads 8. Gx grows to the right, Gy downwards."""
    kernel = np.outer([1, 2, 1], [-1, 0, 1])
    return correlate3(x, kernel), correlate3(x, kernel.T)


def scharr(x: Array) -> tuple[Array, Array]:
    """``(Gx, Gy)`` with smoothing taps 3, 10, 3, unnormalised: a unit ramp reads 32."""
    kernel = np.outer([3, 10, 3], [-1, 0, 1])
    return correlate3(x, kernel), correlate3(x, kernel.T)


def laplacian(x: Array) -> Array:
    """Four-neighbour Laplacian."""
    return correlate3(x, [[0, 1, 0], [1, -4, 1], [0, 1, 0]])


def gradient_difference_maps(x: Array, y: Array, *, alpha: float = 1.0) -> tuple[Array, Array]:
    """``(vertical, horizontal)``: ||y_i - y_i-1| - |x_i - x_i-1||^alpha."""
    vertical, horizontal = (
        np.abs(np.abs(np.diff(x, axis=axis)) - np.abs(np.diff(y, axis=axis))) ** alpha
        for axis in (2, 3)
    )
    return vertical, horizontal


def gradient_difference(
    x: Array, y: Array, *, alpha: float = 1.0, reduction: str = "mean"
) -> Array | float:
    """Image gradient difference (Mathieu, Couprie & LeCun 2016): the two directions are each
    reduced, then added; the paper sums.
    """
    vertical, horizontal = gradient_difference_maps(x, y, alpha=alpha)
    return reduce(vertical, None, reduction) + reduce(horizontal, None, reduction)
