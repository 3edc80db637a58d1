"""VIF in both domains and IW-SSIM."""

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


# Of the listing of matlabPyrTools' sp5Filters.m, whose filters of subbands are stored column by
# column: the upper halves of the first low-pass filter and of the first and the fourth subband, and
# a quarter of the other low-pass filter.
SP5 = {
    "lo0": """
0.00341614 -0.01551246 -0.03848215 -0.01551246 0.00341614
-0.01551246 0.05586982 0.15925570 0.05586982 -0.01551246
-0.03848215 0.15925570 0.40304148 0.15925570 -0.03848215""",
    "lo": """
0.00085404 -0.00244917 -0.00387812 -0.00944432 -0.00962054
-0.00244917 -0.00523281 -0.00661117 0.00410600 0.01002988
-0.00387812 -0.00661117 0.01396746 0.03277038 0.03981393
-0.00944432 0.00410600 0.03277038 0.06426333 0.08169618
-0.00962054 0.01002988 0.03981393 0.08169618 0.10096540""",
    "first": """
0.00277643 0.00496194 0.01026699 0.01455399 0.01026699 0.00496194 0.00277643
-0.00986904 -0.00893064 0.01189859 0.02755155 0.01189859 -0.00893064 -0.00986904
-0.01021852 -0.03075356 -0.08226445 -0.11732297 -0.08226445 -0.03075356 -0.01021852
0 0 0 0 0 0 0""",
    "fourth": """
-0.00277643 0.00986904 0.01021852 0 -0.01021852 -0.00986904 0.00277643
-0.00496194 0.00893064 0.03075356 0 -0.03075356 -0.00893064 0.00496194
-0.01026699 -0.01189859 0.08226445 0 -0.08226445 0.01189859 0.01026699
-0.01455399 -0.02755155 0.11732297 0 -0.11732297 0.02755155 0.01455399""",
}  # fmt: skip


def sp5(name: str) -> Array:
    half = np.array([row.split() for row in SP5[name].split("\n")[1:]], dtype=float)
    if name == "lo":
        half = 2 * np.concatenate((half, half[:, -2::-1]), 1)
    below = half[-2::-1] * (-1 if name == "first" else 1)
    return np.concatenate((half, below)).T


def mirrored(image: Array, taps: Array) -> Array:
    """``corrDn`` with ``"reflect1"``."""
    reach = len(taps) // 2
    windows = sliding_window_view(np.pad(image, reach, mode="reflect"), taps.shape)
    return np.einsum("hwij,ij->hw", windows, taps)


def vif_wavelet(
    x: Array, y: Array, *, data_range: Range = 1.0, levels: int = 4, noise: float = 0.4
) -> Array:
    """VIF in the wavelet domain of each image, as vifvec.m: ``x`` is the distorted one."""
    values = []
    for pair in zip(x, y, strict=True):
        dist, ref = (mirrored(luma_255(image, data_range), sp5("lo0")) for image in pair)
        shared = whole = 0.0
        for level in range(levels, 0, -1):  # counted from the coarsest
            for band in ("first", "fourth"):
                bands = (mirrored(image, sp5(band)) for image in (dist, ref))
                of_band = subband_information(*bands, side=2**level + 1, noise=noise)
                shared, whole = shared + of_band[0], whole + of_band[1]
            dist, ref = (mirrored(image, sp5("lo"))[::2, ::2] for image in (dist, ref))
        values.append(shared / whole)
    return np.array(values)


def subband_information(x: Array, y: Array, *, side: int, noise: float) -> tuple[float, float]:
    """``refparams_vecgsm.m`` and ``vifsub_est_M.m``, and their sums in ``vifvec.m``."""
    h, w = (size - size % 3 for size in y.shape)
    x, y = x[:h, :w], y[:h, :w]
    every = sliding_window_view(y, (3, 3))
    covariance = np.cov(every.reshape(-1, 9).T, bias=True)
    blocks = every[::3, ::3].reshape(h // 3, w // 3, 9)
    energy = np.einsum("hwi,ij,hwj->hw", blocks, np.linalg.inv(covariance), blocks) / 9

    def windows(image: Array) -> Array:
        around = np.pad(image, side // 2, mode="reflect")
        found = sliding_window_view(around, (side, side))[1::3, 1::3].reshape(h // 3, w // 3, -1)
        return found - found.mean(2, keepdims=True)

    off_x, off_y = windows(x), windows(y)
    var_x, var_y = (off_x**2).sum(2), (off_y**2).sum(2)
    cov = (off_x * off_y).sum(2)
    gain = cov / (var_y + 1e-15)
    rest = (var_x - gain * cov) / side**2
    gain[(var_x < 1e-15) | (var_y < 1e-15) | (gain < 0)] = 0  # where the rest does not count
    rest = np.maximum(rest, 1e-15)
    out = -(-(side // 2) // 3)
    inside = (slice(out, h // 3 - out), slice(out, w // 3 - out))
    gain, rest, energy = gain[inside], rest[inside], energy[inside]
    shared = whole = 0.0
    for variance in np.linalg.eigvalsh(covariance):
        shared += np.log2(1 + gain**2 * energy * variance / (rest + noise)).sum()
        whole += np.log2(1 + energy * variance / noise).sum()
    return shared, whole


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
