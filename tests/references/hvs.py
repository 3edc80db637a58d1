"""PSNR-HVS, PSNR-HVS-M and DSS, on blocks of the discrete cosine transform."""

from __future__ import annotations

import itertools
import math

import numpy as np
from references.basics import Array, Range
from references.gradient_similarity import luma_255

# CSFCof and MaskCof of psnrhvsm.m.
HVS_SENSITIVITY = np.array(
    [
        [1.608443, 2.339554, 2.573509, 1.608443, 1.072295, 0.643377, 0.504610, 0.421887],
        [2.144591, 2.144591, 1.838221, 1.354478, 0.989811, 0.443708, 0.428918, 0.467911],
        [1.838221, 1.979622, 1.608443, 1.072295, 0.643377, 0.451493, 0.372972, 0.459555],
        [1.838221, 1.513829, 1.169777, 0.887417, 0.504610, 0.295806, 0.321689, 0.415082],
        [1.429727, 1.169777, 0.695543, 0.459555, 0.378457, 0.236102, 0.249855, 0.334222],
        [1.072295, 0.735288, 0.467911, 0.402111, 0.317717, 0.247453, 0.227744, 0.279729],
        [0.525206, 0.402111, 0.329937, 0.295806, 0.249855, 0.212687, 0.214459, 0.254803],
        [0.357432, 0.279729, 0.270896, 0.262603, 0.229778, 0.257351, 0.249855, 0.259950],
    ]
)


HVS_MASKING = np.array(
    [
        [0.390625, 0.826446, 1.000000, 0.390625, 0.173611, 0.062500, 0.038447, 0.026874],
        [0.694444, 0.694444, 0.510204, 0.277008, 0.147929, 0.029727, 0.027778, 0.033058],
        [0.510204, 0.591716, 0.390625, 0.173611, 0.062500, 0.030779, 0.021004, 0.031888],
        [0.510204, 0.346021, 0.206612, 0.118906, 0.038447, 0.013212, 0.015625, 0.026015],
        [0.308642, 0.206612, 0.073046, 0.031888, 0.021626, 0.008417, 0.009426, 0.016866],
        [0.173611, 0.081633, 0.033058, 0.024414, 0.015242, 0.009246, 0.007831, 0.011815],
        [0.041649, 0.024414, 0.016437, 0.013212, 0.009426, 0.006830, 0.006944, 0.009803],
        [0.019290, 0.011815, 0.011080, 0.010412, 0.007972, 0.010000, 0.009426, 0.010203],
    ]
)


def hvs_error(x: Array, y: Array, masks: bool) -> float:
    """Error of two gray images from 0 to 255 as ``psnrhvsm.m`` sums it, block by block."""
    k = np.arange(8)
    dct = np.cos(math.pi * k[:, None] * (2 * k + 1) / 16) * np.sqrt(np.where(k, 2, 1) / 8)[:, None]

    def scatter(part: Array) -> float:
        return part.var(ddof=1) * part.size

    def strength(block: Array, spectrum: Array) -> float:
        energy = (spectrum**2 * HVS_MASKING).sum() - spectrum[0, 0] ** 2 * HVS_MASKING[0, 0]
        whole = scatter(block)
        quarters = sum(scatter(block[i : i + 4, j : j + 4]) for i in (0, 4) for j in (0, 4))
        return math.sqrt(energy * (quarters / whole if whole else whole)) / 32

    errors = []
    for i, j in itertools.product(range(0, x.shape[0] - 7, 8), range(0, x.shape[1] - 7, 8)):
        blocks = [image[i : i + 8, j : j + 8] for image in (x, y)]
        spectra = [dct @ block @ dct.T for block in blocks]
        unlike = np.abs(spectra[0] - spectra[1])
        if masks:
            masked = max(map(strength, blocks, spectra)) / HVS_MASKING
            masked[0, 0] = 0
            unlike = np.maximum(unlike - masked, 0)
        errors.append(((unlike * HVS_SENSITIVITY) ** 2).mean())
    return float(np.mean(errors))


def psnr_hvs(x: Array, y: Array, *, data_range: Range = 1.0, masks: bool = False) -> Array:
    """PSNR-HVS of each image (Egiazarian et al. 2006), with ``masks`` PSNR-HVS-M (Ponomarenko et
    al. 2007).
    """
    pairs = zip(x, y, strict=True)
    errors = [hvs_error(*(luma_255(image, data_range) for image in pair), masks) for pair in pairs]
    return 10 * np.log10(255**2 / np.array(errors))


def dss(
    x: Array,
    y: Array,
    *,
    data_range: Range = 1.0,
    sigma: float = 1.55,
    worst: float = 0.05,
) -> Array:
    """DSS of each image (Balanov et al. 2015), subband by subband, position by position."""
    u = np.arange(8)
    dct = np.sqrt(np.where(u > 0, 2, 1) / 8)[:, None] * np.cos(
        np.pi * u[:, None] * (2 * u + 1) / 16
    )
    down, right = np.indices((3, 3)) - 1
    window_2d = np.exp(-(down**2 + right**2) / (2 * 1.5**2))
    window_2d /= window_2d.sum()
    values = []
    for pair in zip(x, y, strict=True):
        bands = []
        for image in pair:
            gray = luma_255(image, data_range)
            rows, columns = (side // 8 for side in gray.shape)
            tiles = gray[: 8 * rows, : 8 * columns].reshape(rows, 8, columns, 8)
            bands.append(np.einsum("ki,ricj,mj->kmrc", dct, tiles, dct))
        total = weights = 0.0
        for k, m in itertools.product(range(8), range(8)):
            weight = math.exp(-((k + 0.5) ** 2 + (m + 0.5) ** 2) / (2 * sigma**2))
            if weight < 0.01:
                continue
            c = 300.0 if k or m else 1000.0
            left, right_terms = [], []
            a, b = (np.pad(band[k, m], 1) for band in bands)
            for i, j in itertools.product(range(rows), range(columns)):
                p, q = a[i : i + 3, j : j + 3], b[i : i + 3, j : j + 3]
                means = (window_2d * p).sum(), (window_2d * q).sum()
                s_p = max((window_2d * p * p).sum() - means[0] ** 2, 0)
                s_q = max((window_2d * q * q).sum() - means[1] ** 2, 0)
                s_pq = (window_2d * p * q).sum() - means[0] * means[1]
                left.append((2 * math.sqrt(s_p * s_q) + c) / (s_p + s_q + c))
                right_terms.append((s_pq + c) / (math.sqrt(s_p * s_q) + c))
            count = max(1, math.floor(worst * rows * columns + 0.5))
            similarity = np.sort(left)[:count].mean()
            if not k and not m:
                similarity *= np.sort(right_terms)[:count].mean()
            total, weights = total + weight * similarity, weights + weight
        values.append(total / weights)
    return np.array(values)
