"""VIF and IW-SSIM."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from references.basics import MS_SSIM_WEIGHTS, Array, Range, window
from references.gradient_similarity import luma_255
from references.pyramids import imenlarge2, laplacian_pyramid
from references.structure import ssim_map


def vif(x: Array, y: Array, *, data_range: Range = 1.0, noise: float = 2.0) -> Array:
    """VIF in the pixel domain of each image, as vifp_mscale.m: ``x`` is the distorted one."""
    values = []
    for pair in zip(x, y, strict=True):
        dist, ref = (luma_255(image, data_range) for image in pair)
        shared = whole = 0.0
        for scale, size in enumerate((17, 9, 5, 3)):
            taps_1d = window("gaussian", size, size / 5)
            weights = np.outer(taps_1d, taps_1d)

            def mean(image: Array, weights: Array = weights) -> Array:
                return (sliding_window_view(image, weights.shape) * weights).sum((2, 3))

            if scale:
                dist, ref = mean(dist)[::2, ::2], mean(ref)[::2, ::2]
            var_d = np.maximum(mean(dist**2) - mean(dist) ** 2, 0)
            var_r = np.maximum(mean(ref**2) - mean(ref) ** 2, 0)
            cov = mean(dist * ref) - mean(dist) * mean(ref)
            gain = cov / (var_r + 1e-10)
            rest = var_d - gain * cov
            flat_r, flat_d = var_r < 1e-10, var_d < 1e-10
            gain[flat_r], rest[flat_r], var_r[flat_r] = 0, var_d[flat_r], 0
            gain[flat_d], rest[flat_d] = 0, 0
            rest[gain < 0] = var_d[gain < 0]
            gain[gain < 0] = 0
            rest = np.maximum(rest, 1e-10)
            shared += np.log10(1 + gain**2 * var_r / (rest + noise)).sum()
            whole += np.log10(1 + var_r / noise).sum()
        values.append(shared / whole)
    return np.array(values)


def information_weight(x: Array, y: Array, parent: Array | None, noise: float) -> Array:
    """``info_content_weight_map.m`` of one band; ``y`` is the reference. The outermost positions
    are left out.
    """
    windows_x, windows_y = (sliding_window_view(band, (3, 3)) for band in (x, y))
    mu_x, mu_y = windows_x.mean((2, 3)), windows_y.mean((2, 3))
    off_x, off_y = windows_x - mu_x[..., None, None], windows_y - mu_y[..., None, None]
    var_x, var_y = (off_x**2).mean((2, 3)), (off_y**2).mean((2, 3))
    cov = (off_x * off_y).mean((2, 3))
    g = np.where((var_x < 1e-15) | (var_y < 1e-15), 0, cov / (var_y + 1e-15))
    var_v = np.where(var_x < 1e-15, 0, var_x - g * cov)
    around = windows_y.reshape(*mu_y.shape, 9)
    if parent is not None:
        inside = imenlarge2(parent)[: y.shape[0], : y.shape[1]][1:-1, 1:-1]
        around = np.concatenate((around, inside[..., None]), 2)
    rows = around.reshape(-1, around.shape[2])
    covariance = rows.T @ rows / len(rows)
    s2 = ((rows @ np.linalg.inv(covariance)) * rows).sum(1).reshape(mu_y.shape) / rows.shape[1]
    total = np.zeros_like(s2)
    for variance in np.linalg.eigvalsh(covariance):
        signal = (var_v + (1 + g**2) * noise) * s2 * variance
        total += np.log2(1 + (signal + noise * var_v) / noise**2)
    return total


def iw_ssim(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    scale_weights: Sequence[float] = MS_SSIM_WEIGHTS,
    noise: float = 0.4,
    even: bool = False,
    normalised: bool = True,
) -> Array:
    """IW-SSIM of each image (Wang & Li 2011); ``x`` is the distorted one.

    ``even`` as in ``laplacian_pyramid``; ``normalised`` divides the weights by their sum.
    """
    values, count = [], len(scale_weights)
    total = sum(scale_weights) if normalised else 1.0
    for pair in zip(x, y, strict=True):
        dist, ref = (laplacian_pyramid(luma_255(image, data_range), count, even) for image in pair)
        value = 1.0
        for scale, exponent in enumerate(scale_weights):
            bands = [band[scale][None, None] for band in (dist, ref)]
            part = (0, 1, 1) if scale < count - 1 else (1, 1, 1)
            similarity = ssim_map(*bands, data_range=255.0, exponents=part)[0, 0]
            weight = np.ones_like(similarity)
            if scale < count - 1:
                parent = ref[scale + 1] if scale < count - 2 else None
                weight = information_weight(dist[scale], ref[scale], parent, noise)[4:-4, 4:-4]
            mean = (similarity * weight).sum() / weight.sum()
            value *= mean ** (exponent / total)
        values.append(value)
    return np.array(values)
